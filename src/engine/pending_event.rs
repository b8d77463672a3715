//! A message under way in virtual time, and the order in which messages are handled.

use crate::ids::NodeId;
use crate::message::{Kind, Message, OrderHop, Tail};
use crate::network::Fates;
use crate::time::Nanos;

/// The order in which events happen: time, round, sender, sequence.
pub(super) type EventRank = (Nanos, u16, NodeId, u32);

/// A message under way, with its tail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PendingEvent<T> {
    /// Time of arrival.
    pub(super) time: Nanos,
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

/// The messages of one forward, all with the same tail.
#[derive(Clone, Copy)]
pub(super) struct ForwardedMessages<'a> {
    pub(super) from: NodeId,
    pub(super) at: Nanos,
    pub(super) kind: Kind,
    pub(super) order_hop: OrderHop,
    /// Number of messages that the node had sent before.
    pub(super) sequence: u32,
    pub(super) to: &'a [NodeId],
    pub(super) tail: &'a [u64],
    /// By message, its latency or [`Fates::LOST`].
    pub(super) latencies: &'a [Nanos],
}

/// Takes the events that the events of a shard lead to.
pub(super) trait EventSink {
    /// The tail of a message.
    type Tail: Tail;

    /// Takes a message, or a forward that is held back.
    fn put(&mut self, pending: PendingEvent<Self::Tail>);

    /// Takes the messages of a forward whose fates have been drawn, on a network where each takes time; returns the
    /// number of those that are lost.
    fn put_forward(&mut self, forward: &ForwardedMessages<'_>) -> u32 {
        let &ForwardedMessages { from, at, kind, order_hop, sequence, to, tail: words, latencies } = forward;
        let mut lost = 0;
        for (place, (&to, &latency)) in (0..).zip(to.iter().zip(latencies)) {
            if latency == Fates::LOST {
                lost += 1;
                continue;
            }
            let message = order_hop.message_with(kind, from, to, words.len() as u8);
            let sequence = sequence.wrapping_add(place);
            let (time, stage, tail) = (at + latency, EventStage::Arrives, Self::Tail::of(words));
            self.put(PendingEvent { time, message, sequence, round: 0, stage, tail });
        }
        lost
    }

    /// Takes a timer of a node, which fires at `at`.
    fn put_timer(&mut self, at: Nanos, node: NodeId, token: u64);

    /// Passes each message that has yet to come, and each forward that is held back, to `each`, with its number among
    /// the messages of its sender.
    fn for_each_pending(&self, each: impl FnMut(&Message, u32, EventStage, &Self::Tail));
}

impl<T> PendingEvent<T> {
    /// Returns the rank that determines the order in which a node receives messages.
    pub(super) fn rank(&self) -> EventRank {
        (self.time, self.round, self.message.from, self.sequence)
    }
}
