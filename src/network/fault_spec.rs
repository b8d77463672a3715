//! The requested faults: nodes that are down, nodes that come and go, partitions, nodes behind a NAT.

use super::detect_spec::DetectSpec;
use super::spec_fields::{SpecFields, escaped, read_span};
use crate::quantity;
use crate::ratio::Ratio;
use crate::sync::Interrupted;
use crate::time::Nanos;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The faults of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultSpec {
    /// Nodes that go down and stay down.
    pub down: DownSpec,
    /// Nodes that go down and come up repeatedly.
    pub churn: Option<ChurnSpec>,
    /// Groups of nodes that cannot reach each other for some time.
    pub partition: PartitionSpec,
    /// The share of nodes that can only open outgoing connections.
    pub nat: Ratio,
    /// The time after which nodes learn that a peer went down or came back; `None` if they never do.
    pub detect: Option<DetectSpec>,
}

impl Default for FaultSpec {
    fn default() -> FaultSpec {
        let (down, partition) = (DownSpec::default(), PartitionSpec::default());
        FaultSpec { down, churn: None, partition, nat: NONE, detect: None }
    }
}

/// Nodes that go down for good, in one or more outages. Written `10%`, `20%,at=1s,by=degree`,
/// `100%,at=2s,region=europe`; several are separated by `+`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DownSpec(pub Vec<Outage>);

/// One outage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The share of the selected nodes that go down.
    pub share: Ratio,
    /// The time at which they go down; 0 for nodes that are down from the start.
    pub at: Nanos,
    /// The nodes among which the share is taken.
    pub selector: Selector,
}

/// The selection of nodes for an outage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Each node independently, with the share as its probability.
    Random,
    /// The nodes with the most peers: exactly the share of all nodes, rounded up.
    Degree,
    /// Each node of a region independently, with the share as its probability.
    Region(String),
}

/// Nodes that alternate independently between up and down for exponentially distributed times. Written
/// `up=60s,down=5s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChurnSpec {
    /// The mean time up.
    pub up: Nanos,
    /// The mean time down.
    pub down: Nanos,
}

/// Cuts of the network. Written `50%,at=1s,heal=3s`, `region=europe,at=1s,one-way`; several are separated by `+`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionSpec(pub Vec<Cut>);

/// One cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The side that is cut off.
    pub side: PartitionSide,
    /// The time at which the cut begins.
    pub at: Nanos,
    /// The time at which it heals; [`Nanos::MAX`] for a cut that never heals.
    pub heal: Nanos,
    /// True if only messages out of the side are cut, and those into it pass.
    pub is_one_way: bool,
}

/// The nodes that are cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionSide {
    /// Each node independently, with this probability.
    Share(Ratio),
    /// The nodes of a region.
    Region(String),
}

/// Advice on a text that is not a time.
const TIME_ADVICE: &str = "which is no time; write a number and a unit, such as 200ms or 10s";

