//! The orders that peers do not want, because they have them (IDONTWANT).

use crate::ids::{NodeId, OrderIndex};
use crate::simd::prefetch;

/// An order that a peer does not want.
#[derive(Clone, Copy, Debug)]
struct UnwantedOrder {
    order: OrderIndex,
    peer: NodeId,
    /// The number of the first beat after which it no longer counts.
    until: u32,
}

/// Bytes of a note.
pub(super) const NOTE_BYTES: usize = size_of::<UnwantedOrder>();

/// By node, the orders that it lacks and its peers have said they have. Once a node has the order, it passes it on at
/// once and needs the note no longer.
#[derive(Debug)]
pub(super) struct UnwantedOrders(Vec<Vec<UnwantedOrder>>);

impl UnwantedOrders {
    /// Creates the notes of `nodes` nodes; 0 if no peer ever says so.
    pub(super) fn new(nodes: usize) -> UnwantedOrders {
        UnwantedOrders(vec![Vec::new(); nodes])
    }

    /// Notes that a peer does not want an order, until beat `until`; `next` is the number of the next beat. A node
    /// keeps at most `most` notes that still count.
    pub(super) fn note(
        &mut self,
        local: usize,
        next: u32,
        (order, peer, until): (OrderIndex, NodeId, u32),
        most: usize,
    ) {
        let Some(notes) = self.0.get_mut(local) else { return };
        if notes.len() == notes.capacity() || notes.len() >= most {
            notes.retain(|note| next < note.until);
        }
        if notes.len() < most && !notes.iter().any(|note| (note.order, note.peer) == (order, peer)) {
            notes.push(UnwantedOrder { order, peer, until });
        }
    }

    /// Requests the cache line of a node's list.
    #[inline(always)]
    pub(super) fn prefetch(&self, local: usize) {
        prefetch(&self.0, local);
    }

    /// Forgets what a peer has said.
    pub(super) fn forget_peer(&mut self, local: usize, peer: NodeId) {
        let Some(notes) = self.0.get_mut(local) else { return };
        notes.retain(|note| note.peer != peer);
    }

    /// Takes the notes about an order, and removes from `to` the peers that do not want it before beat `next`; returns
    /// how many those are.
    pub(super) fn take_from(&mut self, local: usize, next: u32, order: OrderIndex, to: &mut Vec<NodeId>) -> usize {
        let Some(notes) = self.0.get_mut(local).filter(|notes| !notes.is_empty()) else { return 0 };
        let before = to.len();
        let is_unwanted = |note: &UnwantedOrder| note.order == order && next < note.until;
        to.retain(|&peer| !notes.iter().any(|note| is_unwanted(note) && note.peer == peer));
        notes.retain(|note| note.order != order);
        before - to.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_counts_for_its_order_until_its_beat() {
        let mut unwanted = UnwantedOrders::new(2);
        let [first, other] = [1, 2].map(OrderIndex);
        unwanted.note(0, 3, (first, NodeId(7), 6), 10);
        unwanted.note(0, 3, (first, NodeId(8), 4), 10);
        unwanted.note(0, 3, (other, NodeId(9), 6), 10);
        let mut to: Vec<NodeId> = [6, 7, 8, 9].map(NodeId).to_vec();
        // At the next beat the note about node 8 has expired, and that about node 9 is about another order.
        assert_eq!(unwanted.take_from(0, 4, first, &mut to), 1);
        assert_eq!(to, [6, 8, 9].map(NodeId));
        assert_eq!(unwanted.take_from(0, 4, first, &mut to), 0, "taken");
        unwanted.note(0, 4, (other, NodeId(6), 7), 10);
        unwanted.forget_peer(0, NodeId(6));
        assert_eq!((unwanted.take_from(0, 4, other, &mut to), to.as_slice()), (1, &[6, 8].map(NodeId)[..]));
    }

    #[test]
    fn notes_are_bounded() {
        let mut unwanted = UnwantedOrders::new(1);
        for beat in 0..1_000 {
            for order in 0..8 {
                unwanted.note(0, beat, (OrderIndex(8 * beat + order), NodeId(2), beat + 3), 12);
                unwanted.note(0, beat, (OrderIndex(8 * beat + order), NodeId(2), beat + 3), 12);
            }
            assert!(unwanted.0[0].len() <= 12);
        }
        assert!(unwanted.0[0].iter().all(|note| note.until > 900), "old notes make room");
        let mut none = UnwantedOrders::new(0);
        none.note(0, 0, (OrderIndex(1), NodeId(2), 3), 12);
        assert_eq!(none.take_from(0, 0, OrderIndex(1), &mut vec![NodeId(2)]), 0);
    }
}
