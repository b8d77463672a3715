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

/// The heartbeats of an order in a cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct CacheWindows {
    /// Those for which it is kept (`mcache_len`).
    pub(super) len: u32,
    /// Those that announce it (`mcache_gossip`).
    pub(super) gossip: u32,
}

/// The message cache of a node: its orders, the oldest first. A single one takes no allocation.
#[derive(Debug, Default)]
pub(super) struct CachedOrders(SmallVec<[CachedOrder; 1]>);

impl CachedOrder {
    fn order_hop(&self) -> OrderHop {
        OrderHop { order: self.order, ttl: self.ttl, hop: self.hop }
    }
}

impl CachedOrders {
    /// Adds an order, with the hop of a forward of it, to the window before beat `next`.
    pub(super) fn put(&mut self, windows: CacheWindows, next: u32, OrderHop { order, ttl, hop }: OrderHop) {
        // Only when it would grow, so that the cost of an order does not depend on how many there are.
        if self.0.len() == self.0.capacity() {
            let expired = self.0.iter().take_while(|cached| cached.window + windows.len <= next).count();
            self.0.drain(..expired);
        }
        self.0.push(CachedOrder { order, window: next, ttl, hop });
    }

    /// Returns an order at a time before beat `next`, with the hop of a forward of it.
    pub(super) fn get(&self, windows: CacheWindows, next: u32, order: OrderIndex) -> Option<OrderHop> {
        let is_kept = |cached: &&CachedOrder| next < cached.window.saturating_add(windows.len);
        let mut kept = self.0.iter().rev().take_while(is_kept);
        kept.find(|cached| cached.order == order).map(CachedOrder::order_hop)
    }

    /// Iterates over the orders that are announced at a beat, the newest first.
    pub(super) fn announced(&self, windows: CacheWindows, beat: u32) -> impl Iterator<Item = OrderHop> + '_ {
        let is_announced = move |cached: &&CachedOrder| beat < cached.window.saturating_add(windows.gossip);
        self.0.iter().rev().take_while(is_announced).map(CachedOrder::order_hop)
    }

    /// Forgets the orders that are no longer kept after a beat.
    pub(super) fn shift(&mut self, windows: CacheWindows, beat: u32) {
        let is_expired = |cached: &&CachedOrder| cached.window.saturating_add(windows.len) <= beat + 1;
        let expired = self.0.iter().take_while(is_expired).count();
        if expired > 0 {
            self.0.drain(..expired);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOWS: CacheWindows = CacheWindows { len: 5, gossip: 3 };

    fn order_hop(order: u32) -> OrderHop {
        OrderHop { order: OrderIndex(order), ttl: 9, hop: 2 }
    }

    /// An order of the window before beat 4, with 5 windows kept and 3 announced.
    #[test]
    fn an_order_is_announced_in_three_windows_and_kept_for_five() {
        let mut cache = CachedOrders::default();
        cache.put(WINDOWS, 4, order_hop(7));
        for beat in 4..12 {
            let announced: Vec<OrderHop> = cache.announced(WINDOWS, beat).collect();
            assert_eq!(announced, vec![order_hop(7); usize::from(beat < 7)], "beat {beat}");
            cache.shift(WINDOWS, beat);
            // After beat 8, the fifth, it is gone.
            let kept = cache.get(WINDOWS, beat + 1, OrderIndex(7));
            assert_eq!(kept, (beat < 8).then(|| order_hop(7)), "after beat {beat}");
            assert_eq!(cache.0.len(), usize::from(beat < 8));
        }
    }

    /// Without beats in between, what is no longer kept is not found either, and makes room.
    #[test]
    fn a_cache_without_beats_is_bounded() {
        let mut cache = CachedOrders::default();
        for next in 0..1_000 {
            cache.put(WINDOWS, next, order_hop(next));
            assert_eq!(cache.get(WINDOWS, next, OrderIndex(next)), Some(order_hop(next)));
            assert_eq!(next.checked_sub(5).and_then(|old| cache.get(WINDOWS, next, OrderIndex(old))), None);
            assert_eq!(cache.announced(WINDOWS, next).count() as u32, 3.min(next + 1));
        }
        assert!(cache.0.capacity() <= 16, "{}", cache.0.capacity());
    }
}
