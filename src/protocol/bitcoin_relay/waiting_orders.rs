//! The orders that wait to be announced: those of each node, by receipt, with a bit for each link that they wait at.
//!
//! An order waits at nearly all links of its node at once, so that a node has one entry for each order and not a queue
//! for each link. What a peer announces is found among the orders of the node, whose numbers lie side by side.
//!
//! Rejected alternative: a queue for each link. With 80 links and 100 orders a second it takes microseconds to find an
//! order in a queue, and each order is put into all of them.

use crate::ids::OrderIndex;
use crate::message::OrderHop;
use crate::simd::prefetch;
use smallvec::SmallVec;

/// Numbers that are compared at once.
const COMPARED: usize = 16;

/// The orders that wait at the links of a shard's nodes.
#[derive(Debug)]
pub(super) struct WaitingOrders {
    by_node: Vec<NodeOrders>,
    /// Orders that wait, once for each link.
    total: u64,
}

/// The orders that wait at the links of one node, the oldest first: in a cache line of its own, if they are three at
/// most, at up to 64 links.
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
struct NodeOrders {
    orders: SmallVec<[OrderHop; 3]>,
    /// By order, a bit for each link of the node, in as many words as it takes.
    links: SmallVec<[u64; 3]>,
}

const _: () = assert!(size_of::<NodeOrders>() == 64);

/// The links of a node among those that an order may wait at: a bit for each.
#[derive(Clone, Debug)]
pub(super) struct LinkSet(SmallVec<[u64; 2]>);

impl LinkSet {
    /// Returns those of `links` links whose bits are set in `word`, which has 64 of them by its number.
    pub(super) fn of(links: usize, word: impl Fn(u32) -> u64) -> LinkSet {
        let mut words: SmallVec<[u64; 2]> = (0..words_of(links) as u32).map(word).collect();
        if let Some(last) = words.last_mut() {
            let unused = words_of(links) * 64 - links;
            *last &= u64::MAX.checked_shr(unused as u32).unwrap_or(0);
        }
        LinkSet(words)
    }

    pub(super) fn remove(&mut self, place: u32) {
        self.0[place as usize / 64] &= !(1 << (place % 64));
    }

    /// Iterates over the places of the links, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().zip(0..).flat_map(|(&word, index)| {
            let bits = std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)));
            bits.take_while(|&rest| rest != 0).map(move |rest| 64 * index + rest.trailing_zeros())
        })
    }
}

impl WaitingOrders {
    /// Bytes of a node at whose links up to three orders wait, of up to 64 links.
    pub(super) const NODE_BYTES: usize = size_of::<NodeOrders>();

    /// Creates empty lists of `nodes` nodes.
    pub(super) fn new(nodes: usize) -> WaitingOrders {
        WaitingOrders { by_node: vec![NodeOrders::default(); nodes], total: 0 }
    }

    /// Returns the number of orders that wait, each counted once for each link.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Lets an order wait at links of a node, behind all others.
    pub(super) fn push(&mut self, local: usize, order_hop: OrderHop, links: &LinkSet) {
        let count: u32 = links.0.iter().map(|word| word.count_ones()).sum();
        if count > 0 {
            let node = &mut self.by_node[local];
            node.orders.push(order_hop);
            node.links.extend_from_slice(&links.0);
            self.total += u64::from(count);
        }
    }

    /// Lets an order no longer wait at a link of a node that has `links` links. Returns its place in the list of the
    /// node, from which the search for the next one is to begin, if it waited.
    pub(super) fn remove(
        &mut self,
        (local, links): (usize, usize),
        link: u32,
        order: OrderIndex,
        from: usize,
    ) -> Option<usize> {
        let node = &mut self.by_node[local];
        let at = node.find(order, from)?;
        let word = &mut node.links[at * words_of(links) + link as usize / 64];
        let bit = 1 << (link % 64);
        let waited = *word & bit != 0;
        *word &= !bit;
        self.total -= u64::from(waited);
        waited.then_some(at)
    }

    /// Returns the number of orders that wait at any link of a node.
    pub(super) fn listed(&self, local: usize) -> u32 {
        self.by_node[local].orders.len() as u32
    }

    /// Returns the number of orders that wait at a link of a node.
    pub(super) fn count(&self, (local, links): (usize, usize), link: u32) -> u32 {
        let words = self.by_node[local].links.iter().skip(link as usize / 64).step_by(words_of(links));
        words.map(|word| (word >> (link % 64) & 1) as u32).sum()
    }

    /// Takes the oldest orders that wait at a link of a node, `most` at most, and appends them to `taken`; returns true
    /// if more wait there.
    pub(super) fn take(
        &mut self,
        (local, links): (usize, usize),
        link: u32,
        most: usize,
        taken: &mut Vec<OrderHop>,
    ) -> bool {
        let NodeOrders { orders, links: bits } = &mut self.by_node[local];
        let (words, bit, before) = (words_of(links), 1 << (link % 64), taken.len());
        let of_link = bits.iter_mut().skip(link as usize / 64).step_by(words);
        let mut has_more = false;
        for (&order_hop, word) in orders.iter().zip(of_link) {
            if *word & bit != 0 {
                has_more = taken.len() - before == most;
                if has_more {
                    break;
                }
                *word &= !bit;
                taken.push(order_hop);
            }
        }
        self.total -= (taken.len() - before) as u64;
        has_more
    }

