//! The nodes that one worker owns in virtual time. To a protocol this is its [`Context`].
//!
//! What happens in a window stands in a journal first, and is counted when the window is booked: by then it is known up
//! to which instant events count. Nothing has to be taken back.

use super::flight::{Flight, Stage};
use super::home::Home;
use super::lines::Lines;
use super::{OrderTraffic, Setup};
use crate::behaviour::Act;
use crate::gossip::{Context, Protocol, TargetScratch};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, Onward};
use crate::network::{Attempts, Fate, Ways};
use crate::stats::{Receipt, Traffic, WorkerRecord};
use crate::time::Nanos;
use crate::wire::CONTROL_BYTES;
use crate::workload::Publication;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// What happened, to be counted if its time counts.
#[derive(Clone, Copy, Debug)]
struct Entry {
    time: Nanos,
    local: u32,
    order: OrderIndex,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// A message of some kind came in that had been sent at this time.
    Received(Kind, Nanos),
    /// A message was lost that had been sent at this time: its node was down.
    Missed(Nanos),
    /// A message that had been sent at this time found no room at the line into its node.
    Dropped(Nanos),
    /// It brought nothing new.
    Duplicate,
    /// The node has the order from now on.
    Delivered,
    /// Messages of some kind went out.
    Sent(Kind, Volley),
}

/// What became of messages where they were sent.
#[derive(Clone, Copy, Debug, Default)]
struct Volley {
    sent: u32,
    lost: u32,
    /// They that found no room at the line out of their node.
    dropped: u32,
    /// Second copies of those that are not lost.
    doubled: u32,
    spared: u32,
}

/// What is being handled.
#[derive(Clone, Copy, Debug)]
struct Event {
    me: NodeId,
    sender: NodeId,
    hop: u8,
    now: Nanos,
}

/// A time that was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rung {
    pub(super) at: Nanos,
    /// Whether anything came of it. What nobody needs any more is no event.
    pub(super) is_event: bool,
}

/// One worker's nodes.
pub(super) struct Shard<'a> {
    setup: &'a Setup<'a>,
    nodes: Range<u32>,
    scratch: TargetScratch,
    lines: Lines<'a>,
    /// Who has which order: a bit per order and node.
    held: Vec<u64>,
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
    event: Event,
    /// Times that nodes have asked for: those of one instant and node in the order in which they were, with their tokens.
    timers: BinaryHeap<Reverse<(Nanos, NodeId, u64, u64)>>,
    /// How many have been asked for.
    asked: u64,
    journal: Vec<Entry>,
    /// What the events have sent since it was last emptied.
    pub(super) outgoing: Vec<Flight>,
}

impl<'a> Shard<'a> {
    /// The given nodes, none of which has anything yet.
    pub(super) fn new(setup: &'a Setup<'a>, nodes: Range<u32>) -> Shard<'a> {
        let (size, orders) = (nodes.len(), setup.workload.orders() as usize);
        let max_degree = setup.topology.max_degree();
        Shard {
            setup,
            lines: Lines::new(setup.network, nodes.clone()),
            scratch: TargetScratch::new(setup.draw.count(max_degree), setup.topology),
            held: vec![0; (size * orders).div_ceil(64)],
            attempts: Attempts::new(size, orders),
            sequences: vec![0; size],
            receipts: vec![Receipt::NONE; size * orders],
            traffic: vec![Traffic::default(); size],
            by_order: vec![OrderTraffic::default(); orders],
            record: WorkerRecord { nodes: size as u32, ..WorkerRecord::default() },
            model_lost: 0,
            model_dropped: 0,
            model_duplicated: 0,
            event: Event { me: NodeId(nodes.start), sender: NodeId(nodes.start), hop: 0, now: Nanos::ZERO },
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
        self.event = Event { me: origin, sender: origin, hop: 0, now: due };
        protocol.publish(self, order, self.setup.ttl);
    }

