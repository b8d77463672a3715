//! The draws of several nodes' forwards together: their targets, and the latency of each message, side by side in SIMD
//! lanes where the network allows it.

use super::EngineSetup;
use crate::ids::{NodeId, OrderIndex};
use crate::message::OrderHop;
use crate::network::{FatedForward, Fates};
use crate::protocol::{TargetBatch, TargetDraw};
use crate::time::Nanos;

/// The most nodes of one batch.
const NODES_MAX: usize = 64;

/// The messages that are drawn together, or those of one node if it sends more.
const MESSAGES: usize = 512;

/// The forwards of some nodes.
pub(super) struct ForwardDraws {
    /// By forward.
    from: Vec<NodeId>,
    sources: Vec<ForwardSource>,
    /// If the fanout depends on the hop: the fanout of each forward, whose targets are the first of those drawn.
    fanouts: Vec<u32>,
    draw: TargetDraw,
    target_batch: TargetBatch,
    /// If not all targets drawn get a copy: those that do, node by node, and the end of each node's targets.
    to: Vec<NodeId>,
    ends: Vec<usize>,
    /// True if copies for senders are left out, or if the fanout depends on the hop, so that the targets differ from
    /// those drawn.
    selects: bool,
    /// Number of copies for senders that were left out, by forward.
    spared: Vec<usize>,
    fates: Fates,
}

/// The order and time of a forward, how often its node has sent the order before, and the node that it came from.
#[derive(Clone, Copy)]
struct ForwardSource {
    order: OrderIndex,
    attempt: u32,
    at: Nanos,
    sender: NodeId,
}

impl ForwardDraws {
    /// Makes an empty batch; returns it with the number of nodes that it should hold.
    pub(super) fn new(setup: &EngineSetup<'_>) -> (ForwardDraws, usize) {
        let usual = setup.draw.count(setup.topology.max_degree()).max(1) as usize;
        let nodes = (MESSAGES / usual).clamp(1, NODES_MAX);
        let draws = ForwardDraws {
            from: Vec::with_capacity(nodes),
            sources: Vec::with_capacity(nodes),
            fanouts: Vec::new(),
            draw: setup.draw,
            target_batch: TargetBatch::new(&setup.draw, setup.topology, nodes),
            to: Vec::new(),
            ends: Vec::with_capacity(nodes),
            selects: false,
            spared: Vec::new(),
            fates: Fates::default(),
        };
        (draws, nodes)
    }

    /// Adds a forward of an order, which came from `sender` and which its node has sent `attempt` times before.
    #[inline]
    pub(super) fn push(&mut self, order_hop: OrderHop, me: NodeId, sender: NodeId, at: Nanos, attempt: u32) {
        self.from.push(me);
        self.sources.push(ForwardSource { order: order_hop.order, attempt, at, sender });
        if self.draw.is_by_hop() {
            self.fanouts.push(self.draw.at_hop(order_hop.hop).count(u32::MAX));
        }
    }

    /// Draws the targets and fates of the forwards. `between` runs beside the draws, as in [`TargetBatch::draw`].
    pub(super) fn draw(&mut self, setup: &EngineSetup<'_>, between: impl FnMut(usize)) {
        let sources = &self.sources[..];
        self.target_batch.draw(&setup.draw, setup.topology, |place| sources[place].order, &self.from, between);
        self.selects = setup.exclude_sender || self.draw.is_by_hop();
        if self.selects {
            self.select(setup.exclude_sender);
        }
        // `targets` would borrow the fates too.
        let (to, ends) = if self.selects {
            (&self.to[..], &self.ends[..])
        } else {
            (self.target_batch.targets(), self.target_batch.ends())
        };
        let counts = ends.iter().scan(0, |begin, &end| Some(end - std::mem::replace(begin, end)));
        let forwards = self.from.iter().zip(&self.sources).zip(counts);
        let forwards = forwards.map(|((&from, &ForwardSource { order, attempt, at, .. }), count)| FatedForward {
            order,
            from,
            attempt,
            at,
            count,
        });
        self.fates.draw(setup.network, forwards, to);
    }

    /// Copies the targets that get a copy: as many of those drawn as the hop's fanout, without senders if
    /// `excludes_senders` is set.
    fn select(&mut self, excludes_senders: bool) {
        self.to.clear();
        self.ends.clear();
        self.spared.clear();
        for (place, (targets, source)) in self.target_batch.by_node().zip(&self.sources).enumerate() {
            let fanout = self.fanouts.get(place).map_or(targets.len(), |&fanout| targets.len().min(fanout as usize));
            let before = self.to.len();
            self.to.extend(targets[..fanout].iter().filter(|&&to| !excludes_senders || to != source.sender));
            self.ends.push(self.to.len());
            self.spared.push(before + fanout - self.to.len());
        }
    }

    /// Returns the number of forwards.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.from.len()
    }

    /// Returns the node and the time of the forward at a place.
    #[inline]
    pub(super) fn forward(&self, place: usize) -> (NodeId, Nanos) {
        (self.from[place], self.sources[place].at)
    }

    /// Returns the nodes that forward.
    #[inline]
    pub(super) fn from(&self) -> &[NodeId] {
        &self.from
    }

    /// Returns the targets, node by node, and the end of each node's targets.
    #[inline]
    pub(super) fn targets(&self) -> (&[NodeId], &[usize]) {
        if self.selects { (&self.to, &self.ends) } else { (self.target_batch.targets(), self.target_batch.ends()) }
    }

    /// Returns the latency of each message, or [`Fates::LOST`].
    #[inline]
    pub(super) fn latencies(&self) -> &[Nanos] {
        self.fates.latencies()
    }

    /// Returns the number of targets that the forward at a place was spared, because the order had come from there.
    #[inline]
    pub(super) fn spared(&self, place: usize) -> usize {
        if self.selects { self.spared[place] } else { 0 }
    }

    /// Returns the number of targets that all forwards were spared.
    pub(super) fn spared_in_all(&self) -> usize {
        if self.selects { self.spared.iter().sum() } else { 0 }
    }

    /// Forgets all forwards.
    pub(super) fn clear(&mut self) {
        self.from.clear();
        self.sources.clear();
        self.fanouts.clear();
    }
}
