//! The relay of transactions in Bitcoin Core: INV, GETDATA and TX, with the timers that hide who was first.
//!
//! Rules, by the constants of Bitcoin Core in 2025 (net_processing.cpp, node/txdownloadman.h, txrequest.h):
//!
//! 1. A node that has a new order queues it for each peer that is not known to have it. A peer is known to have what it
//!    has announced.
//! 2. Announcements leave in trickles. A link that the node dialled has a Poisson process of its own, with a mean of
//!    `outbound-interval`; all links that others dialled share one, with a mean of `inbound-interval`, so that a spy
//!    with several connections learns no more than with one.
//! 3. A trickle announces the oldest orders of a queue: `broadcast-per-second` for each second of `inbound-interval`,
//!    five more for each 1,000 that wait, and at most `broadcast-max`.
//! 4. An announced order is requested at once from a peer that the node dialled, and `nonpref-delay` later from one
//!    that dialled it; `overloaded-delay` later still if `in-flight` requests to that peer are open.
//! 5. One request for an order is open at a time. Of the peers that may be asked those count that the node dialled, if
//!    there are any, and of these one is drawn.
//! 6. A request fails after `getdata-interval`; then the next peer is asked. None is asked twice. When all have failed,
//!    all are forgotten.
//! 7. No more than `announcements` of one peer are remembered at a time; further ones are ignored.
//! 8. With `--detect` a peer that is down is left out: what it announced is forgotten, and nothing is queued for it
//!    until it is back.
//!
//! Poisson processes have no memory, so that a timer runs only while there is something to announce. Bitcoin Core looks
//! at its timers every 100 ms, sorts a queue by fees, and disconnects from peers that misbehave: not modelled.

mod knobs;
mod missing_transactions;
mod relay_links;
mod requests;
mod waiting_orders;

pub use knobs::BitcoinKnobs;

use super::{Context, Protocol, ProtocolState, ShardView, Targets, announcements, speaks};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, KindNames, Message, OrderHop, RareTail, TAIL_WORDS_MAX};
use crate::random;
use crate::time::Nanos;
use knobs::LONG_QUEUE;
use missing_transactions::MissingTransactions;
use relay_links::{Bits, RelayLinks};
use std::ops::Range;
use waiting_orders::WaitingOrders;

/// The relay of Bitcoin Core.
#[derive(Clone, Copy, Debug, Default)]
pub struct BitcoinRelay {
    knobs: BitcoinKnobs,
}

impl BitcoinKnobs {
    /// Returns the bytes of the state of `nodes` nodes with `links` links counted at both ends, while one order is
    /// announced over each of them.
    pub(crate) fn state_bytes(nodes: u64, links: u64) -> u64 {
        let by_node = MissingTransactions::NODE_BYTES + WaitingOrders::NODE_BYTES;
        let by_link = RelayLinks::LINK_BYTES + MissingTransactions::ANNOUNCER_BYTES;
        nodes.saturating_mul(by_node as u64).saturating_add(links.saturating_mul(by_link as u64))
    }
}

impl BitcoinRelay {
    /// Creates a relay with these times and limits.
    pub fn new(knobs: BitcoinKnobs) -> BitcoinRelay {
        BitcoinRelay { knobs }
    }
}

/// The queues, announcements and requests of the nodes of a shard.
#[derive(Debug)]
pub struct BitcoinRelayState {
    knobs: BitcoinKnobs,
    /// Announcements of a trickle from a short queue at most.
    short_trickle_max: u32,
    links: RelayLinks,
    /// Orders that wait to be announced.
    waiting: WaitingOrders,
    /// By node, set while a trickle to the peers that dialled it is due.
    inbound_due: Bits,
    /// The orders that were announced to nodes that do not have them.
    missing: MissingTransactions,
    /// Orders of one message; empty between events.
    orders: Vec<OrderHop>,
    /// Orders to request, each with the peer that is asked; empty between events.
    chosen: Vec<(NodeId, OrderHop)>,
}

/// The token of the timer of the trickle to all peers that dialled the node. Tokens below it are the places of links
/// that the node dialled.
const INBOUND: u64 = 1 << 32;

/// The purpose of the draw of a trickle to all peers that dialled the node. For a trickle to one peer it is the place
/// of its link.
const INBOUND_TRICKLE: u32 = 1 << 31;

/// The place among the counted actions: each order that an announcement lists.
const ANNOUNCED: u8 = 0;

impl BitcoinRelayState {
    /// Delivers an order, and queues it for the peers that are not known to have it (rule 1).
    fn receive_order<C: Context>(
        &mut self,
        context: &mut C,
        order: OrderIndex,
        from: NodeId,
        order_hop: Option<OrderHop>,
    ) {
        if !context.deliver(order) {
            return;
        }
        let links = context.links();
        let mut to = self.links.up(links.clone());
        self.forget(context, order, |announcer| to.remove(announcer));
        let Some(order_hop) = order_hop else { return };
        if let Some(sender) = context.link_of(from) {
            to.remove(sender - links.start);
        }
        self.waiting.push(context.local(), order_hop, &to);
        for place in to.iter() {
            self.schedule(context, links.start, place);
        }
    }

    /// Sets the timer of the next trickle of a link whose queue is not empty, unless it is set (rule 2). The link is
    /// given by the first of its node's and its place among these.
    #[inline]
    fn schedule<C: Context>(&mut self, context: &mut C, first: u32, place: u32) {
        let link = first + place;
        if self.is_due(context.local(), link) {
            return;
        }
        let (mean, purpose, token) = if self.links.is_outbound(link) {
            self.links.set_due(link, true);
            (self.knobs.outbound_interval, place, u64::from(place))
        } else {
            self.inbound_due.set(context.local() as u32, true);
            (self.knobs.inbound_interval, INBOUND_TRICKLE, INBOUND)
        };
        // By the time, of which no process has two timers.
        let after = random::exponential(mean.0, context.draw(purpose, context.now().0));
        context.wake_at(context.now() + Nanos(after), token);
    }

