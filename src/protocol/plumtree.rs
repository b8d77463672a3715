//! Plumtree: epidemic broadcast trees. The first orders flood the overlay, and every copy too many prunes the link over
//! which it came; what is left is a tree that carries each order once. The other links carry announcements, by which
//! the tree repairs itself.
//!
//! The rules are those of Leitão, Pereira and Rodrigues (*Epidemic Broadcast Trees*, SRDS 2007; DI-FCUL TR-07-14 with
//! its correction of 2019). An order is called a gossip there, a hop a round:
//!
//! 1. Every link begins *eager*. The others are *lazy*; together they are the links of the node.
//! 2. A new order: deliver it, cancel its timer, send it to all eager peers but its sender at once, announce it to the
//!    lazy ones (IHAVE); the sender becomes eager.
//! 3. An order received before: its sender becomes lazy, and is sent a PRUNE.
//! 4. A PRUNE: its sender becomes lazy.
//! 5. An announcement of an unknown order: remember the announcer and the hop; if no timer runs for the order, start
//!    timer 1.
//! 6. A timer: take the first announcer off the list, make it eager, send it a GRAFT for the order, and start timer 2
//!    for the next announcer.
//! 7. A GRAFT: its sender becomes eager, and is sent the order if that is still cached.
//! 8. Optimisation: if a new order came at hop r and was announced at hop r', with r - r' at or above the threshold,
//!    send the announcer a GRAFT without an order, and the order's sender a PRUNE.
//! 9. A peer that comes back is eager; one that has gone down loses its link, and what it announced is forgotten.
//!
//! Three variants are in use, as presets ([`PlumtreeKnobs`]): `paper`; `iroh` (iroh-gossip 0.101), where a new order
//! does not make its sender eager; and `multi`, with the rules of Corrosion's plum-foca for many senders, where a peer
//! is pruned after five duplicates of an order, at most once a second, and not within three minutes of a GRAFT, and
//! where each end decides on its own to whom it is eager at first.
//!
//! With one sender the tree costs N - 1 copies of an order. With many, a tree that suits one of them is too deep for
//! another, and announcements overtake orders: GRAFTs then bring duplicates back, unless timer 1 is longer than the
//! tree is deep.
//!
//! All state is bounded: a byte per link, for each order that a node misses at most one announcer per link, for each
//! order that it gathers one announcement per link, and a cache with limits of its own. Messages from strangers, and
//! control messages over links that are down, change nothing.
//!
//! Left out of Corrosion: its two ring neighbours that are never pruned and its choice of peers by round-trip time,
//! which need a list of all nodes. Here the overlay says who may be a peer.

mod knobs;
mod lazy_queue;
mod missing_orders;
mod peer_links;
mod sent_orders;
#[cfg(test)]
mod tests;

pub use knobs::{EagerLinks, PlumtreeKnobs};

use super::{Context, Protocol, ProtocolState, ShardView, Targets, announcements, speaks};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, KindNames, Message, OrderHop, RareTail, TAIL_WORDS_MAX};
use crate::time::Nanos;
use lazy_queue::LazyQueue;
use missing_orders::{MissingOrder, MissingOrders, OrderAnnouncer};
use peer_links::PeerLinks;
use sent_orders::SentOrders;

/// Asks for an order, and makes its sender eager.
const GRAFT: Kind = Kind(4);
/// Makes its sender lazy.
const PRUNE: Kind = Kind(5);
/// Makes its sender eager, and asks for nothing.
const LINK_GRAFT: Kind = Kind(6);

/// The token of the timer that announces. Tokens below it are the indices of missing orders.
const ANNOUNCE: u64 = 1 << 32;

const GRAFTS: u8 = 0;
const PRUNES: u8 = 1;
const OPTIMISATIONS: u8 = 2;
const REPAIRS: u8 = 3;
const SUPPRESSED_PRUNES: u8 = 4;

/// Plumtree, with its knobs.
#[derive(Clone, Copy, Debug)]
pub struct Plumtree {
    knobs: PlumtreeKnobs,
}

/// The links of a shard's nodes, and the orders that the nodes miss and are to announce.
#[derive(Debug)]
pub struct PlumtreeState {
    knobs: PlumtreeKnobs,
    links: PeerLinks,
    missing: MissingOrders,
    queue: LazyQueue,
    sent: SentOrders,
    /// Recipients of one forward; empty between events.
    recipients: Vec<NodeId>,
}

impl PlumtreeKnobs {
    /// Returns the bytes that nodes hold from the start, with `links` links counted at both ends.
    pub(crate) fn state_bytes(&self, nodes: u64, links: u64) -> u64 {
        let by_node = LazyQueue::node_bytes(self) + SentOrders::node_bytes(self);
        let by_link = links.saturating_mul(PeerLinks::link_bytes(self) as u64);
        nodes.saturating_mul(by_node as u64).saturating_add(by_link).saturating_add(MissingOrders::bytes(nodes))
    }
}

