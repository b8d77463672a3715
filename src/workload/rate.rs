//! The rate of orders: an exact decimal number, because over a schedule of a million orders every error adds up.

use crate::quantity;
use crate::time::Nanos;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A rate in millionths of an order per second, at least one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

/// The units of a rate in one order per second.
const MILLION: u64 = 1_000_000;

/// Picoseconds in 10^6 seconds: divided by a rate in its unit they give the interval in picoseconds.
const PS_PER_UNIT: u128 = 1_000_000_000_000 * MILLION as u128;

impl Rate {
    /// The minimum rate: an order in some eleven days.
    pub const LEAST: Rate = Rate(1);
    /// The maximum rate: a thousand million orders per second, one per nanosecond.
    pub const MOST: Rate = Rate(1_000_000_000 * MILLION);

    /// Creates a rate of `orders` per second, clamped to [`LEAST`](Self::LEAST) and [`MOST`](Self::MOST).
    pub const fn per_second(orders: u64) -> Rate {
        let most = Rate::MOST.0 / MILLION;
        Rate(if orders == 0 {
            1
        } else if orders > most {
            Rate::MOST.0
        } else {
            orders * MILLION
        })
    }

    /// Returns the rate times `parts / whole`, rounded down to a millionth and clamped to the limits.
    pub fn scaled(self, parts: u64, whole: u64) -> Rate {
        let scaled = u128::from(self.0) * u128::from(parts) / u128::from(whole.max(1));
        Rate(u64::try_from(scaled).unwrap_or(u64::MAX).clamp(Rate::LEAST.0, Rate::MOST.0))
    }

    /// Returns the geometric mean of two rates, rounded down to whole orders per second if both are at least ten.
    pub fn between(self, other: Rate) -> Rate {
        let root = (u128::from(self.0) * u128::from(other.0)).isqrt() as u64;
        // Below ten, whole orders would be too coarse.
        let step = if self.0.min(other.0) >= 10 * MILLION { MILLION } else { 1 };
        Rate(root / step * step)
    }

    /// Returns the rate in orders per second.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / MILLION as f64
    }

    /// Returns the number of orders due within a duration, rounded up.
    pub fn within(self, span: Nanos) -> u64 {
        let orders = (u128::from(self.0) * u128::from(span.0) * 1_000).div_ceil(PS_PER_UNIT);
        u64::try_from(orders).unwrap_or(u64::MAX)
    }

    /// Returns the time at which the `order`-th order, counted from 0, is due at constant intervals.
    pub(super) fn due(self, order: u32) -> Nanos {
        // Computed from the start and not from the previous order, so that no rounding error accumulates.
        let passed_ps = u128::from(order) * PS_PER_UNIT / u128::from(self.0);
        Nanos(u64::try_from(passed_ps / 1_000).unwrap_or(u64::MAX))
    }

    /// Returns the mean interval between two orders, in picoseconds.
    pub(super) fn distance_ps(self) -> u64 {
        u64::try_from(PS_PER_UNIT / u128::from(self.0)).unwrap_or(u64::MAX)
    }
}

/// The reason why a text is not a rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{written}` is not a rate{}", quantity::refusal(quantity::rate_millionths(written), ADVICE))]
pub struct ParseRateError {
    written: String,
}

/// Advice on a text that is not a rate.
const ADVICE: &str = "write orders per second from 0.000001/s to 1000000000/s, as 200/s, 10k/s or 0.5/s";

impl FromStr for Rate {
    type Err = ParseRateError;

    /// Parses `1000/s`, `10k/s`, `0.5/s`, or the number alone.
    fn from_str(text: &str) -> Result<Rate, ParseRateError> {
        let rate = quantity::rate_millionths(text).ok().map(Rate);
        let rate = rate.filter(|rate| (Rate::LEAST..=Rate::MOST).contains(rate));
        rate.ok_or_else(|| ParseRateError { written: text.to_owned() })
    }
}

/// Writes the shortest text that reads back: `1000/s`, `0.5/s`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / MILLION, self.0 % MILLION);
        match fraction {
            0 => f.pad(&format!("{whole}/s")),
            _ => f.pad(&format!("{}/s", format!("{whole}.{fraction:06}").trim_end_matches('0'))),
        }
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn usual_notations_are_read() {
        for (text, millionths) in [
            ("1000/s", 1_000 * MILLION),
            ("0.5/s", 500_000),
            ("2", 2 * MILLION),
            ("0.000001", 1),
            ("10k/s", 10_000 * MILLION),
            ("1e3", 1_000 * MILLION),
        ] {
            assert_eq!(text.parse(), Ok(Rate(millionths)), "{text}");
        }
        for text in ["", "/s", "0", "-1", "10m", "1.", ".5", "0.0000001", "1000000001", "99999999999999999999", "x/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_duration_holds_the_orders_that_are_due_in_it() {
        let within = |rate: &str, span: Nanos| rate.parse::<Rate>().unwrap().within(span);
        assert_eq!(within("100000/s", Nanos::from_millis(600)), 60_000);
        assert_eq!(within("0.5/s", Nanos::from_secs(3)), 2);
        assert_eq!((within("1000/s", Nanos::ZERO), within("1000000000/s", Nanos::MAX)), (0, u64::MAX));
    }

    #[test]
    fn a_thousand_a_second_are_a_millisecond_apart() {
        let rate = Rate::per_second(1_000);
        assert_eq!((rate.due(0), rate.due(1), rate.due(3_000)), (Nanos(0), Nanos(1_000_000), Nanos::from_secs(3)));
        assert_eq!(rate.distance_ps(), 1_000_000_000);
        assert_eq!(Rate::per_second(3).due(3_000_000), Nanos::from_secs(1_000_000), "no error adds up");
        assert_eq!(rate.scaled(3, 2), Rate::per_second(1_500));
        assert_eq!(rate.between(Rate::per_second(4_000)), Rate::per_second(2_000));
    }

    #[test]
    fn the_slowest_schedule_does_not_wrap() {
        assert_eq!(Rate::LEAST.due(u32::MAX), Nanos::MAX);
    }

    proptest! {
        #[test]
        fn a_rate_reads_back(millionths in 1..=Rate::MOST.0) {
            let rate = Rate(millionths);
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        }
    }
}
