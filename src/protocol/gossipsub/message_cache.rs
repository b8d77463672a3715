//! The orders that each node has received in its latest heartbeats: those of the latest windows are announced, and all
//! of them are sent to peers that ask.

use crate::ids::OrderIndex;
use crate::message::OrderHop;
use smallvec::SmallVec;

/// An order in a node's cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CachedOrder {
    order: OrderIndex,
    /// The number of the first beat after the receipt: the window that it belongs to.
    window: u32,
    ttl: u8,
    hop: u8,
}

/// Bytes of an order in a cache.
pub(super) const ENTRY_BYTES: usize = size_of::<CachedOrder>();

/// The message caches of a shard's nodes.
#[derive(Debug)]
pub(super) struct MessageCache {
    /// Windows for which an order is kept (`mcache_len`), and those that are announced (`mcache_gossip`).
    len: u32,
    gossip: u32,
    /// Each node's orders, the oldest first. A single one stands in the list itself, without an allocation.
    orders: Vec<SmallVec<[CachedOrder; 1]>>,
}

impl CachedOrder {
    fn order_hop(&self) -> OrderHop {
        OrderHop { order: self.order, ttl: self.ttl, hop: self.hop }
    }
}

impl MessageCache {
    pub(super) fn new(nodes: usize, [len, gossip]: [u32; 2]) -> MessageCache {
        MessageCache { len, gossip, orders: vec![SmallVec::new(); nodes] }
    }

    /// Adds an order, with the hop of a forward of it, to the window before beat `next`.
    pub(super) fn put(&mut self, local: usize, next: u32, OrderHop { order, ttl, hop }: OrderHop) {
        let (orders, len) = (&mut self.orders[local], self.len);
        // Only when it would grow, so that the cost of an order does not depend on how many there are.
        if orders.len() == orders.capacity() {
            let expired = orders.iter().take_while(|cached| cached.window + len <= next).count();
            orders.drain(..expired);
        }
        orders.push(CachedOrder { order, window: next, ttl, hop });
    }

    /// Returns an order of a node's cache at a time before beat `next`, with the hop of a forward of it.
    pub(super) fn get(&self, local: usize, next: u32, order: OrderIndex) -> Option<OrderHop> {
        let kept = self.orders[local].iter().rev().take_while(|cached| next < cached.window.saturating_add(self.len));
        kept.into_iter().find(|cached| cached.order == order).map(CachedOrder::order_hop)
    }

    /// Iterates over the orders that a node announces at a beat, the newest first.
    pub(super) fn announced(&self, local: usize, beat: u32) -> impl Iterator<Item = OrderHop> + '_ {
        let windows = move |cached: &&CachedOrder| beat < cached.window.saturating_add(self.gossip);
        self.orders[local].iter().rev().take_while(windows).map(CachedOrder::order_hop)
    }

    /// Forgets the orders of a node that are no longer kept after a beat.
    pub(super) fn shift(&mut self, local: usize, beat: u32) {
        let (orders, len) = (&mut self.orders[local], self.len);
        let expired = orders.iter().take_while(|cached| cached.window.saturating_add(len) <= beat + 1).count();
        orders.drain(..expired);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order_hop(order: u32) -> OrderHop {
        OrderHop { order: OrderIndex(order), ttl: 9, hop: 2 }
    }

    /// An order of the window before beat 4, with 5 windows kept and 3 announced.
    #[test]
    fn an_order_is_announced_in_three_windows_and_kept_for_five() {
        let mut cache = MessageCache::new(2, [5, 3]);
        cache.put(1, 4, order_hop(7));
        for beat in 4..12 {
            let announced: Vec<OrderHop> = cache.announced(1, beat).collect();
            assert_eq!(announced, vec![order_hop(7); usize::from(beat < 7)], "beat {beat}");
            cache.shift(1, beat);
            // After beat 8, the fifth, it is gone.
            assert_eq!(cache.get(1, beat + 1, OrderIndex(7)), (beat < 8).then(|| order_hop(7)), "after beat {beat}");
            assert_eq!(cache.orders[1].len(), usize::from(beat < 8));
        }
        assert_eq!(cache.get(0, 4, OrderIndex(7)), None, "another node's");
    }

    /// Without beats in between, what is no longer kept is not found either, and makes room.
    #[test]
    fn a_cache_without_beats_is_bounded() {
        let mut cache = MessageCache::new(1, [5, 3]);
        for next in 0..1_000 {
            cache.put(0, next, order_hop(next));
            assert_eq!(cache.get(0, next, OrderIndex(next)), Some(order_hop(next)));
            assert_eq!(next.checked_sub(5).and_then(|old| cache.get(0, next, OrderIndex(old))), None);
            assert_eq!(cache.announced(0, next).count() as u32, 3.min(next + 1));
        }
        assert!(cache.orders[0].capacity() <= 16, "{}", cache.orders[0].capacity());
    }
}
