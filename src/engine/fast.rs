//! The fast path, for protocols that declare their duplicates inert: an order then spreads along shortest paths, and only
//! the message that reaches a node first has to be known.
//!
//! A node's receipt is the best that is known of it so far; a message that cannot be better is counted where it is sent, and
//! stored nowhere. What waits in the calendar is the node alone, once for each window that its receipt has been in. The
//! windows are those of the general path, and so are the receipts, to the bit (compare delta-stepping: Meyer, Sanders 2003).
//!
//! What each node took in is not counted here but drawn again afterwards, see `recount`.

use super::digest::of_receipts;
use super::home::{add, nothing};
use super::round::{Post, Round, Standing, Verdict};
use super::width::Width;
use super::{Setup, crew};
use crate::gossip::{Context, Protocol, TargetScratch};
use crate::ids::{NodeId, OrderIndex};
use crate::message::Onward;
use crate::network::Fate;
use crate::runtime::RuntimeError;
use crate::stats::{End, Receipt, WorkerRecord};
use crate::sync::{Arena, Bitmap, BitmapView, Broken, Section, SectionView, prefetch, touched};
use crate::time::{Calendar, Nanos};
use std::ops::Range;

/// How many nodes ahead a row is asked for, and the place of a row.
const ROW_AHEAD: usize = 6;
const DEGREE_AHEAD: usize = 12;

/// How many messages are sorted out at a time.
const BATCH: usize = 256;

/// How many nodes or messages ahead a receipt is asked for where they stand in a row.
const RECEIPT_AHEAD: usize = 24;

/// The latest time that a crossing can hold. Whatever would come later lies after the time limit.
const TIME_MAX: u64 = u64::MAX >> 8;

/// What the propagation of one order came to.
pub(super) struct Spread {
    pub(super) end: End,
    pub(super) at: Nanos,
    /// By node; what was not reached by the end is erased.
    pub(super) receipts: Vec<Receipt>,
    /// The counts of all that was sent. They are the run's where it ended at rest.
    pub(super) record: WorkerRecord,
    pub(super) model_lost: u64,
    pub(super) digest: u64,
}

/// Whether every instant of the run fits a crossing.
pub(super) fn fits(setup: &Setup<'_>) -> bool {
    let ways = setup.network.ceiling().map(|ceiling| ceiling.0.saturating_mul(u64::from(u8::MAX) + 1));
    let last = ways.map_or(Nanos::MAX, |ways| setup.workload.last_due() + Nanos(ways));
    last.min(setup.deadline()).0 < TIME_MAX
}

/// Runs the only order to the end. The network must have a floor.
pub(super) fn run<P: Protocol + Clone + Send>(setup: &Setup<'_>, protocol: &P) -> Result<Spread, RuntimeError> {
    let partition = setup.partition;
    let round = Round::new(partition.workers());
    let mut receipts = touched(setup.topology.nodes() as usize, Receipt::NONE);
    let mut known = Bitmap::new(&mut Arena::heap(), partition.sizes().map(|nodes| nodes as usize));
    let (view, sections) = known.split();
    let mut rest = &mut receipts[..];
    let mut shares = Vec::with_capacity(partition.workers());
    for (nodes, known) in partition.sizes().zip(sections) {
        let (own, others) = rest.split_at_mut(nodes as usize);
        rest = others;
        shares.push((own, known, protocol.clone()));
    }
    let homes = crew::run(setup, round.latch(), shares, |worker, (receipts, known, mut protocol)| {
        Worker::new(setup, &round, worker, receipts, known, view).run(&mut protocol)
    })?;
    let (mut record, mut model_lost, mut digest) = (nothing(), 0, 0_u64);
    for home in &homes {
        add(&mut record, &home.record);
        model_lost += home.model_lost;
        digest = digest.wrapping_add(home.digest);
    }
    let (end, at) = homes.first().map_or((End::Quiescent, Nanos::ZERO), |home| (home.end, home.at));
    Ok(Spread { end, at, receipts, record, model_lost, digest })
}

