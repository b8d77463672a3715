//! The requested loss of messages: independent with one probability, or in bursts.

use super::spec_fields::{SpecFields, read_span};
use crate::ratio::Ratio;
use crate::time::Nanos;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A model of loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossSpec {
    /// Each message independently, with the same probability. Written `0.1`, `10%` or `1/8`.
    Independent(Ratio),
    /// In bursts.
    Bursts(BurstSpec),
}

/// Loss after Gilbert (1960) and Elliott (1963): a link alternates between good and bad periods of random length, and
/// loses messages with one probability in good and with another in bad ones. Here the periods are spans of time, not
/// numbers of messages.
///
/// Written `gilbert-elliott:good=10s,bad=200ms,loss=0.8,good-loss=0.001,per=receiver`; the last three may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BurstSpec {
    /// Mean length of a good period.
    pub good: Nanos,
    /// Mean length of a bad period.
    pub bad: Nanos,
    /// Probability of loss in a good period.
    pub good_loss: Ratio,
    /// Probability of loss in a bad period.
    pub bad_loss: Ratio,
    /// The scope of a period.
    pub per: BurstScope,
}

/// The scope of a good or bad period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum BurstScope {
    /// Each direction of each link.
    #[default]
    Link,
    /// All outgoing links of a node.
    Sender,
    /// All incoming links of a node.
    Receiver,
}

impl LossSpec {
    /// The accepted notations, for help texts and errors.
    pub const WRITTEN: &'static str =
        "SHARE, gilbert-elliott:good=TIME,bad=TIME[,loss=SHARE][,good-loss=SHARE][,per=link|sender|receiver]";

    /// No loss.
    pub const NONE: LossSpec = LossSpec::Independent(Ratio::new(0, 1).unwrap());

    /// Returns the long-run share of lost messages, for formulas and display.
    pub fn mean(&self) -> f64 {
        match self {
            LossSpec::Independent(share) => share.as_f64(),
            LossSpec::Bursts(burst) => {
                let (good, bad) = (burst.good.as_secs_f64(), burst.bad.as_secs_f64());
                (burst.good_loss.as_f64() * good + burst.bad_loss.as_f64() * bad) / (good + bad)
            }
        }
    }
}

impl Default for LossSpec {
    fn default() -> LossSpec {
        LossSpec::NONE
    }
}

impl BurstSpec {
    /// Returns the bursts if they can be drawn.
    ///
    /// # Errors
    ///
    /// [`LossError`] if a mean period is outside its limits or the two are too far apart.
    #[doc(hidden)]
    pub fn check(self) -> Result<BurstSpec, LossError> {
        for (period, time) in [("good", self.good), ("bad", self.bad)] {
            if !(PERIOD_LEAST..=PERIOD_MOST).contains(&time) {
                return Err(LossError::Period { period, time });
            }
        }
        if self.good.0.max(self.bad.0) / self.good.0.min(self.bad.0) >= PERIODS_APART_MAX {
            return Err(LossError::PeriodsApart { good: self.good, bad: self.bad });
        }
        Ok(self)
    }
}

/// The reason why a text is not a loss.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LossError {
    /// No model has this name.
    #[error("`{written}` is no loss; choose one of {notation}", notation = LossSpec::WRITTEN)]
    Unknown {
        /// The text as written.
        written: String,
    },
    /// A value is missing.
    #[error("{figure}= is missing; write {notation}", notation = LossSpec::WRITTEN)]
    Missing {
        /// Name of the value.
        figure: &'static str,
    },
    /// The text holds more than the model takes.
    #[error("`{written}` is one figure too many; write {notation}", notation = LossSpec::WRITTEN)]
    Surplus {
        /// The first unused part.
        written: String,
    },
    /// A value is not a share from 0 to 1.
    #[error("{figure} is `{written}`, which is no share from 0 to 1; write it as 0.1, 10% or 1/10")]
    Share {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// A value is not a time.
    #[error("{figure} is `{written}`, which is no length of a period; write a number and a unit, such as 200ms or 10s")]
    NoTime {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// The mean length of a period is outside its limits.
    #[error(
        "{period} is {}, and a period takes {} to {} on average; ask for a length between them", time.written(),
        PERIOD_LEAST.written(), PERIOD_MOST.written()
    )]
    Period {
        /// Name of the period.
        period: &'static str,
        /// Mean length of the period.
        time: Nanos,
    },
    /// The mean lengths of the two periods are too far apart.
    #[error(
        "good is {} and bad is {}, and one is at most {PERIODS_APART_MAX} times as long as the other; bring them \
         nearer together", good.written(), bad.written()
    )]
    PeriodsApart {
        /// Mean length of a good period.
        good: Nanos,
        /// Mean length of a bad period.
        bad: Nanos,
    },
    /// The scope is neither a link, a sender nor a receiver.
    #[error("per is `{written}`; choose one of link, sender, receiver")]
    Scope {
        /// The text as written.
        written: String,
    },
}

