//! One thread of a run.
//!
//! A hop has two halves. First the workers take blocks of forwarding nodes, draw their targets and mark them. When all
//! are marked, each worker compares its own words with those before: the nodes newly set forward next. The barriers
//! between the halves are the only synchronisation.

use super::shared_sets::{SharedSets, nodes_in};
use super::{HopsProgress, HopsSetup, time_of};
use crate::ids::NodeId;
use crate::protocol::{TargetBatch, TargetDraw};
use crate::record::End;
use crate::simd::prefetch;
use crate::sync::{BarrierBroken, Lookout};
use std::ops::Range;

/// The maximum number of nodes whose targets are drawn at once: enough that prefetched words have arrived when the next
/// are drawn, and few enough for the first-level cache.
const BATCH_NODES_MAX: usize = 64;

/// The number of targets drawn at once, unless a single node has more.
const BATCH_TARGETS: usize = 1_024;

/// One thread of a run.
pub(super) struct HopsWorker<'a> {
    setup: &'a HopsSetup<'a>,
    field: &'a SharedSets,
    /// The words that it owns.
    words: Range<usize>,
    /// The hops of the nodes in those words.
    hops: &'a mut [u8],
    copies: Option<Vec<u32>>,
    lookout: Lookout<'a>,
    /// The draw of the hop that is being sent.
    draw: TargetDraw,
    /// The number of nodes whose targets are drawn at once.
    batch_nodes: usize,
    /// The batch being drawn, and the one drawn before it, which is not marked yet.
    drawing: HopBatch,
    drawn: HopBatch,
    /// Targets that were not seen when they were checked.
    unseen: Vec<NodeId>,
    /// The same with their senders.
    unseen_from: Vec<(NodeId, NodeId)>,
}

/// Nodes that forward, and their targets.
pub(super) struct HopBatch {
    pub(super) nodes: Vec<NodeId>,
    pub(super) target_batch: TargetBatch,
}

impl HopBatch {
    /// Creates a batch to be drawn while the other is marked. Returns the number of nodes in a batch, and both.
    pub(super) fn two(setup: &HopsSetup<'_>) -> (usize, [HopBatch; 2]) {
        let usual = setup.draw.count(setup.topology.mean_degree().ceil() as u32).max(1);
        let batch_nodes = (BATCH_TARGETS / usual as usize).clamp(1, BATCH_NODES_MAX);
        let forward_batch = || HopBatch {
            nodes: Vec::with_capacity(batch_nodes),
            target_batch: TargetBatch::new(&setup.draw, setup.topology, batch_nodes),
        };
        (batch_nodes, [forward_batch(), forward_batch()])
    }
}

/// Counts of messages.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) struct SendTotals {
    pub(in crate::engine) sent: u64,
    pub(in crate::engine) spared: u64,
}

impl SendTotals {
    pub(super) fn add(&mut self, other: SendTotals) {
        self.sent += other.sent;
        self.spared += other.spared;
    }
}

/// The result of one worker.
pub(super) struct HopsShare {
    pub(super) end: End,
    /// The last hop whose set was computed.
    pub(super) last_hop: u8,
    /// The messages that arrived.
    pub(super) sums: SendTotals,
    /// The messages of the next hop, which was not sent.
    pub(super) closing: SendTotals,
    pub(super) copies: Option<Vec<u32>>,
}

/// The treatment of targets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkMode {
    /// Targets are marked as having the order.
    Arrives,
    /// Targets are counted only.
    Counts,
}

