//! The events of some blocks in one window, sorted by node and, for each node, in the order in which they come.
//!
//! Nodes cannot affect each other within a window, so that only the order at each node matters. Events are counted by
//! node, or where they are few by some neighbouring nodes together, and put in place; hardly any are compared.

use super::window_event::WindowEvent;
use crate::message::Tail;
use std::ops::Range;

/// The maximum number of events of a range of nodes that are sorted by insertion.
const INSERTION_MAX: usize = 16;

/// The sorted events of some blocks. Memory is kept from sort to sort.
pub(super) struct BlockSort<T> {
    /// The events by node, followed by stale ones of earlier sorts.
    sorted: Vec<WindowEvent<T>>,
    len: usize,
    ranges: NodeRanges,
    /// By range of nodes, first the number of its events, later the place of the next one.
    places: Vec<u32>,
    /// The number of timers put in place.
    timers: u32,
}

/// Neighbouring nodes, in ranges of equal size.
#[derive(Clone, Copy)]
struct NodeRanges {
    first: u32,
    /// The binary logarithm of the nodes in a range.
    bits: u32,
}

impl NodeRanges {
    /// Parts `nodes` into one or two ranges for each of `events` events, or into as many as there are nodes.
    fn new(nodes: &Range<u32>, events: usize) -> NodeRanges {
        NodeRanges { first: nodes.start, bits: (nodes.len() / events.max(1)).max(1).ilog2() }
    }

    #[inline(always)]
    fn of<T: Tail>(self, event: &WindowEvent<T>) -> usize {
        ((event.node().0 - self.first) >> self.bits) as usize
    }
}

impl<T: Tail> BlockSort<T> {
    pub(super) fn new() -> BlockSort<T> {
        let ranges = NodeRanges { first: 0, bits: 0 };
        BlockSort { sorted: Vec::new(), len: 0, ranges, places: Vec::new(), timers: 0 }
    }

    /// Begins a sort of `len` events of these nodes. Each is to be [counted](Self::count) before any is put.
    pub(super) fn begin(&mut self, nodes: &Range<u32>, len: usize) {
        (self.ranges, self.len, self.timers) = (NodeRanges::new(nodes, len), len, 0);
        if self.sorted.len() < len {
            self.sorted.resize(len, WindowEvent::blank());
        }
        self.places.clear();
        self.places.resize((nodes.len() >> self.ranges.bits) + 2, 0);
    }

    /// Counts events.
    #[inline]
    pub(super) fn count(&mut self, events: &[WindowEvent<T>]) {
        for event in events {
            self.places[self.ranges.of(event) + 1] += 1;
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
        for event in events {
            let place = &mut self.places[self.ranges.of(event)];
            self.sorted[*place as usize].overwrite(event.take());
            *place += 1;
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

    /// Ends the sort, once all events are put: sorts the events of each range, by insertion where there are few, as
    /// most have one or two.
    pub(super) fn end(&mut self) {
        let (ranges, sorted) = (self.ranges, &mut self.sorted[..self.len]);
        let mut end = 1;
        while end < sorted.len() {
            // The events of one range are together, and the ranges ascend, so that this is rare.
            if sorted[end].may_precede(&sorted[end - 1]) && !insert(sorted, end) {
                end = order_range(sorted, end, ranges);
            }
            end += 1;
        }
    }

    /// Returns the sorted events.
    #[inline]
    pub(super) fn sorted(&mut self) -> &mut [WindowEvent<T>] {
        &mut self.sorted[..self.len]
    }
}

/// Inserts the event at `end` among those before it, which are sorted. Gives up and returns false if it belongs far
/// before them; the events are then in no order but of the same range.
fn insert<T: Tail>(sorted: &mut [WindowEvent<T>], end: usize) -> bool {
    let first = end.saturating_sub(INSERTION_MAX);
    let mut here = end;
    while here > 0 && sorted[here - 1].compare(&sorted[here]).is_gt() {
        if here == first {
            return false;
        }
        sorted.swap(here - 1, here);
        here -= 1;
    }
    true
}

/// Sorts all events of the range that has the event at `place`; returns the place of the last of them.
fn order_range<T: Tail>(sorted: &mut [WindowEvent<T>], place: usize, ranges: NodeRanges) -> usize {
    let range = ranges.of(&sorted[place]);
    let before = sorted[..place].iter().rev().take_while(|event| ranges.of(event) == range).count();
    let after = sorted[place..].iter().take_while(|event| ranges.of(event) == range).count();
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
        /// Few and many events a node, with timers, and put in parts.
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
                sort.begin(&(first..first + nodes), messages.len() + timers.len());
                messages.chunks(part).chain(timers.chunks(part)).for_each(|some| sort.count(some));
                sort.count_ends();
                messages.chunks_mut(part).for_each(|some| sort.put(some));
                timers.chunks_mut(part).for_each(|some| sort.put_timers(some));
                sort.end();
                prop_assert_eq!(sort.sorted(), &expected[..]);
            }
        }
    }
}
