//! A calendar of a shard's events by window, and within a window by block of neighbouring nodes.
//!
//! An event goes straight into its window and block, so that nothing is moved again before its window is handled, and
//! a block's nodes and events stay in the second-level cache while they are.
//!
//! Rejected alternative: one bucket a window and a second pass that parts it by node. At 10^5 nodes that takes twice
//! the time.

use super::chunk_store::{Bucket, ChunkStore};
use super::window_event::WindowEvent;
use crate::ids::NodeId;
use crate::message::Tail;
use crate::time::FilledWindows;
use std::collections::BTreeMap;
use std::ops::Range;

/// The binary logarithm of the minimum number of nodes in a block.
const BLOCK_BITS_MIN: u32 = if cfg!(test) { 3 } else { 13 };

/// The maximum number of blocks in a shard: with more, the buckets that are written alternately outgrow the caches.
const BLOCKS_MAX: u32 = 256;

/// The minimum and maximum numbers of windows with buckets, and the maximum number of all buckets.
const WINDOWS_MIN: u64 = 16;
const WINDOWS_MAX: u64 = 4_096;
const BUCKETS_MAX: u64 = 1 << 17;

/// The nodes of a shard, in blocks of neighbours.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    nodes: Range<u32>,
    bits: u32,
    count: usize,
}

/// Events of some windows to come.
pub(super) struct BlockCalendar<T> {
    blocks: Blocks,
    /// The window that is being handled; no event is due before it.
    now: u64,
    /// Buckets of the windows from `now` on, block by block; window `w` has the index `w` modulo their number.
    buckets: Vec<Bucket>,
    /// The windows with buckets that have events.
    filled: FilledWindows,
    /// The last window that has buckets now: the last one of a span.
    near: u64,
    /// The binary logarithm of the number of windows in a span.
    span_bits: u32,
    /// Events of the windows after `near`, by span. A timer may lie thousands of windows ahead, and few windows would
    /// have enough of them for a list of their own.
    far: BTreeMap<u64, FarSpan<T>>,
    /// The number of all events.
    stored: u64,
}

/// Events of a span of windows that have no buckets yet, as they were put.
struct FarSpan<T> {
    /// Each with its window.
    events: Vec<(u64, WindowEvent<T>)>,
    /// The first window that has any, and the number of its events.
    first: (u64, u64),
}

/// The events of one block that are taken from a window ahead.
pub(super) struct BlockEvents<'s, T> {
    pub(super) window: u64,
    pub(super) block: usize,
    pub(super) count: usize,
    events: BlockSource<'s, T>,
}

enum BlockSource<'s, T> {
    Stored(&'s mut ChunkStore<T>, Bucket),
    /// Events of a window that has no buckets.
    Far(&'s mut [WindowEvent<T>]),
}

impl<T: Tail> BlockEvents<'_, T> {
    /// Passes the events to `each`, many at once, which takes them.
    pub(super) fn drain(self, mut each: impl FnMut(&mut [WindowEvent<T>])) {
        match self.events {
            BlockSource::Stored(store, bucket) => store.drain(bucket, each),
            BlockSource::Far(events) => each(events),
        }
    }
}

impl Blocks {
    pub(super) fn new(nodes: Range<u32>) -> Blocks {
        let size = nodes.len() as u32;
        let spread = u32::BITS - size.div_ceil(BLOCKS_MAX).saturating_sub(1).leading_zeros();
        let bits = BLOCK_BITS_MIN.max(spread);
        Blocks { nodes, bits, count: (size.saturating_sub(1) >> bits) as usize + 1 }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Returns the nodes of a block.
    pub(super) fn nodes(&self, block: usize) -> Range<u32> {
        // In 64 bits, because the end of the last block may lie beyond the last number of a node.
        let begin = u64::from(self.nodes.start) + ((block as u64) << self.bits);
        let end = (begin + (1 << self.bits)).min(self.nodes.end.into());
        begin as u32..end as u32
    }

    /// Returns the block of one of the shard's nodes.
    #[inline(always)]
    fn of(&self, node: u32) -> usize {
        ((node - self.nodes.start) >> self.bits) as usize
    }
}

impl<T: Tail> FarSpan<T> {
    const EMPTY: FarSpan<T> = FarSpan { events: Vec::new(), first: (u64::MAX, 0) };

    fn put(&mut self, window: u64, event: WindowEvent<T>) {
        self.first = match self.first {
            (first, count) if window == first => (first, count + 1),
            (first, _) if window < first => (window, 1),
            later => later,
        };
        self.events.push((window, event));
    }

