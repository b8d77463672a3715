//! Tables that lanes read at places that the data determine.

/// A table that is not empty, read without a branch: a place past its end reads its last value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup<'a, T> {
    values: &'a [T],
    last: u64,
}

impl<'a, T: Copy> Lookup<'a, T> {
    /// Makes a table of these values; `None` if there are none.
    #[inline(always)]
    pub(crate) fn new(values: &'a [T]) -> Option<Lookup<'a, T>> {
        let last = values.len().checked_sub(1)? as u64;
        Some(Lookup { values, last })
    }

    /// Returns the value at a place.
    #[inline(always)]
    pub(crate) fn at(self, place: u64) -> T {
        // A checked index would be a branch to a panic, which keeps a loop out of the lanes.
        let place = place.min(self.last) as usize;
        // SAFETY: the table is not empty, and the place is at most that of its last value.
        unsafe { *self.values.get_unchecked(place) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_reads_a_value() {
        let table = Lookup::new(&[3, 5, 7]).unwrap();
        assert_eq!([0, 1, 2, 3, u64::MAX].map(|place| table.at(place)), [3, 5, 7, 7, 7]);
        assert!(Lookup::<u64>::new(&[]).is_none());
    }
}
