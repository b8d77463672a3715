//! The announcements that nodes gather for their lazy peers, so that one message names several orders.

use super::knobs::PlumtreeKnobs;
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, OrderHop, TAIL_WORDS_MAX};
use crate::protocol::Context;
use crate::simd::prefetch;
use crate::time::Nanos;

/// The announcements that the nodes of a shard gather.
#[derive(Debug)]
pub(super) struct LazyQueue {
    /// By node, in the order in which they were gathered; empty if nothing is ever gathered.
    by_node: Vec<NodeQueue>,
    /// Nodes for which a timer runs.
    nodes: u64,
}

/// The announcements that one node gathers.
#[derive(Clone, Debug, Default)]
struct NodeQueue {
    announcements: Vec<QueuedAnnouncement>,
    /// True if a timer runs.
    is_timed: bool,
}

/// An order that one peer is to learn of.
#[derive(Clone, Copy, Debug)]
struct QueuedAnnouncement {
    to: NodeId,
    order_hop: OrderHop,
}

impl LazyQueue {
    /// Returns the bytes of a node that has gathered nothing.
    pub(super) fn node_bytes(knobs: &PlumtreeKnobs) -> usize {
        if knobs.dispatch_timeout == Nanos::ZERO { 0 } else { size_of::<NodeQueue>() }
    }

    /// Creates the empty queues of `nodes` nodes.
    pub(super) fn new(knobs: &PlumtreeKnobs, nodes: usize) -> LazyQueue {
        let nodes = if LazyQueue::node_bytes(knobs) == 0 { 0 } else { nodes };
        LazyQueue { by_node: vec![NodeQueue::default(); nodes], nodes: 0 }
    }

    /// Requests the cache line of a node's list.
    #[inline(always)]
    pub(super) fn prefetch(&self, local: usize) {
        prefetch(&self.by_node, local);
    }

    /// Gathers the announcement of an order to each of these peers, at least one; returns true if a timer must be set.
    pub(super) fn gather(&mut self, local: usize, order_hop: OrderHop, to: &[NodeId]) -> bool {
        let NodeQueue { announcements, is_timed } = &mut self.by_node[local];
        announcements.extend(to.iter().map(|&to| QueuedAnnouncement { to, order_hop }));
        let is_first = !std::mem::replace(is_timed, true);
        self.nodes += u64::from(is_first);
        is_first
    }

    /// Forgets what a peer of a node was to learn.
    pub(super) fn forget_peer(&mut self, local: usize, peer: NodeId) {
        if let Some(queue) = self.by_node.get_mut(local) {
            queue.announcements.retain(|queued| queued.to != peer);
        }
    }

    /// Announces everything that a node has gathered: each peer gets one message about all that it is to learn of, or
    /// several if they do not fit into one.
    pub(super) fn announce<C: Context>(&mut self, context: &mut C, kind: Kind, recipients: &mut Vec<NodeId>) {
        // Taken whole, so that a node that gathers nothing holds no memory.
        let NodeQueue { announcements: mut queue, is_timed } = std::mem::take(&mut self.by_node[context.local()]);
        self.nodes -= u64::from(is_timed);
        let Some(&first) = queue.first() else { return };
        if queue.iter().all(|queued| queued.order_hop == first.order_hop) {
            recipients.extend(queue.iter().map(|queued| queued.to));
            context.forward(recipients, kind, first.order_hop, &[]);
            recipients.clear();
            return;
        }
        // Stable, so that each peer learns of the orders in their sequence.
        queue.sort_by_key(|queued| queued.to);
        for own in queue.chunk_by(|one, next| one.to == next.to) {
            for part in own.chunks(1 + TAIL_WORDS_MAX) {
                let tail: Vec<u64> = part[1..].iter().map(|queued| queued.order_hop.to_word()).collect();
                context.forward(&[part[0].to], kind, part[0].order_hop, &tail);
            }
        }
    }

    /// Returns the number of nodes with announcements.
    pub(super) fn nodes(&self) -> u64 {
        self.nodes
    }

    /// Iterates over the orders that are to be announced, once per announcement.
    pub(super) fn orders(&self) -> impl Iterator<Item = OrderIndex> + '_ {
        self.by_node.iter().flat_map(|queue| &queue.announcements).map(|queued| queued.order_hop.order)
    }
}
