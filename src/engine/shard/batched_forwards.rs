//! Forwards of a shard's nodes that wait to be drawn together.
//!
//! Within a window no message reaches the node that a forward is drawn for later, so that a forward may wait for those
//! of other nodes. Its own node's next message may not overtake it, because messages are numbered.

use super::VirtualShard;
use crate::engine::EngineSetup;
use crate::engine::access_links::LinkSide;
use crate::engine::fair_uplinks::CopyFate;
use crate::engine::forward_draws::ForwardDraws;
use crate::engine::journal::{JournalEntry, JournalEvent, SendCounts};
use crate::engine::pending_event::{EventSink, EventStage, ForwardedMessages, PendingEvent};
use crate::ids::NodeId;
use crate::message::{Kind, OrderHop, Tail};
use crate::network::{Fates, UplinkShare};
use crate::protocol::Event;
use crate::time::Nanos;

/// The forwards that wait.
pub(super) struct BatchedForwards {
    draws: ForwardDraws,
    /// By forward, the order with its TTL and hop.
    order_hops: Vec<OrderHop>,
    /// The number of forwards that are drawn together.
    nodes: usize,
    kind: Kind,
    /// By message of a forward, the time on the uplink and the latency, or [`Fates::LOST`].
    delays: Vec<Nanos>,
}

impl BatchedForwards {
    /// Creates an empty batch; `None` if the network or adversaries decide about each message by itself, or if links
    /// keep the order of messages, or if copies share uplinks, or if a trace records each by itself.
    pub(super) fn new(setup: &EngineSetup<'_>) -> Option<BatchedForwards> {
        let EngineSetup { network, warm_up, .. } = *setup;
        let is_serial = !network.limited()[0] || network.uplink_share() == UplinkShare::Serial;
        let is_plain = sends_plainly(setup) && is_serial && warm_up == Nanos::ZERO;
        let (draws, nodes) = is_plain.then(|| ForwardDraws::new(setup))?;
        let order_hops = Vec::with_capacity(nodes);
        Some(BatchedForwards { draws, order_hops, nodes, kind: Kind::PAYLOAD, delays: Vec::new() })
    }
}

/// Returns true if what becomes of a message, once it has left its node, is a draw and nothing else.
pub(super) fn sends_plainly(setup: &EngineSetup<'_>) -> bool {
    let EngineSetup { network, faults, adversaries, trace, .. } = *setup;
    let is_plain = !network.has_duplicates() && faults.none_cut() && adversaries.is_none();
    is_plain && !network.is_ordered() && trace.is_none()
}

