//! Messages that wait to leave a shard.
//!
//! Nodes wait here, not messages: a forward takes sixteen bytes until its turn comes, and only then are its targets
//! drawn. If an overlay exceeds the caches, fetching a node's row takes longer than drawing its targets; rows are
//! therefore prefetched some forwards ahead.

use super::RunPlan;
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, MessageBatch, OrderHop};
use crate::protocol::{Announcement, AnnouncementBatch, TargetDraw, TargetScratch};
use crate::sys::{touched, touched_room};
use crate::topology::Topology;
use smallvec::SmallVec;
use std::collections::VecDeque;

/// Forwards between the prefetch of a row and its use.
const ROW_AHEAD: usize = 10;

/// Forwards between the prefetch of a row's offset and its use.
const DEGREE_AHEAD: usize = 20;

/// The messages that one worker is still to send.
pub(super) struct Outbox<'a> {
    topology: &'a Topology,
    draw: TargetDraw,
    exclude_sender: bool,
    scratch: TargetScratch,
    waiting: VecDeque<QueuedForward>,
    /// Further words of waiting forwards, in the same order: for each its number of words, then the words.
    words: VecDeque<u64>,
    announcement_batch: AnnouncementBatch,
    offer: Vec<Message>,
    /// The tails of the offer.
    tails: Vec<u64>,
    /// Messages and words of the offer that have been taken.
    offered: (usize, usize),
}

/// A forward of a node that waits for its turn.
#[derive(Clone, Copy, Debug)]
struct QueuedForward {
    from: NodeId,
    /// The node that the order came from, or the only recipient.
    other: NodeId,
    order: OrderIndex,
    ttl: u8,
    hop: u8,
    kind: Kind,
    audience: Audience,
}

const _: () = assert!(size_of::<QueuedForward>() == 16, "a forward waits in sixteen bytes");

/// The recipients of a queued forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    /// The node's targets.
    Targets,
    /// One node.
    One,
    /// One node, and the words are a tail.
    OneWithTail,
    /// The nodes that the words list after their number; the other words are a tail.
    Named,
    /// The node's targets for each of its announcements, which are the words.
    TargetsOfEach,
}

impl QueuedForward {
    #[inline]
    fn new(from: NodeId, other: NodeId, kind: Kind, order_hop: OrderHop, audience: Audience) -> QueuedForward {
        let OrderHop { order, ttl, hop } = order_hop;
        QueuedForward { from, other, order, ttl, hop, kind, audience }
    }
}

impl<'a> Outbox<'a> {
    /// Creates an empty outbox, with room for `forwards` forwards and offers of `batch` messages.
    pub(super) fn new(plan: &RunPlan<'a>, forwards: usize, batch: usize) -> Outbox<'a> {
        let (topology, draw) = (plan.topology, plan.draw);
        let max_degree = topology.max_degree();
        let order_hop = OrderHop { order: OrderIndex(0), ttl: 0, hop: 0 };
        let nobody = QueuedForward::new(NodeId(0), NodeId(0), Kind::PAYLOAD, order_hop, Audience::Targets);
        // Filled once, so that its pages are touched before the run.
        let mut waiting = VecDeque::from(touched(forwards, nobody));
        waiting.clear();
        Outbox {
            topology,
            draw,
            exclude_sender: plan.exclude_sender,
            scratch: TargetScratch::new(draw.count(max_degree), topology),
            waiting,
            words: VecDeque::new(),
            announcement_batch: AnnouncementBatch::default(),
            // The last forward of a batch may exceed it by all of its targets but one.
            offer: touched_room(batch + draw.count(max_degree) as usize, order_hop.copy(NodeId(0), NodeId(0))),
            tails: Vec::new(),
            offered: (0, 0),
        }
    }

    /// Queues a message from a node to its targets about an order that came from `sender`.
    #[inline]
    pub(super) fn push(&mut self, from: NodeId, sender: NodeId, kind: Kind, order_hop: OrderHop) {
        self.waiting.push_back(QueuedForward::new(from, sender, kind, order_hop, Audience::Targets));
    }

    /// Queues a message with this tail from a node to one other.
    pub(super) fn push_one(&mut self, from: NodeId, to: NodeId, kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        let audience = if tail.is_empty() { Audience::One } else { Audience::OneWithTail };
        self.waiting.push_back(QueuedForward::new(from, to, kind, order_hop, audience));
        if audience == Audience::OneWithTail {
            self.words.push_back(tail.len() as u64);
            self.words.extend(tail);
        }
    }

    /// Queues a message with this tail from a node to each node that its protocol names.
    pub(super) fn push_named(&mut self, from: NodeId, to: &[NodeId], kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        if to.is_empty() {
            return;
        }
        self.waiting.push_back(QueuedForward::new(from, from, kind, order_hop, Audience::Named));
        self.words.push_back((1 + to.len() + tail.len()) as u64);
        self.words.push_back(to.len() as u64);
        self.words.extend(to.iter().map(|to| u64::from(to.0)));
        self.words.extend(tail);
    }

    /// Returns true if a message about an order waits; for protocols that have upkeep.
    pub(super) fn has_order_messages(&self) -> bool {
        let offered = self.offer[self.offered.0..].iter().map(|message| message.kind);
        offered.chain(self.waiting.iter().map(|forward| forward.kind)).any(|kind| !kind.is_upkeep())
    }

    /// Queues the announcement of several orders to the targets of a node.
    pub(super) fn push_all(&mut self, from: NodeId, kind: Kind, announcements: &[Announcement]) {
        if let Some(Announcement { order_hop, .. }) = announcements.first() {
            self.waiting.push_back(QueuedForward::new(from, from, kind, *order_hop, Audience::TargetsOfEach));
            self.words.push_back(2 * announcements.len() as u64);
            self.words.extend(announcements.iter().flat_map(|announcement| announcement.to_words()));
        }
    }

    /// Returns the bytes of waiting forwards, beyond `room` of them.
    pub(super) fn waiting_bytes(&self, room: usize) -> u64 {
        (self.waiting.len().saturating_sub(room) * size_of::<QueuedForward>() + self.words.len() * size_of::<u64>())
            as u64
    }

    /// Returns true if nothing waits.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.offered.0 == self.offer.len() && self.waiting.is_empty()
    }

