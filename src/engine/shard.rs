//! The nodes that one worker owns in virtual time. To a protocol this is its [`Context`].
//!
//! What happens in a window stands in a journal first, and is counted when the window is booked: by then it is known up
//! to which instant events count. Nothing has to be taken back. What a node sends is in `sending`, what is counted in `booking`.

mod booking;
mod sending;

use super::access_links::{AccessLinks, LinkSide};
use super::journal::{ExpiredReceipt, JournalEntry, JournalEvent};
use super::pending_event::{EventStage, PendingEvent};
use super::uplink_queue::UplinkQueue;
use super::{EngineSetup, FirstEncounters, OrderTraffic};
use crate::coverage::{Horizon, WindowPosition};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop, Tail};
use crate::network::Attempts;
use crate::protocol::{Announcement, AnnouncementBatch, Context, Protocol, TargetDraw, TargetScratch};
use crate::record::{Receipt, Traffic, WorkerRecord};
use crate::time::Nanos;
use crate::wire::control_bytes;
use crate::workload::Publication;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// What is being handled.
#[derive(Clone, Copy, Debug)]
struct VirtualEvent {
    me: NodeId,
    sender: NodeId,
    hop: u8,
    now: Nanos,
    /// The round of its instant.
    round: u16,
}

impl VirtualEvent {
    /// Of what the event sends and comes at `time`: what takes no time belongs to the next round of its instant.
    fn round_of_message(&self, time: Nanos) -> u16 {
        if time == self.now { self.round.saturating_add(1) } else { 0 }
    }

    /// Of what goes on from this event at `time` without being a message of its own.
    fn round_of_sequel(&self, time: Nanos) -> u16 {
        if time == self.now { self.round } else { 0 }
    }
}

/// A time that was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct FiredTimer {
    pub(super) at: Nanos,
    /// Whether anything came of it. What nobody needs any more is no event.
    pub(super) is_event: bool,
}

/// One worker's nodes.
pub(super) struct VirtualShard<'a, T> {
    setup: &'a EngineSetup<'a>,
    nodes: Range<u32>,
    scratch: TargetScratch,
    /// All peers of a node, in the order in which a flood goes to them.
    everyone: TargetDraw,
    announcement_batch: AnnouncementBatch,
    lines: AccessLinks<'a>,
    /// What waits at the lines out of the nodes, or is on them.
    departures: UplinkQueue,
    /// Who has which order, or was too late for it: a bit per order and node.
    held: Vec<u64>,
    /// How far each node's window has moved.
    horizon: Horizon,
    attempts: Attempts,
    /// Messages that each node has sent.
    sequences: Vec<u32>,
    receipts: Vec<Receipt>,
    traffic: Vec<Traffic>,
    by_order: Vec<OrderTraffic>,
    record: WorkerRecord,
    model_lost: u64,
    model_dropped: u64,
    model_duplicated: u64,
    uplink_dropped: u64,
    met: FirstEncounters,
    event: VirtualEvent,
    /// Times that nodes have asked for: those of one instant and node in the order in which they were, with their tokens.
    timers: BinaryHeap<Reverse<(Nanos, NodeId, u64, u64)>>,
    /// How many have been asked for.
    asked: u64,
    journal: Vec<JournalEntry>,
    /// What the events have sent since it was last emptied.
    pub(super) outgoing: Vec<PendingEvent<T>>,
}

