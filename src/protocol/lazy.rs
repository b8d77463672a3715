//! Announce and request: a node that has news says so to its targets, and hands it to those that ask. So the order itself
//! crosses the network once per node, and what is repeated are small control messages.
//!
//! ```text
//! has news ── have ──> target     knows it: nothing
//!          <── want ──            does not: asks the first that says so, and sets a time
//!          ── order ─>            takes it in, and has news
//!                                 the time comes first: asks the next that said so
//! ```
//!
//! As INV, GETDATA and TX in Bitcoin, and IHAVE and GRAFT in Plumtree (Leitão, Pereira, Rodrigues: *Epidemic Broadcast
//! Trees*, 2007). The targets are those of push, drawn with `fanout`, so that without loss both reach the same nodes.
//!
//! With an interval between announcements a node gathers its news, and says all that a target is to hear of in one message, as
//! Bitcoin and GossipSub do; so do those that ask for what they heard of together. An order then waits up to an interval at
//! each node, and a bulk of them takes a fraction of the messages.
//!
//! Everything is bounded: a request remembers [`ANNOUNCERS`] that it can ask, asks [`TRIES`] times at most, and is gone
//! once the order has come or nobody is left to ask; what a node hands on is what it holds, which is bounded by its window; and
//! it announces an order once.
//!
//! An announcement is made once: one that is lost is made up for by those of others, or not at all.
//!
//! What was refused: a table of what each peer knows already, as Bitcoin keeps it. It would save the announcement back
//! to whom the order came from, which `--exclude-sender` saves as well.

use super::announcements::{self, Announcement};
use super::{Context, Protocol};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop, TAIL_WORDS_MAX};
use crate::time::Nanos;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Nodes that a request can ask, by turns.
const ANNOUNCERS: usize = 4;

/// How often a node asks for an order before it lets it be. A later announcement begins anew.
const TRIES: u8 = 8;

/// The token of a time to announce; orders have theirs below.
const ANNOUNCE: u64 = 1 << 32;

/// Lazy push: requests that await an order, of all nodes of a shard.
#[derive(Clone, Debug)]
pub struct Lazy {
    /// How long a node waits for what it asked for.
    retry: Nanos,
    /// How long it gathers news before it announces it; 0 for no time at all.
    interval: Nanos,
    /// In the order of nodes, though nothing is ever decided by an order.
    requests: BTreeMap<(NodeId, OrderIndex), Request>,
    /// What each node has to announce.
    gathered: BTreeMap<NodeId, Vec<Announcement>>,
}

/// One node's request for one order.
#[derive(Clone, Copy, Debug)]
struct Request {
    /// Who has announced it, and the step that it would be from there.
    announcers: [(NodeId, Step); ANNOUNCERS],
    /// How many there are.
    known: u8,
    /// How often one has been asked.
    tries: u8,
    /// Until when the last one has time. Whatever rings before was meant for an earlier one.
    due: Nanos,
}

/// The TTL and the hop that an order would come with.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    ttl: u8,
    hop: u8,
}

impl Lazy {
    /// A protocol whose nodes ask again after `retry`, and gather their news for so long before they announce it.
    pub fn new(retry: Nanos, interval: Nanos) -> Lazy {
        Lazy { retry, interval, requests: BTreeMap::new(), gathered: BTreeMap::new() }
    }

    /// Somebody says that it has orders. Asked for is what is new, all with one message.
    fn receive_announcement<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        let mut wanted: SmallVec<[OrderHop; 1]> = SmallVec::new();
        for step in announcements::steps(message, tail) {
            if context.knows(step.order) {
                continue;
            }
            let announcer = (message.from, Step { ttl: step.ttl, hop: step.hop });
            match self.requests.entry((context.me(), step.order)) {
                Entry::Occupied(mut request) => request.get_mut().remember(announcer),
                Entry::Vacant(place) => {
                    place.insert(Request::of(announcer)).turn(context, step.order, self.retry);
                    wanted.push(step);
                }
            }
        }
        announcements::send(context, message.from, Kind::Want, &wanted);
    }

    /// Takes an order in, and announces it if that was news.
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
        self.requests.remove(&(context.me(), order));
        match order_hop {
            Some(order_hop) if self.interval == Nanos::ZERO => context.announce(Kind::Have, order_hop),
            Some(order_hop) => self.gather(context, Announcement { order_hop, from }),
            None => {}
        }
    }

    /// Keeps news until it is time to announce.
    fn gather<C: Context>(&mut self, context: &mut C, news: Announcement) {
        let gathered = self.gathered.entry(context.me()).or_default();
        if gathered.is_empty() {
            context.wake_at(context.now() + self.interval, ANNOUNCE);
        }
        gathered.push(news);
    }
}

