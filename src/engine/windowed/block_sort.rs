//! The events of one block in one window, sorted by node and, for each node, in the order in which they come.
//!
//! Nodes cannot affect each other within a window, so that only the order at each node matters. Many events are counted
//! by node and put in place; few are compared.

use super::window_event::WindowEvent;
use crate::message::Tail;
use std::ops::Range;

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
    /// The number of events put in place, and of the timers among them.
    put: usize,
    timers: u32,
}

impl<T: Tail> BlockSort<T> {
    pub(super) fn new() -> BlockSort<T> {
        BlockSort { sorted: Vec::new(), len: 0, first: 0, counts: false, places: Vec::new(), put: 0, timers: 0 }
    }

    /// Begins a sort of `len` events of these nodes. Returns true if each event is to be [counted](Self::count) before
    /// any is put.
    pub(super) fn begin(&mut self, nodes: Range<u32>, len: usize) -> bool {
        (self.first, self.len, self.put, self.timers) = (nodes.start, len, 0, 0);
        if self.sorted.len() < len {
            self.sorted.resize(len, WindowEvent::blank());
        }
        self.counts = len * NODES_PER_EVENT_MAX >= nodes.len();
        if self.counts {
            self.places.clear();
            self.places.resize(nodes.len() + 1, 0);
        }
        self.counts
    }

    /// Counts events.
    #[inline]
    pub(super) fn count(&mut self, events: &[WindowEvent<T>]) {
        for event in events {
            self.places[(event.node().0 - self.first) as usize + 1] += 1;
        }
    }

    /// Turns the counts into places, once all events are counted.
    pub(super) fn count_ends(&mut self) {
        let mut before = 0;
        for place in &mut self.places {
            before += *place;
            *place = before;
        }
    }

    /// Takes events that are no timers, and puts them in place.
    #[inline]
    pub(super) fn put(&mut self, events: &mut [WindowEvent<T>]) {
        if self.counts {
            for event in events {
                let place = &mut self.places[(event.node().0 - self.first) as usize];
                self.sorted[*place as usize].overwrite(event.take());
                *place += 1;
            }
        } else {
            let put = self.put;
            self.put += events.len();
            self.sorted[put..].iter_mut().zip(events).for_each(|(place, event)| place.overwrite(event.take()));
        }
    }

    /// Does the same with timers, which are numbered in the order in which they are put.
    pub(super) fn put_timers(&mut self, events: &mut [WindowEvent<T>]) {
        for event in &mut *events {
            event.set_timer_place(self.timers);
            self.timers += 1;
        }
        self.put(events);
    }

    /// Ends the sort, once all events are put.
    pub(super) fn end(&mut self) {
        let sorted = &mut self.sorted[..self.len];
        if self.counts {
            order_each_node(sorted);
        } else {
            sorted.sort_unstable_by(WindowEvent::compare);
        }
    }

    /// Returns the sorted events.
    #[inline]
    pub(super) fn sorted(&mut self) -> &mut [WindowEvent<T>] {
        &mut self.sorted[..self.len]
    }
}

/// Sorts the events of each node: by insertion where there are few, as most nodes have one or two.
fn order_each_node<T: Tail>(sorted: &mut [WindowEvent<T>]) {
    let mut end = 1;
    while end < sorted.len() {
        // The events of one node are together, and the nodes ascend, so that this is rare.
        if sorted[end].may_precede(&sorted[end - 1]) && !insert(sorted, end) {
            end = order_node(sorted, end);
        }
        end += 1;
    }
}

/// Inserts the event at `end` among those before it, which are sorted. Gives up and returns false if it belongs far
/// before them; the events are then in no order but of the same node.
fn insert<T: Tail>(sorted: &mut [WindowEvent<T>], end: usize) -> bool {
    let first = end.saturating_sub(INSERTION_MAX);
    let mut here = end;
    while here > 0 && sorted[here - 1].rank() > sorted[here].rank() {
        if here == first {
            return false;
        }
        sorted.swap(here - 1, here);
        here -= 1;
    }
    true
}

/// Sorts all events of the node whose event is at `place`; returns the place of the last of them.
fn order_node<T: Tail>(sorted: &mut [WindowEvent<T>], place: usize) -> usize {
    let node = sorted[place].node();
    let before = sorted[..place].iter().rev().take_while(|event| event.node() == node).count();
    let after = sorted[place..].iter().take_while(|event| event.node() == node).count();
    sorted[place - before..place + after].sort_unstable_by(WindowEvent::compare);
    place + after - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pending_event::{EventStage, PendingEvent};
    use crate::ids::{NodeId, OrderIndex};
    use crate::message::{Kind, Message};
    use crate::time::Nanos;
    use proptest::prelude::*;

    fn message(node: u32, offset: u32, sequence: u32) -> WindowEvent<()> {
        let (to, from, order) = (NodeId(node), NodeId(sequence % 3), OrderIndex(0));
        let message = Message { to, from, order, ttl: 1, hop: 1, kind: Kind::PAYLOAD, tail: 0 };
        let (time, stage) = (Nanos(offset.into()), EventStage::Arrives);
        WindowEvent::of_message(PendingEvent { time, message, sequence, round: 0, stage, tail: () }, offset)
    }

    proptest! {
        /// Few and many events a node, counted and compared, with timers, and put in parts.
        #[test]
        fn events_come_by_node_and_rank(
            first in 0..9_u32, nodes in 1..60_u32, part in 1..40_usize,
            places in prop::collection::vec((0..60_u32, 0..9_u32), 0..300),
            timers in prop::collection::vec((0..60_u32, 0..9_u32), 0..9), hub in any::<bool>(),
        ) {
            let node = |node: u32| first + if hub { node % nodes.min(2) } else { node % nodes };
            let numbered = places.iter().zip(0..);
            let mut messages: Vec<_> = numbered.map(|(&(to, at), number)| message(node(to), at, number)).collect();
            let timer = |(&(to, at), token): (&(u32, u32), u64)| WindowEvent::of_timer(NodeId(node(to)), at, token);
            let mut timers: Vec<WindowEvent<()>> = timers.iter().zip(0..).map(timer).collect();
            let mut expected = messages.clone();
            let placed = |(event, place): (&WindowEvent<()>, u32)| {
                let mut event = event.clone();
                event.set_timer_place(place);
                event
            };
            expected.extend(timers.iter().zip(0..).map(placed));
            expected.sort_by_key(WindowEvent::rank);
            let mut sort = BlockSort::new();
            // Twice, so that the second sort finds the memory of the first.
            for _ in 0..2 {
                if sort.begin(first..first + nodes, messages.len() + timers.len()) {
                    messages.chunks(part).chain(timers.chunks(part)).for_each(|some| sort.count(some));
                    sort.count_ends();
                }
                messages.chunks_mut(part).for_each(|some| sort.put(some));
                timers.chunks_mut(part).for_each(|some| sort.put_timers(some));
                sort.end();
                prop_assert_eq!(sort.sorted(), &expected[..]);
            }
        }
    }
}
