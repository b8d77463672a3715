//! Push-pull: in each round every node calls one peer, and the two exchange the orders that one of them lacks.
//!
//! The rules are those of anti-entropy (Demers et al.: *Epidemic Algorithms for Replicated Database Maintenance*, PODC
//! 1987, section 1.3) in the rounds of Karp, Schindelhauer, Shenker, Vöcking: *Randomized Rumor Spreading*, FOCS 2000:
//!
//! 1. All rounds begin at multiples of `round`. In each, a node calls one peer, drawn uniformly.
//! 2. A call is a digest, a message of upkeep that names the orders that the caller got lately.
//! 3. Push: the callee requests the orders that it lacks from the caller, which sends them; from several callers of one
//!    round it requests an order once.
//! 4. Pull: the callee sends the caller the orders that the digest lacks.
//! 5. A node offers an order for `rounds` rounds from its receipt, and names it in digests twice as long, so that
//!    nobody sends it an order that it only no longer offers. Nobody requests what is no longer offered. As in blind
//!    counter rumor mongering (Demers, section 1.4), the count ends the spread: a run is at rest once no node offers
//!    anything.
//! 6. A node that only pushes calls only while it offers something.
//!
//! With a message much faster than a third of a round, all nodes have an order after about `log3 N + log2 ln N` rounds,
//! and after `log2 N + ln N` if they only push (`theory/rounds.rs`). A digest names at most the 179 newest orders.

use super::knobs::{self, knob};
use super::{BadKnob, Context, Knob, Knobs, Preset, Protocol, ProtocolState, ShardView, Targets};
use super::{announcements, speaks};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, KindNames, Message, OrderHop, ShortTail, TAIL_WORDS_MAX, TTL_MAX};
use crate::simd::prefetch;
use crate::time::Nanos;
use smallvec::SmallVec;

/// A call: a list of orders.
const DIGEST: Kind = Kind(128);

/// The purpose of the draw of a contact.
const CALL: u32 = 0;

/// The hop of an order that a digest names and its caller no longer offers. No order travels further, so that one that
/// gets there is pulled and not pushed.
const NAMED_ONLY: u8 = TTL_MAX;

/// The direction in which orders travel in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallMode {
    /// From the caller to the callee.
    Push,
    /// From the callee to the caller.
    Pull,
    /// Both.
    Both,
}

/// The knobs of push-pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushPullKnobs {
    /// Time between the beginnings of rounds.
    pub round: Nanos,
    /// The direction in which orders travel.
    pub mode: CallMode,
    /// Rounds in which a node offers an order.
    pub rounds: u32,
}

impl Default for PushPullKnobs {
    fn default() -> PushPullKnobs {
        PushPullKnobs { round: Nanos::from_millis(200), mode: CallMode::Both, rounds: 20 }
    }
}

impl PushPullKnobs {
    /// Returns the time for which a node offers an order, with the round in which that ends.
    pub(crate) fn repair_horizon(&self) -> Nanos {
        Nanos(self.round.0.saturating_mul(u64::from(self.rounds) + 1))
    }

    /// Returns the bytes of the nodes' lists, of a timer each and of a digest each under way, without the orders.
    pub(crate) fn state_bytes(&self, nodes: u64) -> u64 {
        nodes.saturating_mul((size_of::<Caller>() + size_of::<(Nanos, u32, u64)>() + size_of::<Message>()) as u64)
    }
}

