//! Barabási–Albert: growth by preferential attachment ("Emergence of scaling in random networks", Science 286, 1999).
//!
//! The first `peers / 2 + 1` nodes form a clique. Each later node links to `peers / 2` distinct earlier ones, chosen
//! with probability proportional to their current degree. The mean degree is nearly `peers`, the minimum is half of it,
//! and the share of nodes with k peers falls as k^-3: a few hubs hold the overlay together.
//!
//! A random end of a random link is a node drawn in proportion to its degree, so the list of links serves as the table
//! to draw from (Batagelj and Brandes 2005). The time is linear in the number of links.

use super::edges::EdgeBuffer;
use super::{Topology, TopologyError, alloc};
use crate::random::Key;
use crate::sync::Lookout;

/// Grows an overlay of `nodes` nodes, each new one with `peers / 2` links; `peers` is even and less than `nodes`.
///
/// # Errors
///
/// Returns an error if there are too many links to store, memory is short, or the user interrupts the build.
pub(super) fn build(nodes: u32, peers: u32, key: Key, lookout: &mut Lookout<'_>) -> Result<Topology, TopologyError> {
    let new_links = peers / 2;
    let mut links = EdgeBuffer::with_room(nodes, u64::from(nodes) * u64::from(new_links))?;
    // A clique, so that the first newcomer finds enough distinct nodes that have links.
    for node in 0..=new_links {
        lookout.work(node.into())?;
        for earlier in 0..node {
            links.push(earlier, node);
        }
    }
    let mut stream = key.stream();
    // The latest newcomer that chose each node, so that no newcomer chooses a node twice.
    let mut chosen_by = alloc::filled(nodes as usize, 0, lookout)?;
    for node in new_links + 1..nodes {
        lookout.work(new_links.into())?;
        // Read before the newcomer adds links, so that it cannot draw itself.
        let ends = 2 * links.len() as u64;
        let mut missing = new_links;
        while missing > 0 {
            let earlier = links.ends()[stream.below(ends) as usize];
            // Repeats are drawn again, which keeps the choice proportional to degree among the remaining nodes.
            if std::mem::replace(&mut chosen_by[earlier as usize], node) != node {
                links.push(earlier, node);
                missing -= 1;
            }
        }
    }
    Ok(Topology::stored(links.into_rows(lookout)?))
}
