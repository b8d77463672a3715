//! The grid: nodes on a plane, row by row, each linked with its neighbours to the left, to the right, above and below.
//!
//! The width is the square root of the number of nodes, rounded up; the last row may be short. The borders are open, so
//! a node has 2 to 4 peers (1 if it is alone in the last row), and the overlay is always connected.
//!
//! Rejected alternative: a torus, because it needs a full rectangle, which a prime number of nodes does not have.

use super::edges::EdgeBuffer;
use super::{Topology, TopologyError};
use crate::sync::Lookout;

/// Lays out `nodes` nodes, at least 1, on a plane.
///
/// # Errors
///
/// Returns an error if there are too many links to store, memory is short, or the user interrupts the build.
pub(super) fn build(nodes: u32, lookout: &mut Lookout<'_>) -> Result<Topology, TopologyError> {
    let width = width(nodes);
    let mut links = EdgeBuffer::with_room(nodes, 2 * u64::from(nodes))?;
    for node in 0..nodes {
        lookout.work(1)?;
        if node >= width {
            links.push(node - width, node);
        }
        // The first node of a row has no neighbour on its left.
        if node % width != 0 {
            links.push(node - 1, node);
        }
    }
    Ok(Topology::stored(links.into_rows(lookout)?))
}

/// Returns the number of nodes in a row: the square root, rounded up.
fn width(nodes: u32) -> u32 {
    let root = nodes.isqrt();
    if root * root < nodes { root + 1 } else { root }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::sync::Interrupt;

    /// ```text
    /// 0 1 2
    /// 3 4 5
    /// 6
    /// ```
    #[test]
    fn seven_nodes_lie_in_rows_of_three() {
        let grid = build(7, &mut Lookout::new(&Interrupt::new())).unwrap();
        let peers = |node| grid.peers(NodeId(node)).map(|peer| peer.0).collect::<Vec<_>>();
        assert_eq!([peers(0), peers(4), peers(6)], [vec![1, 3], vec![1, 3, 5], vec![3]]);
        assert_eq!([width(1), width(2), width(9), width(10), width(u32::MAX)], [1, 2, 3, 4, 65_536]);
    }
}
