//! One worker of the shortest paths: window by window, the nodes reached, the messages they send, and those of them
//! that may be first.

use super::candidates::{Candidate, filter};
use super::first_forward;
use super::forward_batch::ForwardBatch;
use super::known_nodes::KnownNodes;
use super::node_sort::NodeSort;
use super::relax::{Improvement, relax, settle};
use crate::engine::EngineSetup;
use crate::engine::digest::of_receipts;
use crate::engine::exchange::{Decision, ExchangeBroken, ExchangeEnd, GlobalState, WindowReport, target_time};
use crate::engine::window_length::WindowLength;
use crate::ids::{NodeId, OrderIndex};
use crate::protocol::FirstMessage;
use crate::record::{CompactReceipt, End, Receipt, WorkerRecord};
use crate::sync::{Lookout, Section};
use crate::time::{Calendar, Nanos};
use std::ops::Range;

/// The messages that a shard has for others between two meetings, unless all shards share their memory.
pub(crate) const MESSAGES_TOGETHER: usize = if cfg!(test) { 100 } else { 1 << 17 };

/// The number of received messages that are compared with receipts at a time.
const RECEIVED: usize = 4_096;

/// The outcome of one shard.
pub(super) struct ShortestPathShare {
    pub(super) end: End,
    pub(super) at: Nanos,
    pub(super) record: WorkerRecord,
    pub(super) model_lost: u64,
    pub(super) digest: u64,
}

/// One worker.
pub(super) struct ShortestPathWorker<'a> {
    setup: &'a EngineSetup<'a>,
    index: usize,
    nodes: Range<u32>,
    /// The earliest known receipt of each node of this shard.
    receipts: &'a mut [CompactReceipt],
    /// One bit for each node of this shard that has the order.
    section: Section<'a>,
    /// The nodes of all shards that have the order, as far as this shard knows.
    known: KnownNodes<'a>,
    /// Nodes of this shard, by the window of their receipt.
    calendar: Calendar<u32>,
    /// Sorts the nodes of a window by memory position.
    node_sort: NodeSort,
    /// The forwards of the current nodes, and the number of nodes in a batch.
    forward_batch: ForwardBatch,
    batch_nodes: usize,
    /// Room for messages that may be first at their receivers.
    candidates: Vec<Candidate>,
    /// Messages that may be first at nodes of other shards, by shard; and the number with which they are handed over in
    /// the middle of a window, so that no buffer grows to its size.
    out: Vec<Vec<Candidate>>,
    messages_together: usize,
    /// Room for receipts that replace later ones.
    better: Vec<Improvement>,
    /// The nodes reached in this window.
    fired: Vec<(u32, CompactReceipt)>,
    width: WindowLength,
    deadline: Nanos,
    /// Polls the interrupt; the reason to abandon the window, once there is one.
    lookout: Lookout<'a>,
    cut_short: Option<End>,
    /// Nodes in the calendar, and the bytes held for messages beyond the room that each node has anyway.
    waiting: u64,
    held: u64,
    /// The time and hop of the last arrival of all messages.
    last_arrival: u64,
    record: WorkerRecord,
    model_lost: u64,
}