impl<'a> HopsWorker<'a> {
    pub(super) fn new(
        setup: &'a HopsSetup<'a>,
        field: &'a SharedSets,
        words: Range<usize>,
        hops: &'a mut [u8],
        copies: Option<Vec<u32>>,
    ) -> HopsWorker<'a> {
        let (batch_nodes, [drawing, drawn]) = HopBatch::two(setup);
        let (unseen, unseen_from) = (Vec::new(), Vec::new());
        let lookout = Lookout::new(setup.interrupt);
        let draw = setup.draw.at_hop(1);
        HopsWorker {
            setup,
            field,
            words,
            hops,
            copies,
            lookout,
            draw,
            batch_nodes,
            drawing,
            drawn,
            unseen,
            unseen_from,
        }
    }

    /// Runs to the end, which is the same for all workers.
    pub(super) fn run(mut self) -> Result<HopsShare, BarrierBroken> {
        let mut done = HopsShare {
            end: End::Interrupted,
            last_hop: 0,
            sums: SendTotals::default(),
            closing: SendTotals::default(),
            copies: None,
        };
        self.hop_by_hop(&mut done)?;
        done.copies = self.copies.take();
        Ok(done)
    }

    fn hop_by_hop(&mut self, done: &mut HopsShare) -> Result<(), BarrierBroken> {
        let (setup, field) = (self.setup, self.field);
        loop {
            self.draw = setup.draw.at_hop(done.last_hop.saturating_add(1));
            if let Some(end) = field.decision(setup, done.last_hop) {
                if matches!(end, End::Target | End::Timeout) && done.last_hop < setup.ttl {
                    done.closing = self.close();
                    field.barrier.wait()?;
                }
                // After an interrupt the messages are not counted, and none of them was sent.
                if field.stop.is_raised() {
                    done.closing = SendTotals::default();
                } else {
                    done.end = end;
                }
                return Ok(());
            }
            let sums = self.forward(MarkMode::Arrives);
            field.barrier.wait()?;
            if field.stop.is_raised() {
                return Ok(());
            }
            done.sums.add(sums);
            done.last_hop += 1;
            self.turn(done.last_hop);
            if self.words.start == 0 && !self.words.is_empty() {
                field.cursor.rewind();
            }
            field.barrier.wait()?;
            if self.words.start == 0 && !self.words.is_empty() {
                let time = time_of(done.last_hop, setup.latency);
                (setup.observer)(HopsProgress { hop: done.last_hop, time, reached: field.reached(done.last_hop) });
            }
        }
    }

    /// Forwards for blocks of nodes until none is left, or the user ends the run.
    fn forward(&mut self, forward: MarkMode) -> SendTotals {
        let field = self.field;
        let mut sums = SendTotals::default();
        'blocks: while let Some(block) = field.cursor.take() {
            for at in block {
                if self.is_cut_short(1) {
                    break 'blocks;
                }
                for node in nodes_in(at, field.latest.word(at)) {
                    self.drawing.nodes.push(node);
                    if self.drawing.nodes.len() == self.batch_nodes {
                        self.send_batch(forward, &mut sums);
                        if self.is_cut_short(self.drawn.target_batch.targets().len()) {
                            break 'blocks;
                        }
                    }
                }
            }
        }
        if field.stop.is_raised() {
            self.drawing.nodes.clear();
            self.drawn.nodes.clear();
            return sums;
        }
        // Draws the last nodes, and then marks their targets: a batch is marked one call after it is drawn.
        self.send_batch(forward, &mut sums);
        self.send_batch(forward, &mut sums);
        sums
    }

    /// Polls the interrupt at intervals; if it is raised, tells the other workers and returns true.
    fn is_cut_short(&mut self, messages: usize) -> bool {
        if self.lookout.work(messages as u64).is_err() {
            self.field.stop.raise(End::Interrupted as u8);
        }
        self.field.stop.is_raised()
    }

    /// Counts the messages that the nodes reached last have sent at the very instant of the end.
    fn close(&mut self) -> SendTotals {
        if self.setup.counts_by_draw(&self.draw) {
            return self.forward(MarkMode::Counts);
        }
        let mut sums = SendTotals::default();
        while let Some(block) = self.field.cursor.take() {
            for at in block {
                if self.is_cut_short(1) {
                    return sums;
                }
                for node in nodes_in(at, self.field.latest.word(at)) {
                    sums.add(self.setup.sends_of(&self.draw, node));
                }
            }
        }
        sums
    }

    /// Draws the targets of the current nodes, and in between prefetches the memory that the batch drawn before will
    /// touch; then marks that batch.
    fn send_batch(&mut self, forward: MarkMode, sums: &mut SendTotals) {
        let (HopsSetup { topology, order, .. }, draw) = (self.setup, &self.draw);
        let (drawn, field, copies) = (&self.drawn.target_batch, self.field, self.copies.as_deref());
        // Between the draws, because a processor stalls with more than a dozen prefetches outstanding.
        let order = *order;
        self.drawing.target_batch.draw(
            draw,
            topology,
            |_| order,
            &self.drawing.nodes,
            |place| {
                if forward == MarkMode::Arrives {
                    ask_for(field, copies, drawn.targets_of(place));
                }
            },
        );
        sums.add(match (&self.field.minima, forward) {
            (None, MarkMode::Arrives) => self.mark(),
            (None, MarkMode::Counts) => SendTotals { sent: self.drawn.target_batch.targets().len() as u64, spared: 0 },
            (Some(_), _) => self.mark_from(forward),
        });
        self.drawn.nodes.clear();
        std::mem::swap(&mut self.drawing, &mut self.drawn);
        self.drawing.nodes.clear();
    }

    /// Marks targets without recording senders.
    fn mark(&mut self) -> SendTotals {
        let seen = &self.field.seen;
        let targets = self.drawn.target_batch.targets();
        // A branch on it would be mispredicted: at times half of the targets have been seen.
        self.unseen.resize(targets.len(), NodeId(0));
        let mut count = 0;
        for &to in targets {
            self.unseen[count] = to;
            count += usize::from(!seen.holds(to.0));
        }
        for to in &self.unseen[..count] {
            seen.mark(to.0);
        }
        if let Some(copies) = &mut self.copies {
            targets.iter().for_each(|to| copies[to.index()] += 1);
        }
        SendTotals { sent: targets.len() as u64, spared: 0 }
    }

    /// Marks targets with their least sender, except for the sender that a node may exclude.
    fn mark_from(&mut self, forward: MarkMode) -> SendTotals {
        let SharedSets { seen, before, minima, .. } = self.field;
        let Some(minima) = minima else { return SendTotals::default() };
        self.unseen_from.resize(self.drawn.target_batch.targets().len(), (NodeId(0), NodeId(0)));
        let (mut sums, mut count) = (SendTotals::default(), 0);
        for (&from, targets) in self.drawn.nodes.iter().zip(self.drawn.target_batch.by_node()) {
            let sender = if self.setup.exclude_sender { minima.get(from.index()) } else { u32::MAX };
            for &to in targets {
                let is_sent = to.0 != sender;
                sums.add(SendTotals { sent: is_sent.into(), spared: (!is_sent).into() });
                if forward == MarkMode::Arrives {
                    // As above, and a node reached before this hop has its least sender.
                    self.unseen_from[count] = (from, to);
                    count += usize::from(is_sent & !before.holds(to.0));
                    if let Some(copies) = &mut self.copies {
                        copies[to.index()] += u32::from(is_sent);
                    }
                }
            }
        }
        for (from, to) in &self.unseen_from[..count] {
            minima.lower(to.index(), from.0);
            if !seen.holds(to.0) {
                seen.mark(to.0);
            }
        }
        sums
    }

    /// Computes, in its own words, the set of nodes that the hop has newly reached and that forward next.
    fn turn(&mut self, hop: u8) {
        let SharedSets { seen, before, latest, .. } = self.field;
        let mut newest = 0;
        for (at, hops) in self.words.clone().zip(self.hops.chunks_mut(64)) {
            let now = seen.word(at);
            let new = now & !before.word(at);
            if latest.word(at) != new {
                latest.set_word(at, new);
            }
            if new != 0 {
                before.set_word(at, now);
                newest += u64::from(new.count_ones());
                nodes_in(0, new).for_each(|node| hops[node.index()] = hop);
            }
        }
        self.field.add_newest(hop, newest);
    }
}

/// Prefetches all memory that marking these targets touches.
#[inline]
fn ask_for(field: &SharedSets, copies: Option<&[u32]>, targets: &[NodeId]) {
    for &to in targets {
        field.seen.prefetch(to.0);
        if let Some(minima) = &field.minima {
            field.before.prefetch(to.0);
            minima.prefetch(to.index());
        }
        if let Some(copies) = copies {
            prefetch(copies, to.index());
        }
    }
}
