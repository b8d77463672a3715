//! A message under way in virtual time, and the order in which messages are dealt with.

use crate::ids::NodeId;
use crate::message::Message;
use crate::time::Nanos;

/// The order in which events happen: time, round, sender, sequence.
pub(super) type EventRank = (Nanos, u16, NodeId, u32);

/// A message under way, with what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PendingEvent<T> {
    /// Time of arrival.
    pub(super) time: Nanos,
    /// Time of sending, its last bit included, or the time from which on it is held back.
    pub(super) sent_at: Nanos,
    /// The message that arrives.
    pub(super) message: Message,
    /// Number of messages that its sender had sent before.
    pub(super) sequence: u32,
    /// Number of messages in a row without latency that led to this one at its instant: 0 if it has a latency.
    pub(super) round: u16,
    /// The stage that the message reaches at its time.
    pub(super) stage: EventStage,
    pub(super) tail: T,
}

/// The stage that a pending message reaches at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventStage {
    /// It comes to its receiver, who takes it in unless it has to pass a line or wait for its turn first.
    Arrives,
    /// It is through the line into its receiver, and waits for its turn.
    PastDownlink,
    /// Its receiver takes it in.
    Delivered,
    /// Its receiver sends on what it has held back until then. This is no message.
    Held,
}

impl<T> PendingEvent<T> {
    /// The order in which a node takes messages in.
    pub(super) fn rank(&self) -> EventRank {
        (self.time, self.round, self.message.from, self.sequence)
    }
}
