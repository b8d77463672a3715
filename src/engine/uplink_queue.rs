//! Messages that wait for the uplinks of a shard's nodes, or are being transmitted. A message counts as sent once its
//! last bit has left, so that no node sends more than its uplink carries; a message that has not left at the end was
//! never sent.
//!
//! If copies share an uplink, one comes here when it leaves (`fair_uplinks`), because only then its time is known.
//!
//! They have a calendar of their own beside that of the messages under way, because a message that the network loses
//! still leaves through the uplink.

use super::fair_uplinks::CopyFate;
use super::journal::SendCounts;
use super::window_length::WindowLength;
use crate::ids::OrderIndex;
use crate::message::{Kind, Message};
use crate::time::{Calendar, Nanos};

/// Span of departures that are handled together: 2^20 ns, about a millisecond.
const WIDTH: Nanos = Nanos(1 << 20);

/// A message on the uplink of its node.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueuedDeparture {
    /// Time at which its node handed it to the uplink.
    pub(super) handed_at: Nanos,
    /// Time at which its last bit leaves.
    pub(super) leaves_at: Nanos,
    /// Index of its node in the shard.
    pub(super) local: u32,
    pub(super) order: OrderIndex,
    pub(super) kind: Kind,
    pub(super) words: u8,
    /// True if it is lost after the uplink.
    pub(super) is_lost: bool,
    pub(super) is_doubled: bool,
}

impl QueuedDeparture {
    /// Creates the departure of a message of this node of the shard.
    #[inline]
    pub(super) fn new(message: &Message, local: u32, handed_at: Nanos, leaves_at: Nanos, fate: &CopyFate) -> Self {
        let &Message { order, kind, tail: words, .. } = message;
        let (is_lost, is_doubled) = (fate.is_lost(), fate.is_doubled());
        QueuedDeparture { handed_at, leaves_at, local, order, kind, words, is_lost, is_doubled }
    }

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

/// All departures that are not counted yet.
pub(super) struct UplinkQueue {
    calendar: Calendar<QueuedDeparture>,
    /// Number of messages in the calendar.
    waiting: u64,
    width: WindowLength,
    /// Time at which the last bit of all queued messages leaves.
    last: Nanos,
}

impl UplinkQueue {
    pub(super) fn new() -> UplinkQueue {
        UplinkQueue { calendar: Calendar::new(None), waiting: 0, width: WindowLength::new(WIDTH), last: Nanos::ZERO }
    }

    /// Adds a departure later than any that has been taken.
    #[inline]
    pub(super) fn put(&mut self, departure: QueuedDeparture) {
        // Upkeep holds no run open.
        if !departure.kind.is_upkeep() {
            self.last = self.last.max(departure.leaves_at);
        }
        self.waiting += 1;
        self.calendar.put(self.width.window(departure.leaves_at), departure);
    }

    /// Returns the bytes of the messages that have not been taken.
    pub(super) fn bytes(&self) -> u64 {
        self.waiting * size_of::<QueuedDeparture>() as u64
    }

    /// Returns the time at which the last bit of all messages ever queued leaves.
    pub(super) fn last(&self) -> Nanos {
        self.last
    }

    /// Takes departures up to `time`; some of them may stay for the next call.
    pub(super) fn take(&mut self, time: Nanos, taken: &mut Vec<QueuedDeparture>) {
        while let Some(window) = self.calendar.next().filter(|&window| self.width.end(window) <= time) {
            let mut items = Vec::new();
            self.calendar.take(window, &mut items);
            self.waiting -= items.len() as u64;
            taken.append(&mut items);
            self.calendar.give_back(items);
        }
    }

    /// Iterates over all departures that are left.
    pub(super) fn iter(&self) -> impl Iterator<Item = &QueuedDeparture> {
        self.calendar.iter()
    }
}
