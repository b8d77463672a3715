//! Any protocol, one event after another in the order (time, round, sender, sequence): for a network whose least
//! latency is 0, where no two nodes can be handled apart. Slower, and on one worker whatever was asked for.
//!
//! A message that takes no time belongs to the next round of its instant, so that no latency at all is what ever
//! smaller latencies come to: whatever is on its way at an instant goes one hop before any of it goes two.
//!
//! With a floor it gives what the windows give, and the tests hold them to it.

use super::EngineSetup;
use super::pending_event::{EventRank, PendingEvent};
use super::shard::VirtualShard;
use super::shard_outcome::EndedRun;
use crate::protocol::{Protocol, ProtocolState};
use crate::record::End;
use crate::sync::Lookout;
use crate::threads::Progress;
use crate::time::Nanos;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Events handled between two reports of progress.
const TELL_EVERY: u64 = 65_536;

/// Bytes in one step of the memory accounting, a power of two.
const WEIGHED: u64 = if cfg!(test) { 1 << 10 } else { 1 << 20 };

/// Messages under way, the next one first.
struct EventQueue<T> {
    /// The rank that decides the order, and the place where the message is stored.
    ranks: BinaryHeap<Reverse<(EventRank, u32)>>,
    stored: Vec<Option<PendingEvent<T>>>,
    vacant: Vec<u32>,
    /// Messages that are not upkeep: while there are any, the run goes on.
    holding: u64,
}

/// Runs to the end.
pub(super) fn run<P: Protocol>(setup: &EngineSetup<'_>, protocol: &P) -> EndedRun {
    setup.observer.loop_entered(0);
    let mut shard = VirtualShard::new(setup, 0..setup.topology.nodes());
    let mut state = protocol.for_shard(&shard.view);
    let mut queue: EventQueue<P::Tail> =
        EventQueue { ranks: BinaryHeap::new(), stored: Vec::new(), vacant: Vec::new(), holding: 0 };
    let mut publications = setup.workload.publications().iter().peekable();
    let mut short = setup.workload.orders();
    let mut reached = vec![0; short as usize];
    let mut limit = setup.deadline();
    let (mut end, mut last_event) = (End::Quiescent, Nanos::ZERO);
    let (mut lookout, mut held) = (Lookout::new(setup.interrupt), 0);
    if P::STARTS {
        shard.start(&mut state);
        shard.outgoing.drain(..).for_each(|pending| queue.push(pending));
        shard.book(Nanos::MAX);
    }
    for event in 1_u64.. {
        let due = publications.peek().map(|publication| publication.due);
        let arrives = queue.next_time();
        let wakes = shard.next_timeout();
        // Times that are asked for keep no run going, unless an answer is awaited.
        let was_idle = state.is_idle();
        let is_held = due.is_some() || queue.holding > 0 || !was_idle;
        let Some(time) = [due, arrives, wakes].into_iter().flatten().min() else { break };
        // Upkeep at the very instant of the last event still counts, as in a window.
        if !is_held && (!P::HAS_UPKEEP || time > last_event) {
            break;
        }
        if time > limit {
            if end == End::Quiescent {
                (end, last_event) = (End::Timeout, limit);
            }
            break;
        }
        if event.is_multiple_of(TELL_EVERY) {
            // What left before this event does so whatever ends the run.
            shard.book_departures(last_event);
            let reached = reached.iter().sum();
            setup.observer.progressed(&Progress { reached, time: last_event, messages: shard.received() });
        }
        // Of one instant publications come first, then times, then messages.
        if let Some(publication) = publications.next_if(|publication| publication.due == time) {
            last_event = time;
            shard.publish(&mut state, publication);
        } else if let Some(fired) = shard.fire_timer(&mut state, time) {
            // What an idle shard does at a time that it asked for is upkeep.
            let counts = if P::HAS_UPKEEP { !was_idle } else { fired.is_event };
            last_event = if counts { time } else { last_event };
        } else if let Some(pending) = queue.pop() {
            if !(P::HAS_UPKEEP && pending.message.kind.is_upkeep() && was_idle) {
                last_event = time;
            }
            shard.handle(&mut state, &pending);
        }
        let sent = shard.outgoing.len() as u64;
        for pending in shard.outgoing.drain(..) {
            queue.push(pending);
        }
        for (order, _) in shard.fresh() {
            let reached = &mut reached[order.index()];
            *reached += 1;
            short -= u32::from(*reached == setup.goal);
            if short == 0 && setup.ends_at_target && end == End::Quiescent {
                // What else happens at this very instant still counts.
                (end, limit) = (End::Target, time);
            }
        }
        shard.book(Nanos::MAX);
        let is_over = match lookout.work(1 + sent) {
            Err(_) => Some(End::Interrupted),
            Ok(()) => {
                let now = queue.bytes() & !(WEIGHED - 1);
                (now != held && !setup.allowance.hold(&mut held, now)).then_some(End::OutOfMemory)
            }
        };
        if let Some(over) = is_over.filter(|_| end == End::Quiescent) {
            end = over;
            break;
        }
    }
    setup.observer.loop_left(0);
    if end == End::Quiescent {
        // Nothing arrives any more, but what is lost on its way has to leave first.
        let left = shard.last_departure();
        (end, last_event) = if left > limit { (End::Timeout, limit) } else { (end, last_event.max(left)) };
    }
    queue.pending_events().for_each(|pending| shard.leave(pending, last_event));
    if end != End::Target {
        shard.leave_named::<P>(&state, queue.pending_events());
    }
    EndedRun { end, at: last_event, homes: vec![shard.close(last_event)] }
}

impl<T> EventQueue<T> {
    fn next_time(&self) -> Option<Nanos> {
        self.ranks.peek().map(|Reverse((rank, _))| rank.0)
    }

    /// Returns the bytes that the queue takes.
    fn bytes(&self) -> u64 {
        let each = size_of::<Option<PendingEvent<T>>>() + size_of::<Reverse<(EventRank, u32)>>();
        (self.stored.len() * each) as u64
    }

    /// Whatever is left.
    fn pending_events(&self) -> impl Iterator<Item = &PendingEvent<T>> {
        self.ranks.iter().filter_map(|Reverse((_, place))| self.stored[*place as usize].as_ref())
    }

    fn push(&mut self, pending: PendingEvent<T>) {
        let rank = pending.rank();
        self.holding += u64::from(!pending.message.kind.is_upkeep());
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

    fn pop(&mut self) -> Option<PendingEvent<T>> {
        let Reverse((_, place)) = self.ranks.pop()?;
        self.vacant.push(place);
        let pending = self.stored[place as usize].take()?;
        self.holding -= u64::from(!pending.message.kind.is_upkeep());
        Some(pending)
    }
}