impl Plumtree {
    /// Creates the protocol with these knobs.
    pub fn new(knobs: PlumtreeKnobs) -> Plumtree {
        Plumtree { knobs }
    }
}

impl Protocol for Plumtree {
    type State = PlumtreeState;
    type Tail = RareTail;

    const KINDS: KindNames = &[(Kind::HAVE, "ihave"), (GRAFT, "graft"), (PRUNE, "prune"), (LINK_GRAFT, "graft-link")];
    const TARGETS: Targets = Targets::Others;
    const NEEDS_PEERS: bool = true;
    const WATCHES_PEERS: bool = true;
    const ORDERS_PER_EVENT_MAX: u32 = 1;
    const TALLIES: &'static [&'static str] =
        &["grafts", "prunes", "optimisations", "orders sent on a graft", "prunes suppressed"];

    fn for_shard(&self, view: &ShardView<'_>) -> PlumtreeState {
        PlumtreeState {
            knobs: self.knobs,
            links: PeerLinks::new(&self.knobs, view),
            missing: MissingOrders::new(view.size()),
            queue: LazyQueue::new(&self.knobs, view.size()),
            sent: SentOrders::new(&self.knobs, view.size()),
            recipients: Vec::new(),
        }
    }

    fn admits(&self, message: &Message, tail: &[u64], orders: u32) -> bool {
        let words_max = if message.kind == Kind::HAVE { self.tail_words_max() } else { 0 };
        speaks::<Plumtree>(message.kind) && tail.len() <= words_max && announcements::is_list(tail, orders)
    }

    /// Returns 0 without batching, because each order is then announced by itself.
    fn tail_words_max(&self) -> usize {
        if self.knobs.dispatch_timeout == Nanos::ZERO { 0 } else { TAIL_WORDS_MAX }
    }
}

impl ProtocolState for PlumtreeState {
    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        if context.deliver(order) {
            self.missing.remove(context.local(), order);
            self.sent.insert(context.local(), order, context.now());
            self.push(context, OrderHop::from_origin(order, ttl), None);
        }
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        let link = context.link_of(message.from);
        if message.kind == Kind::PAYLOAD {
            return self.receive_order(context, message, link);
        }
        let Some(link) = link.filter(|&link| self.links.is_up(link)) else { return };
        match message.kind {
            Kind::HAVE => self.receive_announcement(context, message, tail, link),
            PRUNE => self.links.set_lazy(link),
            GRAFT => self.receive_graft(context, message, link),
            LINK_GRAFT => self.links.set_eager(link),
            // No other kind is admitted.
            _ => {}
        }
    }

    #[inline(always)]
    fn prefetch(&self, view: &ShardView<'_>, node: NodeId, order: OrderIndex, kind: Option<Kind>) {
        let local = view.local(node);
        view.prefetch_peers(node);
        self.links.prefetch(view.links_of(node));
        if kind.is_none_or(|kind| kind == Kind::PAYLOAD) {
            self.sent.prefetch(local);
            self.queue.prefetch(local);
        }
        if matches!(kind, Some(Kind::PAYLOAD | Kind::HAVE)) {
            self.missing.prefetch(local, order);
        }
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        if token == ANNOUNCE {
            self.queue.announce(context, Kind::HAVE, &mut self.recipients);
        } else {
            // Every other token is the index of an order.
            self.graft_next(context, OrderIndex(token as u32));
        }
    }

    /// Makes a peer that has come back eager, and forgets what one that has gone down announced and was to learn
    /// (rule 9).
    fn handle_peer<C: Context>(&mut self, context: &mut C, peer: NodeId, is_up: bool) {
        let Some(link) = context.link_of(peer) else { return };
        self.links.set_up(link, is_up);
        if !is_up {
            self.missing.forget_announcer(context.local(), link - context.links().start);
            self.queue.forget_peer(context.local(), peer);
        }
    }

    /// Counts missing orders, for each of which a timer runs, and nodes with announcements to send.
    fn awaited(&self) -> u64 {
        self.missing.count() + self.queue.nodes()
    }

    fn name_awaited(&self, mut name: impl FnMut(OrderIndex)) {
        self.missing.orders().for_each(&mut name);
        self.queue.orders().for_each(name);
    }

    fn name_in_tail(&self, tail: &[u64], name: impl FnMut(OrderIndex)) {
        announcements::name_in_tail(tail, name);
    }
}

impl PlumtreeState {
    /// Delivers an order and passes it on if it is new (rule 2); else prunes the link that it came over (rule 3).
    fn receive_order<C: Context>(&mut self, context: &mut C, message: &Message, link: Option<u32>) {
        let (order, link) = (message.order, link.filter(|&link| self.links.is_up(link)));
        if !context.deliver(order) {
            if let Some(link) = link.filter(|_| self.sent.is_over_duplicates(context.local(), order)) {
                self.prune(context, message, link);
            }
            return;
        }
        let nearest = self.missing.remove(context.local(), order).and_then(MissingOrder::nearest);
        self.sent.insert(context.local(), order, context.now());
        self.push(context, message.next_hop(), link);
        let Some(link) = link else { return };
        if self.knobs.promote_sender {
            self.links.set_eager(link);
        }
        if let Some(nearest) = nearest {
            self.optimise(context, message, link, nearest);
        }
    }

