//! Exact shares: a target of 95 % is 95/100, not the nearest double.

use crate::quantity;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A share as an exact fraction. Written `0.95`, `95%` or `19/20`.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    numerator: u64,
    denominator: u64,
}

impl Ratio {
    /// Creates `numerator / denominator`, or returns `None` if that is not in 0..=1.
    pub const fn new(numerator: u64, denominator: u64) -> Option<Ratio> {
        if denominator == 0 || numerator > denominator { None } else { Some(Ratio { numerator, denominator }) }
    }

    /// Returns this share of `count`, rounded up.
    pub const fn ceil_of(self, count: u64) -> u64 {
        // 128 bits hold the product, and the result fits because it is at most `count`.
        (self.numerator as u128 * count as u128).div_ceil(self.denominator as u128) as u64
    }

    /// Returns this share of `count`, rounded down.
    pub const fn floor_of(self, count: u64) -> u64 {
        (self.numerator as u128 * count as u128 / self.denominator as u128) as u64
    }

    /// Returns true if the share is 0.
    pub const fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// Returns the nearest double, for formulas and display.
    pub const fn as_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Ratio) -> bool {
        // Cross-multiplied, so that 1/2 equals 2/4 without reducing the fractions.
        u128::from(self.numerator) * u128::from(other.denominator)
            == u128::from(other.numerator) * u128::from(self.denominator)
    }
}

impl Eq for Ratio {}

/// Writes a decimal if the denominator is a power of ten that the parser accepts, else a fraction; both read back to
/// the same share.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.numerator == self.denominator {
            return f.pad("1");
        }
        let digits = self.denominator.ilog10() as usize;
        if digits > DECIMALS_MAX || self.denominator != 10u64.pow(digits as u32) {
            return f.pad(&format!("{}/{}", self.numerator, self.denominator));
        }
        let decimals = format!("{:0digits$}", self.numerator);
        let decimals = decimals.trim_end_matches('0');
        f.pad(&if decimals.is_empty() { "0".to_owned() } else { format!("0.{decimals}") })
    }
}

/// The reason why a text is not a share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a share from 0 to 1; write it as 0.95, 95% or 19/20")]
pub struct ParseRatioError(String);

impl FromStr for Ratio {
    type Err = ParseRatioError;

    fn from_str(text: &str) -> Result<Ratio, ParseRatioError> {
        let parts = quantity::share(text).ok();
        let ratio = parts.and_then(|(numerator, denominator)| Ratio::new(numerator, denominator));
        ratio.ok_or_else(|| ParseRatioError(text.to_owned()))
    }
}

impl Serialize for Ratio {
    /// Writes a number if it reads back exactly, which holds for up to 15 decimals, else the fraction as text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.to_string().parse::<f64>() {
            Ok(number) => serializer.serialize_f64(number),
            Err(_) => serializer.collect_str(self),
        }
    }
}

/// The maximum number of decimals of a share: the precision at which a double still identifies its decimal.
const DECIMALS_MAX: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_five_percent_is_exact() {
        let target: Ratio = "0.95".parse().unwrap();
        assert_eq!(target.ceil_of(1_000), 950);
        assert_eq!(target.ceil_of(10), 10);
        assert_eq!(target.ceil_of(1_000_000_000), 950_000_000);
        for text in ["95%", "19/20", ".95", "0.950", "95e-2", "9_5%"] {
            assert_eq!(text.parse::<Ratio>().unwrap(), target, "{text}");
        }
    }

    #[test]
    fn the_display_reads_back() {
        for (text, shown) in [
            ("0.95", "0.95"),
            ("1", "1"),
            ("0", "0"),
            ("1/3", "1/3"),
            ("99.9%", "0.999"),
            ("5%", "0.05"),
            ("0.000000000000001%", "1/100000000000000000"),
        ] {
            let ratio: Ratio = text.parse().unwrap();
            assert_eq!(ratio.to_string(), shown);
            assert_eq!(shown.parse::<Ratio>().unwrap(), ratio);
        }
    }

    #[test]
    fn text_that_is_not_a_share_is_refused() {
        for text in ["", "1.01", "-0.5", "101%", "2/1", "1/0", "nan", "inf", "1e3", "."] {
            assert!(text.parse::<Ratio>().is_err(), "{text}");
        }
    }
}
