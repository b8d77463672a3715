//! What a membership protocol and the protocol over it see of an event.

use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, OrderHop};
use crate::protocol::context::{pass_on, pass_targets_on};
use crate::protocol::{Announcement, AnnouncementBatch, Context, ShardView, TargetDraw};
use crate::random::Stream;
use crate::time::Nanos;
use smallvec::SmallVec;
use std::ops::Range;

/// Marks the tokens of the membership protocol's timers.
pub(super) const MEMBERSHIP: u64 = 1 << 62;

/// Separates the draws of the membership protocol from those of the one over it.
const MEMBERSHIP_DRAWS: u32 = 1 << 30;

/// The recipients of a fan-out among a node's neighbours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    pub(super) draw: TargetDraw,
    pub(super) exclude_sender: bool,
}

/// The context of a membership protocol: its timers and draws are apart from those of the protocol over it.
pub(super) struct MembershipContext<'c>(pub(super) &'c mut dyn Context);

/// The context of a protocol over a membership protocol: its peers are the slots of the active view.
pub(super) struct NeighbourContext<'c> {
    context: &'c mut dyn Context,
    slots: &'c [NodeId],
    /// A bit for each slot: the node has opened the link.
    opened: u64,
    spread: Spread,
    /// The node that the event's order came from; the node itself if it came from none.
    sender: NodeId,
}

impl Spread {
    /// Returns the context of an event of a node with these slots, about an order that came from `sender`.
    pub(super) fn over<'c>(
        self,
        slots: &'c [NodeId],
        opened: u64,
        sender: NodeId,
        context: &'c mut dyn Context,
    ) -> NeighbourContext<'c> {
        NeighbourContext { context, slots, opened, spread: self, sender }
    }
}

impl NeighbourContext<'_> {
    /// Returns the neighbours, in ascending order.
    fn neighbours(&self) -> SmallVec<[NodeId; 8]> {
        let me = self.me();
        let mut neighbours: SmallVec<[NodeId; 8]> = self.slots.iter().copied().filter(|&slot| slot != me).collect();
        neighbours.sort_unstable();
        neighbours
    }

    /// Sends a message of this kind about an order to the targets among the neighbours.
    fn spread(&mut self, kind: Kind, order_hop: OrderHop) {
        let Spread { draw, exclude_sender } = self.spread;
        let (mut neighbours, sender) = (self.neighbours(), self.sender);
        let targets = draw.at_hop(order_hop.hop).draw_among(order_hop.order, self.me(), &mut neighbours);
        let to: SmallVec<[NodeId; 8]> =
            targets.iter().copied().filter(|&target| !exclude_sender || target != sender).collect();
        if kind == Kind::PAYLOAD && to.len() < targets.len() {
            let spared = targets.len() - to.len();
            self.context.spare(order_hop.order, spared as u32);
        }
        if !to.is_empty() {
            self.context.forward(&to, kind, order_hop, &[]);
        }
    }
}

impl Context for MembershipContext<'_> {
    pass_on!(0);
    pass_targets_on!(0);

    fn local(&self) -> usize {
        self.0.local()
    }

    fn wake_at(&mut self, time: Nanos, token: u64) {
        self.0.wake_at(time, token | MEMBERSHIP);
    }

    fn draws(&self, purpose: u32, count: u64) -> Stream {
        self.0.draws(purpose | MEMBERSHIP_DRAWS, count)
    }

    fn draw(&self, purpose: u32, count: u64) -> u64 {
        self.0.draw(purpose | MEMBERSHIP_DRAWS, count)
    }
}

impl Context for NeighbourContext<'_> {
    pass_on!(context);

    fn local(&self) -> usize {
        self.context.local()
    }

    fn fan_out(&mut self, order_hop: OrderHop) {
        self.spread(Kind::PAYLOAD, order_hop);
    }

    fn announce(&mut self, kind: Kind, order_hop: OrderHop) {
        self.spread(kind, order_hop);
    }

    fn announce_all(&mut self, kind: Kind, announcements: &[Announcement]) {
        let (neighbours, mut batch) = (self.neighbours(), AnnouncementBatch::default());
        let Spread { draw, exclude_sender } = self.spread;
        batch.address_among(&neighbours, draw, exclude_sender, self.me(), announcements);
        batch.for_each(announcements, |to, first, tail| {
            self.context.forward(&[to], kind, announcements[first].order_hop, tail);
        });
    }

    fn wake_at(&mut self, time: Nanos, token: u64) {
        self.context.wake_at(time, token);
    }

    fn peers(&self) -> &[NodeId] {
        self.slots
    }

    fn links(&self) -> Range<u32> {
        let first = (self.local() * self.slots.len()) as u32;
        first..first + self.slots.len() as u32
    }

    fn link_of(&self, peer: NodeId) -> Option<u32> {
        let slot = self.slots.iter().position(|&slot| slot == peer && peer != self.me())?;
        Some(self.links().start + slot as u32)
    }

    fn contact(&self, purpose: u32, count: u64) -> Option<NodeId> {
        let neighbours = self.neighbours();
        if neighbours.is_empty() {
            return None;
        }
        neighbours.get(self.draws(purpose, count).below(neighbours.len() as u64) as usize).copied()
    }

    fn dialled(&self, link: u32) -> bool {
        self.opened.checked_shr(link.wrapping_sub(self.links().start)).unwrap_or(0) & 1 == 1
    }

    fn draw(&self, purpose: u32, count: u64) -> u64 {
        self.context.draw(purpose, count)
    }

    fn draws(&self, purpose: u32, count: u64) -> Stream {
        self.context.draws(purpose, count)
    }
}
