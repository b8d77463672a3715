//! One shard of a cluster, hop by hop: it has the bits of its own nodes, and tells every other shard once which of its
//! nodes it has reached.
//!
//! In a hop a shard draws the targets of those of its nodes that forward, in the order of their numbers, and keeps for
//! each shard the nodes that it has not told it of before. All meet, and each adds what it is told to what it has
//! reached itself: these nodes forward next. A second meeting adds up their number.

use super::crossing_set::{self, SetWord};
use super::shared_sets::{decision, nodes_in};
use super::worker::{HopBatch, MarkMode, SendTotals};
use super::{HopsProgress, HopsSetup, time_of};
use crate::engine::exchange::{ExchangeBroken, ExchangeEnd, WindowReport};
use crate::ids::NodeId;
use crate::protocol::TargetDraw;
use crate::record::End;
use crate::simd::prefetch;
use crate::sync::Lookout;
use crate::sys::touched;
use crate::threads::ShardMap;
use std::ops::Range;

/// The nodes with senders that a shard has for others between two meetings, so that no buffer grows to the size of a
/// hop. Bits need no limit.
const SENDERS_TOGETHER: u64 = if cfg!(test) { 100 } else { 1 << 17 };

/// The outcome of one shard.
pub(in crate::engine) struct MemberHops {
    pub(in crate::engine) end: End,
    /// Nodes of all shards newly reached, by hop, up to the last hop that was computed.
    pub(in crate::engine) counts: Vec<u64>,
    /// By node of this shard, as in `ByHop`.
    pub(in crate::engine) hop_of: Vec<u8>,
    pub(in crate::engine) senders: Option<Vec<NodeId>>,
    /// The messages of this shard that arrived, and those that it has sent at the very end.
    pub(in crate::engine) sums: SendTotals,
    pub(in crate::engine) closing: SendTotals,
    /// Messages of all shards under way at the end.
    pub(in crate::engine) in_flight: u64,
    /// Messages of this shard that an interrupt kept from being sent; on an implicit overlay an upper bound.
    pub(in crate::engine) waiting: u64,
    /// The nodes that this shard has told each shard of.
    pub(in crate::engine) told: Vec<u64>,
}

/// One shard during a run.
pub(in crate::engine) struct MemberWorker<'a> {
    setup: &'a HopsSetup<'a>,
    shard: usize,
    sets: MemberSets<'a>,
    /// One bit for each node of the shard that forwards in this hop.
    latest: Vec<u64>,
    hop_of: Vec<u8>,
    lookout: Lookout<'a>,
    is_cut_short: bool,
    draw: TargetDraw,
    /// The number of nodes whose targets are drawn at once.
    batch_nodes: usize,
    drawing: HopBatch,
    drawn: HopBatch,
    /// Targets that were not seen when they were checked, with their senders.
    unseen: Vec<(NodeId, NodeId)>,
}

/// The nodes that a shard has reached.
struct MemberSets<'a> {
    map: &'a ShardMap,
    nodes: Range<u32>,
    /// One bit for each node of the run: that the shard has reached it, or knows that it was.
    seen: Vec<u64>,
    /// One bit for each node of the shard: that it is reached in this hop.
    next: Vec<u64>,
    /// The least sender of each node of the shard, if recorded.
    senders: Option<Vec<NodeId>>,
    /// Nodes of other shards that were not reached from here before, by shard; and their number with senders.
    out: Vec<Vec<SetWord>>,
    together: u64,
    told: Vec<u64>,
}

impl MemberSets<'_> {
    /// Returns true if the node was reached from here before.
    #[inline]
    fn has_seen(&self, node: NodeId) -> bool {
        self.seen[node.index() / 64] >> (node.0 % 64) & 1 == 1
    }

    /// Notes the first message from nodes of this shard to a node; nodes send in the order of their numbers.
    #[inline]
    fn mark(&mut self, from: NodeId, to: NodeId) {
        if self.has_seen(to) {
            return;
        }
        self.seen[to.index() / 64] |= 1 << (to.0 % 64);
        if self.nodes.contains(&to.0) {
            return self.reach(to.0 - self.nodes.start, from);
        }
        let owner = self.map.owner(to);
        let nodes = self.map.shard(owner);
        self.told[owner] += 1;
        match self.senders {
            None => crossing_set::add(&mut self.out[owner], nodes.len() as u32, to.0 - nodes.start),
            Some(_) => {
                crossing_set::add_with_sender(&mut self.out[owner], to.0 - nodes.start, from);
                self.together += 1;
            }
        }
    }

    /// Notes that a node of this shard is reached in this hop, which it may have been by another message.
    #[inline]
    fn reach(&mut self, local: u32, from: NodeId) {
        let (at, bit) = (local as usize / 64, 1 << (local % 64));
        if let Some(senders) = &mut self.senders {
            let sender = &mut senders[local as usize];
            *sender = if self.next[at] & bit == 0 { from } else { from.min(*sender) };
        }
        self.next[at] |= bit;
    }

    /// Adds what another shard tells.
    fn hear(&mut self, words: &[SetWord]) {
        crossing_set::each(words, |local, from| {
            let is_old = self.has_seen(NodeId(self.nodes.start + local))
                && self.next[local as usize / 64] >> (local % 64) & 1 == 0;
            // What is heard before this shard has sent all messages of the hop must not hide its own, of which one may
            // have a lesser sender. The bit is set when the hop ends.
            if !is_old {
                self.reach(local, from);
            }
        });
    }
}

