//! The orders that were announced to nodes that do not have them, with the peers that announced each, and the time at
//! which a node has to do something about it.
//!
//! A node holds a word or two for each order, and the announcers of all nodes lie in one list, chained by index: what
//! is due is found without a look at announcers, and an order takes no allocation of its own.

use crate::ids::OrderIndex;
use crate::simd::prefetch;
use crate::time::Nanos;
use smallvec::SmallVec;

/// The end of a chain.
const NONE: u32 = u32::MAX;

/// The orders that are announced to nodes and not there, over all nodes of a shard.
#[derive(Debug)]
pub(super) struct MissingTransactions {
    by_node: Vec<NodeTransactions>,
    announcers: Vec<ChainedAnnouncer>,
    /// The first unused place.
    unused: u32,
    /// Orders of all nodes.
    count: u64,
}

/// The orders that are announced to one node: within a cache line, if it is one at most.
#[derive(Clone, Debug)]
#[repr(align(32))]
struct NodeTransactions {
    /// Ascending by order.
    orders: SmallVec<[MissingTransaction; 1]>,
    /// The time of the node's next timer for them; [`Nanos::MAX`] if none is set.
    timer: Nanos,
}

/// An order that a node does not have.
#[derive(Clone, Copy, Debug)]
struct MissingTransaction {
    order: OrderIndex,
    /// Its first announcer.
    first: u32,
    /// The time at which the node has to do something about it.
    due: Nanos,
}

/// A peer that has announced an order.
#[derive(Clone, Copy, Debug)]
pub(super) struct TransactionAnnouncer {
    /// Its link, counted from the first link of the node.
    pub(super) place: u32,
    /// The TTL and the hop that the order would arrive with.
    pub(super) ttl: u8,
    pub(super) hop: u8,
    pub(super) stage: RequestStage,
    /// The time at which the stage ends, if it does of itself.
    pub(super) until: Nanos,
}

/// The stage of a request to one announcer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestStage {
    /// It may be sent from a time on.
    Candidate,
    /// It is open until a time.
    Open,
    /// It has failed.
    Failed,
}

#[derive(Clone, Copy, Debug)]
struct ChainedAnnouncer {
    announcer: TransactionAnnouncer,
    /// The place of the next announcer of the order, or of the next unused place.
    next: u32,
}

impl MissingTransactions {
    /// Bytes of a node to which one order at a time is announced, and of an announcer.
    pub(super) const NODE_BYTES: usize = size_of::<NodeTransactions>();
    pub(super) const ANNOUNCER_BYTES: usize = size_of::<ChainedAnnouncer>();

    /// Creates the lists of `nodes` nodes, to which nothing was announced.
    pub(super) fn new(nodes: usize) -> MissingTransactions {
        let nothing = NodeTransactions { orders: SmallVec::new(), timer: Nanos::MAX };
        MissingTransactions { by_node: vec![nothing; nodes], announcers: Vec::new(), unused: NONE, count: 0 }
    }

