//! A row of counts that all workers add to; each addition returns the count before it.

use super::Arena;
use super::arena::Placed;
use super::atomic::{AtomicU64, Ordering};

/// A row of counts, initially 0.
pub struct Counters {
    counts: Placed<[AtomicU64]>,
}

impl Counters {
    /// Creates `length` counts.
    pub fn new(arena: &mut Arena, length: usize) -> Counters {
        Counters { counts: arena.many(length) }
    }

    /// Adds `more` to one count; returns its value before.
    #[inline]
    pub fn add(&self, index: usize, more: u64) -> u64 {
        // Ordering: Relaxed; additions to one atomic have a single order, so each span of the count belongs to one
        // adder. Reaching a threshold is published through `Stop`.
        self.counts[index].fetch_add(more, Ordering::Relaxed)
    }

    /// Returns one count.
    pub fn count(&self, index: usize) -> u64 {
        // Ordering: Relaxed; a reader acts on it to save work only.
        self.counts[index].load(Ordering::Relaxed)
    }

    /// Returns the sum of all counts.
    pub fn sum(&self) -> u64 {
        // Ordering: Relaxed; a progress figure, exact after the join.
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_count_is_separate() {
        let counters = Counters::new(&mut Arena::heap(), 2);
        assert_eq!((counters.add(0, 3), counters.add(1, 1), counters.add(0, 2)), (0, 0, 3));
        assert_eq!((counters.sum(), counters.count(0), counters.count(1)), (6, 5, 1));
    }
}
