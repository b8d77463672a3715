//! Whom a node forwards an order to: a prefix of its peers in an order of their own, drawn without looking at the sender.
//!
//! The draw is a partial Fisher-Yates shuffle of the peer list under the key (seed, order, node): step i takes one of
//! the peers not yet taken. A larger fanout therefore extends the same list, and whoever sent the order changes nothing,
//! so the covered set is the same on every carrier. Steps and test vectors: `docs/DETERMINISM.md`.

use crate::ids::{NodeId, OrderIndex};
use crate::random::{Key, Purpose};
use crate::topology::Topology;
use smallvec::SmallVec;

/// Up to this many peers are copied and shuffled in place; above, only the positions that a swap touched are kept.
const DENSE_PEERS_MAX: u32 = 64;

/// Up to this many targets the touched positions are searched one by one.
const SPARSE_TARGETS_MAX: u32 = 32;

/// Draws targets for one run.
#[derive(Clone, Copy, Debug)]
pub struct TargetDraw {
    key: Key,
    fanout: u32,
}

/// Memory that the draw of many targets among many peers needs, kept from draw to draw.
#[derive(Debug, Default)]
pub struct TargetScratch {
    peers: Vec<u32>,
}

impl TargetScratch {
    /// Scratch for draws among up to `max_degree` peers, so that none allocates later.
    pub fn new(fanout: u32, max_degree: u32) -> TargetScratch {
        let dense = max_degree > DENSE_PEERS_MAX && fanout > SPARSE_TARGETS_MAX;
        TargetScratch { peers: Vec::with_capacity(if dense { max_degree as usize } else { 0 }) }
    }
}

impl TargetDraw {
    /// Draws for the run with this seed, `fanout` targets a forward.
    pub fn new(seed: u64, fanout: u32) -> TargetDraw {
        TargetDraw { key: Key::new(seed, Purpose::Targets), fanout }
    }

    /// Gives the targets of `node` for `order` to `take`, in their order: `fanout` of its peers, or all it has.
    #[inline]
    pub fn draw(
        &self,
        topology: &Topology,
        order: OrderIndex,
        node: NodeId,
        scratch: &mut TargetScratch,
        take: impl FnMut(NodeId),
    ) {
        let degree = topology.degree(node);
        let key = self.key.with(u64::from(order.0)).with(u64::from(node.0));
        let count = self.fanout.min(degree);
        if degree <= DENSE_PEERS_MAX {
            let mut peers: SmallVec<[u32; DENSE_PEERS_MAX as usize]> = SmallVec::new();
            copy_peers(topology, node, |row| peers.extend_from_slice(row), |peer| peers.push(peer));
            shuffle_prefix(key, &mut peers, count, take);
        } else if count <= SPARSE_TARGETS_MAX {
            sparse_prefix(key, degree, count, |position| topology.peer(node, position), take);
        } else {
            let peers = &mut scratch.peers;
            peers.clear();
            peers.extend(topology.peers(node).map(|peer| peer.0));
            shuffle_prefix(key, peers, count, take);
        }
    }
}
