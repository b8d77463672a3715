//! How often each node has sent anything about each order: what tells the messages of one order between the same two
//! nodes apart, so that each has a fate of its own.

use crate::ids::OrderIndex;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// The counts of some nodes, a bit for each node of each order that any of them has sent, and a number where it was more
/// than once.
#[derive(Debug)]
pub struct Attempts {
    nodes: usize,
    /// By order; empty where none of the nodes has sent anything about it.
    sent: Vec<Vec<u64>>,
    /// How often besides the first time, by order and node.
    repeats: BTreeMap<(OrderIndex, u32), u32>,
}

impl Attempts {
    /// None yet, of so many nodes and orders.
    pub fn new(nodes: usize, orders: usize) -> Attempts {
        Attempts { nodes, sent: vec![Vec::new(); orders], repeats: BTreeMap::new() }
    }

    /// How often the `local`-th of the nodes has sent anything about the order before; it does so once more.
    pub fn next(&mut self, local: u32, order: OrderIndex) -> u32 {
        let row = &mut self.sent[order.index()];
        if row.is_empty() {
            row.resize(self.nodes.div_ceil(64), 0);
        }
        let (word, bit) = (&mut row[local as usize / 64], 1 << (local % 64));
        if *word & bit == 0 {
            *word |= bit;
            return 0;
        }
        let repeats = self.repeats.entry((order, local)).or_default();
        *repeats += 1;
        *repeats
    }
}

/// What leaves one node at one time: all messages that go by one order are one attempt.
#[derive(Debug, Default)]
pub struct AttemptCache(SmallVec<[(OrderIndex, u32); 4]>);

impl AttemptCache {
    /// The attempt of a message that goes by this order, which `next` gives for the first of them.
    pub fn attempt(&mut self, order: OrderIndex, next: impl FnOnce() -> u32) -> u32 {
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
    fn messages_of_one_time_that_go_by_one_order_are_one_attempt() {
        let mut attempts = Attempts::new(1, 3);
        for time in 0..3 {
            let mut at_once = AttemptCache::default();
            let orders = [1, 0, 1, 2, 1, 0].map(OrderIndex);
            assert!(orders.iter().all(|&order| at_once.attempt(order, || attempts.next(0, order)) == time));
        }
    }
}
