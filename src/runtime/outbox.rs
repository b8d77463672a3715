//! Messages that wait to leave a shard.
//!
//! Nodes wait here, not messages: a forward is twelve bytes until its turn comes, and only then are its targets drawn.
//! Where the overlay outgrows the caches, a node's row takes longer to come from memory than its targets take to draw;
//! rows are therefore asked for some forwards ahead.

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
    scratch: TargetScratch,
    waiting: VecDeque<Forward>,
    offer: Vec<Message>,
    offered: usize,
}

/// A node's forward of an order that waits for its turn.
#[derive(Clone, Copy, Debug)]
struct Forward {
    from: NodeId,
    onward: Onward,
}

impl<'a> Outbox<'a> {
    /// An empty one, with room for `forwards` forwards and offers of `batch` messages.
    pub(super) fn new(topology: &'a Topology, draw: TargetDraw, forwards: usize, batch: usize) -> Outbox<'a> {
        let max_degree = topology.max_degree();
        let nobody = Forward { from: NodeId(0), onward: Onward { order: OrderIndex(0), ttl: 0, hop: 0 } };
        let mut waiting = VecDeque::from(touched(forwards, nobody));
        waiting.clear();
        Outbox {
            topology,
            draw,
            scratch: TargetScratch::new(draw.count(max_degree), topology),
            waiting,
            offer: touched_room(batch + draw.count(max_degree) as usize, nobody.onward.copy(NodeId(0), NodeId(0))),
            offered: 0,
        }
    }

    /// Lets a forward wait for its turn.
    #[inline]
    pub(super) fn push(&mut self, from: NodeId, onward: Onward) {
        self.waiting.push_back(Forward { from, onward });
    }

    /// Whether nothing waits.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.offered == self.offer.len() && self.waiting.is_empty()
    }

    /// The next messages to leave: whole forwards until there are `batch` messages. `came_from` says whom a node spares.
    /// Gives the number of messages spared, too.
    #[inline]
    pub(super) fn offer(&mut self, batch: usize, came_from: impl Fn(NodeId) -> Option<NodeId>) -> (&[Message], u64) {
        let mut spared = 0;
        if self.offered == self.offer.len() {
            self.offer.clear();
            self.offered = 0;
            while self.offer.len() < batch
                && let Some(forward) = self.waiting.pop_front()
            {
                spared += self.expand(forward, came_from(forward.from));
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
    fn expand(&mut self, Forward { from, onward }: Forward, came_from: Option<NodeId>) -> u64 {
        self.prefetch();
        let targets = self.draw.draw(self.topology, onward.order, from, &mut self.scratch);
        let before = self.offer.len();
        match came_from {
            None => self.offer.extend(targets.iter().map(|&to| onward.copy(from, to))),
            Some(sender) => {
                let others = targets.iter().filter(|&&to| to != sender);
                self.offer.extend(others.map(|&to| onward.copy(from, to)));
            }
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
