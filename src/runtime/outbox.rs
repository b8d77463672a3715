//! Messages that wait to leave a shard.
//!
//! Nodes wait here, not messages: a forward is sixteen bytes until its turn comes, and only then are its targets drawn.
//! Where the overlay outgrows the caches, a node's row takes longer to come from memory than its targets take to draw;
//! rows are therefore asked for some forwards ahead.

use super::Plan;
use crate::gossip::{TargetDraw, TargetScratch};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, Onward};
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

/// What a node has to say of an order, waiting for its turn.
#[derive(Clone, Copy, Debug)]
struct Forward {
    from: NodeId,
    /// Whom the order came from; or whom alone it is for.
    other: NodeId,
    order: OrderIndex,
    ttl: u8,
    hop: u8,
    kind: Kind,
    audience: Audience,
}

const _: () = assert!(size_of::<Forward>() == 16, "a forward waits in sixteen bytes");

/// Whom it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    /// The node's targets.
    Targets,
    /// One node.
    One,
}

impl Forward {
    #[inline]
    fn new(from: NodeId, other: NodeId, kind: Kind, onward: Onward, audience: Audience) -> Forward {
        let Onward { order, ttl, hop } = onward;
        Forward { from, other, order, ttl, hop, kind, audience }
    }
}

impl<'a> Outbox<'a> {
    /// An empty one, with room for `forwards` forwards and offers of `batch` messages.
    pub(super) fn new(plan: &Plan<'a>, forwards: usize, batch: usize) -> Outbox<'a> {
        let (topology, draw) = (plan.topology, plan.draw);
        let max_degree = topology.max_degree();
        let onward = Onward { order: OrderIndex(0), ttl: 0, hop: 0 };
        let nobody = Forward::new(NodeId(0), NodeId(0), Kind::Payload, onward, Audience::Targets);
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

    /// Lets what a node says to its targets, of an order that came from `sender`, wait for its turn.
    #[inline]
    pub(super) fn push(&mut self, from: NodeId, sender: NodeId, kind: Kind, onward: Onward) {
        self.waiting.push_back(Forward::new(from, sender, kind, onward, Audience::Targets));
    }

    /// Lets what a node says to one other wait for its turn.
    pub(super) fn push_one(&mut self, from: NodeId, to: NodeId, kind: Kind, onward: Onward) {
        self.waiting.push_back(Forward::new(from, to, kind, onward, Audience::One));
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
    fn expand(&mut self, forward: Forward) -> u64 {
        self.prefetch();
        let Forward { from, other: sender, order, ttl, hop, kind, audience } = forward;
        let onward = Onward { order, ttl, hop };
        if audience == Audience::One {
            self.offer.push(onward.message(kind, from, sender));
            return 0;
        }
        let targets = self.draw.draw(self.topology, onward.order, from, &mut self.scratch);
        let before = self.offer.len();
        if self.exclude_sender {
            let others = targets.iter().filter(|&&to| to != sender);
            self.offer.extend(others.map(|&to| onward.message(kind, from, to)));
        } else {
            self.offer.extend(targets.iter().map(|&to| onward.message(kind, from, to)));
        }
        if kind.is_control() {
            return 0;
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
