//! Bits that nodes own, shared by all workers, each bit written by one of them only.
//!
//! Each shard's bits start on a cache line of their own, so a mark is a plain load and store instead of a locked
//! instruction, and no two workers write the same line. Rejected: one dense bitmap with `fetch_or`, which costs a
//! locked instruction per mark and shares lines at the shards' borders.
//!
//! ```text
//! shard 0: bits 0..5        shard 1: bits 5..10
//! |word 0| . . . . . . . |  |word 8| . . . . . . . |     8 words = 64 bytes = one line
//! ```

use super::Arena;
use super::arena::Placed;
use super::atomic::{AtomicU64, Ordering};
use crate::simd::prefetch;

/// 64-bit words in a cache line.
const LINE_WORDS: usize = 8;

/// The storage of all shards' bits, initially cleared.
pub struct OwnedBitmap {
    words: Placed<[AtomicU64]>,
    shards: Vec<Extent>,
}

/// The range of one shard's bits.
#[derive(Clone, Copy)]
struct Extent {
    first_word: usize,
    bits: usize,
}

impl Extent {
    fn words(self) -> usize {
        self.bits.div_ceil(64)
    }
}

impl OwnedBitmap {
    /// Creates a cleared bitmap for shards of the given numbers of bits.
    pub fn new(arena: &mut Arena, shard_bits: impl IntoIterator<Item = usize>) -> OwnedBitmap {
        let mut first_word = 0;
        let mut shards = Vec::new();
        for bits in shard_bits {
            let extent = Extent { first_word, bits };
            first_word += extent.words().next_multiple_of(LINE_WORDS);
            shards.push(extent);
        }
        // One spare line lets the allocator place the first word anywhere without two shards sharing a line.
        OwnedBitmap { words: arena.many(first_word + LINE_WORDS), shards }
    }

    /// Splits the bitmap into one writable section per shard and a view for all readers.
    ///
    /// The exclusive borrow makes each section the only writer of its words. Between processes their agreement on the
    /// owner of each shard does so.
    pub fn split(&mut self) -> (BitmapView<'_>, Vec<Section<'_>>) {
        let bitmap = &*self;
        let sections = bitmap.shards.iter().map(|extent| Section {
            words: &bitmap.words[extent.first_word..extent.first_word + extent.words()],
            bits: extent.bits,
        });
        (BitmapView { bitmap }, sections.collect())
    }
}

/// A reader of all sections while their owners write.
#[derive(Clone, Copy)]
pub struct BitmapView<'a> {
    bitmap: &'a OwnedBitmap,
}

impl<'a> BitmapView<'a> {
    /// Returns a reader of one shard's bits.
    pub fn section(&self, shard: usize) -> SectionView<'a> {
        let extent = self.bitmap.shards[shard];
        SectionView { words: &self.bitmap.words[extent.first_word..extent.first_word + extent.words()] }
    }

    /// Returns the number of bits that are set, as far as their owners' stores have arrived.
    pub fn count(&self) -> u64 {
        // Ordering: Relaxed; a progress figure. After a join the join itself orders every mark before this read.
        self.bitmap.words.iter().map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum()
    }
}

/// A reader of one shard's bits while their owner writes.
#[derive(Clone, Copy)]
pub struct SectionView<'a> {
    words: &'a [AtomicU64],
}

impl SectionView<'_> {
    /// Returns true if the bit of the shard's `local`-th node is set and its owner's store has arrived. True is final;
    /// false may be stale.
    #[inline]
    pub fn contains(&self, local: u32) -> bool {
        // Ordering: Relaxed; bits are never cleared, and nothing but the bit itself is read for it.
        self.words[local as usize / 64].load(Ordering::Relaxed) & 1 << (local % 64) != 0
    }
}

/// One shard's bits, with the sole right to set them.
pub struct Section<'a> {
    words: &'a [AtomicU64],
    bits: usize,
}

impl Section<'_> {
    /// Returns the number of bits.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// Sets the shard's bit at `place`; returns true the first time.
    #[inline]
    pub fn mark(&mut self, place: usize) -> bool {
        debug_assert!(place < self.bits);
        let word = &self.words[place / 64];
        let bit = 1 << (place % 64);
        // Ordering: Relaxed; this section is the only writer of the word, so its own program order makes "first" exact.
        // Readers only count, and what follows from the count goes through `Threshold`.
        let bits = word.load(Ordering::Relaxed);
        word.store(bits | bit, Ordering::Relaxed);
        bits & bit == 0
    }

    /// Returns true if the shard's bit at `place` is set.
    #[inline]
    pub fn contains(&self, place: usize) -> bool {
        debug_assert!(place < self.bits);
        // Ordering: Relaxed; reads this section's own writes.
        self.words[place / 64].load(Ordering::Relaxed) & 1 << (place % 64) != 0
    }

    /// Prefetches the shard's bit at `place`.
    #[inline]
    pub fn prefetch(&self, place: usize) {
        prefetch(self.words, place / 64);
    }

    /// Clears the 64-bit word that holds the bit at `place`.
    #[inline]
    pub fn clear_word(&mut self, place: usize) {
        // Ordering: Relaxed; as in `mark`.
        self.words[place / 64].store(0, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_first_once() {
        let mut bitmap = OwnedBitmap::new(&mut Arena::heap(), [70, 0, 3]);
        let (view, mut sections) = bitmap.split();
        for place in [0, 63, 64, 69] {
            assert!(!sections[0].contains(place));
            assert!(sections[0].mark(place));
            assert!(!sections[0].mark(place));
            assert!(sections[0].contains(place));
        }
        assert!(sections[2].mark(2));
        assert_eq!(view.count(), 5);
    }

    #[test]
    fn shards_share_no_line() {
        let mut bitmap = OwnedBitmap::new(&mut Arena::heap(), [1, 1, 513]);
        let (_, sections) = bitmap.split();
        let starts: Vec<usize> = sections.iter().map(|section| section.words.as_ptr() as usize).collect();
        assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= 64), "{starts:?}");
    }
}
