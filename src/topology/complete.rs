//! The complete overlay: every node is linked with every other. It is computed, because storing it would take memory
//! quadratic in the number of nodes.

use crate::ids::NodeId;

/// Returns the number of peers of each of `nodes` nodes.
#[inline]
pub(super) const fn degree(nodes: u32) -> u32 {
    nodes.saturating_sub(1)
}

/// Returns the `k`-th node other than `node`.
#[inline]
pub(super) const fn peer(node: NodeId, k: u32) -> NodeId {
    NodeId(if k < node.0 { k } else { k + 1 })
}

/// Returns the position of the link from `from` to `to` among the links of all `nodes` nodes, node by node.
#[inline]
pub(super) fn entry(from: NodeId, to: NodeId, nodes: u32) -> Option<usize> {
    let place = to.0 - u32::from(to > from);
    (from != to && to.0 < nodes).then(|| from.index() * degree(nodes) as usize + place as usize)
}

/// Returns the number of pairs among `nodes` nodes.
pub(super) const fn links(nodes: u32) -> u64 {
    nodes as u64 * degree(nodes) as u64 / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_follow_one_another() {
        let links = (0..4).flat_map(|node| (0..degree(4)).map(move |k| (NodeId(node), peer(NodeId(node), k))));
        assert!(links.map(|(from, to)| entry(from, to, 4)).eq((0..12).map(Some)));
        assert_eq!([entry(NodeId(2), NodeId(2), 4), entry(NodeId(2), NodeId(4), 4)], [None, None]);
    }

    #[test]
    fn no_node_is_its_own_peer() {
        let peers = |node| (0..degree(4)).map(|k| peer(NodeId(node), k).0).collect::<Vec<_>>();
        assert_eq!([peers(0), peers(1), peers(3)], [[1, 2, 3], [0, 2, 3], [0, 1, 2]]);
        assert_eq!([links(0), links(1), links(2), links(u32::MAX)], [0, 0, 1, 9_223_372_030_412_324_865]);
    }
}
