//! The nodes that one worker owns: the orders that they hold, their counts, and the messages that wait to leave. An
//! event of a node is a [`RealtimeContext`].
//!
//! Everything is allocated and touched before the start.

mod closing;
mod context;
mod logging;

use super::RunPlan;
use super::message_log::MessageLog;
use super::network_emulator::EmulatedCounts;
use super::outbox::Outbox;
use super::recorder::Recorder;
use super::traffic::TrafficCounters;
use crate::coverage::Marker;
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Message, MessageBatch};
use crate::order::Order;
use crate::protocol::{Event, Protocol, ShardView};
use crate::record::{WorkerRecord, add_tally};
use crate::time::{Nanos, TimerHeap};
use crate::trace::TraceSpool;
use crate::transport::{Arrival, Transport};
use crate::wire::{self, OrderParts};
use crate::workload::Publication;
use std::ops::Range;
use std::sync::Arc;

/// Nodes whose receipts and counts take half of a second-level cache of 1 MiB.
const CACHED_NODES: usize = 20_000;

/// Orders of a bulk for whose forwards there is room from the start. If more wait simultaneously, the queue grows
/// anyway.
const ROOM_ORDERS: usize = 4;

/// Messages between the prefetch of a message's memory and its handling.
const HANDLE_AHEAD: usize = 16;

/// One worker's nodes.
pub(super) struct RealtimeShard<'a, C: Recorder> {
    nodes: Range<u32>,
    pub(super) view: ShardView<'a>,
    orders: Vec<Arc<Order>>,
    /// Bytes of a message, by order; all 0 if the carrier encodes nothing.
    message_bytes: Vec<u32>,
    /// Bytes of a message with a part of an order; 0 likewise.
    part_bytes: u32,
    encodes: bool,
    /// The parts of the orders, if they travel in parts.
    parts: Option<&'a OrderParts>,
    /// Messages that are best offered to the carrier at a time.
    batch: usize,
    marker: Marker<'a, C::Keep>,
    recorder: C,
    tally: TrafficCounters,
    outbox: Outbox<'a>,
    /// Times that nodes have asked for. Real time decides nothing, so they may fire in the sequence of their requests.
    timers: TimerHeap<false>,
    /// True before the first order, that is, before time 0.
    pub(super) is_warm_up: bool,
    /// The messages of a traced run.
    log: Option<MessageLog>,
    pub(super) record: WorkerRecord,
}

/// One event of one node: the protocol's [`Context`](crate::protocol::Context).
pub(super) struct RealtimeContext<'s, 'a, C: Recorder> {
    shard: &'s mut RealtimeShard<'a, C>,
    event: Event,
}

impl<'a, C: Recorder> RealtimeShard<'a, C> {
    /// Creates the shard of the given nodes, none of which has an order.
    pub(super) fn new(
        nodes: Range<u32>,
        plan: &'a RunPlan<'a>,
        carrier: &dyn Transport,
        marker: Marker<'a, C::Keep>,
    ) -> Self {
        let (size, batch) = (nodes.len(), carrier.send_batch());
        let orders = (0..plan.orders.len() as u32).map(OrderIndex);
        let message_bytes: Vec<u32> = orders.map(|order| carrier.message_bytes(order)).collect();
        let encodes = message_bytes.iter().any(|&bytes| bytes > 0);
        let part_bytes = plan.parts.filter(|_| encodes).map_or(0, |parts| wire::part_bytes(parts.body_bytes()));
        RealtimeShard {
            view: ShardView::new(nodes.clone(), plan.workload.orders(), plan.knowledge),
            orders: plan.orders.to_vec(),
            batch,
            marker,
            recorder: C::new(size, plan),
            tally: TrafficCounters::new(size, &message_bytes, part_bytes),
            message_bytes,
            part_bytes,
            encodes,
            parts: plan.parts,
            // A node forwards an order once, so with one order this never grows.
            outbox: Outbox::new(plan, size * plan.orders.len().min(ROOM_ORDERS), batch),
            timers: TimerHeap::default(),
            is_warm_up: false,
            log: plan.trace.map(TraceSpool::writer).map(MessageLog::new),
            record: WorkerRecord { nodes: size as u32, ..WorkerRecord::default() },
            nodes,
        }
    }

    /// Creates the context in which a node starts.
    pub(super) fn beginning(&mut self, node: u32, now: Nanos) -> RealtimeContext<'_, 'a, C> {
        self.event(Event::own(NodeId(node), now))
    }