    /// Does what is due at a flight's time.
    #[inline]
    pub(super) fn handle<P: Protocol>(&mut self, protocol: &mut P, flight: &Flight) {
        match flight.stage {
            Stage::Arrives if self.lines.hold_arrivals() => self.arrive(flight),
            Stage::Arrives | Stage::TakenIn => self.take_in(protocol, flight),
            Stage::Held => self.send_held(flight),
        }
    }

    /// Brings a message through the line into its node, and through what came before it.
    fn arrive(&mut self, flight: &Flight) {
        let Message { to, from, hop, order, .. } = flight.message;
        self.event = Event { me: to, sender: from, hop, now: flight.time };
        if !self.setup.faults.is_up(to, flight.time) {
            return self.note(order, What::Missed(flight.sent_at));
        }
        match self.lines.receive(from, to, flight.time, self.bytes_of(flight.message.kind, order)) {
            Some(time) => self.outgoing.push(Flight { time, stage: Stage::TakenIn, ..*flight }),
            None => self.note(order, What::Dropped(flight.sent_at)),
        }
    }

    /// Sends on what was held back, if the node is up.
    fn send_held(&mut self, flight: &Flight) {
        let Message { to: me, ttl, hop, order, kind, .. } = flight.message;
        if self.setup.faults.is_up(me, flight.time) {
            self.event = Event { me, sender: me, hop, now: flight.time };
            // Whom the order came from.
            self.event.sender = self.receipts[self.place(order)].sender;
            self.send_on(kind, Onward { order, ttl, hop });
        }
    }

    /// Hands a message to its node.
    fn take_in<P: Protocol>(&mut self, protocol: &mut P, flight: &Flight) {
        let Message { to, from, hop, order, .. } = flight.message;
        self.event = Event { me: to, sender: from, hop, now: flight.time };
        if !self.setup.faults.is_up(to, flight.time) {
            self.note(order, What::Missed(flight.sent_at));
            return;
        }
        self.note(order, What::Received(flight.message.kind, flight.sent_at));
        protocol.handle_message(self, &flight.message);
    }

    /// When the next time comes that a node has asked for.
    pub(super) fn next_timeout(&self) -> Option<Nanos> {
        self.timers.peek().map(|Reverse((time, ..))| *time)
    }

    /// Tells the next of these, if it comes by then. Gives when it was, if anything came of it.
    pub(super) fn ring<P: Protocol>(&mut self, protocol: &mut P, by: Nanos) -> Option<Rung> {
        if self.next_timeout()? > by {
            return None;
        }
        let Reverse((now, me, _, token)) = self.timers.pop()?;
        self.event = Event { me, sender: me, hop: 0, now };
        let before = self.journal.len();
        protocol.handle_timeout(self, token);
        Some(Rung { at: now, is_event: self.journal.len() > before })
    }

    /// Asks for what a message that is soon to be handled will touch.
    pub(super) fn prefetch(&self, flight: &Flight) {
        self.setup.topology.prefetch_row(flight.message.to);
    }

