//! The open requests of a shard's nodes, by node and order, of whatever kind a protocol makes them.
//!
//! Requests lie side by side, in places that are used again, and are found through a list for each slot. The slot of a
//! node's request for an order follows from both. Where there are as many slots as nodes, for one order each node has a
//! slot of its own, next to those of its neighbours, so that the nodes that a worker handles together need the same
//! cache lines. All requests of a node are in a few slots, so that they are found without their orders, too.
//!
//! Rejected alternatives: a vector of requests for each node, which takes 24 bytes of every node and an allocation of
//! 240 for the first request, which stays after it; and a search tree of all requests, which takes 40 ns at a million.

use crate::ids::OrderIndex;
use crate::simd::prefetch;

/// Stands for no place.
const NONE: u32 = u32::MAX;

/// Spreads the slots of different orders.
const ORDER_STEP: u32 = 0x9E37_79B9;

/// The number of slots in which the requests of a node are, a power of two.
const SLOTS_PER_NODE: u32 = 64;

/// The open requests of the nodes of a shard.
#[derive(Debug)]
pub(super) struct RequestTable<R> {
    /// The first place of each slot's list. Their number is a power of two, and no less than that of open requests.
    slots: Vec<u32>,
    entries: Vec<TableEntry<R>>,
    /// The first of the places that are free.
    free: u32,
    open: usize,
}

/// A request with its node and order, or a free place.
#[derive(Clone, Copy, Debug)]
struct TableEntry<R> {
    request: R,
    local: u32,
    order: OrderIndex,
    /// The next place in the list of its slot, or of those that are free.
    next: u32,
}

impl<R> RequestTable<R> {
    /// Bytes of a request.
    pub(super) const ENTRY_BYTES: usize = size_of::<TableEntry<R>>();

    /// Returns the bytes of an empty table for this many nodes. Requests come and go as messages do.
    pub(super) fn bytes(nodes: u64) -> u64 {
        nodes.next_power_of_two() * size_of::<u32>() as u64
    }

    /// Creates an empty table for this many nodes with requests at a time. With more of them it grows.
    pub(super) fn new(nodes: usize) -> RequestTable<R> {
        RequestTable { slots: vec![NONE; nodes.next_power_of_two()], entries: Vec::new(), free: NONE, open: 0 }
    }

    /// Prefetches the request of a node for an order, if it has one.
    #[inline(always)]
    pub(super) fn prefetch(&self, local: usize, order: OrderIndex) {
        let place = self.slots[self.slot(local as u32, order)] as usize;
        // An entry may lie in two lines, of which the next one begins in the second.
        prefetch(&self.entries, place);
        prefetch(&self.entries, place + 1);
    }

    /// Returns the number of open requests.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Returns the request of a node for an order, if it has one.
    #[inline]
    pub(super) fn get_mut(&mut self, local: usize, order: OrderIndex) -> Option<&mut R> {
        let place = self.find(local as u32, order)?;
        Some(&mut self.entries[place as usize].request)
    }

    /// Opens a request of a node for an order, for which it has none.
    pub(super) fn open_request(&mut self, local: usize, order: OrderIndex, request: R) {
        if self.open == self.slots.len() {
            self.grow();
        }
        let local = local as u32;
        let slot = self.slot(local, order);
        let entry = TableEntry { request, local, order, next: self.slots[slot] };
        let place = if self.free == NONE {
            self.entries.push(entry);
            self.entries.len() as u32 - 1
        } else {
            let place = self.free;
            self.free = std::mem::replace(&mut self.entries[place as usize], entry).next;
            place
        };
        self.slots[slot] = place;
        self.open += 1;
    }

    /// Closes the request of a node for an order, if it has one, and returns it. What is left in it stays until another
    /// takes its place.
    #[inline]
    pub(super) fn close(&mut self, local: usize, order: OrderIndex) -> Option<&mut R> {
        if self.open == 0 {
            return None;
        }
        let local = local as u32;
        let place = self.find(local, order)?;
        let slot = self.slot(local, order);
        let next = std::mem::replace(&mut self.entries[place as usize].next, self.free);
        self.free = place;
        self.open -= 1;
        if self.slots[slot] == place {
            self.slots[slot] = next;
        } else {
            let mut before = self.slots[slot];
            while self.entries[before as usize].next != place {
                before = self.entries[before as usize].next;
            }
            self.entries[before as usize].next = next;
        }
        Some(&mut self.entries[place as usize].request)
    }

