//! The requested latency of messages: a distribution, or one drawn once per link plus one drawn per message.
//!
//! The values as written remain true with a `min`: an exponential latency of mean 30 ms and minimum 5 ms is 5 ms plus
//! an exponential part of mean 25 ms, and a log-normal one keeps its quantiles. Only the normal distribution, which has
//! no minimum of its own, is clamped: a draw below `min` counts as `min`. With any distribution a draw above `max`
//! counts as `max`. What was refused: drawing again, because a message would then take an unpredictable number of
//! random words.

use super::error::LatencyError;
use super::spec_fields::{SpecFields, decimal, span};
use crate::time::Nanos;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The longest latency that can be requested, and that any message has: a day.
pub const LATENCY_MAX: Nanos = Nanos::from_secs(86_400);

/// A distribution of latencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Constant. Written `constant:50ms`, or simply `50ms`.
    Constant(Nanos),
    /// Uniform between a minimum and a maximum, both included. Written `uniform:10ms..100ms`.
    Uniform {
        /// The minimum.
        least: Nanos,
        /// The maximum.
        greatest: Nanos,
    },
    /// Normal, symmetric around a mean. Written `normal:50ms,10ms,min=20ms,max=90ms`.
    Normal {
        /// The mean, before clamping.
        mean: Nanos,
        /// The standard deviation, before clamping.
        deviation: Nanos,
        /// The value that lower draws are clamped to.
        least: Nanos,
        /// The value that higher draws are clamped to.
        greatest: Nanos,
    },
    /// Skewed to the right: a minimum plus a log-normal part. Written `lognormal:p50=40ms,p90=90ms,min=10ms`.
    LogNormal {
        /// The median, `least` included.
        median: Nanos,
        /// The 90th percentile, `least` included.
        p90: Nanos,
        /// The minimum.
        least: Nanos,
        /// The value that higher draws are clamped to.
        greatest: Nanos,
    },
    /// A minimum plus an exponential part. Written `exponential:30ms,min=5ms`.
    Exponential {
        /// The mean, `least` included.
        mean: Nanos,
        /// The minimum.
        least: Nanos,
        /// The value that higher draws are clamped to.
        greatest: Nanos,
    },
    /// A heavy tail: a share of (least / x)^shape lies beyond x. Written `pareto:10ms,1.5`, the minimum and the shape.
    /// For a shape of 1 or less only the clamping limits the mean.
    Pareto {
        /// The minimum, which is also the scale.
        least: Nanos,
        /// The shape, in millionths.
        shape_millionths: u64,
        /// The value that higher draws are clamped to.
        greatest: Nanos,
    },
}

impl Latency {
    /// The accepted notations, for help texts and errors.
    pub const WRITTEN: &'static str = "constant:TIME, uniform:LEAST..GREATEST, normal:MEAN,DEVIATION, \
                                       lognormal:p50=TIME,p90=TIME, exponential:MEAN, pareto:LEAST,SHAPE; the last four \
                                       with ,min=TIME (not pareto) and ,max=TIME";

    /// Returns the minimum of all draws.
    pub const fn floor(&self) -> Nanos {
        match *self {
            Latency::Constant(time) => time,
            Latency::Uniform { least, .. }
            | Latency::Normal { least, .. }
            | Latency::LogNormal { least, .. }
            | Latency::Exponential { least, .. }
            | Latency::Pareto { least, .. } => least,
        }
    }

    /// Returns the maximum of all draws: [`LATENCY_MAX`] unless a lower one was requested.
    pub const fn ceiling(&self) -> Nanos {
        match *self {
            Latency::Constant(time) => time,
            Latency::Uniform { greatest, .. }
            | Latency::Normal { greatest, .. }
            | Latency::LogNormal { greatest, .. }
            | Latency::Exponential { greatest, .. }
            | Latency::Pareto { greatest, .. } => greatest,
        }
    }