impl<S: EventSink> VirtualShard<'_, S> {
    /// Keeps a forward of an order by the event's node, which has sent it `attempt` times before, for the next draw.
    /// Returns false if forwards are not batched.
    #[inline]
    pub(super) fn batch_forward(&mut self, event: &Event, kind: Kind, order_hop: OrderHop, attempt: u32) -> bool {
        let Some(batch) = &self.batched else { return false };
        // All of a batch are of one kind. Messages of one node are numbered in the order in which it sends them, which
        // is the order of the batch.
        if batch.draws.len() == batch.nodes || batch.kind != kind {
            self.send_batched();
        }
        let Some(batch) = &mut self.batched else { return false };
        self.occurrences += 1;
        batch.kind = kind;
        batch.draws.push(order_hop, event.me, event.sender, event.now, attempt);
        batch.order_hops.push(order_hop);
        true
    }

    /// Sends all waiting forwards if the last of them is of this node.
    #[inline]
    pub(super) fn send_batched_of(&mut self, node: NodeId) {
        // A node's events are handled one after the other, so that a forward of the current node is always the last.
        if self.batched.as_ref().is_some_and(|batch| batch.draws.from().last() == Some(&node)) {
            self.send_batched();
        }
    }

    /// Sends all forwards that wait.
    pub(in crate::engine) fn send_batched(&mut self) {
        let Some(mut batch) = self.batched.take() else { return };
        if !batch.order_hops.is_empty() {
            batch.draws.draw(self.setup, |_| ());
            self.emit_drawn(&mut batch);
            batch.draws.clear();
            batch.order_hops.clear();
        }
        self.batched = Some(batch);
    }

    /// Emits the messages of a batch that has been drawn.
    fn emit_drawn(&mut self, batch: &mut BatchedForwards) {
        let BatchedForwards { draws, order_hops, kind, delays, .. } = batch;
        let (to, ends) = draws.targets();
        let latencies = draws.latencies();
        let (mut begin, kind) = (0, *kind);
        for (place, (&order_hop, &end)) in order_hops.iter().zip(ends).enumerate() {
            let (from, at) = draws.forward(place);
            let local = from.0 - self.nodes.start;
            let messages = std::mem::replace(&mut begin, end)..end;
            let sent = messages.len() as u32;
            let sequence = &mut self.sequences[local as usize];
            let first = std::mem::replace(sequence, sequence.wrapping_add(sent));
            let (to, latencies) = (&to[messages.clone()], &latencies[messages]);
            let forward = ForwardedMessages { from, at, kind, order_hop, sequence: first, to, tail: &[], latencies };
            let spared = draws.spared(place) as u32;
            let target_batch = if self.access_links.have_uplinks() {
                let dropped = self.queue_forward(&forward, delays);
                self.sink.put_forward(&ForwardedMessages { latencies: delays, ..forward });
                SendCounts { dropped, spared, ..SendCounts::default() }
            } else {
                let lost = self.sink.put_forward(&forward);
                SendCounts { sent, lost, spared, ..SendCounts::default() }
            };
            let what = JournalEvent::Sent(kind, target_batch);
            self.note(JournalEntry { time: at, local, order: order_hop.order, what });
        }
    }

    /// Hands the messages of a forward to the uplink of their node, and replaces `delays` by the time from then to the
    /// arrival of each, or [`Fates::LOST`]; returns how many the uplink dropped.
    fn queue_forward(&mut self, forward: &ForwardedMessages<'_>, delays: &mut Vec<Nanos>) -> u32 {
        let &ForwardedMessages { from, at, kind, order_hop, sequence, to, tail: _, latencies } = forward;
        let local = from.0 - self.nodes.start;
        let (mut departing, mut dropped) = (None, 0);
        delays.clear();
        for (place, (&to, &latency)) in (0..).zip(to.iter().zip(latencies)) {
            let message = order_hop.message_with(kind, from, to, 0);
            let offer = self.access_links.send(from, at, self.bytes_of(&message));
            if let Some(queues) = offer.and_then(|offer| self.access_links.watch(LinkSide::Up, from, &offer)) {
                let what = JournalEvent::Queued(LinkSide::Up, queues);
                self.note(JournalEntry { time: at, local, order: order_hop.order, what });
            }
            let Some(left) = offer.map_or(Some(at), |offer| offer.departs) else {
                dropped += 1;
                delays.push(Fates::LOST);
                continue;
            };
            let latency = Some(latency).filter(|&latency| latency != Fates::LOST);
            let arrives = latency.map(|latency| left + latency);
            // A message that never comes, and is not lost, has no delay that could be told from a loss.
            if arrives == Some(Nanos::MAX) {
                let (time, stage, tail) = (Nanos::MAX, EventStage::Arrives, S::Tail::of(&[]));
                let sequence = sequence.wrapping_add(place);
                self.sink.put(PendingEvent { time, message, sequence, round: 0, stage, tail });
            }
            delays.push(arrives.filter(|&time| time < Nanos::MAX).map_or(Fates::LOST, |time| time.since(at)));
            let fate = CopyFate { latencies: [latency, None], is_cut: false };
            self.queue_departure(&mut departing, &message, at, left, &fate);
        }
        departing.into_iter().for_each(|series| self.departures.put(series));
        dropped
    }
}
