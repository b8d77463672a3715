//! Messages that a modelled network holds until their time: a timer wheel for later windows, and for the window that is
//! due a sorted queue, with a small heap beside it for messages that enter it out of order.
//!
//! A message leaves at its own time and never before; messages of one time leave in the order in which they entered.
//! The line grows with the messages under way; only runs with a modelled network have one.

use crate::message::{Message, MessageBatch, Tail};
use crate::time::{Calendar, Nanos};
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

/// The length of a window, as a power of two in nanoseconds: 65 μs, so that the wheel's 4,096 windows reach 268 ms
/// ahead and the heap stays small with a million messages under way.
const WINDOW_BITS: u32 = 16;

/// A message in the delay line.
#[derive(Clone, Debug)]
struct HeldMessage<T> {
    time: Nanos,
    /// Number of messages that entered before.
    number: u64,
    message: Message,
    tail: T,
}

impl<T> HeldMessage<T> {
    fn rank(&self) -> (Nanos, u64) {
        (self.time, self.number)
    }
}

impl<T> PartialEq for HeldMessage<T> {
    fn eq(&self, other: &HeldMessage<T>) -> bool {
        self.rank() == other.rank()
    }
}

impl<T> Eq for HeldMessage<T> {}

impl<T> PartialOrd for HeldMessage<T> {
    fn partial_cmp(&self, other: &HeldMessage<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for HeldMessage<T> {
    fn cmp(&self, other: &HeldMessage<T>) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// One worker's delay line.
pub(super) struct DelayLine<T> {
    /// Messages of later windows.
    wheel: Calendar<HeldMessage<T>>,
    /// The next window that holds a message.
    next_window: Option<u64>,
    /// The window that was opened last.
    open: u64,
    /// Messages of the open window and of earlier ones, ascending by time.
    soon: VecDeque<HeldMessage<T>>,
    /// Messages of the same windows that entered after a later message of `soon`.
    between: BinaryHeap<Reverse<HeldMessage<T>>>,
    /// Messages that are due, in order.
    due: Vec<Message>,
    /// Their times of departure.
    times: Vec<Nanos>,
    /// The words of their tails.
    tails: Vec<u64>,
    /// Messages and tail words of `due` that have left.
    left: (usize, usize),
    /// Messages that have entered.
    put: u64,
    /// Messages that have left.
    gone: u64,
}

impl<T: Tail> DelayLine<T> {
    /// Creates an empty delay line.
    pub(super) fn new() -> DelayLine<T> {
        DelayLine {
            wheel: Calendar::new(None),
            next_window: None,
            open: 0,
            soon: VecDeque::new(),
            between: BinaryHeap::new(),
            due: Vec::new(),
            times: Vec::new(),
            tails: Vec::new(),
            left: (0, 0),
            put: 0,
            gone: 0,
        }
    }

    /// Returns the bytes that its messages take.
    pub(super) fn bytes(&self) -> u64 {
        (self.put - self.gone) * size_of::<HeldMessage<T>>() as u64
    }

    /// Holds a message until `time`.
    #[inline]
    pub(super) fn put(&mut self, time: Nanos, message: Message, tail: T) {
        let held = HeldMessage { time, number: self.put, message, tail };
        self.put += 1;
        let window = time.0 >> WINDOW_BITS;
        if window <= self.open {
            // Messages of one latency enter in order, so nearly all join the end of the sorted queue.
            match self.soon.back() {
                Some(last) if last.time > time => self.between.push(Reverse(held)),
                _ => self.soon.push_back(held),
            }
        } else {
            self.wheel.put(window, held);
            self.next_window = Some(self.next_window.map_or(window, |next| next.min(window)));
        }
    }

    /// Returns the messages that leave by `now`, `most` at a time. A caller that sends some of them reports it to
    /// [`take`](Self::take).
    pub(super) fn due(&mut self, now: Nanos, most: usize) -> MessageBatch<'_> {
        // Refilled only when all have left, so that a blocked carrier is offered the same messages again.
        if self.left.0 == self.due.len() {
            self.due.clear();
            self.times.clear();
            self.tails.clear();
            self.left = (0, 0);
            while self.due.len() < most
                && let Some(HeldMessage { time, message, tail, .. }) = self.next_by(now)
            {
                self.due.push(message);
                self.times.push(time);
                self.tails.extend_from_slice(tail.words());
            }
        }
        MessageBatch { messages: &self.due[self.left.0..], tails: &self.tails[self.left.1..] }
    }

    /// Removes the first `count` of the messages that are due, and returns the time at which each was to leave.
    pub(super) fn take(&mut self, count: usize) -> &[Nanos] {
        let (left, words) = self.left;
        let messages = &self.due[left..left + count];
        self.left = (left + count, words + messages.iter().map(|message| usize::from(message.tail)).sum::<usize>());
        self.gone += count as u64;
        &self.times[left..left + count]
    }

    /// Returns the time at which the next message is to leave, or a time shortly before: a window that is not open yet
    /// counts from its first instant.
    #[inline]
    pub(super) fn next_due(&self) -> Option<Nanos> {
        if self.left.0 < self.due.len() {
            // Overdue: any instant in the past makes the worker offer them in its next turn.
            return Some(Nanos::ZERO);
        }
        let soon = self.first_soon().map(|held| held.time);
        soon.or(self.next_window.map(|window| Nanos(window << WINDOW_BITS)))
    }

    /// Returns the number of messages that have entered.
    pub(super) fn entered(&self) -> u64 {
        self.put
    }

    /// Returns the number of messages it holds.
    #[inline]
    pub(super) fn len(&self) -> u64 {
        self.put - self.gone
    }

    /// Removes the next message if its time has come.
    #[inline]
    fn next_by(&mut self, now: Nanos) -> Option<HeldMessage<T>> {
        if self.first_soon().is_none() {
            self.open_next(now)?;
        }
        let &HeldMessage { time, number, .. } = self.first_soon()?;
        if time > now {
            return None;
        }
        match self.soon.front() {
            Some(held) if held.number == number => self.soon.pop_front(),
            _ => self.between.pop().map(|Reverse(held)| held),
        }
    }

    /// Returns the first message of the open windows.
    #[inline]
    fn first_soon(&self) -> Option<&HeldMessage<T>> {
        let between = self.between.peek().map(|Reverse(held)| held);
        self.soon.front().into_iter().chain(between).min()
    }

    /// Opens the next window that holds a message, if it has begun.
    fn open_next(&mut self, now: Nanos) -> Option<()> {
        let window = self.next_window.filter(|window| window << WINDOW_BITS <= now.0)?;
        let mut items = Vec::new();
        self.wheel.take(window, &mut items);
        // An unstable sort suffices, because no two messages have equal ranks.
        items.sort_unstable();
        self.soon.extend(items.drain(..));
        self.wheel.give_back(items);
        self.open = window;
        self.next_window = self.wheel.next();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{NodeId, OrderIndex};
    use crate::message::{Kind, OrderHop};
    use proptest::prelude::*;

    fn message(number: u32) -> Message {
        let order_hop = OrderHop { order: OrderIndex(0), ttl: 1, hop: 1 };
        order_hop.message_with(Kind::HAVE, NodeId(number), NodeId(0), words(number).len() as u8)
    }

    /// Returns the tail of a message: its number, `number` times.
    fn words(number: u32) -> Vec<u64> {
        vec![u64::from(number); number as usize % 3]
    }

    /// Spans as they come: none, within a window, some windows, and beyond the wheel.
    fn spans() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), 0..200_u64, 0..1_000_000_u64, 0..2_000_000_000_u64]
    }

