//! Sending by a shard's nodes: the recipients of a message, given the node's role as an adversary, and the fate of each
//! copy on its way out.

use super::{VirtualContext, VirtualShard};
use crate::adversary::Tampering;
use crate::engine::EngineSetup;
use crate::engine::access_links::LinkSide;
use crate::engine::fair_uplinks::{CopyFate, FairCopy, FairDeparture};
use crate::engine::journal::{JournalEvent, SendCounts};
use crate::engine::pending_event::{EventSink, EventStage, ForwardedMessages, PendingEvent};
use crate::engine::uplink_queue::DepartureSeries;
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop, Tail};
use crate::network::{AttemptCache, Fate, Fates, HEADER_BYTES, OutgoingLinks};
use crate::protocol::{Announcement, Event};
use crate::time::Nanos;
use crate::trace::MessageFate;
use smallvec::SmallVec;

/// A message about an order that a node is sending.
pub(super) struct OutgoingForward<'a> {
    kind: Kind,
    order_hop: OrderHop,
    links: OutgoingLinks<'a>,
    pub(super) target_batch: SendCounts,
    /// The last of the departures from the uplink of its node, which may go on.
    departing: Option<DepartureSeries>,
}

/// A forward whose recipients the protocol named.
pub(super) struct NamedForward {
    pub(super) to: SmallVec<[NodeId; 4]>,
    pub(super) tail: SmallVec<[u64; 2]>,
}

