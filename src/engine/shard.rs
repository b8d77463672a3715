//! The nodes that one worker owns in virtual time. To a protocol this is its [`Context`](crate::protocol::Context).
//!
//! An event is counted when it is handled, except in a window in which the run may end: there it goes to a journal, and
//! is counted when the window is booked. By then it is known up to which instant events count, and nothing has to be
//! taken back. Sending is in `sending`, the draws of many forwards together in `batched_forwards`, counting in
//! `booking`.

mod batched_forwards;
mod booking;
mod context;
mod detecting;
mod sending;
mod tracing;

use batched_forwards::{BatchedForwards, sends_plainly};
use context::VirtualContext;
use sending::NamedForward;
use tracing::ShardTrace;

use super::access_links::AccessLinks;
use super::fair_uplinks::FairUplinks;
use super::journal::{JournalEntry, JournalEvent};
use super::moving_target::NodeReceipt;
use super::new_receipts::NewReceiptCounts;
use super::node_traffic::NodeTraffic;
use super::pending_event::{EventSink, EventStage, PendingEvent};
use super::uplink_queue::UplinkQueue;
use super::{EngineSetup, FirstEncounters, OrderTraffic};
use crate::coverage::Horizon;
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop, Tail};
use crate::network::{Attempts, LinkOrder};
use crate::protocol::{AnnouncementBatch, Event, ProtocolState, ShardView, TargetDraw, TargetScratch};
use crate::record::{Receipt, WorkerRecord};
use crate::simd::prefetch;
use crate::sys::touched;
use crate::time::Nanos;
use crate::trace::{MessageFate, TraceSpool};
use crate::wire::control_bytes;
use crate::workload::Publication;
use std::collections::BTreeMap;
use std::ops::Range;

/// The nodes of one worker, and their state.
pub(super) struct VirtualShard<'a, S: EventSink> {
    setup: &'a EngineSetup<'a>,
    pub(super) view: ShardView<'a>,
    nodes: Range<u32>,
    /// The number of its nodes.
    size: usize,
    /// True if every node is up all the time.
    all_up: bool,
    /// True if a message with an order only counts for its node, and its bytes follow: there is no downlink, no
    /// warm-up, and one size of orders.
    counts_plainly: bool,
    scratch: TargetScratch,
    /// All peers of a node, in the order in which a flood goes to them.
    everyone: TargetDraw,
    announcement_batch: AnnouncementBatch,
    access_links: AccessLinks<'a>,
    /// Messages that wait for the uplinks of the nodes, or are on them.
    departures: UplinkQueue,
    /// Messages that share the uplinks of the nodes with others.
    fair_uplinks: FairUplinks<S::Tail>,
    /// A bit per order and node: the node has the order, or it came too late for the node.
    held: Vec<u64>,
    /// The position of each node's window.
    horizon: Horizon,
    attempts: Attempts,
    /// The order of messages on links; `None` if they may overtake each other.
    link_order: Option<LinkOrder<'a>>,
    /// Messages about no order that each node has sent; empty until any has.
    upkeep_attempts: Vec<u32>,
    /// Recipients and tail of held-back messages whose recipients the protocol named, by node and sequence.
    held_back: BTreeMap<(NodeId, u32), NamedForward>,
    /// Messages that each node has sent.
    sequences: Vec<u32>,
    receipts: Vec<Receipt>,
    traffic: NodeTraffic,
    by_order: Vec<OrderTraffic>,
    record: WorkerRecord,
    /// Messages under way at the end. May be negative: those that it sent to other shards after the end are subtracted.
    under_way: i64,
    model_lost: u64,
    model_dropped: u64,
    model_duplicated: u64,
    uplink_dropped: u64,
    met: FirstEncounters,
    /// True if the run may end within the events that are being handled.
    pub(super) is_tentative: bool,
    journal: Vec<JournalEntry>,
    /// The number of nodes that have newly received each order, since it was last taken.
    pub(super) new_receipts: NewReceiptCounts,
    /// The number of occurrences so far. An event that leaves it unchanged has led to nothing.
    occurrences: u64,
    /// Forwards that are drawn together; `None` if each must be drawn at once.
    batched: Option<BatchedForwards>,
    /// True if the fate of a message to a node that the protocol names is a draw and nothing else.
    sends_plainly: bool,
    /// The latencies of a forward; empty between events.
    latencies: Vec<Nanos>,
    /// True if the nodes learn of the failures of their peers.
    detects: bool,
    /// The peers of the nodes when the first order was due, at the end of a run in which a membership protocol keeps
    /// them.
    pub(super) settled_peers: Vec<NodeId>,
    /// The rows of a traced run.
    trace: Option<ShardTrace>,
    /// Takes the events that follow.
    pub(super) sink: S,
}

