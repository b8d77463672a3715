//! Prepares memory before its use: pages already faulted in, cache lines already requested. Neither changes anything
//! but the time a run takes.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;

/// Prefetches the cache line of `slice[index]`; does nothing if there is no such element.
#[inline(always)]
pub fn prefetch<T>(slice: &[T], index: usize) {
    if let Some(element) = slice.get(index) {
        fetch(element);
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn fetch<T>(element: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch neither reads into a register nor writes nor faults, and the address is that of a live element.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) }
}

/// Does nothing, because other processors are left to their own prefetchers.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn fetch<T>(_: &T) {}

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
pub fn prefer_huge<T>(room: &mut [MaybeUninit<T>]) {
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
pub fn prefer_huge<T>(_room: &mut [MaybeUninit<T>]) {}
