//! A count per node in as little memory as it takes: every message touches these counts, so their size decides whether
//! they stay in a cache.
//!
//! The low byte of each count stands apart from what is carried out of it, which few messages touch. Carries are kept
//! for each node where counts run long ([`CarryPerNode`]), and as a list where nodes are many and a byte holds nearly
//! every count ([`CarryList`]).

use crate::simd::prefetch;
use crate::sys::touched;

/// Counts by node.
pub(crate) struct NodeCounters<C> {
    low: Vec<u8>,
    carries: C,
}

/// The parts of counts above their low bytes.
pub(crate) trait Carries {
    /// Creates counters of `nodes` nodes without carries.
    fn new(nodes: usize) -> Self;

    /// Adds carries, of 256 each, to the count of a node.
    fn add(&mut self, node: usize, carries: u32);

    /// Adds the carries of other counts of the same nodes.
    fn merge(&mut self, other: &Self);

    /// Returns the carries of each of `nodes` nodes.
    fn by_node(self, nodes: usize) -> Vec<u32>;
}

/// Carries of each node: 32 bits beside the low byte, so that counts have 40, which a node that receives ten million
/// messages a second fills in a day.
pub(crate) struct CarryPerNode(Vec<u32>);

/// Each carry by its node, 4 bytes each, so that nodes without one take a byte in all.
pub(crate) struct CarryList(Vec<u32>);

impl<C: Carries> NodeCounters<C> {
    /// Creates counts of 0 at `nodes` nodes.
    pub(crate) fn new(nodes: usize) -> NodeCounters<C> {
        NodeCounters { low: touched(nodes, 0), carries: C::new(nodes) }
    }

    /// Adds to the count of a node.
    #[inline]
    pub(crate) fn add(&mut self, node: usize, more: u32) {
        let sum = u32::from(self.low[node]) + more;
        self.low[node] = sum as u8;
        if sum > u32::from(u8::MAX) {
            self.carries.add(node, sum >> u8::BITS);
        }
    }

    /// Asks the processor for what [`add`](Self::add) will touch.
    #[inline]
    pub(crate) fn prefetch(&self, node: usize) {
        prefetch(&self.low, node);
    }

    /// Adds other counts of the same nodes.
    pub(crate) fn merge(&mut self, other: &NodeCounters<C>) {
        other.low.iter().enumerate().for_each(|(node, &more)| self.add(node, more.into()));
        self.carries.merge(&other.carries);
    }

    /// Returns the counts, by node.
    pub(crate) fn into_counts(self) -> impl Iterator<Item = u64> {
        let carries = self.carries.by_node(self.low.len());
        self.low.into_iter().zip(carries).map(|(low, carries)| (u64::from(carries) << u8::BITS) + u64::from(low))
    }
}

impl NodeCounters<CarryPerNode> {
    /// Subtracts one from a count that is not 0.
    pub(crate) fn subtract_one(&mut self, node: usize) {
        if self.low[node] == 0 {
            self.carries.0[node] -= 1;
        }
        self.low[node] = self.low[node].wrapping_sub(1);
    }
}

impl Carries for CarryPerNode {
    fn new(nodes: usize) -> CarryPerNode {
        CarryPerNode(touched(nodes, 0))
    }

    #[inline]
    fn add(&mut self, node: usize, carries: u32) {
        self.0[node] += carries;
    }

    fn merge(&mut self, other: &CarryPerNode) {
        self.0.iter_mut().zip(&other.0).for_each(|(carries, more)| *carries += more);
    }

    fn by_node(self, _: usize) -> Vec<u32> {
        self.0
    }
}

impl Carries for CarryList {
    fn new(_: usize) -> CarryList {
        CarryList(Vec::new())
    }

    #[inline]
    fn add(&mut self, node: usize, carries: u32) {
        self.0.extend((0..carries).map(|_| node as u32));
    }

    fn merge(&mut self, other: &CarryList) {
        self.0.extend(&other.0);
    }

    fn by_node(self, nodes: usize) -> Vec<u32> {
        let mut by_node = vec![0; nodes];
        self.0.into_iter().for_each(|node| by_node[node as usize] += 1);
        by_node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts<C: Carries>(counters: NodeCounters<C>) -> Vec<u64> {
        counters.into_counts().collect()
    }

    /// Adds 70,000 to one of two nodes and 1,255 to the other.
    fn carried<C: Carries>() -> NodeCounters<C> {
        let mut counters = NodeCounters::new(2);
        (0..70_000).for_each(|_| counters.add(1, 1));
        counters.add(0, 1_000);
        counters.add(0, 255);
        counters
    }

    #[test]
    fn counts_carry_beyond_a_byte() {
        let mut counters = carried::<CarryPerNode>();
        (0..1_255).for_each(|_| counters.subtract_one(0));
        assert_eq!(counts(counters), [0, 70_000]);
        assert_eq!(counts(carried::<CarryPerNode>()), [1_255, 70_000]);
        assert_eq!(counts(carried::<CarryList>()), [1_255, 70_000]);
        // More than 32 bits count: a hub of ten thousand peers has as many of half a million orders.
        let mut hub = NodeCounters::<CarryPerNode>::new(1);
        (0..3).for_each(|_| hub.add(0, u32::MAX - 255));
        assert_eq!(counts(hub), [3 * u64::from(u32::MAX - 255)]);
    }

    #[test]
    fn merged_counts_are_sums() {
        fn check<C: Carries>() {
            let mut sum = carried::<C>();
            sum.add(0, 1);
            sum.merge(&carried());
            assert_eq!(counts(sum), [2_511, 140_000]);
        }
        check::<CarryPerNode>();
        check::<CarryList>();
    }
}
