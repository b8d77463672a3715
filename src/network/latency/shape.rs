//! The shape of a distribution that has one.

use super::LatencyError;
use crate::network::curves::ONE_BITS;
use crate::network::spec_fields::{SpecFields, decimal};
use std::fmt;

/// The smallest and the largest shape, in millionths.
const LEAST: u64 = 100_000;
const MOST: u64 = 1_000_000_000;

/// A shape from 0.1 to 1000, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShapeParameter(u64);

impl ShapeParameter {
    /// Makes a shape of this many millionths.
    ///
    /// # Errors
    ///
    /// [`LatencyError::Figures`] if it is outside the limits.
    pub(in crate::network) fn of_millionths(millionths: u64) -> Result<ShapeParameter, LatencyError> {
        if (LEAST..=MOST).contains(&millionths) {
            Ok(ShapeParameter(millionths))
        } else {
            Err(refused(&ShapeParameter(millionths)))
        }
    }

    /// Takes the next field without a name.
    pub(super) fn read(fields: &mut SpecFields<'_>) -> Result<ShapeParameter, LatencyError> {
        let written = fields.next_plain("the shape")?;
        ShapeParameter::of_millionths(decimal(written, 6).ok_or_else(|| refused(&written))?)
    }

    /// Returns 1 / shape, in units of 2^-32.
    pub(super) fn inverse(self) -> u64 {
        (1_000_000 << ONE_BITS) / self.0
    }
}

/// Writes a decimal.
impl fmt::Display for ShapeParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000);
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

fn refused(written: &dyn fmt::Display) -> LatencyError {
    LatencyError::Figures(format!(
        "the shape is `{written}`; write a decimal from 0.1 to 1000 with at most 6 places, such as 1.5"
    ))
}
