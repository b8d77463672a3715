//! The star: node 0 is linked with every other node, and there are no further links. It has the shortest paths, and
//! depends on one hub.

use super::edges::EdgeBuffer;
use super::{Topology, TopologyError};
use crate::sync::Lookout;

/// Links node 0 with each of the other `nodes - 1`; `nodes` is at least 1.
///
/// # Errors
///
/// Returns an error if there are too many links to store, memory is short, or the user interrupts the build.
pub(super) fn build(nodes: u32, lookout: &mut Lookout<'_>) -> Result<Topology, TopologyError> {
    let mut links = EdgeBuffer::with_room(nodes, u64::from(nodes - 1))?;
    for node in 1..nodes {
        lookout.work(1)?;
        links.push(0, node);
    }
    Ok(Topology::stored(links.into_rows(lookout)?))
}