impl<'a, S: EventSink> VirtualShard<'a, S> {
    /// Creates the shard of the given nodes, none of which has an order.
    pub(super) fn new(setup: &'a EngineSetup<'a>, nodes: Range<u32>, sink: S) -> VirtualShard<'a, S> {
        let (size, orders) = (nodes.len(), setup.workload.orders() as usize);
        let (max_degree, traffic) = (setup.topology.max_degree(), NodeTraffic::new(setup, size));
        VirtualShard {
            setup,
            view: ShardView::new(nodes.clone(), setup.workload.orders(), setup.knowledge),
            size,
            all_up: setup.faults.all_up(),
            counts_plainly: traffic.has_bytes_of_orders() && !setup.network.limited()[1],
            access_links: AccessLinks::new(setup.network, nodes.clone()),
            departures: UplinkQueue::new(),
            fair_uplinks: FairUplinks::new(setup.network, nodes.clone()),
            scratch: TargetScratch::new(setup.draw.count(max_degree), setup.topology),
            // The order of messages sent at one instant matters only if uplinks have a rate.
            everyone: if setup.network.limited()[0] { setup.draw.widened() } else { TargetDraw::unordered() },
            announcement_batch: AnnouncementBatch::default(),
            held: vec![0; (size * orders).div_ceil(64)],
            horizon: Horizon::new(size, setup.window),
            attempts: Attempts::new(size, orders),
            link_order: LinkOrder::new(setup.network, setup.topology, &nodes),
            upkeep_attempts: Vec::new(),
            held_back: BTreeMap::new(),
            sequences: touched(size, 0),
            receipts: touched(size * orders, Receipt::NONE),
            traffic,
            by_order: vec![OrderTraffic::default(); orders],
            record: WorkerRecord { nodes: size as u32, ..WorkerRecord::none() },
            under_way: 0,
            model_lost: 0,
            model_dropped: 0,
            model_duplicated: 0,
            uplink_dropped: 0,
            met: FirstEncounters::default(),
            is_tentative: false,
            journal: Vec::new(),
            new_receipts: NewReceiptCounts::new(orders),
            occurrences: 0,
            batched: None,
            sends_plainly: false,
            latencies: Vec::new(),
            detects: false,
            settled_peers: Vec::new(),
            trace: setup.trace.map(TraceSpool::writer).map(ShardTrace::new),
            sink,
            nodes,
        }
    }
}

impl<'a, S: EventSink> VirtualShard<'a, S> {
    /// Creates the context of an event, in a round of its instant.
    #[inline]
    fn event(&mut self, event: Event, round: u16) -> VirtualContext<'_, 'a, S> {
        VirtualContext { shard: self, event, round }
    }

    /// Creates the context of a pending event at its receiver.
    #[inline]
    fn receipt(&mut self, pending: &PendingEvent<S::Tail>) -> VirtualContext<'_, 'a, S> {
        self.event(Event::receipt(&pending.message, pending.time), pending.round)
    }

    /// Lets each node begin, at time 0.
    pub(super) fn start<P: ProtocolState>(&mut self, state: &mut P) {
        for node in self.nodes.clone().map(NodeId) {
            state.start(&mut self.event(Event::own(node, Nanos::ZERO), 0));
        }
    }

    /// Publishes an order, unless its origin is down.
    pub(super) fn publish<P: ProtocolState>(&mut self, protocol: &mut P, publication: &Publication) {
        let &Publication { order, origin, due } = publication;
        let ttl = self.setup.ttl;
        let mut context = self.event(Event::own(origin, due), 0);
        if context.is_up() {
            protocol.publish(&mut context, order, ttl);
        }
    }

    /// Handles the arrival of a message, which its node receives at once unless it has to wait first.
    #[inline(always)]
    pub(super) fn handle_arrival<P: ProtocolState>(&mut self, protocol: &mut P, pending: PendingEvent<S::Tail>) {
        if self.access_links.hold_arrivals() {
            self.hold_arrival(pending);
        } else {
            self.deliver_message(protocol, &pending);
        }
    }

    #[inline(never)]
    fn hold_arrival(&mut self, pending: PendingEvent<S::Tail>) {
        self.receipt(&pending).arrive(&pending);
    }

    /// Does what is due at a pending event's time.
    #[inline(always)]
    pub(super) fn handle<P: ProtocolState>(&mut self, protocol: &mut P, pending: &PendingEvent<S::Tail>) {
        match pending.stage {
            EventStage::Arrives if self.access_links.hold_arrivals() => self.receipt(pending).arrive(pending),
            EventStage::PastDownlink => self.receipt(pending).queue_for_work(pending),
            EventStage::Arrives | EventStage::Delivered => self.deliver_message(protocol, pending),
            EventStage::Held => self.send_held(pending),
        }
    }

    /// Sends what was held back, if the node is up.
    fn send_held(&mut self, pending: &PendingEvent<S::Tail>) {
        let Message { to: me, ttl, hop, order, kind, .. } = pending.message;
        let named = if self.held_back.is_empty() { None } else { self.held_back.remove(&(me, pending.sequence)) };
        let mut context = self.event(Event { hop, ..Event::own(me, pending.time) }, pending.round);
        context.note(order, JournalEvent::Released);
        if !context.is_up() {
            return;
        }
        if let Some(NamedForward { to, tail }) = named {
            context.send_to(&to, kind, OrderHop { order, ttl, hop }, &tail);
        } else {
            context.event.sender = context.sender_of(order);
            context.send_on(kind, OrderHop { order, ttl, hop });
        }
    }