/// Lets a node do what its protocol does with what reached it first.
#[inline]
pub(super) fn first_message<P: Protocol, C: Context>(
    context: &mut C,
    protocol: &mut P,
    me: NodeId,
    Receipt { sender, hop, .. }: Receipt,
    ttl: u8,
) {
    let order = OrderIndex(0);
    if hop == 0 {
        protocol.publish(context, order, ttl);
    } else {
        // A message has as many hops to go as its order's TTL exceeds those behind it.
        protocol.handle_message(context, &Onward { order, ttl: ttl - hop, hop }.copy(sender, me), &[]);
    }
}

/// The worker that owns a node, without a branch: a sum is faster than a search among as few as there are cores.
#[inline]
fn owner(starts: &[u32], node: NodeId) -> usize {
    starts[1..].iter().map(|&start| usize::from(start <= node.0)).sum()
}

/// What one worker brings home.
struct Home {
    end: End,
    at: Nanos,
    record: WorkerRecord,
    model_lost: u64,
    digest: u64,
}

/// A message: its time in the upper 56 bits, its hop in the lower 8; 0 stands for one that is lost, since none comes at
/// once or without a hop.
#[derive(Clone, Copy, Debug)]
struct Crossing {
    time_hop: u64,
    to: NodeId,
    from: NodeId,
}

impl Crossing {
    #[inline]
    fn new(time: Nanos, hop: u8, from: NodeId, to: NodeId) -> Crossing {
        Crossing { time_hop: time.0.min(TIME_MAX) << 8 | u64::from(hop), to, from }
    }

    #[inline]
    fn receipt(self) -> Receipt {
        Receipt { time: Nanos(self.time_hop >> 8), sender: self.from, hop: self.time_hop as u8 }
    }
}

/// One worker.
struct Worker<'a> {
    setup: &'a Setup<'a>,
    meeting: &'a Round<Crossing>,
    index: usize,
    nodes: Range<u32>,
    /// The best that is known of each node of this shard.
    receipts: &'a mut [Receipt],
    /// Who has the order: a bit for each node of this shard.
    section: Section<'a>,
    /// The same of all shards, as far as it is known here.
    known: Vec<SectionView<'a>>,
    /// Nodes of this shard, by the window of their receipt.
    calendar: Calendar<u32>,
    /// What was sent and has yet to be sorted out.
    batch: Vec<Crossing>,
    /// What was sorted out, by the worker it is for; this one's own never stays.
    out: Vec<Vec<Crossing>>,
    scratch: TargetScratch,
    /// The nodes reached in this window.
    fired: Vec<(u32, Receipt)>,
    event: (NodeId, Receipt),
    width: Width,
    deadline: Nanos,
    /// When the last of all messages arrives, and its hop.
    last_arrival: u64,
    record: WorkerRecord,
    model_lost: u64,
}

