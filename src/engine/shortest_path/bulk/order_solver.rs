//! Solves the shortest paths of a few orders on one thread: window by window of the time since each was due, so that
//! the forwards of different orders are drawn together.
//!
//! A node of the *k*-th of these orders stands at place `k * nodes + node`. Everything is kept for the next orders, so
//! that an order allocates nothing.

use crate::engine::EngineSetup;
use crate::engine::shortest_path::candidates::Candidate;
use crate::engine::shortest_path::first_forward;
use crate::engine::shortest_path::forward_batch::{ForwardBatch, SentByNode};
use crate::engine::shortest_path::node_sort::NodeSort;
use crate::engine::shortest_path::relax::{Improvement, relax, settle};
use crate::engine::window_length::WindowLength;
use crate::ids::{NodeId, OrderIndex};
use crate::protocol::FirstMessage;
use crate::record::{CompactReceipt, Traffic};
use crate::sync::{Interrupted, Lookout};
use crate::time::{Calendar, Nanos};
use crate::workload::Publication;
use smallvec::SmallVec;

/// The places that are worked on together, or those of one order if it has more: their state fits the second-level
/// cache.
pub const PLACES_TOGETHER: u32 = 1 << 13;

/// The most orders that are solved together.
const ORDERS_MAX: u32 = 64;

/// The bits of a word.
const WORD: usize = u64::BITS as usize;

/// One order, solved up to a limit. Times are since it was due.
#[derive(Clone, Copy, Debug)]
pub(super) struct SolvedOrder {
    pub(super) order: OrderIndex,
    pub(super) due: Nanos,
    /// The last instant whose events count.
    limit: u64,
    /// The time of the receipt that completes the target, if it is within the limit.
    pub(super) target: Option<Nanos>,
    /// The last arrival of all messages, those beyond the limit included.
    latest: u64,
    pub(super) reached: u64,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) lost: u64,
    /// Messages that arrive after the limit.
    pub(super) under_way: u64,
    pub(super) spared: u64,
}

/// The state of the orders that are being solved.
pub(super) struct OrderSolver<'a> {
    setup: &'a EngineSetup<'a>,
    nodes: u32,
    width: WindowLength,
    pub(super) solved: Vec<SolvedOrder>,
    /// The earliest known receipt at each place, with its time since the order was due.
    receipts: Vec<CompactReceipt>,
    /// A bit per place: its node has the order.
    known: Vec<u64>,
    /// Copies received and messages sent, by place.
    copies: Vec<u32>,
    sent: Vec<u32>,
    /// Places by the window of their receipt, counted from `epoch`.
    calendar: Calendar<u32>,
    /// The window in which the present orders are due. It only grows, because a calendar does not go back.
    epoch: u64,
    node_sort: NodeSort,
    forward_batch: ForwardBatch,
    batch_nodes: usize,
    /// By forward of the batch, the place of its node.
    places: Vec<u32>,
    candidates: Vec<Candidate>,
    better: Vec<Improvement>,
    fired: Vec<(u32, CompactReceipt)>,
    times: Vec<Nanos>,
    lookout: Lookout<'a>,
}

impl SolvedOrder {
    fn new(publication: &Publication, end: Nanos) -> SolvedOrder {
        let &Publication { order, due, .. } = publication;
        SolvedOrder {
            order,
            due,
            limit: end.since(due).0,
            target: None,
            latest: 0,
            reached: 0,
            sent: 0,
            received: 0,
            lost: 0,
            under_way: 0,
            spared: 0,
        }
    }

    /// Returns the instant of the order's last event: its last arrival, or its publication if it was never sent.
    pub(super) fn last_event(&self) -> Nanos {
        self.due + Nanos(self.latest)
    }

    /// Returns the instant at which it reached its target.
    pub(super) fn target_at(&self) -> Option<Nanos> {
        self.target.map(|target| self.due + target)
    }
}

impl<'a> OrderSolver<'a> {
    /// Returns the number of orders that are solved together on an overlay of this size.
    pub(super) fn orders_together(nodes: u32) -> u32 {
        (PLACES_TOGETHER / nodes.max(1)).clamp(1, ORDERS_MAX)
    }

