//! Runs any protocol one event after another, in the order (time, round, sender, sequence): for a network whose minimum
//! latency is 0, on which no two nodes can be handled independently. It is slower than windows, and uses one worker
//! regardless of the number requested.
//!
//! A message without latency belongs to the next round of its instant, so that a latency of 0 is the limit of ever
//! smaller latencies: every message of an instant travels one hop before any of them travels two.
//!
//! On a network with a minimum latency above 0 it gives the same outcome as windows, which the tests check.

use super::EngineSetup;
use super::moving_target::MovingTarget;
use super::pending_event::{EventRank, EventSink, EventStage, PendingEvent};
use super::shard::VirtualShard;
use super::shard_outcome::EndedRun;
use super::stamped_tail::StampedTail;
use crate::ids::NodeId;
use crate::message::{Message, Tail};
use crate::protocol::{Protocol, ProtocolState};
use crate::record::End;
use crate::sync::Lookout;
use crate::threads::Progress;
use crate::time::{Nanos, TimerHeap};
use crate::workload::Publication;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::convert::Infallible;
use std::iter::Peekable;
use std::slice::Iter;

/// Events handled between two reports of progress.
const EVENTS_PER_REPORT: u64 = 65_536;

/// Messages under way and timers, the next one first.
struct EventQueue<T> {
    /// The rank that determines the order, and the index at which the message is stored.
    ranks: BinaryHeap<Reverse<(EventRank, u32)>>,
    stored: Vec<Option<PendingEvent<T>>>,
    vacant: Vec<u32>,
    /// Messages other than upkeep: while there are any, the run goes on.
    holding: u64,
    /// Messages taken in since the last look.
    fresh: u64,
    timers: TimerHeap<true>,
}

/// A run that handles one event after another.
struct SequentialRun<'a, P: Protocol, T: Tail> {
    setup: &'a EngineSetup<'a>,
    shard: VirtualShard<'a, EventQueue<T>>,
    protocol: &'a P,
    state: P::State,
    publications: Peekable<Iter<'a, Publication>>,
    /// Number of orders that have not reached their target.
    short: u32,
    /// Nodes that each order has reached.
    reached: Vec<u64>,
    /// The last instant whose events count.
    limit: Nanos,
    /// The target, if nodes come and go.
    moving: Option<MovingTarget<'a>>,
    end: End,
    last_event: Nanos,
    /// The time at which the last copy other than upkeep left an uplink that it shared.
    last_left: Nanos,
    lookout: Lookout<'a>,
    /// Bytes that are held for messages under way.
    held: u64,
}

/// Runs to the end.
pub(super) fn run<P: Protocol>(setup: &EngineSetup<'_>, protocol: &P) -> EndedRun {
    run_with::<P, P::Tail>(setup, protocol)
}

/// Runs to the end with a trace.
pub(super) fn run_traced<P: Protocol>(setup: &EngineSetup<'_>, protocol: &P) -> EndedRun {
    run_with::<P, StampedTail<P::Tail>>(setup, protocol)
}

fn run_with<P: Protocol, T: Tail>(setup: &EngineSetup<'_>, protocol: &P) -> EndedRun {
    setup.observer.loop_entered(0);
    let mut run = SequentialRun::<P, T>::new(setup, protocol);
    if protocol.watches_peers() {
        run.shard.watch_peers();
    }
    if protocol.starts() {
        run.shard.start(&mut run.state);
    }
    for event in 1_u64.. {
        let Some(time) = run.next_time() else { break };
        if event.is_multiple_of(EVENTS_PER_REPORT) {
            run.report_progress();
        }
        // The first event of an instant completes all instants before it.
        if time > Nanos::ZERO && run.ends_at_moving_target(Nanos(time.0 - 1)) {
            break;
        }
        run.handle_next(time);
        run.count_receipts(time);
        if run.is_cut_short() {
            break;
        }
    }
    setup.observer.loop_left(0);
    run.close()
}