impl<'a, S: EventSink> VirtualContext<'_, 'a, S> {
    /// Sends a message of this kind to each of the node's targets.
    pub(super) fn send_on(&mut self, kind: Kind, order_hop: OrderHop) {
        let Event { me, sender, .. } = self.event;
        let EngineSetup { topology, draw, exclude_sender, .. } = *self.shard.setup;
        let attempt = self.attempt(kind, order_hop.order);
        // Upkeep is about no order, and its draws are of another key.
        if !kind.is_upkeep() && self.shard.batch_forward(&self.event, kind, order_hop, attempt) {
            return;
        }
        self.shard.send_batched_of(me);
        let mut scratch = std::mem::take(&mut self.shard.scratch);
        let mut forward = self.outgoing_forward(kind, order_hop);
        for &to in draw.at_hop(order_hop.hop).draw(topology, order_hop.order, me, &mut scratch) {
            // An origin is its own sender, and nobody's target is itself.
            if exclude_sender && to == sender {
                forward.target_batch.spared += 1;
            } else {
                self.send_copy(&mut forward, to, attempt, &[]);
            }
        }
        self.shard.scratch = scratch;
        self.end_forward(forward);
    }

    /// Sends a message to each of these nodes, all as one attempt.
    pub(super) fn send_to(&mut self, to: &[NodeId], kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        let attempt = self.attempt(kind, order_hop.order);
        self.shard.send_batched_of(self.event.me);
        let mut forward = self.outgoing_forward(kind, order_hop);
        if self.shard.sends_plainly {
            return self.send_plainly(&forward, to, attempt, tail);
        }
        for &to in to {
            self.send_copy(&mut forward, to, attempt, tail);
        }
        self.end_forward(forward);
    }

    /// Sends a message to each of these nodes, where their fates are draws and nothing else.
    fn send_plainly(&mut self, forward: &OutgoingForward<'_>, to: &[NodeId], attempt: u32, tail: &[u64]) {
        let Event { me: from, now: at, .. } = self.event;
        let &OutgoingForward { kind, order_hop, links, .. } = forward;
        let mut latencies = std::mem::take(&mut self.shard.latencies);
        latencies.extend(to.iter().map(|&to| match links.fate(to, attempt) {
            Fate::Arrives(latency) => latency,
            Fate::Lost => Fates::LOST,
        }));
        let sent = to.len() as u32;
        let sequence = self.next_sequences(sent);
        let forwarded = ForwardedMessages { from, at, kind, order_hop, sequence, to, tail, latencies: &latencies };
        let lost = self.shard.sink.put_forward(&forwarded);
        latencies.clear();
        self.shard.latencies = latencies;
        let words = sent * tail.len() as u32;
        self.note(order_hop.order, JournalEvent::Sent(kind, SendCounts { sent, words, lost, ..SendCounts::default() }));
    }

    /// Sends a message of this kind to all peers, `times` times to each.
    fn flood(&mut self, kind: Kind, order_hop: OrderHop, tail: &[u64], times: u32) {
        let first = self.attempt(kind, order_hop.order) * times;
        let mut scratch = std::mem::take(&mut self.shard.scratch);
        let mut forward = self.outgoing_forward(kind, order_hop);
        let peers = self.shard.everyone.draw(self.shard.setup.topology, order_hop.order, self.event.me, &mut scratch);
        for attempt in first..first + times {
            for &to in peers {
                self.send_copy(&mut forward, to, attempt, tail);
            }
        }
        self.shard.scratch = scratch;
        self.end_forward(forward);
    }

    fn outgoing_forward(&self, kind: Kind, order_hop: OrderHop) -> OutgoingForward<'a> {
        let order = fate_order(kind, order_hop.order);
        let links = self.shard.setup.network.outgoing_links(order, self.event.me).at(self.model_time());
        OutgoingForward { kind, order_hop, links, target_batch: SendCounts::default(), departing: None }
    }

    /// Counts a forward, all copies of which have been sent.
    fn end_forward(&mut self, forward: OutgoingForward<'_>) {
        let OutgoingForward { kind, order_hop, target_batch, departing, .. } = forward;
        departing.into_iter().for_each(|series| self.shard.departures.put(series));
        self.note(order_hop.order, JournalEvent::Sent(kind, target_batch));
    }

    /// Sends one copy, through the uplink of its node.
    #[inline]
    pub(super) fn send_copy(&mut self, forward: &mut OutgoingForward<'_>, to: NodeId, attempt: u32, tail: &[u64]) {
        let (Event { me, now, .. }, model_time) = (self.event, self.model_time());
        let EngineSetup { faults, adversaries, .. } = *self.shard.setup;
        let &mut OutgoingForward { kind, order_hop, links, ref mut target_batch, ref mut departing } = forward;
        if adversaries.withholds(me, to) {
            return self.shard.met.withhold(model_time);
        }
        let sequence = self.next_sequence();
        let message = order_hop.message_with(kind, me, to, tail.len() as u8);
        let offer = self.shard.access_links.send(me, now, self.shard.bytes_of(&message));
        if let Some(queues) = offer.and_then(|offer| self.shard.access_links.watch(LinkSide::Up, me, &offer)) {
            self.note(order_hop.order, JournalEvent::Queued(LinkSide::Up, queues));
        }
        let Some(left) = offer.map_or(Some(now), |offer| offer.departs) else {
            target_batch.dropped += 1;
            return self.shard.trace(&message, sequence, [now; 2], MessageFate::UplinkDropped);
        };
        let is_cut = faults.is_cut(me, to, model_time);
        if is_cut {
            self.shard.met.cut(self.shard.setup, me, to, model_time);
        }
        let latencies = match if is_cut { Fate::Lost } else { links.fate(to, attempt) } {
            Fate::Lost => [None; 2],
            Fate::Arrives(latency) => [Some(latency), links.duplicate(to, attempt)],
        };
        let fate = CopyFate { latencies: self.in_order(to, left, latencies), is_cut };
        if offer.is_some() && self.shard.fair_uplinks.is_used() {
            let copy = FairCopy { message, sequence, handed_at: now, fate, tail: S::Tail::of(tail) };
            return self.shard.share_uplink(copy);
        }
        // A message that takes no time belongs to the next round of its instant.
        let next_round = self.round.saturating_add(1);
        self.shard.let_go(&message, sequence, left, &fate, tail, |arrives| if arrives == now { next_round } else { 0 });
        if self.shard.access_links.have_uplinks() {
            self.shard.queue_departure(departing, &message, now, left, &fate);
        } else {
            target_batch.sent += 1;
            target_batch.words += tail.len() as u32;
            target_batch.lost += u32::from(fate.is_lost());
            target_batch.doubled += u32::from(fate.is_doubled());
        }
    }

    /// Sends to all targets, as the node's role as an adversary demands.
    pub(super) fn act(&mut self, kind: Kind, order_hop: OrderHop) {
        match self.tampering(order_hop) {
            Tampering::AsUsual => self.send_on(kind, order_hop),
            Tampering::Drop => {}
            Tampering::Delay(by) => _ = self.hold_back(kind, order_hop, by),
            Tampering::Flood(times) => self.flood(kind, order_hop, &[], times),
        }
    }

    /// Sends to the nodes that the protocol names, as the node's role as an adversary demands.
    pub(super) fn forward_to(&mut self, to: &[NodeId], kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        match self.tampering(order_hop) {
            Tampering::AsUsual => self.send_to(to, kind, order_hop, tail),
            Tampering::Drop => {}
            Tampering::Delay(by) => {
                let sequence = self.hold_back(kind, order_hop, by);
                let named = NamedForward { to: to.into(), tail: tail.into() };
                self.shard.held_back.insert((self.event.me, sequence), named);
            }
            Tampering::Flood(times) => self.flood(kind, order_hop, tail, times),
        }
    }

    /// Returns the effect of the node's role as an adversary on a forward.
    fn tampering(&mut self, OrderHop { order, .. }: OrderHop) -> Tampering {
        let (me, setup) = (self.event.me, self.shard.setup);
        let origin = setup.workload.publications()[order.index()].origin;
        let tampering = setup.adversaries.forward(me, order, origin);
        if tampering != Tampering::AsUsual {
            let now = self.model_time();
            self.shard.met.act(setup, me, order, now);
        }
        tampering
    }

    /// Holds a forward back, and returns its sequence number among the messages of the node.
    fn hold_back(&mut self, kind: Kind, order_hop: OrderHop, by: Nanos) -> u32 {
        let Event { me, now, .. } = self.event;
        // It takes a sequence number as a message does, which distinguishes it from others of the same time.
        let sequence = self.next_sequence();
        let (time, message) = (now + by, order_hop.message(kind, me, me));
        let (stage, round) = (EventStage::Held, self.round_of_sequel(time));
        self.note(order_hop.order, JournalEvent::HeldBack);
        self.emit(PendingEvent { time, message, sequence, round, stage, tail: S::Tail::of(&[]) });
        sequence
    }

    /// Announces these orders: each target of any of them gets one message about all that it is a target of. Orders
    /// that the node tampers with go out one by one, as its role demands.
    pub(super) fn send_announcements(&mut self, kind: Kind, announcements: &[Announcement]) {
        let Event { me, .. } = self.event;
        let EngineSetup { topology, draw, exclude_sender, workload, adversaries, .. } = *self.shard.setup;
        let is_usual = |announcement: &Announcement| {
            let origin = workload.publications()[announcement.order_hop.order.index()].origin;
            adversaries.forward(me, announcement.order_hop.order, origin) == Tampering::AsUsual
        };
        let (usual, others): (Vec<Announcement>, Vec<Announcement>) =
            announcements.iter().partition(|announcement| is_usual(announcement));
        for Announcement { order_hop, from } in others {
            self.event.sender = from;
            self.act(kind, order_hop);
        }
        self.shard.send_batched_of(me);
        let mut at_once = AttemptCache::default();
        let mut announcement_batch = std::mem::take(&mut self.shard.announcement_batch);
        announcement_batch.address((topology, draw), &mut self.shard.scratch, exclude_sender, me, &usual);
        announcement_batch.for_each(&usual, |to, first, tail| {
            let order_hop = usual[first].order_hop;
            let attempt = at_once.attempt(order_hop.order, || self.attempt(kind, order_hop.order));
            let mut forward = self.outgoing_forward(kind, order_hop);
            self.send_copy(&mut forward, to, attempt, tail);
            self.end_forward(forward);
        });
        self.shard.announcement_batch = announcement_batch;
    }

    /// Returns the latencies of a message and its second copy, which leave the event's node at `left`. If links keep
    /// the order of messages, both last until the message before has arrived.
    #[inline]
    fn in_order(&mut self, to: NodeId, left: Nanos, latencies: [Option<Nanos>; 2]) -> [Option<Nanos>; 2] {
        let Event { me, now, .. } = self.event;
        let Some(order) = &mut self.shard.link_order else { return latencies };
        latencies.map(|latency| Some(order.arrival(me, to, now, left + latency?).since(left)))
    }

    /// Returns the number of the next message of the event's node.
    #[inline]
    fn next_sequence(&mut self) -> u32 {
        self.next_sequences(1)
    }

    /// Returns the number of the first of the next `count` messages of the event's node.
    #[inline]
    fn next_sequences(&mut self, count: u32) -> u32 {
        let local = self.local() as usize;
        let sequence = &mut self.shard.sequences[local];
        let number = *sequence;
        *sequence = number.wrapping_add(count);
        number
    }
}

