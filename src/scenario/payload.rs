//! The payload size of orders in bytes: a number, or a range that each order draws from.

use serde::{Serialize, Serializer};
use std::fmt;
use std::ops::RangeInclusive;

/// A range of payload sizes in bytes, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadBytes {
    least: u16,
    most: u16,
}

impl PayloadBytes {
    /// A single size for every order.
    pub const fn exactly(bytes: u16) -> PayloadBytes {
        PayloadBytes { least: bytes, most: bytes }
    }

    /// From the least to the most; `None` where the first is greater.
    pub const fn new(least: u16, most: u16) -> Option<PayloadBytes> {
        if least <= most { Some(PayloadBytes { least, most }) } else { None }
    }

    /// The most that an order may have.
    pub const fn most(self) -> u16 {
        self.most
    }

    /// The sizes.
    pub const fn range(self) -> RangeInclusive<u16> {
        self.least..=self.most
    }
}

/// `100`, or `0..1000`.
impl fmt::Display for PayloadBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            PayloadBytes { least, most } if least == most => least.fmt(f),
            PayloadBytes { least, most } => f.pad(&format!("{least}..{most}")),
        }
    }
}

/// A number, or the range as text.
impl Serialize for PayloadBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.least == self.most { serializer.serialize_u16(self.least) } else { serializer.collect_str(self) }
    }
}
