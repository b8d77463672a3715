//! Links in any order become rows: what every stored family is built through.
//!
//! Each link is two entries, one in either end's row. Scattering them over all rows at once would miss every cache, so
//! they go through buckets of neighbouring rows first: filling a bucket appends, and a bucket's rows fit the cache.
//! The bucket sort is stable: links that arrive by ascending pair leave rows that are in order already.
//!
//! What was refused: sorting the links as a whole (its time is not linear), and a list per node that grows (an
//! allocation per node, and every push misses the cache).

use super::csr::{CsrBuilder, CsrGraph, check_entries};
use super::{TopologyError, alloc};
use crate::sync::{Interrupted, Lookout};

/// Rows per bucket, as a power of two: with 20 peers a bucket's rows take 1.3 MB and stay in a second-level cache.
const BUCKET_BITS_MIN: u32 = 14;

/// The most buckets, as a power of two, so that the places being appended to stay in cache and translation cache.
const BUCKETS_BITS_MAX: u32 = 10;

/// The links of an overlay under construction.
pub(super) struct EdgeBuffer {
    nodes: u32,
    ends: Vec<[u32; 2]>,
}

impl EdgeBuffer {
    /// No links yet among `nodes` nodes, and room for `expected`.
    ///
    /// # Errors
    ///
    /// [`TopologyError::TooManyEntries`] or [`TopologyError::Memory`] where they could not be stored.
    pub(super) fn with_room(nodes: u32, expected: u64) -> Result<EdgeBuffer, TopologyError> {
        check(nodes, expected)?;
        Ok(EdgeBuffer { nodes, ends: alloc::reserved(expected as usize)? })
    }

    /// Makes room for one more link. For those who do not know beforehand how many will come; others have had it made.
    ///
    /// # Errors
    ///
    /// [`TopologyError::TooManyEntries`] or [`TopologyError::Memory`] where one more could not be stored.
    pub(super) fn make_room(&mut self) -> Result<(), TopologyError> {
        let links = self.ends.len() as u64 + 1;
        check(self.nodes, links)?;
        self.ends.try_reserve(1).map_err(|_| TopologyError::Memory { bytes: links * size_of::<[u32; 2]>() as u64 })
    }

    /// Takes so many nodes into account from now on, for those who do not know beforehand how many there are.
    pub(super) fn set_nodes(&mut self, nodes: u32) {
        self.nodes = nodes;
    }

    /// Links two nodes. Whoever pushes sees to it that both are among the nodes.
    #[inline]
    pub(super) fn push(&mut self, one: u32, other: u32) {
        debug_assert!(one < self.nodes && other < self.nodes);
        self.ends.push([one, other]);
    }

    /// How many links there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The two ends of all links so far, one after the other.
    pub(super) fn ends(&self) -> &[u32] {
        self.ends.as_flattened()
    }

    /// The same, to be changed.
    pub(super) fn ends_mut(&mut self) -> &mut [u32] {
        self.ends.as_flattened_mut()
    }

    /// The rows of these links, each ascending. A link that was pushed twice stands twice in both rows, and one that
    /// joins a node to itself stands twice in its row.
    ///
    /// # Errors
    ///
    /// [`TopologyError::TooManyEntries`] or [`TopologyError::Memory`] where they cannot be stored, and
    /// [`TopologyError::Interrupted`].
    pub(super) fn into_rows(self, lookout: &mut Lookout<'_>) -> Result<CsrGraph, TopologyError> {
        check(self.nodes, self.ends.len() as u64)?;
        let bucketed = Bucketed::new(self, lookout)?;
        let mut rows = CsrBuilder::with_room(bucketed.nodes, bucketed.pairs.len() as u64)?;
        let mut begin = 0;
        for &end in &bucketed.ends {
            lookout.work((end - begin) as u64 + (1 << bucketed.bits))?;
            rows.begin(1 << bucketed.bits);
            bucketed.pairs[begin..end].iter().for_each(|&[row, entry]| rows.add(row, entry));
            rows.end()?;
            rows.sort();
            begin = end;
        }
        Ok(rows.finish())
    }
}

