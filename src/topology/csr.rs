//! Compressed sparse rows: the peers of all nodes in one array, and the offset of each node's row in another.
//!
//! Both arrays are 32 bits wide, half the usual 64, so that 10^7 nodes with 20 peers take 840 MB. This limits a stored
//! overlay to [`ENTRIES_MAX`] entries, two per link.

use super::alloc::{self, ENTRIES_MAX, StorageError};
use crate::ids::NodeId;
use crate::simd::prefetch;
use crate::sync::{Interrupted, Lookout};
use std::ops::Range;

/// Entries per cache line.
const LINE_ENTRIES: usize = 16;

/// The peers of every node, each row in ascending order; of a part, those of nodes that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CsrGraph {
    /// The offset of each row, and after the last row the number of entries.
    offsets: Vec<u32>,
    entries: Vec<NodeId>,
    /// The node of the first row, and the number of all nodes. Those without a row have no peers here.
    first: u32,
    nodes: u32,
}

impl CsrGraph {
    /// Keeps one of each run of equal entries in a row, and frees the memory of the others.
    ///
    /// # Errors
    ///
    /// [`Interrupted`], which leaves the rows inconsistent.
    pub(super) fn merge_repeats(&mut self, lookout: &mut Lookout<'_>) -> Result<(), Interrupted> {
        // In place: entries move only towards the front, so none is overwritten before it is read.
        let mut kept = 0;
        let mut begin = 0;
        for row in 1..self.offsets.len() {
            let end = self.offsets[row] as usize;
            lookout.work((end - begin) as u64 + 1)?;
            let first = kept;
            for entry in begin..end {
                let peer = self.entries[entry];
                if kept == first || self.entries[kept - 1] != peer {
                    self.entries[kept] = peer;
                    kept += 1;
                }
            }
            self.offsets[row] = kept as u32;
            begin = end;
        }
        self.entries.truncate(kept);
        // An edge list often names every link twice, so up to half of the memory is free now.
        self.entries.shrink_to_fit();
        Ok(())
    }

    /// Copies the rows, of which there are then those of `nodes` nodes, not fewer than at present: the last are empty.
    pub(super) fn with_isolated(&self, nodes: u32) -> CsrGraph {
        CsrGraph { nodes, ..self.clone() }
    }

    /// Replaces one `old` by `new` in the row of `node`, and keeps the row in ascending order.
    pub(super) fn replace(&mut self, node: NodeId, old: NodeId, new: NodeId) {
        let (begin, end) = self.bounds(node);
        let row = &mut self.entries[begin..end];
        let from = row.partition_point(|&peer| peer < old);
        debug_assert_eq!(row.get(from), Some(&old), "{old} is no peer of {node}");
        let to = row.partition_point(|&peer| peer < new);
        // The entries between the old and the new position shift by one, which is cheaper than sorting the row.
        if from < to {
            row[from..to].rotate_left(1);
            row[to - 1] = new;
        } else {
            row[to..=from].rotate_right(1);
            row[to] = new;
        }
    }

    pub(super) fn nodes(&self) -> u32 {
        self.nodes
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries.len() as u64
    }

    #[inline]
    pub(super) fn row(&self, node: NodeId) -> &[NodeId] {
        let (begin, end) = self.bounds(node);
        &self.entries[begin..end]
    }

    #[inline]
    pub(super) fn degree(&self, node: NodeId) -> u32 {
        let (begin, end) = self.bounds(node);
        (end - begin) as u32
    }

    /// Returns the number of entries before the row of `node`, which may be one past the last.
    #[inline]
    pub(super) fn entries_before(&self, node: NodeId) -> u32 {
        let row = node.0.saturating_sub(self.first) as usize;
        self.offsets.get(row).copied().unwrap_or(self.entries.len() as u32)
    }

    /// Returns the position of `peer` in the row of `node` among all entries.
    #[inline]
    pub(super) fn entry(&self, node: NodeId, peer: NodeId) -> Option<usize> {
        let (begin, end) = self.bounds(node);
        self.entries[begin..end].binary_search(&peer).ok().map(|place| begin + place)
    }

    /// Returns true if the row of `node` holds `peer`.
    pub(super) fn holds(&self, node: NodeId, peer: NodeId) -> bool {
        self.row(node).binary_search(&peer).is_ok()
    }

