//! Announcements, requests and answers, by which nodes make up for orders that the mesh has not brought, and the orders
//! that they do not want.

use super::requests::Overdue;
use super::{FOLLOWUP, GossipsubKnobs, GossipsubState, IN_VAIN, INEED, NEED, token};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop};
use crate::protocol::{Context, announcements};
use crate::time::Nanos;
use smallvec::SmallVec;

impl GossipsubState {
    /// Requests the new ones among the announced orders, all in one message.
    pub(super) fn receive_ihave<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        // By far the most, because an order is announced at several heartbeats.
        if tail.is_empty() && context.knows(message.order) {
            return;
        }
        let local = context.local();
        let mut wanted: SmallVec<[OrderHop; 1]> = SmallVec::new();
        for order_hop in announcements::order_hops(message, tail) {
            let is_asked = self.knobs.iwant_once && self.wants.is_open(local, order_hop.order);
            if !context.knows(order_hop.order) && !is_asked && !wanted.contains(&order_hop) {
                wanted.push(order_hop);
            }
        }
        if wanted.is_empty() || self.live_link(context, message.from).is_none() {
            return;
        }
        let due = context.now() + self.knobs.iwant_followup;
        for order_hop in &wanted {
            if self.wants.open(local, order_hop.order, due) {
                context.wake_at(due, token(FOLLOWUP, order_hop.order.0));
            }
        }
        announcements::send(context, message.from, Kind::WANT, &wanted);
    }

    /// Sends a peer the orders that it requests and that are in the cache.
    pub(super) fn receive_iwant<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        let Some(link) = self.live_link(context, message.from) else { return };
        let (local, now) = (context.local(), context.now());
        let next = self.next_beat(context);
        let until = self.clock.time(&self.nodes[local].beats, next.saturating_add(self.knobs.mcache_len));
        for OrderHop { order, .. } in announcements::order_hops(message, tail) {
            let Some(order_hop) = self.nodes[local].cached.get(self.windows, next, order) else { continue };
            if self.answers.count(link, order, now, until) < self.knobs.gossip_retransmission {
                context.send(message.from, Kind::PAYLOAD, order_hop);
            }
        }
    }

    /// Notes that a peer does not want an order; once a node has it, it has passed it on already.
    pub(super) fn receive_idontwant<C: Context>(&mut self, context: &mut C, message: &Message) {
        if context.knows(message.order) {
            return;
        }
        let GossipsubKnobs { idontwant_ttl, max_idontwant, .. } = self.knobs;
        let next = self.next_beat(context);
        let most = (max_idontwant as usize).saturating_mul(idontwant_ttl as usize * context.peers().len());
        let note = (message.order, message.from, next.saturating_add(idontwant_ttl));
        self.unwanted.note(context.local(), next, note, most);
    }

    /// Requests an order that a mesh peer announces, unless one is asked for it already.
    pub(super) fn receive_iannounce<C: Context>(&mut self, context: &mut C, message: &Message) {
        let (order, local) = (message.order, context.local());
        if context.knows(order) || self.live_link(context, message.from).is_none() {
            return;
        }
        if !self.needs.queue(local, order, message.from) {
            let due = context.now() + self.knobs.announce_timeout;
            self.needs.open(local, order, due);
            context.wake_at(due, token(NEED, order.0));
            context.send(message.from, INEED, message.order_hop());
        }
    }

    /// Sends an order that a mesh peer requests.
    pub(super) fn receive_ineed<C: Context>(&mut self, context: &mut C, message: &Message) {
        let next = self.next_beat(context);
        let cached = self.nodes[context.local()].cached.get(self.windows, next, message.order);
        if let Some(order_hop) = cached
            && self.live_link(context, message.from).is_some()
        {
            context.send(message.from, Kind::PAYLOAD, order_hop);
        }
    }

    /// Closes a request by IWANT that has not been answered in time.
    pub(super) fn follow_up<C: Context>(&mut self, context: &mut C, order: OrderIndex) {
        match self.wants.expire(context.local(), order, context.now(), Nanos::MAX) {
            Overdue::Waits(due) => context.wake_at(due, token(FOLLOWUP, order.0)),
            Overdue::InVain => context.tally(IN_VAIN, 1),
            Overdue::Closed | Overdue::Next(_) => {}
        }
    }

    /// Requests an order from the next announcer.
    pub(super) fn need_next<C: Context>(&mut self, context: &mut C, order: OrderIndex) {
        let due = context.now() + self.knobs.announce_timeout;
        match self.needs.expire(context.local(), order, context.now(), due) {
            Overdue::Next(announcer) => {
                context.wake_at(due, token(NEED, order.0));
                let any_hop = OrderHop { order, ..OrderHop::NO_ORDER };
                context.send(announcer, INEED, any_hop);
            }
            Overdue::Waits(due) => context.wake_at(due, token(NEED, order.0)),
            Overdue::InVain => context.tally(IN_VAIN, 1),
            Overdue::Closed => {}
        }
    }

    /// Returns the link to the sender of a message; `None` for a stranger, and for a peer that is known to be down: the
    /// connection that the message belongs to has ended.
    pub(super) fn live_link<C: Context>(&self, context: &C, from: NodeId) -> Option<u32> {
        context.link_of(from).filter(|&link| self.mesh.is_up(link))
    }

    /// Closes the requests of the event's node for an order.
    pub(super) fn close_requests<C: Context>(&mut self, context: &C, order: OrderIndex) {
        self.wants.close(context.local(), order);
        self.needs.close(context.local(), order);
    }
}
