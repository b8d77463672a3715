//! Memory for the large arrays: asked for once, refused with an error where there is none, on huge pages where the
//! system has them.
//!
//! Scattered writes over hundreds of megabytes miss the translation cache on every access with pages of 4 KiB; with
//! pages of 2 MiB they do not.

use super::TopologyError;
use crate::sync::{Lookout, prefer_huge};

/// An array of `length` times `value`, its memory touched.
///
/// # Errors
///
/// [`TopologyError::Memory`] where the system refuses, [`TopologyError::Interrupted`].
pub(super) fn filled<T: Copy>(length: usize, value: T, lookout: &mut Lookout<'_>) -> Result<Vec<T>, TopologyError> {
    let mut array = reserved(length)?;
    lookout.pieces(length, |piece| -> Result<(), TopologyError> {
        array.resize(piece.end, value);
        Ok(())
    })?;
    Ok(array)
}

/// An empty array with room for `capacity` elements.
///
/// # Errors
///
/// [`TopologyError::Memory`] where the system refuses.
pub(super) fn reserved<T: Copy>(capacity: usize) -> Result<Vec<T>, TopologyError> {
    let mut array = Vec::new();
    let bytes = capacity as u64 * size_of::<T>() as u64;
    array.try_reserve_exact(capacity).map_err(|_| TopologyError::Memory { bytes })?;
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
