//! What is counted of each order of a bulk.

use super::{DelayHistogram, OrderOutcome};
use crate::coverage::{TARGET, TIMES};
use crate::ids::NodeId;
use crate::time::Nanos;
use borsh::{BorshDeserialize, BorshSerialize};

/// What one worker counts of one order. Times are since the clock's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OrderCounts {
    /// The shard's nodes that have it.
    pub reached: u32,
    /// Those of its nodes that got it with hop = TTL, and did not forward it; and copies that were older than their node's window.
    pub cut_off: u32,
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

    /// Whether nothing of it is under way, and nothing waits to be sent.
    pub fn is_at_rest(&self) -> bool {
        self.unsent == 0 && self.sent + self.doubled == self.received + self.lost
    }

    /// Adds what another worker counted of the same order.
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
    /// Nodes that its coverage counts: all, or under faults those that were up at the end.
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
    /// How many orders a node told apart, up to the newest that it had seen: all, or fewer.
    pub window: u32,
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
