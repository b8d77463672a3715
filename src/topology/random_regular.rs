//! Random regular: each node has exactly `peers` peers, drawn as uniformly as that constraint allows.
//!
//! The pairing model (Bollobás 1980): every node gets `peers` points, and a shuffle pairs all points. A pairing has a
//! handful of loops and parallel links, about peers^2 / 4 for any number of nodes; each of them is switched with a
//! random link, so that both become simple (McKay and Wormald 1990). For a fixed number of peers this tends to the
//! uniform random regular graph as the number of nodes grows. With few nodes the repair leaves a bias, so some more
//! random switchings follow: a chain that is symmetric and reaches every graph (Taylor 1981) forgets its starting
//! point. Their number is limited, and the time is linear in nodes times peers.
//!
//! Rejected alternatives: restarting until a pairing is simple, which is exactly uniform, but with 20 peers only one
//! pairing in 10^43 is simple; and a union of random cycles, which has other small-scale statistics.

use super::csr::CsrGraph;
use super::edges::EdgeBuffer;
use super::{Topology, TopologyError};
use crate::ids::NodeId;
use crate::random::{Key, Stream};
use crate::sync::{Interrupted, Lookout};

/// The maximum number of pairings. All sizes in the tests succeed with the first.
const ATTEMPTS_MAX: u64 = 16;

/// The maximum number of candidate partners for one switching, per node; at worst about a quarter of the links fit.
const TRIES_PER_NODE: u64 = 64;

/// The number of switchings tried after the repair, per link and in total. From 6,554 links on, where the total
/// applies, the repaired links are too small a share to bias anything.
const MIXING_PER_LINK: u64 = 10;
const MIXING_MAX: u64 = 1 << 16;

/// A link from its first end to its second.
type Directed = (NodeId, NodeId);

/// Gives each of `nodes` nodes `peers` peers; `1 <= peers < nodes - 1`, and the product of the two is even.
///
/// # Errors
///
/// Returns an error if there are too many links to store, memory is short, no pairing became simple, or the user
/// interrupts the build.
pub(super) fn build(nodes: u32, peers: u32, key: Key, lookout: &mut Lookout<'_>) -> Result<Topology, TopologyError> {
    // Above half of the nodes the complement is the sparser graph, and switchings need room.
    let strangers = nodes - 1 - peers;
    if strangers < peers {
        return Ok(Topology::stored(complement(&simple(nodes, strangers, key, lookout)?, lookout)?));
    }
    Ok(Topology::stored(simple(nodes, peers, key, lookout)?))
}

/// Builds the rows of a random simple graph in which every node has `degree` peers, at most half of the other nodes.
fn simple(nodes: u32, degree: u32, key: Key, lookout: &mut Lookout<'_>) -> Result<CsrGraph, TopologyError> {
    for attempt in 0..ATTEMPTS_MAX {
        // A stream per attempt, so that its draws do not depend on how many the previous attempt took.
        let mut stream = key.with(attempt).stream();
        let mut rows = pairing(nodes, degree, &mut stream, lookout)?;
        if repair(&mut rows, degree, &mut stream, lookout)? {
            mix(&mut rows, degree, &mut stream);
            return Ok(rows);
        }
    }
    Err(TopologyError::NoPairing { nodes, peers: degree, attempts: ATTEMPTS_MAX })
}

/// Pairs `degree` points of each node at random.
fn pairing(nodes: u32, degree: u32, stream: &mut Stream, lookout: &mut Lookout<'_>) -> Result<CsrGraph, TopologyError> {
    let points = u64::from(nodes) * u64::from(degree);
    let mut links = EdgeBuffer::with_room(nodes, points / 2)?;
    for link in 0..points / 2 {
        lookout.work(1)?;
        links.push((2 * link / u64::from(degree)) as u32, ((2 * link + 1) / u64::from(degree)) as u32);
    }
    let ends = links.ends_mut();
    // A Fisher-Yates shuffle of all points.
    for last in (1..ends.len()).rev() {
        lookout.work(1)?;
        ends.swap(last, stream.below(last as u64 + 1) as usize);
    }
    Ok(links.into_rows(lookout)?)
}

/// Switches away every loop and every parallel link; returns false if one of them found no partner.
fn repair(
    rows: &mut CsrGraph,
    degree: u32,
    stream: &mut Stream,
    lookout: &mut Lookout<'_>,
) -> Result<bool, Interrupted> {
    for node in 0..rows.nodes() {
        let node = NodeId(node);
        lookout.work(degree.into())?;
        // A switch changes this row, so it is searched again from its start.
        while let Some(peer) = repeated(rows.row(node)) {
            let tries = TRIES_PER_NODE * u64::from(rows.nodes());
            let mut partner = None;
            for _ in 0..tries {
                lookout.work(1)?;
                let link = random_link(rows, degree, stream);
                if can_switch(rows, (node, peer), link) {
                    partner = Some(link);
                    break;
                }
            }
            let Some(partner) = partner else { return Ok(false) };
            switch(rows, (node, peer), partner);
        }
    }
    Ok(true)
}

/// Switches random links of a simple graph.
fn mix(rows: &mut CsrGraph, degree: u32, stream: &mut Stream) {
    for _ in 0..(MIXING_PER_LINK * rows.entries() / 2).min(MIXING_MAX) {
        let one = random_link(rows, degree, stream);
        let other = random_link(rows, degree, stream);
        if can_switch(rows, one, other) {
            switch(rows, one, other);
        }
    }
}

/// Returns a peer that appears twice in a row, which a loop does as well.
fn repeated(row: &[NodeId]) -> Option<NodeId> {
    row.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// Draws a link and a direction uniformly.
fn random_link(rows: &CsrGraph, degree: u32, stream: &mut Stream) -> Directed {
    // All rows have equal length, so the index of an entry gives its node without a search.
    let entry = stream.below(rows.entries()) as u32;
    let node = NodeId(entry / degree);
    (node, rows.row(node)[(entry % degree) as usize])
}

/// Returns true if (node, far) and (peer, near) would both be new and simple.
fn can_switch(rows: &CsrGraph, (node, peer): Directed, (far, near): Directed) -> bool {
    far != near && far != node && near != peer && !rows.holds(node, far) && !rows.holds(peer, near)
}

/// Replaces the links (node, peer) and (far, near) by (node, far) and (peer, near).
fn switch(rows: &mut CsrGraph, (node, peer): Directed, (far, near): Directed) {
    rows.replace(node, peer, far);
    rows.replace(peer, node, near);
    rows.replace(far, near, node);
    rows.replace(near, far, peer);
}

/// Builds the complement: in each row all nodes that are neither the node itself nor one of its peers.
fn complement(rows: &CsrGraph, lookout: &mut Lookout<'_>) -> Result<CsrGraph, TopologyError> {
    let nodes = rows.nodes();
    let pairs = u64::from(nodes) * u64::from(nodes - 1) / 2;
    let mut links = EdgeBuffer::with_room(nodes, pairs - rows.entries() / 2)?;
    for node in 0..nodes {
        lookout.work((nodes - node).into())?;
        let peers = rows.row(NodeId(node));
        // Both sequences ascend, so one pass over the row finds the ids that are missing from it.
        let mut above = peers[peers.partition_point(|peer| peer.0 < node)..].iter().copied().peekable();
        for other in node + 1..nodes {
            if above.next_if_eq(&NodeId(other)).is_none() {
                links.push(node, other);
            }
        }
    }
    Ok(links.into_rows(lookout)?)
}
