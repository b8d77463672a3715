//! The nodes that one worker owns in virtual time. To a protocol this is its [`Context`].
//!
//! The events of a window first go to a journal, and are counted when the window is booked: by then it is known up to
//! which instant events count. Nothing has to be taken back. Sending is in `sending`, counting in `booking`.

mod booking;
mod context;
mod sending;

use context::VirtualContext;
use sending::NamedForward;

use super::access_links::AccessLinks;
use super::journal::{JournalEntry, JournalEvent};
use super::pending_event::{EventStage, PendingEvent};
use super::uplink_queue::UplinkQueue;
use super::{EngineSetup, FirstEncounters, OrderTraffic};
use crate::coverage::Horizon;
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Message, OrderHop, Tail};
use crate::network::Attempts;
use crate::protocol::{AnnouncementBatch, Event, ProtocolState, ShardView, TargetDraw, TargetScratch};
use crate::record::{Receipt, Traffic, WorkerRecord};
use crate::time::{Nanos, TimerHeap};
use crate::wire::control_bytes;
use crate::workload::Publication;
use std::collections::BTreeMap;
use std::ops::Range;

/// A time that was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct FiredTimer {
    pub(super) at: Nanos,
    /// True if anything came of it. What nobody needs any more is no event.
    pub(super) is_event: bool,
}

/// One worker's nodes.
pub(super) struct VirtualShard<'a, T> {
    setup: &'a EngineSetup<'a>,
    pub(super) view: ShardView<'a>,
    nodes: Range<u32>,
    scratch: TargetScratch,
    /// All peers of a node, in the order in which a flood goes to them.
    everyone: TargetDraw,
    announcement_batch: AnnouncementBatch,
    access_links: AccessLinks<'a>,
    /// Messages that wait for the uplinks of the nodes, or are on them.
    departures: UplinkQueue,
    /// A bit per order and node: the node has the order, or it came too late for the node.
    held: Vec<u64>,
    /// The position of each node's window.
    horizon: Horizon,
    attempts: Attempts,
    /// Messages about no order that each node has sent; empty until any has.
    upkeep_attempts: Vec<u32>,
    /// Recipients and tail of held-back messages whose recipients the protocol named, by node and sequence.
    held_back: BTreeMap<(NodeId, u32), NamedForward>,
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
    /// Times that nodes have asked for.
    timers: TimerHeap<true>,
    journal: Vec<JournalEntry>,
    /// Messages that the events have sent since it was last emptied.
    pub(super) outgoing: Vec<PendingEvent<T>>,
}