impl CallMode {
    const NAMES: [(&'static str, CallMode); 3] =
        [("push", CallMode::Push), ("pull", CallMode::Pull), ("both", CallMode::Both)];

    const fn pushes(self) -> bool {
        !matches!(self, CallMode::Pull)
    }

    const fn pulls(self) -> bool {
        !matches!(self, CallMode::Push)
    }
}

impl Knobs for PushPullKnobs {
    const PRESETS: &'static [Preset<PushPullKnobs>] = &[];

    const KNOBS: &'static [Knob<PushPullKnobs>] = &[
        knob!(
            "round",
            round,
            "time between the beginnings of rounds; above three times the latency, or rounds overlap",
            |text| {
                let range = Nanos(1_000)..=Nanos::from_secs(3_600);
                knobs::span(text, range, "a round lasts from 1us to 1h; write 200ms or 1s")
            }
        ),
        Knob {
            name: "mode",
            help: "direction of orders in a call: push, from the caller; pull, to it; both",
            read: |knobs, text| {
                let mode = CallMode::NAMES.into_iter().find(|(name, _)| *name == text);
                knobs.mode = mode.ok_or_else(|| BadKnob::new("choose one of push, pull, both"))?.1;
                Ok(())
            },
            show: |knobs| {
                let name = CallMode::NAMES.into_iter().find(|(_, mode)| *mode == knobs.mode);
                name.map_or("both", |(name, _)| name).to_owned()
            },
        },
        knob!("rounds", rounds, "rounds in which a node offers an order, from its receipt", |text| {
            knobs::whole(text, 1..=10_000, "a node offers an order for 1 to 10000 rounds; write 20")
        }),
    ];
}

/// Push-pull, with its rounds.
#[derive(Clone, Copy, Debug)]
pub struct PushPull {
    knobs: PushPullKnobs,
}

/// The orders that the nodes of a shard exchange.
#[derive(Debug)]
pub struct PushPullState {
    knobs: PushPullKnobs,
    callers: Vec<Caller>,
    /// Orders that nodes offer, over all nodes.
    offered: u64,
}

/// The orders of one node: in a cache line of its own, but for those of a bulk.
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
struct Caller {
    /// The orders that its digests name, by receipt. A single one takes no allocation.
    recent: SmallVec<[RecentOrder; 1]>,
    /// The orders that it has requested in this round.
    requested: SmallVec<[OrderIndex; 4]>,
}

/// An order that a node got lately.
#[derive(Clone, Copy, Debug)]
struct RecentOrder {
    /// The order, as its next copy would travel.
    order_hop: OrderHop,
    /// The round of its receipt.
    round: u64,
    is_offered: bool,
}

impl RecentOrder {
    /// Returns the word of a digest that names the order.
    fn word(&self) -> u64 {
        let named = OrderHop { ttl: 0, hop: NAMED_ONLY, ..self.order_hop };
        if self.is_offered { self.order_hop.to_word() } else { named.to_word() }
    }
}

impl PushPull {
    /// Creates the protocol.
    pub fn new(knobs: PushPullKnobs) -> PushPull {
        PushPull { knobs }
    }
}

impl PushPullState {
    fn round_at(&self, time: Nanos) -> u64 {
        time.0 / self.knobs.round.0.max(1)
    }

    /// Sets the timer of the next round.
    fn await_round<C: Context>(&self, context: &mut C) {
        let next = self.round_at(context.now()).saturating_add(1);
        context.wake_at(Nanos(next.saturating_mul(self.knobs.round.0)), 0);
    }

    /// Delivers an order, and offers it if it is new and may travel on.
    fn receive<C: Context>(&mut self, context: &mut C, order: OrderIndex, next: Option<OrderHop>) {
        if !context.deliver(order) {
            return;
        }
        if let Some(order_hop) = next {
            let round = self.round_at(context.now());
            self.callers[context.local()].recent.push(RecentOrder { order_hop, round, is_offered: true });
            self.offered += 1;
        }
    }

    /// Ends the offers that are old enough, and forgets the orders that digests no longer name.
    fn age(&mut self, local: usize, round: u64) {
        let rounds = u64::from(self.knobs.rounds);
        let Caller { recent, requested } = &mut self.callers[local];
        requested.clear();
        for order in recent.iter_mut().filter(|order| order.is_offered && round - order.round.min(round) >= rounds) {
            order.is_offered = false;
            self.offered -= 1;
        }
        recent.retain(|order| order.is_offered || round - order.round.min(round) < 2 * rounds);
    }