impl<S: EventSink> VirtualShard<'_, S> {
    /// Hands a copy to the uplink of its node, which it shares with others.
    fn share_uplink(&mut self, copy: FairCopy<S::Tail>) {
        let Some(rate) = self.setup.network.access_links(copy.message.from).up else { return };
        let bytes = self.bytes_of(&copy.message) + HEADER_BYTES;
        self.fair_uplinks.hand_over(rate, bytes, copy);
    }

    /// Queues the departure of a message that leaves the uplink of its node at `left`. `departing` are the last
    /// departures of its forward, which it may continue; the caller queues what is left of them.
    #[inline]
    pub(super) fn queue_departure(
        &mut self,
        departing: &mut Option<DepartureSeries>,
        message: &Message,
        handed_at: Nanos,
        left: Nanos,
        fate: &CopyFate,
    ) {
        if !departing.as_mut().is_some_and(|series| series.extend(left, fate)) {
            let local = message.from.0 - self.nodes.start;
            let series = DepartureSeries::new(message, local, handed_at, left, fate);
            departing.replace(series).into_iter().for_each(|before| self.departures.put(before));
        }
    }

    /// Lets the copies go that leave uplinks they share by `until`. Nothing may be handed over before that any more.
    pub(in crate::engine) fn depart(&mut self, until: Nanos) {
        while let Some(FairDeparture { left_at, local, copy }) = self.fair_uplinks.take(until) {
            let FairCopy { message, sequence, handed_at, fate, tail } = copy;
            // The uplink took time, so that nothing of it arrives at the instant of the hand-over.
            self.let_go(&message, sequence, left_at, &fate, tail.words(), |_| 0);
            self.departures.put(DepartureSeries::new(&message, local, handed_at, left_at, &fate));
        }
    }

    /// Returns a time before which no copy leaves an uplink that it shares; `None` if there is none.
    #[inline]
    pub(in crate::engine) fn next_departure(&self) -> Option<Nanos> {
        self.fair_uplinks.next()
    }

    /// Returns true if messages other than upkeep are on uplinks that they share.
    pub(in crate::engine) fn holds_departures(&self) -> bool {
        self.fair_uplinks.is_holding()
    }

    /// Emits the arrivals of a copy whose last bit leaves its node at `left`, in the round that `round` returns for the
    /// time of each. All messages set out from here, but for forwards that are drawn together.
    #[inline]
    fn let_go(
        &mut self,
        message: &Message,
        sequence: u32,
        left: Nanos,
        fate: &CopyFate,
        tail: &[u64],
        round: impl Fn(Nanos) -> u16,
    ) {
        if fate.is_lost() {
            let lost = if fate.is_cut { MessageFate::Cut } else { MessageFate::Lost };
            return self.trace(message, sequence, [left; 2], lost);
        }
        // The second copy has the sequence number of the first: if both arrive at once, either may be first.
        for latency in fate.latencies.into_iter().flatten() {
            let (time, stage, tail) = (left + latency, EventStage::Arrives, S::Tail::stamped(tail, left));
            self.occurrences += 1;
            self.sink.put(PendingEvent { time, message: *message, sequence, round: round(time), stage, tail });
        }
    }
}

/// Returns the order that keys the fate of a message. A message about no order is keyed by one that no run has.
fn fate_order(kind: Kind, order: OrderIndex) -> OrderIndex {
    if kind.is_upkeep() { OrderIndex(u32::MAX) } else { order }
}