    /// Creates a solver for up to `together` orders at a time.
    pub(super) fn new(setup: &'a EngineSetup<'a>, together: u32) -> OrderSolver<'a> {
        let (nodes, width) = (setup.topology.nodes(), WindowLength::new(setup.network.floor()));
        let places = nodes as usize * together as usize;
        let (forward_batch, batch_nodes) = ForwardBatch::new(setup);
        OrderSolver {
            setup,
            nodes,
            width,
            solved: Vec::with_capacity(together as usize),
            receipts: vec![CompactReceipt::NONE; places],
            known: vec![0; places.div_ceil(WORD)],
            copies: vec![0; places],
            sent: vec![0; places],
            calendar: Calendar::new(setup.network.ceiling().map(|ceiling| width.window(ceiling))),
            epoch: 0,
            node_sort: NodeSort::new(places as u32),
            forward_batch,
            batch_nodes,
            places: Vec::with_capacity(batch_nodes),
            candidates: Vec::new(),
            better: Vec::new(),
            fired: Vec::new(),
            times: Vec::new(),
            lookout: Lookout::new(setup.interrupt),
        }
    }

    /// Solves these orders up to `end`, and replaces those solved before.
    pub(super) fn solve<P: FirstMessage>(
        &mut self,
        protocol: &P,
        publications: &[Publication],
        end: Nanos,
    ) -> Result<(), Interrupted> {
        self.begin(publications, end);
        let mut last = self.epoch;
        while let Some(window) = self.calendar.next() {
            self.reach(window);
            self.activate(protocol)?;
            last = window;
        }
        self.epoch = last + 1;
        Ok(())
    }

    /// Forgets the orders before, and publishes these.
    fn begin(&mut self, publications: &[Publication], end: Nanos) {
        self.solved.clear();
        self.receipts.fill(CompactReceipt::NONE);
        self.known.fill(0);
        self.copies.fill(0);
        self.sent.fill(0);
        for publication in publications {
            let place = self.solved.len() as u32 * self.nodes + publication.origin.0;
            self.solved.push(SolvedOrder::new(publication, end));
            self.receipts[place as usize] =
                CompactReceipt::new(CompactReceipt::time_hop_of(Nanos::ZERO, 0), publication.origin);
            self.calendar.put(self.epoch, place);
        }
    }

    /// Finds the places whose receipt is in this window, and the orders that reach their target in it.
    fn reach(&mut self, window: u64) {
        let mut places = Vec::new();
        self.calendar.take(window, &mut places);
        self.node_sort.sort(&mut places);
        self.fired.resize(places.len(), (0, CompactReceipt::NONE));
        let start = self.width.start(window - self.epoch);
        let (count, _) = settle(&self.receipts, &places, start..=Nanos::MAX, &mut self.fired);
        self.fired.truncate(count);
        self.calendar.give_back(places);
        let mut crossing: SmallVec<[usize; 4]> = SmallVec::new();
        for &(place, _) in &self.fired {
            self.known[place as usize / WORD] |= 1 << (place as usize % WORD);
            let slot = self.slot(place);
            let of_order = &mut self.solved[slot];
            of_order.reached += 1;
            if of_order.reached == self.setup.goal.max(1) {
                crossing.push(slot);
            }
        }
        for slot in crossing {
            self.cross(slot);
        }
    }

    /// Notes the time at which an order reaches its target in this window.
    fn cross(&mut self, slot: usize) {
        let mut times = std::mem::take(&mut self.times);
        times.clear();
        let fired = self.fired.iter().filter(|&&(place, _)| self.slot(place) == slot);
        times.extend(fired.map(|(_, receipt)| receipt.time()));
        let of_order = &mut self.solved[slot];
        let before = of_order.reached - times.len() as u64;
        let (_, &mut time, _) = times.select_nth_unstable((self.setup.goal.max(1) - before - 1) as usize);
        of_order.target = Some(time);
        self.times = times;
    }

    /// Returns the index of the order that a place belongs to.
    #[inline]
    fn slot(&self, place: u32) -> usize {
        slot_of(place, self.nodes, self.solved.len())
    }

    /// Lets the node of each place handle its first message.
    fn activate<P: FirstMessage>(&mut self, protocol: &P) -> Result<(), Interrupted> {
        let fired = std::mem::take(&mut self.fired);
        for (begin, part) in (0..).step_by(self.batch_nodes).zip(fired.chunks(self.batch_nodes)) {
            for &(place, receipt) in part {
                let slot = self.slot(place);
                let SolvedOrder { order, due, .. } = self.solved[slot];
                let me = NodeId(place - slot as u32 * self.nodes);
                if let Some(order_hop) = first_forward(protocol, order, receipt.into(), self.setup.ttl) {
                    self.forward_batch.push(me, receipt.into(), order_hop, due);
                    self.places.push(place);
                }
            }
            self.send(&fired[(begin + self.batch_nodes).min(fired.len())..])?;
        }
        self.fired = fired;
        Ok(())
    }

    /// Draws the messages of the current batch, counts them, and relaxes the receipts of those that may be first.
    /// Between the draws, prefetches the rows of the `next` places.
    fn send(&mut self, next: &[(u32, CompactReceipt)]) -> Result<(), Interrupted> {
        let (setup, nodes) = (self.setup, self.nodes);
        self.forward_batch.draw(setup, |at| {
            if let Some(&(soon, _)) = next.get(at) {
                setup.topology.prefetch_degree(NodeId(soon % nodes));
            }
        });
        let messages = self.forward_batch.messages();
        self.lookout.work(messages as u64)?;
        if self.candidates.len() < messages {
            self.candidates.resize(messages, Candidate::NONE);
            self.better.resize(messages, Improvement::NONE);
        }
        let kept = self.count();
        self.forward_batch.clear();
        self.places.clear();
        let (count, _) = relax(&mut self.receipts, 0, &self.candidates[..kept], &mut self.better);
        for &Improvement { time, sooner_by, local } in &self.better[..count] {
            let (window, left) = self.width.split(time);
            if sooner_by >= left {
                self.calendar.put(self.epoch + window, local);
            }
        }
        Ok(())
    }

    /// Counts the messages of the batch, and moves those that may be first to the front of `candidates`; returns their
    /// number.
    fn count(&mut self) -> usize {
        let mut kept = 0;
        let orders = self.solved.len();
        for (forward, (sent, &place)) in self.forward_batch.sent().zip(&self.places).enumerate() {
            let slot = slot_of(place, self.nodes, orders);
            let of_order = &mut self.solved[slot];
            let first = slot as u32 * self.nodes;
            let counts =
                filter(&sent, first, of_order.limit, &self.known, &mut self.copies, &mut self.candidates[kept..]);
            kept += counts.kept;
            let messages = sent.to.len() as u64;
            self.sent[place as usize] = messages as u32;
            of_order.sent += messages;
            of_order.lost += counts.lost;
            of_order.under_way += counts.late;
            of_order.received += messages - counts.lost - counts.late;
            of_order.latest = of_order.latest.max(counts.latest >> u8::BITS);
            of_order.spared += self.forward_batch.spared(forward) as u64;
        }
        kept
    }

    /// Hands over the receipts of a solved order by node, with absolute times, and adds its traffic to that of the
    /// nodes.
    pub(super) fn take(&mut self, slot: usize, traffic: &mut [Traffic]) -> &[CompactReceipt] {
        let SolvedOrder { order, due, .. } = self.solved[slot];
        let bytes = u64::from(self.setup.message_bytes[order.index()]);
        let of_order = slot * self.nodes as usize..(slot + 1) * self.nodes as usize;
        let receipts = &mut self.receipts[of_order.clone()];
        let counts = self.copies[of_order.clone()].iter().zip(&self.sent[of_order]);
        for ((receipt, (&copies, &sent)), traffic) in receipts.iter_mut().zip(counts).zip(traffic) {
            let (copies, sent) = (u64::from(copies), u64::from(sent));
            let hop = receipt.time_hop() as u8;
            traffic.copies += copies;
            traffic.sent += sent;
            traffic.bytes_in += copies * bytes;
            traffic.bytes_out += sent * bytes;
            traffic.firsts += u32::from(receipt.is_reached() && hop > 0);
            if receipt.is_reached() {
                *receipt =
                    CompactReceipt::new(CompactReceipt::time_hop_of(due + receipt.time(), hop), receipt.sender());
            }
        }
        receipts
    }
}