impl<'a, P: Protocol, T: Tail> SequentialRun<'a, P, T> {
    fn new(setup: &'a EngineSetup<'a>, protocol: &'a P) -> SequentialRun<'a, P, T> {
        let nodes = 0..setup.topology.nodes();
        let mut shard = VirtualShard::new(setup, nodes.clone(), EventQueue::new());
        let Ok(moving) = MovingTarget::new(setup, nodes, |_| Ok::<(), Infallible>(()));
        shard.is_tentative = moving.is_some();
        let orders = setup.workload.orders();
        SequentialRun {
            setup,
            protocol,
            state: protocol.for_shard(&shard.view),
            shard,
            publications: setup.workload.publications().iter().peekable(),
            short: orders,
            reached: vec![0; orders as usize],
            limit: setup.deadline(),
            moving,
            end: End::Quiescent,
            last_event: Nanos::ZERO,
            last_left: Nanos::ZERO,
            lookout: Lookout::new(setup.interrupt),
            held: 0,
        }
    }

    /// Returns the time of the next event, or `None` if the run has come to rest or to its limit.
    fn next_time(&mut self) -> Option<Nanos> {
        self.depart();
        let is_held = self.is_held();
        let time = [self.next_event(), self.shard.next_departure()].into_iter().flatten().min()?;
        // Upkeep at the very instant of the last event still counts, as in a window.
        if !is_held && (!self.protocol.has_upkeep() || time > self.last_event.max(self.last_left)) {
            return None;
        }
        if time > self.limit {
            if self.end == End::Quiescent {
                (self.end, self.last_event) = (End::Timeout, self.limit);
            }
            return None;
        }
        Some(time)
    }

    /// Returns the time of the next publication, arrival or timer.
    fn next_event(&mut self) -> Option<Nanos> {
        let due = self.publications.peek().map(|publication| publication.due);
        let (arrives, fires) = (self.shard.sink.next_time(), self.shard.sink.timers.next_due());
        [due, arrives, fires].into_iter().flatten().min()
    }

    /// Returns true if the run goes on. Timers keep no run going, unless an answer is awaited or the run has an instant
    /// to end at.
    fn is_held(&mut self) -> bool {
        let is_coming = self.publications.peek().is_some() || self.shard.sink.holding > 0;
        is_coming || self.shard.holds_departures() || !self.state.is_idle() || self.setup.ends_at_instant
    }

    /// Lets the copies leave shared uplinks that do so before the next event, and by the end. What arrives of them may
    /// be the next event.
    fn depart(&mut self) {
        while let Some(time) = self.shard.next_departure() {
            let next = self.next_event().unwrap_or(Nanos::MAX);
            if time > next.min(self.limit) || !self.is_held() {
                break;
            }
            self.shard.depart(time);
            self.last_left = self.shard.last_departure();
        }
    }

    /// Reports the progress of the run to the observer.
    fn report_progress(&mut self) {
        // Departures before this event are final, however the run ends.
        self.shard.book_departures(self.last_event);
        let progress =
            Progress { reached: self.reached.iter().sum(), time: self.last_event, messages: self.shard.received() };
        self.setup.observer.progressed(&progress);
    }

    /// Handles one event of the instant `time`: its publications come first, then its timers, then its messages.
    fn handle_next(&mut self, time: Nanos) {
        self.shard.count_until(time);
        let awaited = self.state.awaited();
        let is_event = if let Some(publication) = self.publications.next_if(|publication| publication.due == time) {
            self.shard.publish(&mut self.state, publication);
            true
        } else if let Some((_, node, token)) = self.shard.sink.timers.take_due(time) {
            // A timer of a protocol with upkeep is upkeep, unless it changes what is awaited.
            self.shard.fire_timer(&mut self.state, node, time, token) && !self.protocol.has_upkeep()
        } else if let Some(pending) = self.shard.sink.pop() {
            self.shard.handle(&mut self.state, &pending);
            !pending.message.kind.is_upkeep()
        } else {
            false
        };
        if is_event || self.protocol.has_upkeep() && self.state.awaited() != awaited {
            self.last_event = time;
        }
    }

    /// Counts the first receipts of the last event. The run ends at this instant once all orders have their target.
    fn count_receipts(&mut self, time: Nanos) {
        for (order, count) in self.shard.new_receipts.drain() {
            let reached = &mut self.reached[order.index()];
            let before = std::mem::replace(reached, *reached + count);
            self.short -= u32::from(before < self.setup.goal && *reached >= self.setup.goal);
            if self.short == 0 && self.setup.ends_at_target && self.end == End::Quiescent {
                // Other events of this very instant still count.
                (self.end, self.limit) = (End::Target, time);
            }
        }
    }

    /// Ends the run if its target moves and is reached by `to`; all events up to that instant have been handled.
    fn ends_at_moving_target(&mut self, to: Nanos) -> bool {
        let Some(moving) = self.moving.as_mut().filter(|moving| !moving.is_examined(to)) else { return false };
        let shard = &self.shard;
        let received = |order, node| shard.received_at(order, node);
        let Ok(at) = moving.advance(to, shard.journaled_firsts(), received, |_| Ok::<(), Infallible>(()));
        // At the target or after it, no event has been handled that comes later than it.
        self.shard.book(Nanos::MAX);
        let Some(at) = at else { return false };
        (self.end, self.last_event) = (End::Target, at);
        true
    }

    /// Returns true if an interrupt or a lack of memory ends the run now.
    fn is_cut_short(&mut self) -> bool {
        let units = 1 + std::mem::take(&mut self.shard.sink.fresh);
        let cause = match self.lookout.work(units) {
            Err(_) => Some(End::Interrupted),
            // The failure is reported in place of the run.
            Ok(()) if self.shard.trace_has_failed() => Some(End::Interrupted),
            Ok(()) => {
                let bytes = self.shard.sink.bytes() + self.shard.journal_bytes();
                let is_enough = self.setup.allowance.hold_in_steps(&mut self.held, bytes);
                (!is_enough).then_some(End::OutOfMemory)
            }
        };
        // A run that has reached its target still has to finish its last instant.
        let Some(cause) = cause.filter(|_| self.end == End::Quiescent) else { return false };
        self.end = cause;
        true
    }

    /// Counts the messages that are left, and hands over all counts.
    fn close(mut self) -> EndedRun {
        if self.end == End::Quiescent {
            // No message arrives after the end, but one that will be lost on its way has to leave its uplink first.
            let (left, limit) = (self.shard.last_departure(), self.limit);
            let end = (self.end, self.last_event.max(left));
            (self.end, self.last_event) = if left > limit { (End::Timeout, limit) } else { end };
        }
        (self.end, self.last_event) = self.setup.end_as_asked(self.end, self.last_event);
        if matches!(self.end, End::Quiescent | End::Timeout) {
            self.ends_at_moving_target(self.last_event);
        }
        let SequentialRun { mut shard, mut state, end, last_event, .. } = self;
        // Upkeep that leaves at the very end has left.
        shard.depart(last_event);
        shard.leave();
        if end != End::Target {
            shard.leave_named(&state);
        }
        shard.settled_peers = state.take_settled_peers();
        EndedRun { end, at: last_event, outcomes: vec![shard.close(last_event)] }
    }
}

impl<T> EventQueue<T> {
    fn new() -> EventQueue<T> {
        EventQueue {
            ranks: BinaryHeap::new(),
            stored: Vec::new(),
            vacant: Vec::new(),
            holding: 0,
            fresh: 0,
            timers: TimerHeap::default(),
        }
    }

