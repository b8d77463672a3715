//! Messages that wait for the uplinks of a shard's nodes, or are on them. A message counts as sent once its last bit
//! has left, so that no node sends more than its uplink carries; a message that has not left at the end was never sent.
//!
//! They lie in a calendar of their own beside those that are under way, because a message that the network loses leaves
//! through the line all the same.

use super::journal::SendCounts;
use super::window_length::WindowLength;
use crate::ids::OrderIndex;
use crate::message::Kind;
use crate::time::{Calendar, Nanos};

/// Span of departures that are handled together: 2^20 ns, about a millisecond.
const WIDTH: Nanos = Nanos(1 << 20);

/// A message at the line out of its node.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueuedDeparture {
    /// Time at which its node handed it to the uplink.
    pub(super) handed_at: Nanos,
    /// Time at which its last bit leaves.
    pub(super) leaves_at: Nanos,
    /// Its node's place in the shard.
    pub(super) local: u32,
    pub(super) order: OrderIndex,
    pub(super) kind: Kind,
    pub(super) words: u8,
    /// True if it is lost behind the uplink.
    pub(super) is_lost: bool,
    pub(super) is_doubled: bool,
}

impl QueuedDeparture {
    /// Returns the counts of the message once it has left.
    pub(super) fn target_batch(&self) -> SendCounts {
        SendCounts {
            sent: 1,
            words: self.words.into(),
            lost: self.is_lost.into(),
            doubled: self.is_doubled.into(),
            ..SendCounts::default()
        }
    }
}

/// All that have not been counted.
pub(super) struct UplinkQueue {
    calendar: Calendar<QueuedDeparture>,
    width: WindowLength,
    /// Time at which the last bit of all that waits leaves.
    last: Nanos,
}

impl UplinkQueue {
    pub(super) fn new() -> UplinkQueue {
        UplinkQueue { calendar: Calendar::new(None), width: WindowLength::new(WIDTH), last: Nanos::ZERO }
    }

    /// Adds one that leaves later than whatever has been taken.
    #[inline]
    pub(super) fn put(&mut self, departure: QueuedDeparture) {
        // Upkeep holds no run open.
        if !departure.kind.is_upkeep() {
            self.last = self.last.max(departure.leaves_at);
        }
        self.calendar.put(self.width.window(departure.leaves_at), departure);
    }

    /// Returns the time at which the last bit of all that was ever put leaves.
    pub(super) fn last(&self) -> Nanos {
        self.last
    }

    /// Takes some that have left by `time`; others that have may stay.
    pub(super) fn take(&mut self, time: Nanos, taken: &mut Vec<QueuedDeparture>) {
        while let Some(window) = self.calendar.next().filter(|&window| self.width.end(window) <= time) {
            let mut items = Vec::new();
            self.calendar.take(window, &mut items);
            taken.append(&mut items);
            self.calendar.give_back(items);
        }
    }

    /// All that are left.
    pub(super) fn iter(&self) -> impl Iterator<Item = &QueuedDeparture> {
        self.calendar.iter()
    }
}
