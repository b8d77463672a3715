//! Allocates the atomics that workers share: on this process's heap, or in memory that several processes map.
//!
//! A mapped arena hands out its memory from front to back. Every process makes the same requests in the same sequence
//! and so finds the same objects at the same places; equal [`Layout`]s confirm it. All memory in an arena starts
//! zeroed, which each type uses as its initial state.
//!
//! Rejected: handles or offsets that are resolved at each access, because a reference costs nothing; and fallible
//! requests, because a layout that does not fit is detected once, before anything is used.

#![allow(unsafe_code)]

use super::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};
use crate::sys::SharedMemory;
use crossbeam_utils::CachePadded;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

/// Alignment in bytes of every object in a mapped arena: two cache lines, because processors fetch them in pairs.
const ALIGNMENT: usize = 128;

/// A type that may lie in memory that another process has zeroed or written.
///
/// # Safety
///
/// All zeros must be a valid value, and the one that `Default` gives. The type must consist of atomics only: no
/// pointer, nothing to drop, and no plain field that another process could change during a read.
pub(super) unsafe trait Zeroed: Default + Send + Sync {}

// SAFETY: an atomic holds only its integer, zero by default.
unsafe impl Zeroed for AtomicBool {}
// SAFETY: as above.
unsafe impl Zeroed for AtomicU8 {}
// SAFETY: as above.
unsafe impl Zeroed for AtomicU32 {}
// SAFETY: as above.
unsafe impl Zeroed for AtomicU64 {}
// SAFETY: padding adds bytes that are never read.
unsafe impl<T: Zeroed> Zeroed for CachePadded<T> {}

/// An allocator of zeroed objects that workers share.
pub struct Arena {
    source: ArenaSource,
    layout: Layout,
}

/// A summary of the requests made to an arena. Two processes that made the same requests in the same sequence have
/// equal layouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes that all requests take in a mapped arena.
    pub bytes: u64,
    /// Digest of the requested sizes and counts, in sequence.
    pub digest: u64,
}

enum ArenaSource {
    Heap,
    /// Only counts; allocates nothing but what must exist.
    Counting,
    Mapped(Arc<SharedMemory>),
}

impl Arena {
    /// Creates an arena on the heap, for the threads of one process.
    pub fn heap() -> Arena {
        Arena::from_source(ArenaSource::Heap)
    }

    /// Creates an arena that only counts. [`Arena::layout`] then gives the memory that the objects built in it take;
    /// those objects must not be used.
    pub fn counting() -> Arena {
        Arena::from_source(ArenaSource::Counting)
    }

    /// Creates an arena in memory that other processes map too. Objects that do not fit fall back to the heap, which
    /// shows in the bytes of [`Arena::layout`].
    pub fn mapped(memory: SharedMemory) -> Arena {
        Arena::from_source(ArenaSource::Mapped(Arc::new(memory)))
    }

    fn from_source(source: ArenaSource) -> Arena {
        // The offset basis of FNV-1a.
        Arena { source, layout: Layout { bytes: 0, digest: 0xcbf2_9ce4_8422_2325 } }
    }

    /// Returns the summary of all requests so far.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Allocates one `T` on cache lines of its own.
    pub(super) fn one<T: Zeroed>(&mut self) -> Placed<CachePadded<T>> {
        let at = self.reserve::<CachePadded<T>>(1);
        match &self.source {
            ArenaSource::Mapped(memory) if memory.holds(at, size_of::<CachePadded<T>>()) => {
                // SAFETY: the mapping holds that many bytes from `at` on. `at` is a multiple of `ALIGNMENT`, which is
                // at least `T`'s, and the mapping starts on a page. The bytes were zeroed when the memory was created,
                // and `Zeroed` lets any process write the atomics in them.
                let place = unsafe { memory.start().add(at) }.cast::<CachePadded<T>>();
                Placed { at: place, backing: Backing::Mapped(Arc::clone(memory)) }
            }
            _ => Placed::boxed(Box::default()),
        }
    }

    /// Allocates `count` of `T` side by side.
    pub(super) fn many<T: Zeroed>(&mut self, count: usize) -> Placed<[T]> {
        let at = self.reserve::<T>(count);
        match &self.source {
            ArenaSource::Counting => Placed::boxed(Box::default()),
            ArenaSource::Mapped(memory) if memory.holds(at, size_of::<T>() * count) => {
                // SAFETY: as in `one`.
                let first = unsafe { memory.start().add(at) }.cast::<T>();
                Placed { at: NonNull::slice_from_raw_parts(first, count), backing: Backing::Mapped(Arc::clone(memory)) }
            }
            _ => Placed::boxed((0..count).map(|_| T::default()).collect()),
        }
    }