/// The entries of all rows as (row, entry), sorted by bucket and within a bucket in order of arrival.
struct Bucketed {
    nodes: u32,
    /// Rows per bucket, as a power of two.
    bits: u32,
    /// Where each bucket ends.
    ends: Vec<usize>,
    pairs: Vec<[u32; 2]>,
}

impl Bucketed {
    fn new(links: EdgeBuffer, lookout: &mut Lookout<'_>) -> Result<Bucketed, TopologyError> {
        let bits = BUCKET_BITS_MIN.max((u32::BITS - links.nodes.leading_zeros()).saturating_sub(BUCKETS_BITS_MAX));
        let mut ends = bucket_begins(&links, bits, lookout)?;
        let mut pairs = alloc::filled(2 * links.ends.len(), [0; 2], lookout)?;
        lookout.pieces(links.ends.len(), |piece| -> Result<(), TopologyError> {
            for &[one, other] in &links.ends[piece] {
                for (row, entry) in [(one, other), (other, one)] {
                    let next = &mut ends[(row >> bits) as usize];
                    pairs[*next] = [row, entry];
                    *next += 1;
                }
            }
            Ok(())
        })?;
        Ok(Bucketed { nodes: links.nodes, bits, ends, pairs })
    }
}

/// Where each bucket of `2^bits` rows begins.
fn bucket_begins(links: &EdgeBuffer, bits: u32, lookout: &mut Lookout<'_>) -> Result<Vec<usize>, Interrupted> {
    let buckets = (links.nodes as usize).div_ceil(1 << bits);
    let mut begins = vec![0; buckets];
    lookout.pieces(links.ends().len(), |piece| {
        links.ends()[piece].iter().for_each(|&end| begins[(end >> bits) as usize] += 1);
        Ok::<(), Interrupted>(())
    })?;
    let mut begin = 0;
    for count in &mut begins {
        begin += std::mem::replace(count, begin);
    }
    Ok(begins)
}

/// Whether `links` links fit into rows.
fn check(nodes: u32, links: u64) -> Result<(), TopologyError> {
    check_entries(nodes, links.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::sync::Interrupt;
    use crate::topology::csr::ENTRIES_MAX;

    #[test]
    fn links_in_any_order_give_ascending_rows() {
        let mut links = EdgeBuffer::with_room(5, 4).unwrap();
        for (one, other) in [(3, 4), (4, 0), (0, 3), (1, 0)] {
            links.push(one, other);
        }
        let rows = links.into_rows(&mut Lookout::new(&Interrupt::new())).unwrap();
        let read = |node| rows.row(NodeId(node)).iter().map(|peer| peer.0).collect::<Vec<_>>();
        assert_eq!((0..5).map(read).collect::<Vec<_>>(), [vec![1, 3, 4], vec![0], vec![], vec![0, 4], vec![0, 3]]);
    }

    #[test]
    fn rows_cross_bucket_borders() {
        let nodes = (3 << BUCKET_BITS_MIN) + 7;
        let mut links = EdgeBuffer::with_room(nodes, u64::from(nodes)).unwrap();
        for node in 0..nodes {
            links.push(node, nodes - 1 - node);
        }
        let rows = links.into_rows(&mut Lookout::new(&Interrupt::new())).unwrap();
        for node in 0..nodes {
            assert_eq!(rows.row(NodeId(node)), [NodeId(nodes - 1 - node); 2]);
        }
    }

    #[test]
    fn room_is_made_for_links_of_unknown_number() {
        let mut links = EdgeBuffer::with_room(2, 0).unwrap();
        for _ in 0..100 {
            links.make_room().unwrap();
            links.push(0, 1);
        }
        assert_eq!(links.len(), 100);
    }

    #[test]
    fn more_entries_than_offsets_can_count_are_refused() {
        let error = EdgeBuffer::with_room(9, (ENTRIES_MAX / 2) + 1).err().unwrap();
        assert!(matches!(error, TopologyError::TooManyEntries { nodes: 9, .. }), "{error}");
    }
}
