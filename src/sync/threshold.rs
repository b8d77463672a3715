//! A counter that reports to exactly one of its adders that the goal is reached.

use super::Arena;
use super::arena::Placed;
use super::atomic::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;

/// A counter whose `add` returns true for the addition that carries it from below the goal to it or past it.
pub struct Threshold {
    count: Placed<CachePadded<AtomicU64>>,
    goal: u64,
}

impl Threshold {
    /// Creates a count of 0 with a goal of at least 1.
    pub fn new(arena: &mut Arena, goal: u64) -> Threshold {
        Threshold { count: arena.one(), goal: goal.max(1) }
    }

    /// Adds a batch; returns true for the one addition that reaches the goal.
    #[inline]
    pub fn add(&self, batch: u64) -> bool {
        // Ordering: Relaxed; additions to one atomic have a single order, which alone makes the crossing unique. The
        // crossing is published through `Stop`.
        let before = self.count.fetch_add(batch, Ordering::Relaxed);
        before < self.goal && self.goal <= before + batch
    }

    /// Returns the count so far.
    pub fn count(&self) -> u64 {
        // Ordering: Relaxed; a progress figure, exact after the join.
        self.count.load(Ordering::Relaxed)
    }
}
