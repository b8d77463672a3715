//! Messages that wait to leave a shard.
//!
//! Nodes wait here, not messages: a forward is sixteen bytes until its turn comes, and only then are its targets drawn.
//! Where the overlay outgrows the caches, a node's row takes longer to come from memory than its targets take to draw;
//! rows are therefore asked for some forwards ahead.

use super::Plan;
use crate::gossip::{TargetDraw, TargetScratch};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Message, Onward};
use crate::sync::{touched, touched_room};
use crate::topology::Topology;
use std::collections::VecDeque;

/// How many forwards ahead a row is asked for.
const ROW_AHEAD: usize = 10;

/// How many forwards ahead the place of a row is asked for.
const DEGREE_AHEAD: usize = 20;

/// What one worker has yet to send.
pub(super) struct Outbox<'a> {
    topology: &'a Topology,
    draw: TargetDraw,
    exclude_sender: bool,
    scratch: TargetScratch,
    waiting: VecDeque<Forward>,
    offer: Vec<Message>,
    offered: usize,
}

/// A node's forward of an order that waits for its turn.
#[derive(Clone, Copy, Debug)]
struct Forward {
    from: NodeId,
    /// Whom the order came from.
    sender: NodeId,
    onward: Onward,
}

impl<'a> Outbox<'a> {
    /// An empty one, with room for `forwards` forwards and offers of `batch` messages.
    pub(super) fn new(plan: &Plan<'a>, forwards: usize, batch: usize) -> Outbox<'a> {
        let (topology, draw) = (plan.topology, plan.draw);
        let max_degree = topology.max_degree();
        let onward = Onward { order: OrderIndex(0), ttl: 0, hop: 0 };
        let nobody = Forward { from: NodeId(0), sender: NodeId(0), onward };
        let mut waiting = VecDeque::from(touched(forwards, nobody));
        waiting.clear();
        Outbox {
            topology,
            draw,
            exclude_sender: plan.exclude_sender,
            scratch: TargetScratch::new(draw.count(max_degree), topology),
            waiting,
            offer: touched_room(batch + draw.count(max_degree) as usize, onward.copy(NodeId(0), NodeId(0))),
            offered: 0,
        }
    }

    /// Lets a forward of what came from `sender` wait for its turn.
    #[inline]
    pub(super) fn push(&mut self, from: NodeId, sender: NodeId, onward: Onward) {
        self.waiting.push_back(Forward { from, sender, onward });
    }

    /// Whether nothing waits.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.offered == self.offer.len() && self.waiting.is_empty()
    }

    /// The next messages to leave: whole forwards until there are `batch` messages. Gives the number of messages spared,
    /// too.
    #[inline]
    pub(super) fn offer(&mut self, batch: usize) -> (&[Message], u64) {
        let mut spared = 0;
        if self.offered == self.offer.len() {
            self.offer.clear();
            self.offered = 0;
            while self.offer.len() < batch
                && let Some(forward) = self.waiting.pop_front()
            {
                spared += self.expand(forward);
            }
        }
        (&self.offer[self.offered..], spared)
    }

    /// Takes the first `taken` messages of the offer off it, and gives them.
    #[inline]
    pub(super) fn take(&mut self, taken: usize) -> &[Message] {
        let from = self.offered;
        self.offered += taken;
        &self.offer[from..self.offered]
    }

    /// Draws the targets of a forward; says how many copies were spared.
    #[inline]
    fn expand(&mut self, Forward { from, sender, onward }: Forward) -> u64 {
        self.prefetch();
        let targets = self.draw.draw(self.topology, onward.order, from, &mut self.scratch);
        let before = self.offer.len();
        if self.exclude_sender {
            let others = targets.iter().filter(|&&to| to != sender);
            self.offer.extend(others.map(|&to| onward.copy(from, to)));
        } else {
            self.offer.extend(targets.iter().map(|&to| onward.copy(from, to)));
        }
        (before + targets.len() - self.offer.len()) as u64
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
