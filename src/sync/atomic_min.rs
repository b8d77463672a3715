//! Keeps the minimum of all values proposed for each of many indices: a tie rule that no order of arrival can change.

use super::atomic::{AtomicU32, Ordering};
use crate::simd::prefetch;
use crate::sys::prefer_huge;
use std::collections::TryReserveError;

/// One minimum per index, initially `u32::MAX`.
pub struct AtomicMinima {
    places: Vec<AtomicU32>,
}

impl AtomicMinima {
    /// Creates `length` minima in memory that is already paged in.
    ///
    /// # Errors
    ///
    /// If the system refuses the memory.
    pub fn new(length: u32) -> Result<AtomicMinima, TryReserveError> {
        let mut places = Vec::new();
        places.try_reserve_exact(length as usize)?;
        prefer_huge(places.spare_capacity_mut());
        places.resize_with(length as usize, || AtomicU32::new(u32::MAX));
        Ok(AtomicMinima { places })
    }

    /// Returns the number of minima.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Lowers the minimum at `at` to `number` if that is less.
    #[inline]
    pub fn lower(&self, at: usize, number: u32) {
        // Most proposals change nothing, and a load costs less than exclusive access to the cache line.
        // Ordering: Relaxed; the minimum of a set does not depend on the sequence, and it is read behind a barrier. A
        // value only falls, so a number that is not below an old value is not below the present one.
        if number < self.places[at].load(Ordering::Relaxed) {
            self.places[at].fetch_min(number, Ordering::Relaxed);
        }
    }

    /// Returns the minimum at `at`.
    #[inline]
    pub fn get(&self, at: usize) -> u32 {
        // Ordering: Relaxed; a barrier lies between this and all calls of `lower`.
        self.places[at].load(Ordering::Relaxed)
    }

    /// Prefetches the minimum at `at`.
    #[inline]
    pub fn prefetch(&self, at: usize) {
        prefetch(&self.places, at);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_least_stays() {
        let minima = AtomicMinima::new(2).unwrap();
        [7, 3, 9].iter().for_each(|&number| minima.lower(1, number));
        assert_eq!((minima.get(0), minima.get(1)), (u32::MAX, 3));
    }
}
