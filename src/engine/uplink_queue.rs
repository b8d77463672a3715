//! Messages that wait for the uplinks of a shard's nodes, or are being transmitted. A message counts as sent once its
//! last bit has left, so that no node sends more than its uplink carries; a message that has not left at the end was
//! never sent.
//!
//! If copies share an uplink, one comes here when it leaves (`fair_uplinks`), because only then its time is known.
//!
//! The copies of a forward leave a serial uplink one after the other, at even distances, and are kept as one entry.
//!
//! They have a calendar of their own beside that of the messages under way, because a message that the network loses
//! still leaves through the uplink.

use super::fair_uplinks::CopyFate;
use super::journal::SendCounts;
use super::window_length::WindowLength;
use crate::ids::OrderIndex;
use crate::message::{Kind, Message};
use crate::time::{Calendar, Nanos};
use std::ops::Range;

/// Span of departures that are handled together: 2^20 ns, about a millisecond.
const WIDTH: Nanos = Nanos(1 << 20);

/// Messages on the uplink of their node that leave it at even distances: the copies of one forward, or some of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct DepartureSeries {
    /// Time at which their node handed them to the uplink.
    pub(super) handed_at: Nanos,
    /// Time at which the last bit of the first one leaves, and the time from one to the next.
    first: Nanos,
    step: Nanos,
    /// Bit by bit, whether a message is lost after the uplink, and whether the network doubles it.
    lost: u64,
    doubled: u64,
    /// Index of their node in the shard.
    pub(super) local: u32,
    pub(super) order: OrderIndex,
    pub(super) kind: Kind,
    /// Tail words of each.
    pub(super) words: u8,
    count: u8,
}

impl DepartureSeries {
    /// Creates the departure of a message of this node of the shard.
    #[inline]
    pub(super) fn new(message: &Message, local: u32, handed_at: Nanos, leaves_at: Nanos, fate: &CopyFate) -> Self {
        let &Message { order, kind, tail: words, .. } = message;
        let (lost, doubled) = (fate.is_lost().into(), fate.is_doubled().into());
        let (first, step, count) = (leaves_at, Nanos::ZERO, 1);
        DepartureSeries { handed_at, first, step, lost, doubled, local, order, kind, words, count }
    }

    /// Adds the next message of the same forward, if it leaves as long after the last one as that after the one before.
    /// Returns true if it does.
    #[inline]
    pub(super) fn extend(&mut self, leaves_at: Nanos, fate: &CopyFate) -> bool {
        if self.count == 1 {
            self.step = leaves_at.since(self.first);
        }
        if u32::from(self.count) == u64::BITS || leaves_at != self.leaves_at(self.count.into()) {
            return false;
        }
        self.lost |= u64::from(fate.is_lost()) << self.count;
        self.doubled |= u64::from(fate.is_doubled()) << self.count;
        self.count += 1;
        true
    }

    /// Returns the number of messages.
    pub(super) fn count(&self) -> u32 {
        self.count.into()
    }

    /// Returns the number of messages whose last bit has left by `time`.
    pub(super) fn left_by(&self, time: Nanos) -> u32 {
        (0..self.count()).take_while(|&place| self.leaves_at(place) <= time).count() as u32
    }

    /// Returns the counts of the messages at these places once they have left.
    pub(super) fn target_batch(&self, places: Range<u32>) -> SendCounts {
        let sent = places.len() as u32;
        let within = |bits: u64| places.clone().map(|place| (bits >> place & 1) as u32).sum();
        let words = sent * u32::from(self.words);
        SendCounts { sent, words, lost: within(self.lost), doubled: within(self.doubled), ..SendCounts::default() }
    }

    /// Returns the time at which the last bit of all messages has left.
    fn last(&self) -> Nanos {
        self.leaves_at(self.count() - 1)
    }

    /// Returns the time at which the last bit of the message at a place leaves.
    #[inline]
    fn leaves_at(&self, place: u32) -> Nanos {
        self.first + Nanos(self.step.0.saturating_mul(place.into()))
    }
}

/// All departures that are not counted yet.
pub(super) struct UplinkQueue {
    /// By the time at which the last of a series leaves.
    calendar: Calendar<DepartureSeries>,
    /// Number of series in the calendar.
    waiting: u64,
    width: WindowLength,
    /// Time at which the last bit of all queued messages leaves.
    last: Nanos,
}

