//! The counts of each order of a bulk.

use super::{DelayHistogram, OrderOutcome, Receipt};
use crate::coverage::{TARGET, TIMES};
use crate::ids::NodeId;
use crate::time::Nanos;
use serde::{Deserialize, Serialize};

/// The counts of one worker for one order. Times are since the base of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCounts {
    /// Nodes of the shard that have the order.
    pub reached: u32,
    /// Receipts not forwarded: first copies that came with hop = TTL, and copies older than their node's window.
    pub cut_off: u32,
    /// Messages with the order that were received.
    pub received: u64,
    /// Messages with the order that the carrier accepted.
    pub sent: u64,
    /// Second copies of these, made by a modelled network.
    pub doubled: u64,
    /// Messages with the order that a modelled network lost or dropped.
    pub lost: u64,
    /// Sends of the order outstanding at the stop: messages waiting or held back, answers awaited, announcements
    /// gathered, and in virtual time control messages under way.
    pub unsent: u64,
    /// Time of publication; [`Nanos::MAX`] if this worker did not publish the order.
    pub published_at: Nanos,
    /// Time of the last first receipt in the shard; [`Nanos::ZERO`] if there is none.
    pub last_receipt: Nanos,
    /// Times at which it crossed each milestone and the target; [`Nanos::MAX`] if another worker's batch crossed it, or
    /// none.
    pub crossed: [Nanos; TIMES],
}

impl OrderCounts {
    /// The counts before anything has happened.
    pub const NONE: OrderCounts = OrderCounts {
        reached: 0,
        cut_off: 0,
        received: 0,
        sent: 0,
        doubled: 0,
        lost: 0,
        unsent: 0,
        published_at: Nanos::MAX,
        last_receipt: Nanos::ZERO,
        crossed: [Nanos::MAX; TIMES],
    };

    /// Returns true if no message with the order is under way or waiting to be sent.
    pub fn is_at_rest(&self) -> bool {
        self.unsent == 0 && self.sent + self.doubled == self.received + self.lost
    }

    /// Adds another worker's counts of the same order.
    pub fn merge(&mut self, other: &OrderCounts) {
        let &OrderCounts {
            reached,
            cut_off,
            received,
            sent,
            doubled,
            lost,
            unsent,
            published_at,
            last_receipt,
            crossed,
        } = other;
        self.reached += reached;
        self.cut_off += cut_off;
        self.received += received;
        self.sent += sent;
        self.doubled += doubled;
        self.lost += lost;
        self.unsent += unsent;
        self.published_at = self.published_at.min(published_at);
        self.last_receipt = self.last_receipt.max(last_receipt);
        for (time, other) in self.crossed.iter_mut().zip(crossed) {
            *time = (*time).min(other);
        }
    }
}

/// The delays and hops of first receipts, those of origins included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiptTotals {
    /// Delays since the order was due.
    pub delays: DelayHistogram,
    /// Counts by hop, 256 of them.
    pub hops: Vec<u64>,
}

impl ReceiptTotals {
    /// Creates the totals of no receipts.
    pub fn none() -> ReceiptTotals {
        ReceiptTotals { delays: DelayHistogram::new(), hops: vec![0; usize::from(u8::MAX) + 1] }
    }

    /// Counts a receipt of an order that was due at this time.
    #[inline]
    pub fn count(&mut self, receipt: &Receipt, due: Nanos) {
        self.delays.record(receipt.time.since(due));
        self.hops[usize::from(receipt.hop)] += 1;
    }

    /// Adds other receipts.
    pub fn merge(&mut self, other: &ReceiptTotals) {
        let ReceiptTotals { delays, hops } = other;
        self.delays.merge(delays);
        self.hops.iter_mut().zip(hops).for_each(|(sum, count)| *sum += count);
    }
}

/// One order of a bulk, merged from all workers. Times are spans since it was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    /// The node that published the order.
    pub origin: NodeId,
    /// Time at which it was due, since the injection of the first order.
    pub due: Nanos,
    /// Delay of its publication after it was due; `None` if it was not published.
    pub published_late: Option<Nanos>,
    /// Bytes of its payload.
    pub payload_bytes: u32,
    /// Nodes that its coverage counts: all, or under faults those that were up at the end.
    pub counted: u64,
    /// Nodes that have it.
    pub reached: u64,
    /// Messages with the order that the carrier accepted.
    pub sent: u64,
    /// Messages with the order that were received.
    pub received: u64,
    /// Times at which it reached each milestone and the target, even past its time limit.
    pub time_to: [Option<Nanos>; TIMES],
    /// Time of its last first receipt; `None` if there is none.
    pub time_to_end: Option<Nanos>,
    /// The outcome by the end of the run.
    pub outcome: OrderOutcome,
}

impl OrderRecord {
    /// Returns the time at which it reached its target; `None` if it did not, or only after the time limit.
    pub fn time_to_target(&self) -> Option<Nanos> {
        self.time_to[TARGET].filter(|_| self.outcome == OrderOutcome::Reached)
    }
}

/// A bulk of orders, merged from all workers.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkRecord {
    /// The orders, by number.
    pub orders: Vec<OrderRecord>,
    /// Delays of all first receipts since their order was due, those of origins included.
    pub delays: DelayHistogram,
    /// First receipts by hop, beginning with hop 0, the origins' own.
    pub hops: Vec<u64>,
    /// Number of orders that a node told apart, up to the newest that it had seen: all, or fewer.
    pub window: u32,
}

impl BulkRecord {
    /// Iterates over the published orders, to which coverage refers.
    pub fn published(&self) -> impl Iterator<Item = &OrderRecord> {
        self.orders.iter().filter(|order| order.outcome != OrderOutcome::NotPublished)
    }

    /// Counts the orders with this outcome.
    pub fn count(&self, outcome: OrderOutcome) -> u64 {
        self.orders.iter().filter(|order| order.outcome == outcome).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
