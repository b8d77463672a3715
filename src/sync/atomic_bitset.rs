//! One bit per node that any thread may set, for marks whose sequence does not matter.
//!
//! [`super::OwnedBitmap`] is cheaper if each word has one owner. Here any worker may set a mark, because sorting
//! messages by owner would cost more than the atomic write, which only the first of several messages needs.

use super::atomic::{AtomicU64, Ordering};
use crate::simd::prefetch;
use crate::sys::prefer_huge;
use std::collections::TryReserveError;

/// A set of bits, one for each index below its length.
pub struct AtomicBitset {
    words: Vec<AtomicU64>,
}

impl AtomicBitset {
    /// Creates `length` cleared bits, in memory that is already paged in, on huge pages if the system has them.
    ///
    /// # Errors
    ///
    /// If the system refuses the memory.
    pub fn new(length: u32) -> Result<AtomicBitset, TryReserveError> {
        let count = (length as usize).div_ceil(64);
        let mut words = Vec::new();
        words.try_reserve_exact(count)?;
        prefer_huge(words.spare_capacity_mut());
        words.resize_with(count, || AtomicU64::new(0));
        Ok(AtomicBitset { words })
    }

    /// Returns the number of 64-bit words.
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// Sets a bit; returns true for the one call that set it first.
    #[inline]
    pub fn mark(&self, index: u32) -> bool {
        let bit = 1 << (index % 64);
        // Ordering: Relaxed; changes of one word have a single order, which alone makes "first" unique. The whole set
        // is read only behind a barrier.
        self.words[index as usize / 64].fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// Returns true if this thread has set the bit, or if another has and its store has arrived.
    #[inline]
    pub fn holds(&self, index: u32) -> bool {
        self.word(index as usize / 64) >> (index % 64) & 1 == 1
    }

    /// Returns the 64 bits of word `at`, lowest index in the lowest bit.
    #[inline]
    pub fn word(&self, at: usize) -> u64 {
        // Ordering: Relaxed; a barrier lies between where a bit that another thread has set must be seen.
        self.words[at].load(Ordering::Relaxed)
    }

    /// Overwrites the 64 bits of word `at`. Concurrent marks may be lost.
    #[inline]
    pub fn set_word(&self, at: usize, bits: u64) {
        // Ordering: Relaxed; a barrier lies between this and any other thread's access to the word.
        self.words[at].store(bits, Ordering::Relaxed);
    }

    /// Prefetches the word that holds the bit of `index`.
    #[inline]
    pub fn prefetch(&self, index: u32) {
        prefetch(&self.words, index as usize / 64);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn one_of_all_markers_is_first() {
        let bits = AtomicBitset::new(1_000).unwrap();
        let firsts: usize = thread::scope(|scope| {
            let markers = [0; 4].map(|_| scope.spawn(|| (0..1_000).filter(|&index| bits.mark(index)).count()));
            markers.into_iter().map(|marker| marker.join().unwrap()).sum()
        });
        assert_eq!(firsts, 1_000);
        assert!((0..1_000).all(|index| bits.holds(index)));
        assert_eq!((bits.words(), bits.word(15)), (16, (1 << 40) - 1));
    }
}