impl<'a> MemberWorker<'a> {
    pub(in crate::engine) fn new(setup: &'a HopsSetup<'a>, map: &'a ShardMap, shard: usize) -> MemberWorker<'a> {
        let nodes = map.shard(shard);
        let (size, words) = (nodes.len(), nodes.len().div_ceil(64));
        let (batch_nodes, [drawing, drawn]) = HopBatch::two(setup);
        let mut worker = MemberWorker {
            setup,
            shard,
            sets: MemberSets {
                map,
                seen: touched(map.nodes().div_ceil(64) as usize, 0),
                next: vec![0; words],
                senders: setup.needs_senders().then(|| touched(size, NodeId(u32::MAX))),
                out: (0..map.workers()).map(|_| Vec::new()).collect(),
                together: 0,
                told: vec![0; map.workers()],
                nodes,
            },
            latest: vec![0; words],
            hop_of: touched(size, 0),
            lookout: Lookout::new(setup.interrupt),
            is_cut_short: false,
            draw: setup.draw.at_hop(1),
            batch_nodes,
            drawing,
            drawn,
            unseen: Vec::new(),
        };
        if worker.sets.nodes.contains(&setup.origin.0) {
            // An origin counts as its own sender.
            worker.sets.mark(setup.origin, setup.origin);
            worker.turn(0);
        }
        worker
    }

    /// Runs to the end, which is the same for all shards.
    pub(in crate::engine) fn run(mut self, end: &mut impl ExchangeEnd<SetWord>) -> Result<MemberHops, ExchangeBroken> {
        let setup = self.setup;
        let (mut counts, mut sums, mut closing, mut in_flight) =
            (vec![1], SendTotals::default(), SendTotals::default(), 0);
        let reason = loop {
            let (hop, newest, reached) = (counts.len() as u8 - 1, counts[counts.len() - 1], counts.iter().sum());
            self.draw = setup.draw.at_hop(hop.saturating_add(1));
            if let Some(reason) = decision(setup, hop, newest, reached) {
                if matches!(reason, End::Target | End::Timeout) && hop < setup.ttl {
                    closing = self.close();
                    let mut sums = [closing.sent, self.is_cut_short.into()];
                    end.add_up(&mut sums)?;
                    let [sent, cut_short] = sums;
                    if cut_short > 0 {
                        closing = SendTotals::default();
                        break End::Interrupted;
                    }
                    in_flight = sent;
                }
                break reason;
            }
            let Some(sent) = self.hop(end)? else { break End::Interrupted };
            sums.add(sent);
            let mut newest = [self.turn(hop + 1)];
            end.add_up(&mut newest)?;
            counts.extend(newest);
            if self.shard == 0 {
                let (hop, reached) = (hop + 1, counts.iter().sum());
                (setup.observer)(HopsProgress { hop, time: time_of(hop, setup.latency), reached });
            }
        };
        let waiting = if reason == End::Interrupted { self.waiting(counts.len() as u8 - 1) } else { 0 };
        let MemberWorker { hop_of, sets: MemberSets { mut senders, told, nodes, .. }, .. } = self;
        if let Some(senders) = senders.as_mut().filter(|_| reason == End::Interrupted) {
            // A hop that was cut short has left senders that do not count.
            let without = (nodes.start..)
                .zip(senders)
                .zip(&hop_of)
                .filter(|&((node, _), &hop)| hop == 0 && node != setup.origin.0);
            without.for_each(|((_, sender), _)| *sender = NodeId(u32::MAX));
        }
        Ok(MemberHops { end: reason, counts, hop_of, senders, sums, closing, in_flight, waiting, told })
    }

    /// Sends the messages of a hop, and hears of those of other shards; returns `None` if the user has interrupted any
    /// of them.
    fn hop(&mut self, end: &mut impl ExchangeEnd<SetWord>) -> Result<Option<SendTotals>, ExchangeBroken> {
        let (mut sums, mut begin) = (SendTotals::default(), 0);
        loop {
            begin = self.forward(MarkMode::Arrives, begin, &mut sums);
            end.send(&mut self.sets.out);
            self.sets.together = 0;
            // As along shortest paths, a wake-up stands for messages that are still to come.
            let report = end.meet(WindowReport {
                wake: (begin < self.latest.len()).then_some(0),
                cut_short: self.is_cut_short.then_some(End::Interrupted),
                ..WindowReport::default()
            })?;
            end.receive(|words| self.sets.hear(words));
            if report.cut_short.is_some() {
                return Ok(None);
            }
            if report.wake.is_none() {
                return Ok(Some(sums));
            }
        }
    }

    /// Forwards for the nodes of all words from `begin` on, or until enough wait to be handed over. Returns the first
    /// word that is left.
    fn forward(&mut self, mode: MarkMode, begin: usize, sums: &mut SendTotals) -> usize {
        for at in begin..self.latest.len() {
            if self.sets.together >= SENDERS_TOGETHER {
                return at;
            }
            if self.looks(1 + self.drawn.target_batch.targets().len() as u64) {
                return self.latest.len();
            }
            for local in nodes_in(at, self.latest[at]) {
                self.drawing.nodes.push(NodeId(self.sets.nodes.start + local.0));
                if self.drawing.nodes.len() == self.batch_nodes {
                    self.send_batch(mode, sums);
                }
            }
        }
        // A batch is marked one call after it is drawn.
        self.send_batch(mode, sums);
        self.send_batch(mode, sums);
        self.latest.len()
    }

    /// Polls the interrupt at intervals; returns true once it is raised.
    fn looks(&mut self, units: u64) -> bool {
        self.is_cut_short |= self.lookout.work(units).is_err();
        self.is_cut_short
    }

    /// Counts the messages that the nodes reached last have sent at the very instant of the end.
    fn close(&mut self) -> SendTotals {
        let mut sums = SendTotals::default();
        if self.setup.counts_by_draw(&self.draw) {
            self.forward(MarkMode::Counts, 0, &mut sums);
            return sums;
        }
        for at in 0..self.latest.len() {
            if self.looks(64) {
                break;
            }
            for local in nodes_in(at, self.latest[at]) {
                sums.add(self.setup.sends_of(&self.draw, NodeId(self.sets.nodes.start + local.0)));
            }
        }
        sums
    }

    /// Draws the targets of the current nodes, and marks those of the nodes before them.
    fn send_batch(&mut self, mode: MarkMode, sums: &mut SendTotals) {
        let HopsSetup { topology, order, .. } = *self.setup;
        let (drawn, seen) = (&self.drawn.target_batch, &self.sets.seen);
        self.drawing.target_batch.draw(
            &self.draw,
            topology,
            |_| order,
            &self.drawing.nodes,
            |place| {
                if mode == MarkMode::Arrives {
                    drawn.targets_of(place).iter().for_each(|to| prefetch(seen, to.index() / 64));
                }
            },
        );
        let sent = match (&self.sets.senders, mode) {
            (None, MarkMode::Counts) => SendTotals { sent: drawn.targets().len() as u64, spared: 0 },
            _ => self.mark(mode),
        };
        sums.add(sent);
        self.drawn.nodes.clear();
        std::mem::swap(&mut self.drawing, &mut self.drawn);
        self.drawing.nodes.clear();
    }

    /// Marks targets, except for the sender that a node may exclude.
    fn mark(&mut self, mode: MarkMode) -> SendTotals {
        let MemberWorker { setup, sets, drawn, unseen, .. } = self;
        unseen.resize(drawn.target_batch.targets().len(), (NodeId(0), NodeId(0)));
        let (mut sums, mut count) = (SendTotals::default(), 0);
        for (&from, targets) in drawn.nodes.iter().zip(drawn.target_batch.by_node()) {
            let sender = match &sets.senders {
                Some(senders) if setup.exclude_sender => senders[(from.0 - sets.nodes.start) as usize],
                _ => NodeId(u32::MAX),
            };
            for &to in targets {
                let is_sent = to != sender;
                sums.add(SendTotals { sent: is_sent.into(), spared: (!is_sent).into() });
                // A branch on it would be mispredicted: at times half of the targets have been seen.
                unseen[count] = (from, to);
                count += usize::from(is_sent & !sets.has_seen(to));
            }
        }
        if mode == MarkMode::Arrives {
            unseen[..count].iter().for_each(|&(from, to)| sets.mark(from, to));
        }
        sums
    }

    /// Ends a hop: the nodes of this shard that it has reached forward next. Returns their number.
    fn turn(&mut self, hop: u8) -> u64 {
        let MemberSets { seen, next, nodes, .. } = &mut self.sets;
        std::mem::swap(&mut self.latest, next);
        next.fill(0);
        let mut newest = 0;
        for (at, &word) in self.latest.iter().enumerate().filter(|(_, word)| **word != 0) {
            newest += u64::from(word.count_ones());
            for local in nodes_in(at, word) {
                self.hop_of[local.index()] = hop;
                let node = nodes.start + local.0;
                seen[node as usize / 64] |= 1 << (node % 64);
            }
        }
        newest
    }

    /// Returns the messages of the nodes of this shard reached in the last hop, which have not forwarded; on an
    /// implicit overlay an upper bound.
    fn waiting(&self, hop: u8) -> u64 {
        let newest = self.latest.iter().map(|word| u64::from(word.count_ones())).sum();
        let nodes = self.latest.iter().enumerate().flat_map(|(at, &word)| nodes_in(at, word));
        self.setup.waiting(hop, newest, nodes.map(|local| NodeId(self.sets.nodes.start + local.0)))
    }
}
