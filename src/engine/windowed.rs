//! Any protocol, window by window: each worker handles its nodes' messages of a window in their order, then all meet.

use super::exchange::{
    Decision, Exchange, ExchangeBroken, ExchangeEnd, GlobalState, WindowReport, run_shards, target_time,
};
use super::pending_event::{EventRank, PendingEvent};
use super::shard::VirtualShard;
use super::shard_outcome::{EndedRun, ShardOutcome};
use super::window_length::WindowLength;
use super::{EngineError, EngineSetup};
use crate::ids::OrderIndex;
use crate::protocol::{Protocol, ProtocolState};
use crate::record::End;
use crate::sync::Lookout;
use crate::time::{Calendar, Nanos};
use crate::workload::Publication;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::vec::IntoIter;

/// Messages between the prefetch of an event's memory and its handling.
const AHEAD: usize = 8;

/// Bytes in one step of the memory accounting, a power of two.
const WEIGHED: u64 = if cfg!(test) { 1 << 10 } else { 1 << 20 };

/// Runs to the end. The network must have a floor.
pub(super) fn run<P: Protocol>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    exchange: &impl Exchange<PendingEvent<P::Tail>>,
) -> Result<EndedRun, EngineError> {
    let outcomes = run_shards(setup, exchange, exchange.shards(), |shard, end, _| {
        WindowedWorker::new(setup, end, shard, protocol).run()
    })?;
    let (end, at) = outcomes.first().map_or((End::Quiescent, Nanos::ZERO), |outcome| (outcome.0, outcome.1));
    Ok(EndedRun { end, at, outcomes: outcomes.into_iter().map(|outcome| outcome.2).collect() })
}

/// One worker.
struct WindowedWorker<'a, P: Protocol, E> {
    setup: &'a EngineSetup<'a>,
    exchange: E,
    index: usize,
    state: P::State,
    shard: VirtualShard<'a, P::Tail>,
    /// Messages that arrive at nodes of this shard.
    calendar: Calendar<PendingEvent<P::Tail>>,
    /// Upkeep that arrives at nodes of this shard, which holds no run open; empty if the protocol has none.
    upkeep: Calendar<PendingEvent<P::Tail>>,
    /// Messages that leave for other shards, by worker.
    out: Vec<Vec<PendingEvent<P::Tail>>>,
    /// The next window of anything in `out`.
    out_next: Option<u64>,
    /// The same of upkeep.
    out_upkeep_next: Option<u64>,
    /// Publications of its nodes that are still to come.
    publications: Peekable<IntoIter<Publication>>,
    width: WindowLength,
    deadline: Nanos,
    last_event: Nanos,
    /// The window that is being handled, and what came up in it that is due within it, in its order.
    window: u64,
    soon: BTreeMap<(EventRank, u64), PendingEvent<P::Tail>>,
    /// Number of items brought up so far, which orders items of equal rank.
    brought_up: u64,
    /// Messages of the last window that come after the time limit, or that nobody came to.
    late: Vec<PendingEvent<P::Tail>>,
    /// Polls the interrupt; and the reason why a window was abandoned midway.
    lookout: Lookout<'a>,
    cut_short: Option<End>,
    /// Messages in the calendar, in the window that is handled, and for others; and the bytes that are held for all
    /// that is under way.
    stored: u64,
    held: u64,
    fresh: NewReceiptCounts,
}