    /// Returns true if a trickle over a link is due. No order waits at a link over which none is.
    #[inline]
    fn is_due(&self, local: usize, link: u32) -> bool {
        if self.links.is_outbound(link) { self.links.is_due(link) } else { self.inbound_due.get(local as u32) }
    }

    /// Announces the oldest orders of a queue in one message, or in several if they do not fit into one (rule 3).
    fn trickle<C: Context>(&mut self, context: &mut C, links: &Range<u32>, place: u32) {
        let node = (context.local(), links.len());
        // The queue is no longer than the list of the node, and only that of a long one has to be counted.
        let listed = self.waiting.listed(context.local());
        let queued = if listed < LONG_QUEUE { listed } else { self.waiting.count(node, place) };
        let most = self.knobs.trickle_max(self.short_trickle_max, queued);
        let mut orders = std::mem::take(&mut self.orders);
        let has_more = self.waiting.take(node, place, most as usize, &mut orders);
        if !orders.is_empty() {
            context.tally(ANNOUNCED, orders.len() as u64);
            let peer = context.peers()[place as usize];
            announcements::forward(context, peer, Kind::HAVE, &orders);
            orders.clear();
        }
        self.orders = orders;
        if has_more {
            self.schedule(context, links.start, place);
        }
    }
}

impl Protocol for BitcoinRelay {
    type State = BitcoinRelayState;
    type Tail = RareTail;

    const ORDERS_PER_EVENT_MAX: u32 = 1;

    const TARGETS: Targets = Targets::Others;

    const NEEDS_PEERS: bool = true;

    const WATCHES_PEERS: bool = true;

    const KINDS: KindNames = &[(Kind::HAVE, "inv"), (Kind::WANT, "getdata")];

    const TALLIES: &'static [&'static str] = &["orders announced"];

    fn for_shard(&self, view: &ShardView<'_>) -> BitcoinRelayState {
        BitcoinRelayState {
            knobs: self.knobs,
            short_trickle_max: self.knobs.short_trickle_max(),
            links: RelayLinks::new(view),
            waiting: WaitingOrders::new(view.size()),
            inbound_due: Bits::new(view.size(), false),
            missing: MissingTransactions::new(view.size()),
            orders: Vec::new(),
            chosen: Vec::new(),
        }
    }

    fn admits(&self, message: &Message, tail: &[u64], orders: u32) -> bool {
        speaks::<BitcoinRelay>(message.kind)
            && tail.len() <= self.tail_words_max()
            && announcements::is_list(tail, orders)
    }

    fn tail_words_max(&self) -> usize {
        TAIL_WORDS_MAX
    }
}

impl ProtocolState for BitcoinRelayState {
    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        let me = context.me();
        self.receive_order(context, order, me, OrderHop::from_origin(order, ttl));
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        match message.kind {
            Kind::HAVE => self.receive_announcement(context, message, tail),
            Kind::WANT => announcements::send_requested(context, message, tail),
            Kind::PAYLOAD => self.receive_order(context, message.order, message.from, message.next_hop()),
            // No other kind is admitted.
            _ => {}
        }
    }

    #[inline(always)]
    fn prefetch(&self, view: &ShardView<'_>, node: NodeId, _: OrderIndex, kind: Option<Kind>) {
        if kind == Some(Kind::WANT) {
            // The order is sent, whatever the node knows of its peers.
            return;
        }
        let local = view.local(node);
        self.missing.prefetch(local);
        self.waiting.prefetch(local);
        view.prefetch_peers(node);
        if kind == Some(Kind::PAYLOAD) {
            self.links.prefetch_counts(view.links_of(node));
        }
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        let links = context.links();
        match token {
            INBOUND => {
                self.inbound_due.set(context.local() as u32, false);
                for (link, place) in links.clone().zip(0..) {
                    if !self.links.is_outbound(link) {
                        self.trickle(context, &links, place);
                    }
                }
                self.waiting.compact((context.local(), links.len()));
            }
            place if place < INBOUND => {
                let place = place as u32;
                self.links.set_due(links.start + place, false);
                self.trickle(context, &links, place);
                self.waiting.compact((context.local(), links.len()));
            }
            // The only other token is that of requests.
            _ => self.send_due_requests(context),
        }
    }

    /// Leaves out a peer that is down, as after a connection that breaks (rule 8).
    fn handle_peer<C: Context>(&mut self, context: &mut C, peer: NodeId, is_up: bool) {
        let Some(link) = context.link_of(peer) else { return };
        self.links.set_down(link, !is_up);
        if is_up {
            // With a membership protocol it may be another peer.
            self.links.set_outbound(link, context.dialled(link));
        } else {
            let (all, mut orders) = (context.links(), std::mem::take(&mut self.orders));
            self.waiting.take((context.local(), all.len()), link - all.start, usize::MAX, &mut orders);
            self.waiting.compact((context.local(), all.len()));
            orders.clear();
            self.orders = orders;
            self.forget_announcer(context, link);
        }
    }

    /// Counts the orders that are announced and not there, and those that wait to be announced.
    fn awaited(&self) -> u64 {
        self.missing.count() + self.waiting.total()
    }

    fn name_awaited(&self, mut name: impl FnMut(OrderIndex)) {
        self.missing.orders().for_each(&mut name);
        self.waiting.for_each(name);
    }

    fn name_in_tail(&self, tail: &[u64], name: impl FnMut(OrderIndex)) {
        announcements::name_in_tail(tail, name);
    }
}

#[cfg(test)]
mod tests;