impl<'a> Worker<'a> {
    fn new(
        setup: &'a Setup<'a>,
        meeting: &'a Round<Crossing>,
        index: usize,
        receipts: &'a mut [Receipt],
        section: Section<'a>,
        known: BitmapView<'a>,
    ) -> Worker<'a> {
        let width = Width::new(setup.network.floor());
        let max_degree = setup.topology.max_degree();
        let nodes = setup.partition.shard(index);
        let size = nodes.len() as u32;
        Worker {
            setup,
            meeting,
            index,
            event: (NodeId(nodes.start), Receipt::NONE),
            nodes,
            receipts,
            section,
            known: (0..setup.partition.workers()).map(|shard| known.section(shard)).collect(),
            calendar: Calendar::new(setup.network.ceiling().map(|ceiling| width.window(ceiling))),
            batch: Vec::with_capacity(2 * BATCH),
            out: (0..setup.partition.workers()).map(|_| Vec::new()).collect(),
            scratch: TargetScratch::new(setup.draw.count(max_degree), setup.topology),
            fired: Vec::new(),
            width,
            deadline: setup.deadline(),
            last_arrival: 0,
            record: WorkerRecord { nodes: size, ..WorkerRecord::default() },
            model_lost: 0,
        }
    }

    fn run<P: Protocol>(mut self, protocol: &mut P) -> Result<Home, Broken> {
        let Setup { workload, goal, ends_at_target, .. } = *self.setup;
        let mut standing = Standing::new(1, goal, ends_at_target, self.deadline, self.width);
        let Some(first) = workload.publications().first() else {
            return Ok(self.close(End::Quiescent, Nanos::ZERO));
        };
        if self.nodes.contains(&first.origin.0) {
            let local = first.origin.0 - self.nodes.start;
            self.receipts[local as usize] = Receipt { time: first.due, sender: first.origin, hop: 0 };
            self.calendar.put(self.width.window(first.due), local);
        }
        let mut window = self.width.window(first.due);
        for round in 0.. {
            let late = self.reach(window);
            self.fire(protocol);
            let post = self.post(late);
            self.meeting.send(round, self.index, &mut self.out);
            let posts = self.meeting.meet(round, self.index, post)?;
            self.take_in(round);
            let verdict = standing.judge(&posts);
            if self.index == 0 {
                self.setup.observer.progressed(standing.progress());
            }
            match verdict {
                Verdict::On(next) => window = next,
                Verdict::Target(crossing) => {
                    let times = self.fired.iter().map(|(_, receipt)| (OrderIndex(0), receipt.time));
                    let at = self.meeting.target_at(self.index, &crossing, times)?;
                    return Ok(self.close(End::Target, at));
                }
                Verdict::Ended(end, at) => return Ok(self.close(end, at)),
            }
        }
        unreachable!("rounds do not run out")
    }

    /// Finds the nodes that are reached in this window; says whether any other is, but after the time limit.
    fn reach(&mut self, window: u64) -> bool {
        let start = self.width.start(window);
        let mut nodes = Vec::new();
        self.calendar.take(window, &mut nodes);
        self.fired.clear();
        let mut late = false;
        for (position, &local) in nodes.iter().enumerate() {
            if let Some(&soon) = nodes.get(position + RECEIPT_AHEAD) {
                prefetch(self.receipts, soon as usize);
            }
            let receipt = self.receipts[local as usize];
            if receipt.time < start {
                // A better message has come since, and this node was reached in its window.
                continue;
            }
            if receipt.time > self.deadline {
                late = true;
                continue;
            }
            self.section.mark(local as usize);
            self.fired.push((local, receipt));
        }
        self.record.reached += self.fired.len() as u64;
        self.calendar.give_back(nodes);
        late
    }

    /// Lets each of them do what its protocol does with its first message.
    fn fire<P: Protocol>(&mut self, protocol: &mut P) {
        let fired = std::mem::take(&mut self.fired);
        let (topology, start) = (self.setup.topology, self.nodes.start);
        for (position, &(local, receipt)) in fired.iter().enumerate() {
            if let Some((soon, _)) = fired.get(position + ROW_AHEAD) {
                topology.prefetch_row(NodeId(start + soon));
            }
            if let Some((later, _)) = fired.get(position + DEGREE_AHEAD) {
                topology.prefetch_degree(NodeId(start + later));
            }
            let me = NodeId(start + local);
            self.event = (me, receipt);
            first_message(self, protocol, me, receipt, self.setup.ttl);
        }
        self.sort_out();
        self.fired = fired;
    }

    /// Sorts out what was sent: counts what is nobody's news, hands over what is for others, and holds the rest against the
    /// receipts of this shard.
    fn sort_out(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        let news = self.sift(&mut batch);
        batch.truncate(news);
        if self.out.len() > 1 {
            self.hand_over(&mut batch);
        }
        self.improve(&batch);
        batch.clear();
        self.batch = batch;
    }

    /// Moves what may be news to the front of the batch, and counts the rest; gives how many may be. No branch hangs on a
    /// message, because no processor could foresee it.
    fn sift(&mut self, batch: &mut [Crossing]) -> usize {
        let (starts, known) = (self.setup.partition.starts(), &self.known[..]);
        let (mut lost, mut news, mut latest) = (0, 0, self.last_arrival);
        for place in 0..batch.len() {
            let crossing = batch[place];
            let owner = owner(starts, crossing.to);
            let is_lost = crossing.time_hop == 0;
            let is_known = known[owner].contains(crossing.to.0 - starts[owner]);
            batch[news] = crossing;
            news += usize::from(!is_lost & !is_known);
            lost += u64::from(is_lost);
            latest = latest.max(crossing.time_hop);
        }
        self.last_arrival = latest;
        let duplicates = batch.len() as u64 - lost - news as u64;
        self.model_lost += lost;
        self.record.received += duplicates;
        self.record.duplicates += duplicates;
        news
    }

    /// Hands over what is for others, and leaves in the batch what is for this shard.
    fn hand_over(&mut self, batch: &mut Vec<Crossing>) {
        let starts = self.setup.partition.starts();
        for &crossing in batch.iter() {
            self.out[owner(starts, crossing.to)].push(crossing);
        }
        // This worker's own lane is empty but for these.
        std::mem::swap(batch, &mut self.out[self.index]);
        self.out[self.index].clear();
    }

    /// Holds messages against the best that is known of their nodes.
    fn improve(&mut self, crossings: &[Crossing]) {
        let start = self.nodes.start;
        let mut duplicates = 0;
        for (position, crossing) in crossings.iter().enumerate() {
            if let Some(soon) = crossings.get(position + RECEIPT_AHEAD) {
                prefetch(self.receipts, (soon.to.0 - start) as usize);
            }
            let local = crossing.to.0 - start;
            let best = &mut self.receipts[local as usize];
            let receipt = crossing.receipt();
            if (best.time, best.sender) <= (receipt.time, receipt.sender) {
                duplicates += 1;
                continue;
            }
            // What was the best until now will come too, and be a duplicate.
            duplicates += u64::from(best.is_reached());
            let (window, left) = self.width.split(receipt.time);
            let was_later = best.time.0 - receipt.time.0 >= left;
            *best = receipt;
            if was_later {
                self.calendar.put(window, local);
            }
        }
        self.record.received += crossings.len() as u64;
        self.record.duplicates += duplicates;
    }

    /// Takes in what others have sent.
    fn take_in(&mut self, round: usize) {
        let meeting = self.meeting;
        meeting.receive_all(round, self.index, |crossings| self.improve(crossings));
    }

    fn post(&mut self, late: bool) -> Post {
        let out = self.out.iter().flatten().map(|crossing| crossing.time_hop).min();
        let out = out.map(|least| self.width.window(Nanos(least >> 8)));
        let last_event = self.fired.iter().map(|(_, receipt)| receipt.time).max().unwrap_or_default();
        let fresh = self.fired.len() as u64;
        Post {
            next: [self.calendar.next(), out].into_iter().flatten().min(),
            late,
            interrupted: self.setup.interrupt.is_raised(),
            last_event,
            last_arrival: Nanos(self.last_arrival >> 8),
            messages: self.record.received,
            fresh: (fresh > 0).then_some((OrderIndex(0), fresh)).into_iter().collect(),
        }
    }

    /// Erases receipts that do not count, and hands over what was counted.
    fn close(self, end: End, at: Nanos) -> Home {
        if end != End::Quiescent {
            self.receipts.iter_mut().filter(|receipt| receipt.time > at).for_each(|receipt| *receipt = Receipt::NONE);
        }
        let digest = of_receipts(OrderIndex(0), NodeId(self.nodes.start), self.receipts);
        Home { end, at, record: self.record, model_lost: self.model_lost, digest }
    }
}

