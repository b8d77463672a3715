//! Any protocol, window by window: each worker handles its nodes' events of a window block by block, then all meet.
//!
//! Within a window nodes cannot affect each other, so that a worker goes from node to node and handles the events of
//! each in their order. An event was put into its window and block when it was sent; a sort by node is all that is left
//! to do.
//!
//! | file | contents |
//! |---|---|
//! | `window_event` | an event, as it is stored |
//! | `block_calendar` | events by window and block of nodes |
//! | `chunk_store` | the memory of pending events |
//! | `block_sort` | the events of a block by node, and those of a node by time |
//! | `in_cluster` | the same as one process of a cluster |
//! | `window_sink` | the way of an event to its window, or to another shard |

mod block_calendar;
mod block_sort;
mod chunk_store;
#[cfg(feature = "cluster")]
mod in_cluster;
mod window_event;
mod window_sink;

#[cfg(feature = "cluster")]
pub(super) use in_cluster::run_in_cluster;
pub(super) use window_sink::CrossingEvent;

use super::exchange::{
    Decision, Exchange, ExchangeBroken, ExchangeEnd, GlobalState, WindowReport, run_shards, target_time,
};
use super::moving_target::MovingTarget;
use super::shard::VirtualShard;
use super::shard_outcome::{EndedRun, ShardOutcome};
use super::stamped_tail::StampedTail;
use super::window_length::WindowLength;
use super::{EngineError, EngineSetup};
use crate::message::Tail;
use crate::protocol::{Protocol, ProtocolState};
use crate::record::End;
use crate::sync::Lookout;
use crate::time::Nanos;
use crate::workload::Publication;
use block_sort::BlockSort;
use std::iter::Peekable;
use std::vec::IntoIter;
use window_event::{DueEvent, WindowEvent, WindowRank};
use window_sink::WindowSink;

/// Events between the prefetch of a node's memory and its use. The offset of its row is prefetched as long before that.
const AHEAD: usize = 8;

/// Events between two checks for an interrupt and for exhausted memory.
const EVENTS_PER_CHECK: u64 = if cfg!(test) { 1 } else { 256 };

/// Runs virtual time window by window, to the end. Every latency of the network must be above zero.
pub(super) fn run<P: Protocol>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    exchange: &impl Exchange<CrossingEvent<P::Tail>>,
) -> Result<EndedRun, EngineError> {
    run_with::<P, P::Tail>(setup, protocol, exchange)
}

/// Does the same for a protocol whose messages have no tails in this run, whatever their type allows: an event then
/// takes 24 bytes in place of 40.
pub(super) fn run_without_tails<P: Protocol>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    exchange: &impl Exchange<CrossingEvent<()>>,
) -> Result<EndedRun, EngineError> {
    run_with::<P, ()>(setup, protocol, exchange)
}

/// Does the same with a trace.
pub(super) fn run_traced<P: Protocol>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    exchange: &impl Exchange<CrossingEvent<StampedTail<P::Tail>>>,
) -> Result<EndedRun, EngineError> {
    run_with::<P, StampedTail<P::Tail>>(setup, protocol, exchange)
}

fn run_with<P: Protocol, T: Tail>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    exchange: &impl Exchange<CrossingEvent<T>>,
) -> Result<EndedRun, EngineError> {
    let outcomes = run_shards(setup, exchange, exchange.shards(), |shard, end, _| {
        WindowedWorker::<P, T, _>::new(setup, end, shard, protocol).run()
    })?;
    let (end, at) = outcomes.first().map_or((End::Quiescent, Nanos::ZERO), |outcome| (outcome.0, outcome.1));
    Ok(EndedRun { end, at, outcomes: outcomes.into_iter().map(|outcome| outcome.2).collect() })
}

/// A worker, with the nodes of one shard.
struct WindowedWorker<'a, P: Protocol, T: Tail, E> {
    setup: &'a EngineSetup<'a>,
    exchange: E,
    index: usize,
    protocol: &'a P,
    state: P::State,
    shard: VirtualShard<'a, WindowSink<'a, T>>,
    sort: BlockSort<T>,
    /// Events that leave for other shards, by shard.
    out: Vec<Vec<CrossingEvent<T>>>,
    /// Publications of its nodes that are still to come.
    publications: Peekable<IntoIter<Publication>>,
    width: WindowLength,
    last_event: Nanos,
    /// The first instant of the window that is being handled.
    start: Nanos,
    /// Polls the interrupt. `cut_short` is the reason why a window was abandoned midway.
    lookout: Lookout<'a>,
    cut_short: Option<End>,
    /// Events since the last check.
    unchecked: u64,
    /// Bytes counted against the allowance for events and the journal.
    held: u64,
}