    /// Returns the latency if it can be sampled.
    ///
    /// # Errors
    ///
    /// [`LatencyError`] if a minimum exceeds a value that it bounds, or a time is too long.
    pub fn check(self) -> Result<Latency, LatencyError> {
        let (least, greatest) = (self.floor(), self.ceiling());
        let in_order = |low: (&'static str, Nanos), high: (&'static str, Nanos)| {
            if low.1 <= high.1 { Ok(()) } else { Err(LatencyError::OutOfOrder { low, high }) }
        };
        match self {
            Latency::Constant(_) | Latency::Uniform { .. } => {}
            Latency::Normal { mean, deviation, .. } => {
                in_order(("min", least), ("the mean", mean))?;
                in_order(("the mean", mean), ("max", greatest))?;
                in_order(("the deviation", deviation), ("the longest latency", LATENCY_MAX))?;
            }
            Latency::LogNormal { median, p90, .. } => {
                in_order(("p50", median), ("p90", p90))?;
                in_order(("p90", p90), ("max", greatest))?;
                if least >= median && least != p90 {
                    return Err(LatencyError::NoRest { least, median });
                }
                if p90.since(least).0 / median.since(least).0.max(1) > SKEW_MAX {
                    return Err(LatencyError::TooSkewed { median, p90 });
                }
            }
            Latency::Exponential { mean, .. } => {
                in_order(("min", least), ("the mean", mean))?;
                in_order(("the mean", mean), ("max", greatest))?;
            }
            Latency::Pareto { least, shape_millionths, .. } => {
                if least == Nanos::ZERO {
                    return Err(LatencyError::NoScale);
                }
                if !(SHAPE_LEAST..=SHAPE_MOST).contains(&shape_millionths) {
                    return Err(LatencyError::Shape { written: Millionths(shape_millionths).to_string() });
                }
            }
        }
        in_order(("the least", least), ("the greatest", greatest))?;
        in_order(("the greatest", greatest), ("the longest latency", LATENCY_MAX))?;
        Ok(self)
    }
}

/// Writes the notation that [`FromStr`] reads.
impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Latency::Constant(time) => write!(f, "constant:{}", span(time)),
            Latency::Uniform { least, greatest } => write!(f, "uniform:{}..{}", span(least), span(greatest)),
            Latency::Normal { mean, deviation, .. } => write!(f, "normal:{},{}", span(mean), span(deviation)),
            Latency::LogNormal { median, p90, .. } => write!(f, "lognormal:p50={},p90={}", span(median), span(p90)),
            Latency::Exponential { mean, .. } => write!(f, "exponential:{}", span(mean)),
            Latency::Pareto { least, shape_millionths, .. } => {
                write!(f, "pareto:{},{}", span(least), Millionths(shape_millionths))
            }
        }?;
        let (has_min, has_max) = match self {
            Latency::Constant(_) | Latency::Uniform { .. } => (false, false),
            Latency::Pareto { .. } => (false, true),
            _ => (true, true),
        };
        if has_min && self.floor() != Nanos::ZERO {
            write!(f, ",min={}", span(self.floor()))?;
        }
        if has_max && self.ceiling() != LATENCY_MAX {
            write!(f, ",max={}", span(self.ceiling()))?;
        }
        Ok(())
    }
}

impl FromStr for Latency {
    type Err = LatencyError;

    fn from_str(text: &str) -> Result<Latency, LatencyError> {
        let text = text.trim();
        let (name, rest) = match text.split_once(':') {
            Some((name, rest)) => (name.trim(), rest),
            None if text.starts_with(|first: char| first.is_ascii_digit() || first == '-') => ("constant", text),
            None => (text, ""),
        };
        let mut fields = SpecFields::new(rest);
        let latency = match name {
            "constant" => Latency::Constant(fields.next_span("the time")?),
            "uniform" => {
                let (least, greatest) = fields.next_range()?;
                Latency::Uniform { least, greatest }
            }
            "normal" => {
                let (mean, deviation) = (fields.next_span("the mean")?, fields.next_span("the deviation")?);
                let (least, greatest) = (fields.named_span("min")?, fields.named_span("max")?);
                let least = least.unwrap_or(Nanos::ZERO);
                Latency::Normal { mean, deviation, least, greatest: greatest.unwrap_or(LATENCY_MAX) }
            }
            "lognormal" => {
                let missing = |figure| LatencyError::Missing { figure };
                let median = fields.named_span("p50")?.ok_or(missing("p50=TIME"))?;
                let p90 = fields.named_span("p90")?.ok_or(missing("p90=TIME"))?;
                let (least, greatest) = (fields.named_span("min")?, fields.named_span("max")?);
                let least = least.unwrap_or(Nanos::ZERO);
                Latency::LogNormal { median, p90, least, greatest: greatest.unwrap_or(LATENCY_MAX) }
            }
            "exponential" => {
                let mean = fields.next_span("the mean")?;
                let (least, greatest) = (fields.named_span("min")?, fields.named_span("max")?);
                let least = least.unwrap_or(Nanos::ZERO);
                Latency::Exponential { mean, least, greatest: greatest.unwrap_or(LATENCY_MAX) }
            }
            "pareto" => {
                let least = fields.next_span("the least")?;
                let shape = fields.next_plain("the shape")?;
                let bad_shape = || LatencyError::Shape { written: shape.to_owned() };
                let shape_millionths = decimal(shape, 6).ok_or_else(bad_shape)?;
                let greatest = fields.named_span("max")?.unwrap_or(LATENCY_MAX);
                Latency::Pareto { least, shape_millionths, greatest }
            }
            _ => return Err(LatencyError::Unknown { written: text.to_owned() }),
        };
        fields.end()?;
        latency.check()
    }
}

