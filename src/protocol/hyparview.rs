//! HyParView: each node keeps a small active view, whose members it is linked with, and a larger passive view, from
//! which it replaces those that fail.
//!
//! The rules are those of Leitão, Pereira and Rodrigues (*HyParView: a membership protocol for reliable gossip-based
//! broadcast*, DSN 2007), with the handshake of iroh-gossip, by which both ends agree on a link:
//!
//! 1. JOIN: the contact adds the newcomer to its active view, in place of a random member if it is full, and sends
//!    FORWARDJOIN with the active walk length to all others.
//! 2. FORWARDJOIN: if no hop is left, or the receiver has one member at most, it asks the newcomer to be its neighbour,
//!    with high priority. If the hops left equal the passive walk length, the newcomer enters its passive view; with
//!    hops left it goes on to a random member other than the one it came from.
//! 3. NEIGHBOR: one of high priority is always accepted, one of low priority only if a slot is free; the answer is a
//!    NEIGHBOR, or a DISCONNECT.
//! 4. A member that is dropped gets a DISCONNECT, and both keep each other in their passive views.
//! 5. In place of a member that disconnects or fails a random passive node is asked to be a neighbour, with high
//!    priority if the active view is empty. One that refuses is followed by another; one that does not answer in time
//!    is forgotten.
//! 6. SHUFFLE: every so often a node sends itself, some active and some passive members on a random walk. At its end
//!    the receiver answers with as many of its passive view, and both keep what they received, first in place of what
//!    they sent.
//!
//! Two rules stand in for what HyParView leaves to its surroundings:
//!
//! 7. Links are connections there. Here a message from a node that is no neighbour, and was not asked to be one, is
//!    answered with a DISCONNECT, so that both ends come to agree whatever the network loses.
//! 8. At each of its shuffles a node with a free slot asks a passive node, and one without any neighbour joins again.
//!
//! All state is bounded: both views and the nodes that were asked. Between two shuffles a node makes at most as many
//! requests as its passive view has places.

mod active_views;
mod knobs;
mod node_lists;
mod shuffle;
#[cfg(test)]
mod tests;
mod walk;

pub use knobs::HyParViewKnobs;

use super::membership::{Membership, MembershipState};
use super::{Context, ShardView};
use crate::ids::NodeId;
use crate::message::{Kind, KindNames, Message, TAIL_WORDS_MAX};
use crate::simd::prefetch;
use crate::time::Nanos;
use active_views::ActiveViews;
use node_lists::NodeLists;
use walk::{WALK_MAX, Walk, below, select};

const JOIN: Kind = Kind(192);
const FORWARD_JOIN: Kind = Kind(193);
const NEIGHBOR: Kind = Kind(194);
const DISCONNECT: Kind = Kind(195);
const SHUFFLE: Kind = Kind(196);
const SHUFFLE_REPLY: Kind = Kind(197);

/// The tail of a NEIGHBOR: a request that can be refused, one that cannot, or the answer to either.
const LOW: u64 = 0;
const HIGH: u64 = 1;
const ANSWER: u64 = 2;

/// Tokens of timers; below them, the number of a node that was asked to be a neighbour.
const JOIN_TIMER: u64 = 1 << 32;
const SHUFFLE_TIMER: u64 = 2 << 32;

/// The purposes of a node's draws.
const CHOICE: u32 = 1;
const PHASE: u32 = 2;

/// HyParView, with its knobs.
#[derive(Clone, Copy, Debug)]
pub struct HyParView {
    knobs: HyParViewKnobs,
    nodes: u32,
    contact: NodeId,
    join_time: Nanos,
}

/// The views of a shard's nodes.
#[derive(Debug)]
pub struct HyParViewState {
    hyparview: HyParView,
    active: ActiveViews,
    passive: NodeLists,
    /// By node, those that it has asked to be neighbours.
    asked: NodeLists,
    /// By node, the requests since its last shuffle or loss.
    requests: Vec<u16>,
    /// By node, the number of draws so far.
    draws: Vec<u32>,
    /// Words of one message; empty between events.
    words: Vec<u64>,
}