    /// Passes each request of a node to `each`, in no sequence that means anything.
    pub(super) fn for_each_of(&mut self, local: usize, mut each: impl FnMut(&mut R)) {
        if self.open == 0 {
            return;
        }
        let local = local as u32;
        // The step is odd, so that as many of its multiples as there are slots lead to different ones.
        for order in 0..SLOTS_PER_NODE.min(self.slots.len() as u32) {
            let mut place = self.slots[self.slot(local, OrderIndex(order))];
            while let Some(entry) = self.entries.get_mut(place as usize) {
                if entry.local == local {
                    each(&mut entry.request);
                }
                place = entry.next;
            }
        }
    }

    /// Iterates over the orders of the open requests.
    pub(super) fn orders(&self) -> impl Iterator<Item = OrderIndex> {
        let first = |&place: &u32| self.entries.get(place as usize);
        let listed = |entry: &TableEntry<R>| self.entries.get(entry.next as usize);
        self.slots
            .iter()
            .flat_map(move |slot| std::iter::successors(first(slot), move |entry| listed(entry)))
            .map(|entry| entry.order)
    }

    /// Returns the slot of a node's request for an order.
    #[inline]
    fn slot(&self, local: u32, order: OrderIndex) -> usize {
        local.wrapping_add((order.0 % SLOTS_PER_NODE).wrapping_mul(ORDER_STEP)) as usize & (self.slots.len() - 1)
    }

    /// Returns the place of the request of a node for an order, if it has one.
    #[inline]
    fn find(&self, local: u32, order: OrderIndex) -> Option<u32> {
        let mut place = self.slots[self.slot(local, order)];
        while let Some(entry) = self.entries.get(place as usize) {
            if (entry.local, entry.order) == (local, order) {
                return Some(place);
            }
            place = entry.next;
        }
        None
    }

    /// Doubles the slots, all of whose requests are open: none of the places is free.
    fn grow(&mut self) {
        let slots = 2 * self.slots.len();
        self.slots.clear();
        self.slots.resize(slots, NONE);
        for place in 0..self.entries.len() {
            let TableEntry { local, order, .. } = self.entries[place];
            let slot = self.slot(local, order);
            self.entries[place].next = std::mem::replace(&mut self.slots[slot], place as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Few nodes and orders, so that most are opened and closed several times, and lists of slots grow long.
        #[test]
        fn a_request_is_found_from_its_opening_to_its_closing(
            steps in prop::collection::vec((0..9_usize, 0..5_u32, any::<bool>()), 1..300), far in any::<bool>(),
        ) {
            let mut table = RequestTable::new(if far { 1 } else { 9 });
            let mut model = BTreeMap::<(usize, u32), u32>::new();
            for (number, (local, order, opens)) in (0..).zip(steps) {
                // Nodes and orders that share a slot, as long as there are few slots.
                let (local, order) = if far { (local * 64, order * SLOTS_PER_NODE) } else { (local, order) };
                let found = table.get_mut(local, OrderIndex(order)).copied();
                prop_assert_eq!(found, model.get(&(local, order)).copied());
                if !opens {
                    let closed = table.close(local, OrderIndex(order)).copied();
                    prop_assert_eq!(closed, model.remove(&(local, order)));
                } else if found.is_none() {
                    model.insert((local, order), number);
                    table.open_request(local, OrderIndex(order), number);
                }
                prop_assert_eq!(table.open(), model.len());
                let mut orders: Vec<u32> = table.orders().map(|order| order.0).collect();
                orders.sort_unstable();
                let mut expected: Vec<u32> = model.keys().map(|&(_, order)| order).collect();
                expected.sort_unstable();
                prop_assert_eq!(orders, expected);
                let mut own = Vec::new();
                table.for_each_of(local, |request| own.push(*request));
                own.sort_unstable();
                let mut expected: Vec<u32> = model.range((local, 0)..=(local, u32::MAX)).map(|(_, &one)| one).collect();
                expected.sort_unstable();
                prop_assert_eq!(own, expected);
            }
            prop_assert!(table.entries.len() <= 45 && table.slots.len() <= 64, "places are used again");
        }
    }
}
