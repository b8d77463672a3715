//! The overlay that the nodes of the guest had found when the first order was due.

use bulk_order_propagation::NodeId;

/// The overlay that nodes had found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SettledOverlay {
    /// The links when the first order was due, each from every end that had it.
    pub(crate) links: Vec<[NodeId; 2]>,
    /// Neighbours that nodes have gained and lost since.
    pub(crate) changes: u64,
}

impl SettledOverlay {
    /// Returns true if both ends had each link, and none changed in the course of the run.
    pub(crate) fn is_lasting(&self) -> bool {
        let has_both_ends = |&[node, peer]: &[NodeId; 2]| self.links.binary_search(&[peer, node]).is_ok();
        self.changes == 0 && self.links.iter().all(has_both_ends)
    }
}