impl HyParView {
    /// Creates the protocol in a network of `nodes` nodes that all join through `contact`, spread over `join_time`.
    pub fn new(knobs: HyParViewKnobs, nodes: u32, contact: NodeId, join_time: Nanos) -> HyParView {
        HyParView { knobs, nodes, contact, join_time }
    }
}

impl HyParViewKnobs {
    /// Returns the bytes of the views of `nodes` nodes, and of a timer each.
    pub(crate) fn state_bytes(&self, nodes: u64) -> u64 {
        let (active, passive) = (self.active_view_capacity.into(), self.passive_view_capacity.into());
        let views = ActiveViews::view_bytes(active) + NodeLists::list_bytes(active) + NodeLists::list_bytes(passive);
        let timer = size_of::<(Nanos, u32, u64)>();
        nodes.saturating_mul((views + size_of::<u16>() + size_of::<u32>() + timer) as u64)
    }

    /// Returns the number of nodes in a SHUFFLE, its sender included.
    fn shuffle_size(&self) -> usize {
        1 + usize::from(self.shuffle_active_view_count) + usize::from(self.shuffle_passive_view_count)
    }
}

impl Membership for HyParView {
    type State = HyParViewState;

    const KINDS: KindNames = &[
        (JOIN, "join"),
        (FORWARD_JOIN, "forward-join"),
        (NEIGHBOR, "neighbor"),
        (DISCONNECT, "disconnect"),
        (SHUFFLE, "shuffle"),
        (SHUFFLE_REPLY, "shuffle-reply"),
    ];

    fn slots(&self) -> u32 {
        self.knobs.active_view_capacity.into()
    }

    fn warm_up(&self) -> Nanos {
        self.join_time + self.knobs.settle_time
    }

    fn for_shard(&self, view: &ShardView<'_>) -> HyParViewState {
        let (active, passive) = (self.knobs.active_view_capacity.into(), self.knobs.passive_view_capacity.into());
        HyParViewState {
            hyparview: *self,
            active: ActiveViews::new(view.nodes().start, view.size(), active),
            passive: NodeLists::new(view.size(), passive),
            asked: NodeLists::new(view.size(), active),
            requests: vec![0; view.size()],
            draws: vec![0; view.size()],
            words: Vec::new(),
        }
    }

    fn admits(&self, message: &Message, tail: &[u64]) -> bool {
        let is_node = |node: u32| node < self.nodes;
        let are_nodes = |words: &[u64]| words.iter().all(|&word| is_node(word as u32) && is_node((word >> 32) as u32));
        let is_walk = |word: u64| is_node((word >> 32) as u32) && word as u32 <= WALK_MAX;
        tail.len() <= self.tail_words_max()
            && match message.kind {
                JOIN | DISCONNECT => tail.is_empty(),
                NEIGHBOR => matches!(tail, [LOW | HIGH | ANSWER]),
                FORWARD_JOIN => matches!(*tail, [walk] if is_walk(walk)),
                SHUFFLE => tail.split_first().is_some_and(|(&walk, nodes)| is_walk(walk) && are_nodes(nodes)),
                SHUFFLE_REPLY => are_nodes(tail),
                _ => false,
            }
    }

    fn tail_words_max(&self) -> usize {
        (1 + self.knobs.shuffle_size().div_ceil(2)).min(TAIL_WORDS_MAX)
    }
}

