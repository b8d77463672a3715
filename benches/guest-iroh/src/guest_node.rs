//! A node of the guest: the core's state, and what its driver keeps for it.

use crate::translation::PeerId;
use bulk_order_propagation::{Nanos, OrderIndex};
use iroh_gossip::proto::{State, Timer};
use rand::rngs::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A node: the core's state, and what its driver keeps for it.
#[derive(Debug)]
pub(crate) struct GuestNode {
    pub(crate) core: State<PeerId, ChaCha8Rng>,
    /// The nodes with which a connection is open at this end, each with the time of its last message.
    pub(crate) connections: BTreeMap<PeerId, Nanos>,
    pub(crate) neighbours: BTreeSet<PeerId>,
    /// Its neighbours when the first order was due, once they may have changed since.
    pub(crate) settled: Option<BTreeSet<PeerId>>,
    pub(crate) timers: Vec<GuestTimer>,
    /// Timers that the core has asked for so far.
    pub(crate) requests: u64,
}

/// A timer of the core that has not fired.
#[derive(Debug)]
pub(crate) struct GuestTimer {
    pub(crate) number: u64,
    pub(crate) timer: Timer<PeerId>,
    pub(crate) delay: Duration,
    /// Orders that may follow from it; `None` for a timer of upkeep.
    pub(crate) about: Option<Vec<OrderIndex>>,
}

impl GuestNode {
    /// Creates a node that knows nobody.
    pub(crate) fn new(core: State<PeerId, ChaCha8Rng>) -> GuestNode {
        GuestNode {
            core,
            connections: BTreeMap::new(),
            neighbours: BTreeSet::new(),
            settled: None,
            timers: Vec::new(),
            requests: 0,
        }
    }

    /// Notes that the announcements that wait for a timer will have one more.
    pub(crate) fn announce_with_others(&mut self, order: OrderIndex, dispatch_timeout: Duration) {
        let waiting = self.timers.iter_mut().filter(|timer| timer.delay == dispatch_timeout);
        waiting.filter_map(|timer| timer.about.as_mut()).for_each(|about| about.push(order));
    }
}
