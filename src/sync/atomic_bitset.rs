//! A bit for each node that anybody may set: for marks whose order means nothing.
//!
//! Where each word has one owner, [`super::OwnedBitmap`] is cheaper. Here a mark may come from any worker, since to sort
//! messages by their owners would cost more than the exclusive access of the one in some that is the first.

use super::atomic::{AtomicU64, Ordering};
use super::{prefer_huge, prefetch};
use std::collections::TryReserveError;

/// One bit for each index below its length.
pub struct AtomicBitset {
    words: Vec<AtomicU64>,
}

impl AtomicBitset {
    /// So many cleared bits, in memory that is there already, on huge pages where the system has them.
    ///
    /// # Errors
    ///
    /// Where the system refuses the memory.
    pub fn new(length: u32) -> Result<AtomicBitset, TryReserveError> {
        let count = (length as usize).div_ceil(64);
        let mut words = Vec::new();
        words.try_reserve_exact(count)?;
        prefer_huge(words.spare_capacity_mut());
        words.resize_with(count, || AtomicU64::new(0));
        Ok(AtomicBitset { words })
    }

    /// The number of words, of 64 bits each.
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// Sets a bit; true for the one call that was the first.
    #[inline]
    pub fn mark(&self, index: u32) -> bool {
        let bit = 1 << (index % 64);
        // Ordering: Relaxed; changes of one word have a single order, which alone makes "first" unique. What hangs on
        // the whole set is read behind a barrier.
        self.words[index as usize / 64].fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// Whether a bit was set by this thread, or by another and its store has arrived.
    #[inline]
    pub fn holds(&self, index: u32) -> bool {
        self.word(index as usize / 64) >> (index % 64) & 1 == 1
    }

    /// 64 bits, the least index lowest.
    #[inline]
    pub fn word(&self, at: usize) -> u64 {
        // Ordering: Relaxed; where a bit that another thread has set must be seen, a barrier lies between.
        self.words[at].load(Ordering::Relaxed)
    }

    /// Puts 64 bits in the place of others. Marks that come at the same time may be lost.
    #[inline]
    pub fn set_word(&self, at: usize, bits: u64) {
        // Ordering: Relaxed; a barrier lies between this and whoever else reads or writes the word.
        self.words[at].store(bits, Ordering::Relaxed);
    }

    /// Asks the processor for the word of a bit that will be looked at soon.
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
    fn of_all_who_mark_one_is_first() {
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