impl Protocol for Lazy {
    const HAS_CONTROL: bool = true;

    type Tail = Box<[u64]>;

    fn admits(&self, _: &Message, tail: &[u64], orders: u32) -> bool {
        tail.len() <= self.tail_words_max() && announcements::is_list(tail, orders)
    }

    /// Where nothing is gathered, one order is announced at a time and asked for at a time.
    fn tail_words_max(&self) -> usize {
        if self.interval == Nanos::ZERO { 0 } else { TAIL_WORDS_MAX }
    }

    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        let me = context.me();
        self.receive_order(context, order, me, OrderHop::from_origin(order, ttl));
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        match message.kind {
            Kind::Have => self.receive_announcement(context, message, tail),
            Kind::Want => {
                for step in announcements::steps(message, tail) {
                    if context.holds(step.order) {
                        context.send(message.from, Kind::Payload, step);
                    }
                }
            }
            Kind::Payload => self.receive_order(context, message.order, message.from, message.next_hop()),
        }
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        if token == ANNOUNCE {
            if let Some(news) = self.gathered.remove(&context.me()) {
                context.announce_all(Kind::Have, &news);
            }
            return;
        }
        // Tokens are this protocol's own, so that this is an order's index again.
        let order = OrderIndex(token as u32);
        let key = (context.me(), order);
        let Some(request) = self.requests.get_mut(&key) else { return };
        if context.now() < request.due {
            return;
        }
        if request.tries == TRIES || context.knows(order) {
            self.requests.remove(&key);
        } else {
            let (announcer, order_hop) = request.turn(context, order, self.retry);
            context.send(announcer, Kind::Want, order_hop);
        }
    }

    /// A request that awaits its order may yet ask again, and what was gathered is yet to be announced.
    fn is_idle(&self) -> bool {
        self.requests.is_empty() && self.gathered.is_empty()
    }

    fn name_awaited(&self, name: impl FnMut(OrderIndex)) {
        let gathered = self.gathered.values().flatten().map(|news| news.order_hop.order);
        self.requests.keys().map(|&(_, order)| order).chain(gathered).for_each(name);
    }

    fn name_behind(tail: &[u64], name: impl FnMut(OrderIndex)) {
        announcements::behind(tail).map(|step| step.order).for_each(name);
    }
}

impl Request {
    fn of(announcer: (NodeId, Step)) -> Request {
        Request { announcers: [announcer; ANNOUNCERS], known: 1, tries: 0, due: Nanos::ZERO }
    }

    /// Remembers one more that has the order, if there is room.
    fn remember(&mut self, announcer: (NodeId, Step)) {
        let known = &self.announcers[..usize::from(self.known)];
        if usize::from(self.known) < ANNOUNCERS && known.iter().all(|one| one.0 != announcer.0) {
            self.announcers[usize::from(self.known)] = announcer;
            self.known += 1;
        }
    }

    /// Turns to the next that is to be asked, and sets it a time; gives whom, and for what.
    fn turn<C: Context>(&mut self, context: &mut C, order: OrderIndex, retry: Nanos) -> (NodeId, OrderHop) {
        let (announcer, Step { ttl, hop }) = self.announcers[usize::from(self.tries % self.known)];
        self.tries += 1;
        self.due = context.now() + retry;
        context.wake_at(self.due, u64::from(order.0));
        (announcer, OrderHop { order, ttl, hop })
    }
}

#[cfg(test)]
mod tests;
