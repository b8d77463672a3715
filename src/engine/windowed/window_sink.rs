//! The way of a shard's events to the windows in which they are due: its own calendars, the batches for other shards,
//! or the rest of the window that is being handled.

use super::block_calendar::{BlockCalendar, Blocks};
use super::block_sort::BlockSort;
use super::chunk_store::{Bucket, ChunkStore};
use super::window_event::{BatchHeader, WindowEvent, WindowRank};
use crate::engine::EngineSetup;
#[cfg(feature = "cluster")]
use crate::engine::exchange::CrossingItem;
use crate::engine::pending_event::{EventSink, EventStage, ForwardedMessages, PendingEvent};
use crate::engine::window_length::WindowLength;
use crate::ids::NodeId;
use crate::message::{Message, Tail};
use crate::network::Fates;
use crate::threads::ShardMap;
use crate::time::Nanos;
use crate::workload::Publication;
use std::collections::BTreeMap;

/// The least number of windows ahead that have buckets of their own for timers, and that in a run whose nodes start.
/// More would have few timers each, and a bucket takes a whole chunk.
const TIMER_REACH: u64 = 62;
const STARTED_TIMER_REACH: u64 = 254;

/// The least number of events that are sorted and handled together, if the window has so many. A block of a protocol
/// with timers in every window may have a handful, each of which would begin with memory that nothing has prefetched.
const SORTED_EVENTS_MIN: usize = if cfg!(test) { 4 } else { 256 };

/// The first place of a timer that was set in the window in which it fires: after those set in earlier windows.
const SAME_WINDOW_TIMER: u32 = 1 << 31;

/// An event that crosses from one shard to another, or the header of the events that follow: those of one window and
/// block.
///
/// Whole blocks cross, so that their events are copied without a look at each.
#[derive(Clone, Debug)]
pub(in crate::engine) struct CrossingEvent<T>(WindowEvent<T>);

/// Events and headers to another process, in their sequence.
#[cfg(feature = "cluster")]
impl<T: Tail> CrossingItem for CrossingEvent<T> {
    fn write(items: &[Self], most: usize, words: &mut Vec<u64>) -> usize {
        let mut written = 0;
        while words.len() < most
            && let Some(CrossingEvent(event)) = items.get(written)
        {
            event.write(words);
            written += 1;
        }
        written
    }

    fn read(mut words: &[u64], mut take: impl FnMut(Self)) -> Option<()> {
        while !words.is_empty() {
            take(CrossingEvent(WindowEvent::read(&mut words)?));
        }
        Some(())
    }
}

/// The events of a shard that are still to come.
pub(super) struct WindowSink<'a, T> {
    partition: &'a ShardMap,
    index: usize,
    width: WindowLength,
    pub(super) deadline: Nanos,
    /// The window that is being handled.
    pub(super) window: u64,
    pub(super) store: ChunkStore<T>,
    /// Messages, and publications of the window that is being handled.
    pub(super) messages: BlockCalendar<T>,
    /// Upkeep, which holds no run open.
    pub(super) upkeep: BlockCalendar<T>,
    pub(super) timers: BlockCalendar<T>,
    /// The events of the blocks that are being sorted, in each of these calendars; empty between sorts.
    taken: Vec<[Bucket; 3]>,
    /// By shard, the messages and upkeep for it.
    out: Vec<[BlockCalendar<T>; 2]>,
    /// Events that the current node caused for itself in this window, and the number of all so far, which orders those
    /// of equal rank.
    same_window: BTreeMap<(WindowRank, u32), WindowEvent<T>>,
    same_window_count: u32,
    /// Events of the window that come after the time limit, or that were not handled because the window was cut short.
    pub(super) late: Vec<WindowEvent<T>>,
}

impl<'a, T: Tail> WindowSink<'a, T> {
    pub(super) fn new(
        setup: &EngineSetup<'a>,
        index: usize,
        width: WindowLength,
        (has_upkeep, starts): (bool, bool),
    ) -> Self {
        let reach = setup.network.ceiling().map(|ceiling| width.window(ceiling));
        let blocks = |shard| Blocks::new(setup.partition.shard(shard));
        let upkeep_reach = if has_upkeep { reach } else { Some(0) };
        // Timers are set for times far beyond a latency, by nodes that start all the time.
        let least = if starts { STARTED_TIMER_REACH } else { TIMER_REACH };
        let timer_reach = reach.map(|windows| windows.max(least));
        let out = |shard| {
            // A shard sends itself nothing.
            let (reach, upkeep_reach) = if shard == index { (Some(0), Some(0)) } else { (reach, upkeep_reach) };
            [BlockCalendar::new(blocks(shard), reach), BlockCalendar::new(blocks(shard), upkeep_reach)]
        };
        WindowSink {
            partition: setup.partition,
            index,
            width,
            deadline: setup.deadline(),
            // Before the first window, no event counts as due in the current one.
            window: u64::MAX,
            store: ChunkStore::new(),
            messages: BlockCalendar::new(blocks(index), reach),
            upkeep: BlockCalendar::new(blocks(index), upkeep_reach),
            timers: BlockCalendar::with_spans(blocks(index), timer_reach),
            taken: Vec::new(),
            out: (0..setup.partition.workers()).map(out).collect(),
            same_window: BTreeMap::new(),
            same_window_count: 0,
            late: Vec::new(),
        }
    }