    /// Answers a digest: sends what it lacks, and requests what it names and this node lacks.
    fn receive_digest<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        let caller = &mut self.callers[context.local()];
        if self.knobs.mode.pulls() {
            let mut named: SmallVec<[OrderIndex; 8]> = announcements::in_tail(tail).map(|named| named.order).collect();
            named.sort_unstable();
            let offers = caller.recent.iter().filter(|order| order.is_offered).map(|order| order.order_hop);
            for order_hop in offers.filter(|offer| named.binary_search(&offer.order).is_err()) {
                context.forward(&[message.from], Kind::PAYLOAD, order_hop, &[]);
            }
        }
        if self.knobs.mode.pushes() {
            let mut wanted: SmallVec<[OrderHop; 1]> = SmallVec::new();
            for order_hop in announcements::in_tail(tail) {
                let is_offered = order_hop.hop != NAMED_ONLY;
                if is_offered && !context.knows(order_hop.order) && !caller.requested.contains(&order_hop.order) {
                    caller.requested.push(order_hop.order);
                    wanted.push(order_hop);
                }
            }
            announcements::send(context, message.from, Kind::WANT, &wanted);
        }
    }
}

impl Protocol for PushPull {
    type State = PushPullState;
    type Tail = ShortTail;

    const ORDERS_PER_EVENT_MAX: u32 = 1;

    const KINDS: KindNames = &[(Kind::WANT, "want"), (DIGEST, "digest")];

    const TARGETS: Targets = Targets::Others;

    const NEEDS_PEERS: bool = true;

    const CONTACTS_ANYONE: bool = true;

    const STARTS: bool = true;

    fn for_shard(&self, view: &ShardView<'_>) -> PushPullState {
        PushPullState { knobs: self.knobs, callers: vec![Caller::default(); view.size()], offered: 0 }
    }

    fn admits(&self, message: &Message, tail: &[u64], orders: u32) -> bool {
        speaks::<PushPull>(message.kind) && tail.len() <= TAIL_WORDS_MAX && announcements::is_list(tail, orders)
    }

    fn tail_words_max(&self) -> usize {
        TAIL_WORDS_MAX
    }
}

impl ProtocolState for PushPullState {
    fn start<C: Context>(&mut self, context: &mut C) {
        self.await_round(context);
    }

    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        self.receive(context, order, OrderHop::from_origin(order, ttl));
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        match message.kind {
            Kind::PAYLOAD => self.receive(context, message.order, message.next_hop()),
            Kind::WANT => announcements::forward_requested(context, message, tail),
            DIGEST => self.receive_digest(context, message, tail),
            // No other kind is admitted.
            _ => {}
        }
    }

    #[inline(always)]
    fn prefetch(&self, view: &ShardView<'_>, node: NodeId, _: OrderIndex, kind: Option<Kind>) {
        if kind != Some(Kind::WANT) {
            prefetch(&self.callers, view.local(node));
        }
        if kind.is_none() {
            view.prefetch_peers(node);
        }
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, _: u64) {
        let (local, round) = (context.local(), self.round_at(context.now()));
        self.age(local, round);
        self.await_round(context);
        let recent = &self.callers[local].recent;
        if !self.knobs.mode.pulls() && recent.iter().all(|order| !order.is_offered) {
            return;
        }
        if let Some(peer) = context.contact(CALL, round) {
            let newest = recent.iter().rev().take(TAIL_WORDS_MAX);
            // Of a node that only pushes, the callee is to have nothing but offers.
            let named = newest.filter(|order| self.knobs.mode.pulls() || order.is_offered);
            let tail: SmallVec<[u64; 8]> = named.map(RecentOrder::word).collect();
            context.send_upkeep(peer, DIGEST, &tail);
        }
    }

    /// Counts the offers of all nodes: while one lasts, another node may get the order in the next round.
    fn awaited(&self) -> u64 {
        self.offered
    }

    fn name_awaited(&self, name: impl FnMut(OrderIndex)) {
        let recent = self.callers.iter().flat_map(|caller| &caller.recent);
        recent.filter(|order| order.is_offered).map(|order| order.order_hop.order).for_each(name);
    }

    fn name_in_tail(&self, tail: &[u64], name: impl FnMut(OrderIndex)) {
        announcements::name_in_tail(tail, name);
    }
}

#[cfg(test)]
mod tests;
