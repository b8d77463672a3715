//! Watts–Strogatz: a ring lattice with a few shortcuts ("Collective dynamics of 'small-world' networks", Nature 393,
//! 1998).
//!
//! Each node is linked with the `peers / 2` nodes after it on the ring, and owns these links. As in the paper, the
//! links are visited in laps, from the nearest neighbours to the farthest, and each is rewired with the given
//! probability: its owner stays, and its far end becomes a node drawn uniformly from those that the owner is not linked
//! with. The mean degree is exactly `peers`; an owner that is already linked with every node keeps the link as it is.
//!
//! The search for an existing link reads the links that either end owns, so the time is linear in the number of links
//! plus `peers` per rewired link. What was refused: a hash set of links, because it takes more memory than the links
//! do.

use super::edges::EdgeBuffer;
use super::{Topology, TopologyError, alloc};
use crate::random::{Key, Stream};
use crate::ratio::Ratio;
use crate::sync::Lookout;

/// Links each of `nodes` nodes with the nearest `peers` and rewires a share of the links; `peers` is even and less than
/// `nodes - 1`.
///
/// # Errors
///
/// Returns an error if there are too many links to store, memory is short, or the user interrupts the build.
pub(super) fn build(
    nodes: u32,
    peers: u32,
    rewired: Ratio,
    key: Key,
    lookout: &mut Lookout<'_>,
) -> Result<Topology, TopologyError> {
    let mut lattice = Lattice::new(nodes, peers / 2, lookout)?;
    // A share of 2^63, so that the comparison is between integers and the same on every platform.
    let threshold = rewired.ceil_of(1 << 63);
    let mut stream = key.stream();
    for lap in 0..peers / 2 {
        for owner in 0..nodes {
            lookout.work(1)?;
            if stream.next_word() >> 1 < threshold {
                // The search reads the links of two owners.
                lookout.work(peers.into())?;
                lattice.rewire(owner, lap, &mut stream);
            }
        }
    }
    Ok(Topology::stored(lattice.links.into_rows(lookout)?))
}

/// The ring lattice, rewired link by link.
struct Lattice {
    /// Links per owner: half of the mean degree.
    owned: u32,
    /// The number of peers of each node.
    degrees: Vec<u32>,
    /// Links grouped by owner; the owner is the first end of each.
    links: EdgeBuffer,
}

impl Lattice {
    fn new(nodes: u32, owned: u32, lookout: &mut Lookout<'_>) -> Result<Lattice, TopologyError> {
        let mut links = EdgeBuffer::with_room(nodes, u64::from(nodes) * u64::from(owned))?;
        for owner in 0..nodes {
            lookout.work(owned.into())?;
            for distance in 1..=owned {
                links.push(owner, ((u64::from(owner) + u64::from(distance)) % u64::from(nodes)) as u32);
            }
        }
        Ok(Lattice { owned, degrees: alloc::filled(nodes as usize, 2 * owned, lookout)?, links })
    }

    /// Gives the link that `owner` made in `lap` a new far end, drawn until it is neither the owner nor one of its
    /// peers.
    fn rewire(&mut self, owner: u32, lap: u32, stream: &mut Stream) {
        let nodes = self.degrees.len() as u32;
        // No node is left to draw, so the loop below would never end.
        if self.degrees[owner as usize] == nodes - 1 {
            return;
        }
        let far = loop {
            let drawn = stream.below(u64::from(nodes)) as u32;
            // Either end may own an existing link, so both directions are searched.
            if drawn != owner && !self.owns(owner, drawn) && !self.owns(drawn, owner) {
                break drawn;
            }
        };
        let place = self.first_end(owner) + 2 * lap as usize + 1;
        let before = std::mem::replace(&mut self.links.ends_mut()[place], far);
        self.degrees[before as usize] -= 1;
        self.degrees[far as usize] += 1;
    }

    /// Returns true if `owner` owns a link to `far`.
    fn owns(&self, owner: u32, far: u32) -> bool {
        let first = self.first_end(owner);
        self.links.ends()[first..first + 2 * self.owned as usize].chunks_exact(2).any(|ends| ends[1] == far)
    }

    /// Returns the index of the first end of the first link of `owner`.
    fn first_end(&self, owner: u32) -> usize {
        2 * owner as usize * self.owned as usize
    }
}