/// Returns the index of the order that a place belongs to, among `orders` orders of `nodes` places.
#[inline]
fn slot_of(place: u32, nodes: u32, orders: usize) -> usize {
    // Larger overlays have one order at a time, and no division.
    if orders == 1 { 0 } else { (place / nodes) as usize }
}

/// The messages of one forward.
struct FilteredForward {
    /// Those that may be first at their receivers.
    kept: usize,
    lost: u64,
    /// Those that arrive after the limit.
    late: u64,
    /// The time and hop of the last arrival.
    latest: u64,
}

/// Counts the messages of a forward of the order whose first place is `first`, and moves those that may be first to the
/// front of `candidates`. No branch depends on a message, because no processor could predict it.
#[inline(always)]
fn filter(
    sent: &SentByNode<'_>,
    first: u32,
    limit: u64,
    known: &[u64],
    copies: &mut [u32],
    candidates: &mut [Candidate],
) -> FilteredForward {
    let mut filtered = FilteredForward { kept: 0, lost: 0, late: 0, latest: 0 };
    for (&to, &time_hop) in sent.to.iter().zip(sent.arrivals) {
        let place = first + to.0;
        let is_lost = time_hop == 0;
        let is_late = time_hop >> u8::BITS > limit;
        let is_known = known[place as usize / WORD] >> (place as usize % WORD) & 1 == 1;
        candidates[filtered.kept] = Candidate { time_hop, to: NodeId(place), from: sent.from };
        filtered.kept += usize::from(!is_lost & !is_late & !is_known);
        filtered.lost += u64::from(is_lost);
        filtered.late += u64::from(is_late);
        filtered.latest = filtered.latest.max(time_hop);
        copies[place as usize] += u32::from(!is_lost & !is_late);
    }
    filtered
}
