//! One event of one node in virtual time: the protocol's [`Context`], and the stages that a message passes before and
//! after the protocol.

use super::VirtualShard;
use crate::coverage::WindowPosition;
use crate::engine::access_links::LinkSide;
use crate::engine::journal::{ExpiredReceipt, JournalEntry, JournalEvent, SendCounts};
use crate::engine::pending_event::{EventSink, EventStage, PendingEvent};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop};
use crate::protocol::{Announcement, Context, Event, ShardView};
use crate::record::Receipt;
use crate::time::Nanos;
use crate::trace::MessageFate;
use crate::wire::HEADER_BYTES;

/// The event that is being handled, and its shard.
pub(in crate::engine) struct VirtualContext<'s, 'a, S: EventSink> {
    pub(super) shard: &'s mut VirtualShard<'a, S>,
    pub(super) event: Event,
    /// The round of its instant.
    pub(super) round: u16,
}

impl<S: EventSink> VirtualContext<'_, '_, S> {
    /// Offers a message to the downlink of its receiver.
    pub(super) fn arrive(&mut self, pending: &PendingEvent<S::Tail>) {
        let Message { to, from, order, kind, .. } = pending.message;
        if !self.is_up() {
            self.trace_arrival(pending, MessageFate::Down);
            return self.note(order, JournalEvent::Missed(kind));
        }
        let bytes = self.shard.bytes_of(&pending.message);
        let Some(offer) = self.shard.access_links.receive(from, to, pending.time, bytes) else {
            return self.work_on(pending);
        };
        if let Some(queues) = self.shard.access_links.watch(LinkSide::Down, to, &offer) {
            self.note(order, JournalEvent::Queued(LinkSide::Down, queues));
        }
        match offer.departs {
            Some(time) if self.shard.access_links.have_work() => self.go_on(pending, time, EventStage::PastDownlink),
            Some(time) => self.go_on(pending, time, EventStage::Delivered),
            None => {
                self.trace_arrival(pending, MessageFate::Dropped);
                self.note(order, JournalEvent::Dropped(kind));
            }
        }
    }

    /// Queues a message that has passed the downlink for processing, if the node is up.
    pub(super) fn queue_for_work(&mut self, pending: &PendingEvent<S::Tail>) {
        if self.is_up() {
            self.work_on(pending);
        } else {
            self.trace_arrival(pending, MessageFate::Down);
            self.note(pending.message.order, JournalEvent::Missed(pending.message.kind));
        }
    }

    /// Delivers a message once the node has processed those before it.
    fn work_on(&mut self, pending: &PendingEvent<S::Tail>) {
        let done = self.shard.access_links.work(self.event.me, self.event.now);
        self.go_on(pending, done, EventStage::Delivered);
    }

    /// Schedules the next stage of a message.
    fn go_on(&mut self, pending: &PendingEvent<S::Tail>, time: Nanos, stage: EventStage) {
        let round = self.round_of_sequel(time);
        self.emit(PendingEvent { time, round, stage, ..pending.clone() });
    }

    /// Returns the round of an event that continues this one at `time` without being a message of its own.
    pub(super) fn round_of_sequel(&self, time: Nanos) -> u16 {
        if time == self.event.now { self.round } else { 0 }
    }

    /// Counts an event, at once or when the journal is booked.
    #[inline(always)]
    pub(super) fn note(&mut self, order: OrderIndex, what: JournalEvent) {
        let (time, local) = (self.event.now, self.local());
        self.shard.note(JournalEntry { time, local, order, what });
    }

    /// Passes an event that follows from this one to the sink.
    #[inline]
    pub(super) fn emit(&mut self, pending: PendingEvent<S::Tail>) {
        self.shard.occurrences += 1;
        self.shard.sink.put(pending);
    }

    /// Returns the index of the event's node in its shard.
    pub(super) fn local(&self) -> u32 {
        self.event.me.0 - self.shard.nodes.start
    }

    /// Returns true if the event's node is up. A node that is down receives nothing, and sends nothing when a timer
    /// fires.
    #[inline(always)]
    pub(super) fn is_up(&self) -> bool {
        self.shard.all_up || self.shard.setup.faults.is_up(self.event.me, self.model_time())
    }

    /// Returns the time of the event for the modelled network, which counts from the end of the warm-up; 0 before that.
    #[inline(always)]
    pub(super) fn model_time(&self) -> Nanos {
        self.event.now.since(self.shard.setup.warm_up)
    }

    /// Returns the node from which the event's node first received the order.
    pub(super) fn sender_of(&self, order: OrderIndex) -> NodeId {
        self.shard.receipts[self.place(order)].sender
    }

