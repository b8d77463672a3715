//! The requested distribution of a latency. A constant and a uniform latency stand here, because a network of these has
//! a fast path; each of the others has a file of its own, and a line in the table below.
//!
//! The values as written remain true with a `min`: an exponential latency of mean 30 ms and minimum 5 ms is 5 ms plus
//! an exponential part of mean 25 ms, and a log-normal one keeps its quantiles. Only the normal distribution, which has
//! no minimum of its own, is clamped: a draw below `min` counts as `min`. With any distribution a draw above `max`
//! counts as `max`. What was refused: drawing again, because a message would then take an unpredictable number of
//! random words.

mod exponential;
mod log_normal;
mod log_normal_cells;
mod normal;
mod pareto;
mod shape;
mod weibull;

pub(super) use log_normal_cells::{LogNormalCells, LogNormalLanes};
pub use shape::ShapeParameter;

use super::curves::Curves;
use super::spec_fields::{FieldError, SpecFields};
use crate::quantity;
use crate::time::Nanos;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest latency that can be requested, and that any message has: a day.
pub const LATENCY_MAX: Nanos = Nanos::from_secs(86_400);

/// A distribution with a file of its own. Its `Display` writes what follows the colon.
pub(super) trait Distribution: Copy + fmt::Display {
    /// The name before the colon.
    const NAME: &'static str;
    /// The notation, for help texts and errors.
    const WRITTEN: &'static str;
    /// The distribution as it is drawn from.
    type Sampler: Sample;

    /// Reads what follows the colon.
    fn read(fields: &mut SpecFields<'_>) -> Result<Self, LatencyError>;

    /// Returns an error if the figures cannot stand together.
    fn check(&self) -> Result<(), LatencyError>;

    /// Returns the minimum and the maximum of all draws.
    fn bounds(&self) -> (Nanos, Nanos);

    /// Prepares the distribution for draws. `curves` is called only if it needs them.
    fn sampler(&self, curves: MakeCurves<'_>) -> Self::Sampler;
}

/// A prepared distribution: one random word in, one time out, in integers throughout.
pub(super) trait Sample {
    /// Returns the time that a random word maps to, in nanoseconds.
    fn draw(&self, word: u64) -> u64;
}

/// Makes the tables that some distributions need, or shares those that were made.
pub(super) type MakeCurves<'a> = &'a dyn Fn() -> Arc<Curves>;

/// Declares the latencies: the two with a fast path, and those with files of their own.
macro_rules! declare_latencies {
    ($($file:ident::$Name:ident),+ $(,)?) => {
        $(
            // What can be written can be named, also where no other room names it yet.
            #[allow(unreachable_pub)]
            pub use $file::$Name;
        )+

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
            $(
                #[doc = concat!("The distribution `", stringify!($Name), "`, which has a file of its own.")]
                $Name($Name),
            )+
        }

        /// A latency prepared for draws, with times in nanoseconds.
        #[derive(Clone, Debug)]
        pub(super) enum Sampler {
            Constant(u64),
            Uniform { least: u64, values: u64 },
            $($Name(<$Name as Distribution>::Sampler),)+
        }

        impl Latency {
            /// The notations of single distributions.
            const EACH_WRITTEN: &[&str] =
                &["constant:TIME", "uniform:LEAST..GREATEST", $(<$Name as Distribution>::WRITTEN),+];

            /// Returns the minimum and the maximum of all draws.
            fn bounds(&self) -> (Nanos, Nanos) {
                match *self {
                    Latency::Constant(time) => (time, time),
                    Latency::Uniform { least, greatest } => (least, greatest),
                    $(Latency::$Name(latency) => latency.bounds(),)+
                }
            }

            /// Returns an error if the figures of the distribution cannot stand together.
            fn check_figures(&self) -> Result<(), LatencyError> {
                match self {
                    Latency::Constant(_) | Latency::Uniform { .. } => Ok(()),
                    $(Latency::$Name(latency) => latency.check(),)+
                }
            }

            /// Reads the figures of the distribution called `name`; `None` if there is none.
            fn read(name: &str, fields: &mut SpecFields<'_>) -> Result<Option<Latency>, LatencyError> {
                Ok(match name {
                    "constant" => Some(Latency::Constant(fields.next_span("the time")?)),
                    "uniform" => {
                        let (least, greatest) = fields.next_range()?;
                        Some(Latency::Uniform { least, greatest })
                    }
                    $(<$Name as Distribution>::NAME => Some(Latency::$Name($Name::read(fields)?)),)+
                    _ => None,
                })
            }
        }

        /// Writes the notation that [`FromStr`] reads.
        impl fmt::Display for Latency {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Latency::Constant(time) => write!(f, "constant:{}", time.written()),
                    Latency::Uniform { least, greatest } => {
                        write!(f, "uniform:{}..{}", least.written(), greatest.written())
                    }
                    $(Latency::$Name(latency) => write!(f, "{}:{latency}", <$Name as Distribution>::NAME),)+
                }
            }
        }

        $(
            impl From<$Name> for Latency {
                fn from(latency: $Name) -> Latency {
                    Latency::$Name(latency)
                }
            }
        )+

