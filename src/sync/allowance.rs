//! Limits what all workers together hold of a scarce resource, such as memory for messages under way.

use super::atomic::{AtomicU64, Ordering};

/// The unit of [`Allowance::hold_in_steps`], a power of two: 1 MiB where bytes are held.
const STEP: u64 = if cfg!(test) { 1 << 10 } else { 1 << 20 };

/// A sum that all workers add to, and its limit.
pub struct Allowance {
    most: u64,
    held: AtomicU64,
    most_held: AtomicU64,
}

impl Allowance {
    /// Creates an allowance of `most`, of which nothing is held.
    pub fn new(most: u64) -> Allowance {
        Allowance { most, held: AtomicU64::new(0), most_held: AtomicU64::new(0) }
    }

    /// Returns the limit for all workers together.
    #[cfg(test)]
    pub fn most(&self) -> u64 {
        self.most
    }

    /// Updates one worker's holding from `before` to `now` and sets `before` to `now`. Returns false if the sum of all
    /// holdings then exceeds the limit.
    pub fn hold(&self, before: &mut u64, now: u64) -> bool {
        // Wrapping, because a holding that shrinks adds a negative difference.
        let more = now.wrapping_sub(std::mem::replace(before, now));
        // Ordering: Relaxed; each worker subtracts no more than it added, so the sum is never below what is held. It
        // publishes nothing else.
        let held = self.held.fetch_add(more, Ordering::Relaxed).wrapping_add(more);
        held <= self.most
    }

    /// Does the same in whole steps, rounded down, so that the shared sum changes only with every 2^20 units.
    #[inline]
    pub fn hold_in_steps(&self, before: &mut u64, now: u64) -> bool {
        let now = now & !(STEP - 1);
        now == *before || self.hold_step(before, now)
    }

    fn hold_step(&self, before: &mut u64, now: u64) -> bool {
        let is_enough = self.hold(before, now);
        // Ordering: Relaxed for both; a maximum that misses what another worker adds at the same moment is a figure for
        // estimates all the same.
        self.most_held.fetch_max(self.held.load(Ordering::Relaxed), Ordering::Relaxed);
        is_enough
    }

    /// Returns the most that all workers together held in steps.
    #[cfg(feature = "cluster")]
    pub fn most_held(&self) -> u64 {
        // Ordering: Relaxed; the caller has waited for all workers by other means.
        self.most_held.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn all_workers_share_one_limit() {
        let allowance = Allowance::new(10);
        let (mut one, mut other) = (0, 0);
        assert!(allowance.hold(&mut one, 6) && allowance.hold(&mut other, 4));
        assert!(!allowance.hold(&mut one, 7));
        assert!(allowance.hold(&mut one, 1) && allowance.hold(&mut other, 9));
        assert_eq!((one, other, allowance.most()), (1, 9, 10));
    }

    #[test]
    fn steps_are_held_whole() {
        let (allowance, mut held) = (Allowance::new(2 * STEP), 0);
        for (now, is_enough, whole) in [(STEP - 1, true, 0), (3 * STEP - 1, true, 2), (3 * STEP, false, 3)] {
            assert_eq!((allowance.hold_in_steps(&mut held, now), held), (is_enough, whole * STEP), "{now}");
        }
        assert!(allowance.hold_in_steps(&mut held, 0));
        #[cfg(feature = "cluster")]
        assert_eq!(allowance.most_held(), 3 * STEP);
    }
}