    proptest! {
        #[test]
        fn all_leave_at_their_time_in_order_whatever_the_carrier_takes(
            turns in prop::collection::vec(
                (spans(), prop::collection::vec(spans(), 0..6), 0..9_usize, 1..9_usize), 1..60,
            ),
        ) {
            let (mut line, mut model) = (DelayLine::<Box<[u64]>>::new(), Vec::<(u64, u32)>::new());
            let (mut now, mut number) = (0, 0);
            for (passed, latencies, taken, most) in turns {
                now += passed;
                for latency in latencies {
                    line.put(Nanos(now + latency), message(number), words(number).into());
                    model.push((now + latency, number));
                    number += 1;
                }
                model.sort_unstable();
                if let Some(&(first, _)) = model.first() {
                    prop_assert!(line.next_due().unwrap() <= Nanos(first));
                }
                let due = line.due(Nanos(now), most).iter();
                prop_assert!(due.clone().all(|(message, tail)| tail == words(message.from.0)));
                let due: Vec<u32> = due.map(|(message, _)| message.from.0).collect();
                let expected = model.iter().take_while(|&&(time, _)| time <= now).map(|&(_, number)| number);
                // What an earlier turn offered and nobody took may be all that is offered now.
                let expected: Vec<u32> = expected.take(due.len()).collect();
                prop_assert_eq!(&due, &expected);
                prop_assert_eq!(due.is_empty(), model.first().is_none_or(|&(time, _)| time > now));
                let taken = taken.min(due.len());
                let times: Vec<u64> = line.take(taken).iter().map(|time| time.0).collect();
                prop_assert_eq!(times, model.drain(..taken).map(|(time, _)| time).collect::<Vec<u64>>());
                prop_assert_eq!(line.len(), model.len() as u64);
                prop_assert_eq!(line.next_due().is_none(), model.is_empty());
            }
        }
    }

    #[test]
    fn what_is_offered_and_not_taken_keeps_its_place() {
        let mut line = DelayLine::new();
        let put = |line: &mut DelayLine<Box<[u64]>>, number| line.put(Nanos(5), message(number), words(number).into());
        (0..3).for_each(|number| put(&mut line, number));
        assert!(line.due(Nanos(4), 9).messages.is_empty());
        assert_eq!(line.due(Nanos(5), 2).messages, [message(0), message(1)]);
        line.take(1);
        put(&mut line, 3);
        assert_eq!(line.due(Nanos(6), 9).messages, [message(1)]);
        assert_eq!(line.len(), 3);
        line.take(1);
        assert_eq!(line.due(Nanos(6), 9).messages, [message(2), message(3)]);
    }
}
