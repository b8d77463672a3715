//! Datagrams that are not ours: which kinds there are, who is let in, and how many of each were turned away.
//!
//! Ports on loopback are open to every process, so that anything may come. A stray is counted by kind and dropped; it
//! is outside the ledger's sum. Three kinds are not told here: a wrong source address, which only the carrier sees, and what is
//! forged or replayed, which only a carrier that numbers messages sees.

use super::{CONTROL_BYTES, HEADER_BYTES, Token, TrainTrailer, WireError, message_of, split, token_of};
use crate::ids::NodeId;
use crate::message::Message;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Serialize, Serializer};

/// What stands behind the header of a control message.
const CONTROL_BODY: [u8; CONTROL_BYTES - HEADER_BYTES] = [0; CONTROL_BYTES - HEADER_BYTES];

/// Why a datagram is not one of this run's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stray {
    /// Another version of the layout, or no layout of ours at all.
    BadVersion,
    /// Another run's token.
    WrongToken,
    /// A sender or a destination that the run does not have, or a destination that is not at this socket.
    UnknownNode,
    /// A known sender, but not from that sender's address. Told by the carrier, which knows the addresses.
    WrongSource,
    /// Cut short, within the header or within the order.
    Truncated,
    /// Longer than any datagram of ours.
    Oversized,
    /// The right token before fields that no message has.
    Malformed,
    /// More than its sender has sent, or a message outside a train where messages travel in trains. Told by the carrier,
    /// which knows the sender's own sums.
    Forged,
    /// A train that has come before. Told by the carrier, from the sums in its mark.
    Replayed,
}

impl Stray {
    /// How many kinds there are.
    pub const COUNT: usize = 9;

    /// Every kind, in the order of [`Stray::index`].
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

    /// The kind as a position in an array that covers all kinds.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The kind as reports write it.
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

/// What a datagram must agree with to be let into a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The run's token.
    pub token: Token,
    /// How many nodes the run has.
    pub nodes: u32,
    /// How many orders the run has.
    pub orders: u32,
}

impl Admission {
    /// The message of a datagram that came to a socket, and the order's bytes for [`super::decode_order`].
    ///
    /// `is_here` says whether a node receives at that socket: one node where each has its own, a shard's otherwise.
    /// The token is judged before anything but length and version, so that another run's datagram is known as such.
    /// A message that is let in may be used as an index: its nodes and its order are below the run's counts. The order's
    /// bytes are not judged: that is left to the first copy, and most are not. Those of a control message are, but for its
    /// tail, which is the protocol's to judge.
    ///
    /// # Errors
    /// Each [`Stray`] but those that the carrier tells: [`Stray::WrongSource`], [`Stray::Forged`], [`Stray::Replayed`].
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

    /// The mark of a datagram that [`super::is_train_trailer`] takes for one, judged in the order of [`Admission::admit`]. Its shards
    /// are the carrier's to judge.
    ///
    /// # Errors
    /// [`Stray::BadVersion`], [`Stray::WrongToken`], [`Stray::Truncated`], [`Stray::Oversized`] or [`Stray::Malformed`].
    pub fn admit_trailer(&self, datagram: &[u8]) -> Result<TrainTrailer, Stray> {
        let (header, body) = split(datagram)?;
        if token_of(header) != self.token {
            return Err(Stray::WrongToken);
        }
        TrainTrailer::read(header, body)
    }
}

/// How many strays of each kind came: one worker's, or the sum over workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StrayCounts([u64; Stray::COUNT]);

impl StrayCounts {
    /// Counts one more.
    pub const fn add(&mut self, stray: Stray) {
        self.add_many(stray, 1);
    }

    /// Counts so many more.
    pub const fn add_many(&mut self, stray: Stray, more: u64) {
        self.0[stray.index()] += more;
    }

    /// Adds another worker's counts.
    pub fn merge(&mut self, other: &StrayCounts) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// How many of one kind came.
    pub const fn of(&self, stray: Stray) -> u64 {
        self.0[stray.index()]
    }

    /// How many came in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Each kind with its count, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (Stray, u64)> {
        Stray::ALL.into_iter().zip(self.0)
    }
}

/// An object with every kind by name, in the order of [`Stray::ALL`].
impl Serialize for StrayCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(stray, count)| (stray.name(), count)))
    }
}
