//! How far an order can get at all: a breadth-first search over the overlay, whatever fanout and TTL allow.
//!
//! Answers whether the overlay is connected, how many nodes an origin can reach, and in how many hops. Computed
//! families answer without a search.

use super::rows::Rows;
use super::{Shape, Topology};
use crate::ids::NodeId;

/// What can be reached from a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The number of nodes that can be reached, the node itself among them.
    pub reachable: u32,
    /// The least number of hops within which all of them can be.
    pub depth: u32,
    /// How many of them are at each distance in hops, from 0 to `depth`; at distance 0 is the node itself.
    pub by_depth: Vec<u32>,
}

impl Reach {
    fn new(by_depth: Vec<u32>) -> Reach {
        Reach { reachable: by_depth.iter().sum(), depth: by_depth.len().saturating_sub(1) as u32, by_depth }
    }

    /// Whether everyone among `nodes` can be reached, so that the overlay is connected.
    pub const fn is_everyone(&self, nodes: u32) -> bool {
        self.reachable == nodes
    }
}

/// What can be reached from `origin`: nothing where it is not a node of the overlay.
pub fn reach(topology: &Topology, origin: NodeId) -> Reach {
    let nodes = topology.nodes();
    if origin.0 >= nodes {
        return Reach::new(Vec::new());
    }
    match &topology.shape {
        Shape::Stored(rows) => Reach::new(search(rows, origin)),
        Shape::Complete { nodes: 1 } => Reach::new(vec![1]),
        Shape::Complete { .. } => Reach::new(vec![1, nodes - 1]),
    }
}

/// The number of nodes at each distance from `origin`.
fn search(rows: &Rows, origin: NodeId) -> Vec<u32> {
    let mut seen = Seen::nobody(rows.nodes());
    // Everyone reached, in order of distance; those from `begin` on are the latest distance.
    let mut reached = Vec::with_capacity(rows.nodes() as usize);
    seen.mark(origin);
    reached.push(origin);
    let mut by_depth = Vec::new();
    let mut begin = 0;
    while begin < reached.len() {
        let end = reached.len();
        by_depth.push((end - begin) as u32);
        for next in begin..end {
            reached.extend(rows.row(reached[next]).iter().copied().filter(|&peer| seen.mark(peer)));
        }
        begin = end;
    }
    by_depth
}

/// One bit for each node: small enough for a cache where the rows are not.
struct Seen {
    words: Vec<u64>,
}

impl Seen {
    fn nobody(nodes: u32) -> Seen {
        Seen { words: vec![0; nodes.div_ceil(u64::BITS) as usize] }
    }

    /// Marks `node`; true the first time.
    #[inline]
    fn mark(&mut self, node: NodeId) -> bool {
        let word = &mut self.words[node.index() / 64];
        let bit = 1 << (node.0 % 64);
        let first = *word & bit == 0;
        *word |= bit;
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::TopologySpec;

    fn reach_in(spec: &str, nodes: u32, origin: u32) -> Reach {
        let topology = spec.parse::<TopologySpec>().unwrap().build(nodes, 0, 1).unwrap();
        reach(&topology, NodeId(origin))
    }

    #[test]
    fn distances_are_those_of_the_shape() {
        assert_eq!(reach_in("ring", 7, 3).by_depth, [1, 2, 2, 2]);
        assert_eq!(reach_in("ring", 6, 0).by_depth, [1, 2, 2, 1]);
        assert_eq!(reach_in("grid", 9, 0).by_depth, [1, 2, 3, 2, 1]);
        assert_eq!(reach_in("star", 9, 0).by_depth, [1, 8]);
        assert_eq!(reach_in("star", 9, 5).by_depth, [1, 1, 7]);
        assert_eq!(reach_in("complete", 9, 5).by_depth, [1, 8]);
        assert_eq!(reach_in("complete", 1, 0), Reach { reachable: 1, depth: 0, by_depth: vec![1] });
    }

    #[test]
    fn an_origin_outside_reaches_nothing() {
        assert_eq!(reach_in("ring", 7, 7), Reach { reachable: 0, depth: 0, by_depth: vec![] });
    }
}
