//! Counts how often each node has sent each order, which tells the messages of one order between the same two nodes
//! apart, so that each has its own fate.

use crate::ids::OrderIndex;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// The repeats of a node and order that its byte can count.
const IN_BYTE_MAX: u8 = u8::MAX;

/// The counts of some nodes: one bit for each node and order once it has been sent, and a byte once it has been sent
/// again.
#[derive(Debug)]
pub struct Attempts {
    nodes: usize,
    /// By order.
    sent: Vec<OrderAttempts>,
    /// Number of repeats by order and node beyond those that its byte counts.
    further: BTreeMap<(OrderIndex, u32), u32>,
}

/// The counts of one order.
#[derive(Clone, Debug, Default)]
struct OrderAttempts {
    /// A bit per node; empty if none of the nodes has sent the order.
    once: Vec<u64>,
    /// By node, the number of repeats after the first time; empty if no node has sent the order twice.
    repeats: Vec<u8>,
}

impl Attempts {
    /// Creates zero counts for `nodes` nodes and `orders` orders.
    pub fn new(nodes: usize, orders: usize) -> Attempts {
        Attempts { nodes, sent: vec![OrderAttempts::default(); orders], further: BTreeMap::new() }
    }

    /// Returns how often the `local`-th node has sent the order before, and counts one more.
    #[inline]
    pub fn next(&mut self, local: u32, order: OrderIndex) -> u32 {
        let OrderAttempts { once, repeats } = &mut self.sent[order.index()];
        // Allocated on first use: an order that none of these nodes has sent takes no memory.
        if once.is_empty() {
            once.resize(self.nodes.div_ceil(64), 0);
        }
        let (word, bit) = (&mut once[local as usize / 64], 1 << (local % 64));
        if *word & bit == 0 {
            *word |= bit;
            return 0;
        }
        if repeats.is_empty() {
            repeats.resize(self.nodes, 0);
        }
        let repeats = &mut repeats[local as usize];
        if *repeats < IN_BYTE_MAX {
            *repeats += 1;
            return u32::from(*repeats);
        }
        let further = self.further.entry((order, local)).or_default();
        *further += 1;
        u32::from(IN_BYTE_MAX) + *further
    }
}

/// The attempts of one node at one time: all its messages with one order are one attempt.
#[derive(Debug, Default)]
pub struct AttemptCache(SmallVec<[(OrderIndex, u32); 4]>);

impl AttemptCache {
    /// Returns the attempt of a message with this order; `next` supplies it for the first such message.
    pub fn attempt(&mut self, order: OrderIndex, next: impl FnOnce() -> u32) -> u32 {
        // A scan, because a node rarely sends more than a few orders at one time.
        if let Some((_, attempt)) = self.0.iter().find(|known| known.0 == order) {
            return *attempt;
        }
        let attempt = next();
        self.0.push((order, attempt));
        attempt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_and_order_counts_for_itself() {
        let mut attempts = Attempts::new(65, 2);
        let mut next = |local, order| attempts.next(local, OrderIndex(order));
        assert_eq!([next(64, 1), next(64, 1), next(64, 1)], [0, 1, 2]);
        assert_eq!([next(64, 0), next(63, 1), next(0, 1), next(64, 1), next(63, 1)], [0, 0, 0, 3, 1]);
    }

    #[test]
    fn a_count_goes_on_beyond_a_byte() {
        let mut attempts = Attempts::new(2, 2);
        let mut next = |local, order| attempts.next(local, OrderIndex(order));
        assert!((0..700).all(|before| [next(1, 1), next(0, 1)] == [before; 2]));
        assert_eq!([next(1, 1), next(1, 0)], [700, 0]);
    }

    #[test]
    fn messages_with_one_order_at_one_time_are_one_attempt() {
        let mut attempts = Attempts::new(1, 3);
        for time in 0..3 {
            let mut at_once = AttemptCache::default();
            let orders = [1, 0, 1, 2, 1, 0].map(OrderIndex);
            assert!(orders.iter().all(|&order| at_once.attempt(order, || attempts.next(0, order)) == time));
        }
    }
}
