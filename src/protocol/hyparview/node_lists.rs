//! Short lists of nodes, one for each node of a shard, in places that are allocated at the start.

use crate::ids::NodeId;
use crate::simd::prefetch;

/// Nodes in a cache line.
const PER_LINE: usize = 16;

/// A list for each node of a shard: all of one maximum length, each without repeats.
#[derive(Debug)]
pub(super) struct NodeLists {
    len_max: usize,
    nodes: Vec<NodeId>,
    lens: Vec<u16>,
}

impl NodeLists {
    /// Creates the empty lists of `size` nodes.
    pub(super) fn new(size: usize, len_max: usize) -> NodeLists {
        NodeLists { len_max, nodes: vec![NodeId(0); size * len_max], lens: vec![0; size] }
    }

    /// Returns the bytes of a list.
    pub(super) const fn list_bytes(len_max: usize) -> usize {
        len_max * size_of::<NodeId>() + size_of::<u16>()
    }

    /// Returns the list of a node.
    pub(super) fn of(&self, local: usize) -> &[NodeId] {
        &self.nodes[local * self.len_max..][..usize::from(self.lens[local])]
    }

    /// Requests the cache lines of a node's list.
    #[inline(always)]
    pub(super) fn prefetch(&self, local: usize) {
        prefetch(&self.lens, local);
        let (begin, end) = (local * self.len_max, (local + 1) * self.len_max);
        let last = end.saturating_sub(1);
        (begin..end).step_by(PER_LINE).chain([last]).for_each(|place| prefetch(&self.nodes, place));
    }

    pub(super) fn is_full(&self, local: usize) -> bool {
        usize::from(self.lens[local]) == self.len_max
    }

    /// Returns true if the list has a node.
    pub(super) fn has(&self, local: usize, node: NodeId) -> bool {
        // Without a branch for each, so that many are compared at once.
        self.of(local).iter().fold(false, |has, &listed| has | (listed == node))
    }

    /// Appends a node; does nothing if the list is full or has it already.
    pub(super) fn push(&mut self, local: usize, node: NodeId) {
        if !self.is_full(local) && !self.has(local, node) {
            self.nodes[local * self.len_max + usize::from(self.lens[local])] = node;
            self.lens[local] += 1;
        }
    }

    /// Puts a node that the list has not in place of the one at `place`.
    pub(super) fn replace(&mut self, local: usize, place: usize, node: NodeId) {
        self.nodes[local * self.len_max..][..usize::from(self.lens[local])][place] = node;
    }

    /// Removes a node, and puts the last one in its place; returns false if the list has it not.
    pub(super) fn remove(&mut self, local: usize, node: NodeId) -> bool {
        let Some(place) = self.of(local).iter().position(|&listed| listed == node) else { return false };
        let (begin, last) = (local * self.len_max, usize::from(self.lens[local]) - 1);
        self.nodes.swap(begin + place, begin + last);
        self.lens[local] = last as u16;
        true
    }

    /// Exchanges the nodes at two places of a list.
    pub(super) fn swap(&mut self, local: usize, one: usize, other: usize) {
        self.nodes[local * self.len_max..][..usize::from(self.lens[local])].swap(one, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_each_node_once_and_not_too_many() {
        let mut lists = NodeLists::new(2, 3);
        for node in [7, 8, 7, 9, 10] {
            lists.push(1, NodeId(node));
        }
        assert_eq!((lists.of(1), lists.of(0)), (&[7, 8, 9].map(NodeId)[..], &[][..]));
        assert!(lists.is_full(1) && !lists.is_full(0));
        lists.replace(1, 1, NodeId(11));
        assert!(lists.remove(1, NodeId(7)) && !lists.remove(1, NodeId(7)) && !lists.remove(0, NodeId(9)));
        assert_eq!(lists.of(1), [9, 11].map(NodeId));
        lists.swap(1, 0, 1);
        assert_eq!(lists.of(1), [11, 9].map(NodeId));
    }
}
