//! A protocol over a membership protocol, which keeps its peers.
//!
//! Messages of kinds 192 and above go to the membership protocol, all others to the protocol over it. To that one the
//! slots of a node's active view are its links: a link keeps its number for as long as its neighbour stays, an empty
//! slot holds the node itself, and every loss and gain is told by [`handle_peer`](ProtocolState::handle_peer).
//!
//! Both see the carrier or the engine as a trait object, so that they are compiled once, and not for every carrier,
//! engine and trace: an event costs some indirect calls.

mod contexts;
#[cfg(test)]
mod tests;

use super::membership::{Membership, MembershipState, NEIGHBOURS_MAX};
use super::{Context, Protocol, ProtocolState, ShardView, TargetDraw, Targets};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, KindNames, Message, ShortTail};
use crate::time::Nanos;
use contexts::{MEMBERSHIP, MembershipContext, NeighbourContext, Spread};
use smallvec::SmallVec;

/// The first kind of a membership protocol.
const FIRST_KIND: Kind = Kind(192);

/// Stands in the first slot of a node whose neighbours have not changed since the first order was due.
const UNCHANGED: NodeId = NodeId(u32::MAX);

/// A protocol `P` over a membership protocol `M`.
#[derive(Clone, Copy, Debug)]
pub struct Over<M, P> {
    membership: M,
    protocol: P,
    spread: Spread,
    /// The time for which nodes run before the first order.
    warm_up: Nanos,
}

/// The state of both.
#[derive(Debug)]
pub struct OverState<M, P> {
    membership: M,
    protocol: P,
    spread: Spread,
    slots: usize,
    warm_up: Nanos,
    /// The time at which the first order is due.
    settled_at: Nanos,
    /// By node, the slots of its active view when the first order was due, once they have changed since.
    settled: Vec<NodeId>,
}

/// The neighbours of a node, as the protocol knows them.
#[derive(Clone, Debug, PartialEq)]
struct Neighbours {
    slots: SmallVec<[NodeId; 8]>,
    opened: u64,
}

impl<M: Membership, P: Protocol> Over<M, P> {
    /// Puts a protocol over a membership protocol. A fan-out goes to the neighbours that `draw` selects, or to all if
    /// `targets` are all others; `exclude_sender` leaves out the one that the order came from.
    pub fn new(membership: M, protocol: P, targets: Targets, draw: TargetDraw, exclude_sender: bool) -> Over<M, P> {
        debug_assert!(membership.slots() <= NEIGHBOURS_MAX);
        let spread = match targets {
            Targets::Drawn => Spread { draw, exclude_sender },
            Targets::Others => Spread { draw: draw.widened(), exclude_sender: true },
        };
        let warm_up = membership.warm_up() + protocol.warm_up();
        Over { membership, protocol, spread, warm_up }
    }

    /// Returns the same with a warm-up of this time in place of its own.
    pub fn with_warm_up(self, asked: Option<Nanos>) -> Over<M, P> {
        Over { warm_up: asked.unwrap_or(self.warm_up), ..self }
    }
}

impl<M: Membership, P: Protocol> Protocol for Over<M, P> {
    type State = OverState<M::State, P::State>;
    // Most messages of a membership protocol name one node.
    type Tail = ShortTail;

    const KINDS: KindNames = M::KINDS;
    const STARTS: bool = true;
    const WATCHES_PEERS: bool = true;
    const ORDERS_PER_EVENT_MAX: u32 = P::ORDERS_PER_EVENT_MAX;

    fn orders_per_event_max(&self) -> u32 {
        self.protocol.orders_per_event_max()
    }

    fn warm_up(&self) -> Nanos {
        self.warm_up
    }

    fn for_shard(&self, view: &ShardView<'_>) -> Self::State {
        let slots = self.membership.slots();
        OverState {
            membership: self.membership.for_shard(view),
            protocol: self.protocol.for_shard(&view.with_slots(slots)),
            spread: self.spread,
            slots: slots as usize,
            warm_up: self.warm_up,
            settled_at: Nanos::MAX,
            settled: vec![UNCHANGED; view.size() * slots as usize],
        }
    }

    fn admits(&self, message: &Message, tail: &[u64], orders: u32) -> bool {
        match message.kind >= FIRST_KIND {
            true => self.membership.admits(message, tail),
            false => self.protocol.admits(message, tail, orders),
        }
    }

    fn tail_words_max(&self) -> usize {
        self.membership.tail_words_max().max(self.protocol.tail_words_max())
    }
}

impl Neighbours {
    fn of(membership: &impl MembershipState, local: usize) -> Neighbours {
        Neighbours { slots: membership.slots(local).into(), opened: membership.opened(local) }
    }
}