/// The reason why faults cannot be modelled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The user interrupted the ranking of the nodes.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// A value is not a share from 0 to 1.
    #[error("{figure} is `{written}`, which is no share from 0 to 1; write it as 0.1, 10% or 1/10")]
    Share {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// A value is not a time.
    #[error("{figure} is `{written}`{}", quantity::refusal(quantity::span_ns(written), TIME_ADVICE))]
    NoTime {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// A value is missing.
    #[error("{figure} is missing; write {forms}")]
    Missing {
        /// Name of the value.
        figure: &'static str,
        /// The notation that is accepted.
        forms: &'static str,
    },
    /// The text holds more than the notation takes.
    #[error("`{written}` is one figure too many; write {forms}")]
    Surplus {
        /// The first unused part.
        written: String,
        /// The notation that is accepted.
        forms: &'static str,
    },
    /// The selection of nodes is unknown.
    #[error("by is `{written}`; choose random or degree, or leave it out and name a region")]
    Selector {
        /// The text as written.
        written: String,
    },
    /// A region has no name.
    #[error("region has no name; write one that the network knows")]
    NoRegionName,
    /// The mean time up or down is outside its limits.
    #[error(
        "{period} is {}, and a node is up or down for {} to {} on average; ask for a time between them", time.written(),
        PERIOD_LEAST.written(), PERIOD_MOST.written()
    )]
    Period {
        /// Name of the period.
        period: &'static str,
        /// Mean length of the period.
        time: Nanos,
    },
    /// A partition heals before it begins.
    #[error("the cut heals at {} and begins at {}; let it heal later", heal.written(), at.written())]
    HealsTooSoon {
        /// Begin of the partition.
        at: Nanos,
        /// Time at which it heals.
        heal: Nanos,
    },
    /// The network has no regions.
    #[error(
        "--{option} region={} without --network: only a network with regions has that one; choose one with --network",
        escaped(name)
    )]
    NoRegions {
        /// The option that names the region, without dashes.
        option: &'static str,
        /// The region.
        name: String,
    },
    /// The network does not have this region.
    #[error("--{option} region={}: the network has no such region; choose one of {known}", escaped(name))]
    UnknownRegion {
        /// The option that names the region, without dashes.
        option: &'static str,
        /// The region.
        name: String,
        /// The regions of the network.
        known: String,
    },
}

impl DownSpec {
    /// The accepted notations, for help texts and errors.
    pub const WRITTEN: &'static str = "SHARE[,at=TIME][,by=random|degree or ,region=NAME], several with + between";
}

impl ChurnSpec {
    /// The accepted notation, for help texts and errors.
    pub const WRITTEN: &'static str = "up=TIME,down=TIME";

    /// Returns the churn if both mean times are within their limits.
    ///
    /// # Errors
    ///
    /// [`FaultError`] if a mean time is outside its limits.
    #[doc(hidden)]
    pub fn check(self) -> Result<ChurnSpec, FaultError> {
        for (period, time) in [("up", self.up), ("down", self.down)] {
            if !(PERIOD_LEAST..=PERIOD_MOST).contains(&time) {
                return Err(FaultError::Period { period, time });
            }
        }
        Ok(self)
    }
}

impl PartitionSpec {
    /// The accepted notations, for help texts and errors.
    pub const WRITTEN: &'static str = "SHARE or region=NAME[,at=TIME][,heal=TIME][,one-way], several with + between";
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.share)?;
        if self.at != Nanos::ZERO {
            write!(f, ",at={}", self.at.written())?;
        }
        match &self.selector {
            Selector::Random => Ok(()),
            Selector::Degree => f.write_str(",by=degree"),
            Selector::Region(name) => write!(f, ",region={name}"),
        }
    }
}

impl FromStr for Outage {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Outage, FaultError> {
        let mut fields = SpecFields::new(text);
        let written = fields.plain().unwrap_or_default();
        let share = share("the share of nodes that go down", written)?;
        let at = time(&mut fields, "at")?.unwrap_or(Nanos::ZERO);
        let selector = match (fields.named("by"), fields.named("region")) {
            (None | Some("random"), None) => Selector::Random,
            (Some("degree"), None) => Selector::Degree,
            (None, Some(name)) => Selector::Region(region(name)?),
            (Some(by), _) => return Err(FaultError::Selector { written: by.to_owned() }),
        };
        end(&fields, DownSpec::WRITTEN)?;
        Ok(Outage { share, at, selector })
    }
}

impl fmt::Display for ChurnSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "up={},down={}", self.up.written(), self.down.written())
    }
}

