//! The way of a shard's events to the windows in which they are due: its own calendars, the batches for other shards,
//! or the rest of the window that is being handled.

use super::block_calendar::{BlockCalendar, Blocks};
use super::block_sort::BlockSort;
use super::chunk_store::ChunkStore;
use super::window_event::{WindowEvent, WindowRank};
use crate::engine::EngineSetup;
use crate::engine::pending_event::{EventSink, EventStage, PendingEvent};
use crate::engine::window_length::WindowLength;
use crate::ids::NodeId;
use crate::message::{Message, Tail};
use crate::threads::ShardMap;
use crate::time::Nanos;
use crate::workload::Publication;
use std::collections::BTreeMap;

/// The first place of a timer that was set in the window in which it fires: after those set in earlier windows.
const SAME_WINDOW_TIMER: u32 = 1 << 31;

/// An event that crosses from one shard to another.
#[derive(Clone, Debug)]
pub(in crate::engine) struct CrossingEvent<T> {
    window: u64,
    event: WindowEvent<T>,
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
    pub(super) fn new(setup: &EngineSetup<'a>, index: usize, width: WindowLength, has_upkeep: bool) -> Self {
        let reach = setup.network.ceiling().map(|ceiling| width.window(ceiling));
        let blocks = |shard| Blocks::new(setup.partition.shard(shard));
        let upkeep_reach = if has_upkeep { reach } else { Some(0) };
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
            timers: BlockCalendar::new(blocks(index), reach),
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

    /// Sorts the events of a block in the window that is being handled.
    pub(super) fn sort_block(&mut self, block: usize, sort: &mut BlockSort<T>) {
        let blocks = self.messages.blocks();
        let (first, size) = (blocks.first(block), blocks.size());
        let store = &mut self.store;
        let calendars = [&mut self.messages, &mut self.upkeep, &mut self.timers];
        let listed = calendars.map(|calendar| (calendar.take(block), calendar));
        let len = listed.iter().map(|(bucket, _)| store.len(bucket)).sum();
        if sort.begin(first, size, len) {
            listed.iter().for_each(|(bucket, _)| store.for_each(bucket, &mut |event| sort.count(event)));
            sort.count_ends();
        }
        for (bucket, calendar) in listed {
            calendar.drain(store, bucket, |event| sort.put(event));
        }
        sort.end();
    }

    /// Passes the next events for each shard to `out`, by shard: those that stay cannot be due in the next window.
    pub(super) fn hand_over(&mut self, out: &mut [Vec<CrossingEvent<T>>]) {
        for (calendars, out) in self.out.iter_mut().zip(out) {
            for calendar in calendars {
                calendar.drain_next(&mut self.store, |window, event| out.push(CrossingEvent { window, event }));
            }
        }
    }

    /// Receives an event from another shard.
    #[inline]
    pub(super) fn receive(&mut self, CrossingEvent { window, event }: CrossingEvent<T>) {
        let calendar = if event.is_upkeep() { &mut self.upkeep } else { &mut self.messages };
        calendar.put(&mut self.store, window, event);
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

    #[inline(always)]
    fn put(&mut self, pending: PendingEvent<T>) {
        let (time, to, is_upkeep) = (pending.time, pending.message.to, pending.message.kind.is_upkeep());
        let (window, offset) = self.split(time);
        let event = WindowEvent::of_message(pending, offset);
        let owner = self.partition.owner(to);
        let calendar = if owner != self.index {
            &mut self.out[owner][usize::from(is_upkeep)]
        } else if window == self.window {
            return self.put_same_window(event, time);
        } else if is_upkeep {
            &mut self.upkeep
        } else {
            &mut self.messages
        };
        calendar.put(&mut self.store, window, event);
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