impl<'a, T: Tail> VirtualShard<'a, T> {
    /// The given nodes, none of which has anything yet.
    pub(super) fn new(setup: &'a EngineSetup<'a>, nodes: Range<u32>) -> VirtualShard<'a, T> {
        let (size, orders) = (nodes.len(), setup.workload.orders() as usize);
        let max_degree = setup.topology.max_degree();
        VirtualShard {
            setup,
            lines: AccessLinks::new(setup.network, nodes.clone()),
            departures: UplinkQueue::new(),
            scratch: TargetScratch::new(setup.draw.count(max_degree), setup.topology),
            // Only a line tells in which order messages are sent at one instant.
            everyone: if setup.network.limited()[0] { setup.draw.widened() } else { TargetDraw::unordered() },
            announcement_batch: AnnouncementBatch::default(),
            held: vec![0; (size * orders).div_ceil(64)],
            horizon: Horizon::new(size, setup.window),
            attempts: Attempts::new(size, orders),
            sequences: vec![0; size],
            receipts: vec![Receipt::NONE; size * orders],
            traffic: vec![Traffic::default(); size],
            by_order: vec![OrderTraffic::default(); orders],
            record: WorkerRecord { nodes: size as u32, ..WorkerRecord::none() },
            model_lost: 0,
            model_dropped: 0,
            model_duplicated: 0,
            uplink_dropped: 0,
            met: FirstEncounters::default(),
            event: VirtualEvent {
                me: NodeId(nodes.start),
                sender: NodeId(nodes.start),
                hop: 0,
                now: Nanos::ZERO,
                round: 0,
            },
            timers: BinaryHeap::new(),
            asked: 0,
            journal: Vec::new(),
            outgoing: Vec::new(),
            nodes,
        }
    }

    /// Lets an order in, unless its origin is down.
    pub(super) fn publish<P: Protocol>(&mut self, protocol: &mut P, publication: &Publication) {
        let &Publication { order, origin, due } = publication;
        if !self.setup.faults.is_up(origin, due) {
            return;
        }
        self.event = VirtualEvent { me: origin, sender: origin, hop: 0, now: due, round: 0 };
        protocol.publish(self, order, self.setup.ttl);
    }

    /// Does what is due at a flight's time.
    #[inline]
    pub(super) fn handle<P: Protocol>(&mut self, protocol: &mut P, pending: &PendingEvent<T>) {
        match pending.stage {
            EventStage::Arrives if self.lines.hold_arrivals() => self.arrive(pending),
            EventStage::PastDownlink => self.queue_for_work(pending),
            EventStage::Arrives | EventStage::Delivered => self.deliver_message(protocol, pending),
            EventStage::Held => self.send_held(pending),
        }
    }

    /// Brings a message to the line into its node.
    fn arrive(&mut self, pending: &PendingEvent<T>) {
        let Message { to, from, hop, order, .. } = pending.message;
        self.event = VirtualEvent { me: to, sender: from, hop, now: pending.time, round: pending.round };
        if !self.setup.faults.is_up(to, pending.time) {
            return self.note(order, JournalEvent::Missed(pending.message.kind, pending.sent_at));
        }
        let Some(offer) = self.lines.receive(from, to, pending.time, self.bytes_of(&pending.message)) else {
            return self.work_on(pending);
        };
        if let Some(queues) = self.lines.watch(LinkSide::Down, to, &offer) {
            self.note(order, JournalEvent::Queued(LinkSide::Down, queues));
        }
        match offer.departs {
            Some(time) if self.lines.have_work() => self.go_on(pending, time, EventStage::PastDownlink),
            Some(time) => self.go_on(pending, time, EventStage::Delivered),
            None => self.note(order, JournalEvent::Dropped(pending.message.kind, pending.sent_at)),
        }
    }

    /// Lets a message that is through the line wait for its node's work, if the node is up.
    fn queue_for_work(&mut self, pending: &PendingEvent<T>) {
        let Message { to, from, hop, order, .. } = pending.message;
        self.event = VirtualEvent { me: to, sender: from, hop, now: pending.time, round: pending.round };
        if self.setup.faults.is_up(to, pending.time) {
            self.work_on(pending);
        } else {
            self.note(order, JournalEvent::Missed(pending.message.kind, pending.sent_at));
        }
    }

    /// Has the event's node work on a message once it is done with those before.
    fn work_on(&mut self, pending: &PendingEvent<T>) {
        let done = self.lines.work(self.event.me, self.event.now);
        self.go_on(pending, done, EventStage::Delivered);
    }

    /// Brings a message to its next stage.
    fn go_on(&mut self, pending: &PendingEvent<T>, time: Nanos, stage: EventStage) {
        let round = self.event.round_of_sequel(time);
        self.outgoing.push(PendingEvent { time, round, stage, ..pending.clone() });
    }

    /// Sends on what was held back, if the node is up.
    fn send_held(&mut self, pending: &PendingEvent<T>) {
        let Message { to: me, ttl, hop, order, kind, .. } = pending.message;
        self.event = VirtualEvent { me, sender: me, hop, now: pending.time, round: pending.round };
        self.note(order, JournalEvent::Released(pending.sent_at));
        if self.setup.faults.is_up(me, pending.time) {
            // Whom the order came from.
            self.event.sender = self.receipts[self.place(order)].sender;
            self.send_on(kind, OrderHop { order, ttl, hop });
        }
    }

    /// Hands a message to its node.
    fn deliver_message<P: Protocol>(&mut self, protocol: &mut P, pending: &PendingEvent<T>) {
        let Message { to, from, hop, order, .. } = pending.message;
        self.event = VirtualEvent { me: to, sender: from, hop, now: pending.time, round: pending.round };
        if !self.setup.faults.is_up(to, pending.time) {
            self.note(order, JournalEvent::Missed(pending.message.kind, pending.sent_at));
            return;
        }
        self.note(order, JournalEvent::Received(pending.message.kind, pending.message.tail, pending.sent_at));
        protocol.handle_message(self, &pending.message, pending.tail.words());
    }

    /// When the next time comes that a node has asked for.
    pub(super) fn next_timeout(&self) -> Option<Nanos> {
        self.timers.peek().map(|Reverse((time, ..))| *time)
    }

    /// Tells the next of these, if it comes by then. Gives when it was, if anything came of it.
    pub(super) fn fire_timer<P: Protocol>(&mut self, protocol: &mut P, by: Nanos) -> Option<FiredTimer> {
        if self.next_timeout()? > by {
            return None;
        }
        let Reverse((now, me, _, token)) = self.timers.pop()?;
        self.event = VirtualEvent { me, sender: me, hop: 0, now, round: 0 };
        let before = self.journal.len();
        protocol.handle_timeout(self, token);
        // What a delaying node holds back stands in no journal yet, and is on its way all the same.
        Some(FiredTimer { at: now, is_event: self.journal.len() > before || !self.outgoing.is_empty() })
    }

    /// Asks for what a message that is soon to be handled will touch.
    pub(super) fn prefetch(&self, pending: &PendingEvent<T>) {
        self.setup.topology.prefetch_row(pending.message.to);
    }

    /// The first receipts in the journal, as orders and times.
    pub(super) fn fresh(&self) -> impl Iterator<Item = (OrderIndex, Nanos)> + '_ {
        let delivered = self.journal.iter().filter(|entry| matches!(entry.what, JournalEvent::Delivered));
        delivered.map(|entry| (entry.order, entry.time))
    }

    /// What the journal takes.
    pub(super) fn journal_bytes(&self) -> u64 {
        (self.journal.len() * size_of::<JournalEntry>()) as u64
    }

    /// Messages taken in, as far as they have been counted.
    pub(super) fn received(&self) -> u64 {
        self.record.received
    }

    fn note(&mut self, order: OrderIndex, what: JournalEvent) {
        let VirtualEvent { me, now, .. } = self.event;
        self.journal.push(JournalEntry { time: now, local: me.0 - self.nodes.start, order, what });
    }

    /// The place of the event's node and an order, among all orders and nodes of this shard.
    fn place(&self, order: OrderIndex) -> usize {
        order.index() * self.nodes.len() + (self.event.me.0 - self.nodes.start) as usize
    }

    /// What the window of the event's node says of an order.
    fn forgets(&self, order: OrderIndex) -> Option<bool> {
        self.horizon.knows(self.event.me.0 - self.nodes.start, order)
    }

    /// Whether the event's node has, or had, the order.
    fn is_marked(&self, order: OrderIndex) -> bool {
        let place = self.place(order);
        self.held[place / 64] >> (place % 64) & 1 == 1
    }

    /// Bytes of a message, as UDP payload.
    fn bytes_of(&self, &Message { kind, order, tail, .. }: &Message) -> u32 {
        match kind.is_control() {
            true => control_bytes(tail.into()) as u32,
            false => self.setup.message_bytes[order.index()],
        }
    }

    /// How often the event's node has sent anything about the order before.
    fn attempt(&mut self, order: OrderIndex) -> u32 {
        self.attempts.next(self.event.me.0 - self.nodes.start, order)
    }
}

