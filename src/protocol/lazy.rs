//! Announce and request: a node that has news says so to its targets, and hands it to those that ask. So the order
//! itself crosses the network once per node, and what is repeated are small control messages.
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
//! With an interval between announcements a node gathers its news, and says all that a target is to hear of in one
//! message, as Bitcoin and GossipSub do; so do those that ask for what they heard of together. An order then waits up
//! to an interval at each node, and a bulk of them takes a fraction of the messages.
//!
//! Everything is bounded: a request remembers [`ANNOUNCERS`] that it can ask, asks [`TRIES`] times at most, and is gone
//! once the order has come or nobody is left to ask; what a node hands on is what it holds, which is bounded by its
//! window; and it announces an order once.
//!
//! An announcement is made once: one that is lost is made up for by those of others, or not at all.
//!
//! Rejected alternative: a table of the orders that each peer is known to have, as Bitcoin keeps it. It would save the
//! announcement back to the node that the order came from, which `--exclude-sender` saves as well.

use super::{Announcement, Context, Protocol, ProtocolState, ShardView, announcements, speaks};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop, TAIL_WORDS_MAX};
use crate::time::Nanos;
use smallvec::SmallVec;

/// Nodes that a request can ask, by turns.
const ANNOUNCERS: usize = 4;

/// Requests that a node sends for an order before it gives up. A later announcement starts again.
const TRIES: u8 = 8;

/// The token of a time to announce; orders have theirs below.
const ANNOUNCE: u64 = 1 << 32;

/// Lazy push: how long its nodes wait.
#[derive(Clone, Copy, Debug)]
pub struct Lazy {
    /// Time that a node waits for an order it has requested.
    retry: Nanos,
    /// Time for which a node gathers orders before it announces them; 0 for none.
    interval: Nanos,
}

/// The orders that the nodes of a shard await and have gathered, by node.
#[derive(Debug)]
pub struct LazyState {
    lazy: Lazy,
    /// Each node's open requests, in the order of their orders.
    requests: Vec<Vec<(OrderIndex, Request)>>,
    /// Announcements that each node is still to send; empty if nothing is ever gathered.
    gathered: Vec<Vec<Announcement>>,
    /// Open requests, and nodes that have anything to announce.
    open: usize,
    gathering: usize,
}

/// One node's request for one order.
#[derive(Clone, Copy, Debug)]
struct Request {
    /// The nodes that have announced it, each with the step that the order would take from there.
    announcers: [(NodeId, Step); ANNOUNCERS],
    /// Number of announcers.
    known: u8,
    /// Requests sent so far.
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
    /// A protocol whose nodes ask again after `retry`, and gather their news for `interval` before they announce it.
    pub fn new(retry: Nanos, interval: Nanos) -> Lazy {
        Lazy { retry, interval }
    }
}

impl LazyState {
    /// Somebody says that it has orders. Asked for is what is new, all with one message.
    fn receive_announcement<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        let mut wanted: SmallVec<[OrderHop; 1]> = SmallVec::new();
        for step in announcements::steps(message, tail) {
            if context.knows(step.order) {
                continue;
            }
            let announcer = (message.from, Step { ttl: step.ttl, hop: step.hop });
            let requests = &mut self.requests[context.local()];
            match requests.binary_search_by_key(&step.order, |request| request.0) {
                Ok(place) => requests[place].1.remember(announcer),
                Err(place) => {
                    let mut request = Request::of(announcer);
                    request.turn(context, step.order, self.lazy.retry);
                    requests.insert(place, (step.order, request));
                    self.open += 1;
                    wanted.push(step);
                }
            }
        }
        announcements::send(context, message.from, Kind::WANT, &wanted);
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
        self.close(context.local(), order);
        match order_hop {
            Some(order_hop) if self.lazy.interval == Nanos::ZERO => context.announce(Kind::HAVE, order_hop),
            Some(order_hop) => self.gather(context, Announcement { order_hop, from }),
            None => {}
        }
    }

    /// Keeps news until it is time to announce.
    fn gather<C: Context>(&mut self, context: &mut C, news: Announcement) {
        let gathered = &mut self.gathered[context.local()];
        if gathered.is_empty() {
            self.gathering += 1;
            context.wake_at(context.now() + self.lazy.interval, ANNOUNCE);
        }
        gathered.push(news);
    }

    /// Ends a node's request for an order, if it has one.
    fn close(&mut self, local: usize, order: OrderIndex) {
        let requests = &mut self.requests[local];
        if let Ok(place) = requests.binary_search_by_key(&order, |request| request.0) {
            requests.remove(place);
            self.open -= 1;
        }
    }
}

