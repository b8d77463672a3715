//! The orders that a node has received lately: those that it can still send on a GRAFT, and how many copies of each
//! came too many.

use super::knobs::PlumtreeKnobs;
use crate::ids::OrderIndex;
use crate::simd::prefetch;
use crate::time::Nanos;
use std::collections::VecDeque;

/// The orders that the nodes of a shard have received lately. Without limits and counts it is empty, and a node can
/// send whatever is within its window.
#[derive(Debug)]
pub(super) struct SentOrders {
    /// By node, ascending by order.
    by_node: Vec<VecDeque<SentOrder>>,
    retention: Option<Nanos>,
    /// The maximum number of orders per node.
    capacity: usize,
    /// Duplicates of an order for which nobody is pruned.
    duplicates_max: u8,
}

#[derive(Clone, Copy, Debug)]
struct SentOrder {
    received: Nanos,
    order: OrderIndex,
    duplicates: u8,
}

impl SentOrders {
    /// Returns the bytes of a node that has received nothing.
    pub(super) fn node_bytes(knobs: &PlumtreeKnobs) -> usize {
        let &PlumtreeKnobs { message_cache_retention, max_cached_payloads, prune_threshold, .. } = knobs;
        let is_used = message_cache_retention.is_some() || max_cached_payloads.is_some() || prune_threshold > 0;
        if is_used { size_of::<VecDeque<SentOrder>>() } else { 0 }
    }

    /// Creates the empty lists of `nodes` nodes.
    pub(super) fn new(knobs: &PlumtreeKnobs, nodes: usize) -> SentOrders {
        let &PlumtreeKnobs { message_cache_retention: retention, max_cached_payloads, prune_threshold, .. } = knobs;
        let nodes = if SentOrders::node_bytes(knobs) == 0 { 0 } else { nodes };
        SentOrders {
            by_node: (0..nodes).map(|_| VecDeque::new()).collect(),
            retention,
            capacity: max_cached_payloads.map_or(usize::MAX, |most| most as usize),
            duplicates_max: prune_threshold,
        }
    }

    /// Requests the cache line of a node's list.
    #[inline(always)]
    pub(super) fn prefetch(&self, local: usize) {
        prefetch(&self.by_node, local);
    }

    /// Adds an order that a node has just received, and drops the oldest of those past a limit.
    pub(super) fn insert(&mut self, local: usize, order: OrderIndex, now: Nanos) {
        let Some(orders) = self.by_node.get_mut(local) else { return };
        // Orders are published in the sequence of their indices, so that the first one is the oldest.
        while orders.front().is_some_and(|oldest| is_past(oldest, self.retention, now)) {
            orders.pop_front();
        }
        let at = orders.partition_point(|one| one.order < order);
        orders.insert(at, SentOrder { received: now, order, duplicates: 0 });
        if orders.len() > self.capacity {
            orders.pop_front();
        }
    }

    /// Returns true if a node can still send an order that is within its window.
    pub(super) fn is_cached(&self, local: usize, order: OrderIndex, now: Nanos) -> bool {
        let Some(orders) = self.by_node.get(local) else { return true };
        let found = orders.binary_search_by_key(&order, |one| one.order);
        found.is_ok_and(|at| !is_past(&orders[at], self.retention, now))
    }

    /// Counts a duplicate of an order, and returns true if there are more than a node takes without a PRUNE. An order
    /// that is no longer listed is too old to come again.
    pub(super) fn is_over_duplicates(&mut self, local: usize, order: OrderIndex) -> bool {
        if self.duplicates_max == 0 {
            return true;
        }
        let orders = &mut self.by_node[local];
        let Ok(at) = orders.binary_search_by_key(&order, |one| one.order) else { return true };
        let duplicates = &mut orders[at].duplicates;
        *duplicates = duplicates.saturating_add(1);
        *duplicates > self.duplicates_max
    }
}

/// Returns true if an order was received longer ago than orders are kept.
fn is_past(order: &SentOrder, retention: Option<Nanos>, now: Nanos) -> bool {
    retention.is_some_and(|retention| now.since(order.received) > retention)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(retention: Option<Nanos>, max_cached_payloads: Option<u32>, prune_threshold: u8) -> SentOrders {
        let knobs = PlumtreeKnobs {
            message_cache_retention: retention,
            max_cached_payloads,
            prune_threshold,
            ..PlumtreeKnobs::default()
        };
        SentOrders::new(&knobs, 2)
    }

    #[test]
    fn orders_are_kept_for_their_time_and_up_to_their_number() {
        let mut by_time = orders(Some(Nanos(10)), None, 0);
        for (order, now) in [(3, 0), (1, 5), (4, 6)] {
            by_time.insert(0, OrderIndex(order), Nanos(now));
        }
        let cached =
            |sent: &SentOrders, now| [1, 2, 3, 4].map(|order| sent.is_cached(0, OrderIndex(order), Nanos(now)));
        assert_eq!(cached(&by_time, 10), [true, false, true, true]);
        assert_eq!(cached(&by_time, 16), [false, false, false, true]);
        by_time.insert(0, OrderIndex(5), Nanos(17));
        assert_eq!(by_time.by_node[0].len(), 1, "the past ones are dropped");

        let mut by_number = orders(None, Some(2), 0);
        (0..4).for_each(|order| by_number.insert(1, OrderIndex(order), Nanos::ZERO));
        let held = [0, 1, 2, 3].map(|order| by_number.is_cached(1, OrderIndex(order), Nanos::MAX));
        assert_eq!(held, [false, false, true, true]);
        assert!(orders(None, None, 0).is_cached(0, OrderIndex(9), Nanos::MAX), "without limits the window decides");
    }

    #[test]
    fn a_duplicate_counts_for_its_order_alone() {
        let mut sent = orders(None, None, 2);
        (0..2).for_each(|order| sent.insert(0, OrderIndex(order), Nanos::ZERO));
        let over = [0, 0, 1, 0, 1, 7].map(|order| sent.is_over_duplicates(0, OrderIndex(order)));
        assert_eq!(over, [false, false, false, true, false, true]);
        assert!(orders(None, None, 0).is_over_duplicates(0, OrderIndex(0)), "the first one is one too many");
    }
}
