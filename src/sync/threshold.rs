//! A counter that says, to exactly one of all who add to it, that its goal is reached.

use super::Arena;
use super::arena::Placed;
use super::atomic::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;

/// Counts up; the addition that carries the count from below the goal to it or past it is told so.
pub struct Threshold {
    count: Placed<CachePadded<AtomicU64>>,
    goal: u64,
}

impl Threshold {
    /// A count of 0 with a goal of at least 1.
    pub fn new(arena: &mut Arena, goal: u64) -> Threshold {
        Threshold { count: arena.one(), goal: goal.max(1) }
    }

    /// Adds a batch; true for the one addition that reaches the goal.
    #[inline]
    pub fn add(&self, batch: u64) -> bool {
        // Ordering: Relaxed; additions to one atomic have a single order, which alone makes the crossing unique. What
        // the crossing publishes goes through `Stop`.
        let before = self.count.fetch_add(batch, Ordering::Relaxed);
        before < self.goal && self.goal <= before + batch
    }

    /// The count so far.
    pub fn count(&self) -> u64 {
        // Ordering: Relaxed; a progress figure, exact after the join.
        self.count.load(Ordering::Relaxed)
    }
}