    /// The first receipts in the journal, as orders and times.
    pub(super) fn fresh(&self) -> impl Iterator<Item = (OrderIndex, Nanos)> + '_ {
        let delivered = self.journal.iter().filter(|entry| matches!(entry.what, What::Delivered));
        delivered.map(|entry| (entry.order, entry.time))
    }

    /// Messages taken in, as far as they have been counted.
    pub(super) fn received(&self) -> u64 {
        self.record.received
    }

    /// Counts what the journal holds up to `limit`, and drops the rest. Gives how many messages it drops that had been sent
    /// by then: those are still under way at that instant.
    pub(super) fn book(&mut self, limit: Nanos) -> u64 {
        let mut under_way = 0;
        for Entry { time, local, order, what } in std::mem::take(&mut self.journal) {
            let counts = time <= limit;
            let payload_bytes = u64::from(self.setup.message_bytes[order.index()]);
            let bytes = |kind: Kind| if kind.is_control() { CONTROL_BYTES as u64 } else { payload_bytes };
            let traffic = &mut self.traffic[local as usize];
            match what {
                What::Received(_, sent_at) | What::Missed(sent_at) | What::Dropped(sent_at) if !counts => {
                    under_way += u64::from(sent_at <= limit);
                }
                What::Received(kind, _) => {
                    self.record.received += 1;
                    traffic.bytes_in += bytes(kind);
                    if kind.is_control() {
                        self.record.control_received += 1;
                    } else {
                        self.by_order[order.index()].received += 1;
                        traffic.copies += 1;
                    }
                }
                What::Missed(_) => self.model_lost += 1,
                What::Dropped(_) => self.model_dropped += 1,
                What::Delivered if !counts => {
                    self.receipts[order.index() * self.nodes.len() + local as usize] = Receipt::NONE;
                }
                What::Delivered => self.record.reached += 1,
                _ if !counts => {}
                What::Duplicate => self.record.duplicates += 1,
                What::Sent(kind, Volley { sent, lost, dropped, doubled, spared }) => {
                    let out = u64::from(sent) * bytes(kind);
                    self.record.sent += u64::from(sent);
                    self.model_lost += u64::from(lost);
                    self.model_dropped += u64::from(dropped);
                    self.model_duplicated += u64::from(doubled);
                    traffic.bytes_out += out;
                    if kind.is_control() {
                        self.record.control_sent += u64::from(sent);
                        self.record.control_bytes += out;
                    } else {
                        self.by_order[order.index()].sent += u64::from(sent);
                        self.record.spared += u64::from(spared);
                        traffic.sent += sent;
                    }
                }
            }
        }
        under_way
    }

    /// Hands over everything counted; `under_way` messages never arrived.
    pub(super) fn close(mut self, under_way: u64) -> Home {
        self.record.carrier.drained = under_way;
        let Shard { record, model_lost, model_dropped, model_duplicated, receipts, traffic, by_order, .. } = self;
        Home { record, model_lost, model_dropped, model_duplicated, receipts, traffic, by_order }
    }

    fn note(&mut self, order: OrderIndex, what: What) {
        let Event { me, now, .. } = self.event;
        self.journal.push(Entry { time: now, local: me.0 - self.nodes.start, order, what });
    }

    /// The place of the event's node and an order, among all orders and nodes of this shard.
    fn place(&self, order: OrderIndex) -> usize {
        order.index() * self.nodes.len() + (self.event.me.0 - self.nodes.start) as usize
    }

    /// Bytes of a message, as UDP payload.
    fn bytes_of(&self, kind: Kind, order: OrderIndex) -> u32 {
        if kind.is_control() { CONTROL_BYTES as u32 } else { self.setup.message_bytes[order.index()] }
    }

    /// How often the event's node has sent anything about the order before.
    fn attempt(&mut self, order: OrderIndex) -> u32 {
        self.attempts.next(self.event.me.0 - self.nodes.start, order)
    }
}

/// What a node sends about an order, on its way out.
struct Forward<'a> {
    kind: Kind,
    bytes: u32,
    onward: Onward,
    ways: Ways<'a>,
    volley: Volley,
}

impl<'a> Shard<'a> {
    /// Sends a message of this kind to each of the node's targets.
    fn send_on(&mut self, kind: Kind, onward: Onward) {
        let Event { me, sender, .. } = self.event;
        let Setup { topology, draw, exclude_sender, .. } = *self.setup;
        let attempt = self.attempt(onward.order);
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut forward = self.forward(kind, onward);
        for &to in draw.draw(topology, onward.order, me, &mut scratch) {
            // An origin is its own sender, and nobody's target is itself.
            if exclude_sender && to == sender {
                forward.volley.spared += 1;
            } else {
                self.send_copy(&mut forward, to, attempt);
            }
        }
        self.scratch = scratch;
        self.note(onward.order, What::Sent(kind, forward.volley));
    }

    /// Sends a message of this kind to all peers, so many times to each.
    fn flood(&mut self, kind: Kind, onward: Onward, times: u32) {
        let first = self.attempt(onward.order) * times;
        let mut forward = self.forward(kind, onward);
        for attempt in first..first + times {
            for to in self.setup.topology.peers(self.event.me) {
                self.send_copy(&mut forward, to, attempt);
            }
        }
        self.note(onward.order, What::Sent(kind, forward.volley));
    }