/// The latency of a network without regions: a constant part of each link plus a part of each message.
///
/// Written `link:uniform:10ms..100ms+exponential:5ms`; either part may be missing. `link:` gives both directions of a
/// link the same latency, `direction:` one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencySpec {
    /// The part that is drawn once per link.
    pub link: Option<LinkLatency>,
    /// The part that is drawn per message.
    pub message: Option<Latency>,
}

/// A latency that a link keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkLatency {
    /// The distribution that it is drawn from.
    pub latency: Latency,
    /// True if each direction of a link has its own draw.
    pub is_directed: bool,
}

impl LatencySpec {
    /// Returns the minimum latency of any message.
    pub fn floor(&self) -> Nanos {
        self.parts().fold(Nanos::ZERO, |sum, part| sum + part.floor())
    }

    /// Returns the maximum latency of any message, or `None` if no limit was set.
    pub fn ceiling(&self) -> Option<Nanos> {
        let is_bounded = self.parts().all(|part| part.ceiling() < LATENCY_MAX);
        is_bounded.then(|| self.parts().fold(Nanos::ZERO, |sum, part| sum + part.ceiling()))
    }

    fn parts(&self) -> impl Iterator<Item = Latency> {
        self.link.map(|link| link.latency).into_iter().chain(self.message)
    }
}

impl From<Latency> for LatencySpec {
    fn from(latency: Latency) -> LatencySpec {
        LatencySpec { link: None, message: Some(latency) }
    }
}

/// The default: 50 ms on every link.
impl Default for LatencySpec {
    fn default() -> LatencySpec {
        Latency::Constant(Nanos::from_millis(50)).into()
    }
}

impl fmt::Display for LatencySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(LinkLatency { latency, is_directed }) = self.link {
            write!(f, "{}{latency}", if is_directed { DIRECTION } else { LINK })?;
        }
        match self.message {
            Some(latency) if self.link.is_some() => write!(f, "+{latency}"),
            Some(latency) => latency.fmt(f),
            None => Ok(()),
        }
    }
}

impl FromStr for LatencySpec {
    type Err = LatencyError;

    fn from_str(text: &str) -> Result<LatencySpec, LatencyError> {
        let mut spec = LatencySpec { link: None, message: None };
        for part in text.split('+').map(str::trim) {
            let per_link = [(LINK, false), (DIRECTION, true)];
            let per_link =
                per_link.iter().find_map(|&(name, is_directed)| Some((part.strip_prefix(name)?, is_directed)));
            let twice = match per_link {
                Some((latency, is_directed)) => {
                    spec.link.replace(LinkLatency { latency: latency.parse()?, is_directed }).is_some()
                }
                None => spec.message.replace(part.parse()?).is_some(),
            };
            if twice {
                return Err(LatencyError::TwoAlike { written: text.to_owned() });
            }
        }
        Ok(spec)
    }
}

impl Serialize for LatencySpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LatencySpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LatencySpec, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A number of millionths, written as a decimal.
struct Millionths(u64);

impl fmt::Display for Millionths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000);
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// The largest ratio of p90 to p50, both counted from the minimum: the logarithm of a larger one does not fit its type.
const SKEW_MAX: u64 = 1_000_000;

/// The smallest and the largest shape of a Pareto distribution, in millionths.
const SHAPE_LEAST: u64 = 100_000;
const SHAPE_MOST: u64 = 1_000_000_000;

/// The prefix of a latency that is drawn once per link.
const LINK: &str = "link:";

/// The prefix of a latency that is drawn once per direction of a link.
const DIRECTION: &str = "direction:";
