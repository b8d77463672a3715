//! Memory whose pages are faulted in before the run. Changes nothing but the time a run takes.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;

/// Creates an array whose pages are already faulted in; otherwise the first messages would pay for the faults.
pub fn touched<T: Copy>(length: usize, value: T) -> Vec<T> {
    let mut array = Vec::with_capacity(length);
    prefer_huge(array.spare_capacity_mut());
    // `black_box` hides the value from the compiler, which would otherwise request an array of zeros as untouched
    // pages.
    array.extend(std::iter::repeat_n(std::hint::black_box(value), length));
    array
}

/// Creates an empty array with faulted-in room for `capacity` elements.
pub fn touched_room<T: Copy>(capacity: usize, value: T) -> Vec<T> {
    let mut array = touched(capacity, value);
    array.clear();
    array
}

/// Asks the system to back `room` with huge pages. A hint only: without them the program runs the same but slower.
#[cfg(all(target_os = "linux", not(portable)))]
pub(crate) fn prefer_huge<T>(room: &mut [MaybeUninit<T>]) {
    /// Page size in bytes, the unit of `madvise` on the measured platforms; elsewhere the call fails, which does no
    /// harm.
    const PAGE: usize = 4096;
    /// Size in bytes of a huge page; smaller ranges gain nothing.
    const HUGE_PAGE: usize = 2 << 20;

    let bytes = size_of_val(room);
    let start = room.as_mut_ptr().cast::<u8>();
    let before = start.align_offset(PAGE);
    if bytes < HUGE_PAGE || before >= bytes {
        return;
    }
    let length = (bytes - before) / PAGE * PAGE;
    // SAFETY: the range lies within `room`, which is borrowed exclusively for the call, and this advice changes neither
    // its contents nor its address.
    unsafe {
        libc::madvise(start.add(before).cast(), length, libc::MADV_HUGEPAGE);
    }
}

/// Does nothing, because huge pages are requested on Linux only.
#[cfg(not(all(target_os = "linux", not(portable))))]
pub(crate) fn prefer_huge<T>(_room: &mut [MaybeUninit<T>]) {}
