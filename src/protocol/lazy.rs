//! Lazy push: a node announces each new order to its targets, and sends it to those that request it. The order itself
//! thus crosses the network once per node, and only small control messages are repeated.
//!
//! ```text
//! has the order ── have ──> target     has it too: ignores the announcement
//!               <── want ──            is without it: requests it from the first announcer, and sets a timer
//!               ── order ─>            delivers it, and announces it in turn
//!                                      the timer fires first: requests it from the next announcer
//! ```
//!
//! Like INV, GETDATA and TX in Bitcoin, and IHAVE and GRAFT in Plumtree (Leitão, Pereira, Rodrigues: *Epidemic
//! Broadcast Trees*, 2007). The targets are those of push, drawn with `fanout`, so that without loss both protocols
//! reach the same nodes.
//!
//! With an interval between announcements a node gathers orders, and names in one message all that a target is to learn
//! of, as Bitcoin and GossipSub do; a receiver likewise requests them in one message. An order then waits up to one
//! interval per node, and a bulk of orders takes a fraction of the messages.
//!
//! All state is bounded: a request remembers at most [`ANNOUNCERS`] nodes, is sent at most [`TRIES`] times, and is
//! closed when the order arrives or the tries are used up; a node sends only orders within its window; and it announces
//! each order once.
//!
//! A lost announcement is not repeated: those of other nodes make up for it, or nothing does.
//!
//! Rejected alternative: a table of the orders that each peer is known to have, as Bitcoin keeps it. It would save the
//! announcement back to the sender of the order, which `--exclude-sender` saves as well.

use super::request_table::RequestTable;
use super::{
    Announcement, Context, Knob, Knobs, Preset, Protocol, ProtocolState, ShardView, announcements, knobs, speaks,
};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, KindNames, Message, OrderHop, RareTail, TAIL_WORDS_MAX};
use crate::time::Nanos;
use smallvec::SmallVec;

/// Announcers that a request remembers and asks in turn.
const ANNOUNCERS: usize = 4;

/// Requests that a node sends for an order before it gives up. A later announcement starts again.
const TRIES: u8 = 8;

/// The token of a timer to announce. Tokens below it are the indices of requested orders.
const ANNOUNCE: u64 = 1 << 32;

/// The knobs of lazy push; each is `None` for the option of the same name, or its default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LazyKnobs {
    /// Peers to which a node announces an order.
    pub fanout: Option<u32>,
    /// Time that a node waits for an order it has requested.
    pub retry: Option<Nanos>,
    /// Time for which a node gathers orders before it announces them; 0 for none.
    pub announce_interval: Option<Nanos>,
}

impl Knobs for LazyKnobs {
    const PRESETS: &'static [Preset<LazyKnobs>] = &[];

    const KNOBS: &'static [Knob<LazyKnobs>] = &[
        Knob {
            name: "fanout",
            help: "peers to which a node announces an order; also --fanout",
            read: |knobs, text| knobs::or_default(text, knobs::fanout).map(|fanout| knobs.fanout = fanout),
            show: |knobs| knobs.fanout.map_or_else(knobs::default_text, |fanout| fanout.to_string()),
        },
        Knob {
            name: "retry",
            help: "time before a node requests again; also --retry",
            read: |knobs, text| {
                let rule = "a time to ask again is above 0 and below 584 years; write 500ms, 2s or 40us";
                let read = |text: &str| knobs::span(text, Nanos(1)..=Nanos::MAX, rule);
                knobs::or_default(text, read).map(|retry| knobs.retry = retry)
            },
            show: |knobs| knobs.retry.map_or_else(knobs::default_text, Nanos::written),
        },
        Knob {
            name: "announce-interval",
            help: "time for which a node gathers orders before it announces them; also --announce-interval",
            read: |knobs, text| {
                let rule = "an interval is below 584 years; write 10ms or 2s, or 0 to announce each order at once";
                let read = |text: &str| knobs::span(text, Nanos::ZERO..=Nanos::MAX, rule);
                knobs::or_default(text, read).map(|interval| knobs.announce_interval = interval)
            },
            show: |knobs| knobs.announce_interval.map_or_else(knobs::default_text, Nanos::written),
        },
    ];
}

