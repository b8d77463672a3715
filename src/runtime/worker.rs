//! The worker: one pinned thread, one event loop, the one place that sees both a protocol and a carrier.
//!
//! What it does with messages on their way out is in `sending`, and with those that come in `receiving`. The detection
//! of quiescence and the counts after the stop are in `quiescence`.

mod quiescence;
mod receiving;
mod sending;

use super::idle::{IdleAction, IdleStrategy};
use super::network_emulator::NetworkEmulator;
use super::recorder::Recorder;
use super::run_state::ProcessState;
use super::schedule::PublicationQueue;
use super::shard::RealtimeShard;
use super::{WorkerFailure, WorkerOutcome};
use crate::protocol::{Protocol, ProtocolState};
use crate::record::End;
use crate::sync::PollCounts;
use crate::time::Nanos;
use crate::transport::{Transport, Wait};
use quiescence::Shortfall;

/// The maximum number of messages handed to the carrier at a time, beyond its own batch, so that a wide fan-out does
/// not delay receipts.
const OFFER_MAX: usize = 64;

/// One worker.
pub(super) struct Worker<'a, P: Protocol, C: Recorder> {
    index: usize,
    shared: &'a ProcessState<'a>,
    protocol: &'a P,
    state: P::State,
    shard: RealtimeShard<'a, C>,
    /// The modelled network before the carrier, if there is one.
    emulator: Option<NetworkEmulator<'a, P::Tail>>,
    carrier: Box<dyn Transport>,
    idle: IdleStrategy,
    publication_queue: PublicationQueue,
    /// Time at which this worker entered its loop, and the time for which nodes run before the first order.
    entered: Nanos,
    warm_up: Nanos,
    /// Time at which the schedule began; `None` until its first order is published.
    began: Option<Nanos>,
    offer_max: usize,
    /// Time of the last `receive`.
    now: Nanos,
    /// True if the carrier holds messages back although nothing arrives.
    stuck: bool,
    /// True if the termination detector shows this worker as idle.
    posted: bool,
    /// The messages that are missing while all workers are idle.
    short: Option<Shortfall>,
    /// Each worker's number of empty polls at the moment messages were first found missing.
    polls_then: PollCounts,
    /// Bytes that are held for waiting messages.
    held: u64,
}

/// Turns of the loop between two checks of the memory that waiting messages take. A turn adds some hundreds of
/// messages.
const TURNS_WEIGHED: u64 = 64;

impl<'a, P: Protocol, C: Recorder> Worker<'a, P, C> {
    /// Creates the worker at `index`, with its nodes and its end of the carrier.
    pub(super) fn new(
        index: usize,
        shared: &'a ProcessState<'a>,
        protocol: &'a P,
        shard: RealtimeShard<'a, C>,
        carrier: Box<dyn Transport>,
    ) -> Self {
        let plan = shared.plan;
        let is_mine = |origin| plan.partition.owner(origin) == index;
        Worker {
            publication_queue: PublicationQueue::new(plan.workload.publications(), |publication| {
                is_mine(publication.origin)
            }),
            entered: Nanos::ZERO,
            warm_up: plan.asked_warm_up.unwrap_or_else(|| protocol.warm_up()),
            began: None,
            idle: IdleStrategy::new(plan.spin, plan.pinning.is_exclusive()),
            index,
            shared,
            protocol,
            state: protocol.for_shard(&shard.view),
            shard,
            emulator: NetworkEmulator::new(plan, &plan.partition.shard(index)),
            offer_max: carrier.send_batch().max(OFFER_MAX),
            now: carrier.now(),
            carrier,
            stuck: false,
            posted: false,
            short: None,
            polls_then: shared.termination.poll_counts(),
            held: 0,
        }
    }

