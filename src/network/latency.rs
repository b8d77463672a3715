//! The requested distribution of a latency.
//!
//! The values as written remain true with a `min`: an exponential latency of mean 30 ms and minimum 5 ms is 5 ms plus
//! an exponential part of mean 25 ms, and a log-normal one keeps its quantiles. Only the normal distribution, which has
//! no minimum of its own, is clamped: a draw below `min` counts as `min`. With any distribution a draw above `max`
//! counts as `max`. What was refused: drawing again, because a message would then take an unpredictable number of
//! random words.

use super::spec_fields::{FieldError, SpecFields, decimal, span};
use crate::quantity;
use crate::time::Nanos;
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
                                       lognormal:p50=TIME,p90=TIME, exponential:MEAN, pareto:LEAST,SHAPE; the last \
                                       four with ,min=TIME (not pareto) and ,max=TIME";

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
                // Equal quantiles mean a constant latency, which needs nothing above its minimum.
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

/// Advice on a text that is not a time.
const TIME_ADVICE: &str = "which is no time; write a number and a unit, such as 50ms, 1.5ms or 40us";

/// The reason why a text is not a latency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LatencyError {
    /// No distribution has this name.
    #[error("`{written}` is no latency; choose one of {written_ways}", written_ways = Latency::WRITTEN)]
    Unknown {
        /// The text as written.
        written: String,
    },
    /// A value is missing.
    #[error("{figure} is missing; write one of {written_ways}", written_ways = Latency::WRITTEN)]
    Missing {
        /// Name of the value.
        figure: &'static str,
    },
    /// The text holds more than the distribution takes.
    #[error("`{written}` is one figure too many; write one of {written_ways}", written_ways = Latency::WRITTEN)]
    Surplus {
        /// The first unused part.
        written: String,
    },
    /// A time is negative.
    #[error("{figure} is {written}: a message cannot arrive before it is sent; write a time of 0 or more")]
    Negative {
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
    /// A value exceeds another that bounds it.
    #[error(
        "{} of {} is above {} of {}; make the first smaller or the second greater", low.0, span(low.1), high.0,
        span(high.1)
    )]
    OutOfOrder {
        /// Name and value of the smaller bound.
        low: (&'static str, Nanos),
        /// Name and value of the larger bound.
        high: (&'static str, Nanos),
    },
    /// The minimum is not below the median.
    #[error(
        "min of {} leaves nothing below p50 of {}; take a smaller min, or write constant:{}", span(*least),
        span(*median),
        span(*median)
    )]
    NoRest {
        /// The minimum.
        least: Nanos,
        /// The median.
        median: Nanos,
    },
    /// The tail is too long for the arithmetic.
    #[error(
        "p90 of {} lies more than a million times as far above min as p50 of {}; bring them nearer together",
        span(*p90),
        span(*median)
    )]
    TooSkewed {
        /// The median.
        median: Nanos,
        /// The 90th percentile.
        p90: Nanos,
    },
    /// The minimum of a Pareto distribution is 0.
    #[error("the least is 0, and every draw of a Pareto distribution is a multiple of it; ask for more than 0")]
    NoScale,
    /// The shape of a Pareto distribution is not a number within its limits.
    #[error("the shape is `{written}`; write a decimal from 0.1 to 1000 with at most 6 places, such as 1.5")]
    Shape {
        /// The text as written.
        written: String,
    },
    /// The text has two parts for the link, or two for the message.
    #[error(
        "`{written}` has two parts of one kind; write at most one for the link and one for the message, such as \
             link:uniform:10ms..100ms+exponential:5ms"
    )]
    TwoAlike {
        /// The text as written.
        written: String,
    },
}

impl From<FieldError> for LatencyError {
    fn from(error: FieldError) -> LatencyError {
        match error {
            FieldError::Missing { figure } => LatencyError::Missing { figure },
            FieldError::Surplus { written } => LatencyError::Surplus { written },
            FieldError::Negative { figure, written } => LatencyError::Negative { figure, written },
            FieldError::NoTime { figure, written } => LatencyError::NoTime { figure, written },
        }
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
            // A text that begins like a number is a constant latency, so that its errors speak of times and not of
            // names.
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