        impl Sampler {
            /// Prepares a latency. `curves` is called only for distributions that need them.
            pub(super) fn new(latency: Latency, curves: MakeCurves<'_>) -> Sampler {
                match latency {
                    Latency::Constant(time) => Sampler::Constant(time.0),
                    Latency::Uniform { least, greatest } => {
                        Sampler::Uniform { least: least.0, values: greatest.since(least).0.saturating_add(1) }
                    }
                    $(Latency::$Name(latency) => Sampler::$Name(latency.sampler(curves)),)+
                }
            }

            /// Returns the time that a random word maps to, in nanoseconds. The word must not be used for anything
            /// else.
            #[inline]
            pub(super) fn draw(&self, word: u64) -> u64 {
                match self {
                    Sampler::Constant(time) => *time,
                    Sampler::Uniform { least, values } => {
                        least + ((u128::from(word) * u128::from(*values)) >> 64) as u64
                    }
                    skewed => skewed.draw_skewed(word),
                }
            }

            /// Samples the less frequent distributions; separate, so that callers of the two frequent ones stay small.
            fn draw_skewed(&self, word: u64) -> u64 {
                match self {
                    $(Sampler::$Name(sampler) => sampler.draw(word),)+
                    Sampler::Constant(_) | Sampler::Uniform { .. } => self.draw(word),
                }
            }
        }
    };
}

declare_latencies! {
    normal::Normal,
    log_normal::LogNormal,
    exponential::Exponential,
    pareto::Pareto,
    weibull::Weibull,
}

impl Latency {
    /// Lists the accepted notations, for errors.
    fn written() -> String {
        format!(
            "{}; all but the first two with ,min=TIME (not pareto) and ,max=TIME; all with ,ordered",
            Latency::EACH_WRITTEN.join(", ")
        )
    }

    /// Returns the minimum of all draws.
    pub fn floor(&self) -> Nanos {
        self.bounds().0
    }

    /// Returns the maximum of all draws: `LATENCY_MAX` unless a lower one was requested.
    pub fn ceiling(&self) -> Nanos {
        self.bounds().1
    }

    /// Returns the latency if it can be sampled.
    ///
    /// # Errors
    ///
    /// [`LatencyError`] if a minimum exceeds a value that it bounds, or a time is too long.
    #[doc(hidden)]
    pub fn check(self) -> Result<Latency, LatencyError> {
        self.check_figures()?;
        in_order(("the least", self.floor()), ("the greatest", self.ceiling()))?;
        in_order(("the greatest", self.ceiling()), ("the longest latency", LATENCY_MAX))?;
        Ok(self)
    }
}

/// Returns an error if the first of two named times is above the second.
fn in_order(low: (&'static str, Nanos), high: (&'static str, Nanos)) -> Result<(), LatencyError> {
    if low.1 <= high.1 { Ok(()) } else { Err(LatencyError::OutOfOrder { low, high }) }
}

/// Takes `min=TIME` and `max=TIME`.
fn read_bounds(fields: &mut SpecFields<'_>) -> Result<(Nanos, Nanos), FieldError> {
    let (least, greatest) = (fields.named_span("min")?, fields.named_span("max")?);
    Ok((least.unwrap_or(Nanos::ZERO), greatest.unwrap_or(LATENCY_MAX)))
}

/// Writes the bounds that are not the default.
fn write_bounds(f: &mut fmt::Formatter<'_>, least: Nanos, greatest: Nanos) -> fmt::Result {
    if least != Nanos::ZERO {
        write!(f, ",min={}", least.written())?;
    }
    if greatest != LATENCY_MAX { write!(f, ",max={}", greatest.written()) } else { Ok(()) }
}

/// Advice on a text that is not a time.
const TIME_ADVICE: &str = "which is no time; write a number and a unit, such as 50ms, 1.5ms or 40us";

/// The reason why a text is not a latency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LatencyError {
    /// No distribution has this name.
    #[error("`{written}` is no latency; choose one of {notation}", notation = Latency::written())]
    Unknown {
        /// The text as written.
        written: String,
    },
    /// A value is missing.
    #[error("{figure} is missing; write one of {notation}", notation = Latency::written())]
    Missing {
        /// Name of the value.
        figure: &'static str,
    },
    /// The text holds more than the distribution takes.
    #[error("`{written}` is one figure too many; write one of {notation}", notation = Latency::written())]
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
        "{} of {} is above {} of {}; make the first smaller or the second greater", low.0, low.1.written(), high.0,
        high.1.written()
    )]
    OutOfOrder {
        /// Name and value of the smaller bound.
        low: (&'static str, Nanos),
        /// Name and value of the larger bound.
        high: (&'static str, Nanos),
    },
    /// The figures of a distribution are outside its limits, or do not go together.
    #[error("{0}")]
    Figures(String),
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
        let unknown = || LatencyError::Unknown { written: text.to_owned() };
        let latency = Latency::read(name, &mut fields)?.ok_or_else(unknown)?;
        fields.end()?;
        latency.check()
    }
}
