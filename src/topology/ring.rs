//! The ring: each node is linked with the next and the previous one. It is the slowest connected family, and so the
//! worst case.

use super::edges::EdgeBuffer;
use super::{Topology, TopologyError};
use crate::sync::Lookout;

/// Links each of `nodes` nodes, at least 1, with the next. Two nodes share one link, and a single node has none.
///
/// # Errors
///
/// Returns an error if there are too many links to store, memory is short, or the user interrupts the build.
pub(super) fn build(nodes: u32, lookout: &mut Lookout<'_>) -> Result<Topology, TopologyError> {
    let mut links = EdgeBuffer::with_room(nodes, u64::from(nodes))?;
    for node in 1..nodes {
        lookout.work(1)?;
        links.push(node - 1, node);
    }
    // With two nodes the closing link would repeat the first one.
    if nodes > 2 {
        links.push(0, nodes - 1);
    }
    Ok(Topology::stored(links.into_rows(lookout)?))
}
