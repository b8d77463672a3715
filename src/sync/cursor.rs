//! Hands out blocks of work to the next worker that is free, so that a worker whose core is busy elsewhere delays one
//! block and not its share of the whole.

use super::atomic::{AtomicU64, Ordering};
use std::ops::Range;

/// A position in `0..length` before which everything is handed out.
pub struct Cursor {
    next: AtomicU64,
    length: u64,
    block: u64,
}

impl Cursor {
    /// Creates a cursor over `0..length` at position 0 that hands out `block` at a time.
    pub fn new(length: usize, block: usize) -> Cursor {
        Cursor { next: AtomicU64::new(0), length: length as u64, block: block.max(1) as u64 }
    }

    /// Takes the next block; `None` if all are handed out.
    #[inline]
    pub fn take(&self) -> Option<Range<usize>> {
        // Ordering: Relaxed; additions to one atomic have a single order, which alone makes each block unique.
        let begin = self.next.fetch_add(self.block, Ordering::Relaxed);
        (begin < self.length).then(|| begin as usize..(begin + self.block).min(self.length) as usize)
    }

    /// Rewinds to position 0. A barrier must separate this from every [`take`](Self::take).
    pub fn rewind(&self) {
        // Ordering: Relaxed; that barrier orders it.
        self.next.store(0, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn everything_is_handed_out_once() {
        let cursor = Cursor::new(10, 4);
        for _ in 0..2 {
            let blocks: Vec<_> = std::iter::from_fn(|| cursor.take()).collect();
            assert_eq!(blocks, [0..4, 4..8, 8..10]);
            assert_eq!(cursor.take(), None);
            cursor.rewind();
        }
    }
}