    /// Advances to a window before which no event is left.
    pub(super) fn advance(&mut self, window: u64) {
        self.window = window;
        for calendar in [&mut self.messages, &mut self.upkeep, &mut self.timers] {
            calendar.advance(&mut self.store, window);
        }
        for calendar in self.out.iter_mut().flatten() {
            calendar.advance(&mut self.store, window);
        }
    }

    /// Puts a publication into the window that is being handled.
    pub(super) fn publish(&mut self, publication: &Publication) {
        let (window, offset) = self.split(publication.due);
        self.messages.put(&mut self.store, window, WindowEvent::of_publication(publication, offset));
    }

    /// Returns true if the current node has caused itself events in this window that have not been handled.
    #[inline]
    pub(super) fn has_same_window(&self) -> bool {
        !self.same_window.is_empty()
    }

    /// Takes the next event that the current node caused for itself in this window, if it comes before `rank`.
    pub(super) fn take_same_window(&mut self, rank: Option<WindowRank>) -> Option<WindowEvent<T>> {
        let first = self.same_window.first_entry()?;
        let comes = rank.is_none_or(|rank| first.key().0 < rank);
        comes.then(|| first.remove())
    }

    /// Moves the events that the current node caused for itself, and that were not handled, to the late ones.
    pub(super) fn leave_same_window(&mut self) {
        self.late.extend(std::mem::take(&mut self.same_window).into_values());
    }

    /// Sorts the events of a block in the window that is being handled, and those of the next ones until there are
    /// enough; returns the block after them.
    pub(super) fn sort_blocks(&mut self, first: usize, sort: &mut BlockSort<T>) -> usize {
        let (blocks, mut end, mut len) = (self.messages.blocks().clone(), first, 0);
        self.taken.clear();
        while end < blocks.count() && len < SORTED_EVENTS_MIN {
            let taken = [&mut self.messages, &mut self.upkeep, &mut self.timers].map(|calendar| calendar.take(end));
            len += taken.iter().map(Bucket::len).sum::<usize>();
            self.taken.push(taken);
            end += 1;
        }
        let (store, nodes) = (&mut self.store, blocks.nodes(first).start..blocks.nodes(end - 1).end);
        sort.begin(&nodes, len);
        for bucket in self.taken.iter().flatten() {
            store.for_each_chunk(bucket, |events| sort.count(events));
        }
        sort.count_ends();
        for [messages, upkeep, timers] in self.taken.drain(..) {
            for bucket in [messages, upkeep] {
                store.drain(bucket, |events| sort.put(events));
            }
            store.drain(timers, |events| sort.put_timers(events));
        }
        sort.end();
        end
    }

    /// Passes the next events for each shard to `out`, by shard: those that stay cannot be due in the next window.
    /// After each block `ahead` is called with the shard and all that is for it, and may take that.
    pub(super) fn hand_over(
        &mut self,
        out: &mut [Vec<CrossingEvent<T>>],
        mut ahead: impl FnMut(usize, &mut Vec<CrossingEvent<T>>),
    ) {
        for (shard, (calendars, out)) in self.out.iter_mut().zip(out).enumerate() {
            for (calendar, is_upkeep) in calendars.iter_mut().zip([false, true]) {
                calendar.drain_next(&mut self.store, |events| {
                    let (window, count, block) = (events.window, events.count as u32, events.block as u32);
                    out.push(CrossingEvent(WindowEvent::of_header(BatchHeader { window, count, block, is_upkeep })));
                    events.drain(|some| out.extend(some.iter_mut().map(|event| CrossingEvent(event.take()))));
                    ahead(shard, out);
                });
            }
        }
    }

    /// Receives what another shard has [handed over](Self::hand_over).
    pub(super) fn receive(&mut self, events: &mut [CrossingEvent<T>]) {
        let mut rest = events;
        while let Some((CrossingEvent(header), others)) = rest.split_first_mut() {
            let BatchHeader { window, count, block, is_upkeep } = header.header();
            let (batch, others) = others.split_at_mut(count as usize);
            rest = others;
            let calendar = if is_upkeep { &mut self.upkeep } else { &mut self.messages };
            let events = batch.iter_mut().map(|CrossingEvent(event)| event.take());
            calendar.put_all(&mut self.store, window, block as usize, events);
        }
    }