    /// Removes the events of the first window.
    fn take_first(&mut self) -> Vec<WindowEvent<T>> {
        let first = self.first.0;
        let taken = self.events.extract_if(.., |(window, _)| *window == first).map(|(_, event)| event).collect();
        let rest = std::mem::replace(self, FarSpan::EMPTY).events;
        rest.into_iter().for_each(|(window, event)| self.put(window, event));
        taken
    }
}

impl<T: Tail> BlockCalendar<T> {
    /// Creates an empty calendar for events at most `reach` windows ahead, or at any distance if that is unknown.
    pub(super) fn new(blocks: Blocks, reach: Option<u64>) -> BlockCalendar<T> {
        let reach = reach.map_or(WINDOWS_MAX, |windows| windows.saturating_add(2));
        let room = (BUCKETS_MAX / blocks.count as u64).clamp(WINDOWS_MIN, WINDOWS_MAX);
        let windows = reach.clamp(WINDOWS_MIN, room).next_power_of_two();
        BlockCalendar {
            now: 0,
            buckets: (0..windows as usize * blocks.count).map(|_| Bucket::EMPTY).collect(),
            filled: FilledWindows::new(windows),
            near: windows - 1,
            span_bits: 0,
            far: BTreeMap::new(),
            stored: 0,
            blocks,
        }
    }

    /// Creates an empty calendar for events of which many lie far beyond `reach`.
    pub(super) fn with_spans(blocks: Blocks, reach: Option<u64>) -> BlockCalendar<T> {
        let calendar = BlockCalendar::new(blocks, reach);
        // At least three quarters of the windows then have buckets.
        BlockCalendar { span_bits: (calendar.near + 1).ilog2() - 2, ..calendar }
    }

    pub(super) fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    /// Puts an event into a window, which does not precede the one that is being handled.
    #[inline(always)]
    pub(super) fn put(&mut self, store: &mut ChunkStore<T>, window: u64, event: WindowEvent<T>) {
        self.stored += 1;
        self.put_uncounted(store, window, event.node(), || event);
    }

    /// Does the same with the event of a node that `event` makes, and does not count it, which the caller does with
    /// [`count_put`](Self::count_put).
    #[inline(always)]
    pub(super) fn put_uncounted(
        &mut self,
        store: &mut ChunkStore<T>,
        window: u64,
        node: NodeId,
        event: impl FnOnce() -> WindowEvent<T>,
    ) {
        debug_assert!(window >= self.now, "{window} lies before {}", self.now);
        if window <= self.near {
            let slot = self.filled.slot(window);
            let block = self.blocks.of(node.0);
            if store.push(&mut self.buckets[slot * self.blocks.count + block], event) {
                self.filled.fill(slot);
            }
        } else {
            self.put_far(window, event());
        }
    }

    /// Counts events that were put.
    #[inline(always)]
    pub(super) fn count_put(&mut self, events: u32) {
        self.stored += u64::from(events);
    }

    #[cold]
    fn put_far(&mut self, window: u64, event: WindowEvent<T>) {
        self.far.entry(window >> self.span_bits).or_insert(FarSpan::EMPTY).put(window, event);
    }

    /// Puts events of one block into a window, which does not precede the one that is being handled.
    pub(super) fn put_all(
        &mut self,
        store: &mut ChunkStore<T>,
        window: u64,
        block: usize,
        events: impl ExactSizeIterator<Item = WindowEvent<T>>,
    ) {
        debug_assert!(window >= self.now, "{window} lies before {}", self.now);
        self.stored += events.len() as u64;
        if window <= self.near {
            let slot = self.filled.slot(window);
            store.push_all(&mut self.buckets[slot * self.blocks.count + block], events);
            self.filled.fill(slot);
        } else {
            events.for_each(|event| self.put_far(window, event));
        }
    }

    /// Advances to a window before which no event is left.
    pub(super) fn advance(&mut self, store: &mut ChunkStore<T>, window: u64) {
        debug_assert!(window >= self.now);
        self.now = window;
        let spans = self.filled.buckets() >> self.span_bits;
        let beyond = u128::from((window >> self.span_bits) + spans) << self.span_bits;
        self.near = u64::try_from(beyond - 1).unwrap_or(u64::MAX);
        // Events move in when their span first has buckets, so they come before those that are put there later.
        while let Some(entry) = self.far.first_entry().filter(|entry| *entry.key() <= self.near >> self.span_bits) {
            let events = entry.remove().events;
            self.stored -= events.len() as u64;
            events.into_iter().for_each(|(window, event)| self.put(store, window, event));
        }
    }