/// Lazy push, with the times that its nodes wait.
#[derive(Clone, Copy, Debug)]
pub struct Lazy {
    /// Time that a node waits for an order it has requested.
    retry: Nanos,
    /// Time for which a node gathers orders before it announces them; 0 for none.
    interval: Nanos,
}

/// The orders that the nodes of a shard have requested and gathered, by node.
#[derive(Debug)]
pub struct LazyState {
    lazy: Lazy,
    requests: RequestTable<Request>,
    /// Announcements that each node is still to send; empty if nothing is ever gathered.
    gathered: Vec<Vec<Announcement>>,
    gathering: usize,
}

/// One node's request for one order.
// Packed, because the numbers that the table keeps beside it would otherwise begin a further word.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(4))]
struct Request {
    /// The nodes that have announced it.
    announcers: [NodeId; ANNOUNCERS],
    /// By announcer, the TTL and the hop that the order would arrive with.
    hops: [(u8, u8); ANNOUNCERS],
    /// Number of announcers.
    known: u8,
    /// Requests sent so far.
    tries: u8,
    /// The time until which the last request may be answered. A timer that fires earlier belongs to an earlier request.
    due: Nanos,
}

/// A node that has announced an order, with the TTL and the hop that the order would arrive with.
#[derive(Clone, Copy, Debug)]
struct Announcer {
    node: NodeId,
    ttl: u8,
    hop: u8,
}

impl Lazy {
    /// Creates the protocol. A time that the knobs leave open is 500 ms to request again, and none to gather.
    pub fn new(knobs: LazyKnobs) -> Lazy {
        Lazy {
            retry: knobs.retry.unwrap_or(Nanos::from_millis(500)),
            interval: knobs.announce_interval.unwrap_or(Nanos::ZERO),
        }
    }

    /// Returns the bytes that nodes hold from the start.
    pub(crate) fn state_bytes(nodes: u64) -> u64 {
        RequestTable::<Request>::bytes(nodes)
    }

    /// Creates a protocol whose nodes request again after `retry`, and gather orders for `interval` before they
    /// announce them.
    #[cfg(test)]
    pub fn waiting(retry: Nanos, interval: Nanos) -> Lazy {
        Lazy { retry, interval }
    }
}

impl LazyState {
    /// Requests the new ones among the announced orders, all in one message.
    fn receive_announcement<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        let mut wanted: SmallVec<[OrderHop; 1]> = SmallVec::new();
        for order_hop in announcements::order_hops(message, tail) {
            let OrderHop { order, ttl, hop } = order_hop;
            if context.knows(order) {
                continue;
            }
            let announcer = Announcer { node: message.from, ttl, hop };
            let local = context.local();
            match self.requests.get_mut(local, order) {
                // Only one announcer is asked at a time, because each answer carries the whole order.
                Some(request) => request.remember(announcer),
                None => {
                    let mut request = Request::of(announcer);
                    request.turn(context, order, self.lazy.retry);
                    self.requests.open_request(local, order, request);
                    wanted.push(order_hop);
                }
            }
        }
        announcements::send(context, message.from, Kind::WANT, &wanted);
    }

    /// Delivers an order, and announces it if it is new.
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
        self.requests.close(context.local(), order);
        match order_hop {
            Some(order_hop) if self.lazy.interval == Nanos::ZERO => context.announce(Kind::HAVE, order_hop),
            Some(order_hop) => self.gather(context, Announcement { order_hop, from }),
            None => {}
        }
    }

    /// Keeps an announcement until the next time to announce.
    fn gather<C: Context>(&mut self, context: &mut C, announcement: Announcement) {
        let gathered = &mut self.gathered[context.local()];
        if gathered.is_empty() {
            self.gathering += 1;
            context.wake_at(context.now() + self.lazy.interval, ANNOUNCE);
        }
        gathered.push(announcement);
    }
}

impl Protocol for Lazy {
    type State = LazyState;
    type Tail = RareTail;

    const ORDERS_PER_EVENT_MAX: u32 = 1;

