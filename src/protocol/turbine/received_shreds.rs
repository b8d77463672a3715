//! The shreds that each node of a shard has received: a bit for each, by order and set.
//!
//! A node keeps the bits of as many orders as it tells apart. An order leaves them when a shred of a later one comes
//! that takes its place.

use crate::ids::OrderIndex;
use crate::parts::OrderSets;
use crate::simd::prefetch;

/// The received shreds of all nodes of a shard.
#[derive(Debug)]
pub(super) struct ReceivedShreds {
    /// Orders that a node keeps bits of.
    window: usize,
    /// Sets of the longest order.
    sets: usize,
    /// By node, place of an order and set, a bit for each shred.
    bits: Vec<u64>,
    /// By node and place, the order whose bits are there; empty if every order has a place of its own.
    orders: Vec<u32>,
}

/// The shreds of one order that a node has received: a word for each set.
pub(super) struct ShredBits<'a>(&'a mut [u64]);

/// The mark of a place without an order.
const NONE: u32 = u32::MAX;

impl ReceivedShreds {
    /// Creates the bits of `nodes` nodes that have received nothing.
    pub(super) fn new(nodes: usize, orders: u32, window: u32, sets: u32) -> ReceivedShreds {
        let (window_size, sets) = (window.max(1) as usize, sets as usize);
        let places = nodes * window_size;
        let orders = if window < orders { vec![NONE; places] } else { Vec::new() };
        ReceivedShreds { window: window_size, sets, bits: vec![0; places * sets], orders }
    }

    /// Returns the bytes of the bits of one node.
    pub(super) fn bytes_per_node(orders: u32, window: u32, sets: u32) -> u64 {
        let tag = if window < orders { size_of::<u32>() as u64 } else { 0 };
        u64::from(window.max(1)).saturating_mul(u64::from(sets) * size_of::<u64>() as u64 + tag)
    }

    /// Returns the bits of an order at a node; `None` if a later order has taken its place.
    #[inline]
    pub(super) fn of(&mut self, local: usize, order: OrderIndex) -> Option<ShredBits<'_>> {
        let place = self.place(local, order);
        let bits = &mut self.bits[place * self.sets..][..self.sets];
        if let Some(there) = self.orders.get_mut(place)
            && *there != order.0
        {
            if *there != NONE && *there > order.0 {
                return None;
            }
            *there = order.0;
            bits.fill(0);
        }
        Some(ShredBits(bits))
    }

    /// Prefetches the bits of an order at a node.
    #[inline(always)]
    pub(super) fn prefetch(&self, local: usize, order: OrderIndex) {
        prefetch(&self.bits, self.place(local, order) * self.sets);
    }

    #[inline(always)]
    fn place(&self, local: usize, order: OrderIndex) -> usize {
        // Without a division where each order has a place of its own.
        let of_node = if self.orders.is_empty() { order.index() } else { order.index() % self.window };
        local * self.window + of_node
    }
}

impl ShredBits<'_> {
    /// Marks a shred as received; returns the number of shreds that its set had before, and true if it is new.
    #[inline]
    pub(super) fn mark(&mut self, set: u32, place: u32) -> (u32, bool) {
        let word = &mut self.0[set as usize];
        let (before, bit) = (*word, 1 << place);
        *word |= bit;
        (before.count_ones(), before & bit == 0)
    }

    /// Returns the shreds of a set.
    pub(super) fn of_set(&self, set: u32) -> u64 {
        self.0[set as usize]
    }

    /// Forgets the shreds of a set.
    pub(super) fn clear(&mut self, set: u32) {
        self.0[set as usize] = 0;
    }

    /// Returns true if there are as many shreds of each set of an order as it has data shreds.
    pub(super) fn have_all(&self, sets: &OrderSets) -> bool {
        (0..).map_while(|set| sets.get(set)).zip(&*self.0).all(|(size, bits)| bits.count_ones() >= size.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_order_takes_the_place_of_an_earlier_one() {
        let mut received = ReceivedShreds::new(3, 10, 4, 2);
        assert_eq!(received.of(1, OrderIndex(2)).unwrap().mark(1, 63), (0, true));
        assert_eq!(received.of(1, OrderIndex(2)).unwrap().mark(1, 63), (1, false));
        assert_eq!(received.of(2, OrderIndex(2)).unwrap().mark(1, 63), (0, true), "each node has bits of its own");
        assert_eq!(received.of(1, OrderIndex(6)).unwrap().mark(1, 5), (0, true));
        assert!(received.of(1, OrderIndex(2)).is_none());
        assert_eq!(received.of(2, OrderIndex(2)).unwrap().mark(1, 63), (1, false));
        assert_eq!(ReceivedShreds::bytes_per_node(10, 4, 2), 4 * (16 + 4));
        assert_eq!((received.bits.len() * 8 + received.orders.len() * 4) as u64, 3 * 4 * (16 + 4));
    }

    #[test]
    fn where_all_orders_fit_none_is_forgotten() {
        let mut received = ReceivedShreds::new(2, 3, 3, 1);
        for order in [2, 0, 1, 2, 0] {
            received.of(0, OrderIndex(order)).unwrap().mark(0, order);
        }
        let bits: Vec<u64> = (0..3).map(|order| received.of(0, OrderIndex(order)).unwrap().of_set(0)).collect();
        assert_eq!(bits, [1, 2, 4]);
        assert_eq!(ReceivedShreds::bytes_per_node(3, 3, 1), 24);
    }
}
