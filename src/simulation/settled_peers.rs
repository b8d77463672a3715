//! The peers that nodes had when the first order was due, if a membership protocol keeps them: the overlay of the
//! report.

use crate::ids::NodeId;
use crate::record::OverlayFacts;
use crate::topology::{Reachability, reach_along};

/// The peers of all nodes: an equal number of slots for each, an empty one with the node itself.
pub(super) struct SettledPeers {
    nodes: u32,
    slots: usize,
    peers: Vec<NodeId>,
}

impl SettledPeers {
    /// Creates the peers of `nodes` nodes from their slots; `None` if there are none.
    pub(super) fn new(peers: Vec<NodeId>, nodes: u32) -> Option<SettledPeers> {
        let slots = peers.len() / nodes.max(1) as usize;
        (slots > 0).then_some(SettledPeers { nodes, slots, peers })
    }

    /// Iterates over the peers of the node at this place.
    fn of(&self, place: usize, me: NodeId) -> impl Iterator<Item = NodeId> {
        self.peers[place * self.slots..][..self.slots].iter().copied().filter(move |&peer| peer != me)
    }

    /// Returns the number of peers of each node, the first of which is `first`.
    pub(super) fn degrees(&self, first: u32) -> Vec<u32> {
        let degree = |place: u32| self.of(place as usize, NodeId(first + place)).count() as u32;
        (0..self.nodes).map(degree).collect()
    }

    /// Returns the facts about these peers as an overlay on which orders enter at `origin`, called `id`.
    pub(super) fn facts(&self, origin: NodeId, id: u64) -> OverlayFacts {
        let degrees = self.degrees(0);
        let links: u64 = degrees.iter().copied().map(u64::from).sum();
        let Reachability { reachable, depth, .. } = reach_along(self.nodes, origin, |node| self.of(node.index(), node));
        OverlayFacts {
            origin: id,
            mean_degree: links as f64 / f64::from(self.nodes),
            max_degree: degrees.into_iter().max().unwrap_or(0),
            reachable: Some(reachable),
            depth: Some(depth),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two triangles, one of which hangs on a link of one end, and a node of its own.
    #[test]
    fn views_are_searched_along_their_links() {
        let slots = [[1, 2, 0], [0, 2, 1], [0, 1, 3], [4, 5, 3], [3, 5, 4], [3, 4, 5], [6, 6, 6]];
        let peers = SettledPeers::new(slots.iter().flatten().copied().map(NodeId).collect(), 7).unwrap();
        assert_eq!(peers.degrees(0), [2, 2, 3, 2, 2, 2, 0]);
        let facts = |origin: u32| peers.facts(NodeId(origin), 99);
        let OverlayFacts { origin, mean_degree, max_degree, reachable, depth } = facts(0);
        assert_eq!((origin, mean_degree, max_degree, reachable, depth), (99, 13.0 / 7.0, 3, Some(6), Some(3)));
        assert_eq!((facts(3).reachable, facts(6).reachable, facts(6).depth), (Some(3), Some(1), Some(0)));
        assert!(SettledPeers::new(Vec::new(), 7).is_none(), "an overlay gives them");
    }
}