    /// Runs from the start barrier to the last count.
    pub(super) fn run(mut self) -> Result<WorkerOutcome, WorkerFailure> {
        self.shared.start.wait()?;
        // A worker that waited long at the first barrier may sleep; one that passes the second is awake.
        self.shared.start.wait()?;
        self.shared.plan.observer.loop_entered(self.index);
        self.begin();
        while !self.shared.stop.is_raised() {
            self.publish_due();
            self.fire_due_timers();
            self.send_some()?;
            let now = self.receive()?;
            self.handle(now);
            self.look_around(now)?;
        }
        self.shared.plan.observer.loop_left(self.index);
        // Read before the messages under way are counted, which is no part of the run.
        let left_at = self.carrier.now();
        self.take_back();
        self.settle()?;
        let carrier = self.carrier.counts().clone();
        self.state.name_awaited(|order| self.shard.awaited(order));
        let settled_peers = self.state.take_settled_peers();
        if let Some((spool, writer)) = self.shared.plan.trace.zip(self.shard.take_trace()) {
            spool.collect(writer, Nanos::MAX);
        }
        let (mut record, receipts, traffic, bulk) = self.shard.close();
        record.carrier = carrier;
        let (counts, departures) = self.emulator.map(|emulator| (emulator.counts, emulator.departures)).unzip();
        record.model = counts.unwrap_or_default();
        Ok(WorkerOutcome { record, receipts, traffic, bulk, departures, left_at, settled_peers })
    }

    /// Starts each node, before the first turn.
    fn begin(&mut self) {
        self.entered = self.carrier.now();
        self.shard.is_warm_up = self.warm_up > Nanos::ZERO;
        if self.protocol.starts() {
            self.now = self.entered;
            for node in self.shard.view.nodes() {
                self.state.start(&mut self.shard.beginning(node, self.now));
            }
        }
    }

    /// 0. Publishes the orders that are due, however late this worker is. The first order of the schedule sets time 0.
    #[inline]
    fn publish_due(&mut self) {
        if self.began.is_none() {
            self.began = self.look_for_the_beginning();
            if let Some(began) = self.began {
                self.shard.start_schedule(began);
            }
        }
        let Some(began) = self.began else { return };
        while let Some(publication) = self.publication_queue.take_due(self.now.since(began)) {
            let mut context = self.shard.publication(&publication, self.now);
            self.state.publish(&mut context, publication.order, self.shared.plan.ttl);
            self.publish_marks();
        }
    }

    /// Fires the timers that are due.
    #[inline]
    fn fire_due_timers(&mut self) {
        while self.shard.next_timeout().is_some_and(|due| due <= self.now) {
            // Before the timer fires: its messages must not leave while this worker still shows as idle.
            if !self.protocol.has_upkeep() {
                self.be_busy();
            }
            if let Some((mut context, token)) = self.shard.due_timer(self.now) {
                self.state.handle_timeout(&mut context, token);
            }
            self.be_busy_unless_upkeep();
        }
    }

    /// Marks this worker as busy.
    #[inline]
    fn be_busy(&mut self) {
        self.idle.reset();
        // Stored on a change only, because all workers read this cell while they look for quiescence.
        if std::mem::take(&mut self.posted) {
            self.shared.termination.set_busy(self.index);
        }
    }

    /// Marks this worker as busy after an event that may have been upkeep, which is not work: there is work if the
    /// shard is no longer idle, or if a message about an order waits to leave. The mark changes before that message
    /// leaves.
    #[inline]
    fn be_busy_unless_upkeep(&mut self) {
        if self.protocol.has_upkeep() && (!self.state.is_idle() || self.shard.has_order_messages()) {
            self.be_busy();
        }
    }

    /// Returns true if the first order of the schedule enters here.
    fn begins_here(&self) -> bool {
        let first = self.shared.plan.workload.publications().first();
        first.is_some_and(|first| self.shared.plan.partition.owner(first.origin) == self.index)
    }

    /// Returns the time at which the schedule began: now, if its first order enters here and the warm-up is over.
    fn look_for_the_beginning(&mut self) -> Option<Nanos> {
        if self.begins_here() {
            if self.warm_up > Nanos::ZERO && self.carrier.now().since(self.entered) < self.warm_up {
                return None;
            }
            // As late as possible, so that no set-up counts as delay.
            self.now = self.carrier.now();
            self.shared.set_injected_at(self.now);
            // From here on an interrupt has something to report.
            self.shared.plan.interrupt.attend();
        }
        self.shared.injected_at()
    }