    /// Returns the length of the longest row.
    pub(super) fn longest(&self) -> u32 {
        self.offsets.windows(2).map(|ends| ends[1] - ends[0]).max().unwrap_or(0)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        (size_of_val(&self.offsets[..]) + size_of_val(&self.entries[..])) as u64
    }

    #[inline]
    pub(super) fn prefetch_bounds(&self, node: NodeId) {
        prefetch(&self.offsets, node.0.wrapping_sub(self.first) as usize);
    }

    /// Prefetches the first two cache lines of a row and the last; the hardware prefetcher fetches what lies between.
    #[inline]
    pub(super) fn prefetch_row(&self, node: NodeId) {
        let (begin, end) = self.bounds(node);
        prefetch(&self.entries, begin);
        prefetch(&self.entries, begin + LINE_ENTRIES);
        prefetch(&self.entries, end.wrapping_sub(1));
    }

    #[inline]
    fn bounds(&self, node: NodeId) -> (usize, usize) {
        let row = node.0.wrapping_sub(self.first) as usize;
        match self.offsets.get(row..row + 2) {
            Some(&[begin, end]) => (begin as usize, end as usize),
            _ => (0, 0),
        }
    }
}

/// A builder of rows, from the first node to the last, one batch after another.
///
/// Entries are scattered when their batch is complete, which is fast if the rows of a batch fit a second-level cache.
pub(super) struct CsrBuilder {
    /// One past the last row.
    end: u32,
    rows: CsrGraph,
    /// The first row of the batch.
    first: u32,
    /// The number of entries of each row of the batch; while they are scattered, the position of its next entry.
    next: Vec<u32>,
    /// The entries of the batch as (row within the batch, entry), in order of arrival.
    arrived: Vec<[u32; 2]>,
}

impl CsrBuilder {
    /// Creates a builder without rows for `nodes` nodes, with room for `entries` over all of them.
    ///
    /// # Errors
    ///
    /// [`StorageError::TooManyEntries`] or [`StorageError::Memory`] if they could not be stored.
    pub(super) fn with_room(nodes: u32, entries: u64) -> Result<CsrBuilder, StorageError> {
        CsrBuilder::of_part(nodes, &(0..nodes), entries)
    }

    /// Creates a builder without rows for some of `nodes` nodes, with room for `entries` over these.
    ///
    /// # Errors
    ///
    /// Those of [`with_room`](Self::with_room).
    pub(super) fn of_part(nodes: u32, own: &Range<u32>, entries: u64) -> Result<CsrBuilder, StorageError> {
        check_entries(nodes, entries)?;
        let mut offsets = alloc::reserved(own.len() + 1)?;
        offsets.push(0);
        let rows = CsrGraph { offsets, entries: alloc::reserved(entries as usize)?, first: own.start, nodes };
        Ok(CsrBuilder { end: own.end, rows, first: own.start, next: Vec::new(), arrived: Vec::new() })
    }

    /// Begins a batch of `count` rows, or of the remaining rows if there are fewer.
    pub(super) fn begin(&mut self, count: u32) {
        self.first = self.begun();
        self.next.clear();
        self.next.resize(count.min(self.end - self.first) as usize, 0);
        self.arrived.clear();
    }

    /// Appends an entry to a row of the batch.
    #[inline]
    pub(super) fn add(&mut self, row: u32, entry: u32) {
        let row = row - self.first;
        self.next[row as usize] += 1;
        self.arrived.push([row, entry]);
    }

    /// Ends the batch and writes its rows.
    ///
    /// # Errors
    ///
    /// [`StorageError::TooManyEntries`] if the rows can no longer be stored.
    pub(super) fn end(&mut self) -> Result<(), StorageError> {
        let CsrGraph { offsets, entries, nodes, .. } = &mut self.rows;
        check_entries(*nodes, (entries.len() + self.arrived.len()) as u64)?;
        let mut end = entries.len() as u32;
        for next in &mut self.next {
            // The count of a row becomes the position of its first entry.
            end += std::mem::replace(next, end);
            offsets.push(end);
        }
        entries.resize(end as usize, NodeId(0));
        for &[row, entry] in &self.arrived {
            let next = &mut self.next[row as usize];
            entries[*next as usize] = NodeId(entry);
            *next += 1;
        }
        Ok(())
    }

