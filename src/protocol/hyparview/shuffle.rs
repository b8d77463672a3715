//! The passive views, and the shuffle by which they change (rule 6).

use super::walk::{Walk, below, select};
use super::{HyParViewState, SHUFFLE, SHUFFLE_REPLY};
use crate::ids::NodeId;
use crate::message::Kind;
use crate::protocol::Context;
use smallvec::SmallVec;

impl HyParViewState {
    /// Sends the node, some active and some passive members on a random walk. A node that is alone joins again, and one
    /// with a free slot asks for a neighbour (rule 8).
    pub(super) fn shuffle<C: Context>(&mut self, context: &mut C) {
        let (local, me, knobs) = (context.local(), context.me(), self.hyparview.knobs);
        self.requests[local] = 0;
        let word = self.draw(context);
        let Some(first) = select(self.active.of(local), word) else {
            if me == self.hyparview.contact {
                self.refill(context, None);
            } else if !self.asked.of(local).contains(&self.hyparview.contact) {
                self.join(context);
            }
            return;
        };
        self.refill(context, None);
        let mut nodes: SmallVec<[NodeId; 16]> = SmallVec::from_slice(&[me]);
        let mut active: SmallVec<[NodeId; 16]> = self.active.of(local).filter(|&other| other != first).collect();
        for _ in 0..usize::from(knobs.shuffle_active_view_count).min(active.len()) {
            let picked = below(self.draw(context), active.len() as u64);
            nodes.push(active.swap_remove(picked as usize));
        }
        let count = self.sample_passive(context, knobs.shuffle_passive_view_count.into());
        nodes.extend_from_slice(&self.passive.of(local)[..count]);
        self.words.push(Walk { hops: knobs.shuffle_random_walk_length.into(), about: me }.word());
        self.send_nodes(context, first, SHUFFLE, &nodes);
    }

    /// Passes a SHUFFLE on, or answers it at the end of its walk.
    pub(super) fn receive_shuffle<C: Context>(&mut self, context: &mut C, from: NodeId, tail: &[u64]) {
        let Some((&word, nodes)) = tail.split_first() else { return };
        let (local, Walk { hops, about: origin }) = (context.local(), Walk::of_word(word));
        let word = self.draw(context);
        let next = select(self.active.of(local).filter(|&other| other != from && other != origin), word);
        if let Some(next) = next.filter(|_| hops > 1) {
            self.words.push(Walk { hops: hops - 1, about: origin }.word());
            self.words.extend_from_slice(nodes);
            context.send_upkeep(next, SHUFFLE, &self.words);
            self.words.clear();
        } else if origin != context.me() {
            let count = self.sample_passive(context, 2 * nodes.len());
            let own: SmallVec<[NodeId; 16]> = self.passive.of(local)[..count].into();
            self.send_nodes(context, origin, SHUFFLE_REPLY, &own);
            self.merge(context, nodes, count);
        }
    }

    /// Keeps the nodes of an answer.
    pub(super) fn receive_shuffle_reply<C: Context>(&mut self, context: &mut C, tail: &[u64]) {
        let sent = usize::from(self.hyparview.knobs.shuffle_passive_view_count);
        self.merge(context, tail, sent);
        self.refill(context, None);
    }

    /// Moves up to `count` random members of the passive view to its front, where those that a message has come to lie
    /// until others take their places; returns their number.
    fn sample_passive<C: Context>(&mut self, context: &mut C, count: usize) -> usize {
        let local = context.local();
        let len = self.passive.of(local).len();
        let count = count.min(len);
        for place in 0..count {
            let picked = place as u64 + below(self.draw(context), (len - place) as u64);
            self.passive.swap(local, place, picked as usize);
        }
        count
    }

    /// Puts the nodes of a message into the passive view: if it is full, in place of the first `sent` members, which
    /// the node has sent itself, and then of random ones.
    fn merge<C: Context>(&mut self, context: &mut C, words: &[u64], sent: usize) {
        let local = context.local();
        let mut replaced = 0;
        for node in words.iter().flat_map(|&word| [NodeId(word as u32), NodeId((word >> 32) as u32)]) {
            if !self.may_keep(local, node) {
                continue;
            }
            if replaced < sent.min(self.passive.of(local).len()) && self.passive.is_full(local) {
                self.passive.replace(local, replaced, node);
                replaced += 1;
            } else {
                self.add_passive(context, local, node);
            }
        }
    }

    /// Puts a node into the passive view, in place of a random member if it is full.
    pub(super) fn keep_passive<C: Context>(&mut self, context: &mut C, node: NodeId) {
        let local = context.local();
        if self.may_keep(local, node) {
            self.add_passive(context, local, node);
        }
    }

    /// Does the same with a node that is in neither view.
    fn add_passive<C: Context>(&mut self, context: &C, local: usize, node: NodeId) {
        if self.passive.is_full(local) {
            let len = self.passive.of(local).len() as u64;
            let place = below(self.draw(context), len) as usize;
            self.passive.replace(local, place, node);
        } else {
            self.passive.push(local, node);
        }
    }

    /// Returns true if a node is in neither view of the `local`-th node, and is another one.
    fn may_keep(&self, local: usize, node: NodeId) -> bool {
        node != self.active.node(local) && !self.active.has(local, node) && !self.passive.has(local, node)
    }

    /// Sends the words that are ready and these nodes, two to a word; an odd one stands twice.
    fn send_nodes<C: Context>(&mut self, context: &mut C, to: NodeId, kind: Kind, nodes: &[NodeId]) {
        let pairs = nodes.chunks(2).map(|pair| u64::from(pair[0].0) | u64::from(pair[pair.len() - 1].0) << 32);
        self.words.extend(pairs);
        context.send_upkeep(to, kind, &self.words);
        self.words.clear();
    }
}