impl MembershipState for HyParViewState {
    /// Sets the time at which the node joins, and that of its first SHUFFLE.
    fn start<C: Context>(&mut self, context: &mut C) {
        let HyParView { knobs, contact, join_time, .. } = self.hyparview;
        let phase = |count: u64, span: Nanos| Nanos(below(context.draw(PHASE, count), span.0));
        let is_contact = context.me() == contact;
        let joins = context.now() + if is_contact { Nanos::ZERO } else { phase(0, join_time) };
        let shuffles = joins + phase(1, knobs.shuffle_interval);
        if !is_contact {
            context.wake_at(joins, JOIN_TIMER);
        }
        context.wake_at(shuffles, SHUFFLE_TIMER);
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        let from = message.from;
        match message.kind {
            JOIN => self.receive_join(context, from),
            FORWARD_JOIN => {
                // Walks go from neighbour to neighbour.
                self.handle_stranger(context, from);
                let walk = Walk::of_word(tail.first().copied().unwrap_or_default());
                self.receive_forward_join(context, from, walk);
            }
            NEIGHBOR => self.receive_neighbor(context, from, tail.first().copied().unwrap_or(LOW)),
            DISCONNECT => self.receive_disconnect(context, from),
            SHUFFLE => {
                self.handle_stranger(context, from);
                self.receive_shuffle(context, from, tail);
            }
            SHUFFLE_REPLY => self.receive_shuffle_reply(context, tail),
            // No other kind is admitted.
            _ => {}
        }
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        match token {
            JOIN_TIMER => self.join(context),
            SHUFFLE_TIMER => {
                context.wake_at(context.now() + self.hyparview.knobs.shuffle_interval, SHUFFLE_TIMER);
                self.shuffle(context);
            }
            // Every other token is the number of a node, which may not have answered.
            token => {
                let (local, node) = (context.local(), NodeId(token as u32));
                if self.asked.remove(local, node) {
                    self.passive.remove(local, node);
                    self.refill(context, None);
                }
            }
        }
    }

    fn handle_failure<C: Context>(&mut self, context: &mut C, neighbour: NodeId) {
        let local = context.local();
        if self.active.remove(local, neighbour) {
            self.requests[local] = 0;
            self.refill(context, None);
        }
    }

    /// Tells the stranger that the two are not linked (rule 7).
    fn handle_stranger<C: Context>(&mut self, context: &mut C, stranger: NodeId) {
        let local = context.local();
        if !self.active.has(local, stranger) && !self.asked.of(local).contains(&stranger) {
            context.send_upkeep(stranger, DISCONNECT, &[]);
        }
    }

    #[inline(always)]
    fn prefetch(&self, local: usize, handles: bool) {
        self.active.prefetch(local);
        if handles {
            self.passive.prefetch(local);
            self.asked.prefetch(local);
            prefetch(&self.requests, local);
            prefetch(&self.draws, local);
        }
    }

    fn slots(&self, local: usize) -> &[NodeId] {
        self.active.slots(local)
    }

    fn opened(&self, local: usize) -> u64 {
        self.active.opened(local)
    }
}

impl HyParViewState {
    /// Asks the contact to let the node in.
    fn join<C: Context>(&mut self, context: &mut C) {
        let contact = self.hyparview.contact;
        self.await_answer(context, contact);
        context.send_upkeep(contact, JOIN, &[]);
    }

    /// Adds a newcomer, and sends it on a random walk from each other neighbour (rule 1).
    fn receive_join<C: Context>(&mut self, context: &mut C, newcomer: NodeId) {
        if newcomer == context.me() {
            return;
        }
        self.accept(context, newcomer, true, false);
        context.send_upkeep(newcomer, NEIGHBOR, &[ANSWER]);
        let walk = Walk { hops: self.hyparview.knobs.active_random_walk_length.into(), about: newcomer }.word();
        for other in self.active.of(context.local()).filter(|&other| other != newcomer) {
            context.send_upkeep(other, FORWARD_JOIN, &[walk]);
        }
    }

    /// Handles the walk of a newcomer (rule 2).
    fn receive_forward_join<C: Context>(&mut self, context: &mut C, from: NodeId, Walk { hops, about }: Walk) {
        let local = context.local();
        if about == context.me() || self.active.has(local, about) {
            return;
        }
        if hops == 0 || self.active.len(local) <= 1 {
            return self.ask(context, about, HIGH);
        }
        if hops == u32::from(self.hyparview.knobs.passive_random_walk_length) {
            self.keep_passive(context, about);
        }
        let word = self.draw(context);
        match select(self.active.of(local).filter(|&other| other != from), word) {
            Some(next) => {
                let walk = Walk { hops: hops - 1, about };
                context.send_upkeep(next, FORWARD_JOIN, &[walk.word()]);
            }
            None => self.ask(context, about, HIGH),
        }
    }

