//! A count for each of many things, added to by all workers: who adds learns what stood there before.

use super::Arena;
use super::arena::Placed;
use super::atomic::{AtomicU64, Ordering};

/// Counts, all 0 at first.
pub struct Counters {
    counts: Placed<[AtomicU64]>,
}

impl Counters {
    /// So many counts.
    pub fn new(arena: &mut Arena, length: usize) -> Counters {
        Counters { counts: arena.many(length) }
    }

    /// Adds to one of them; gives what it was before.
    #[inline]
    pub fn add(&self, index: usize, more: u64) -> u64 {
        // Ordering: Relaxed; additions to one atomic have a single order, so that each span of the count has one adder.
        // What a crossing publishes goes through `Stop`.
        self.counts[index].fetch_add(more, Ordering::Relaxed)
    }

    /// The sum of all.
    pub fn sum(&self) -> u64 {
        // Ordering: Relaxed; a progress figure, exact after the join.
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_counts_for_itself() {
        let counters = Counters::new(&mut Arena::heap(), 2);
        assert_eq!((counters.add(0, 3), counters.add(1, 1), counters.add(0, 2)), (0, 0, 3));
        assert_eq!(counters.sum(), 6);
    }
}
