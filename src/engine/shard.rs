//! The nodes that one worker owns in virtual time. To a protocol this is its [`Context`].
//!
//! What happens in a window stands in a journal first, and is counted when the window is booked: by then it is known up
//! to which instant events count. Nothing has to be taken back.

use super::home::Home;
use super::{OrderTraffic, Setup};
use crate::gossip::{Context, Protocol, TargetScratch};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, Onward};
use crate::network::Fate;
use crate::stats::{Receipt, Traffic, WorkerRecord};
use crate::time::Nanos;
use crate::wire::CONTROL_BYTES;
use crate::workload::Publication;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Range;

/// A message under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flight {
    /// When it arrives.
    pub(super) time: Nanos,
    /// When it was sent.
    pub(super) sent_at: Nanos,
    /// What arrives.
    pub(super) message: Message,
    /// How many messages its sender had sent before.
    pub(super) sequence: u32,
}

impl Flight {
    /// The order in which a node takes messages in.
    pub(super) fn rank(&self) -> (Nanos, NodeId, u32) {
        (self.time, self.message.from, self.sequence)
    }
}

/// A time that was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rung {
    pub(super) at: Nanos,
    /// Whether anything came of it. What nobody needs any more is no event.
    pub(super) is_event: bool,
}

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

/// One worker's nodes.
pub(super) struct Shard<'a> {
    setup: &'a Setup<'a>,
    nodes: Range<u32>,
    scratch: TargetScratch,
    /// Who has which order: a bit per order and node.
    held: Vec<u64>,
    /// Who has sent anything about which order, and how often where it was more than once.
    forwarded: Vec<u64>,
    repeats: BTreeMap<u64, u32>,
    /// Messages that each node has sent.
    sequences: Vec<u32>,
    receipts: Vec<Receipt>,
    traffic: Vec<Traffic>,
    by_order: Vec<OrderTraffic>,
    record: WorkerRecord,
    model_lost: u64,
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
            scratch: TargetScratch::new(setup.draw.count(max_degree), setup.topology),
            held: vec![0; (size * orders).div_ceil(64)],
            forwarded: vec![0; (size * orders).div_ceil(64)],
            repeats: BTreeMap::new(),
            sequences: vec![0; size],
            receipts: vec![Receipt::NONE; size * orders],
            traffic: vec![Traffic::default(); size],
            by_order: vec![OrderTraffic::default(); orders],
            record: WorkerRecord { nodes: size as u32, ..WorkerRecord::default() },
            model_lost: 0,
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

    /// Hands a message to its node.
    pub(super) fn handle<P: Protocol>(&mut self, protocol: &mut P, flight: &Flight) {
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
                What::Received(_, sent_at) | What::Missed(sent_at) if !counts => {
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
                What::Delivered if !counts => {
                    self.receipts[order.index() * self.nodes.len() + local as usize] = Receipt::NONE;
                }
                What::Delivered => self.record.reached += 1,
                _ if !counts => {}
                What::Duplicate => self.record.duplicates += 1,
                What::Sent(kind, Volley { sent, lost, doubled, spared }) => {
                    let out = u64::from(sent) * bytes(kind);
                    self.record.sent += u64::from(sent);
                    self.model_lost += u64::from(lost);
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
        let Shard { record, model_lost, model_duplicated, receipts, traffic, by_order, .. } = self;
        Home { record, model_lost, model_duplicated, receipts, traffic, by_order }
    }

    fn note(&mut self, order: OrderIndex, what: What) {
        let Event { me, now, .. } = self.event;
        self.journal.push(Entry { time: now, local: me.0 - self.nodes.start, order, what });
    }

    /// The place of the event's node and an order, among all orders and nodes of this shard.
    fn place(&self, order: OrderIndex) -> usize {
        order.index() * self.nodes.len() + (self.event.me.0 - self.nodes.start) as usize
    }

    /// Sends a message of this kind to each of the node's targets.
    fn send_to_targets(&mut self, kind: Kind, onward: Onward) {
        let Setup { topology, draw, exclude_sender, .. } = *self.setup;
        let Event { me, sender, .. } = self.event;
        let mut scratch = std::mem::take(&mut self.scratch);
        let targets = draw.draw(topology, onward.order, me, &mut scratch);
        // An origin is its own sender, and nobody's target is itself.
        let others = targets.iter().copied().filter(|&to| !exclude_sender || to != sender);
        self.send_to(others, targets.len(), kind, onward);
        self.scratch = scratch;
    }

    /// Sends a message of this kind to each of these nodes, out of so many that it might have been.
    fn send_to(&mut self, all: impl Iterator<Item = NodeId>, of: usize, kind: Kind, onward: Onward) {
        let attempt = self.attempt(onward.order);
        let Event { me, now, .. } = self.event;
        let Setup { network, faults, .. } = *self.setup;
        let ways = network.ways(onward.order, me).at(now);
        let sequence = &mut self.sequences[(me.0 - self.nodes.start) as usize];
        let mut volley = Volley::default();
        for to in all {
            volley.sent += 1;
            let flight = |latency| Flight {
                time: now + latency,
                sent_at: now,
                message: onward.message(kind, me, to),
                sequence: *sequence,
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
            *sequence = sequence.wrapping_add(1);
        }
        volley.spared = of as u32 - volley.sent;
        self.note(onward.order, What::Sent(kind, volley));
    }

    /// How often the event's node has sent anything about the order before.
    fn attempt(&mut self, order: OrderIndex) -> u32 {
        let place = self.place(order);
        if mark(&mut self.forwarded, place) {
            return 0;
        }
        let repeats = self.repeats.entry(place as u64).or_default();
        *repeats += 1;
        *repeats
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
        self.send_to_targets(Kind::Payload, onward);
    }

    fn announce(&mut self, kind: Kind, onward: Onward) {
        self.send_to_targets(kind, onward);
    }

    fn send(&mut self, to: NodeId, kind: Kind, onward: Onward) {
        self.send_to(std::iter::once(to), 1, kind, onward);
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
