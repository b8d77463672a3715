//! Limits what all workers together hold of a scarce resource, such as memory for messages under way.

use super::atomic::{AtomicU64, Ordering};

/// A sum that all workers add to, and its limit.
pub struct Allowance {
    most: u64,
    held: AtomicU64,
}

impl Allowance {
    /// Creates an allowance of `most`, of which nothing is held.
    pub fn new(most: u64) -> Allowance {
        Allowance { most, held: AtomicU64::new(0) }
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
}