    /// Counts one more attempt of the event's node to send `order`, or upkeep if `kind` is upkeep, and returns the
    /// number of attempts before.
    pub(super) fn attempt(&mut self, kind: Kind, order: OrderIndex) -> u32 {
        let local = self.local();
        if !kind.is_upkeep() {
            return self.shard.attempts.next(local, order);
        }
        let attempts = &mut self.shard.upkeep_attempts;
        if attempts.is_empty() {
            attempts.resize(self.shard.nodes.len(), 0);
        }
        let attempt = &mut attempts[local as usize];
        *attempt = attempt.wrapping_add(1);
        attempt.wrapping_sub(1)
    }

    /// Returns the index of the event's node and an order, among all nodes and orders of this shard.
    fn place(&self, order: OrderIndex) -> usize {
        order.index() * self.shard.size + self.local() as usize
    }

    /// Checks an order against the window of the event's node.
    fn forgets(&self, order: OrderIndex) -> Option<bool> {
        self.shard.horizon.knows(self.local(), order)
    }

    /// Returns true if the event's node has, or had, the order.
    fn is_marked(&self, order: OrderIndex) -> bool {
        let place = self.place(order);
        self.shard.held[place / 64] >> (place % 64) & 1 == 1
    }
}

impl<S: EventSink> Context for VirtualContext<'_, '_, S> {
    fn me(&self) -> NodeId {
        self.event.me
    }

    fn view(&self) -> &ShardView<'_> {
        &self.shard.view
    }

    #[inline(always)]
    fn deliver(&mut self, order: OrderIndex) -> bool {
        let (place, local) = (self.place(order), self.local());
        let seen = self.shard.horizon.see(local, order);
        let first = mark(&mut self.shard.held, place);
        if let WindowPosition::Behind(behind) = seen {
            self.note(order, JournalEvent::Expired(ExpiredReceipt { behind, is_first: first }));
            return false;
        }
        if first {
            let Event { sender, hop, now: time, .. } = self.event;
            self.shard.receipts[place] = Receipt { time, sender, hop };
            self.shard.new_receipts.note(order);
        }
        self.note(order, if first { JournalEvent::Delivered } else { JournalEvent::Duplicate });
        first
    }

    fn count_part(&mut self, is_useful: bool) {
        self.note(OrderIndex(0), JournalEvent::PartCounted { is_useful });
    }

    fn encode_parts(&mut self, _order: OrderIndex) {}

    fn recover_set(&mut self, _order: OrderIndex, _set: u32, _present: u64) -> bool {
        true
    }

    fn deliver_recovered(&mut self, order: OrderIndex) -> bool {
        self.note(order, JournalEvent::Recovered);
        self.deliver(order)
    }

    fn order_bytes(&self, order: OrderIndex) -> u32 {
        self.shard.setup.message_bytes[order.index()] - HEADER_BYTES as u32
    }

    #[inline]
    fn fan_out(&mut self, order_hop: OrderHop) {
        self.act(Kind::PAYLOAD, order_hop);
    }

    fn announce(&mut self, kind: Kind, order_hop: OrderHop) {
        self.act(kind, order_hop);
    }

    fn announce_all(&mut self, kind: Kind, announcements: &[Announcement]) {
        if self.is_up() {
            self.send_announcements(kind, announcements);
        }
    }

    fn forward(&mut self, to: &[NodeId], kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        if !self.is_up() {
            return;
        }
        if kind.is_upkeep() {
            // Adversaries act on orders only.
            self.send_to(to, kind, OrderHop::NO_ORDER, tail);
        } else {
            self.forward_to(to, kind, order_hop, tail);
        }
    }

    fn send_with(&mut self, to: NodeId, kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        if self.is_up() {
            self.send_to(&[to], kind, if kind.is_upkeep() { OrderHop::NO_ORDER } else { order_hop }, tail);
        }
    }

    fn tally(&mut self, what: u8, count: u64) {
        self.note(OrderIndex(0), JournalEvent::Tallied(what, count));
    }

    fn watch(&mut self, peer: NodeId) {
        self.shard.watch(self.event.me, peer, self.event.now);
    }

    fn spare(&mut self, order: OrderIndex, copies: u32) {
        let what = JournalEvent::Sent(Kind::PAYLOAD, SendCounts { spared: copies, ..SendCounts::default() });
        self.note(order, what);
    }

    fn knows(&self, order: OrderIndex) -> bool {
        self.forgets(order).unwrap_or_else(|| self.is_marked(order))
    }

    fn holds(&self, order: OrderIndex) -> bool {
        self.forgets(order).is_none() && self.is_marked(order)
    }

    fn now(&self) -> Nanos {
        self.event.now
    }

    fn wake_at(&mut self, time: Nanos, token: u64) {
        let Event { me, now, .. } = self.event;
        // A time in the past becomes the present: no event precedes its cause.
        self.shard.sink.put_timer(time.max(now), me, token);
    }
}

/// Sets a bit; returns true the first time.
fn mark(words: &mut [u64], place: usize) -> bool {
    let (word, bit) = (&mut words[place / 64], 1 << (place % 64));
    let first = *word & bit == 0;
    *word |= bit;
    first
}