    /// Sends an order to the eager peers but its sender, and announces it to the lazy ones. Does nothing for a spent
    /// TTL.
    fn push<C: Context>(&mut self, context: &mut C, order_hop: Option<OrderHop>, from: Option<u32>) {
        let Some(order_hop) = order_hop else { return };
        let others = |links: &PeerLinks, context: &C, is_eager: bool, to: &mut Vec<NodeId>| {
            let all = context.peers().iter().zip(context.links());
            let wanted = all.filter(|&(_, link)| Some(link) != from && links.is_up_and(link, is_eager));
            to.extend(wanted.map(|(&peer, _)| peer));
        };
        others(&self.links, context, true, &mut self.recipients);
        if !self.recipients.is_empty() {
            context.forward(&self.recipients, Kind::PAYLOAD, order_hop, &[]);
            self.recipients.clear();
        }
        others(&self.links, context, false, &mut self.recipients);
        if self.recipients.is_empty() {
            return;
        }
        if self.knobs.dispatch_timeout == Nanos::ZERO {
            context.forward(&self.recipients, Kind::HAVE, order_hop, &[]);
        } else if self.queue.gather(context.local(), order_hop, &self.recipients) {
            context.wake_at(context.now() + self.knobs.dispatch_timeout, ANNOUNCE);
        }
        self.recipients.clear();
    }

    /// Makes the sender of a superfluous order lazy and tells it, unless it was told or asked for an order a short time
    /// ago.
    fn prune<C: Context>(&mut self, context: &mut C, message: &Message, link: u32) {
        if !self.links.may_prune(link, context.now()) {
            return context.tally(SUPPRESSED_PRUNES, 1);
        }
        self.links.set_lazy(link);
        self.links.hold_prunes(link, context.now(), self.knobs.prune_throttle);
        context.send(message.from, PRUNE, message.order_hop());
        context.tally(PRUNES, 1);
    }

    /// Remembers the announcer of each unknown order (rule 5).
    fn receive_announcement<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64], link: u32) {
        let (local, place) = (context.local(), link - context.links().start);
        for OrderHop { order, ttl, hop } in announcements::order_hops(message, tail) {
            if context.knows(order) {
                continue;
            }
            let due = context.now() + self.knobs.graft_timeout_1;
            if self.missing.remember(local, order, OrderAnnouncer { place, ttl, hop }, due) {
                context.wake_at(due, u64::from(order.0));
            }
        }
    }

    /// Asks the next announcer of a missing order for it (rule 6), and gives the order up after the last.
    fn graft_next<C: Context>(&mut self, context: &mut C, order: OrderIndex) {
        let (local, now) = (context.local(), context.now());
        let due = now + self.knobs.graft_timeout_2;
        // Known without a receipt means forgotten: the order has left the node's window.
        let announcer = match self.missing.due(local, order, now) {
            Some(_) if context.knows(order) => None,
            Some(missing) => missing.take_first(due),
            // The timer was for an order that has come meanwhile, or for an earlier request.
            None => return,
        };
        let Some(OrderAnnouncer { place, ttl, hop }) = announcer else {
            self.missing.remove(local, order);
            return;
        };
        let (link, peer) = (context.links().start + place, context.peers()[place as usize]);
        context.wake_at(due, u64::from(order.0));
        self.links.set_eager(link);
        self.links.hold_prunes(link, now, self.knobs.graft_protection);
        context.send(peer, GRAFT, OrderHop { order, ttl, hop });
        context.tally(GRAFTS, 1);
    }

    /// Makes the sender of a GRAFT eager, and sends it the order (rule 7).
    fn receive_graft<C: Context>(&mut self, context: &mut C, message: &Message, link: u32) {
        self.links.set_eager(link);
        if context.holds(message.order) && self.sent.is_cached(context.local(), message.order, context.now()) {
            context.send(message.from, Kind::PAYLOAD, message.order_hop());
            context.tally(REPAIRS, 1);
        }
    }

    /// Moves the tree to an announcer that is much closer to the origin than the sender of an order (rule 8).
    fn optimise<C: Context>(&mut self, context: &mut C, message: &Message, link: u32, nearest: OrderAnnouncer) {
        let Some(threshold) = self.knobs.optimization_threshold else { return };
        let OrderAnnouncer { place, ttl, hop } = nearest;
        let (nearer, peer) = (context.links().start + place, context.peers()[place as usize]);
        if nearer == link || message.hop <= hop || message.hop - hop < threshold {
            return;
        }
        self.links.set_eager(nearer);
        context.send(peer, LINK_GRAFT, OrderHop { order: message.order, ttl, hop });
        context.tally(OPTIMISATIONS, 1);
        if self.knobs.optimization_prune {
            self.prune(context, message, link);
        }
    }
}
