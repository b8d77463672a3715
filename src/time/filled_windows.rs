//! The windows of a calendar's ring that have items, one bit each, so that the next one is found by whole words.

/// The filled windows among those from the present one on, at most as many as the ring has buckets.
pub(crate) struct FilledWindows {
    bits: Vec<u64>,
    /// The number of buckets in the ring, less 1: a power of two, less 1.
    mask: u64,
}

impl FilledWindows {
    /// Creates a ring of this many buckets, a power of two, none of them filled.
    pub(crate) fn new(buckets: u64) -> FilledWindows {
        FilledWindows { bits: vec![0; buckets.div_ceil(64) as usize], mask: buckets - 1 }
    }

    /// Returns the number of buckets.
    pub(crate) fn buckets(&self) -> u64 {
        self.mask + 1
    }

    /// Returns true if a window at or after `now` has a bucket.
    #[inline(always)]
    pub(crate) fn has_bucket(&self, now: u64, window: u64) -> bool {
        window - now <= self.mask
    }

    /// Returns the bucket of a window.
    #[inline(always)]
    pub(crate) fn slot(&self, window: u64) -> usize {
        (window & self.mask) as usize
    }

    #[inline(always)]
    pub(crate) fn fill(&mut self, slot: usize) {
        self.bits[slot / 64] |= 1 << (slot % 64);
    }

    pub(crate) fn empty(&mut self, slot: usize) {
        self.bits[slot / 64] &= !(1 << (slot % 64));
    }

    /// Returns the first filled window at or after `now`.
    pub(crate) fn next(&self, now: u64) -> Option<u64> {
        let (words, start) = (self.bits.len(), self.slot(now));
        // The first word is read twice: from the current bit on, and at the end up to it.
        let in_word = |step: usize| {
            let word = (start / 64 + step) % words;
            let mask = match step {
                0 => u64::MAX << (start % 64),
                _ if step == words => !(u64::MAX << (start % 64)),
                _ => u64::MAX,
            };
            let bits = self.bits[word] & mask;
            (bits != 0).then(|| word * 64 + bits.trailing_zeros() as usize)
        };
        let slot = (0..=words).find_map(in_word)?;
        // Modulo the ring: a slot before that of the current window belongs to the next lap.
        Some(now + ((slot as u64).wrapping_sub(start as u64) & self.mask))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_next_window_is_the_first_that_is_filled(
            bits in 0..9_u32, now in prop_oneof![0..5_000_u64, Just(u64::MAX - 300)],
            filled in prop::collection::vec(0..256_u64, 0..6),
        ) {
            let buckets = 1 << bits;
            let mut windows = FilledWindows::new(buckets);
            let listed: Vec<u64> = filled.iter().map(|ahead| now + ahead % buckets).collect();
            for &window in &listed {
                prop_assert!(windows.has_bucket(now, window));
                windows.fill(windows.slot(window));
            }
            prop_assert_eq!(windows.next(now), listed.iter().copied().min());
            prop_assert!(!windows.has_bucket(now, now + buckets));
            for &window in &listed {
                windows.empty(windows.slot(window));
            }
            prop_assert_eq!(windows.next(now), None);
        }
    }
}