impl<M: MembershipState, P: ProtocolState> OverState<M, P> {
    /// Lets the membership protocol handle an event, and tells the protocol over it of the neighbours lost and then of
    /// those gained.
    fn with_membership(&mut self, context: &mut dyn Context, handle: impl FnOnce(&mut M, &mut MembershipContext<'_>)) {
        let (me, local) = (context.me(), context.local());
        self.keep_settled(local, context.now());
        let mut known = Neighbours::of(&self.membership, local);
        handle(&mut self.membership, &mut MembershipContext(&mut *context));
        if known.slots[..] == *self.membership.slots(local) && known.opened == self.membership.opened(local) {
            return;
        }
        let current = Neighbours::of(&self.membership, local);
        for slot in 0..self.slots {
            let peer = known.slots[slot];
            if peer != me && peer != current.slots[slot] {
                self.protocol.handle_peer(
                    &mut self.spread.over(&known.slots, known.opened, me, &mut *context),
                    peer,
                    false,
                );
                known.slots[slot] = me;
            }
        }
        known.opened = current.opened;
        for slot in 0..self.slots {
            let peer = current.slots[slot];
            if peer != known.slots[slot] {
                known.slots[slot] = peer;
                context.watch(peer);
                self.protocol.handle_peer(
                    &mut self.spread.over(&known.slots, known.opened, me, &mut *context),
                    peer,
                    true,
                );
            }
        }
    }

    /// Lets the protocol handle an event about an order that came from `sender`.
    fn with_protocol(
        &mut self,
        context: &mut dyn Context,
        sender: NodeId,
        handle: impl FnOnce(&mut P, &mut NeighbourContext<'_>),
    ) {
        let local = context.local();
        let (slots, opened) = (self.membership.slots(local), self.membership.opened(local));
        handle(&mut self.protocol, &mut self.spread.over(slots, opened, sender, context));
    }

    /// Keeps the neighbours that a node has when the first order is due, before they change.
    fn keep_settled(&mut self, local: usize, now: Nanos) {
        let kept = &mut self.settled[local * self.slots..][..self.slots];
        if now >= self.settled_at && kept[0] == UNCHANGED {
            kept.copy_from_slice(self.membership.slots(local));
        }
    }
}

impl<M: MembershipState, P: ProtocolState> ProtocolState for OverState<M, P> {
    fn start<C: Context>(&mut self, context: &mut C) {
        let me = context.me();
        self.settled_at = context.now() + self.warm_up;
        self.with_membership(context, |membership, context| membership.start(context));
        self.with_protocol(context, me, |protocol, context| protocol.start(context));
    }

    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        let me = context.me();
        self.with_protocol(context, me, |protocol, context| protocol.publish(context, order, ttl));
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        if message.kind >= FIRST_KIND {
            return self.with_membership(context, |membership, context| {
                membership.handle_message(context, message, tail);
            });
        }
        let from = message.from;
        self.with_protocol(context, from, |protocol, context| protocol.handle_message(context, message, tail));
        if !self.membership.slots(context.local()).contains(&from) {
            self.with_membership(context, |membership, context| membership.handle_stranger(context, from));
        }
    }

    #[inline(always)]
    fn prefetch(&self, view: &ShardView<'_>, node: NodeId, order: OrderIndex, kind: Option<Kind>) {
        let is_own = kind.is_none_or(|kind| kind >= FIRST_KIND);
        self.membership.prefetch(view.local(node), is_own);
        if kind.is_none() || !is_own {
            self.protocol.prefetch(&view.with_slots(self.slots as u32), node, order, kind);
        }
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        let me = context.me();
        match token & MEMBERSHIP {
            0 => self.with_protocol(context, me, |protocol, context| protocol.handle_timeout(context, token)),
            _ => self.with_membership(context, |membership, context| {
                membership.handle_timeout(context, token & !MEMBERSHIP);
            }),
        }
    }

    /// Handles the failure of a node that was a neighbour when it was last watched.
    fn handle_peer<C: Context>(&mut self, context: &mut C, peer: NodeId, is_up: bool) {
        if !is_up && self.membership.slots(context.local()).contains(&peer) {
            self.with_membership(context, |membership, context| membership.handle_failure(context, peer));
        }
    }

    fn awaited(&self) -> u64 {
        self.protocol.awaited()
    }

    fn name_awaited(&self, name: impl FnMut(OrderIndex)) {
        self.protocol.name_awaited(name);
    }

    fn name_in_tail(&self, tail: &[u64], name: impl FnMut(OrderIndex)) {
        self.protocol.name_in_tail(tail, name);
    }

    fn take_settled_peers(&mut self) -> Vec<NodeId> {
        for local in 0..self.settled.len() / self.slots {
            self.keep_settled(local, Nanos::MAX);
        }
        std::mem::take(&mut self.settled)
    }
}
