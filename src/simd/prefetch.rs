//! Requests cache lines ahead of their use. A prefetch changes nothing but time.

#![allow(unsafe_code)]

/// Requests the cache line of `slice[index]`; does nothing if there is no such element.
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
    // SAFETY: a prefetch neither reads into a register nor writes nor faults, and the address is that of a live
    // element.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) }
}

/// Does nothing, because no stable intrinsic exists here; the processor prefetches by itself.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn fetch<T>(_: &T) {}
