//! Admission of datagrams: the kinds of strays, the check of each datagram, and the count of each kind rejected.
//!
//! Ports on loopback are open to every process, so anything may arrive. A stray is counted by kind and dropped; the
//! ledger's sum does not include it. Three kinds are not detected here: a wrong source address, which only the carrier
//! sees, and forged or replayed datagrams, which only a carrier that numbers messages detects.

use super::{CONTROL_BYTES, HEADER_BYTES, Token, TrainTrailer, WireError, message_of, split, token_of};
use crate::ids::NodeId;
use crate::message::Message;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Serialize, Serializer};

/// The bytes between the header of a control message and its tail.
const CONTROL_BODY: [u8; CONTROL_BYTES - HEADER_BYTES] = [0; CONTROL_BYTES - HEADER_BYTES];

/// A reason why a datagram does not belong to this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stray {
    /// Another version of the layout, or another protocol altogether.
    BadVersion,
    /// Another run's token.
    WrongToken,
    /// A sender or a destination that the run does not have, or a destination that is not at this socket.
    UnknownNode,
    /// A known sender, but not from that sender's address. Detected by the carrier, which knows the addresses.
    WrongSource,
    /// Cut short, within the header or within the order.
    Truncated,
    /// Longer than any datagram of this layout.
    Oversized,
    /// The right token, but fields that no message has.
    Malformed,
    /// Beyond what its sender has sent, or a message outside a train on a carrier of trains. Detected by the carrier,
    /// which knows the sender's own totals.
    Forged,
    /// A train that has come before. Detected by the carrier, from the totals in its trailer.
    Replayed,
}

impl Stray {
    /// Number of kinds.
    pub const COUNT: usize = 9;

    /// Every kind, in the sequence of [`Stray::index`].
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

    /// The kind as an index into an array of all kinds.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The kind's name in reports.
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
            WireError::HeaderCut { .. } | WireError::OrderCut { .. } => Stray::Truncated,
            WireError::BadVersion { .. } => Stray::BadVersion,
            WireError::BadKind { .. }
            | WireError::BadHops { .. }
            | WireError::BadControl { .. }
            | WireError::BadOrder
            | WireError::TrailingBytes { .. } => Stray::Malformed,
        }
    }
}

/// The conditions that a datagram must meet to be admitted to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The run's token.
    pub token: Token,
    /// Number of nodes of the run.
    pub nodes: u32,
    /// Number of orders of the run.
    pub orders: u32,
}

impl Admission {
    /// Checks a datagram that came to a socket; returns its message, and the order's bytes for [`super::decode_order`].
    ///
    /// `is_here` returns true if a node receives at that socket: one node if each has its own, else any node of the
    /// shard. The token is checked before anything but length and version, so that another run's datagram is recognised
    /// as such. The nodes and the order of an admitted message are below the run's counts, so they may be used as
    /// indices. The order's bytes are not checked, because only a first copy is decoded, and most copies are not first.
    /// Those of a control message are checked, except for its tail, which the protocol checks.
    ///
    /// # Errors
    /// Each [`Stray`] except those that the carrier detects: [`Stray::WrongSource`], [`Stray::Forged`],
    /// [`Stray::Replayed`].
    #[inline]
    pub fn admit<'a>(
        &self,
        datagram: &'a [u8],
        is_here: impl FnOnce(NodeId) -> bool,
    ) -> Result<(Message, &'a [u8]), Stray> {
        let (header, body) = split(datagram)?;
        if token_of(header) != self.token {
            return Err(Stray::WrongToken);
        }
        let message = message_of(header, body)?;
        if message.from.0 >= self.nodes || message.to.0 >= self.nodes || !is_here(message.to) {
            return Err(Stray::UnknownNode);
        }
        if message.order.0 >= self.orders || message.kind.is_control() && !body.starts_with(&CONTROL_BODY) {
            return Err(Stray::Malformed);
        }
        Ok((message, body))
    }

    /// Checks a datagram for which [`super::is_train_trailer`] is true, in the sequence of [`Admission::admit`]; returns its
    /// trailer. The carrier checks the shards.
    ///
    /// # Errors
    /// [`Stray::BadVersion`], [`Stray::WrongToken`], [`Stray::Truncated`], [`Stray::Oversized`] or
    /// [`Stray::Malformed`].
    pub fn admit_trailer(&self, datagram: &[u8]) -> Result<TrainTrailer, Stray> {
        let (header, body) = split(datagram)?;
        if token_of(header) != self.token {
            return Err(Stray::WrongToken);
        }
        TrainTrailer::read(header, body)
    }
}

/// Number of strays of each kind, of one worker or summed over workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StrayCounts([u64; Stray::COUNT]);

impl StrayCounts {
    /// Counts one more.
    pub const fn add(&mut self, stray: Stray) {
        self.add_many(stray, 1);
    }

    /// Counts `more` more.
    pub const fn add_many(&mut self, stray: Stray, more: u64) {
        self.0[stray.index()] += more;
    }

    /// Adds another worker's counts.
    pub fn merge(&mut self, other: &StrayCounts) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// Number of strays of one kind.
    pub const fn of(&self, stray: Stray) -> u64 {
        self.0[stray.index()]
    }

    /// Number of strays of all kinds.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Each kind with its count, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (Stray, u64)> {
        Stray::ALL.into_iter().zip(self.0)
    }
}

/// Serializes an object with every kind by name, in the sequence of [`Stray::ALL`].
impl Serialize for StrayCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(stray, count)| (stray.name(), count)))
    }
}