    /// Reserves room for `count` of `T` at the front; returns its offset in bytes.
    fn reserve<T>(&mut self, count: usize) -> usize {
        const { assert!(align_of::<T>() <= ALIGNMENT) };
        let at = self.layout.bytes;
        let bytes = (size_of::<T>() * count).next_multiple_of(ALIGNMENT);
        self.layout.bytes += bytes as u64;
        for number in [size_of::<T>() as u64, count as u64] {
            // The step of FNV-1a over 64-bit words.
            self.layout.digest = (self.layout.digest ^ number).wrapping_mul(0x0000_0100_0000_01b3);
        }
        at as usize
    }
}

/// An owned pointer to an object in an arena. Access costs as much as through a reference.
pub(super) struct Placed<T: ?Sized> {
    at: NonNull<T>,
    backing: Backing,
}

enum Backing {
    Heap,
    /// Keeps the mapping alive while the object is.
    Mapped(#[expect(dead_code, reason = "held, not read")] Arc<SharedMemory>),
}

impl<T: ?Sized> Placed<T> {
    fn boxed(value: Box<T>) -> Placed<T> {
        Placed { at: NonNull::from(Box::leak(value)), backing: Backing::Heap }
    }
}

impl<T: ?Sized> Deref for Placed<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the object is a live `T` as long as `self` is: on the heap only `drop` frees it, and `backing` keeps
        // a mapping alive. No exclusive reference to it exists.
        unsafe { self.at.as_ref() }
    }
}

impl<T: ?Sized> Drop for Placed<T> {
    fn drop(&mut self) {
        if matches!(self.backing, Backing::Heap) {
            // SAFETY: an object on the heap was a box that `boxed` leaked, and only this line frees it.
            drop(unsafe { Box::from_raw(self.at.as_ptr()) });
        }
    }
}

// SAFETY: a `Placed` owns its `T` as a box does, and shares it only through `&T`; an object that other processes share
// consists of atomics.
unsafe impl<T: ?Sized + Send + Sync> Send for Placed<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync> Sync for Placed<T> {}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    #[cfg(all(target_os = "linux", not(portable)))]
    use {crate::sync::atomic::Ordering, std::fs::File};

    fn lay_out(arena: &mut Arena, counts: [usize; 2]) -> (Placed<CachePadded<AtomicU8>>, Placed<[AtomicU64]>) {
        (arena.one(), arena.many(counts[1] - counts[0]))
    }

    #[test]
    fn the_same_requests_have_the_same_layout_and_others_another() {
        let layout = |mut arena: Arena, counts| {
            lay_out(&mut arena, counts);
            arena.layout()
        };
        assert_eq!(layout(Arena::heap(), [0, 9]), layout(Arena::counting(), [0, 9]));
        let (nine, ten) = (layout(Arena::heap(), [0, 9]), layout(Arena::heap(), [0, 10]));
        assert_eq!(nine.bytes, ten.bytes);
        assert_ne!(nine, ten);
    }

    #[cfg(all(target_os = "linux", not(portable)))]
    #[test]
    fn two_mappings_of_one_memory_hold_the_same_atomics() {
        let mut arena = Arena::counting();
        lay_out(&mut arena, [0, 700]);
        let memory = SharedMemory::create(arena.layout().bytes).unwrap();
        let path = format!("/proc/self/fd/{}", memory.descriptor());
        let again = SharedMemory::open(File::options().read(true).write(true).open(path).unwrap()).unwrap();
        let (mut here, mut there) = (Arena::mapped(memory), Arena::mapped(again));
        let (one, many) = lay_out(&mut here, [0, 700]);
        let (other_one, other_many) = lay_out(&mut there, [0, 700]);
        assert_eq!(here.layout(), there.layout());
        drop((here, there));
        // Ordering: Relaxed; one thread.
        one.store(7, Ordering::Relaxed);
        // Ordering: Relaxed; one thread.
        many[699].store(u64::MAX, Ordering::Relaxed);
        // Ordering: Relaxed; one thread.
        assert_eq!((other_one.load(Ordering::Relaxed), other_many[699].load(Ordering::Relaxed)), (7, u64::MAX));
        assert_eq!((many.len(), other_many[698].load(Ordering::Relaxed)), (700, 0));
        assert!((many.as_ptr() as usize).is_multiple_of(ALIGNMENT));
    }

    #[cfg(all(target_os = "linux", not(portable)))]
    #[test]
    fn a_memory_too_small_shows_in_the_layout_and_does_no_harm() {
        let memory = SharedMemory::create(128).unwrap();
        let length = memory.bytes();
        let mut arena = Arena::mapped(memory);
        let (one, many) = lay_out(&mut arena, [0, 700]);
        // Ordering: Relaxed; one thread.
        many[699].store(1, Ordering::Relaxed);
        // Ordering: Relaxed; one thread.
        assert_eq!(one.load(Ordering::Relaxed), 0);
        assert!(arena.layout().bytes > length);
    }
}
