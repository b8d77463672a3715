//! Erdős–Rényi, G(N, p): every pair of nodes is linked independently with the same probability.
//!
//! p = peers / (N - 1), so that a node has `peers` peers on average; the degrees are binomial, nearly Poisson. One
//! geometric draw leads from a linked pair to the next (Batagelj and Brandes 2005, "Efficient generation of large
//! random networks"), so the time is linear in nodes plus links.
//!
//! The nodes are divided into strips, and the pairs into blocks with one strip for the rows and one for the columns:
//!
//! ```text
//!              strip 0    strip 1    strip 2
//! strip 0   |  triangle | rectangle | rectangle |      row < column everywhere; a link (row, column) belongs into
//! strip 1   |           | triangle  | rectangle |      the rows of both
//! strip 2   |           |           | triangle  |
//! ```
//!
//! Each block has its own stream, so all peers of one strip can be drawn from the blocks above and beside its triangle
//! without any other strip. Each rectangle is thus drawn twice, once for either end of its links. That is cheaper than
//! remembering the other end: the draws stay in a cache, and only the memory of the result is touched.
//!
//! Rejected alternatives: drawing once and sorting both ends into buckets, which takes three times the memory and, at
//! 10^7 nodes, 1.4 times the time warm and twice the time cold; and drawing the number of links and then random pairs,
//! which needs a search for repeated ones.

use super::csr::CsrBuilder;
#[cfg(feature = "cluster")]
use super::csr::CsrGraph;
use super::skip::Skips;
use super::{Topology, TopologyError};
use crate::random::{Key, Stream};
use crate::sync::Lookout;
#[cfg(feature = "cluster")]
use std::ops::Range;

/// Nodes per strip, as a power of two: with 20 peers the entries of a strip and the working memory fit 2 MB of cache.
const STRIP_BITS_MIN: u32 = 13;

/// The maximum number of strips, as a power of two, so that there are never more blocks than links to justify them.
const STRIPS_BITS_MAX: u32 = 11;

/// Links each pair of `nodes` nodes with probability `peers / (nodes - 1)`; `1 <= peers < nodes - 1`.
///
/// # Errors
///
/// Returns an error if there are too many links to store, memory is short, or the user interrupts the build.
pub(super) fn build(nodes: u32, peers: u32, key: Key, lookout: &mut Lookout<'_>) -> Result<Topology, TopologyError> {
    let pairs = Pairs::new(nodes, peers, key);
    let mut rows = CsrBuilder::with_room(nodes, room(nodes, peers))?;
    for strip in 0..pairs.strips() {
        lookout.work(u64::from(peers) << pairs.bits)?;
        rows.begin(1 << pairs.bits);
        pairs.strip(strip, |row, column| rows.add(row, column));
        rows.end()?;
    }
    Ok(Topology::stored(rows.finish()))
}

/// Builds the rows of `own` nodes as [`build`] does, and none of others.
///
/// # Errors
///
/// Those of [`build`].
#[cfg(feature = "cluster")]
pub(super) fn part(
    nodes: u32,
    peers: u32,
    key: Key,
    own: &Range<u32>,
    lookout: &mut Lookout<'_>,
) -> Result<CsrGraph, TopologyError> {
    let pairs = Pairs::new(nodes, peers, key);
    let mut rows = CsrBuilder::of_part(nodes, own, room(own.len() as u32, peers))?;
    for strip in 0..pairs.strips() {
        let first = strip << pairs.bits;
        let (begin, end) = (first.max(own.start), (first + pairs.width(strip)).min(own.end));
        if begin >= end {
            continue;
        }
        rows.begin(end - begin);
        lookout.work(u64::from(peers) << pairs.bits)?;
        pairs.strip(strip, |row, column| {
            if own.contains(&row) {
                rows.add(row, column);
            }
        });
        rows.end()?;
    }
    Ok(rows.finish())
}

/// The pairs of all nodes, and the distribution of the linked ones.
struct Pairs {
    nodes: u32,
    /// Nodes per strip, as a power of two.
    bits: u32,
    skips: Skips,
    key: Key,
}

impl Pairs {
    fn new(nodes: u32, peers: u32, key: Key) -> Pairs {
        Pairs { nodes, bits: strip_bits(nodes), skips: Skips::new(peers, nodes - 1), key }
    }

    /// Returns the number of strips.
    fn strips(&self) -> u32 {
        self.nodes.div_ceil(1 << self.bits)
    }

    /// Visits the entries of the rows of one strip, each as row and column.
    #[inline]
    fn strip(&self, strip: u32, mut visit: impl FnMut(u32, u32)) {
        // Blocks are visited from the earliest strip to the last, so each row fills in ascending order and needs no
        // sorting.
        for before in 0..strip {
            self.rectangle(before, strip, |row, column| visit(column, row));
        }
        self.triangle(strip, |row, column| {
            visit(column, row);
            visit(row, column);
        });
        for after in strip + 1..self.strips() {
            self.rectangle(strip, after, &mut visit);
        }
    }

    /// Visits the linked pairs within one strip in ascending order of row, then column.
    fn triangle(&self, strip: u32, mut visit: impl FnMut(u32, u32)) {
        let mut stream = self.stream(strip, strip);
        let first = strip << self.bits;
        let width = u64::from(self.width(strip));
        let (mut row, mut column) = (0, 0);
        loop {
            column += 1 + self.skips.draw(&mut stream);
            while column >= width {
                row += 1;
                if row == width {
                    return;
                }
                // A row begins just past the diagonal.
                column = column - width + row + 1;
            }
            visit(first + row as u32, first + column as u32);
        }
    }

    /// Visits the linked pairs between two strips, of which `above` is the earlier, in ascending order of row, then
    /// column.
    fn rectangle(&self, above: u32, beside: u32, mut visit: impl FnMut(u32, u32)) {
        let mut stream = self.stream(above, beside);
        let (first_row, first_column) = (above << self.bits, beside << self.bits);
        let width = self.width(beside);
        // The last strip may be short. Its rows are drawn up to a power of two, so that a pair splits by a shift, and
        // pairs outside are skipped.
        let column_bits = width.next_power_of_two().ilog2();
        let pairs = 1 << (self.bits + column_bits);
        let mut pair = self.skips.draw(&mut stream);
        while pair < pairs {
            let (row, column) = ((pair >> column_bits) as u32, pair as u32 & ((1 << column_bits) - 1));
            if column < width {
                visit(first_row + row, first_column + column);
            }
            pair += 1 + self.skips.draw(&mut stream);
        }
    }

    fn stream(&self, above: u32, beside: u32) -> Stream {
        self.key.with(u64::from(above)).with(u64::from(beside)).stream()
    }

    /// Returns the number of nodes in a strip.
    fn width(&self, strip: u32) -> u32 {
        // The last strip may be short.
        (self.nodes - (strip << self.bits)).min(1 << self.bits)
    }
}

/// Returns the number of nodes per strip, as a power of two.
fn strip_bits(nodes: u32) -> u32 {
    STRIP_BITS_MIN.max((u32::BITS - nodes.leading_zeros()).saturating_sub(STRIPS_BITS_MAX))
}

/// Returns the expected number of entries plus eight standard deviations, which in practice no seed exceeds.
fn room(nodes: u32, peers: u32) -> u64 {
    let expected = u64::from(nodes) * u64::from(peers);
    (expected + 8 * (2 * expected).isqrt() + 16).min(super::alloc::ENTRIES_MAX)
}
