//! What is counted of each order of a bulk, and of all their delays.

use super::OrderOutcome;
use crate::coverage::{TARGET, TIMES};
use crate::ids::NodeId;
use crate::time::Nanos;
use borsh::{BorshDeserialize, BorshSerialize};
use hdrhistogram::Histogram;
use std::io;

/// What one worker counts of one order. Times are since the clock's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OrderCounts {
    /// The shard's nodes that have it.
    pub reached: u32,
    /// Those of its nodes that got it with hop = TTL, and did not forward it.
    pub at_last_hop: u32,
    /// Messages with it that came.
    pub received: u64,
    /// Messages with it that the carrier took.
    pub sent: u64,
    /// Second copies of them that a modelled network made.
    pub doubled: u64,
    /// Messages with it that a modelled network lost or dropped.
    pub lost: u64,
    /// What of it had yet to be sent at the stop: messages that waited or were held back, answers that were awaited, news that
    /// were gathered, and in virtual time control messages under way.
    pub unsent: u64,
    /// When it was published; [`Nanos::MAX`] where this worker did not publish it.
    pub published_at: Nanos,
    /// When the last of the shard's nodes got it; [`Nanos::ZERO`] where none did.
    pub last_receipt: Nanos,
    /// When it crossed each milestone and the target; [`Nanos::MAX`] where another worker's batch did, or none.
    pub crossed: [Nanos; TIMES],
}

impl OrderCounts {
    /// Nothing yet.
    pub const NONE: OrderCounts = OrderCounts {
        reached: 0,
        at_last_hop: 0,
        received: 0,
        sent: 0,
        doubled: 0,
        lost: 0,
        unsent: 0,
        published_at: Nanos::MAX,
        last_receipt: Nanos::ZERO,
        crossed: [Nanos::MAX; TIMES],
    };

    /// Whether nothing of it is under way, and nothing waits to be sent.
    pub fn is_at_rest(&self) -> bool {
        self.unsent == 0 && self.sent + self.doubled == self.received + self.lost
    }

    /// Adds what another worker counted of the same order.
    pub fn merge(&mut self, other: &OrderCounts) {
        self.reached += other.reached;
        self.at_last_hop += other.at_last_hop;
        self.received += other.received;
        self.sent += other.sent;
        self.doubled += other.doubled;
        self.lost += other.lost;
        self.unsent += other.unsent;
        self.published_at = self.published_at.min(other.published_at);
        self.last_receipt = self.last_receipt.max(other.last_receipt);
        for (time, other) in self.crossed.iter_mut().zip(other.crossed) {
            *time = (*time).min(other);
        }
    }
}

/// One order of a bulk, merged from all workers. Times are spans since it was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    /// Where it entered.
    pub origin: NodeId,
    /// When it was due, since the injection of the first.
    pub due: Nanos,
    /// How much later it was published; `None` where it was not.
    pub published_late: Option<Nanos>,
    /// Bytes of its payload.
    pub payload_bytes: u32,
    /// Nodes that its coverage counts: all, or under faults those that were up when it was due and at the end.
    pub counted: u64,
    /// Nodes that have it.
    pub reached: u64,
    /// Messages with it that the carrier took.
    pub sent: u64,
    /// Messages with it that came.
    pub received: u64,
    /// When it had reached each milestone and the target, also after its time limit.
    pub time_to: [Option<Nanos>; TIMES],
    /// When the last of its nodes got it; `None` where none did.
    pub time_to_end: Option<Nanos>,
    /// What became of it.
    pub outcome: OrderOutcome,
}

impl OrderRecord {
    /// When it reached its target; `None` where it did not, or later than the time limit.
    pub fn time_to_target(&self) -> Option<Nanos> {
        self.time_to[TARGET].filter(|_| self.outcome == OrderOutcome::Reached)
    }
}

/// A bulk of orders, merged from all workers.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkRecord {
    /// By order.
    pub orders: Vec<OrderRecord>,
    /// The delays of all first receipts, the origins' included, each since its order was due.
    pub delays: DelayHistogram,
    /// First receipts by hop, from hop 0, the origins'.
    pub hops: Vec<u64>,
}

impl BulkRecord {
    /// The orders that were published: those that coverage is of.
    pub fn published(&self) -> impl Iterator<Item = &OrderRecord> {
        self.orders.iter().filter(|order| order.outcome != OrderOutcome::NotPublished)
    }

    /// How many orders came to this.
    pub fn count(&self, outcome: OrderOutcome) -> u64 {
        self.orders.iter().filter(|order| order.outcome == outcome).count() as u64
    }
}