    /// Sets the clock time at which the schedule begins, before any order is handled.
    pub(super) fn start_schedule(&mut self, base: Nanos) {
        self.is_warm_up = false;
        self.recorder.start_schedule(base);
    }

    /// Creates the context of an event.
    #[inline]
    fn event(&mut self, event: Event) -> RealtimeContext<'_, 'a, C> {
        RealtimeContext { shard: self, event }
    }

    /// Counts the publication of an order, and creates its context.
    pub(super) fn publication(
        &mut self,
        &Publication { origin, .. }: &Publication,
        now: Nanos,
    ) -> RealtimeContext<'_, 'a, C> {
        self.record.published += 1;
        self.event(Event::own(origin, now))
    }

    /// Counts a received message, and creates its context.
    #[inline]
    pub(super) fn receipt<P: Protocol>(&mut self, arrival: &Arrival, now: Nanos) -> RealtimeContext<'_, 'a, C> {
        let Message { to, order, kind, .. } = arrival.message;
        self.record.received += 1;
        let local = local(&self.nodes, to);
        if P::HAS_CONTROL && kind.is_control() {
            self.record.control_received += 1;
            self.record.upkeep.received += u64::from(P::HAS_UPKEEP && kind.is_upkeep());
            self.record.parts.received += u64::from(P::HAS_PARTS && kind.is_part());
            // The bytes of the warm-up are counted apart.
            if !(P::HAS_UPKEEP && self.is_warm_up) {
                self.tally.control_received(local, arrival.bytes);
            }
        } else {
            self.tally.received(local, 1, arrival.bytes);
            self.recorder.received(order, 1);
        }
        self.event(Event::receipt(&arrival.message, now))
    }

    /// Creates the context of the next timer that is due, with its token.
    #[inline]
    pub(super) fn due_timer(&mut self, now: Nanos) -> Option<(RealtimeContext<'_, 'a, C>, u64)> {
        let (_, me, token) = self.timers.take_due(now)?;
        Some((self.event(Event::own(me, now)), token))
    }

    /// Returns the time at which the next timer is due.
    pub(super) fn next_timeout(&self) -> Option<Nanos> {
        self.timers.next_due()
    }

    /// Returns the bytes of waiting messages and timers, beyond those for which there was room from the start.
    pub(super) fn waiting_bytes(&self) -> u64 {
        let room = self.nodes.len() * self.orders.len().min(ROOM_ORDERS);
        self.outbox.waiting_bytes(room) + self.timers.bytes()
    }

    /// Returns true if messages arrive as bytes, so that they may be strays.
    #[inline]
    pub(super) fn is_encoded(&self) -> bool {
        self.encodes
    }

