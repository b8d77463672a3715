//! The orders that a node has heard of and does not have, with the peers that announced them.

use crate::ids::OrderIndex;
use crate::time::Nanos;
use smallvec::SmallVec;

/// The orders that the nodes of a shard miss. A timer runs for each.
#[derive(Debug)]
pub(super) struct MissingOrders {
    /// By node, ascending by order.
    by_node: Vec<Vec<(OrderIndex, MissingOrder)>>,
    /// Entries of all nodes.
    count: u64,
}

/// An order that a node misses.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MissingOrder {
    /// The peers that announced it and were not asked yet, in the order of their announcements.
    announcers: SmallVec<[OrderAnnouncer; 2]>,
    /// The time of the next GRAFT. A timer that fires earlier belongs to an earlier GRAFT.
    due: Nanos,
}

/// A peer that announced an order, with the TTL and the hop that the order would arrive with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OrderAnnouncer {
    /// Position among the node's links.
    pub(super) place: u32,
    pub(super) ttl: u8,
    pub(super) hop: u8,
}

impl MissingOrders {
    /// Bytes of a node that misses nothing.
    pub(super) const NODE_BYTES: usize = size_of::<Vec<(OrderIndex, MissingOrder)>>();

    /// Creates the lists of a shard of `nodes` nodes, none of which misses an order.
    pub(super) fn new(nodes: usize) -> MissingOrders {
        MissingOrders { by_node: (0..nodes).map(|_| Vec::new()).collect(), count: 0 }
    }

    /// Remembers an announcer of an order, once per link; returns true if the node did not miss the order before, so
    /// that a timer must be set for `due`.
    pub(super) fn remember(&mut self, local: usize, order: OrderIndex, announcer: OrderAnnouncer, due: Nanos) -> bool {
        let missing = &mut self.by_node[local];
        match missing.binary_search_by_key(&order, |missing| missing.0) {
            Ok(at) => {
                let announcers = &mut missing[at].1.announcers;
                if announcers.iter().all(|known| known.place != announcer.place) {
                    announcers.push(announcer);
                }
                false
            }
            Err(at) => {
                let announcers = SmallVec::from_slice(&[announcer]);
                missing.insert(at, (order, MissingOrder { announcers, due }));
                self.count += 1;
                true
            }
        }
    }

    /// Returns an order that a node misses, if the time of its next GRAFT has come.
    pub(super) fn due(&mut self, local: usize, order: OrderIndex, now: Nanos) -> Option<&mut MissingOrder> {
        let missing = &mut self.by_node[local];
        let at = missing.binary_search_by_key(&order, |missing| missing.0).ok()?;
        Some(&mut missing[at].1).filter(|missing| missing.due <= now)
    }

    /// Removes an order, and returns what was known of it.
    pub(super) fn remove(&mut self, local: usize, order: OrderIndex) -> Option<MissingOrder> {
        let missing = &mut self.by_node[local];
        let at = missing.binary_search_by_key(&order, |missing| missing.0).ok()?;
        self.count -= 1;
        let (_, removed) = missing.remove(at);
        if missing.is_empty() {
            // A node that misses nothing holds no memory.
            *missing = Vec::new();
        }
        Some(removed)
    }

    /// Forgets a peer of a node as an announcer. Timers go on, and find others or nobody.
    pub(super) fn forget_announcer(&mut self, local: usize, place: u32) {
        for (_, missing) in &mut self.by_node[local] {
            missing.announcers.retain(|announcer| announcer.place != place);
        }
    }

    /// Returns the number of missing orders of all nodes.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Iterates over the missing orders of all nodes.
    pub(super) fn orders(&self) -> impl Iterator<Item = OrderIndex> + '_ {
        self.by_node.iter().flatten().map(|missing| missing.0)
    }
}

impl MissingOrder {
    /// Takes the first announcer, and sets the time of the GRAFT after this one. Returns `None` if all were asked.
    pub(super) fn take_first(&mut self, due: Nanos) -> Option<OrderAnnouncer> {
        self.due = due;
        (!self.announcers.is_empty()).then(|| self.announcers.remove(0))
    }

    /// Returns the announcer with the least hop, the first of several.
    pub(super) fn nearest(&self) -> Option<OrderAnnouncer> {
        self.announcers.iter().copied().min_by_key(|announcer| announcer.hop)
    }
}
