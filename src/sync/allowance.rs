//! What workers may hold together of something that runs out: memory for messages under way.

use super::atomic::{AtomicU64, Ordering};

/// A sum that all workers add to, and its limit.
pub struct Allowance {
    most: u64,
    held: AtomicU64,
}

impl Allowance {
    /// So much, of which nobody holds anything.
    pub fn new(most: u64) -> Allowance {
        Allowance { most, held: AtomicU64::new(0) }
    }

    /// How much there is for all.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// Says that one worker holds `now` where it held `before`, which becomes the same; false where all hold too much by that.
    pub fn hold(&self, before: &mut u64, now: u64) -> bool {
        let more = now.wrapping_sub(std::mem::replace(before, now));
        // Ordering: Relaxed; each worker adds what it takes and takes off no more than it added, so that the sum is never below
        // what is held. It carries nothing but itself.
        let held = self.held.fetch_add(more, Ordering::Relaxed).wrapping_add(more);
        held <= self.most
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn all_hold_together_what_there_is_for_all() {
        let allowance = Allowance::new(10);
        let (mut one, mut other) = (0, 0);
        assert!(allowance.hold(&mut one, 6) && allowance.hold(&mut other, 4));
        assert!(!allowance.hold(&mut one, 7));
        assert!(allowance.hold(&mut one, 1) && allowance.hold(&mut other, 9));
        assert_eq!((one, other, allowance.most()), (1, 9, 10));
    }
}