    /// Forgets the orders that wait at no link of a node any more. Their places change.
    pub(super) fn compact(&mut self, (local, links): (usize, usize)) {
        let node = &mut self.by_node[local];
        let (words, mut kept) = (words_of(links), 0);
        for at in 0..node.orders.len() {
            if node.links[at * words..][..words].iter().all(|&word| word == 0) {
                continue;
            }
            if kept < at {
                node.orders[kept] = node.orders[at];
                node.links.copy_within(at * words..(at + 1) * words, kept * words);
            }
            kept += 1;
        }
        node.orders.truncate(kept);
        node.links.truncate(kept * words);
        if kept == 0 && node.orders.spilled() {
            // A node at whose links nothing waits holds no memory.
            *node = NodeOrders::default();
        }
    }

    /// Calls `name` with each order of each node, once for each link that it waits at.
    pub(super) fn for_each(&self, mut name: impl FnMut(OrderIndex)) {
        for NodeOrders { orders, links } in self.by_node.iter().filter(|node| !node.orders.is_empty()) {
            for (order_hop, words) in orders.iter().zip(links.chunks(links.len() / orders.len())) {
                (0..words.iter().map(|word| word.count_ones()).sum()).for_each(|_: u32| name(order_hop.order));
            }
        }
    }

    /// Requests the cache line of a node's list.
    #[inline(always)]
    pub(super) fn prefetch(&self, local: usize) {
        prefetch(&self.by_node, local);
    }
}

impl NodeOrders {
    /// Finds an order in the list. Orders that are looked for one after the other often lie so, too.
    fn find(&self, order: OrderIndex, from: usize) -> Option<usize> {
        let (before, after) = self.orders.split_at(from.min(self.orders.len()));
        place_of(after, order).map(|place| before.len() + place).or_else(|| place_of(before, order))
    }
}

/// Returns the number of words that hold a bit for each of this many links.
fn words_of(links: usize) -> usize {
    links.div_ceil(64).max(1)
}

/// Returns the place of an order among others.
fn place_of(orders: &[OrderHop], order: OrderIndex) -> Option<usize> {
    // Without a branch for each, so that many are compared at once.
    let has = |part: &[OrderHop]| part.iter().fold(false, |has, other| has | (other.order == order));
    let part = orders.chunks(COMPARED).position(has)?;
    let begin = part * COMPARED;
    orders[begin..].iter().position(|other| other.order == order).map(|place| begin + place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order_hop(order: u32) -> OrderHop {
        OrderHop { order: OrderIndex(order), ttl: 5, hop: 1 + order as u8 % 7 }
    }

    proptest! {
        /// Any sequence of pushes, removals and takes leaves what a plain queue for each link holds.
        #[test]
        fn links_have_queues_of_their_own(
            steps in prop::collection::vec((0..4_u8, any::<u64>(), 0..70_u32, 1..4_usize), 0..120),
            links in 1..130_usize,
        ) {
            let (mut waiting, mut taken, mut from) = (WaitingOrders::new(2), Vec::new(), 0);
            let mut queues = vec![Vec::new(); links];
            for (order, (step, word, number, most)) in (0..).zip(steps) {
                let link = number as usize % links;
                match step {
                    0 | 1 => {
                        let waits = |place: &usize| word >> (place % 61) & 1 == 1 && *place != link;
                        (0..links).filter(waits).for_each(|place| queues[place].push(order));
                        // Bits beyond the links count for nothing.
                        let word_of = |index: u32| {
                            let places = 64 * index as usize..64 * (index as usize + 1);
                            places.filter(waits).fold(0, |word, place| word | 1 << (place % 64))
                        };
                        let mut set = LinkSet::of(links, word_of);
                        set.remove(link as u32);
                        let places: Vec<usize> = set.iter().map(|place| place as usize).collect();
                        prop_assert!(places.iter().all(|&place| queues[place].last() == Some(&order)));
                        waiting.push(1, order_hop(order), &set);
                        prop_assert_eq!(waiting.count((1, links), link as u32) as usize, queues[link].len());
                    }
                    2 => {
                        let sought = queues[link].get(most).copied().unwrap_or(number);
                        let place = queues[link].iter().position(|&other| other == sought);
                        let found = waiting.remove((1, links), link as u32, OrderIndex(sought), from);
                        prop_assert_eq!(found.is_some(), place.is_some());
                        from = found.map_or(0, |at| at + 1);
                        place.map(|place| queues[link].remove(place));
                    }
                    _ => {
                        taken.clear();
                        let has_more = waiting.take((1, links), link as u32, most, &mut taken);
                        prop_assert_eq!(has_more, queues[link].len() > most);
                        let most = most.min(queues[link].len());
                        let expected: Vec<OrderHop> = queues[link].drain(..most).map(order_hop).collect();
                        prop_assert_eq!(&taken, &expected);
                        waiting.compact((1, links));
                    }
                }
                let mut all: Vec<u32> = queues.iter().flatten().copied().collect();
                let mut named = Vec::new();
                waiting.for_each(|order| named.push(order.0));
                all.sort_unstable();
                named.sort_unstable();
                prop_assert_eq!(waiting.total(), all.len() as u64);
                prop_assert_eq!(named, all);
            }
        }
    }

    #[test]
    fn orders_that_wait_nowhere_are_forgotten() {
        let mut waiting = WaitingOrders::new(1);
        let set = LinkSet::of(70, |index| [1 << 3, 1 << 5][index as usize]);
        (0..50).for_each(|order| waiting.push(0, order_hop(order), &set));
        for (link, kept) in [(3, 50), (69, 0)] {
            waiting.take((0, 70), link, 50, &mut Vec::new());
            waiting.compact((0, 70));
            assert_eq!(waiting.by_node[0].orders.len(), kept);
        }
        assert!(!waiting.by_node[0].orders.spilled() && waiting.total() == 0);
        waiting.push(0, order_hop(7), &LinkSet::of(70, |_| 0));
        assert!(waiting.by_node[0].orders.is_empty());
    }
}
