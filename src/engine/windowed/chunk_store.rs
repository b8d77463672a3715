//! The memory of a shard's pending events: chunks of one size, in lists.
//!
//! A bucket of events grows by a chunk, without being copied, and its chunks serve the next bucket that needs some.

use super::window_event::WindowEvent;
use crate::message::Tail;
use crate::simd::prefetch;
use crate::sys::prefer_huge;

/// Events in a chunk: 1.5 KiB of those without a tail.
const CHUNK_EVENTS: u32 = if cfg!(test) { 4 } else { 64 };

/// The chunks of a segment, a power of two: 6 MiB of events without a tail, which is three huge pages.
const SEGMENT_CHUNKS: usize = if cfg!(test) { 16 } else { 1 << 12 };

/// The chunks with which the first segment begins; it doubles until it is whole.
const FIRST_CHUNKS: usize = if cfg!(test) { 4 } else { 64 };

/// Stands for no chunk.
const NONE: u32 = u32::MAX;

/// The events of a window and block: a list of chunks, all but the last full.
#[derive(Clone, Copy)]
pub(super) struct Bucket {
    first: u32,
    last: u32,
    /// Events in the last chunk.
    in_last: u32,
    /// Chunks but for the last.
    full: u32,
}

/// The chunks of a shard.
pub(super) struct ChunkStore<T> {
    /// The events of all chunks by segment; unused places hold stale ones. A segment that is whole never moves.
    segments: Vec<Vec<WindowEvent<T>>>,
    /// By chunk, the next chunk of its bucket, or of the free list.
    next: Vec<u32>,
    free: u32,
}

impl Bucket {
    pub(super) const EMPTY: Bucket = Bucket { first: NONE, last: NONE, in_last: CHUNK_EVENTS, full: 0 };

    /// Returns true if the bucket has no events.
    pub(super) fn is_empty(&self) -> bool {
        self.first == NONE
    }

    /// Returns the number of its events.
    pub(super) fn len(&self) -> usize {
        if self.is_empty() { 0 } else { self.full as usize * CHUNK_EVENTS as usize + self.in_last as usize }
    }
}

impl<T: Tail> ChunkStore<T> {
    pub(super) fn new() -> ChunkStore<T> {
        ChunkStore { segments: Vec::new(), next: Vec::new(), free: NONE }
    }

    /// Adds an event to a bucket. Returns true if that took a further chunk.
    // `event` makes the event in its place. One that comes as a value goes over the stack, from where it is read wider
    // than it was written, which waits for all stores before it.
    #[inline(always)]
    pub(super) fn push(&mut self, bucket: &mut Bucket, event: impl FnOnce() -> WindowEvent<T>) -> bool {
        let is_full = bucket.in_last == CHUNK_EVENTS;
        if is_full {
            self.extend(bucket);
        }
        let (segment, begin) = segment_of(bucket.last);
        self.segments[segment][begin + bucket.in_last as usize].overwrite(event());
        bucket.in_last += 1;
        is_full
    }

    /// Adds events to a bucket.
    pub(super) fn push_all(&mut self, bucket: &mut Bucket, events: impl ExactSizeIterator<Item = WindowEvent<T>>) {
        let mut events = events;
        while events.len() > 0 {
            if bucket.in_last == CHUNK_EVENTS {
                self.extend(bucket);
            }
            let (segment, begin) = segment_of(bucket.last);
            let count = events.len().min((CHUNK_EVENTS - bucket.in_last) as usize);
            let room = &mut self.segments[segment][begin + bucket.in_last as usize..][..count];
            room.iter_mut().zip(&mut events).for_each(|(place, event)| place.overwrite(event));
            bucket.in_last += count as u32;
        }
    }

    /// Adds a chunk to a bucket.
    #[inline(never)]
    fn extend(&mut self, bucket: &mut Bucket) {
        if self.free == NONE {
            self.grow();
        }
        let chunk = self.free;
        self.free = std::mem::replace(&mut self.next[chunk as usize], NONE);
        if bucket.first == NONE {
            bucket.first = chunk;
        } else {
            self.next[bucket.last as usize] = chunk;
            bucket.full += 1;
        }
        (bucket.last, bucket.in_last) = (chunk, 0);
    }

    /// Adds free chunks, of which there are none.
    fn grow(&mut self) {
        let before = self.next.len();
        let chunks = match before {
            0 => FIRST_CHUNKS,
            _ => before + before.min(SEGMENT_CHUNKS),
        };
        let (segment, _) = segment_of(before as u32);
        if segment == self.segments.len() {
            self.segments.push(Vec::new());
        }
        let events = &mut self.segments[segment];
        let len = (chunks - segment * SEGMENT_CHUNKS) * CHUNK_EVENTS as usize;
        events.reserve_exact(len - events.len());
        prefer_huge(events.spare_capacity_mut());
        events.resize(len, WindowEvent::blank());
        self.next.extend((before + 1..chunks).map(|next| next as u32).chain([NONE]));
        self.free = before as u32;
    }

    /// Removes the events of a bucket, in the order in which they were put, and passes those of each chunk to `each`,
    /// which takes them.
    pub(super) fn drain(&mut self, bucket: Bucket, mut each: impl FnMut(&mut [WindowEvent<T>])) {
        let mut chunk = bucket.first;
        while chunk != NONE {
            let next = self.next[chunk as usize];
            let len = if next == NONE { bucket.in_last } else { CHUNK_EVENTS };
            let (segment, begin) = segment_of(chunk);
            self.prefetch(next);
            each(&mut self.segments[segment][begin..begin + len as usize]);
            self.next[chunk as usize] = self.free;
            self.free = chunk;
            chunk = next;
        }
    }

    /// Passes the events of each chunk of a bucket to `each`.
    pub(super) fn for_each_chunk(&self, bucket: &Bucket, mut each: impl FnMut(&[WindowEvent<T>])) {
        let mut chunk = bucket.first;
        while chunk != NONE {
            let next = self.next[chunk as usize];
            let len = if next == NONE { bucket.in_last } else { CHUNK_EVENTS };
            let (segment, begin) = segment_of(chunk);
            self.prefetch(next);
            each(&self.segments[segment][begin..begin + len as usize]);
            chunk = next;
        }
    }

    /// Prefetches a chunk while the chunk before it is read: it was last touched a window ago.
    #[inline]
    fn prefetch(&self, chunk: u32) {
        let (segment, begin) = segment_of(chunk);
        let Some(events) = self.segments.get(segment) else { return };
        // Eight events without a tail lie in three lines.
        for event in (0..CHUNK_EVENTS as usize).step_by(8) {
            for place in [event, event + 3, event + 6] {
                prefetch(events, begin + place);
            }
        }
    }

    /// Returns the bytes that the chunks take.
    pub(super) fn bytes(&self) -> u64 {
        (self.next.len() * CHUNK_EVENTS as usize * size_of::<WindowEvent<T>>()) as u64
    }
}

/// Returns the segment of a chunk, and the place of its first event in the segment.
#[inline(always)]
fn segment_of(chunk: u32) -> (usize, usize) {
    let chunk = chunk as usize;
    (chunk / SEGMENT_CHUNKS, chunk % SEGMENT_CHUNKS * CHUNK_EVENTS as usize)
}
