//! The draws of several nodes' forwards together: their targets, and the latency of each message, side by side in SIMD
//! lanes where the network allows it.

use super::EngineSetup;
use crate::ids::{NodeId, OrderIndex};
use crate::network::{FatedForward, Fates};
use crate::protocol::TargetBatch;
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
    target_batch: TargetBatch,
    /// If copies for senders are left out: the other targets, node by node, and the end of each node's targets.
    to: Vec<NodeId>,
    ends: Vec<usize>,
    /// True if copies for senders are left out, so that the targets differ from those drawn.
    excludes: bool,
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
            target_batch: TargetBatch::new(&setup.draw, setup.topology, nodes),
            to: Vec::new(),
            ends: Vec::with_capacity(nodes),
            excludes: false,
            fates: Fates::default(),
        };
        (draws, nodes)
    }

    /// Adds a forward of `order`, which came from `sender` and which its node has sent `attempt` times before.
    #[inline]
    pub(super) fn push(&mut self, order: OrderIndex, me: NodeId, sender: NodeId, at: Nanos, attempt: u32) {
        self.from.push(me);
        self.sources.push(ForwardSource { order, attempt, at, sender });
    }

    /// Draws the targets and fates of the forwards. `between` runs beside the draws, as in [`TargetBatch::draw`].
    pub(super) fn draw(&mut self, setup: &EngineSetup<'_>, between: impl FnMut(usize)) {
        let sources = &self.sources[..];
        self.target_batch.draw(&setup.draw, setup.topology, |place| sources[place].order, &self.from, between);
        self.excludes = setup.exclude_sender;
        if self.excludes {
            self.leave_out_senders();
        }
        // `targets` would borrow the fates too.
        let (to, ends) = if self.excludes {
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

    /// Copies the targets that were drawn, except for senders.
    fn leave_out_senders(&mut self) {
        self.to.clear();
        self.ends.clear();
        for (targets, source) in self.target_batch.by_node().zip(&self.sources) {
            self.to.extend(targets.iter().filter(|&&to| to != source.sender));
            self.ends.push(self.to.len());
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
        if self.excludes { (&self.to, &self.ends) } else { (self.target_batch.targets(), self.target_batch.ends()) }
    }

    /// Returns the latency of each message, or [`Fates::LOST`].
    #[inline]
    pub(super) fn latencies(&self) -> &[Nanos] {
        self.fates.latencies()
    }

    /// Returns the number of targets that the forward at a place was spared, because the order had come from there.
    #[inline]
    pub(super) fn spared(&self, place: usize) -> usize {
        if !self.excludes {
            return 0;
        }
        let begin = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.target_batch.targets_of(place).len() - (self.ends[place] - begin)
    }

    /// Returns the number of targets that all forwards were spared.
    pub(super) fn spared_in_all(&self) -> usize {
        self.target_batch.targets().len() - self.targets().0.len()
    }

    /// Forgets all forwards.
    pub(super) fn clear(&mut self) {
        self.from.clear();
        self.sources.clear();
    }
}