    fn forward(&self, kind: Kind, onward: Onward) -> Forward<'a> {
        let ways = self.setup.network.ways(onward.order, self.event.me).at(self.event.now);
        Forward { kind, bytes: self.bytes_of(kind, onward.order), onward, ways, volley: Volley::default() }
    }

    /// Sends one copy: through the line out of its node, and on its way.
    #[inline]
    fn send_copy(&mut self, forward: &mut Forward<'_>, to: NodeId, attempt: u32) {
        let Event { me, now, .. } = self.event;
        let Setup { faults, behaviours, .. } = *self.setup;
        let &mut Forward { kind, bytes, onward, ways, ref mut volley } = forward;
        if behaviours.withholds(me, to) {
            return;
        }
        volley.sent += 1;
        let sequence = self.next_sequence();
        let Some(left) = self.lines.send(me, now, bytes) else {
            volley.dropped += 1;
            return;
        };
        let flight = |latency| Flight {
            time: left + latency,
            sent_at: now,
            message: onward.message(kind, me, to),
            sequence,
            stage: Stage::Arrives,
        };
        match if faults.is_cut(me, to, now) { Fate::Lost } else { ways.fate(to, attempt) } {
            Fate::Lost => volley.lost += 1,
            Fate::Arrives(latency) => {
                self.outgoing.push(flight(latency));
                // The double has the number of its original: where both come at once, either may be first.
                if let Some(latency) = ways.duplicate(to, attempt) {
                    self.outgoing.push(flight(latency));
                    volley.doubled += 1;
                }
            }
        }
    }

    /// Sends to all targets, as the node's own behaviour has it.
    fn act(&mut self, kind: Kind, onward: Onward) {
        let Event { me, now, .. } = self.event;
        let origin = self.setup.workload.publications()[onward.order.index()].origin;
        match self.setup.behaviours.forward(me, onward.order, origin) {
            Act::AsUsual => self.send_on(kind, onward),
            Act::Drop => {}
            Act::Delay(by) => {
                // It takes a number like a message, which tells it from others of its time.
                let sequence = self.next_sequence();
                let (time, message) = (now + by, onward.message(kind, me, me));
                self.outgoing.push(Flight { time, sent_at: now, message, sequence, stage: Stage::Held });
            }
            Act::Flood(times) => self.flood(kind, onward, times),
        }
    }

    /// The number of the next message of the event's node.
    #[inline]
    fn next_sequence(&mut self) -> u32 {
        let sequence = &mut self.sequences[(self.event.me.0 - self.nodes.start) as usize];
        let number = *sequence;
        *sequence = number.wrapping_add(1);
        number
    }
}

impl Context for Shard<'_> {
    fn me(&self) -> NodeId {
        self.event.me
    }

    fn deliver(&mut self, order: OrderIndex) -> bool {
        let place = self.place(order);
        let first = mark(&mut self.held, place);
        if first {
            let Event { sender, hop, now: time, .. } = self.event;
            self.receipts[place] = Receipt { time, sender, hop };
        }
        self.note(order, if first { What::Delivered } else { What::Duplicate });
        first
    }

    fn fan_out(&mut self, onward: Onward) {
        self.act(Kind::Payload, onward);
    }

    fn announce(&mut self, kind: Kind, onward: Onward) {
        self.act(kind, onward);
    }

    fn send(&mut self, to: NodeId, kind: Kind, onward: Onward) {
        let attempt = self.attempt(onward.order);
        let mut forward = self.forward(kind, onward);
        self.send_copy(&mut forward, to, attempt);
        self.note(onward.order, What::Sent(kind, forward.volley));
    }

    fn knows(&self, order: OrderIndex) -> bool {
        let place = self.place(order);
        self.held[place / 64] >> (place % 64) & 1 == 1
    }

    /// In virtual time nothing is forgotten.
    fn holds(&self, order: OrderIndex) -> bool {
        self.knows(order)
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