    fn next_time(&self) -> Option<Nanos> {
        self.ranks.peek().map(|Reverse((rank, _))| rank.0)
    }

    /// Returns the bytes that the queue takes.
    fn bytes(&self) -> u64 {
        let each = size_of::<Option<PendingEvent<T>>>() + size_of::<Reverse<(EventRank, u32)>>();
        (self.stored.len() * each) as u64
    }

    fn pop(&mut self) -> Option<PendingEvent<T>> {
        let Reverse((_, place)) = self.ranks.pop()?;
        self.vacant.push(place);
        let pending = self.stored[place as usize].take()?;
        self.holding -= u64::from(!pending.message.kind.is_upkeep());
        Some(pending)
    }
}

impl<T: Tail> EventSink for EventQueue<T> {
    type Tail = T;

    fn put(&mut self, pending: PendingEvent<T>) {
        let rank = pending.rank();
        self.fresh += 1;
        self.holding += u64::from(!pending.message.kind.is_upkeep());
        // Places are reused, so that the memory is that of the messages under way and not of all messages.
        let place = match self.vacant.pop() {
            Some(place) => {
                self.stored[place as usize] = Some(pending);
                place
            }
            None => {
                self.stored.push(Some(pending));
                self.stored.len() as u32 - 1
            }
        };
        self.ranks.push(Reverse((rank, place)));
    }

    fn put_timer(&mut self, at: Nanos, node: NodeId, token: u64) {
        self.timers.request(at, node, token);
    }

    fn for_each_pending(&self, mut each: impl FnMut(&Message, u32, EventStage, &T)) {
        for pending in self.stored.iter().flatten() {
            each(&pending.message, pending.sequence, pending.stage, &pending.tail);
        }
    }
}
