//! The events of a window in which a run may end, kept until it is known up to which instant events count.

use super::access_links::{LinkSide, QueueLengths};
use crate::ids::OrderIndex;
use crate::message::Kind;
use crate::time::Nanos;

/// An event, which is counted if the run does not end before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct JournalEntry {
    pub(super) time: Nanos,
    pub(super) local: u32,
    pub(super) order: OrderIndex,
    pub(super) what: JournalEvent,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum JournalEvent {
    /// A message of this kind, with this many tail words, was received.
    Received(Kind, u8),
    /// A message was lost, because its receiver was down.
    Missed(Kind),
    /// A message was dropped, because the downlink queue of its receiver was full.
    Dropped(Kind),
    /// A forward is held back from now on.
    HeldBack,
    /// A forward that had been held back was released.
    Released,
    /// The message was a duplicate.
    Duplicate,
    /// The message was about an order older than its node's window.
    Expired(ExpiredReceipt),
    /// The node has the order from now on.
    Delivered,
    /// A part was useful, or late.
    PartCounted { is_useful: bool },
    /// The order was put together from its parts, and is delivered.
    Recovered,
    /// Messages of this kind were sent, apart from those that wait for an uplink.
    Sent(Kind, SendCounts),
    /// The protocol counted an action of its own.
    Tallied(u8, u64),
    /// A queue at an access link became longer than any of the shard in this direction before.
    Queued(LinkSide, QueueLengths),
}

/// A receipt of an order that is older than the window of its node.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExpiredReceipt {
    /// Number of orders by which it lies behind the newest that the node has seen.
    pub(super) behind: u32,
    /// True if the node never had the order, and no copy of it had expired there before.
    pub(super) is_first: bool,
}

/// Counts of sent messages by their fate at the sender.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SendCounts {
    pub(super) sent: u32,
    pub(super) lost: u32,
    /// Messages that were not sent because the uplink queue of their node was full.
    pub(super) dropped: u32,
    /// Tail words of all these messages.
    pub(super) words: u32,
    /// Second copies of messages that are not lost.
    pub(super) doubled: u32,
    pub(super) spared: u32,
}
