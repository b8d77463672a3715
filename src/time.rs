//! Instants and durations in integer nanoseconds, the calendar of items that are due at such instants, and the heap of
//! timers. What is not here: reading a clock, which only carriers do.

mod calendar;
mod filled_windows;
mod timer_heap;

pub(crate) use calendar::Calendar;
pub(crate) use filled_windows::FilledWindows;
pub(crate) use timer_heap::TimerHeap;

use crate::quantity;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

/// A number of nanoseconds: a duration, or an instant counted from the run's time base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The empty duration; as an instant, the time base.
    pub const ZERO: Nanos = Nanos(0);
    /// The instant that never comes.
    pub const MAX: Nanos = Nanos(u64::MAX);

    /// Creates a duration of whole milliseconds.
    pub const fn from_millis(millis: u64) -> Nanos {
        Nanos(millis * 1_000_000)
    }

    /// Creates a duration of whole seconds.
    pub const fn from_secs(secs: u64) -> Nanos {
        Nanos(secs * 1_000_000_000)
    }

    /// Returns the duration since `earlier`, or 0 if that is later.
    pub const fn since(self, earlier: Nanos) -> Nanos {
        Nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns the duration in seconds, for rates.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add for Nanos {
    type Output = Nanos;

    fn add(self, span: Nanos) -> Nanos {
        // Saturating, so that a time past the end of the range means never and does not wrap into the past.
        Nanos(self.0.saturating_add(span.0))
    }
}

impl Sub for Nanos {
    type Output = Nanos;

    fn sub(self, earlier: Nanos) -> Nanos {
        self.since(earlier)
    }
}

/// Writes three decimals in the largest unit that leaves an integer part: `755.917 μs`.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            0..1_000 => format!("{} ns", self.0),
            1_000..1_000_000 => format!("{:.3} μs", self.0 as f64 / 1e3),
            1_000_000..1_000_000_000 => format!("{:.3} ms", self.0 as f64 / 1e6),
            _ => format!("{:.3} s", self.0 as f64 / 1e9),
        };
        f.pad(&text)
    }
}

/// The reason why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{written}` is not a span of time{}", quantity::refusal(quantity::span_ns(written), ADVICE))]
pub struct ParseNanosError {
    written: String,
}

/// Advice on a text that is not a duration.
const ADVICE: &str = "write a number and a unit, such as 3s, 250ms, 1.5ms, 40us or 1m30s, below 584 years";

impl FromStr for Nanos {
    type Err = ParseNanosError;

    /// Parses `3s`, `1.5ms`, `1m30s`, `0`; exact to the nanosecond.
    fn from_str(text: &str) -> Result<Nanos, ParseNanosError> {
        quantity::span_ns(text).map(Nanos).map_err(|_| ParseNanosError { written: text.to_owned() })
    }
}

impl Nanos {
    /// Returns the shortest exact text that [`Nanos::from_str`] reads back: `3s`, `1500us`.
    pub fn written(self) -> String {
        let (unit_ns, unit) = match self.0 {
            0 => (1, "s"),
            n if n % 1_000_000_000 == 0 => (1_000_000_000, "s"),
            n if n % 1_000_000 == 0 => (1_000_000, "ms"),
            n if n % 1_000 == 0 => (1_000, "us"),
            _ => (1, "ns"),
        };
        format!("{}{unit}", self.0 / unit_ns)
    }
}

/// Writes the text of [`Nanos::written`] where people read it, and the number of nanoseconds between processes.
impl Serialize for Nanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&self.written())
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Nanos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Nanos, D::Error> {
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(Nanos);
        }
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_notations_are_read() {
        for (text, nanos) in [
            ("3s", 3_000_000_000),
            ("1.5ms", 1_500_000),
            ("40us", 40_000),
            ("900ns", 900),
            ("0", 0),
            ("2min", 120_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1e3s", 1_000_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn inexact_text_is_refused() {
        for text in ["", "3", "s", "1.5ns", "-1s", "1.s", ".5s", "9999999999999s", "5m", "nan"] {
            assert!(text.parse::<Nanos>().is_err(), "{text}");
        }
    }

    #[test]
    fn shows_the_largest_fitting_unit() {
        assert_eq!(Nanos(755_917).to_string(), "755.917 μs");
        assert_eq!(Nanos(0).to_string(), "0 ns");
        assert_eq!(format!("{:>12}", Nanos(5_000_000)), "    5.000 ms");
    }
}