    /// 2. Receives one batch at most. Waits only if nothing is left to send.
    fn receive(&mut self) -> Result<Nanos, WorkerFailure> {
        self.shard.record.turns += 1;
        // Messages that lack credit are work as well, but polling for it without rest would starve their receiver.
        let wait = if self.has_work() && !self.stuck { Wait::No } else { self.wait() };
        self.now = self.carrier.receive(wait)?;
        self.stuck = self.carrier.holds_back() && self.carrier.arrivals().is_empty();
        Ok(self.now)
    }

    /// 4. Ends the run on an interrupt, lack of memory, the time limit, its instant or quiescence.
    fn look_around(&mut self, now: Nanos) -> Result<(), WorkerFailure> {
        if self.shared.plan.interrupt.is_raised() {
            self.shared.end(End::Interrupted);
        } else if self.shard.record.turns.is_multiple_of(TURNS_WEIGHED) && self.shard.trace_has_failed() {
            // The failure is reported in place of the run.
            self.shared.end(End::Interrupted);
        } else if self.shard.record.turns.is_multiple_of(TURNS_WEIGHED) && !self.is_within_memory() {
            self.shared.end(End::OutOfMemory);
        } else if let Some(end) = self.shared.end_by(now) {
            self.shared.end(end);
        } else if self.shared.has_rested() {
            // Another worker may have found it first.
            self.short = None;
        } else if self.is_idle() && !self.has_order_arrivals() && self.idle.is_thin(now) {
            self.look_for_quiescence(now)?;
        }
        Ok(())
    }

    /// Returns true if the last batch holds anything but upkeep.
    #[inline]
    fn has_order_arrivals(&self) -> bool {
        let arrivals = self.carrier.arrivals();
        match self.protocol.has_upkeep() {
            true => arrivals.iter().any(|arrival| !arrival.message.kind.is_upkeep()),
            false => !arrivals.is_empty(),
        }
    }

    /// Returns true if the messages that wait here and in the modelled network are within the memory limit.
    fn is_within_memory(&mut self) -> bool {
        let on_the_line = self.emulator.as_ref().map_or(0, NetworkEmulator::held_bytes);
        self.shared.plan.allowance.hold(&mut self.held, self.shard.waiting_bytes() + on_the_line)
    }

    /// Returns true if any message waits to leave, here or in the carrier.
    fn has_work(&self) -> bool {
        self.shard.has_work() || self.carrier.holds_back() || self.next_departure().is_some_and(|due| due <= self.now)
    }

    /// Returns the time at which the next message leaves the modelled network, if there is one.
    #[inline]
    fn next_departure(&self) -> Option<Nanos> {
        self.emulator.as_ref().and_then(NetworkEmulator::next_due)
    }

    /// Returns true if only a further message can give this worker anything to do.
    fn is_idle(&self) -> bool {
        let nothing_is_held = self.emulator.as_ref().is_none_or(NetworkEmulator::is_empty);
        self.publication_queue.is_over() && nothing_is_held && !self.has_work() && self.state.is_idle()
    }

    fn publish_marks(&mut self) {
        if self.shard.publish_marks(self.now) && self.shared.plan.ends_at_target {
            self.shared.end(End::Target);
        }
    }

    /// Returns the time of this worker's next publication, timer or departure, or of the instant at which the run is to
    /// end; [`Nanos::MAX`] if there is none.
    /// Publications count only once the schedule has begun; until then the end of the warm-up does, if the first order
    /// enters here.
    fn next_due(&self) -> Nanos {
        let publication = self.began.zip(self.publication_queue.next_due()).map(|(began, due)| began + due);
        let warm_up_ends = (self.began.is_none() && self.warm_up > Nanos::ZERO && self.begins_here())
            .then(|| self.entered + self.warm_up);
        [publication, warm_up_ends, self.shard.next_timeout(), self.next_departure(), self.shared.instant()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(Nanos::MAX)
    }

    fn wait(&mut self) -> Wait {
        match self.idle.next_action(self.now, self.next_due()) {
            IdleAction::Poll => Wait::No,
            IdleAction::Yield => {
                std::thread::yield_now();
                Wait::No
            }
            IdleAction::Sleep(until) => {
                // A wait for credit is not the sleep of an idle worker.
                self.shard.record.sleeps += u64::from(!self.stuck);
                // Missing messages are given up at a time that must not be slept through.
                Wait::Until(self.short.map_or(until, |short| until.min(short.given_up_at())))
            }
        }
    }
}
