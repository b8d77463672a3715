//! Allocates the large arrays: in one piece, with an error if the system refuses, and on huge pages where available.
//!
//! Scattered writes over hundreds of megabytes miss the translation lookaside buffer on every access with pages of 4
//! KiB; with pages of 2 MiB they do not.

use super::TopologyError;
use crate::sync::Lookout;
use crate::sys::prefer_huge;

/// Allocates an array of `length` copies of `value` and touches all of its memory.
///
/// # Errors
///
/// [`TopologyError::Memory`] if the system refuses, or [`TopologyError::Interrupted`].
pub(super) fn filled<T: Copy>(length: usize, value: T, lookout: &mut Lookout<'_>) -> Result<Vec<T>, TopologyError> {
    let mut array = reserved(length)?;
    // In pieces, because touching hundreds of megabytes takes long enough for the user to interrupt it.
    lookout.pieces(length, |piece| -> Result<(), TopologyError> {
        array.resize(piece.end, value);
        Ok(())
    })?;
    Ok(array)
}

/// Allocates an empty array with room for `capacity` elements.
///
/// # Errors
///
/// [`TopologyError::Memory`] if the system refuses.
pub(super) fn reserved<T: Copy>(capacity: usize) -> Result<Vec<T>, TopologyError> {
    let mut array = Vec::new();
    let bytes = capacity as u64 * size_of::<T>() as u64;
    array.try_reserve_exact(capacity).map_err(|_| TopologyError::Memory { bytes })?;
    // Before the first write, because a page gets its size when it is first touched.
    prefer_huge(array.spare_capacity_mut());
    Ok(array)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Interrupt;

    #[test]
    fn arrays_are_as_long_as_asked() {
        for length in [0, 1, 5_000, 3 << 20] {
            let array = filled(length, 7u32, &mut Lookout::new(&Interrupt::new())).unwrap();
            assert!(array.len() == length && array.iter().all(|&word| word == 7), "{length}");
        }
    }

    #[test]
    fn memory_that_no_machine_has_is_an_error() {
        let error = reserved::<u64>(usize::MAX / 16).unwrap_err();
        assert!(matches!(error, TopologyError::Memory { .. }), "{error}");
    }
}