impl Protocol for Lazy {
    type State = LazyState;
    type Tail = Box<[u64]>;

    const KINDS: &'static [(Kind, &'static str)] = &[(Kind::HAVE, "have"), (Kind::WANT, "want")];

    fn for_shard(&self, view: &ShardView<'_>) -> LazyState {
        let gathering = if self.interval == Nanos::ZERO { 0 } else { view.size() };
        LazyState {
            lazy: *self,
            requests: vec![Vec::new(); view.size()],
            gathered: vec![Vec::new(); gathering],
            open: 0,
            gathering: 0,
        }
    }

    fn admits(&self, message: &Message, tail: &[u64], orders: u32) -> bool {
        speaks::<Lazy>(message.kind) && tail.len() <= self.tail_words_max() && announcements::is_list(tail, orders)
    }

    /// Without gathering, each order is announced and requested by itself.
    fn tail_words_max(&self) -> usize {
        if self.interval == Nanos::ZERO { 0 } else { TAIL_WORDS_MAX }
    }

    fn name_behind(tail: &[u64], name: impl FnMut(OrderIndex)) {
        announcements::behind(tail).map(|step| step.order).for_each(name);
    }
}

impl ProtocolState for LazyState {
    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        let me = context.me();
        self.receive_order(context, order, me, OrderHop::from_origin(order, ttl));
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        match message.kind {
            Kind::HAVE => self.receive_announcement(context, message, tail),
            Kind::WANT => {
                for step in announcements::steps(message, tail) {
                    if context.holds(step.order) {
                        context.send(message.from, Kind::PAYLOAD, step);
                    }
                }
            }
            Kind::PAYLOAD => self.receive_order(context, message.order, message.from, message.next_hop()),
            // Nothing of another kind is admitted.
            _ => {}
        }
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        if token == ANNOUNCE {
            let news = std::mem::take(&mut self.gathered[context.local()]);
            self.gathering -= usize::from(!news.is_empty());
            context.announce_all(Kind::HAVE, &news);
            return;
        }
        // Tokens are this protocol's own, so that this is an order's index again.
        let order = OrderIndex(token as u32);
        let local = context.local();
        let requests = &mut self.requests[local];
        let Ok(place) = requests.binary_search_by_key(&order, |request| request.0) else { return };
        let request = &mut requests[place].1;
        if context.now() < request.due {
            return;
        }
        if request.tries == TRIES || context.knows(order) {
            self.close(local, order);
        } else {
            let (announcer, order_hop) = request.turn(context, order, self.lazy.retry);
            context.send(announcer, Kind::WANT, order_hop);
        }
    }

    /// A request that awaits its order may yet ask again, and what was gathered is yet to be announced.
    fn is_idle(&self) -> bool {
        self.open == 0 && self.gathering == 0
    }

    fn name_awaited(&self, name: impl FnMut(OrderIndex)) {
        let gathered = self.gathered.iter().flatten().map(|news| news.order_hop.order);
        self.requests.iter().flatten().map(|&(order, _)| order).chain(gathered).for_each(name);
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

    /// Moves a request to its next announcer and sets its deadline; returns the announcer and the request.
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