impl UplinkQueue {
    pub(super) fn new() -> UplinkQueue {
        UplinkQueue { calendar: Calendar::new(None), waiting: 0, width: WindowLength::new(WIDTH), last: Nanos::ZERO }
    }

    /// Adds departures later than any that have been taken.
    #[inline]
    pub(super) fn put(&mut self, departures: DepartureSeries) {
        let last = departures.last();
        // Upkeep holds no run open.
        if !departures.kind.is_upkeep() {
            self.last = self.last.max(last);
        }
        self.waiting += 1;
        self.calendar.put(self.width.window(last), departures);
    }

    /// Returns the bytes of the messages that have not been taken.
    pub(super) fn bytes(&self) -> u64 {
        self.waiting * size_of::<DepartureSeries>() as u64
    }

    /// Returns the time at which the last bit of all messages ever queued leaves.
    pub(super) fn last(&self) -> Nanos {
        self.last
    }

    /// Takes departures up to `time`; some of them may stay for the next call.
    pub(super) fn take(&mut self, time: Nanos, taken: &mut Vec<DepartureSeries>) {
        while let Some(window) = self.calendar.next().filter(|&window| self.width.end(window) <= time) {
            let mut items = Vec::new();
            self.calendar.take(window, &mut items);
            self.waiting -= items.len() as u64;
            taken.append(&mut items);
            self.calendar.give_back(items);
        }
    }

    /// Iterates over all departures that are left.
    pub(super) fn iter(&self) -> impl Iterator<Item = &DepartureSeries> {
        self.calendar.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::message::OrderHop;
    use proptest::prelude::*;

    proptest! {
        /// Departures at mostly even distances, in as few series as their limit allows, are counted as each by itself.
        #[test]
        fn a_series_counts_as_its_messages(
            first in 0..1_000_u64, limit in 0..2_500_u64, words in 0..4_u8,
            steps in prop::collection::vec((prop_oneof![9 => Just(7_u64), 1 => 0..9_u64], 0..3_u8), 0..150),
        ) {
            let order_hop = OrderHop { order: OrderIndex(3), ttl: 1, hop: 1 };
            let message = order_hop.message_with(Kind::HAVE, NodeId(1), NodeId(2), words);
            let fates = [[None; 2], [Some(Nanos(5)), None], [Some(Nanos(5)); 2]];
            let (mut all, mut leaves_at) = (Vec::<DepartureSeries>::new(), first);
            let (mut sent, mut lost, mut doubled) = ([0_u32; 2], [0; 2], [0; 2]);
            for &(step, fate) in &steps {
                let fate = CopyFate { latencies: fates[fate as usize], is_cut: false };
                let time = Nanos(leaves_at);
                if !all.last_mut().is_some_and(|series| series.extend(time, &fate)) {
                    all.push(DepartureSeries::new(&message, 4, Nanos(0), time, &fate));
                }
                let side = usize::from(leaves_at > limit);
                sent[side] += 1;
                lost[side] += u32::from(fate.is_lost());
                doubled[side] += u32::from(fate.is_doubled());
                leaves_at += step;
            }
            let mut counted = [[0; 4]; 2];
            for series in &all {
                let left = series.left_by(Nanos(limit));
                for (sums, places) in counted.iter_mut().zip([0..left, left..series.count()]) {
                    let SendCounts { sent, words, lost, doubled, .. } = series.target_batch(places);
                    sums.iter_mut().zip([sent, words, lost, doubled]).for_each(|(sum, count)| *sum += count);
                }
            }
            for (side, counted) in counted.into_iter().enumerate() {
                let words = sent[side] * u32::from(words);
                prop_assert_eq!(counted, [sent[side], words, lost[side], doubled[side]]);
            }
            prop_assert_eq!(all.last().map(DepartureSeries::last), steps.last().map(|last| Nanos(leaves_at - last.0)));
            let breaks = steps.iter().filter(|step| step.0 != 7).count();
            prop_assert!(all.len() <= 1 + steps.len() / 64 + 2 * breaks);
        }
    }
}