impl Context for Worker<'_> {
    #[inline]
    fn me(&self) -> NodeId {
        self.event.0
    }

    /// Every message that is handled here is the first.
    #[inline]
    fn deliver(&mut self, _: OrderIndex) -> bool {
        true
    }

    #[inline]
    fn fan_out(&mut self, onward: Onward) {
        let setup = self.setup;
        let (me, receipt) = self.event;
        let ways = setup.network.ways(onward.order, me).at(receipt.time);
        let copy = |to: NodeId| match ways.fate(to, 0) {
            Fate::Arrives(latency) => Crossing::new(receipt.time + latency, onward.hop, me, to),
            Fate::Lost => Crossing { time_hop: 0, to, from: me },
        };
        let targets = setup.draw.draw(setup.topology, onward.order, me, &mut self.scratch);
        let before = self.batch.len();
        if setup.exclude_sender {
            self.batch.extend(targets.iter().filter(|&&to| to != receipt.sender).map(|&to| copy(to)));
        } else {
            self.batch.extend(targets.iter().map(|&to| copy(to)));
        }
        let sent = self.batch.len() - before;
        self.record.sent += sent as u64;
        self.record.spared += (targets.len() - sent) as u64;
        if self.batch.len() >= BATCH {
            self.sort_out();
        }
    }
}