    /// Takes the events of a block in the window that is being handled. They no longer count as stored.
    pub(super) fn take(&mut self, block: usize) -> Bucket {
        let slot = self.filled.slot(self.now);
        let bucket = std::mem::replace(&mut self.buckets[slot * self.blocks.count + block], Bucket::EMPTY);
        if !bucket.is_empty() {
            // The other blocks of this window are taken before the next window.
            self.filled.empty(slot);
            self.stored -= bucket.len() as u64;
        }
        bucket
    }

    /// Removes the events of the next window that has any, block by block. Events may still be put into windows before
    /// it.
    pub(super) fn drain_next(&mut self, store: &mut ChunkStore<T>, mut each: impl FnMut(BlockEvents<'_, T>)) {
        let Some(window) = self.next() else { return };
        if window > self.near {
            let Some(mut span) = self.far.first_entry() else { return };
            let mut events = span.get_mut().take_first();
            if span.get().events.is_empty() {
                span.remove();
            }
            self.stored -= events.len() as u64;
            events.sort_by_key(|event| self.blocks.of(event.node().0));
            for events in events.chunk_by_mut(|one, next| self.blocks.of(one.node().0) == self.blocks.of(next.node().0))
            {
                let block = self.blocks.of(events[0].node().0);
                each(BlockEvents { window, block, count: events.len(), events: BlockSource::Far(events) });
            }
            return;
        }
        let slot = self.filled.slot(window);
        for (block, bucket) in self.buckets[slot * self.blocks.count..][..self.blocks.count].iter_mut().enumerate() {
            let bucket = std::mem::replace(bucket, Bucket::EMPTY);
            if !bucket.is_empty() {
                let count = bucket.len();
                self.stored -= count as u64;
                each(BlockEvents { window, block, count, events: BlockSource::Stored(store, bucket) });
            }
        }
        self.filled.empty(slot);
    }

    /// Returns the next window with events, or `None` if there are none.
    pub(super) fn next(&self) -> Option<u64> {
        if self.stored == 0 {
            return None;
        }
        self.filled.next(self.now).or_else(|| self.far.values().next().map(|span| span.first.0))
    }

    /// Returns the number of events in a window: one that has buckets now, or the first of a span.
    pub(super) fn count(&self, window: u64) -> u64 {
        if window >= self.now && window <= self.near {
            let slot = self.filled.slot(window);
            let buckets = &self.buckets[slot * self.blocks.count..][..self.blocks.count];
            buckets.iter().map(Bucket::len).sum::<usize>() as u64
        } else {
            let span = self.far.get(&(window >> self.span_bits)).filter(|span| span.first.0 == window);
            span.map_or(0, |span| span.first.1)
        }
    }

    /// Returns the number of all events.
    pub(super) fn stored(&self) -> u64 {
        self.stored
    }

    /// Passes all events to `each`.
    pub(super) fn for_each(&self, store: &ChunkStore<T>, mut each: impl FnMut(&WindowEvent<T>)) {
        self.buckets.iter().for_each(|bucket| store.for_each_chunk(bucket, |events| events.iter().for_each(&mut each)));
        self.far.values().flat_map(|span| &span.events).for_each(|(_, event)| each(event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::OrderIndex;
    use crate::time::Nanos;
    use crate::workload::Publication;
    use proptest::prelude::*;

    /// An event of a node that is told apart by its number.
    fn event(node: u32, number: u32) -> WindowEvent<()> {
        WindowEvent::of_publication(&Publication { order: OrderIndex(number), origin: NodeId(node), due: Nanos(0) }, 0)
    }

    /// The events of a window by block, as they were put.
    fn handled(calendar: &mut BlockCalendar<()>, store: &mut ChunkStore<()>, window: u64) -> Vec<Vec<(u32, u32)>> {
        calendar.advance(store, window);
        let blocks = 0..calendar.blocks().count();
        let of_block = |block| {
            let bucket = calendar.take(block);
            let (len, mut events) = (bucket.len(), Vec::new());
            store.drain(bucket, |some| events.extend(some.iter().map(|event| (event.node().0, event.order().0))));
            assert_eq!(events.len(), len);
            events
        };
        blocks.map(of_block).collect()
    }

    proptest! {
        /// With far windows, small chunks and several segments: each event comes in its window and block, those of a
        /// block as they were put, and chunks are used again.
        #[test]
        fn events_come_in_their_window_and_block(
            steps in prop::collection::vec(prop::collection::vec((0..9_000_u64, 5..45_u32), 0..30), 1..40),
            reach in prop::option::of(0..5_000_u64), has_spans in any::<bool>(),
        ) {
            let blocks = Blocks::new(5..45);
            let new = if has_spans { BlockCalendar::with_spans } else { BlockCalendar::new };
            let mut calendar = new(blocks.clone(), reach);
            let (mut store, mut number, mut window) = (ChunkStore::new(), 0, 0);
            let mut model = BTreeMap::<u64, Vec<Vec<(u32, u32)>>>::new();
            for step in steps {
                for (ahead, node) in step {
                    number += 1;
                    calendar.put(&mut store, window + 1 + ahead, event(node, number));
                    let of_window = model.entry(window + 1 + ahead).or_insert_with(|| vec![Vec::new(); blocks.count()]);
                    of_window[((node - 5) >> BLOCK_BITS_MIN) as usize].push((node, number));
                }
                let count = |blocks: &Vec<Vec<(u32, u32)>>| blocks.iter().map(Vec::len).sum::<usize>() as u64;
                prop_assert_eq!(calendar.next(), model.keys().next().copied());
                prop_assert_eq!(calendar.stored(), model.values().map(count).sum::<u64>());
                let mut seen = 0;
                calendar.for_each(&store, |_| seen += 1);
                prop_assert_eq!(seen, calendar.stored());
                if let Some((next, expected)) = model.pop_first() {
                    prop_assert_eq!(calendar.count(next), count(&expected));
                    prop_assert_eq!(handled(&mut calendar, &mut store, next), expected);
                    window = next;
                }
            }
        }

        /// Events for another shard are taken window by window, while earlier windows may still fill.
        #[test]
        fn the_next_window_is_taken_whole(
            puts in prop::collection::vec((1..9_000_u64, 5..45_u32), 1..60), has_spans in any::<bool>(),
        ) {
            let new = if has_spans { BlockCalendar::<()>::with_spans } else { BlockCalendar::<()>::new };
            let mut calendar = new(Blocks::new(5..45), Some(20));
            let (mut store, mut model) = (ChunkStore::new(), BTreeMap::<u64, usize>::new());
            for (ahead, node) in puts {
                calendar.put(&mut store, ahead, event(node, 0));
                *model.entry(ahead).or_default() += 1;
                if ahead % 3 == 0 {
                    let (next, mut taken) = (model.pop_first(), 0);
                    calendar.drain_next(&mut store, |events| {
                        assert_eq!(Some(events.window), next.map(|next| next.0));
                        let (block, count, mut of_block) = (events.block, events.count, 0);
                        events.drain(|some| {
                            assert!(some.iter().all(|event| (event.node().0 - 5) >> BLOCK_BITS_MIN == block as u32));
                            of_block += some.len();
                        });
                        assert_eq!(of_block, count);
                        taken += count;
                    });
                    prop_assert_eq!(taken, next.map_or(0, |next| next.1));
                }
            }
            prop_assert_eq!(calendar.next(), model.keys().next().copied());
        }
    }

    /// The very last window has buckets in the end, though no whole span lies around it.
    #[test]
    fn the_very_last_window_works_too() {
        let (mut calendar, mut store) = (BlockCalendar::with_spans(Blocks::new(5..45), None), ChunkStore::new());
        calendar.put(&mut store, u64::MAX, event(5, 1));
        assert_eq!((calendar.next(), calendar.count(u64::MAX)), (Some(u64::MAX), 1));
        assert_eq!(handled(&mut calendar, &mut store, u64::MAX)[0], [(5, 1)]);
    }

    #[test]
    fn blocks_cover_a_shard_and_are_at_most_so_many() {
        for nodes in [0..0, 7..8, 0..10_000, 5..5_000_005, 0..u32::MAX] {
            let blocks = Blocks::new(nodes.clone());
            assert!(blocks.count() as u32 <= BLOCKS_MAX, "{nodes:?}");
            let ends = (0..blocks.count()).map(|block| blocks.nodes(block));
            let end = ends.fold(nodes.start, |before, block| {
                assert!(block.start == before && block.end >= before, "{nodes:?}");
                block.end
            });
            assert_eq!(end, nodes.end);
            if !nodes.is_empty() {
                assert_eq!((blocks.of(nodes.start), blocks.of(nodes.end - 1)), (0, blocks.count() - 1), "{nodes:?}");
            }
        }
    }
}