impl FromStr for ChurnSpec {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<ChurnSpec, FaultError> {
        let mut fields = SpecFields::new(text);
        let missing = |figure| FaultError::Missing { figure, forms: ChurnSpec::WRITTEN };
        let up = time(&mut fields, "up")?.ok_or(missing("up="))?;
        let down = time(&mut fields, "down")?.ok_or(missing("down="))?;
        end(&fields, ChurnSpec::WRITTEN)?;
        ChurnSpec { up, down }.check()
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.side {
            PartitionSide::Share(share) => share.fmt(f)?,
            PartitionSide::Region(name) => write!(f, "region={name}")?,
        }
        if self.at != Nanos::ZERO {
            write!(f, ",at={}", self.at.written())?;
        }
        if self.heal != Nanos::MAX {
            write!(f, ",heal={}", self.heal.written())?;
        }
        if self.is_one_way { f.write_str(",one-way") } else { Ok(()) }
    }
}

impl FromStr for Cut {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Cut, FaultError> {
        let mut fields = SpecFields::new(text);
        let side = match fields.named("region") {
            Some(name) => PartitionSide::Region(region(name)?),
            None => {
                let written = fields.plain().unwrap_or_default();
                PartitionSide::Share(share("the share of nodes that are cut off", written)?)
            }
        };
        let is_one_way = match fields.plain() {
            None => false,
            Some("one-way") => true,
            Some(other) => return Err(FaultError::Surplus { written: other.into(), forms: PartitionSpec::WRITTEN }),
        };
        let at = time(&mut fields, "at")?.unwrap_or(Nanos::ZERO);
        let heal = time(&mut fields, "heal")?.unwrap_or(Nanos::MAX);
        end(&fields, PartitionSpec::WRITTEN)?;
        if heal <= at {
            return Err(FaultError::HealsTooSoon { at, heal });
        }
        Ok(Cut { side, at, heal, is_one_way })
    }
}

/// Parses parts separated by `+`; the text `none` gives no parts.
fn parts<T: FromStr<Err = FaultError>>(text: &str) -> Result<Vec<T>, FaultError> {
    if text.trim() == NOTHING { Ok(Vec::new()) } else { text.split('+').map(str::parse).collect() }
}

fn write_parts<T: fmt::Display>(f: &mut fmt::Formatter<'_>, parts: &[T]) -> fmt::Result {
    if parts.is_empty() {
        return f.write_str(NOTHING);
    }
    let texts: Vec<String> = parts.iter().map(T::to_string).collect();
    f.write_str(&texts.join("+"))
}

impl fmt::Display for DownSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_parts(f, &self.0)
    }
}

impl FromStr for DownSpec {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<DownSpec, FaultError> {
        parts(text).map(DownSpec)
    }
}

impl fmt::Display for PartitionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_parts(f, &self.0)
    }
}

impl FromStr for PartitionSpec {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<PartitionSpec, FaultError> {
        parts(text).map(PartitionSpec)
    }
}

macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

    )*};
}

as_text!(DownSpec, ChurnSpec, PartitionSpec);

fn share(figure: &'static str, written: &str) -> Result<Ratio, FaultError> {
    written.parse().map_err(|_| FaultError::Share { figure, written: written.to_owned() })
}

fn time(fields: &mut SpecFields<'_>, figure: &'static str) -> Result<Option<Nanos>, FaultError> {
    let read = |written: &str| {
        read_span(figure, written).map_err(|_| FaultError::NoTime { figure, written: written.to_owned() })
    };
    fields.named(figure).map(read).transpose()
}

fn region(name: &str) -> Result<String, FaultError> {
    if name.is_empty() { Err(FaultError::NoRegionName) } else { Ok(name.to_owned()) }
}

fn end(fields: &SpecFields<'_>, forms: &'static str) -> Result<(), FaultError> {
    fields.left().map_or(Ok(()), |written| Err(FaultError::Surplus { written, forms }))
}

const NONE: Ratio = Ratio::new(0, 1).unwrap();

/// The notation for no parts.
const NOTHING: &str = "none";

/// The smallest and the largest mean time up or down. The changes of a node are drawn one after another from the start
/// of the run, so that very short times would be slow.
const PERIOD_LEAST: Nanos = Nanos::from_millis(1);
const PERIOD_MOST: Nanos = Nanos::from_secs(365 * 86_400);
