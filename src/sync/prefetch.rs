//! Memory ahead of its use: pages that are there before the run, cache lines that are on their way. Neither changes
//! anything but time.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;

/// Asks for the cache line of `slice[index]`; nothing where there is no such element.
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

/// Elsewhere the processor is left to its own foresight.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn fetch<T>(_: &T) {}

/// An array whose pages the system has given already: those it only promised would be faulted in by the first messages.
pub fn touched<T: Copy>(length: usize, value: T) -> Vec<T> {
    let mut array = Vec::with_capacity(length);
    prefer_huge(array.spare_capacity_mut());
    // Hidden from the compiler, because an array of zeros would else be asked for as untouched pages.
    array.extend(std::iter::repeat_n(std::hint::black_box(value), length));
    array
}

/// An empty array with such room.
pub fn touched_room<T: Copy>(capacity: usize, value: T) -> Vec<T> {
    let mut array = touched(capacity, value);
    array.clear();
    array
}

/// Asks the system to back `room` with huge pages. A wish: where it is not granted, all is as before but slower.
#[cfg(all(target_os = "linux", not(portable)))]
pub fn prefer_huge<T>(room: &mut [MaybeUninit<T>]) {
    /// A page of 4 KiB, the unit of `madvise` on the measured platforms; elsewhere it refuses, which does no harm.
    const PAGE: usize = 4096;
    /// Below the size of a huge page there is nothing to gain.
    const HUGE_PAGE: usize = 2 << 20;

    let bytes = size_of_val(room);
    let start = room.as_mut_ptr().cast::<u8>();
    let before = start.align_offset(PAGE);
    if bytes < HUGE_PAGE || before >= bytes {
        return;
    }
    let length = (bytes - before) / PAGE * PAGE;
    // SAFETY: the range lies within `room`, which is borrowed exclusively for the call, and this advice changes
    // neither its contents nor its address.
    unsafe {
        libc::madvise(start.add(before).cast(), length, libc::MADV_HUGEPAGE);
    }
}

/// Huge pages are asked for on Linux only.
#[cfg(not(all(target_os = "linux", not(portable))))]
pub fn prefer_huge<T>(_room: &mut [MaybeUninit<T>]) {}