impl<'a, P: Protocol, E: ExchangeEnd<PendingEvent<P::Tail>>> WindowedWorker<'a, P, E> {
    fn new(setup: &'a EngineSetup<'a>, exchange: E, index: usize, protocol: &P) -> WindowedWorker<'a, P, E> {
        let nodes = setup.partition.shard(index);
        let width = WindowLength::new(setup.network.floor());
        let own = setup.workload.publications().iter().filter(|publication| nodes.contains(&publication.origin.0));
        let own: Vec<Publication> = own.copied().collect();
        let shard = VirtualShard::new(setup, nodes);
        let reach = setup.network.ceiling().map(|ceiling| width.window(ceiling));
        WindowedWorker {
            setup,
            exchange,
            index,
            state: protocol.for_shard(&shard.view),
            shard,
            calendar: Calendar::new(reach),
            upkeep: Calendar::new(if P::HAS_UPKEEP { reach } else { Some(0) }),
            out: (0..setup.partition.workers()).map(|_| Vec::new()).collect(),
            out_next: None,
            out_upkeep_next: None,
            publications: own.into_iter().peekable(),
            width,
            deadline: setup.deadline(),
            last_event: Nanos::ZERO,
            window: 0,
            soon: BTreeMap::new(),
            brought_up: 0,
            late: Vec::new(),
            lookout: Lookout::new(setup.interrupt),
            cut_short: None,
            stored: 0,
            held: 0,
            fresh: NewReceiptCounts::new(setup.workload.orders() as usize),
        }
    }

    fn run(mut self) -> Result<(End, Nanos, ShardOutcome), ExchangeBroken> {
        let EngineSetup { workload, goal, ends_at_target, .. } = *self.setup;
        let mut state = GlobalState::new(workload.orders(), goal, ends_at_target, self.deadline, self.width);
        let mut window = workload.publications().first().map_or(0, |publication| self.width.window(publication.due));
        if P::STARTS {
            window = 0;
            self.shard.start(&mut self.state);
            self.route();
        }
        loop {
            self.handle(window);
            let report = self.report();
            self.stored -= self.out.iter().map(Vec::len).sum::<usize>() as u64;
            self.exchange.send(&mut self.out);
            let report = self.exchange.meet(report)?;
            let (calendar, upkeep) = (&mut self.calendar, &mut self.upkeep);
            let (width, stored) = (self.width, &mut self.stored);
            self.exchange.receive(|items| {
                *stored += items.len() as u64;
                for pending in items.drain(..) {
                    let calendar = if is_upkeep::<P>(&pending) { &mut *upkeep } else { &mut *calendar };
                    calendar.put(width.window(pending.time), pending);
                }
            });
            let decision = state.decide(&report);
            if self.index == 0 {
                self.setup.observer.progressed(state.progress());
            }
            match decision {
                Decision::On(next) => {
                    self.shard.book(Nanos::MAX);
                    // No run ends before the last event of a window that it goes on from.
                    self.shard.book_departures(state.progress().time);
                    window = next;
                }
                Decision::Target(crossing) => {
                    let within = self.width.start(window)..=self.width.end(window);
                    let at = target_time(&mut self.exchange, &crossing, self.shard.fresh(), within)?;
                    return Ok((End::Target, at, self.close(at)));
                }
                Decision::Ended(end, at) | Decision::CutShort(end, at) => {
                    let pending_events = self.calendar.iter().chain(self.upkeep.iter()).chain(&self.late);
                    self.shard.leave_named::<P>(&self.state, pending_events);
                    return Ok((end, at, self.close(at)));
                }
            }
        }
    }

    /// Handles a window's messages, and what its nodes publish in it, up to the time limit.
    fn handle(&mut self, window: u64) {
        let mut pending_events = Vec::new();
        self.calendar.take(window, &mut pending_events);
        if P::HAS_UPKEEP {
            let mut upkeep = Vec::new();
            self.upkeep.take(window, &mut upkeep);
            pending_events.append(&mut upkeep);
        }
        pending_events.sort_unstable_by_key(PendingEvent::rank);
        let taken = pending_events.len() as u64;
        let in_time = pending_events.partition_point(|pending| pending.time <= self.deadline);
        self.late = pending_events.split_off(in_time);
        self.window = window;
        let (mut position, end) = (0, self.width.end(window).min(self.deadline));
        loop {
            if self.cut_short.is_some() {
                self.late.extend(pending_events.drain(position..).chain(std::mem::take(&mut self.soon).into_values()));
                break;
            }
            let listed = pending_events.get(position);
            let soon = self.soon.first_key_value().map(|(&(rank, _), _)| rank);
            let is_soon = soon.is_some_and(|soon| listed.is_none_or(|listed| soon < listed.rank()));
            let due = if is_soon { soon.map(|rank| rank.0) } else { listed.map(|pending| pending.time) };
            if self.catch_up(due.unwrap_or(end)) {
                // That may have brought up what comes first.
                continue;
            }
            match (self.soon.first_entry().filter(|_| is_soon), listed) {
                (Some(entry), _) => {
                    let pending = entry.remove();
                    self.handle_one(&pending);
                }
                (None, Some(pending)) => {
                    if let Some(ahead) = pending_events.get(position + AHEAD) {
                        self.shard.prefetch(ahead);
                    }
                    position += 1;
                    self.handle_one(pending);
                }
                (None, None) => break,
            }
        }
        self.stored -= taken;
    }

    fn handle_one(&mut self, pending: &PendingEvent<P::Tail>) {
        if !is_upkeep::<P>(pending) || !self.state.is_idle() {
            self.last_event = pending.time;
        }
        self.shard.handle(&mut self.state, pending);
        self.route();
    }

    /// Does the first thing that is due by then, before any message of the same time: of one instant what is published
    /// comes first, then the times that nodes have asked for.
    fn catch_up(&mut self, time: Nanos) -> bool {
        let asked = self.shard.next_timeout();
        let is_first =
            |publication: &Publication| publication.due <= time && asked.is_none_or(|at| publication.due <= at);
        if let Some(publication) = self.publications.next_if(is_first) {
            self.last_event = publication.due;
            self.shard.publish(&mut self.state, &publication);
            self.route();
            return true;
        }
        // What an idle shard does at a time that it asked for is upkeep.
        let was_idle = P::HAS_UPKEEP && self.state.is_idle();
        let Some(fired) = self.shard.fire_timer(&mut self.state, time) else { return false };
        if !was_idle && (P::HAS_UPKEEP || fired.is_event) {
            self.last_event = fired.at;
        }
        if fired.is_event {
            self.route();
        }
        true
    }

    /// Returns the next window with a timer.
    fn next_wake(&self) -> Option<u64> {
        self.shard.next_timeout().map(|time| self.width.window(time))
    }

    /// Returns the next window with an event that holds no run open: a timer, or upkeep.
    fn next_unheld(&mut self) -> Option<u64> {
        let upkeep = if P::HAS_UPKEEP { [self.upkeep.next(), self.out_upkeep_next.take()] } else { [None; 2] };
        upkeep.into_iter().flatten().chain(self.next_wake()).min()
    }

    /// Brings what was sent on its way.
    fn route(&mut self) {
        let partition = self.setup.partition;
        self.look(1 + self.shard.outgoing.len() as u64);
        for pending in self.shard.outgoing.drain(..) {
            let window = self.width.window(pending.time);
            match partition.owner(pending.message.to) {
                // No message is as soon; what a node has before it is.
                _ if window == self.window && pending.time > self.deadline => self.late.push(pending),
                _ if window == self.window => {
                    self.brought_up += 1;
                    self.soon.insert((pending.rank(), self.brought_up), pending);
                }
                owner if owner == self.index => {
                    self.stored += 1;
                    let calendar = if is_upkeep::<P>(&pending) { &mut self.upkeep } else { &mut self.calendar };
                    calendar.put(window, pending);
                }
                owner => {
                    self.stored += 1;
                    let next = if is_upkeep::<P>(&pending) { &mut self.out_upkeep_next } else { &mut self.out_next };
                    *next = Some(next.map_or(window, |next| next.min(window)));
                    self.out[owner].push(pending);
                }
            }
        }
    }

    /// Looks whether the user wants to end, and whether what is under way outgrows its memory.
    fn look(&mut self, messages: u64) {
        if self.lookout.work(messages).is_err() {
            self.cut_short = Some(End::Interrupted);
        }
        let pending_events = self.stored + self.soon.len() as u64;
        let now = pending_events * size_of::<PendingEvent<P::Tail>>() as u64 + self.shard.journal_bytes();
        let now = now & !(WEIGHED - 1);
        if now != self.held && !self.setup.allowance.hold(&mut self.held, now) {
            self.cut_short = self.cut_short.or(Some(End::OutOfMemory));
        }
    }

    /// Reports the window that was handled.
    fn report(&mut self) -> WindowReport {
        // While a protocol awaits an answer, the run goes on to its next time; one beyond the time limit comes late.
        let wake = self.next_wake();
        let awaited = wake.filter(|_| !self.state.is_idle());
        let due = self.publications.peek().map(|publication| self.width.window(publication.due));
        let next = [self.calendar.next(), self.out_next.take(), due, awaited].into_iter().flatten().min();
        WindowReport {
            next,
            wake: self.next_unheld(),
            late: self.late.iter().any(|pending| !is_upkeep::<P>(pending))
                || awaited.is_some_and(|wake| wake <= self.window),
            interrupted: self.setup.interrupt.is_raised(),
            cut_short: self.cut_short,
            last_event: self.last_event,
            // What is lost on its way has to leave first.
            last_arrival: self.shard.last_departure(),
            messages: self.shard.received(),
            fresh: self.fresh.count(self.shard.fresh()),
        }
    }

    /// Counts what there is up to `limit`, the end, and what is under way then.
    fn close(mut self, limit: Nanos) -> ShardOutcome {
        self.calendar
            .iter()
            .chain(self.upkeep.iter())
            .chain(&self.late)
            .for_each(|pending| self.shard.leave(pending, limit));
        self.shard.close(limit)
    }
}

/// Returns true if a message is upkeep, of a protocol that has any.
#[inline]
fn is_upkeep<P: Protocol>(pending: &PendingEvent<P::Tail>) -> bool {
    P::HAS_UPKEEP && pending.message.kind.is_upkeep()
}

/// Counts first receipts by order, ascending, without a look at orders that have none.
struct NewReceiptCounts {
    counts: Vec<u64>,
}

impl NewReceiptCounts {
    fn new(orders: usize) -> NewReceiptCounts {
        NewReceiptCounts { counts: vec![0; orders] }
    }

    fn count(&mut self, receipts: impl Iterator<Item = (OrderIndex, Nanos)>) -> Vec<(OrderIndex, u64)> {
        let mut seen = Vec::new();
        for (order, _) in receipts {
            let count = &mut self.counts[order.index()];
            if *count == 0 {
                seen.push((order, 0));
            }
            *count += 1;
        }
        for (order, count) in &mut seen {
            *count = std::mem::take(&mut self.counts[order.index()]);
        }
        seen.sort_unstable();
        seen
    }
}