    /// Delivers a message to its node, if the node is up.
    #[inline(always)]
    fn deliver_message<P: ProtocolState>(&mut self, protocol: &mut P, pending: &PendingEvent<S::Tail>) {
        let Message { order, kind, tail, .. } = pending.message;
        let mut context = self.receipt(pending);
        if !context.is_up() {
            context.trace_arrival(pending, MessageFate::Down);
            return context.note(order, JournalEvent::Missed(kind));
        }
        context.note(order, JournalEvent::Received(kind, tail));
        protocol.handle_message(&mut context, &pending.message, pending.tail.words());
        if S::Tail::IS_STAMPED {
            let fate = context.shard.received_fate(&pending.message);
            context.trace_arrival(pending, fate);
        }
    }

    /// Fires a timer. Returns true if that led to anything: a timer that is no longer needed does not count as an
    /// event.
    pub(super) fn fire_timer<P: ProtocolState>(&mut self, protocol: &mut P, me: NodeId, at: Nanos, token: u64) -> bool {
        let before = self.occurrences;
        match self.detects.then(|| detecting::discovery(at, token)).flatten() {
            Some(discovery) => self.discover(protocol, me, discovery),
            None => protocol.handle_timeout(&mut self.event(Event::own(me, at), 0), token),
        }
        self.occurrences > before
    }
}

impl<S: EventSink> VirtualShard<'_, S> {
    /// Draws the forwards of several nodes together from now on, if the setup allows it, and those whose recipients are
    /// named each in one go. Every message takes time, and the caller must call [`send_batched`](Self::send_batched)
    /// before a window ends.
    pub(super) fn batch_forwards(&mut self) {
        self.batched = BatchedForwards::new(self.setup);
        self.sends_plainly = sends_plainly(self.setup) && !self.access_links.have_uplinks();
    }

    /// Prefetches the memory that an event will touch, a message of this kind or a timer: the node's counts and, if the
    /// event brings an order that is new to the node, its row and its receipt.
    #[inline(always)]
    pub(super) fn prefetch(&self, node: NodeId, order: OrderIndex, kind: Option<Kind>) {
        let local = (node.0 - self.nodes.start) as usize;
        let place = order.index() * self.size + local;
        let brings_order = kind == Some(Kind::PAYLOAD);
        self.traffic.prefetch(local, brings_order);
        if !brings_order {
            if kind.is_none() {
                // A timer may send messages about no order.
                prefetch(&self.upkeep_attempts, local);
            }
            return prefetch(&self.sequences, local);
        }
        if self.held.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 0) {
            prefetch(&self.receipts, place);
            prefetch(&self.sequences, local);
            self.setup.topology.prefetch_row(node);
        }
    }

    /// Returns the first receipts in the journal, as orders and times.
    pub(super) fn journaled_receipts(&self) -> impl Iterator<Item = (OrderIndex, Nanos)> + '_ {
        let delivered = self.journal.iter().filter(|entry| matches!(entry.what, JournalEvent::Delivered));
        delivered.map(|entry| (entry.order, entry.time))
    }

    /// Returns the first receipts in the journal with their nodes.
    pub(super) fn journaled_firsts(&self) -> impl Iterator<Item = NodeReceipt> + '_ {
        let delivered = self.journal.iter().filter(|entry| matches!(entry.what, JournalEvent::Delivered));
        delivered.map(|entry| (entry.order, entry.time, NodeId(self.nodes.start + entry.local)))
    }

    /// Returns the time at which a node of the shard first received an order; [`Nanos::MAX`] if it has not.
    pub(super) fn received_at(&self, order: OrderIndex, node: NodeId) -> Nanos {
        self.receipts[order.index() * self.nodes.len() + (node.0 - self.nodes.start) as usize].time
    }

    /// Returns the bytes of the journal, of the rows of its events in a trace, and of the messages that wait for
    /// uplinks, none of which is counted yet; and of the last arrivals on links outside of rows.
    pub(super) fn journal_bytes(&self) -> u64 {
        let on_uplinks = self.departures.bytes() + self.fair_uplinks.bytes();
        let links = self.link_order.as_ref().map_or(0, LinkOrder::bytes);
        (self.journal.len() * size_of::<JournalEntry>()) as u64 + self.trace_bytes() + on_uplinks + links
    }

    /// Returns the number of received messages that have been counted.
    pub(super) fn received(&self) -> u64 {
        self.record.received
    }

    /// Returns the bytes of a message, as UDP payload.
    fn bytes_of(&self, message: &Message) -> u32 {
        message_bytes(self.setup, message)
    }
}

/// Returns the bytes of a message, as UDP payload.
#[inline]
fn message_bytes(setup: &EngineSetup<'_>, &Message { kind, order, tail, .. }: &Message) -> u32 {
    match kind.is_control() {
        true if kind.is_part() => setup.part_bytes,
        true => control_bytes(tail.into()) as u32,
        false => setup.message_bytes[order.index()],
    }
}
