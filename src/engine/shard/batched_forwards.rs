//! Forwards of a shard's nodes that wait to be drawn together.
//!
//! Within a window no message reaches the node that a forward is drawn for later, so that a forward may wait for those
//! of other nodes. Its own node's next message may not overtake it, because messages are numbered.

use super::VirtualShard;
use crate::engine::EngineSetup;
use crate::engine::forward_draws::ForwardDraws;
use crate::engine::journal::{JournalEntry, JournalEvent, SendCounts};
use crate::engine::pending_event::{EventSink, EventStage, PendingEvent};
use crate::ids::NodeId;
use crate::message::{Kind, OrderHop, Tail};
use crate::network::Fates;
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
}

impl BatchedForwards {
    /// Creates an empty batch; `None` if the network or adversaries decide about each message by itself, or if links
    /// keep the order of messages, or if a trace records each by itself.
    pub(super) fn new(setup: &EngineSetup<'_>) -> Option<BatchedForwards> {
        let EngineSetup { network, faults, adversaries, warm_up, trace, .. } = *setup;
        let is_plain = network.is_plain() && faults.none_cut() && adversaries.is_none() && warm_up == Nanos::ZERO;
        let is_plain = is_plain && !network.is_ordered() && trace.is_none();
        let (draws, nodes) = is_plain.then(|| ForwardDraws::new(setup))?;
        Some(BatchedForwards { draws, order_hops: Vec::with_capacity(nodes), nodes, kind: Kind::PAYLOAD })
    }
}

impl<S: EventSink> VirtualShard<'_, S> {
    /// Keeps the first forward of an order by the event's node for the next draw. Returns false if forwards are not
    /// batched.
    #[inline]
    pub(super) fn batch_forward(&mut self, event: &Event, kind: Kind, order_hop: OrderHop) -> bool {
        let Some(batch) = &self.batched else { return false };
        // All of a batch are of one kind.
        if batch.draws.len() == batch.nodes || batch.kind != kind {
            self.send_batched();
        }
        let Some(batch) = &mut self.batched else { return false };
        self.occurrences += 1;
        batch.kind = kind;
        batch.draws.push(order_hop.order, event.me, event.sender, event.now);
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
            self.emit_drawn(&batch);
            batch.draws.clear();
            batch.order_hops.clear();
        }
        self.batched = Some(batch);
    }

    /// Emits the messages of a batch that has been drawn.
    fn emit_drawn(&mut self, batch: &BatchedForwards) {
        let (to, ends) = batch.draws.targets();
        let latencies = batch.draws.latencies();
        let mut begin = 0;
        for (place, (&order_hop, &end)) in batch.order_hops.iter().zip(ends).enumerate() {
            let (me, at) = batch.draws.forward(place);
            let local = me.0 - self.nodes.start;
            let messages = std::mem::replace(&mut begin, end)..end;
            let mut sequence = self.sequences[local as usize];
            let mut lost = 0;
            for (&to, &latency) in to[messages.clone()].iter().zip(&latencies[messages]) {
                if latency == Fates::LOST {
                    lost += 1;
                } else {
                    let message = order_hop.message_with(batch.kind, me, to, 0);
                    let (time, stage, tail) = (at + latency, EventStage::Arrives, S::Tail::of(&[]));
                    self.sink.put(PendingEvent { time, message, sequence, round: 0, stage, tail });
                }
                sequence = sequence.wrapping_add(1);
            }
            let sent = sequence.wrapping_sub(self.sequences[local as usize]);
            self.sequences[local as usize] = sequence;
            let spared = batch.draws.spared(place) as u32;
            let target_batch = SendCounts { sent, lost, spared, ..SendCounts::default() };
            let what = JournalEvent::Sent(batch.kind, target_batch);
            self.note(JournalEntry { time: at, local, order: order_hop.order, what });
        }
    }
}
