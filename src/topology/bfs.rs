//! Measures how far an order can get at all: a breadth-first search over the overlay, regardless of fanout and TTL.
//!
//! The search answers three questions: is the overlay connected, how many nodes can an origin reach, and in how many
//! hops. The complete overlay needs no search. A large implicit overlay gives no answer, because a search would take
//! longer than the run, only to find what nearly always holds: a random regular overlay of three peers or more is
//! connected.

use super::csr::CsrGraph;
use super::implicit::are_counted;
use super::{Shape, Topology, TopologySpec};
use crate::ids::NodeId;
use crate::sync::{Interrupt, Interrupted, Lookout};

/// The nodes within reach of an origin, counted by distance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachability {
    /// The number of nodes that can be reached, the origin included.
    pub reachable: u32,
    /// The largest distance of a reachable node, in hops.
    pub depth: u32,
    /// The number of reachable nodes at each distance in hops, from 0 to `depth`; at distance 0 is the origin.
    pub by_depth: Vec<u32>,
}

impl Reachability {
    pub(super) fn new(by_depth: Vec<u32>) -> Reachability {
        Reachability { reachable: by_depth.iter().sum(), depth: by_depth.len().saturating_sub(1) as u32, by_depth }
    }

    /// Returns true if all `nodes` nodes can be reached, so that the overlay is connected.
    pub const fn is_everyone(&self, nodes: u32) -> bool {
        self.reachable == nodes
    }
}

impl TopologySpec {
    /// Returns true if an overlay of this family is searched: one that is computed is not, from 4 million slots on.
    pub fn is_searched(&self, nodes: u32, peers: u32) -> bool {
        *self != TopologySpec::RegularImplicit || are_counted(nodes, peers)
    }
}

/// Searches the overlay from `origin`; the result is empty if `origin` is not a node. Returns `None` for implicit
/// overlays of more than 4 million slots, which are not searched, and where a membership protocol keeps the peers.
pub fn reach(topology: &Topology, origin: NodeId) -> Option<Reachability> {
    // A fresh interrupt is never raised, so the error cannot occur.
    reach_unless(topology, origin, &Interrupt::new()).unwrap_or(None)
}

/// Searches the overlay as [`reach`] does, unless the user interrupts it.
///
/// # Errors
///
/// [`Interrupted`].
pub fn reach_unless(
    topology: &Topology,
    origin: NodeId,
    interrupt: &Interrupt,
) -> Result<Option<Reachability>, Interrupted> {
    let nodes = topology.nodes();
    if origin.0 >= nodes {
        return Ok(Some(Reachability::new(Vec::new())));
    }
    let lookout = &mut Lookout::new(interrupt);
    Ok(match &topology.shape {
        Shape::Stored(rows) => Some(Reachability::new(search(rows, origin, lookout)?)),
        Shape::Complete { nodes: 1 } => Some(Reachability::new(vec![1])),
        Shape::Complete { .. } => Some(Reachability::new(vec![1, nodes - 1])),
        Shape::Unlinked { .. } => None,
        Shape::Implicit(implicit) if implicit.is_large() => None,
        Shape::Implicit(implicit) => {
            let slots = |node| (0..implicit.slots()).map(move |slot| implicit.at(node, slot));
            Some(reach_along(nodes, origin, slots))
        }
    })
}

/// Searches among `nodes` nodes from `origin`, which is one of them, along the links that `peers` names of a node.
pub fn reach_along<P: Iterator<Item = NodeId>>(
    nodes: u32,
    origin: NodeId,
    peers: impl Fn(NodeId) -> P,
) -> Reachability {
    let mut seen = VisitedSet::empty(nodes);
    seen.mark(origin);
    let mut latest = vec![origin];
    let mut by_depth = Vec::new();
    while !latest.is_empty() {
        by_depth.push(latest.len() as u32);
        latest = latest.iter().flat_map(|&node| peers(node)).filter(|&peer| seen.mark(peer)).collect();
    }
    Reachability::new(by_depth)
}

/// The reciprocal of the share of nodes from which on the next distance is found by [`pull`]. It bounds the number of
/// pulls, so the time stays linear.
const PULL_FROM: usize = 32;

