//! A message under way in virtual time, and the order in which messages are handled.

use crate::ids::NodeId;
use crate::message::Message;
use crate::time::Nanos;

/// The order in which events happen: time, round, sender, sequence.
pub(super) type EventRank = (Nanos, u16, NodeId, u32);

/// A message under way, with its tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PendingEvent<T> {
    /// Time of arrival.
    pub(super) time: Nanos,
    /// Time at which its last bit was sent, or from which on it is held back.
    pub(super) sent_at: Nanos,
    /// The message that arrives.
    pub(super) message: Message,
    /// Number of messages that its sender had sent before.
    pub(super) sequence: u32,
    /// Number of consecutive messages without latency that led to this one at its instant: 0 if it has a latency.
    pub(super) round: u16,
    /// The stage that the message reaches at its time.
    pub(super) stage: EventStage,
    pub(super) tail: T,
}

/// The stage that a pending message reaches at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventStage {
    /// It arrives at its receiver, which receives it at once unless it has to pass a downlink or wait for processing
    /// first.
    Arrives,
    /// It has passed the downlink of its receiver, and waits for processing.
    PastDownlink,
    /// Its receiver receives it.
    Delivered,
    /// An adversary sends a forward that it has held back until now. This is not a message.
    Held,
}

impl<T> PendingEvent<T> {
    /// Returns the rank that determines the order in which a node receives messages.
    pub(super) fn rank(&self) -> EventRank {
        (self.time, self.round, self.message.from, self.sequence)
    }
}