impl fmt::Display for BurstScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            BurstScope::Link => "link",
            BurstScope::Sender => "sender",
            BurstScope::Receiver => "receiver",
        })
    }
}

impl fmt::Display for LossSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BurstSpec { good, bad, good_loss, bad_loss, per } = match self {
            LossSpec::Independent(share) => return share.fmt(f),
            LossSpec::Bursts(burst) => burst,
        };
        write!(f, "{BURSTS}good={},bad={}", good.written(), bad.written())?;
        if *bad_loss != CERTAIN {
            write!(f, ",loss={bad_loss}")?;
        }
        if !good_loss.is_zero() {
            write!(f, ",good-loss={good_loss}")?;
        }
        if *per != BurstScope::Link {
            write!(f, ",per={per}")?;
        }
        Ok(())
    }
}

impl FromStr for LossSpec {
    type Err = LossError;

    fn from_str(text: &str) -> Result<LossSpec, LossError> {
        let text = text.trim();
        let Some(rest) = text.strip_prefix(BURSTS) else {
            // This decides only which error is given: a faulty number or an unknown model.
            let begins_a_share = text.starts_with(|first: char| first.is_ascii_digit() || "-.".contains(first));
            return match text.parse() {
                Ok(share) => Ok(LossSpec::Independent(share)),
                Err(_) if begins_a_share => Err(LossError::Share { figure: "the loss", written: text.to_owned() }),
                Err(_) => Err(LossError::Unknown { written: text.to_owned() }),
            };
        };
        let mut fields = SpecFields::new(rest);
        let mut period = |name: &'static str| {
            let written = fields.named(name).ok_or(LossError::Missing { figure: name })?;
            read_span(name, written).map_err(|_| LossError::NoTime { figure: name, written: written.to_owned() })
        };
        let (good, bad) = (period("good")?, period("bad")?);
        let mut share = |name: &'static str, default: Ratio| {
            let bad = |written: &str| LossError::Share { figure: name, written: written.to_owned() };
            fields.named(name).map_or(Ok(default), |written| written.parse().map_err(|_| bad(written)))
        };
        let (bad_loss, good_loss) = (share("loss", CERTAIN)?, share("good-loss", NEVER)?);
        let per = match fields.named("per") {
            None | Some("link") => BurstScope::Link,
            Some("sender") => BurstScope::Sender,
            Some("receiver") => BurstScope::Receiver,
            Some(other) => return Err(LossError::Scope { written: other.to_owned() }),
        };
        match fields.left() {
            Some(written) => Err(LossError::Surplus { written }),
            None => BurstSpec { good, bad, good_loss, bad_loss, per }.check().map(LossSpec::Bursts),
        }
    }
}

impl Serialize for LossSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            LossSpec::Independent(share) => share.serialize(serializer),
            LossSpec::Bursts(_) => serializer.collect_str(self),
        }
    }
}

const BURSTS: &str = "gilbert-elliott:";

const CERTAIN: Ratio = Ratio::new(1, 1).unwrap();
const NEVER: Ratio = Ratio::new(0, 1).unwrap();

/// The smallest and the largest mean length of a period.
pub(super) const PERIOD_LEAST: Nanos = Nanos(1_000);
pub(super) const PERIOD_MOST: Nanos = Nanos::from_secs(86_400);

/// The maximum ratio of the longer to the shorter period: beyond it the probabilities need more bits than they have.
pub(super) const PERIODS_APART_MAX: u64 = 1_000_000;