    /// Returns the number of orders of all nodes.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Iterates over the orders of all nodes.
    pub(super) fn orders(&self) -> impl Iterator<Item = OrderIndex> + '_ {
        self.by_node.iter().flat_map(|node| &node.orders).map(|missing| missing.order)
    }

    /// Returns the place of an order among those of a node, if the node misses it.
    #[inline]
    pub(super) fn find(&self, local: usize, order: OrderIndex) -> Option<usize> {
        self.by_node[local].find(order).ok()
    }

    /// Iterates over the announcers of the order at a place.
    pub(super) fn announcers(&self, local: usize, at: usize) -> impl Iterator<Item = &TransactionAnnouncer> {
        let listed = |place: u32| self.announcers.get(place as usize);
        let first = listed(self.by_node[local].orders[at].first);
        std::iter::successors(first, move |chained| listed(chained.next)).map(|chained| &chained.announcer)
    }

    /// Passes each announcer of the order at a place to `each`.
    pub(super) fn for_each_announcer(
        &mut self,
        local: usize,
        at: usize,
        mut each: impl FnMut(&mut TransactionAnnouncer),
    ) {
        let mut place = self.by_node[local].orders[at].first;
        while let Some(chained) = self.announcers.get_mut(place as usize) {
            each(&mut chained.announcer);
            place = chained.next;
        }
    }

    /// Adds an announcer, which is not among those of the order; returns the place of the order.
    pub(super) fn insert(&mut self, local: usize, order: OrderIndex, announcer: TransactionAnnouncer) -> usize {
        let node = &mut self.by_node[local];
        let at = node.find(order).unwrap_or_else(|at| {
            self.count += 1;
            node.orders.insert(at, MissingTransaction { order, first: NONE, due: Nanos::MAX });
            at
        });
        let first = &mut node.orders[at].first;
        let chained = ChainedAnnouncer { announcer, next: *first };
        if let Some(unused) = self.announcers.get_mut(self.unused as usize) {
            *first = std::mem::replace(&mut self.unused, unused.next);
            *unused = chained;
        } else {
            *first = self.announcers.len() as u32;
            self.announcers.push(chained);
        }
        at
    }

    /// Forgets an order, and passes its announcers to `each`.
    pub(super) fn remove(&mut self, local: usize, order: OrderIndex, mut each: impl FnMut(&TransactionAnnouncer)) {
        let node = &mut self.by_node[local];
        let Ok(at) = node.find(order) else { return };
        let first = node.orders.remove(at).first;
        self.count -= 1;
        let (mut place, mut last) = (first, NONE);
        while let Some(ChainedAnnouncer { announcer, next }) = self.announcers.get(place as usize) {
            each(announcer);
            (last, place) = (place, *next);
        }
        if let Some(last) = self.announcers.get_mut(last as usize) {
            // The whole chain is unused.
            last.next = std::mem::replace(&mut self.unused, first);
        }
    }

    /// Takes a peer off the announcers of all orders of a node, and passes the orders that it had announced to `each`.
    pub(super) fn forget_announcer(&mut self, local: usize, peer: u32, mut each: impl FnMut(OrderIndex)) {
        let MissingTransactions { by_node, announcers, unused, .. } = self;
        for missing in &mut by_node[local].orders {
            let (mut before, mut place) = (NONE, missing.first);
            while let Some(&ChainedAnnouncer { announcer, next }) = announcers.get(place as usize) {
                if announcer.place == peer {
                    match announcers.get_mut(before as usize) {
                        Some(before) => before.next = next,
                        None => missing.first = next,
                    }
                    announcers[place as usize].next = std::mem::replace(unused, place);
                    each(missing.order);
                    // A peer is listed once.
                    break;
                }
                (before, place) = (place, next);
            }
        }
    }

    /// Returns the time at which a node has to do something about the order at a place.
    pub(super) fn due_mut(&mut self, local: usize, at: usize) -> &mut Nanos {
        &mut self.by_node[local].orders[at].due
    }

    /// Iterates over the orders of a node about which it has to do something by `now`, ascending.
    pub(super) fn due(&self, local: usize, now: Nanos) -> impl Iterator<Item = OrderIndex> + '_ {
        self.by_node[local].orders.iter().filter(move |missing| missing.due <= now).map(|missing| missing.order)
    }

    /// Returns the next time at which a node has to do something; [`Nanos::MAX`] for none.
    pub(super) fn next_due(&self, local: usize) -> Nanos {
        self.by_node[local].orders.iter().map(|missing| missing.due).min().unwrap_or(Nanos::MAX)
    }

    /// Returns the time of a node's timer.
    pub(super) fn timer(&mut self, local: usize) -> &mut Nanos {
        &mut self.by_node[local].timer
    }

    /// Requests the cache line of a node's list.
    #[inline(always)]
    pub(super) fn prefetch(&self, local: usize) {
        prefetch(&self.by_node, local);
    }
}

impl NodeTransactions {
    #[inline]
    fn find(&self, order: OrderIndex) -> Result<usize, usize> {
        self.orders.binary_search_by_key(&order, |missing| missing.order)
    }
}