impl<'a, P: Protocol, T: Tail, E: ExchangeEnd<CrossingEvent<T>>> WindowedWorker<'a, P, T, E> {
    fn new(setup: &'a EngineSetup<'a>, exchange: E, index: usize, protocol: &'a P) -> WindowedWorker<'a, P, T, E> {
        let nodes = setup.partition.shard(index);
        let width = WindowLength::of(setup.network.floor());
        let own = setup.workload.publications().iter().filter(|publication| nodes.contains(&publication.origin.0));
        let own: Vec<Publication> = own.copied().collect();
        let sink = WindowSink::new(setup, index, width, (protocol.has_upkeep(), protocol.starts()));
        let mut shard = VirtualShard::new(setup, nodes, sink);
        shard.batch_forwards();
        WindowedWorker {
            setup,
            exchange,
            index,
            protocol,
            state: protocol.for_shard(&shard.view),
            shard,
            sort: BlockSort::new(),
            out: (0..setup.partition.workers()).map(|_| Vec::new()).collect(),
            publications: own.into_iter().peekable(),
            width,
            last_event: Nanos::ZERO,
            start: Nanos::ZERO,
            lookout: Lookout::new(setup.interrupt),
            cut_short: None,
            unchecked: 0,
            held: 0,
        }
    }

    fn run(mut self) -> Result<(End, Nanos, ShardOutcome), ExchangeBroken> {
        let &EngineSetup { workload, goal, ends_at_target, ends_at_instant, .. } = self.setup;
        let (deadline, width, orders) = (self.setup.deadline(), self.width, workload.orders());
        let (has_upkeep, most) = (self.protocol.has_upkeep(), self.protocol.orders_per_event_max());
        let mut state = GlobalState::new(orders, goal, ends_at_target, deadline, width, has_upkeep, most)
            .ending_at_instant(ends_at_instant);
        let nodes = self.setup.partition.shard(self.index);
        let mut moving = MovingTarget::new(self.setup, nodes, |counts| self.exchange.add_up(counts))?;
        let publications = workload.publications();
        let mut window = publications.first().map_or(0, |publication| self.width.window(publication.due));
        if self.protocol.watches_peers() && self.shard.watch_peers() {
            window = 0;
        }
        if self.protocol.starts() {
            window = 0;
            self.shard.start(&mut self.state);
            self.shard.send_batched();
        }
        loop {
            self.shard.is_tentative = moving.is_some() || state.may_end();
            self.handle(window);
            self.shard.count_until(self.width.end(window));
            let report = self.report();
            self.shard.sink.hand_over(&mut self.out, |shard, events| self.exchange.send_ahead(shard, events));
            self.exchange.send(&mut self.out);
            let report = self.exchange.meet(report)?;
            let sink = &mut self.shard.sink;
            self.exchange.receive(|events| sink.receive(events));
            let decision = state.decide(&report);
            if self.index == 0 {
                self.setup.observer.progressed(state.progress());
            }
            if let Some(moving) = &mut moving
                && let Some(at) = self.moving_target(moving, &decision)?
            {
                return Ok((End::Target, at, self.close_at_target(at)));
            }
            match decision {
                Decision::On(next) => {
                    self.shard.book(Nanos::MAX);
                    // The run continues, so it ends no earlier than the last event of this window.
                    self.shard.book_departures(state.progress().time);
                    window = next;
                }
                Decision::Target(crossing) => {
                    assert!(self.shard.is_tentative, "an event delivered more than ORDERS_PER_EVENT_MAX orders");
                    let within = self.width.start(window)..=self.width.end(window);
                    let at = target_time(&mut self.exchange, &crossing, self.shard.journaled_receipts(), within)?;
                    return Ok((End::Target, at, self.close_at_target(at)));
                }
                Decision::Ended(end, at) => return Ok((end, at, self.close(at))),
                // The events that shards have handled in this window count; the rest is under way.
                Decision::CutShort(end, _) => return Ok((end, report.last_event, self.close(report.last_event))),
            }
        }
    }

    /// Returns the instant at which a moving target is reached before the run goes on or ends as decided, if it is.
    fn moving_target(
        &mut self,
        moving: &mut MovingTarget<'_>,
        decision: &Decision,
    ) -> Result<Option<Nanos>, ExchangeBroken> {
        let to = match *decision {
            // Nodes come and go also between the windows that have events.
            Decision::On(next) => Nanos(self.width.start(next).0 - 1),
            Decision::Ended(End::Quiescent | End::Timeout, at) => at,
            _ => return Ok(None),
        };
        let (shard, exchange) = (&self.shard, &mut self.exchange);
        let received = |order, node| shard.received_at(order, node);
        moving.advance(to, shard.journaled_firsts(), received, |counts| exchange.add_up(counts))
    }

    /// Handles the events and publications of a window, up to the time limit.
    fn handle(&mut self, window: u64) {
        self.start = self.width.start(window);
        self.shard.sink.advance(window);
        let end = self.width.end(window);
        while let Some(publication) = self.publications.next_if(|publication| publication.due <= end) {
            self.shard.sink.publish(&publication);
        }
        let is_last = end > self.shard.sink.deadline;
        // Taken out, so that events lie outside of what handling them borrows.
        let mut sort = std::mem::replace(&mut self.sort, BlockSort::new());
        let (mut first, blocks) = (0, self.shard.sink.messages.blocks().count());
        while first < blocks && self.cut_short.is_none() {
            first = self.shard.sink.sort_blocks(first, &mut sort);
            self.handle_blocks(sort.sorted(), is_last);
            self.shard.send_batched();
        }
        self.sort = sort;
        // Nothing is handed over in this window any more.
        self.shard.depart(end);
        self.check();
    }

    /// Handles the sorted events of some blocks: node by node.
    fn handle_blocks(&mut self, events: &mut [WindowEvent<T>], is_last: bool) {
        for place in 0..events.len() {
            let later = events.get(place + 2 * AHEAD).filter(|_| P::NEEDS_PEERS);
            later.into_iter().for_each(|later| self.setup.topology.prefetch_degree(later.node()));
            if let Some(ahead) = events.get(place + AHEAD) {
                self.prefetch(ahead);
            }
            let event = events[place].take();
            if self.shard.sink.has_same_window() {
                self.handle_same_window(Some(event.rank()));
            }
            if self.cut_short.is_some() || is_last && event.time(self.start) > self.shard.sink.deadline {
                self.shard.sink.late.push(event);
                continue;
            }
            let node = event.node();
            self.handle_one(event);
            if self.shard.sink.has_same_window() && events.get(place + 1).is_none_or(|next| next.node() != node) {
                self.handle_same_window(None);
            }
        }
    }

    /// Prefetches the memory that an event will touch.
    #[inline(always)]
    fn prefetch(&self, ahead: &WindowEvent<T>) {
        let (node, order, kind) = (ahead.node(), ahead.order(), ahead.message_kind());
        self.shard.prefetch(node, order, kind);
        self.state.prefetch(&self.shard.view, node, order, kind);
    }

    /// Handles the events that the current node caused for itself in this window and that come before `rank`.
    #[cold]
    fn handle_same_window(&mut self, rank: Option<WindowRank>) {
        while let Some(event) = self.shard.sink.take_same_window(rank) {
            self.handle_one(event);
        }
    }

    #[inline(always)]
    fn handle_one(&mut self, event: WindowEvent<T>) {
        let time = event.time(self.start);
        let is_upkeep = self.protocol.has_upkeep() && event.is_upkeep();
        let awaited = if self.protocol.has_upkeep() { self.state.awaited() } else { 0 };
        let is_event = if event.is_arrival() {
            self.shard.handle_arrival(&mut self.state, event.into_arrival(self.start));
            !is_upkeep
        } else {
            self.handle_other(event)
        };
        if is_event || self.protocol.has_upkeep() && self.state.awaited() != awaited {
            self.last_event = self.last_event.max(time);
        }
        self.unchecked += 1;
        if self.unchecked >= EVENTS_PER_CHECK {
            self.check();
        }
    }

    /// Handles an event other than an arrival. Returns true if it keeps the run going.
    #[inline(never)]
    fn handle_other(&mut self, event: WindowEvent<T>) -> bool {
        let (node, time) = (event.node(), event.time(self.start));
        let is_upkeep = self.protocol.has_upkeep() && event.is_upkeep();
        match event.into_due(self.start) {
            DueEvent::Message(pending) => {
                self.shard.handle(&mut self.state, &pending);
                !is_upkeep
            }
            DueEvent::Published(order) => {
                self.shard.publish(&mut self.state, &self.setup.workload.publications()[order.index()]);
                true
            }
            DueEvent::Timer(token) => {
                let is_event = self.shard.fire_timer(&mut self.state, node, time, token);
                // A timer of a protocol with upkeep is upkeep, unless it changes what is awaited.
                is_event && !self.protocol.has_upkeep()
            }
        }
    }

    /// Polls the interrupt, and checks that pending events and the journal fit into their memory.
    #[inline(never)]
    fn check(&mut self) {
        if self.lookout.work(std::mem::take(&mut self.unchecked)).is_err() {
            self.cut_short = Some(End::Interrupted);
        }
        let now = self.shard.sink.store.bytes() + self.shard.journal_bytes();
        if !self.setup.allowance.hold_in_steps(&mut self.held, now) {
            self.cut_short = self.cut_short.or(Some(End::OutOfMemory));
        }
        if self.shard.trace_has_failed() {
            // The failure is reported in place of the run.
            self.cut_short = Some(End::Interrupted);
        }
        if self.cut_short.is_some() {
            self.shard.sink.leave_same_window();
        }
    }

    /// Reports the window that was handled.
    fn report(&mut self) -> WindowReport {
        let sink = &self.shard.sink;
        // While a protocol awaits an answer, the run goes on to its next time; one beyond the time limit comes late.
        let wake = sink.timers.next();
        let is_idle = self.state.is_idle();
        let awaited = wake.filter(|_| !is_idle);
        let due = self.publications.peek().map(|publication| self.width.window(publication.due));
        let message = sink.next_message();
        // A copy leaves in its own window, because what arrives of it may be due in the next.
        let departs = self.shard.next_departure().map(|time| self.width.window(time));
        let held = departs.filter(|_| self.shard.holds_departures());
        let next = [message.map(|next| next.0), due, awaited, held].into_iter().flatten().min();
        let upkeep = if self.protocol.has_upkeep() { sink.next_upkeep() } else { None };
        let unheld = [wake, upkeep.map(|next| next.0), departs].into_iter().flatten().min();
        let handled_next = next.into_iter().chain(unheld).min();
        let count = |of: Option<(u64, u64)>| of.filter(|of| Some(of.0) == handled_next).map_or(0, |of| of.1);
        let timers = wake.map(|wake| (wake, sink.timers.count(wake)));
        WindowReport {
            next,
            wake: unheld,
            // Publications are few, so those of later windows are counted as well: the sum is still an upper bound.
            events: count(message) + count(upkeep) + count(timers) + self.publications.len() as u64,
            holding: sink.holding() + self.publications.len() as u64,
            late: sink
                .late
                .iter()
                .any(|event| event.is_message() && !event.is_upkeep() || event.is_timer() && !is_idle),
            interrupted: self.setup.interrupt.is_raised(),
            cut_short: self.cut_short,
            last_event: self.last_event,
            // A message that will be lost still has to leave its uplink.
            last_arrival: self.shard.last_departure(),
            messages: self.shard.received(),
            fresh: self.shard.new_receipts.drain().collect(),
        }
    }

    /// Counts everything up to `limit`, the end of the run, and the messages that are under way then.
    fn close(mut self, limit: Nanos) -> ShardOutcome {
        self.shard.leave_named(&self.state);
        self.close_at_target(limit)
    }

    /// Does the same at an end at which every order has reached its target, so that no order is still under way.
    fn close_at_target(mut self, limit: Nanos) -> ShardOutcome {
        self.shard.leave();
        self.shard.settled_peers = self.state.take_settled_peers();
        self.shard.close(limit)
    }
}
