//! The ring: each node knows the next and the one before. The slowest connected overlay there is, a worst case.

use super::edges::EdgeBuffer;
use super::{Topology, TopologyError};
use crate::sync::Lookout;

/// Links each of `nodes` nodes, at least 1, with the next. Two nodes have one link, and one node has none.
///
/// # Errors
///
/// Where the links are too many to store, memory is short, or the user does not wait.
pub(super) fn build(nodes: u32, lookout: &mut Lookout<'_>) -> Result<Topology, TopologyError> {
    let mut links = EdgeBuffer::with_room(nodes, u64::from(nodes))?;
    for node in 1..nodes {
        lookout.work(1)?;
        links.push(node - 1, node);
    }
    if nodes > 2 {
        links.push(0, nodes - 1);
    }
    Ok(Topology::stored(links.into_rows(lookout)?))
}
