//! The events of one block in one window, sorted by node and, for each node, in the order in which they come.
//!
//! Nodes cannot affect each other within a window, so that only the order at each node matters. Many events are counted
//! by node and put in place; few are compared.

use super::window_event::WindowEvent;
use crate::message::Tail;

/// The nodes per event of a block beyond which its events are compared rather than counted.
const NODES_PER_EVENT_MAX: usize = 24;

/// The maximum number of events of a node that are sorted by insertion.
const INSERTION_MAX: usize = 16;

/// The sorted events of a block. Memory is kept from block to block.
pub(super) struct BlockSort<T> {
    /// The events of the block by node, followed by stale ones of earlier blocks.
    sorted: Vec<WindowEvent<T>>,
    len: usize,
    /// The first node of the block.
    first: u32,
    /// True if the events are counted by node.
    counts: bool,
    /// By node of the block, first the number of its events, later the place of the next one.
    places: Vec<u32>,
    /// The number of events put in place.
    put: u32,
}

impl<T: Tail> BlockSort<T> {
    pub(super) fn new() -> BlockSort<T> {
        BlockSort { sorted: Vec::new(), len: 0, first: 0, counts: false, places: Vec::new(), put: 0 }
    }

    /// Begins a sort of `len` events of a block of `size` nodes from `first` on. Returns true if each event is to be
    /// [counted](Self::count) before any is put.
    pub(super) fn begin(&mut self, first: u32, size: usize, len: usize) -> bool {
        (self.first, self.len, self.put) = (first, len, 0);
        if self.sorted.len() < len {
            self.sorted.resize(len, WindowEvent::blank());
        }
        self.counts = len * NODES_PER_EVENT_MAX >= size;
        if self.counts {
            self.places.clear();
            self.places.resize(size + 1, 0);
        }
        self.counts
    }

    #[inline]
    pub(super) fn count(&mut self, event: &WindowEvent<T>) {
        self.places[(event.node().0 - self.first) as usize + 1] += 1;
    }

    /// Turns the counts into places, once all events are counted.
    pub(super) fn count_ends(&mut self) {
        let mut before = 0;
        for place in &mut self.places {
            before += *place;
            *place = before;
        }
    }

    #[inline]
    pub(super) fn put(&mut self, mut event: WindowEvent<T>) {
        if event.is_timer() {
            event.set_timer_place(self.put);
        }
        let place = if self.counts {
            let place = &mut self.places[(event.node().0 - self.first) as usize];
            *place += 1;
            *place - 1
        } else {
            self.put
        };
        self.put += 1;
        self.sorted[place as usize] = event;
    }

    /// Ends the sort, once all events are put.
    pub(super) fn end(&mut self) {
        if self.counts {
            self.order_each_node();
        } else {
            self.sorted[..self.len].sort_unstable_by_key(WindowEvent::rank);
        }
    }

    /// Sorts the events of each node: by insertion where there are few, as most nodes have one or two.
    fn order_each_node(&mut self) {
        let sorted = &mut self.sorted[..self.len];
        let mut begin = 0;
        while begin < sorted.len() {
            let node = sorted[begin].node();
            let mut end = begin + 1;
            while end < sorted.len() && sorted[end].node() == node {
                end += 1;
            }
            order_node(&mut sorted[begin..end]);
            begin = end;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the event at a place.
    #[inline]
    pub(super) fn get(&self, place: usize) -> Option<&WindowEvent<T>> {
        self.sorted[..self.len].get(place)
    }

    /// Removes the event at a place.
    #[inline]
    pub(super) fn take(&mut self, place: usize) -> WindowEvent<T> {
        self.sorted[place].take()
    }
}

/// Sorts the events of one node by rank.
#[inline]
fn order_node<T: Tail>(events: &mut [WindowEvent<T>]) {
    if events.len() > INSERTION_MAX {
        return events.sort_unstable_by_key(WindowEvent::rank);
    }
    for place in 1..events.len() {
        let mut here = place;
        while here > 0 && events[here - 1].rank() > events[here].rank() {
            events.swap(here - 1, here);
            here -= 1;
        }
    }
}