impl<'a, T: Tail> VirtualShard<'a, T> {
    /// Creates the shard of the given nodes, none of which has an order.
    pub(super) fn new(setup: &'a EngineSetup<'a>, nodes: Range<u32>) -> VirtualShard<'a, T> {
        let (size, orders) = (nodes.len(), setup.workload.orders() as usize);
        let max_degree = setup.topology.max_degree();
        VirtualShard {
            setup,
            view: ShardView::new(nodes.clone(), setup.workload.orders(), setup.knowledge),
            access_links: AccessLinks::new(setup.network, nodes.clone()),
            departures: UplinkQueue::new(),
            scratch: TargetScratch::new(setup.draw.count(max_degree), setup.topology),
            // Only a line tells in which order messages are sent at one instant.
            everyone: if setup.network.limited()[0] { setup.draw.widened() } else { TargetDraw::unordered() },
            announcement_batch: AnnouncementBatch::default(),
            held: vec![0; (size * orders).div_ceil(64)],
            horizon: Horizon::new(size, setup.window),
            attempts: Attempts::new(size, orders),
            upkeep_attempts: Vec::new(),
            held_back: BTreeMap::new(),
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
            timers: TimerHeap::default(),
            journal: Vec::new(),
            outgoing: Vec::new(),
            nodes,
        }
    }

    /// Creates the context of an event, in a round of its instant.
    #[inline]
    fn event(&mut self, event: Event, round: u16) -> VirtualContext<'_, 'a, T> {
        VirtualContext { shard: self, event, round }
    }

    /// Creates the context of a pending event at its receiver.
    #[inline]
    fn receipt(&mut self, pending: &PendingEvent<T>) -> VirtualContext<'_, 'a, T> {
        self.event(Event::receipt(&pending.message, pending.time), pending.round)
    }

    /// Lets each node begin, at time 0.
    pub(super) fn start<S: ProtocolState>(&mut self, state: &mut S) {
        for node in self.nodes.clone().map(NodeId) {
            state.start(&mut self.event(Event::own(node, Nanos::ZERO), 0));
        }
    }

    /// Publishes an order, unless its origin is down.
    pub(super) fn publish<S: ProtocolState>(&mut self, protocol: &mut S, publication: &Publication) {
        let &Publication { order, origin, due } = publication;
        let ttl = self.setup.ttl;
        let mut context = self.event(Event::own(origin, due), 0);
        if context.is_up() {
            protocol.publish(&mut context, order, ttl);
        }
    }

    /// Does what is due at a pending event's time.
    #[inline]
    pub(super) fn handle<S: ProtocolState>(&mut self, protocol: &mut S, pending: &PendingEvent<T>) {
        match pending.stage {
            EventStage::Arrives if self.access_links.hold_arrivals() => self.receipt(pending).arrive(pending),
            EventStage::PastDownlink => self.receipt(pending).queue_for_work(pending),
            EventStage::Arrives | EventStage::Delivered => self.deliver_message(protocol, pending),
            EventStage::Held => self.send_held(pending),
        }
    }

    /// Sends what was held back, if the node is up.
    fn send_held(&mut self, pending: &PendingEvent<T>) {
        let Message { to: me, ttl, hop, order, kind, .. } = pending.message;
        let named = if self.held_back.is_empty() { None } else { self.held_back.remove(&(me, pending.sequence)) };
        let mut context = self.event(Event { hop, ..Event::own(me, pending.time) }, pending.round);
        context.note(order, JournalEvent::Released(pending.sent_at));
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

    /// Hands a message to its node, if that is up.
    fn deliver_message<S: ProtocolState>(&mut self, protocol: &mut S, pending: &PendingEvent<T>) {
        let Message { order, kind, tail, .. } = pending.message;
        let mut context = self.receipt(pending);
        if !context.is_up() {
            return context.note(order, JournalEvent::Missed(kind, pending.sent_at));
        }
        context.note(order, JournalEvent::Received(kind, tail, pending.sent_at));
        protocol.handle_message(&mut context, &pending.message, pending.tail.words());
    }

    /// Returns the earliest time at which a timer of the shard fires.
    pub(super) fn next_timeout(&self) -> Option<Nanos> {
        self.timers.next_due()
    }

    /// Tells the next of these, if it comes by then. Gives when it was, if anything came of it.
    pub(super) fn fire_timer<S: ProtocolState>(&mut self, protocol: &mut S, by: Nanos) -> Option<FiredTimer> {
        let (now, me, token) = self.timers.take_due(by)?;
        let before = self.journal.len();
        protocol.handle_timeout(&mut self.event(Event::own(me, now), 0), token);
        // What a delaying node holds back stands in no journal yet, and is on its way all the same.
        Some(FiredTimer { at: now, is_event: self.journal.len() > before || !self.outgoing.is_empty() })
    }

    /// Asks for what a message that is soon to be handled will touch.
    pub(super) fn prefetch(&self, pending: &PendingEvent<T>) {
        self.setup.topology.prefetch_row(pending.message.to);
    }

    /// Returns the first receipts in the journal, as orders and times.
    pub(super) fn fresh(&self) -> impl Iterator<Item = (OrderIndex, Nanos)> + '_ {
        let delivered = self.journal.iter().filter(|entry| matches!(entry.what, JournalEvent::Delivered));
        delivered.map(|entry| (entry.order, entry.time))
    }

    /// Returns the bytes of what has yet to be counted: the journal, and messages that wait for the uplinks.
    pub(super) fn journal_bytes(&self) -> u64 {
        (self.journal.len() * size_of::<JournalEntry>()) as u64 + self.departures.bytes()
    }

    /// Returns the number of received messages that have been counted.
    pub(super) fn received(&self) -> u64 {
        self.record.received
    }

    /// Returns the bytes of a message, as UDP payload.
    fn bytes_of(&self, &Message { kind, order, tail, .. }: &Message) -> u32 {
        match kind.is_control() {
            true => control_bytes(tail.into()) as u32,
            false => self.setup.message_bytes[order.index()],
        }
    }
}