    /// Prefetches the memory that the first of these messages will touch; returns the others, each to be prefetched
    /// while an earlier one is handled. If all memory fits a cache, prefetches nothing and returns none.
    #[inline]
    pub(super) fn look_ahead<'b>(&self, arrivals: &'b [Arrival]) -> &'b [Arrival] {
        if self.nodes.len() <= CACHED_NODES {
            return &[];
        }
        let (first, others) = arrivals.split_at(arrivals.len().min(HANDLE_AHEAD));
        first.iter().for_each(|arrival| self.prefetch(&arrival.message));
        others
    }

    /// Prefetches the memory that handling a message will touch.
    #[inline]
    pub(super) fn prefetch(&self, message: &Message) {
        let local = local(&self.nodes, message.to);
        self.tally.prefetch_received(local);
        // A duplicate touches no receipt.
        if !self.marker.knows(local as u32, message.order) {
            self.recorder.prefetch(message);
        }
    }

    /// Returns true if a node may forget an order that it had.
    pub(super) fn forgets(&self) -> bool {
        self.marker.forgets()
    }

    /// Counts the messages with an order that their node has, for a protocol that ignores them, and writes the places
    /// of all other messages to the front of `others`, which is as long as `arrivals` or longer; returns their number.
    pub(super) fn set_repeats_aside(&mut self, arrivals: &[Arrival], others: &mut [u16]) -> usize {
        let RealtimeShard { nodes, marker, recorder, tally, record, .. } = self;
        let ahead = if nodes.len() > CACHED_NODES { HANDLE_AHEAD } else { arrivals.len() };
        let mut soon = arrivals.iter().skip(ahead);
        let mut listed = 0;
        for (place, Arrival { message, bytes, .. }) in arrivals.iter().enumerate() {
            if let Some(Arrival { message, .. }) = soon.next() {
                let local = local(nodes, message.to);
                tally.prefetch_received(local);
                marker.prefetch(local as u32, message.order);
            }
            let local = local(nodes, message.to);
            let is_repeat = !message.kind.is_control() & marker.knows(local as u32, message.order);
            // Without a branch: a repeat leaves its place to the next message, and another counts nothing yet.
            others[listed] = place as u16;
            listed += usize::from(!is_repeat);
            tally.received(local, u32::from(is_repeat), *bytes);
            recorder.received(message.order, u32::from(is_repeat));
        }
        record.received += (arrivals.len() - listed) as u64;
        record.duplicates += (arrivals.len() - listed) as u64;
        listed
    }

    /// Returns true if an encoded message carries an order that is new to its receiver: only such an order is decoded,
    /// so that a duplicate costs no more than its header.
    #[inline]
    pub(super) fn must_decode(&self, message: &Message) -> bool {
        !self.marker.knows(local(&self.nodes, message.to) as u32, message.order)
    }

    /// Returns true if these bytes are the order that the message claims to carry.
    pub(super) fn is_sound(&self, message: &Message, body: &[u8]) -> bool {
        wire::decode_order_unbounded(body).is_ok_and(|order| order == self.orders[message.order.index()].view())
    }

    /// Returns true if these bytes, which follow a header, are the part of an order that the message claims to carry.
    pub(super) fn is_sound_part(&self, message: &Message, tail: &[u64], body: &[u8]) -> bool {
        let bytes = body.get(wire::WORD_BYTES..).unwrap_or_default();
        self.parts.is_some_and(|parts| !bytes.is_empty() && parts.body_of(message.order, tail) == bytes)
    }

    /// Adds the marks since the last call, all made at `now`, to the coverage; returns true if with them every order
    /// has reached its target.
    #[inline]
    pub(super) fn publish_marks(&mut self, now: Nanos) -> bool {
        let RealtimeShard { marker, recorder, .. } = self;
        marker.publish(|order, time| recorder.crossed(order, time, now))
    }

    /// Returns true if a message about an order waits to leave.
    pub(super) fn has_order_messages(&self) -> bool {
        self.outbox.has_order_messages()
    }

    /// Returns true if any message waits to leave.
    #[inline]
    pub(super) fn has_work(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Returns the next messages to leave, a batch of whole forwards; empty if none waits.
    #[inline]
    pub(super) fn offer(&mut self) -> MessageBatch<'_> {
        let (offer, spared) = self.outbox.offer(self.batch);
        self.record.spared += spared;
        offer
    }

    /// Returns the messages of the next forward alone; empty if none waits.
    pub(super) fn next_forward(&mut self) -> MessageBatch<'_> {
        let (forward, spared) = self.outbox.offer(1);
        self.record.spared += spared;
        forward
    }

    /// Notes the effects of the modelled network on messages of an order that were sent.
    pub(super) fn passed(&mut self, order: OrderIndex, passed: EmulatedCounts) {
        self.recorder.passed(order, passed);
    }

    /// Counts the first `taken` messages of the offer as sent.
    #[inline]
    pub(super) fn sent<P: Protocol>(&mut self, taken: usize) {
        // The copies of one forward are adjacent, and are counted with one addition.
        let alike =
            |a: &Message, b: &Message| (a.from, a.order) == (b.from, b.order) && (!P::HAS_CONTROL || a.kind == b.kind);
        for run in self.outbox.take(taken).chunk_by(alike) {
            let Message { from, order, kind, .. } = run[0];
            if P::HAS_CONTROL && kind.is_control() {
                let is_warm_up = P::HAS_UPKEEP && self.is_warm_up;
                let bytes = self.tally.control_sent(local(&self.nodes, from), run, is_warm_up);
                self.record.control_sent += run.len() as u64;
                self.record.control_bytes += bytes;
                if !is_warm_up {
                    add_tally(&mut self.record.sent_by_kind, kind.0, run.len() as u64);
                }
                if P::HAS_UPKEEP && kind.is_upkeep() {
                    self.record.upkeep.send(is_warm_up, run.len() as u64, bytes);
                } else if P::HAS_PARTS && kind.is_part() {
                    self.record.parts.send(run.len() as u64, bytes);
                }
                continue;
            }
            self.tally.sent(local(&self.nodes, from), run.len() as u32, self.message_bytes[order.index()]);
            self.recorder.sent(order, run.len());
        }
        self.record.sent += taken as u64;
    }
}

/// Returns the index of a node among `nodes`.
#[inline]
fn local(nodes: &Range<u32>, node: NodeId) -> usize {
    (node.0 - nodes.start) as usize
}
