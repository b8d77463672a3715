//! The least number that anybody has named, for each of many places: a tie rule that no order of arrival can change.

use super::atomic::{AtomicU32, Ordering};
use super::{prefer_huge, prefetch};
use std::collections::TryReserveError;

/// One number for each place, at first the greatest there is.
pub struct AtomicMinima {
    places: Vec<AtomicU32>,
}

impl AtomicMinima {
    /// So many places, in memory that is there already.
    ///
    /// # Errors
    ///
    /// Where the system refuses the memory.
    pub fn new(length: u32) -> Result<AtomicMinima, TryReserveError> {
        let mut places = Vec::new();
        places.try_reserve_exact(length as usize)?;
        prefer_huge(places.spare_capacity_mut());
        places.resize_with(length as usize, || AtomicU32::new(u32::MAX));
        Ok(AtomicMinima { places })
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Names a number for a place.
    #[inline]
    pub fn lower(&self, at: usize, number: u32) {
        // Most are named in vain, and to look first costs less than exclusive access.
        // Ordering: Relaxed; the least of a set is the same in every order, and it is read behind a barrier. A place only
        // falls, so that what is not below an old value is not below the present one.
        if number < self.places[at].load(Ordering::Relaxed) {
            self.places[at].fetch_min(number, Ordering::Relaxed);
        }
    }

    /// The least number named for a place.
    #[inline]
    pub fn get(&self, at: usize) -> u32 {
        // Ordering: Relaxed; a barrier lies between this and whoever named one.
        self.places[at].load(Ordering::Relaxed)
    }

    /// Asks the processor for a place that will be used soon.
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
