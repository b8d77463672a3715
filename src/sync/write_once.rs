//! Numbers that are each written once, by one worker, and read by all: the instant of time 0, the address of a socket.

use super::Arena;
use super::arena::Placed;
use super::atomic::{AtomicU64, Ordering};

/// A row of numbers, none of them written yet.
pub struct WriteOnce {
    /// Each number plus one, or 0 if it is not written.
    numbers: Placed<[AtomicU64]>,
}

impl WriteOnce {
    /// Creates room for `count` numbers.
    pub fn new(arena: &mut Arena, count: usize) -> WriteOnce {
        WriteOnce { numbers: arena.many(count) }
    }

    /// Writes a number below `u64::MAX`. A thread that reads the number sees what the writer did before.
    pub fn write(&self, index: usize, number: u64) {
        // Ordering: Release; partner: `read`.
        self.numbers[index].store(number.saturating_add(1), Ordering::Release);
    }

    /// Returns the number, if it was written.
    #[inline]
    pub fn read(&self, index: usize) -> Option<u64> {
        // Ordering: Acquire; partner: `write`.
        self.numbers[index].load(Ordering::Acquire).checked_sub(1)
    }

    /// Returns the number of slots.
    pub fn count(&self) -> usize {
        self.numbers.len()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_once_it_was_written() {
        let write_once = WriteOnce::new(&mut Arena::heap(), 3);
        write_once.write(1, 0);
        write_once.write(2, 41);
        assert_eq!([write_once.read(0), write_once.read(1), write_once.read(2)], [None, Some(0), Some(41)]);
    }
}
