//! First-in-first-out queues of orders, one for each link of a shard: a word per link while it is empty.

use crate::ids::OrderIndex;
use crate::message::OrderHop;

/// The end of a chain of entries.
const NONE: u32 = u32::MAX;

/// Queues of orders by link.
///
/// All entries are in one vector, chained by index, because most queues are empty most of the time: a vector per link
/// would take three words for each, and an allocation for each that is filled.
#[derive(Debug)]
pub(super) struct LinkQueues {
    /// The newest entry of each queue; its chain leads round to the oldest and closes there.
    newest: Vec<u32>,
    entries: Vec<Entry>,
    /// The first unused entry.
    unused: u32,
    /// Entries in use.
    total: u64,
}

/// An order that waits.
#[derive(Clone, Copy, Debug)]
struct Entry {
    order_hop: OrderHop,
    /// The next younger entry of the queue; after the newest the oldest.
    next: u32,
}

impl LinkQueues {
    /// Bytes of a link, and of an order that waits at it.
    pub(super) const LINK_BYTES: usize = size_of::<u32>();
    pub(super) const ENTRY_BYTES: usize = size_of::<Entry>();

    /// Creates an empty queue for each of this many links.
    pub(super) fn new(links: usize) -> LinkQueues {
        LinkQueues { newest: vec![NONE; links], entries: Vec::new(), unused: NONE, total: 0 }
    }

    /// Returns the number of orders that wait at all links.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Returns the number of orders that wait at a link.
    pub(super) fn len(&self, link: u32) -> u32 {
        self.of(link).count() as u32
    }

    /// Returns true if no order waits at a link.
    pub(super) fn is_empty(&self, link: u32) -> bool {
        self.newest[link as usize] == NONE
    }

    /// Appends an order to the queue of a link.
    pub(super) fn push(&mut self, link: u32, order_hop: OrderHop) {
        let place = self.take_unused(order_hop);
        let newest = std::mem::replace(&mut self.newest[link as usize], place);
        let oldest = if newest == NONE { place } else { std::mem::replace(self.next_of(newest), place) };
        *self.next_of(place) = oldest;
        self.total += 1;
    }

    /// Removes the oldest order from the queue of a link.
    pub(super) fn pop(&mut self, link: u32) -> Option<OrderHop> {
        let newest = self.newest[link as usize];
        if newest == NONE {
            return None;
        }
        Some(self.unlink(link, newest))
    }

    /// Removes an order from the queue of a link, if it is in it.
    pub(super) fn remove(&mut self, link: u32, order: OrderIndex) {
        let newest = self.newest[link as usize];
        if newest == NONE {
            return;
        }
        let mut before = newest;
        loop {
            let place = *self.next_of(before);
            if self.entries[place as usize].order_hop.order == order {
                self.unlink(link, before);
                return;
            }
            if place == newest {
                return;
            }
            before = place;
        }
    }

    /// Calls `name` with each order of each queue.
    pub(super) fn for_each(&self, mut name: impl FnMut(OrderIndex)) {
        for link in 0..self.newest.len() as u32 {
            self.of(link).for_each(|order_hop| name(order_hop.order));
        }
    }

    /// Iterates over the orders that wait at a link, the oldest first.
    fn of(&self, link: u32) -> impl Iterator<Item = OrderHop> {
        let newest = self.newest[link as usize];
        let oldest = (newest != NONE).then(|| self.entries[newest as usize].next);
        let next = move |&place: &u32| (place != newest).then(|| self.entries[place as usize].next);
        std::iter::successors(oldest, next).map(|place| self.entries[place as usize].order_hop)
    }

    /// Removes the entry after `before` from the queue of a link, and returns its order.
    fn unlink(&mut self, link: u32, before: u32) -> OrderHop {
        let place = *self.next_of(before);
        let Entry { order_hop, next } = self.entries[place as usize];
        if place == before {
            self.newest[link as usize] = NONE;
        } else {
            *self.next_of(before) = next;
            if self.newest[link as usize] == place {
                self.newest[link as usize] = before;
            }
        }
        *self.next_of(place) = std::mem::replace(&mut self.unused, place);
        self.total -= 1;
        order_hop
    }

    fn take_unused(&mut self, order_hop: OrderHop) -> u32 {
        if self.unused == NONE {
            self.entries.push(Entry { order_hop, next: NONE });
            return self.entries.len() as u32 - 1;
        }
        let place = self.unused;
        self.unused = std::mem::replace(&mut self.entries[place as usize], Entry { order_hop, next: NONE }).next;
        place
    }

    fn next_of(&mut self, place: u32) -> &mut u32 {
        &mut self.entries[place as usize].next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    fn order_hop(order: u32) -> OrderHop {
        OrderHop { order: OrderIndex(order), ttl: 5, hop: 1 }
    }

    proptest! {
        /// Any sequence of pushes, pops and removals leaves what plain queues hold, and no entry is lost or used twice.
        #[test]
        fn chained_queues_are_queues(steps in prop::collection::vec((0..4u32, 0..3u8, 0..8u32), 0..200)) {
            let mut chained = LinkQueues::new(4);
            let mut plain = vec![VecDeque::new(); 4];
            let mut most = 0;
            for (link, step, order) in steps {
                let queue = &mut plain[link as usize];
                match step {
                    0 => {
                        chained.push(link, order_hop(order));
                        queue.push_back(order);
                    }
                    1 => prop_assert_eq!(chained.pop(link).map(|popped| popped.order.0), queue.pop_front()),
                    _ => {
                        chained.remove(link, OrderIndex(order));
                        if let Some(place) = queue.iter().position(|&waiting| waiting == order) {
                            queue.remove(place);
                        }
                    }
                }
                let total: usize = plain.iter().map(VecDeque::len).sum();
                most = most.max(total);
                prop_assert_eq!((chained.total(), chained.entries.len()), (total as u64, most));
                for (link, queue) in (0..).zip(&plain) {
                    prop_assert_eq!(chained.len(link) as usize, queue.len());
                    prop_assert_eq!(chained.is_empty(link), queue.is_empty());
                    prop_assert!(chained.of(link).map(|waiting| waiting.order.0).eq(queue.iter().copied()));
                }
            }
        }
    }
}
