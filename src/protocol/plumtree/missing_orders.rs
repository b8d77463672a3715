//! The orders that a node has heard of and does not have, with the peers that announced them.

use crate::ids::OrderIndex;
use crate::protocol::request_table::RequestTable;
use crate::time::Nanos;
use smallvec::SmallVec;

/// The orders that the nodes of a shard miss. A timer runs for each.
#[derive(Debug)]
pub(super) struct MissingOrders(RequestTable<MissingOrder>);

/// An order that a node misses.
#[derive(Debug)]
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
    /// Returns the bytes of nodes that miss nothing.
    pub(super) fn bytes(nodes: u64) -> u64 {
        RequestTable::<MissingOrder>::bytes(nodes)
    }

    /// Creates the table of a shard of `nodes` nodes, none of which misses an order.
    pub(super) fn new(nodes: usize) -> MissingOrders {
        MissingOrders(RequestTable::new(nodes))
    }

    /// Remembers an announcer of an order, once per link; returns true if the node did not miss the order before, so
    /// that a timer must be set for `due`.
    pub(super) fn remember(&mut self, local: usize, order: OrderIndex, announcer: OrderAnnouncer, due: Nanos) -> bool {
        let Some(MissingOrder { announcers, .. }) = self.0.get_mut(local, order) else {
            let announcers = SmallVec::from_slice(&[announcer]);
            self.0.open_request(local, order, MissingOrder { announcers, due });
            return true;
        };
        if announcers.iter().all(|known| known.place != announcer.place) {
            announcers.push(announcer);
        }
        false
    }

    /// Returns an order that a node misses, if the time of its next GRAFT has come.
    pub(super) fn due(&mut self, local: usize, order: OrderIndex, now: Nanos) -> Option<&mut MissingOrder> {
        self.0.get_mut(local, order).filter(|missing| missing.due <= now)
    }

    /// Removes an order, if the node misses it, and returns what was known of it.
    pub(super) fn remove(&mut self, local: usize, order: OrderIndex) -> Option<&MissingOrder> {
        self.0.close(local, order).map(|missing| &*missing)
    }

    /// Forgets a peer of a node as an announcer. Timers go on, and find others or nobody.
    pub(super) fn forget_announcer(&mut self, local: usize, place: u32) {
        self.0.for_each_of(local, |missing| missing.announcers.retain(|announcer| announcer.place != place));
    }

    /// Returns the number of missing orders of all nodes.
    pub(super) fn count(&self) -> u64 {
        self.0.open() as u64
    }

    /// Iterates over the missing orders of all nodes.
    pub(super) fn orders(&self) -> impl Iterator<Item = OrderIndex> + '_ {
        self.0.orders()
    }

    /// Prefetches what is known of an order, if the node misses it.
    #[inline(always)]
    pub(super) fn prefetch(&self, local: usize, order: OrderIndex) {
        self.0.prefetch(local, order);
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
