//! Strays: datagrams that do not belong to the run, by kind, and their counts.
//!
//! Ports on loopback are open to every process, so any bytes may arrive. A stray is counted by kind and dropped, and it
//! stays outside the sum of the ledger. [`Admission`](super::Admission) recognises six of the nine kinds. The carrier
//! recognises the others: a wrong source, because it knows the addresses, and forged and replayed datagrams, because it
//! numbers messages.

use super::WireError;
use serde::{Deserialize, Serialize, Serializer};

/// The reason why a datagram does not belong to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stray {
    /// It has another version of the layout, or another layout.
    BadVersion,
    /// It carries the token of another run.
    WrongToken,
    /// Its sender or its destination does not exist, or its destination does not receive at this socket.
    UnknownNode,
    /// Its sender exists, but has another address.
    WrongSource,
    /// It ends within the header or within the order.
    Truncated,
    /// It is longer than any datagram of a run.
    Oversized,
    /// Its token is right, but its fields are not those of a message.
    Malformed,
    /// It exceeds the sums that its sender published, or it came outside a train although messages travel in trains.
    Forged,
    /// It belongs to a train that has already arrived.
    Replayed,
}

impl Stray {
    /// The number of kinds.
    pub const COUNT: usize = 9;

    /// All kinds, in the sequence of [`Stray::index`].
    pub const ALL: [Stray; Stray::COUNT] = [
        Stray::BadVersion,
        Stray::WrongToken,
        Stray::UnknownNode,
        Stray::WrongSource,
        Stray::Truncated,
        Stray::Oversized,
        Stray::Malformed,
        Stray::Forged,
        Stray::Replayed,
    ];

    /// Returns the index into an array that covers all kinds.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns the name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Stray::BadVersion => "bad_version",
            Stray::WrongToken => "wrong_token",
            Stray::UnknownNode => "unknown_node",
            Stray::WrongSource => "wrong_source",
            Stray::Truncated => "truncated",
            Stray::Oversized => "oversized",
            Stray::Malformed => "malformed",
            Stray::Forged => "forged",
            Stray::Replayed => "replayed",
        }
    }
}

impl From<WireError> for Stray {
    fn from(error: WireError) -> Stray {
        match error {
            WireError::Oversized { .. } => Stray::Oversized,
            WireError::HeaderCut { .. } | WireError::PartCut { .. } | WireError::OrderCut { .. } => Stray::Truncated,
            WireError::BadVersion { .. } => Stray::BadVersion,
            WireError::BadKind { .. }
            | WireError::BadHops { .. }
            | WireError::BadControl { .. }
            | WireError::BadOrder
            | WireError::TrailingBytes { .. } => Stray::Malformed,
        }
    }
}

/// Strays by kind: those of one worker, or the sum over workers.
// Only another process reads counts back, and they are an array there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct StrayCounts([u64; Stray::COUNT]);

impl StrayCounts {
    /// Counts one stray.
    #[doc(hidden)]
    pub const fn add(&mut self, stray: Stray) {
        self.add_many(stray, 1);
    }

    /// Counts `more` strays of one kind.
    #[doc(hidden)]
    pub const fn add_many(&mut self, stray: Stray, more: u64) {
        self.0[stray.index()] += more;
    }

    /// Adds the counts of another worker.
    pub fn merge(&mut self, other: &StrayCounts) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// Returns the count of one kind.
    #[cfg(any(test, feature = "internals"))]
    pub const fn of(&self, stray: Stray) -> u64 {
        self.0[stray.index()]
    }

    /// Returns the sum over all kinds.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Iterates over all kinds with their counts, zeros included.
    #[doc(hidden)]
    pub fn iter(&self) -> impl Iterator<Item = (Stray, u64)> {
        Stray::ALL.into_iter().zip(self.0)
    }
}

/// Writes an object that maps each kind, by name, to its count, in the sequence of `Stray::ALL`; between processes
/// the counts alone.
impl Serialize for StrayCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return self.0.serialize(serializer);
        }
        serializer.collect_map(self.iter().map(|(stray, count)| (stray.name(), count)))
    }
}