/// Delays in nanoseconds, each kept to three digits: a high-dynamic-range histogram (Tene).
#[derive(Clone, Debug, PartialEq)]
pub struct DelayHistogram(Histogram<u64>);

/// The longest delay that is told apart: an hour. Longer ones count as that.
const LONGEST: u64 = 3_600_000_000_000;

/// Digits that are kept.
const DIGITS: u8 = 3;

impl Default for DelayHistogram {
    fn default() -> DelayHistogram {
        DelayHistogram::new()
    }
}

impl DelayHistogram {
    /// No delays. All memory that it will ever need is taken here.
    pub fn new() -> DelayHistogram {
        DelayHistogram(Histogram::new_with_bounds(1, LONGEST, DIGITS).expect("bounds that the type allows"))
    }

    /// Counts a delay.
    #[inline]
    pub fn record(&mut self, delay: Nanos) {
        self.0.saturating_record(delay.0);
    }

    /// Adds the delays of another.
    pub fn merge(&mut self, other: &DelayHistogram) {
        for (delay, count) in other.iter() {
            self.0.saturating_record_n(delay.0, count);
        }
    }

    /// How many delays there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The delay that a share of all do not exceed, `permille` of a thousand, to three digits; `None` where there is none.
    pub fn permille(&self, permille: u64) -> Option<Nanos> {
        (!self.0.is_empty()).then(|| Nanos(self.0.value_at_quantile(permille as f64 / 1_000.0)))
    }

    /// The mean, to the nearest nanosecond; `None` where there is none.
    pub fn mean(&self) -> Option<Nanos> {
        (!self.0.is_empty()).then(|| Nanos(self.0.mean().round() as u64))
    }

    /// Each delay that occurred, ascending and to three digits, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Nanos, u64)> + '_ {
        self.0.iter_recorded().map(|step| (Nanos(step.value_iterated_to()), step.count_since_last_iteration()))
    }
}

/// The delays that occurred, with how often.
impl BorshSerialize for DelayHistogram {
    fn serialize<W: io::Write>(&self, into: &mut W) -> io::Result<()> {
        let pairs: Vec<(u64, u64)> = self.iter().map(|(delay, count)| (delay.0, count)).collect();
        BorshSerialize::serialize(&pairs, into)
    }
}

impl BorshDeserialize for DelayHistogram {
    fn deserialize_reader<R: io::Read>(from: &mut R) -> io::Result<DelayHistogram> {
        let mut histogram = DelayHistogram::new();
        for (delay, count) in Vec::<(u64, u64)>::deserialize_reader(from)? {
            histogram.0.saturating_record_n(delay, count);
        }
        Ok(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_kept_to_three_digits_and_merge() {
        let (mut one, mut other) = (DelayHistogram::new(), DelayHistogram::new());
        (1..=500u64).for_each(|i| one.record(Nanos(i * 1_000)));
        (501..=1_000u64).for_each(|i| other.record(Nanos(i * 1_000)));
        other.record(Nanos(0));
        other.record(Nanos::MAX);
        one.merge(&other);
        assert_eq!(one.count(), 1_002);
        for (permille, expected) in [(500, 500_000), (990, 990_000)] {
            let found = one.permille(permille).unwrap().0;
            assert!(found.abs_diff(expected) <= expected / 500, "{permille}: {found}");
        }
        assert!(one.permille(1_000).unwrap().0 >= LONGEST);
        assert_eq!(DelayHistogram::new().permille(500), None);
    }

    #[test]
    fn a_histogram_survives_the_way_between_processes() {
        let mut histogram = DelayHistogram::new();
        [0, 1, 17, 1_000_003, 40_000_000_000].into_iter().for_each(|delay| histogram.record(Nanos(delay)));
        let bytes = borsh::to_vec(&histogram).unwrap();
        assert_eq!(borsh::from_slice::<DelayHistogram>(&bytes).unwrap(), histogram);
    }

    #[test]
    fn an_order_is_what_all_workers_saw_of_it() {
        let crossed = [Nanos(5), Nanos::MAX, Nanos::MAX, Nanos::MAX];
        let mut one = OrderCounts { reached: 3, published_at: Nanos(2), crossed, ..OrderCounts::NONE };
        one.merge(&OrderCounts { reached: 4, last_receipt: Nanos(9), sent: 7, ..OrderCounts::NONE });
        let expected = OrderCounts {
            reached: 7,
            published_at: Nanos(2),
            last_receipt: Nanos(9),
            sent: 7,
            crossed,
            ..OrderCounts::NONE
        };
        assert_eq!(one, expected);
    }
}
