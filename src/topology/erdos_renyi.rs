//! Erdős–Rényi, G(N, p): every pair of nodes is linked with the same probability, whatever the others are.
//!
//! p = peers / (N - 1), so that a node has `peers` peers on average; the degrees are binomial, nearly Poisson. The
//! pairs are taken in order, (0, 1), (0, 2), ..., (1, 2), ..., and one geometric draw leads from a link to the next
//! (Batagelj and Brandes 2005). The time is linear in nodes plus links.
//!
//! What was refused: drawing the number of links and then random pairs, which needs a sort and a search for equal ones.

use super::links::Links;
use super::skip::Skips;
use super::{Topology, TopologyError};
use crate::random::Key;

/// The rows that share a stream of draws, as a power of two. A skip that leaves the block is dropped, which changes
/// nothing: whether later pairs are linked does not depend on it. So blocks can be drawn apart.
const BLOCK_BITS: u32 = 16;

/// Links each pair of `nodes` nodes with probability `peers / (nodes - 1)`; `1 <= peers < nodes - 1`.
///
/// # Errors
///
/// Where the links are too many to store or memory is short.
pub(super) fn build(nodes: u32, peers: u32, key: Key) -> Result<Topology, TopologyError> {
    let mut links = Links::with_room(nodes, room(nodes, peers))?;
    let skips = Skips::new(peers, nodes - 1);
    for block in 0..nodes.div_ceil(1 << BLOCK_BITS) {
        draw_block(&mut links, nodes, block, skips, key);
    }
    Ok(Topology::stored(links.into_rows()?))
}

/// Draws the links from the nodes of one block to nodes with greater ids.
fn draw_block(links: &mut Links, nodes: u32, block: u32, skips: Skips, key: Key) {
    let mut stream = key.with(u64::from(block)).stream();
    let all = u64::from(nodes);
    let mut row = u64::from(block) << BLOCK_BITS;
    let end = (row + (1 << BLOCK_BITS)).min(all);
    let mut column = row;
    loop {
        column += 1 + skips.draw(&mut stream);
        while column >= all {
            row += 1;
            if row >= end {
                return;
            }
            column = column - all + row + 1;
        }
        links.push(row as u32, column as u32);
    }
}

/// The expected number of links and eight standard deviations, which no seed will ever exceed.
fn room(nodes: u32, peers: u32) -> u64 {
    let expected = u64::from(nodes) * u64::from(peers) / 2;
    expected + 8 * expected.isqrt() + 8
}