impl<'a> ShortestPathWorker<'a> {
    pub(super) fn new(
        setup: &'a EngineSetup<'a>,
        index: usize,
        receipts: &'a mut [CompactReceipt],
        section: Section<'a>,
        known: KnownNodes<'a>,
        messages_together: usize,
    ) -> ShortestPathWorker<'a> {
        let width = WindowLength::new(setup.network.floor());
        let (forward_batch, batch_nodes) = ForwardBatch::new(setup);
        let nodes = setup.partition.shard(index);
        let size = nodes.len() as u32;
        ShortestPathWorker {
            setup,
            index,
            nodes,
            receipts,
            section,
            known,
            calendar: Calendar::new(setup.network.ceiling().map(|ceiling| width.window(ceiling))),
            node_sort: NodeSort::new(size),
            forward_batch,
            batch_nodes,
            candidates: Vec::new(),
            out: (0..setup.partition.workers()).map(|_| Vec::new()).collect(),
            messages_together,
            better: Vec::new(),
            fired: Vec::new(),
            width,
            deadline: setup.deadline(),
            lookout: Lookout::new(setup.interrupt),
            cut_short: None,
            waiting: 0,
            held: 0,
            last_arrival: 0,
            record: WorkerRecord { nodes: size, ..WorkerRecord::none() },
            model_lost: 0,
        }
    }

    pub(super) fn run<P: FirstMessage>(
        mut self,
        protocol: &P,
        exchange: &mut impl ExchangeEnd<Candidate>,
    ) -> Result<ShortestPathShare, ExchangeBroken> {
        let EngineSetup { workload, goal, ends_at_target, .. } = *self.setup;
        let mut state = GlobalState::new(1, goal, ends_at_target, self.deadline, self.width, false, 1);
        let Some(first) = workload.publications().first() else {
            return Ok(self.close(End::Quiescent, Nanos::ZERO));
        };
        if self.nodes.contains(&first.origin.0) {
            let local = first.origin.0 - self.nodes.start;
            self.receipts[local as usize] =
                CompactReceipt::new(CompactReceipt::time_hop_of(first.due, 0), first.origin);
            self.calendar.put(self.width.window(first.due), local);
            self.waiting += 1;
        }
        let mut window = self.width.window(first.due);
        for round in 0.. {
            let before = (self.record.clone(), self.model_lost);
            self.known.advance(window);
            let late = self.reach(window);
            let mut handled = 0;
            let report = loop {
                handled = self.activate(protocol, handled);
                // No node has timers, so that a wake-up stands for messages of this window that are still to come. What
                // has been handed over arrives after this window.
                let wake = (handled < self.fired.len()).then_some(window);
                let report = WindowReport { wake, ..self.report(late, round) };
                exchange.send(&mut self.out);
                let report = exchange.meet(report)?;
                self.receive_candidates(exchange);
                if report.wake.is_none() {
                    break report;
                }
            };
            let decision = state.decide(&report);
            if self.index == 0 {
                self.setup.observer.progressed(state.progress());
            }
            match decision {
                Decision::On(next) => window = next,
                Decision::Target(crossing) => {
                    let times = self.fired.iter().map(|(_, receipt)| (OrderIndex(0), receipt.time()));
                    let within = self.width.start(window)..=self.width.end(window);
                    let at = target_time(exchange, &crossing, times, within)?;
                    return Ok(self.close(End::Target, at));
                }
                Decision::Ended(end, at) => return Ok(self.close(end, at)),
                Decision::CutShort(end, at) => {
                    // Nothing of this window counts, in any shard.
                    (self.record, self.model_lost) = before;
                    return Ok(self.close(end, at));
                }
            }
        }
        unreachable!("rounds do not run out")
    }

    /// Finds the nodes whose receipt is in this window; returns true if another receipt is after the time limit.
    fn reach(&mut self, window: u64) -> bool {
        let mut nodes = Vec::new();
        self.calendar.take(window, &mut nodes);
        self.waiting -= nodes.len() as u64;
        self.node_sort.sort(&mut nodes);
        self.fired.resize(nodes.len(), (0, CompactReceipt::NONE));
        let times = self.width.start(window)..=self.deadline;
        let (count, late) = settle(self.receipts, &nodes, times, &mut self.fired);
        self.fired.truncate(count);
        self.calendar.give_back(nodes);
        for &(local, _) in &self.fired {
            self.section.mark(local as usize);
        }
        self.record.reached += count as u64;
        late
    }

    /// Lets nodes of this window handle their first messages, from the one at `begin` on, until as many messages as are
    /// handed over together wait for other shards. Returns the number of nodes that have handled theirs, or need not.
    fn activate<P: FirstMessage>(&mut self, protocol: &P, begin: usize) -> usize {
        let fired = std::mem::take(&mut self.fired);
        let mut handled = fired.len();
        for begin in (begin..fired.len()).step_by(self.batch_nodes) {
            // The origin's messages are few, and without them there is no run to report.
            if begin > 0 && self.cut_short.is_some() {
                break;
            }
            if self.out.iter().map(Vec::len).sum::<usize>() >= self.messages_together {
                handled = begin;
                break;
            }
            let nodes = &fired[begin..(begin + self.batch_nodes).min(fired.len())];
            for &(local, receipt) in nodes {
                let (me, receipt) = (NodeId(self.nodes.start + local), Receipt::from(receipt));
                if let Some(order_hop) = first_forward(protocol, OrderIndex(0), receipt, self.setup.ttl) {
                    self.forward_batch.push(me, receipt, order_hop, Nanos::ZERO);
                }
            }
            self.send(&fired[(begin + self.batch_nodes).min(fired.len())..]);
        }
        self.fired = fired;
        handled
    }

    /// Draws the messages of the current batch, filters them, and relaxes receipts with those that are left. Between
    /// the draws, prefetches the rows of the `next` nodes.
    fn send(&mut self, next: &[(u32, CompactReceipt)]) {
        let (setup, start) = (self.setup, self.nodes.start);
        self.record.spared += self.forward_batch.draw(setup, |place| {
            if let Some((soon, _)) = next.get(place) {
                setup.topology.prefetch_degree(NodeId(start + soon));
            }
        });
        self.record.sent += self.forward_batch.messages() as u64;
        self.look(self.forward_batch.messages() as u64);
        let count = self.filter();
        self.forward_batch.clear();
        let candidates = std::mem::take(&mut self.candidates);
        self.improve(&candidates[..count]);
        self.candidates = candidates;
    }

    /// Filters the messages sent: counts losses and duplicates, and sorts the others by shard. Returns the number for
    /// this shard.
    fn filter(&mut self) -> usize {
        let sent = self.forward_batch.messages();
        if self.candidates.len() < sent {
            self.candidates.resize(sent, Candidate::NONE);
        }
        let (map, batch, candidates) = (self.setup.partition, &self.forward_batch, &mut self.candidates[..]);
        let filtered = match &self.known {
            KnownNodes::One(known) => filter(batch, candidates, |to| known.contains(to.0)),
            KnownNodes::Shared(known) => filter(batch, candidates, |to| {
                let owner = map.owner_by_sum(to);
                known[owner].contains(to.0 - map.starts()[owner])
            }),
            KnownNodes::Own(known) => filter(batch, candidates, |to| known.contains(to.0)),
        };
        self.last_arrival = self.last_arrival.max(filtered.latest);
        self.model_lost += filtered.lost;
        let duplicates = sent as u64 - filtered.lost - filtered.kept as u64;
        self.record.received += duplicates;
        self.record.duplicates += duplicates;
        if self.out.len() > 1 { self.hand_over(filtered.kept) } else { filtered.kept }
    }

    /// Moves those of the first `count` messages that are for other shards to their channels; returns the number that
    /// is left for this shard.
    fn hand_over(&mut self, count: usize) -> usize {
        let map = self.setup.partition;
        self.known.sent(&self.candidates[..count], self.width);
        for &crossing in &self.candidates[..count] {
            self.out[map.owner_by_sum(crossing.to)].push(crossing);
        }
        // The channel from this shard to itself holds nothing but these messages.
        std::mem::swap(&mut self.candidates, &mut self.out[self.index]);
        self.out[self.index].clear();
        self.candidates.len()
    }

    /// Relaxes the receipts of nodes with messages to them.
    fn improve(&mut self, crossings: &[Candidate]) {
        if self.better.len() < crossings.len() {
            self.better.resize(crossings.len(), Improvement::NONE);
        }
        let (count, duplicates) = relax(self.receipts, self.nodes.start, crossings, &mut self.better);
        for &Improvement { time, sooner_by, local } in &self.better[..count] {
            let (window, left) = self.width.split(time);
            if sooner_by >= left {
                self.calendar.put(window, local);
                self.waiting += 1;
            }
        }
        self.record.received += crossings.len() as u64;
        self.record.duplicates += duplicates;
    }

    /// Receives the messages of other shards.
    fn receive_candidates(&mut self, exchange: &mut impl ExchangeEnd<Candidate>) {
        exchange.receive(|candidates| {
            // In pieces, so that little room is enough.
            for candidates in candidates.chunks(RECEIVED) {
                // Skipping the rest is safe: these messages arrive after this window, and the run ends before the next
                // one.
                self.look(candidates.len() as u64);
                if self.cut_short.is_none() {
                    self.improve(candidates);
                }
            }
        });
    }

    /// Polls the interrupt, and checks that messages under way fit their memory.
    fn look(&mut self, messages: u64) {
        if self.lookout.work(messages).is_err() {
            self.cut_short = Some(End::Interrupted);
        }
        let out = self.out.iter().map(Vec::len).sum::<usize>() as u64 * size_of::<Candidate>() as u64;
        // Each node already has room for one entry in the calendar and one in the window.
        let waiting = (self.waiting * 4).saturating_sub(12 * self.nodes.len() as u64);
        if !self.setup.allowance.hold_in_steps(&mut self.held, out + waiting) {
            self.cut_short = self.cut_short.or(Some(End::OutOfMemory));
        }
    }

    /// Creates the report on the window that was handled.
    fn report(&mut self, late: bool, round: usize) -> WindowReport {
        let out = self.out.iter().flatten().map(|crossing| crossing.time_hop).min();
        let out = out.map(|least| self.width.window(Nanos(least >> u8::BITS)));
        let last_event = self.fired.iter().map(|(_, receipt)| receipt.time()).max().unwrap_or_default();
        let fresh = self.fired.len() as u64;
        WindowReport {
            next: [self.calendar.next(), out].into_iter().flatten().min(),
            wake: None,
            // Receipts are kept by time, so that nothing hangs on a bound.
            events: u64::MAX,
            holding: 0,
            late,
            interrupted: self.setup.interrupt.is_raised(),
            // The first window, in which the order is published, is never abandoned, because a report needs at least
            // that.
            cut_short: self.cut_short.filter(|_| round > 0),
            last_event,
            last_arrival: Nanos(self.last_arrival >> u8::BITS),
            messages: self.record.received,
            fresh: (fresh > 0).then_some((OrderIndex(0), fresh)).into_iter().collect(),
        }
    }

    /// Erases receipts later than the end, and returns the outcome of the shard.
    fn close(self, end: End, at: Nanos) -> ShortestPathShare {
        if end != End::Quiescent {
            let late = self.receipts.iter_mut().filter(|receipt| receipt.time() > at);
            late.for_each(|receipt| *receipt = CompactReceipt::NONE);
        }
        // No seed determines the instant of an interrupt, so its receipts have no digest.
        let digest = match end {
            end if end.is_cut_short() => 0,
            _ => of_receipts(OrderIndex(0), NodeId(self.nodes.start), self.receipts),
        };
        ShortestPathShare { end, at, record: self.record, model_lost: self.model_lost, digest }
    }
}