    /// Sorts the rows of the latest batch. Most are already sorted, and checking that is cheaper than sorting.
    pub(super) fn sort(&mut self) {
        let CsrGraph { offsets, entries, first, .. } = &mut self.rows;
        for ends in offsets[(self.first - *first) as usize..].windows(2) {
            let row = &mut entries[ends[0] as usize..ends[1] as usize];
            if !row.is_sorted() {
                row.sort_unstable();
            }
        }
    }

    /// Returns the rows. Every row must have been in a batch.
    pub(super) fn finish(self) -> CsrGraph {
        debug_assert_eq!(self.begun(), self.end);
        self.rows
    }

    /// Returns the node after those of all rows so far.
    fn begun(&self) -> u32 {
        self.rows.first + (self.rows.offsets.len() - 1) as u32
    }
}

/// Checks that rows can hold `entries` over all `nodes` nodes.
///
/// # Errors
///
/// [`StorageError::TooManyEntries`] if they cannot.
pub(super) fn check_entries(nodes: u32, entries: u64) -> Result<(), StorageError> {
    if entries > ENTRIES_MAX { Err(StorageError::TooManyEntries { nodes, entries }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Interrupt;

    fn rows(offsets: &[u32], entries: &[u32]) -> CsrGraph {
        let entries = entries.iter().copied().map(NodeId).collect();
        CsrGraph { offsets: offsets.to_vec(), entries, first: 0, nodes: offsets.len() as u32 - 1 }
    }

    #[test]
    fn repeats_merge_within_a_row_only() {
        let mut merged = rows(&[0, 3, 5, 5, 7], &[1, 1, 2, 2, 2, 2, 3]);
        merged.merge_repeats(&mut Lookout::new(&Interrupt::new())).unwrap();
        assert_eq!(merged, rows(&[0, 2, 3, 3, 5], &[1, 2, 2, 2, 3]));
    }

    #[test]
    fn a_part_takes_offsets_of_its_own_rows_alone() {
        let mut builder = CsrBuilder::of_part(9, &(3..6), 4).unwrap();
        for (rows, entries) in [(2, &[[3, 8], [4, 1], [3, 2]][..]), (2, &[[5, 7]])] {
            builder.begin(rows);
            entries.iter().for_each(|&[row, entry]| builder.add(row, entry));
            builder.end().unwrap();
            builder.sort();
        }
        let part = builder.finish();
        assert_eq!((part.nodes(), part.entries(), part.longest(), part.bytes()), (9, 4, 2, 32));
        let row = |node| part.row(NodeId(node)).iter().map(|peer| peer.0).collect::<Vec<_>>();
        assert_eq!((0..9).map(row).collect::<Vec<_>>(), [&[][..], &[], &[], &[2, 8], &[1], &[7], &[], &[], &[]]);
        let before: Vec<u32> = (0..=9).map(|node| part.entries_before(NodeId(node))).collect();
        assert_eq!(before, [0, 0, 0, 0, 2, 3, 4, 4, 4, 4]);
        let more = part.with_isolated(12);
        assert_eq!((more.nodes(), more.degree(NodeId(11)), more.degree(NodeId(3))), (12, 0, 2));
    }

    #[test]
    fn a_replaced_entry_finds_its_place() {
        let mut changed = rows(&[0, 1, 5], &[9, 2, 4, 4, 8]);
        changed.replace(NodeId(1), NodeId(4), NodeId(9));
        assert_eq!(changed, rows(&[0, 1, 5], &[9, 2, 4, 8, 9]));
        changed.replace(NodeId(1), NodeId(8), NodeId(1));
        assert_eq!(changed, rows(&[0, 1, 5], &[9, 1, 2, 4, 9]));
        changed.replace(NodeId(1), NodeId(2), NodeId(3));
        assert_eq!(changed, rows(&[0, 1, 5], &[9, 1, 3, 4, 9]));
        assert_eq!((changed.longest(), changed.entries(), changed.bytes()), (4, 5, 32));
        assert!(changed.holds(NodeId(1), NodeId(3)) && !changed.holds(NodeId(0), NodeId(3)));
    }
}