    /// Returns the next messages to leave, of whole forwards until there are `batch` messages, and the number of copies
    /// suppressed.
    #[inline]
    pub(super) fn offer(&mut self, batch: usize) -> (MessageBatch<'_>, u64) {
        let mut spared = 0;
        // Only when the last offer has left entirely, so that the carrier takes every message once, in order.
        if self.offered.0 == self.offer.len() {
            self.offer.clear();
            self.tails.clear();
            self.offered = (0, 0);
            while self.offer.len() < batch
                && let Some(forward) = self.waiting.pop_front()
            {
                spared += self.expand(forward);
            }
        }
        (MessageBatch { messages: &self.offer[self.offered.0..], tails: &self.tails[self.offered.1..] }, spared)
    }

    /// Returns the first `count` messages of the offer.
    pub(super) fn offered(&self, count: usize) -> &[Message] {
        &self.offer[self.offered.0..][..count]
    }

    /// Removes the first `taken` messages of the offer, and returns them.
    #[inline]
    pub(super) fn take(&mut self, taken: usize) -> &[Message] {
        let (from, words) = self.offered;
        let messages = &self.offer[from..from + taken];
        let more =
            if self.tails.is_empty() { 0 } else { messages.iter().map(|message| usize::from(message.tail)).sum() };
        self.offered = (from + taken, words + more);
        messages
    }

    /// Draws the targets of a forward; returns the number of copies suppressed.
    #[inline]
    fn expand(&mut self, forward: QueuedForward) -> u64 {
        // Before the draw, which gives the row time to arrive.
        self.prefetch();
        let QueuedForward { from, other: sender, order, ttl, hop, kind, audience } = forward;
        let order_hop = OrderHop { order, ttl, hop };
        if audience != Audience::Targets {
            self.expand_other(&forward);
            return 0;
        }
        let targets = self.draw.at_hop(hop).draw(self.topology, order_hop.order, from, &mut self.scratch);
        let before = self.offer.len();
        if self.exclude_sender {
            let others = targets.iter().filter(|&&to| to != sender);
            self.offer.extend(others.map(|&to| order_hop.message(kind, from, to)));
        } else {
            self.offer.extend(targets.iter().map(|&to| order_hop.message(kind, from, to)));
        }
        // Suppressed copies are a figure of orders alone.
        if kind.is_control() {
            return 0;
        }
        (before + targets.len() - self.offer.len()) as u64
    }

    /// Expands what is not for the node's targets for the order: what push never says stays out of its way.
    #[inline(never)]
    fn expand_other(&mut self, &QueuedForward { from, other: to, order, ttl, hop, kind, audience }: &QueuedForward) {
        let order_hop = OrderHop { order, ttl, hop };
        match audience {
            Audience::TargetsOfEach => self.expand_each(from, kind),
            Audience::Named => {
                let words: SmallVec<[u64; 16]> = next_words(&mut self.words).collect();
                let Some((&count, words)) = words.split_first() else { return };
                let (named, tail) = words.split_at(words.len().min(count as usize));
                for &to in named {
                    self.offer.push(order_hop.message_with(kind, from, NodeId(to as u32), tail.len() as u8));
                    self.tails.extend(tail);
                }
            }
            Audience::Targets | Audience::One => self.offer.push(order_hop.message(kind, from, to)),
            Audience::OneWithTail => {
                let words = next_words(&mut self.words);
                self.offer.push(order_hop.message_with(kind, from, to, words.len() as u8));
                self.tails.extend(words);
            }
        }
    }

    /// Sorts announcements by recipient.
    fn expand_each(&mut self, from: NodeId, kind: Kind) {
        let words: Vec<u64> = next_words(&mut self.words).collect();
        let announcements: Vec<Announcement> =
            words.chunks_exact(2).map(|pair| Announcement::from_words([pair[0], pair[1]])).collect();
        let Outbox { announcement_batch, scratch, offer, tails, .. } = self;
        announcement_batch.address((self.topology, self.draw), scratch, self.exclude_sender, from, &announcements);
        announcement_batch.for_each(&announcements, |to, first, tail| {
            offer.push(announcements[first].order_hop.message_with(kind, from, to, tail.len() as u8));
            tails.extend(tail);
        });
    }

    #[inline]
    fn prefetch(&self) {
        if let Some(soon) = self.waiting.get(ROW_AHEAD) {
            self.topology.prefetch_row(soon.from);
        }
        if let Some(later) = self.waiting.get(DEGREE_AHEAD) {
            self.topology.prefetch_degree(later.from);
        }
    }
}

/// Takes the words of the next forward.
fn next_words(words: &mut VecDeque<u64>) -> impl ExactSizeIterator<Item = u64> + '_ {
    let count = words.pop_front().unwrap_or_default() as usize;
    words.drain(..count)
}
