//! The active views of a shard's nodes: the neighbours of each, in slots that they keep while they stay.

use crate::ids::NodeId;
use crate::simd::prefetch;

/// The active views of the nodes of a shard. An empty slot holds the node itself.
#[derive(Debug)]
pub(super) struct ActiveViews {
    first: u32,
    capacity: usize,
    slots: Vec<NodeId>,
    /// By node, a bit for each slot: set if the node opened the link to its neighbour.
    opened: Vec<u64>,
}

impl ActiveViews {
    /// Creates the empty views of `size` nodes from `first` on.
    pub(super) fn new(first: u32, size: usize, capacity: usize) -> ActiveViews {
        let itself = |place: usize| NodeId(first + (place / capacity) as u32);
        ActiveViews { first, capacity, slots: (0..size * capacity).map(itself).collect(), opened: vec![0; size] }
    }

    /// Returns the bytes of a view.
    pub(super) const fn view_bytes(capacity: usize) -> usize {
        capacity * size_of::<NodeId>() + size_of::<u64>()
    }

    /// Returns the slots of a node.
    pub(super) fn slots(&self, local: usize) -> &[NodeId] {
        &self.slots[local * self.capacity..][..self.capacity]
    }

    /// Returns a bit for each slot of a node, set if the node opened the link.
    pub(super) fn opened(&self, local: usize) -> u64 {
        self.opened[local]
    }

    /// Requests the cache lines of a node's view.
    #[inline(always)]
    pub(super) fn prefetch(&self, local: usize) {
        prefetch(&self.slots, local * self.capacity);
        prefetch(&self.slots, (local + 1) * self.capacity - 1);
        prefetch(&self.opened, local);
    }

    /// Iterates over the neighbours of a node.
    pub(super) fn of(&self, local: usize) -> impl Iterator<Item = NodeId> + Clone + '_ {
        let me = self.node(local);
        self.slots(local).iter().copied().filter(move |&neighbour| neighbour != me)
    }

    pub(super) fn len(&self, local: usize) -> usize {
        self.of(local).count()
    }

    pub(super) fn is_full(&self, local: usize) -> bool {
        self.len(local) == self.capacity
    }

    pub(super) fn has(&self, local: usize, peer: NodeId) -> bool {
        peer != self.node(local) && self.slots(local).contains(&peer)
    }

    /// Adds a neighbour, whose link the node has opened or not. Does nothing if no slot is free, if the neighbour has
    /// one, or if it is the node itself.
    pub(super) fn add(&mut self, local: usize, peer: NodeId, has_opened: bool) {
        let me = self.node(local);
        if peer == me || self.has(local, peer) {
            return;
        }
        let Some(free) = self.slots(local).iter().position(|&slot| slot == me) else { return };
        self.slots[local * self.capacity + free] = peer;
        self.opened[local] = self.opened[local] & !(1 << free) | u64::from(has_opened) << free;
    }

    /// Removes a neighbour; returns false if it is none.
    pub(super) fn remove(&mut self, local: usize, peer: NodeId) -> bool {
        let me = self.node(local);
        let Some(slot) = self.slots(local).iter().position(|&slot| slot == peer && peer != me) else { return false };
        self.slots[local * self.capacity + slot] = me;
        true
    }

    /// Returns the node itself.
    pub(super) fn node(&self, local: usize) -> NodeId {
        NodeId(self.first + local as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_keep_their_slots_while_they_stay() {
        let mut views = ActiveViews::new(10, 2, 3);
        for (peer, has_opened) in [(20, true), (21, false), (22, true), (23, true), (20, false)] {
            views.add(1, NodeId(peer), has_opened);
        }
        assert_eq!((views.slots(1), views.opened(1)), (&[20, 21, 22].map(NodeId)[..], 0b101));
        assert!(views.is_full(1) && views.has(1, NodeId(22)) && !views.has(1, NodeId(23)));
        assert!(views.remove(1, NodeId(22)) && !views.remove(1, NodeId(22)));
        assert_eq!((views.slots(1), views.len(1)), (&[20, 21, 11].map(NodeId)[..], 2));
        views.add(1, NodeId(11), true);
        assert!(!views.has(1, NodeId(11)) && !views.remove(1, NodeId(11)), "nobody is its own neighbour");
        views.add(1, NodeId(24), false);
        assert_eq!((views.slots(1), views.opened(1)), (&[20, 21, 24].map(NodeId)[..], 0b001));
        assert!(views.of(1).eq([20, 21, 24].map(NodeId)) && views.of(0).next().is_none());
        assert_eq!(views.slots(0), [NodeId(10); 3], "the other node's are its own");
    }
}
