//! What fails, as a person writes it: nodes that are down, nodes that come and go, partitions, nodes behind a NAT.

use super::fault_error::FaultError;
use super::spec_fields::{SpecFields, read_span, span};
use crate::ratio::Ratio;
use crate::time::Nanos;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// What fails in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultSpec {
    /// Nodes that go down and stay down.
    pub down: DownSpec,
    /// Nodes that come and go.
    pub churn: Option<ChurnSpec>,
    /// Groups of nodes that do not hear each other for a while.
    pub partition: PartitionSpec,
    /// The share of nodes that can only connect outward.
    pub nat: Ratio,
}

impl Default for FaultSpec {
    fn default() -> FaultSpec {
        FaultSpec { down: DownSpec::default(), churn: None, partition: PartitionSpec::default(), nat: NONE }
    }
}

/// Nodes that go down for good, in one or more strokes. Written `10%`, `20%,at=1s,by=degree`, `100%,at=2s,region=europe`; several
/// with `+` between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DownSpec(pub Vec<Outage>);

/// One stroke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The share of those among whom it strikes.
    pub share: Ratio,
    /// When; 0 for nodes that are down from the start.
    pub at: Nanos,
    /// Whom.
    pub whom: Selector,
}

/// Whom a stroke meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Each node by itself, with the share as its chance.
    Random,
    /// The best connected first: exactly the share of all nodes, rounded up.
    Degree,
    /// Each node of a region by itself, with the share as its chance.
    Region(String),
}

/// Nodes that come and go, each by itself, up and down in turn for exponential times. Written `up=60s,down=5s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChurnSpec {
    /// How long a node is up on average.
    pub up: Nanos,
    /// How long it is down on average.
    pub down: Nanos,
}

/// Cuts of the network. Written `50%,at=1s,heal=3s`, `region=europe,at=1s,one-way`; several with `+` between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionSpec(pub Vec<Cut>);

/// One cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Who is on the side that is cut off.
    pub side: PartitionSide,
    /// From when on.
    pub at: Nanos,
    /// Until when; [`Nanos::MAX`] for a cut that never heals.
    pub heal: Nanos,
    /// Whether only messages out of the side are cut, and those into it pass.
    pub is_one_way: bool,
}

/// Who is cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionSide {
    /// Each node by itself, with this chance.
    Share(Ratio),
    /// The nodes of a region.
    Region(String),
}

impl DownSpec {
    /// Every way to write it, for help texts and errors.
    pub const WRITTEN: &'static str = "SHARE[,at=TIME][,by=random|degree or ,region=NAME], several with + between";
}

impl ChurnSpec {
    /// How it is written, for help texts and errors.
    pub const WRITTEN: &'static str = "up=TIME,down=TIME";

    /// Passes a churn on that can be drawn.
    ///
    /// # Errors
    ///
    /// [`FaultError`] where a period is outside its limits.
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
    /// Every way to write it, for help texts and errors.
    pub const WRITTEN: &'static str = "SHARE or region=NAME[,at=TIME][,heal=TIME][,one-way], several with + between";
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.share)?;
        if self.at != Nanos::ZERO {
            write!(f, ",at={}", span(self.at))?;
        }
        match &self.whom {
            Selector::Random => Ok(()),
            Selector::Degree => f.write_str(",by=degree"),
            Selector::Region(name) => write!(f, ",region={name}"),
        }
    }
}

impl FromStr for Outage {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Outage, FaultError> {
        let mut words = SpecFields::new(text);
        let written = words.plain().unwrap_or_default();
        let share = share("the share of nodes that go down", written)?;
        let at = time(&mut words, "at")?.unwrap_or(Nanos::ZERO);
        let whom = match (words.named("by"), words.named("region")) {
            (None | Some("random"), None) => Selector::Random,
            (Some("degree"), None) => Selector::Degree,
            (None, Some(name)) => Selector::Region(region(name)?),
            (Some(by), _) => return Err(FaultError::Whom { written: by.to_owned() }),
        };
        end(&words, DownSpec::WRITTEN)?;
        Ok(Outage { share, at, whom })
    }
}

impl fmt::Display for ChurnSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "up={},down={}", span(self.up), span(self.down))
    }
}

impl FromStr for ChurnSpec {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<ChurnSpec, FaultError> {
        let mut words = SpecFields::new(text);
        let missing = |figure| FaultError::Missing { figure, ways: ChurnSpec::WRITTEN };
        let up = time(&mut words, "up")?.ok_or(missing("up="))?;
        let down = time(&mut words, "down")?.ok_or(missing("down="))?;
        end(&words, ChurnSpec::WRITTEN)?;
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
            write!(f, ",at={}", span(self.at))?;
        }
        if self.heal != Nanos::MAX {
            write!(f, ",heal={}", span(self.heal))?;
        }
        if self.is_one_way { f.write_str(",one-way") } else { Ok(()) }
    }
}

impl FromStr for Cut {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Cut, FaultError> {
        let mut words = SpecFields::new(text);
        let side = match (words.named("region"), words.plain()) {
            (Some(name), None) => (PartitionSide::Region(region(name)?), false),
            (Some(name), Some("one-way")) => (PartitionSide::Region(region(name)?), true),
            (Some(_), Some(other)) => {
                return Err(FaultError::Surplus { written: other.into(), ways: PartitionSpec::WRITTEN });
            }
            (None, first) => {
                let share = share("the share of nodes that are cut off", first.unwrap_or_default())?;
                let is_one_way = match words.plain() {
                    None => false,
                    Some("one-way") => true,
                    Some(other) => {
                        return Err(FaultError::Surplus { written: other.into(), ways: PartitionSpec::WRITTEN });
                    }
                };
                (PartitionSide::Share(share), is_one_way)
            }
        };
        let (side, is_one_way) = side;
        let at = time(&mut words, "at")?.unwrap_or(Nanos::ZERO);
        let heal = time(&mut words, "heal")?.unwrap_or(Nanos::MAX);
        end(&words, PartitionSpec::WRITTEN)?;
        if heal <= at {
            return Err(FaultError::HealsTooSoon { at, heal });
        }
        Ok(Cut { side, at, heal, is_one_way })
    }
}

/// Reads parts with `+` between them, and none of the text `none`.
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

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

as_text!(DownSpec, ChurnSpec, PartitionSpec);

fn share(figure: &'static str, written: &str) -> Result<Ratio, FaultError> {
    written.parse().map_err(|_| FaultError::Share { figure, written: written.to_owned() })
}

fn time(words: &mut SpecFields<'_>, figure: &'static str) -> Result<Option<Nanos>, FaultError> {
    let read = |written: &str| {
        read_span(figure, written).map_err(|_| FaultError::NoTime { figure, written: written.to_owned() })
    };
    words.named(figure).map(read).transpose()
}

fn region(name: &str) -> Result<String, FaultError> {
    if name.is_empty() { Err(FaultError::NoRegionName) } else { Ok(name.to_owned()) }
}

fn end(words: &SpecFields<'_>, ways: &'static str) -> Result<(), FaultError> {
    words.left().map_or(Ok(()), |written| Err(FaultError::Surplus { written, ways }))
}

const NONE: Ratio = Ratio::new(0, 1).unwrap();

/// Stands for no part at all.
const NOTHING: &str = "none";

/// The shortest and the longest mean time up or down. A node's changes are drawn one after another from the start of the
/// run, so that a great many cost time.
pub(super) const PERIOD_LEAST: Nanos = Nanos::from_millis(1);
pub(super) const PERIOD_MOST: Nanos = Nanos::from_secs(365 * 86_400);
