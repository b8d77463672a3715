//! Allocates the large arrays: in one piece, with an error if the system refuses, and on huge pages where available.
//!
//! Scattered writes over hundreds of megabytes miss the translation lookaside buffer on every access with pages of 4
//! KiB; with pages of 2 MiB they do not.

use crate::sync::{Interrupted, Lookout};
use crate::sys::prefer_huge;

/// The maximum number of entries over all rows together.
pub(super) const ENTRIES_MAX: u64 = u32::MAX as u64;

/// The reason why an overlay cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The overlay has more entries than can be stored.
    #[error(
        "--nodes {nodes}: the overlay would hold {entries} peers over all nodes, and at most {ENTRIES_MAX} can be \
         stored; ask for fewer --nodes or --peers, for a shorter edge list, or for --topology regular-implicit or \
         complete, which are not stored"
    )]
    TooManyEntries {
        /// Nodes asked for.
        nodes: u32,
        /// Entries over all rows.
        entries: u64,
    },

    /// The operating system refuses the memory.
    #[error(
        "the overlay needs {} MiB in one piece and the system refuses; ask for fewer --nodes or --peers, or for a \
         shorter edge list",
        bytes >> 20
    )]
    Memory {
        /// Bytes that were refused.
        bytes: u64,
    },

    /// The user interrupted the build.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Allocates an array of `length` copies of `value` and touches all of its memory.
///
/// # Errors
///
/// [`StorageError::Memory`] if the system refuses, or [`StorageError::Interrupted`].
pub(super) fn filled<T: Copy>(length: usize, value: T, lookout: &mut Lookout<'_>) -> Result<Vec<T>, StorageError> {
    let mut array = reserved(length)?;
    // In pieces, because touching hundreds of megabytes takes long enough for the user to interrupt it.
    lookout.pieces(length, |piece| -> Result<(), StorageError> {
        array.resize(piece.end, value);
        Ok(())
    })?;
    Ok(array)
}

/// Allocates an empty array with room for `capacity` elements.
///
/// # Errors
///
/// [`StorageError::Memory`] if the system refuses.
pub(super) fn reserved<T: Copy>(capacity: usize) -> Result<Vec<T>, StorageError> {
    let mut array = Vec::new();
    let bytes = capacity as u64 * size_of::<T>() as u64;
    array.try_reserve_exact(capacity).map_err(|_| StorageError::Memory { bytes })?;
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
        assert!(matches!(error, StorageError::Memory { .. }), "{error}");
    }
}
