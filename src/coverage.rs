//! Who has the order: the shared bitmap, and the counter over it that tells one worker that the target is reached.
//!
//! A worker marks its own nodes as it handles a batch and adds the whole batch to the shared counter at its end: one
//! contended addition per batch instead of one per mark.

use crate::sync::{Arena, Bitmap, BitmapView, Section, Trip};

/// The coverage of one order.
pub struct Coverage {
    bitmap: Bitmap,
    trip: Trip,
}

impl Coverage {
    /// Nothing covered, for shards of the given sizes. The target is `goal` nodes, at least 1.
    pub fn new(arena: &mut Arena, shard_nodes: impl IntoIterator<Item = u32>, goal: u64) -> Coverage {
        Coverage { bitmap: Bitmap::new(arena, shard_nodes), trip: Trip::new(arena, goal) }
    }

    /// A marker for each shard and a view for everybody else.
    pub fn split(&mut self) -> (CoverageView<'_>, Vec<Marker<'_>>) {
        let trip = &self.trip;
        let (bitmap, sections) = self.bitmap.split();
        let markers = sections.into_iter().map(|section| Marker { section, trip, fresh: 0 });
        (CoverageView { bitmap, trip }, markers.collect())
    }
}

/// Reads the coverage while workers mark it.
#[derive(Clone, Copy)]
pub struct CoverageView<'a> {
    bitmap: BitmapView<'a>,
    trip: &'a Trip,
}

impl CoverageView<'_> {
    /// Nodes covered, as published by the workers.
    pub fn covered(&self) -> u64 {
        self.trip.count()
    }

    /// Nodes covered, as marked in the bitmap. After the workers have ended it equals [`CoverageView::covered`].
    pub fn marked(&self) -> u64 {
        self.bitmap.count()
    }
}

/// The right to mark one shard's nodes.
pub struct Marker<'a> {
    section: Section<'a>,
    trip: &'a Trip,
    fresh: u64,
}

impl Marker<'_> {
    /// Marks the order as held by the shard's `local`-th node; true the first time.
    #[inline]
    pub fn mark(&mut self, local: u32) -> bool {
        let first = self.section.mark(local);
        self.fresh += u64::from(first);
        first
    }

    /// Whether the shard's `local`-th node has the order.
    #[inline]
    pub fn is_marked(&self, local: u32) -> bool {
        self.section.contains(local)
    }

    /// Adds the marks since the last call to the shared counter; true for the one batch that carries it over the target.
    #[inline]
    pub fn publish(&mut self) -> bool {
        self.fresh > 0 && self.trip.add(std::mem::take(&mut self.fresh))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_batch_crosses_the_target() {
        let mut coverage = Coverage::new(&mut Arena::heap(), [4, 4], 5);
        let (view, mut markers) = coverage.split();
        for local in 0..4 {
            assert!(markers[0].mark(local));
            assert!(!markers[0].mark(local));
        }
        assert!(!markers[0].publish());
        markers[1].mark(0);
        markers[1].mark(3);
        assert_eq!((view.covered(), view.marked()), (4, 6), "a mark counts when its batch is published");
        assert!(markers[1].publish());
        assert!(!markers[1].publish());
        assert_eq!((view.covered(), view.marked()), (6, 6));
    }
}