    const KINDS: KindNames = &[(Kind::HAVE, "have"), (Kind::WANT, "want")];

    fn for_shard(&self, view: &ShardView<'_>) -> LazyState {
        let gathering = if self.interval == Nanos::ZERO { 0 } else { view.size() };
        LazyState {
            lazy: *self,
            requests: RequestTable::new(view.size()),
            gathered: vec![Vec::new(); gathering],
            gathering: 0,
        }
    }

    fn admits(&self, message: &Message, tail: &[u64], orders: u32) -> bool {
        speaks::<Lazy>(message.kind) && tail.len() <= self.tail_words_max() && announcements::is_list(tail, orders)
    }

    /// Returns 0 without gathering, because each order is then announced and requested by itself.
    fn tail_words_max(&self) -> usize {
        if self.interval == Nanos::ZERO { 0 } else { TAIL_WORDS_MAX }
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
            Kind::WANT => announcements::send_requested(context, message, tail),
            Kind::PAYLOAD => self.receive_order(context, message.order, message.from, message.next_hop()),
            // No other kind is admitted.
            _ => {}
        }
    }

    #[inline(always)]
    fn prefetch(&self, view: &ShardView<'_>, node: NodeId, order: OrderIndex, _: Option<Kind>) {
        self.requests.prefetch(view.local(node), order);
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        if token == ANNOUNCE {
            let gathered = std::mem::take(&mut self.gathered[context.local()]);
            self.gathering -= usize::from(!gathered.is_empty());
            context.announce_all(Kind::HAVE, &gathered);
            return;
        }
        // Every token but `ANNOUNCE` is the index of an order.
        let order = OrderIndex(token as u32);
        let local = context.local();
        let Some(request) = self.requests.get_mut(local, order) else { return };
        if context.now() < { request.due } {
            return;
        }
        // Known without a receipt means forgotten: the order has left the node's window and is not worth another
        // request.
        if request.tries == TRIES || context.knows(order) {
            self.requests.close(local, order);
        } else {
            let (announcer, order_hop) = request.turn(context, order, self.lazy.retry);
            context.send(announcer, Kind::WANT, order_hop);
        }
    }

    /// Counts open requests, because each may yet be repeated, and nodes with gathered announcements.
    fn awaited(&self) -> u64 {
        (self.requests.open() + self.gathering) as u64
    }

    fn name_awaited(&self, name: impl FnMut(OrderIndex)) {
        let gathered = self.gathered.iter().flatten().map(|announcement| announcement.order_hop.order);
        self.requests.orders().chain(gathered).for_each(name);
    }

    fn name_in_tail(&self, tail: &[u64], name: impl FnMut(OrderIndex)) {
        announcements::name_in_tail(tail, name);
    }
}

impl Request {
    fn of(Announcer { node, ttl, hop }: Announcer) -> Request {
        let (announcers, hops) = ([node; ANNOUNCERS], [(ttl, hop); ANNOUNCERS]);
        Request { announcers, hops, known: 1, tries: 0, due: Nanos::ZERO }
    }

    /// Remembers another announcer, if there is room.
    fn remember(&mut self, Announcer { node, ttl, hop }: Announcer) {
        let known = usize::from(self.known);
        if known < ANNOUNCERS && !self.announcers[..known].contains(&node) {
            (self.announcers[known], self.hops[known]) = (node, (ttl, hop));
            self.known += 1;
        }
    }

    /// Moves a request to its next announcer and sets its deadline; returns the announcer and the request.
    fn turn<C: Context>(&mut self, context: &mut C, order: OrderIndex, retry: Nanos) -> (NodeId, OrderHop) {
        // In turn, so that a single announcer that is down or hostile cannot use up all tries.
        let turn = usize::from(self.tries % self.known);
        let (node, (ttl, hop)) = (self.announcers[turn], self.hops[turn]);
        self.tries += 1;
        self.due = context.now() + retry;
        context.wake_at(self.due, u64::from(order.0));
        (node, OrderHop { order, ttl, hop })
    }
}

#[cfg(test)]
mod tests;