    /// Accepts or refuses a neighbour, or takes the answer of one that was asked (rule 3).
    fn receive_neighbor<C: Context>(&mut self, context: &mut C, from: NodeId, word: u64) {
        if from == context.me() {
            return;
        }
        let was_asked = self.asked.remove(context.local(), from);
        // An answer that comes too late is like a request that can be refused.
        let is_high = word == HIGH || word == ANSWER && was_asked;
        // If both ends have asked, the one with the lesser number opens the link.
        let has_opened = word == ANSWER || was_asked && context.me() < from;
        if !self.accept(context, from, is_high, has_opened) {
            context.send_upkeep(from, DISCONNECT, &[]);
        } else if word != ANSWER {
            context.send_upkeep(from, NEIGHBOR, &[ANSWER]);
        }
    }

    /// Loses a neighbour, or learns that a node refuses to be one (rules 4 and 5).
    fn receive_disconnect<C: Context>(&mut self, context: &mut C, from: NodeId) {
        let local = context.local();
        let was_asked = self.asked.remove(local, from);
        let is_lost = self.active.remove(local, from);
        if is_lost {
            self.keep_passive(context, from);
            self.requests[local] = 0;
        }
        if is_lost || was_asked {
            self.refill(context, Some(from));
        }
    }

    /// Adds a neighbour, in place of a random one if the request cannot be refused and no slot is free (rule 4);
    /// returns false if it is refused.
    fn accept<C: Context>(&mut self, context: &mut C, peer: NodeId, is_high: bool, has_opened: bool) -> bool {
        let local = context.local();
        if self.active.is_full(local) && !self.active.has(local, peer) {
            let word = self.draw(context);
            let Some(dropped) = select(self.active.of(local), word).filter(|_| is_high) else { return false };
            self.active.remove(local, dropped);
            context.send_upkeep(dropped, DISCONNECT, &[]);
            self.keep_passive(context, dropped);
        }
        self.active.add(local, peer, has_opened);
        self.passive.remove(local, peer);
        true
    }

    /// Asks a random passive node to be a neighbour, if there is a slot for it (rule 5). `without` has just left or
    /// refused.
    fn refill<C: Context>(&mut self, context: &mut C, without: Option<NodeId>) {
        let local = context.local();
        let HyParViewKnobs { active_view_capacity, passive_view_capacity, .. } = self.hyparview.knobs;
        let len = self.active.len(local);
        let is_full = len + self.asked.of(local).len() >= usize::from(active_view_capacity);
        if is_full || self.requests[local] >= passive_view_capacity {
            return;
        }
        let word = self.draw(context);
        let asked = self.asked.of(local);
        let others = self.passive.of(local).iter().copied();
        let candidates = others.filter(|other| Some(*other) != without && !asked.contains(other));
        if let Some(candidate) = select(candidates, word) {
            self.requests[local] += 1;
            self.ask(context, candidate, if len == 0 { HIGH } else { LOW });
        }
    }

    /// Asks a node to be a neighbour, unless it is being asked.
    fn ask<C: Context>(&mut self, context: &mut C, node: NodeId, priority: u64) {
        let local = context.local();
        if !self.asked.is_full(local) && !self.asked.of(local).contains(&node) {
            self.await_answer(context, node);
            context.send_upkeep(node, NEIGHBOR, &[priority]);
        }
    }

    /// Notes that a node is being asked, and until when.
    fn await_answer<C: Context>(&mut self, context: &mut C, node: NodeId) {
        self.asked.push(context.local(), node);
        context.wake_at(context.now() + self.hyparview.knobs.neighbor_request_timeout, u64::from(node.0));
    }

    /// Draws a word for a choice of the event's node.
    fn draw<C: Context>(&mut self, context: &C) -> u64 {
        let count = &mut self.draws[context.local()];
        *count = count.wrapping_add(1);
        context.draw(CHOICE, u64::from(*count))
    }
}
