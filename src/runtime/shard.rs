//! The nodes that one worker owns: what they hold, what they counted, and the messages that wait to leave.
//!
//! To a protocol this is its [`Context`]. Nodes wait here, not messages: a forward is sixteen bytes until its turn
//! comes, and only then are its targets drawn. Everything is allocated before the start.

use crate::coverage::Marker;
use crate::gossip::{Context, TargetDraw, TargetScratch};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Message, Onward};
use crate::order::Order;
use crate::stats::{Receipt, Traffic, WorkerRecord};
use crate::time::Nanos;
use crate::topology::Topology;
use crate::transport::Arrival;
use crate::wire;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// One worker's nodes.
pub(super) struct Shard<'a> {
    nodes: Range<u32>,
    topology: &'a Topology,
    draw: TargetDraw,
    exclude_sender: bool,
    orders: Vec<Arc<Order>>,
    marker: Marker<'a>,
    scratch: TargetScratch,
    receipts: Vec<Receipt>,
    traffic: Vec<Traffic>,
    waiting: VecDeque<Forward>,
    offer: Vec<Message>,
    offered: usize,
    event: Event,
    pub(super) record: WorkerRecord,
}

/// A node's forward of an order that waits for its turn.
#[derive(Clone, Copy, Debug)]
struct Forward {
    from: NodeId,
    onward: Onward,
}

/// What is being handled.
#[derive(Clone, Copy, Debug)]
struct Event {
    me: NodeId,
    receipt: Receipt,
}

impl<'a> Shard<'a> {
    /// The given nodes, none of which has anything yet.
    pub(super) fn new(
        nodes: Range<u32>,
        topology: &'a Topology,
        draw: TargetDraw,
        exclude_sender: bool,
        orders: &[Arc<Order>],
        marker: Marker<'a>,
    ) -> Shard<'a> {
        let size = nodes.len();
        let max_degree = topology.max_degree();
        Shard {
            topology,
            draw,
            exclude_sender,
            orders: orders.to_vec(),
            marker,
            scratch: TargetScratch::new(draw.count(max_degree), max_degree),
            receipts: vec![Receipt::NONE; size],
            traffic: vec![Traffic::default(); size],
            // A node forwards an order once, so that this never grows.
            waiting: VecDeque::with_capacity(size * orders.len()),
            offer: Vec::with_capacity(draw.count(max_degree) as usize),
            offered: 0,
            event: Event { me: NodeId(nodes.start), receipt: Receipt::NONE },
            record: WorkerRecord { nodes: size as u32, ..WorkerRecord::default() },
            nodes,
        }
    }

    /// Turns to the publication of an order at `origin`.
    pub(super) fn open_publication(&mut self, origin: NodeId, now: Nanos) {
        self.event = Event { me: origin, receipt: Receipt { time: now, sender: origin, hop: 0 } };
    }

    /// Turns to a message that has come, and counts it.
    #[inline]
    pub(super) fn open(&mut self, arrival: &Arrival, now: Nanos) {
        let Message { to, from, hop, .. } = arrival.message;
        self.event = Event { me: to, receipt: Receipt { time: now, sender: from, hop } };
        let local = self.local(to);
        let traffic = &mut self.traffic[local];
        traffic.copies += 1;
        traffic.bytes_in += u64::from(arrival.bytes);
        self.record.received += 1;
    }

    /// Whether the receiver of a message has its order already.
    #[inline]
    pub(super) fn has(&self, message: &Message) -> bool {
        self.marker.is_marked(self.local(message.to) as u32)
    }

    /// Whether these bytes are the order that the message says it carries.
    pub(super) fn is_sound(&self, message: &Message, body: &[u8]) -> bool {
        wire::decode_order(body).is_ok_and(|order| order == self.orders[message.order.index()].view())
    }

    /// Adds the marks since the last call to the coverage; true if they reach the target.
    #[inline]
    pub(super) fn publish_marks(&mut self) -> bool {
        self.marker.publish()
    }

    /// Whether any message waits to leave.
    #[inline]
    pub(super) fn has_work(&self) -> bool {
        self.offered < self.offer.len() || !self.waiting.is_empty()
    }

    /// The next messages to leave, all of one forward; empty where none waits.
    #[inline]
    pub(super) fn offer(&mut self) -> &[Message] {
        while self.offered == self.offer.len() && self.expand_next() {}
        &self.offer[self.offered..]
    }

    /// Counts the first `taken` messages of the offer as sent, `bytes` bytes each.
    #[inline]
    pub(super) fn sent(&mut self, taken: usize, bytes: u32) {
        for offered in self.offered..self.offered + taken {
            let local = self.local(self.offer[offered].from);
            let traffic = &mut self.traffic[local];
            traffic.sent += 1;
            traffic.bytes_out += u64::from(bytes);
        }
        self.offered += taken;
        self.record.sent += taken as u64;
    }

    /// Counts a message that was taken and has not left as queued and unsent.
    pub(super) fn take_back(&mut self, message: &Message, bytes: u32) {
        let local = self.local(message.from);
        let traffic = &mut self.traffic[local];
        traffic.sent -= 1;
        traffic.bytes_out -= u64::from(bytes);
        self.record.sent -= 1;
        self.record.queued_unsent += 1;
    }

    /// Counts what still waits as queued and unsent, and hands over everything counted.
    pub(super) fn close(mut self) -> (WorkerRecord, Vec<Receipt>, Vec<Traffic>) {
        loop {
            let left = self.offer().len();
            if left == 0 {
                return (self.record, self.receipts, self.traffic);
            }
            self.record.queued_unsent += left as u64;
            self.offered += left;
        }
    }

    /// Draws the targets of the next waiting forward; false if none waits.
    fn expand_next(&mut self) -> bool {
        let Some(Forward { from, onward }) = self.waiting.pop_front() else { return false };
        let came_from = self.exclude_sender.then(|| self.receipts[self.local(from)].sender);
        self.offer.clear();
        self.offered = 0;
        let (offer, spared) = (&mut self.offer, &mut self.record.spared);
        self.draw.draw(self.topology, onward.order, from, &mut self.scratch, |to| {
            if came_from == Some(to) {
                *spared += 1;
            } else {
                offer.push(onward.copy(from, to));
            }
        });
        true
    }

    #[inline]
    fn local(&self, node: NodeId) -> usize {
        (node.0 - self.nodes.start) as usize
    }
}

impl Context for Shard<'_> {
    #[inline]
    fn me(&self) -> NodeId {
        self.event.me
    }

    #[inline]
    fn deliver(&mut self, _: OrderIndex) -> bool {
        let local = self.local(self.event.me);
        if !self.marker.mark(local as u32) {
            self.record.duplicates += 1;
            return false;
        }
        self.receipts[local] = self.event.receipt;
        self.record.reached += 1;
        true
    }

    #[inline]
    fn fan_out(&mut self, onward: Onward) {
        self.waiting.push_back(Forward { from: self.event.me, onward });
    }
}
