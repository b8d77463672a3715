//! The payload size of orders in bytes: a number, or a range that each order draws from.

use serde::{Serialize, Serializer};
use std::fmt;
use std::ops::RangeInclusive;

/// A range of payload sizes in bytes, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadBytes {
    least: u32,
    most: u32,
}

impl PayloadBytes {
    /// Makes a range of a single size, the same for every order.
    pub const fn exactly(bytes: u32) -> PayloadBytes {
        PayloadBytes { least: bytes, most: bytes }
    }

    /// Makes the range from `least` to `most`; `None` if `least` is greater.
    pub const fn new(least: u32, most: u32) -> Option<PayloadBytes> {
        if least <= most { Some(PayloadBytes { least, most }) } else { None }
    }

    /// Returns the greatest size in bytes.
    pub const fn most(self) -> u32 {
        self.most
    }

    /// Returns all sizes in bytes.
    pub const fn range(self) -> RangeInclusive<u32> {
        self.least..=self.most
    }
}

/// Formats a single size as `100`, and a range as `0..1000`.
impl fmt::Display for PayloadBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            PayloadBytes { least, most } if least == most => least.fmt(f),
            PayloadBytes { least, most } => f.pad(&format!("{least}..{most}")),
        }
    }
}

/// Serializes a single size as a number, and a range as text.
impl Serialize for PayloadBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.least == self.most { serializer.serialize_u32(self.least) } else { serializer.collect_str(self) }
    }
}
