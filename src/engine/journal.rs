//! The events of a window, kept until it is known up to which instant events count.

use super::access_links::{LinkSide, QueueLengths};
use crate::ids::OrderIndex;
use crate::message::Kind;
use crate::time::Nanos;

/// An event that is counted if its time counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct JournalEntry {
    pub(super) time: Nanos,
    pub(super) local: u32,
    pub(super) order: OrderIndex,
    pub(super) what: JournalEvent,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum JournalEvent {
    /// A message of some kind with so many words came in that had been sent at this time.
    Received(Kind, u8, Nanos),
    /// A message was lost that had been sent at this time: its node was down.
    Missed(Kind, Nanos),
    /// A message that had been sent at this time found no room at the line into its node.
    Dropped(Kind, Nanos),
    /// A message that had been held back since this time no longer is.
    Released(Nanos),
    /// It brought nothing new.
    Duplicate,
    /// It brought an order that is older than its node's window.
    Expired(ExpiredReceipt),
    /// The node has the order from now on.
    Delivered,
    /// Messages of some kind went out, but for those that wait at a line.
    Sent(Kind, SendCounts),
    /// The protocol counted something of its own.
    Tallied(u8, u64),
    /// No queue at any line of the shard that leads this way had been as long.
    Queued(LinkSide, QueueLengths),
}

/// An order that is older than the window of a node that it came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExpiredReceipt {
    /// Number of orders by which it lies behind the newest that the node has seen.
    pub(super) behind: u32,
    /// True if the node had never had it, and no copy of it had expired there before.
    pub(super) is_first: bool,
}

/// Counts of what became of messages at their sender.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SendCounts {
    pub(super) sent: u32,
    pub(super) lost: u32,
    /// Messages that found no room on their node's uplink, and were not sent.
    pub(super) dropped: u32,
    /// Words behind all of them.
    pub(super) words: u32,
    /// Second copies of those that are not lost.
    pub(super) doubled: u32,
    pub(super) spared: u32,
}
