//! Where the atomics that workers share lie: on this process's heap, or in memory that several processes map.
//!
//! A mapped arena hands out its memory from the front to the back. Every process makes the same requests in the same
//! order and so finds the same things in the same places; [`Layout`] tells whether that was so. All that lies in an
//! arena starts as zeros, which each type takes for its initial state.
//!
//! What was refused: handles or offsets that are resolved at each access, because a reference costs nothing; and a
//! fallible request, because a layout that does not fit is found out once, before anybody uses it.

#![allow(unsafe_code)]

use super::SharedMemory;
use super::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};
use crossbeam_utils::CachePadded;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

/// Where everything in a mapped arena starts: two cache lines apart, because processors fetch them in pairs.
const ALIGNMENT: usize = 128;

/// What may lie in memory that another process has zeroed or written.
///
/// # Safety
///
/// All zeros are a valid value, and the one that `Default` gives. The type holds atomics and nothing else: no pointer,
/// nothing to drop, and no plain field that a process could change under another's eyes.
pub(super) unsafe trait Zeroed: Default + Send + Sync {}

// SAFETY: an atomic holds nothing but its integer, zero by default.
unsafe impl Zeroed for AtomicBool {}
// SAFETY: as above.
unsafe impl Zeroed for AtomicU8 {}
// SAFETY: as above.
unsafe impl Zeroed for AtomicU32 {}
// SAFETY: as above.
unsafe impl Zeroed for AtomicU64 {}
// SAFETY: padding adds bytes that nobody reads.
unsafe impl<T: Zeroed> Zeroed for CachePadded<T> {}

/// Hands out zeroed places for what workers share.
pub struct Arena {
    source: ArenaSource,
    layout: Layout,
}

/// What was asked of an arena so far. Two processes that made the same requests in the same order have equal ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes that all of it takes in a mapped arena.
    pub bytes: u64,
    /// A digest of the sizes and numbers asked for, in order.
    pub digest: u64,
}

enum ArenaSource {
    Heap,
    /// Nothing is handed out but what must exist.
    Counting,
    Mapped(Arc<SharedMemory>),
}

impl Arena {
    /// An arena on the heap, for the threads of one process.
    pub fn heap() -> Arena {
        Arena::from_source(ArenaSource::Heap)
    }

    /// An arena that only counts: whatever is built in it tells by [`Arena::layout`] how much memory it takes, and must
    /// not be used.
    pub fn counting() -> Arena {
        Arena::from_source(ArenaSource::Counting)
    }

    /// An arena in memory that other processes map too. Where the memory is too small the places lie on the heap, which
    /// the bytes in [`Arena::layout`] betray.
    pub fn mapped(memory: SharedMemory) -> Arena {
        Arena::from_source(ArenaSource::Mapped(Arc::new(memory)))
    }

    fn from_source(source: ArenaSource) -> Arena {
        // The offset basis of FNV-1a.
        Arena { source, layout: Layout { bytes: 0, digest: 0xcbf2_9ce4_8422_2325 } }
    }

    /// What was asked for so far.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// A place for one `T`, on cache lines of its own.
    pub(super) fn one<T: Zeroed>(&mut self) -> Placed<CachePadded<T>> {
        let at = self.reserve::<CachePadded<T>>(1);
        match &self.source {
            ArenaSource::Mapped(memory) if memory.holds(at, size_of::<CachePadded<T>>()) => {
                // SAFETY: the mapping holds so many bytes from `at` on, which is a multiple of the alignment of a page's
                // fraction that `T` needs at most. They were zeroed when the memory was made, and `Zeroed` lets any
                // process write the atomics in them.
                let place = unsafe { memory.start().add(at) }.cast::<CachePadded<T>>();
                Placed { at: place, home: Backing::Mapped(Arc::clone(memory)) }
            }
            _ => Placed::boxed(Box::default()),
        }
    }

    /// A place for `count` of `T` side by side.
    pub(super) fn many<T: Zeroed>(&mut self, count: usize) -> Placed<[T]> {
        let at = self.reserve::<T>(count);
        match &self.source {
            ArenaSource::Counting => Placed::boxed(Box::default()),
            ArenaSource::Mapped(memory) if memory.holds(at, size_of::<T>() * count) => {
                // SAFETY: as in `one`.
                let first = unsafe { memory.start().add(at) }.cast::<T>();
                Placed { at: NonNull::slice_from_raw_parts(first, count), home: Backing::Mapped(Arc::clone(memory)) }
            }
            _ => Placed::boxed((0..count).map(|_| T::default()).collect()),
        }
    }

    /// Takes room for `count` of `T` off the front; gives where it begins.
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

/// Something that lies in an arena. Reaching it costs what reaching through a reference costs.
pub(super) struct Placed<T: ?Sized> {
    at: NonNull<T>,
    home: Backing,
}

enum Backing {
    Heap,
    /// Kept alive for as long as the place is.
    Mapped(#[expect(dead_code, reason = "held, not read")] Arc<SharedMemory>),
}

impl<T: ?Sized> Placed<T> {
    fn boxed(value: Box<T>) -> Placed<T> {
        Placed { at: NonNull::from(Box::leak(value)), home: Backing::Heap }
    }
}

impl<T: ?Sized> Deref for Placed<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the place is a live `T` for as long as `self` is: on the heap it is freed by `drop` alone, and a mapping
        // is held by `home`. Nobody has an exclusive reference to it.
        unsafe { self.at.as_ref() }
    }
}

impl<T: ?Sized> Drop for Placed<T> {
    fn drop(&mut self) {
        if matches!(self.home, Backing::Heap) {
            // SAFETY: a place on the heap was a box, which `boxed` leaked, and this is the only place that frees it.
            drop(unsafe { Box::from_raw(self.at.as_ptr()) });
        }
    }
}

// SAFETY: a place owns its `T` as a box does, and shares it only through `&T`; where other processes share it too, it is
// made of atomics.
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
    fn a_memory_too_small_is_betrayed_by_the_layout_and_harms_nobody() {
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
