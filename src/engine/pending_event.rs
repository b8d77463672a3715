//! A message under way in virtual time, and the order in which messages are dealt with.

use crate::ids::NodeId;
use crate::message::Message;
use crate::time::Nanos;

/// What decides the order in which things happen: time, round, sender, sequence.
pub(super) type EventRank = (Nanos, u16, NodeId, u32);

/// A message under way, with what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PendingEvent<T> {
    /// When it arrives.
    pub(super) time: Nanos,
    /// When it was sent, its last bit included, or from when on it is held back.
    pub(super) sent_at: Nanos,
    /// What arrives.
    pub(super) message: Message,
    /// How many messages its sender had sent before.
    pub(super) sequence: u32,
    /// How many messages in a row that took no time led to this one, at its instant: 0 where it took any.
    pub(super) round: u16,
    /// What happens then.
    pub(super) stage: EventStage,
    pub(super) tail: T,
}

/// What happens at a flight's time.
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