/// Counts the nodes at each distance from `origin`.
///
/// If few nodes are at the latest distance, their rows lead to the next. If many are, it is cheaper to test each unseen
/// node for a peer that has been seen: rows are then read in order, and most tests end early (Beamer, Asanovic,
/// Patterson 2012, "Direction-optimizing breadth-first search").
fn search(rows: &CsrGraph, origin: NodeId, lookout: &mut Lookout<'_>) -> Result<Vec<u32>, Interrupted> {
    let mut seen = VisitedSet::empty(rows.nodes());
    seen.mark(origin);
    let mut latest = vec![origin];
    let mut next = Vec::new();
    let mut by_depth = Vec::new();
    while !latest.is_empty() {
        by_depth.push(latest.len() as u32);
        if latest.len() < rows.nodes() as usize / PULL_FROM {
            push(rows, &latest, &mut seen, &mut next, lookout)?;
        } else {
            pull(rows, &mut seen, &mut next, lookout)?;
        }
        std::mem::swap(&mut latest, &mut next);
        next.clear();
    }
    Ok(by_depth)
}

/// Finds the `next` distance through the rows of the `latest`.
fn push(
    rows: &CsrGraph,
    latest: &[NodeId],
    seen: &mut VisitedSet,
    next: &mut Vec<NodeId>,
    lookout: &mut Lookout<'_>,
) -> Result<(), Interrupted> {
    for &node in latest {
        lookout.work(rows.degree(node).into())?;
        next.extend(rows.row(node).iter().copied().filter(|&peer| seen.mark(peer)));
    }
    Ok(())
}

/// Finds the `next` distance through the rows of all unseen nodes. A seen peer of an unseen node is always at the
/// latest distance: if it were nearer, the node would already have been seen.
fn pull(
    rows: &CsrGraph,
    seen: &mut VisitedSet,
    next: &mut Vec<NodeId>,
    lookout: &mut Lookout<'_>,
) -> Result<(), Interrupted> {
    for node in (0..rows.nodes()).map(NodeId) {
        lookout.work(PULL_UNITS)?;
        if !seen.holds(node) && rows.row(node).iter().any(|&peer| seen.holds(peer)) {
            next.push(node);
        }
    }
    // Marked only after the scan, because a node of this distance must not count as seen for its own peers.
    for &node in &*next {
        seen.mark(node);
    }
    Ok(())
}

/// The work of testing one node, in units of one draw.
const PULL_UNITS: u64 = 4;

/// A set with one bit per node: small enough for a cache that cannot hold the rows.
struct VisitedSet {
    words: Vec<u64>,
}

impl VisitedSet {
    fn empty(nodes: u32) -> VisitedSet {
        VisitedSet { words: vec![0; nodes.div_ceil(u64::BITS) as usize] }
    }

    /// Marks `node`; true the first time.
    #[inline]
    fn mark(&mut self, node: NodeId) -> bool {
        let first = !self.holds(node);
        self.words[node.index() / 64] |= 1 << (node.0 % 64);
        first
    }

    #[inline]
    fn holds(&self, node: NodeId) -> bool {
        self.words[node.index() / 64] >> (node.0 % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::TopologySpec;

    fn reach_in(spec: &str, nodes: u32, origin: u32) -> Reachability {
        let topology = spec.parse::<TopologySpec>().unwrap().build(nodes, 0, 1).unwrap();
        reach(&topology, NodeId(origin)).unwrap()
    }

    #[test]
    fn distances_are_those_of_the_shape() {
        assert_eq!(reach_in("ring", 7, 3).by_depth, [1, 2, 2, 2]);
        assert_eq!(reach_in("ring", 6, 0).by_depth, [1, 2, 2, 1]);
        assert_eq!(reach_in("grid", 9, 0).by_depth, [1, 2, 3, 2, 1]);
        assert_eq!(reach_in("star", 9, 0).by_depth, [1, 8]);
        assert_eq!(reach_in("star", 9, 5).by_depth, [1, 1, 7]);
        assert_eq!(reach_in("complete", 9, 5).by_depth, [1, 8]);
        assert_eq!(reach_in("complete", 1, 0), Reachability { reachable: 1, depth: 0, by_depth: vec![1] });
    }

    #[test]
    fn an_origin_outside_reaches_nothing() {
        assert_eq!(reach_in("ring", 7, 7), Reachability { reachable: 0, depth: 0, by_depth: vec![] });
    }
}