impl<T: Tail> Context for VirtualShard<'_, T> {
    fn me(&self) -> NodeId {
        self.event.me
    }

    fn deliver(&mut self, order: OrderIndex) -> bool {
        let (place, local) = (self.place(order), self.event.me.0 - self.nodes.start);
        let seen = self.horizon.see(local, order);
        let first = mark(&mut self.held, place);
        if let WindowPosition::Behind(behind) = seen {
            self.note(order, JournalEvent::Expired(ExpiredReceipt { behind, is_first: first }));
            return false;
        }
        if first {
            let VirtualEvent { sender, hop, now: time, .. } = self.event;
            self.receipts[place] = Receipt { time, sender, hop };
        }
        self.note(order, if first { JournalEvent::Delivered } else { JournalEvent::Duplicate });
        first
    }

    fn fan_out(&mut self, order_hop: OrderHop) {
        self.act(Kind::Payload, order_hop);
    }

    fn announce(&mut self, kind: Kind, order_hop: OrderHop) {
        self.act(kind, order_hop);
    }

    fn announce_all(&mut self, kind: Kind, news: &[Announcement]) {
        if self.is_up() {
            self.mail(kind, news);
        }
    }

    fn send_with(&mut self, to: NodeId, kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        if !self.is_up() {
            return;
        }
        let attempt = self.attempt(order_hop.order);
        let mut forward = self.forward(kind, order_hop);
        self.send_copy(&mut forward, to, attempt, tail);
        self.note(order_hop.order, JournalEvent::Sent(kind, forward.target_batch));
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
        // A time that has passed comes now: nothing happens before its cause.
        self.timers.push(Reverse((time.max(self.event.now), self.event.me, self.asked, token)));
        self.asked += 1;
    }
}

/// Sets a bit; true the first time.
fn mark(words: &mut [u64], place: usize) -> bool {
    let (word, bit) = (&mut words[place / 64], 1 << (place % 64));
    let first = *word & bit == 0;
    *word |= bit;
    first
}
