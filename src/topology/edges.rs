//! Collects links in any order and turns them into rows; every stored family except Erdős–Rényi is built through this.
//!
//! Each link is two entries, one in the row of either end. Scattering them over all rows at once would miss every
//! cache, so they pass through buckets of neighbouring rows first: filling a bucket appends, and the rows of one bucket
//! fit the cache. The bucket sort is stable: links that arrive in ascending order leave rows that are already sorted.
//!
//! Rejected alternatives: sorting the links as a whole, because its time is not linear; and a growing list per node,
//! because it takes an allocation per node and every push misses the cache.

use super::alloc::{self, StorageError};
use super::csr::{CsrBuilder, CsrGraph, check_entries};
use crate::sync::{Interrupted, Lookout};

/// Rows per bucket, as a power of two: with 20 peers the rows of a bucket take 1.3 MB and stay in a second-level cache.
const BUCKET_BITS_MIN: u32 = 14;

/// The maximum number of buckets, as a power of two, so that the append positions stay in the data cache and the
/// translation lookaside buffer.
const BUCKETS_BITS_MAX: u32 = 10;

/// The links of an overlay under construction.
pub(super) struct EdgeBuffer {
    nodes: u32,
    ends: Vec<[u32; 2]>,
}

impl EdgeBuffer {
    /// Creates an empty buffer for links among `nodes` nodes, with room for `expected` links.
    ///
    /// # Errors
    ///
    /// [`StorageError::TooManyEntries`] or [`StorageError::Memory`] if they could not be stored.
    pub(super) fn with_room(nodes: u32, expected: u64) -> Result<EdgeBuffer, StorageError> {
        check(nodes, expected)?;
        Ok(EdgeBuffer { nodes, ends: alloc::reserved(expected as usize)? })
    }

    /// Makes room for one more link. Only needed if the number of links is not known beforehand.
    ///
    /// # Errors
    ///
    /// [`StorageError::TooManyEntries`] or [`StorageError::Memory`] if one more could not be stored.
    pub(super) fn make_room(&mut self) -> Result<(), StorageError> {
        let links = self.ends.len() as u64 + 1;
        check(self.nodes, links)?;
        self.ends.try_reserve(1).map_err(|_| StorageError::Memory { bytes: links * size_of::<[u32; 2]>() as u64 })
    }

    /// Sets the number of nodes, for callers that do not know it beforehand.
    pub(super) fn set_nodes(&mut self, nodes: u32) {
        self.nodes = nodes;
    }

    /// Links two nodes. The caller ensures that both ids are below the number of nodes.
    #[inline]
    pub(super) fn push(&mut self, one: u32, other: u32) {
        debug_assert!(one < self.nodes && other < self.nodes);
        self.ends.push([one, other]);
    }

    /// Returns the number of links.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the links so far, each with the end that was named first.
    pub(super) fn links(&self) -> &[[u32; 2]] {
        &self.ends
    }

    /// Returns the ends of all links so far, two per link.
    pub(super) fn ends(&self) -> &[u32] {
        self.ends.as_flattened()
    }

    /// Returns the ends of all links so far, two per link, for modification.
    pub(super) fn ends_mut(&mut self) -> &mut [u32] {
        self.ends.as_flattened_mut()
    }

    /// Builds the rows of these links, each in ascending order. A link that was pushed twice appears twice in both
    /// rows, and a loop appears twice in the row of its node.
    ///
    /// # Errors
    ///
    /// [`StorageError::TooManyEntries`] or [`StorageError::Memory`] if they cannot be stored, or
    /// [`StorageError::Interrupted`].
    pub(super) fn into_rows(self, lookout: &mut Lookout<'_>) -> Result<CsrGraph, StorageError> {
        check(self.nodes, self.ends.len() as u64)?;
        let bucketed = Bucketed::new(self, lookout)?;
        let mut rows = CsrBuilder::with_room(bucketed.nodes, bucketed.pairs.len() as u64)?;
        let mut begin = 0;
        for &end in &bucketed.ends {
            lookout.work((end - begin) as u64 + (1 << bucketed.bits))?;
            rows.begin(1 << bucketed.bits);
            bucketed.pairs[begin..end].iter().for_each(|&[row, entry]| rows.add(row, entry));
            rows.end()?;
            // The bucket sort keeps the order of arrival, which need not be ascending.
            rows.sort();
            begin = end;
        }
        Ok(rows.finish())
    }
}

/// The entries of all rows as (row, entry), sorted by bucket, and within a bucket by arrival.
struct Bucketed {
    nodes: u32,
    /// Rows per bucket, as a power of two.
    bits: u32,
    /// The end of each bucket within `pairs`.
    ends: Vec<usize>,
    pairs: Vec<[u32; 2]>,
}

impl Bucketed {
    fn new(links: EdgeBuffer, lookout: &mut Lookout<'_>) -> Result<Bucketed, StorageError> {
        // Large overlays get wider buckets instead of more of them, so that the append positions stay in the caches.
        let bits = BUCKET_BITS_MIN.max((u32::BITS - links.nodes.leading_zeros()).saturating_sub(BUCKETS_BITS_MAX));
        let mut ends = bucket_begins(&links, bits, lookout)?;
        let mut pairs = alloc::filled(2 * links.ends.len(), [0; 2], lookout)?;
        lookout.pieces(links.ends.len(), |piece| -> Result<(), StorageError> {
            for &[one, other] in &links.ends[piece] {
                // Each link is an entry in the rows of both of its ends.
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

/// Returns the index at which each bucket of `2^bits` rows begins.
fn bucket_begins(links: &EdgeBuffer, bits: u32, lookout: &mut Lookout<'_>) -> Result<Vec<usize>, Interrupted> {
    let buckets = (links.nodes as usize).div_ceil(1 << bits);
    let mut begins = vec![0; buckets];
    lookout.pieces(links.ends().len(), |piece| {
        links.ends()[piece].iter().for_each(|&end| begins[(end >> bits) as usize] += 1);
        Ok::<(), Interrupted>(())
    })?;
    let mut begin = 0;
    // Prefix sums turn the counts into positions.
    for count in &mut begins {
        begin += std::mem::replace(count, begin);
    }
    Ok(begins)
}

/// Checks that `links` links fit into rows.
fn check(nodes: u32, links: u64) -> Result<(), StorageError> {
    check_entries(nodes, links.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::sync::Interrupt;
    use crate::topology::alloc::ENTRIES_MAX;

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
        assert!(matches!(error, StorageError::TooManyEntries { nodes: 9, .. }), "{error}");
    }
}
