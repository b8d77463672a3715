//! One event of one node on a real clock: what a protocol asks of it, and what it does.

use super::{RealtimeContext, local};
use crate::coverage::Delivery;
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, OrderHop};
use crate::protocol::{Announcement, Context, Event, ShardView};
use crate::record::{Receipt, add_tally};
use crate::runtime::recorder::Recorder;
use crate::time::Nanos;
use crate::wire;

impl<C: Recorder> RealtimeContext<'_, '_, C> {
    /// Returns the index of the event's node in its shard.
    #[inline]
    fn local(&self) -> usize {
        local(&self.shard.nodes, self.event.me)
    }
}

impl<C: Recorder> Context for RealtimeContext<'_, '_, C> {
    #[inline]
    fn me(&self) -> NodeId {
        self.event.me
    }

    fn view(&self) -> &ShardView<'_> {
        &self.shard.view
    }

    #[inline]
    fn deliver(&mut self, order: OrderIndex) -> bool {
        let local = self.local();
        match self.shard.marker.mark(local as u32, order) {
            Delivery::New => {
                let Event { sender, hop, now: time, .. } = self.event;
                self.shard.recorder.reached(local, order, Receipt { time, sender, hop });
                self.shard.record.reached += 1;
                true
            }
            Delivery::Duplicate => {
                self.shard.record.duplicates += 1;
                false
            }
            Delivery::Expired { behind } => {
                self.shard.record.expire(behind, None);
                self.shard.recorder.expired(order);
                false
            }
        }
    }

    fn count_part(&mut self, is_useful: bool) {
        self.shard.record.parts.count(is_useful);
    }

    fn encode_parts(&mut self, order: OrderIndex) {
        self.shard.parts.inspect(|parts| _ = parts.of(order));
    }

    fn recover_set(&mut self, order: OrderIndex, set: u32, present: u64) -> bool {
        self.shard.parts.is_some_and(|parts| parts.of(order).recover(set, present))
    }

    fn deliver_recovered(&mut self, order: OrderIndex) -> bool {
        self.shard.record.parts.recovered += 1;
        self.deliver(order)
    }

    fn order_bytes(&self, order: OrderIndex) -> u32 {
        let payload = self.shard.orders[order.index()].payload();
        wire::message_bytes(payload.len() as u32) - wire::HEADER_BYTES as u32
    }

    #[inline]
    fn fan_out(&mut self, order_hop: OrderHop) {
        self.shard.outbox.push(self.event.me, self.event.sender, Kind::PAYLOAD, order_hop);
    }

    fn announce(&mut self, kind: Kind, order_hop: OrderHop) {
        self.shard.outbox.push(self.event.me, self.event.sender, kind, order_hop);
    }

    fn announce_all(&mut self, kind: Kind, announcements: &[Announcement]) {
        self.shard.outbox.push_all(self.event.me, kind, announcements);
    }

    fn forward(&mut self, to: &[NodeId], kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        self.shard.outbox.push_named(self.event.me, to, kind, about(kind, order_hop), tail);
    }

    fn send_with(&mut self, to: NodeId, kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        self.shard.outbox.push_one(self.event.me, to, kind, about(kind, order_hop), tail);
    }

    fn tally(&mut self, what: u8, count: u64) {
        add_tally(&mut self.shard.record.tally, what, count);
    }

    fn spare(&mut self, _: OrderIndex, copies: u32) {
        self.shard.record.spared += u64::from(copies);
    }

    fn knows(&self, order: OrderIndex) -> bool {
        self.shard.marker.knows(self.local() as u32, order)
    }

    fn holds(&self, order: OrderIndex) -> bool {
        self.shard.marker.holds(self.local() as u32, order)
    }

    fn now(&self) -> Nanos {
        self.event.now
    }

    fn wake_at(&mut self, time: Nanos, token: u64) {
        self.shard.timers.request(time, self.event.me, token);
    }
}

/// Returns the order that a message of this kind is about: upkeep is about none, whatever the protocol passes.
fn about(kind: Kind, order_hop: OrderHop) -> OrderHop {
    if kind.is_upkeep() { OrderHop::NO_ORDER } else { order_hop }
}
