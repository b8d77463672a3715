//! The way of an order: a node delivers it, keeps it in its cache, and passes it on over the mesh.

use super::beats::BEATS_MAX;
use super::{COINS, GossipsubState, IANNOUNCE, IDONTWANT, SPARED};
use crate::ids::NodeId;
use crate::message::{Kind, Message, OrderHop};
use crate::protocol::Context;
use smallvec::SmallVec;

impl GossipsubState {
    /// Delivers an order, and passes a new one on.
    pub(super) fn receive_order<C: Context>(&mut self, context: &mut C, message: &Message) {
        let order = message.order;
        if !context.deliver(order) {
            return;
        }
        self.close_requests(context, order);
        let says_so = context.order_bytes(order) >= self.knobs.idontwant_bytes;
        let Some(order_hop) = message.next_hop() else { return };
        let (local, next) = (context.local(), self.next_beat(context));
        self.keep(context, next, order_hop);
        let mut to = std::mem::take(&mut self.to);
        self.mesh.collect_peers(context, &self.nodes[local].mesh, message.from, &mut to);
        if says_so {
            self.say_idontwant(context, order_hop, &to);
        }
        let spared = self.unwanted.take_from(local, next, order, &mut to);
        if spared > 0 {
            context.tally(SPARED, spared as u64);
        }
        if self.announces.is_never() {
            context.forward(&to, Kind::PAYLOAD, order_hop, &[]);
        } else {
            self.toss(context, order_hop, &to);
        }
        self.to = to;
    }

    /// Sends an order of its own: to the mesh, or to all peers.
    pub(super) fn send_own<C: Context>(&mut self, context: &mut C, order_hop: OrderHop) {
        let mut to = std::mem::take(&mut self.to);
        if self.knobs.flood_publish {
            self.mesh.collect_all(context, &mut to);
        } else {
            let me = context.me();
            self.mesh.collect_peers(context, &self.nodes[context.local()].mesh, me, &mut to);
        }
        // A peer of an origin cannot have the order yet, so that announcing it only takes time.
        if self.knobs.d_announce == self.knobs.d {
            self.send_or_announce(context, order_hop, &to, || true);
        } else {
            context.forward(&to, Kind::PAYLOAD, order_hop, &[]);
        }
        self.to = to;
    }

    /// Tells the mesh peers whose version has IDONTWANT that the event's node has an order.
    fn say_idontwant<C: Context>(&self, context: &mut C, order_hop: OrderHop, to: &[NodeId]) {
        let hearers: SmallVec<[NodeId; 12]>;
        let to = match &self.versions {
            None => to,
            Some(versions) => {
                hearers = to.iter().copied().filter(|&peer| versions.of_peer(peer).has_idontwant).collect();
                &hearers
            }
        };
        if !to.is_empty() {
            context.forward(to, IDONTWANT, order_hop, &[]);
        }
    }

    /// Sends an order to some of its recipients and announces it to the others, as one coin for each decides.
    fn toss<C: Context>(&mut self, context: &mut C, order_hop: OrderHop, to: &[NodeId]) {
        let mut coins = context.draws(COINS, order_hop.order.0.into());
        self.send_or_announce(context, order_hop, to, || self.announces.hits(coins.next_word()));
    }

    /// Announces an order to those of its recipients for which `announces` is true and whose version has announcements,
    /// and sends it to the others.
    fn send_or_announce<C: Context>(
        &self,
        context: &mut C,
        order_hop: OrderHop,
        to: &[NodeId],
        mut announces: impl FnMut() -> bool,
    ) {
        let understands = |peer| self.versions.as_ref().is_none_or(|versions| versions.of_peer(peer).has_announcements);
        let mut parts: [SmallVec<[NodeId; 12]>; 2] = Default::default();
        for &peer in to {
            // Each peer has its coin, so that those of others do not depend on its version.
            parts[usize::from(announces() && understands(peer))].push(peer);
        }
        for (to, kind) in parts.iter().zip([Kind::PAYLOAD, IANNOUNCE]) {
            if !to.is_empty() {
                context.forward(to, kind, order_hop, &[]);
            }
        }
    }

    /// Keeps an order in the cache of the event's node before its beat `next`, and has it announced.
    pub(super) fn keep<C: Context>(&mut self, context: &mut C, next: u32, order_hop: OrderHop) {
        let local = context.local();
        self.nodes[local].cached.put(self.windows, next, order_hop);
        if next < BEATS_MAX && self.nodes[local].mesh.has_rest(context) {
            self.set_gossips(local, true);
            self.ask_beat(context, next);
        }
    }
}