    /// Returns the next window with a message, of this shard or for another, and the number of its messages.
    pub(super) fn next_message(&self) -> Option<(u64, u64)> {
        next_of(self.out.iter().map(|[messages, _]| messages).chain([&self.messages]))
    }

    /// Returns the same of upkeep.
    pub(super) fn next_upkeep(&self) -> Option<(u64, u64)> {
        next_of(self.out.iter().map(|[_, upkeep]| upkeep).chain([&self.upkeep]))
    }

    /// Returns the number of messages other than upkeep, of this shard or for others.
    pub(super) fn holding(&self) -> u64 {
        self.out.iter().map(|[messages, _]| messages.stored()).sum::<u64>() + self.messages.stored()
    }

    /// Returns the window of an instant, and its distance from the start of the window.
    #[inline]
    fn split(&self, time: Nanos) -> (u64, u32) {
        self.width.offset(time)
    }

    /// Keeps an event that the current node causes for itself in this window.
    #[cold]
    fn put_same_window(&mut self, event: WindowEvent<T>, time: Nanos) {
        if time > self.deadline {
            return self.late.push(event);
        }
        self.same_window_count = self.same_window_count.wrapping_add(1);
        self.same_window.insert((event.rank(), self.same_window_count), event);
    }
}

impl<T: Tail> EventSink for WindowSink<'_, T> {
    type Tail = T;

    #[inline]
    fn put_forward(&mut self, forward: &ForwardedMessages<'_>) -> u32 {
        let &ForwardedMessages { from, at, kind, order_hop, sequence, to, tail, latencies } = forward;
        let (source, content) = WindowEvent::<T>::forward_words(from, kind, order_hop);
        let (mut sequence, mut lost, mut put) = (sequence, 0, 0);
        let (partition, width, own) = (self.partition, self.width, self.partition.shard(self.index));
        let is_upkeep = usize::from(kind.is_upkeep());
        let calendar = if kind.is_upkeep() { &mut self.upkeep } else { &mut self.messages };
        for (&to, &latency) in to.iter().zip(latencies) {
            let number = sequence;
            sequence = sequence.wrapping_add(1);
            if latency == Fates::LOST {
                lost += 1;
                continue;
            }
            // A message has a latency, so that it arrives in a later window.
            let (window, offset) = width.offset(at + latency);
            let event = || WindowEvent::of_forward(to, offset, source | u64::from(number), content, tail);
            if own.contains(&to.0) {
                put += 1;
                calendar.put_uncounted(&mut self.store, window, to, event);
            } else {
                let calendar = &mut self.out[partition.owner(to)][is_upkeep];
                calendar.put_uncounted(&mut self.store, window, to, event);
                calendar.count_put(1);
            }
        }
        calendar.count_put(put);
        lost
    }

    #[inline(always)]
    fn put(&mut self, pending: PendingEvent<T>) {
        let (time, to, is_upkeep) = (pending.time, pending.message.to, pending.message.kind.is_upkeep());
        let (window, offset) = self.split(time);
        let event = || WindowEvent::of_message(pending, offset);
        let owner = self.partition.owner(to);
        let calendar = if owner != self.index {
            &mut self.out[owner][usize::from(is_upkeep)]
        } else if window == self.window {
            return self.put_same_window(event(), time);
        } else if is_upkeep {
            &mut self.upkeep
        } else {
            &mut self.messages
        };
        calendar.put_uncounted(&mut self.store, window, to, event);
        calendar.count_put(1);
    }

    fn put_timer(&mut self, at: Nanos, node: NodeId, token: u64) {
        let (window, offset) = self.split(at);
        let mut event = WindowEvent::of_timer(node, offset, token);
        if window == self.window {
            event.set_timer_place(SAME_WINDOW_TIMER | self.same_window_count);
            self.put_same_window(event, at);
        } else {
            self.timers.put(&mut self.store, window, event);
        }
    }

    fn for_each_pending(&self, mut each: impl FnMut(&Message, u32, EventStage, &T)) {
        let mut each = |event: &WindowEvent<T>| {
            if let Some((message, stage)) = event.message() {
                each(&message, event.sequence(), stage, event.tail());
            }
        };
        for calendar in [&self.messages, &self.upkeep].into_iter().chain(self.out.iter().flatten()) {
            calendar.for_each(&self.store, &mut each);
        }
        self.late.iter().for_each(each);
    }
}

/// Returns the next window with an event in any of these, and the number of its events.
fn next_of<'c, T: Tail + 'c>(calendars: impl Iterator<Item = &'c BlockCalendar<T>> + Clone) -> Option<(u64, u64)> {
    let next = calendars.clone().filter_map(BlockCalendar::next).min()?;
    Some((next, calendars.map(|calendar| calendar.count(next)).sum()))
}
