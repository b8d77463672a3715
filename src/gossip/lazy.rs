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
//! Everything is bounded: a request remembers [`ANNOUNCERS`] that it can ask, asks [`TRIES`] times at most, and is gone
//! once the order has come or nobody is left to ask; what a node hands on is what it holds, which is bounded by its window.
//!
//! An announcement is made once: one that is lost is made up for by those of others, or not at all.
//!
//! What was refused: a table of what each peer knows already, as Bitcoin keeps it. It would save the announcement back
//! to whom the order came from, which `--exclude-sender` saves as well.

use super::{Context, Protocol};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, Onward};
use crate::time::Nanos;
use std::collections::BTreeMap;

/// Nodes that a request can ask, by turns.
const ANNOUNCERS: usize = 4;

/// How often a node asks for an order before it lets it be. A later announcement begins anew.
const TRIES: u8 = 8;

/// Lazy push: requests that await an order, of all nodes of a shard.
#[derive(Clone, Debug)]
pub struct Lazy {
    /// How long a node waits for what it asked for.
    retry: Nanos,
    /// In the order of nodes, though nothing is ever decided by an order.
    requests: BTreeMap<(NodeId, OrderIndex), Request>,
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
    /// A protocol whose nodes ask again after `retry`.
    pub fn new(retry: Nanos) -> Lazy {
        Lazy { retry, requests: BTreeMap::new() }
    }

    /// Somebody says that it has an order.
    fn hear_of<C: Context>(&mut self, context: &mut C, message: &Message) {
        if context.knows(message.order) {
            return;
        }
        let announcer = (message.from, Step { ttl: message.ttl, hop: message.hop });
        let key = (context.me(), message.order);
        if let Some(request) = self.requests.get_mut(&key) {
            request.remember(announcer);
            return;
        }
        let mut request = Request::of(announcer);
        request.ask(context, message.order, self.retry);
        self.requests.insert(key, request);
    }

    /// The order itself has come.
    fn take_in<C: Context>(&mut self, context: &mut C, message: &Message) {
        if context.deliver(message.order) {
            self.requests.remove(&(context.me(), message.order));
            if let Some(onward) = message.onward() {
                context.announce(Kind::Have, onward);
            }
        }
    }
}

impl Protocol for Lazy {
    const HAS_CONTROL: bool = true;

    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        if context.deliver(order) {
            self.requests.remove(&(context.me(), order));
            if let Some(onward) = Onward::from_origin(order, ttl) {
                context.announce(Kind::Have, onward);
            }
        }
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message) {
        match message.kind {
            Kind::Have => self.hear_of(context, message),
            Kind::Want if context.holds(message.order) => context.send(message.from, Kind::Payload, message.step()),
            Kind::Want => {}
            Kind::Payload => self.take_in(context, message),
        }
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        // Tokens are this protocol's own, so that it is an order's index again.
        let order = OrderIndex(token as u32);
        let key = (context.me(), order);
        let Some(request) = self.requests.get_mut(&key) else { return };
        if context.now() < request.due {
            return;
        }
        if request.tries == TRIES || context.knows(order) {
            self.requests.remove(&key);
        } else {
            request.ask(context, order, self.retry);
        }
    }

    /// A request that awaits its order may yet ask again.
    fn is_idle(&self) -> bool {
        self.requests.is_empty()
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

    /// Asks the next in turn.
    fn ask<C: Context>(&mut self, context: &mut C, order: OrderIndex, retry: Nanos) {
        let (announcer, Step { ttl, hop }) = self.announcers[usize::from(self.tries % self.known)];
        context.send(announcer, Kind::Want, Onward { order, ttl, hop });
        self.tries += 1;
        self.due = context.now() + retry;
        context.wake_at(self.due, u64::from(order.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gossip::desk::{Act, Desk, payload};

    const RETRY: Nanos = Nanos(100);

    fn heard(kind: Kind, from: u32) -> Message {
        step(from).message(kind, NodeId(from), NodeId(1))
    }

    /// What node `from` announces: each another hop, so that they can be told apart.
    fn step(from: u32) -> Onward {
        Onward { order: OrderIndex(0), ttl: 5, hop: from as u8 }
    }

    fn asked(whom: u32) -> Act {
        Act::Sent(NodeId(whom), Kind::Want, step(whom))
    }

    /// What a node that has heard of the order from these does at each of so many times.
    fn ring(lazy: &mut Lazy, desk: &mut Desk, times: u64) -> Vec<Act> {
        for _ in 0..times {
            desk.time = desk.time + RETRY;
            lazy.handle_timeout(desk, 0);
        }
        desk.acts.drain(..).filter(|act| matches!(act, Act::Sent(..))).collect()
    }

    #[test]
    fn the_first_announcer_is_asked_and_the_order_is_announced_once() {
        let (mut lazy, mut desk) = (Lazy::new(RETRY), Desk::default());
        for from in [2, 3, 2] {
            lazy.handle_message(&mut desk, &heard(Kind::Have, from));
        }
        assert_eq!(desk.acts, [asked(2), Act::Asked(RETRY, 0)]);
        assert!(!lazy.is_idle());
        desk.acts.clear();
        for from in [2, 3] {
            lazy.handle_message(&mut desk, &payload(NodeId(from), 5, 2));
            lazy.handle_message(&mut desk, &heard(Kind::Have, from));
        }
        assert_eq!(desk.acts, [Act::Announced(Kind::Have, Onward { order: OrderIndex(0), ttl: 4, hop: 3 })]);
        assert!(lazy.is_idle());
        desk.acts.clear();
        assert!(ring(&mut lazy, &mut desk, 3).is_empty(), "what rings late asks nobody");
    }

    #[test]
    fn others_are_asked_by_turns_and_not_for_ever() {
        let (mut lazy, mut desk) = (Lazy::new(RETRY), Desk::default());
        lazy.handle_message(&mut desk, &heard(Kind::Have, 2));
        assert_eq!(ring(&mut lazy, &mut desk, 1), [asked(2), asked(2)], "nobody else is known");
        for from in [3, 4, 5, 6] {
            lazy.handle_message(&mut desk, &heard(Kind::Have, from));
        }
        assert_eq!(ring(&mut lazy, &mut desk, 99), [4, 5, 2, 3, 4, 5].map(asked), "6 comes too late to be remembered");
        assert!(lazy.is_idle(), "after {TRIES} times it lets it be");
        lazy.handle_message(&mut desk, &heard(Kind::Have, 6));
        assert_eq!(ring(&mut lazy, &mut desk, 0), [asked(6)], "and begins anew");
    }

    #[test]
    fn what_rings_before_it_is_due_was_meant_for_another_request() {
        let (mut lazy, mut desk) = (Lazy::new(RETRY), Desk::default());
        lazy.handle_message(&mut desk, &heard(Kind::Have, 2));
        desk.acts.clear();
        desk.time = Nanos(RETRY.0 - 1);
        lazy.handle_timeout(&mut desk, 0);
        assert!(desk.acts.is_empty() && !lazy.is_idle());
    }

    #[test]
    fn who_asks_gets_what_is_held_and_nothing_else() {
        let (mut lazy, mut desk) = (Lazy::new(RETRY), Desk::default());
        lazy.handle_message(&mut desk, &heard(Kind::Want, 7));
        assert!(desk.acts.is_empty());
        lazy.publish(&mut desk, OrderIndex(0), 6);
        lazy.handle_message(&mut desk, &heard(Kind::Want, 7));
        let announced = Act::Announced(Kind::Have, Onward { order: OrderIndex(0), ttl: 5, hop: 1 });
        assert_eq!(desk.acts, [announced, Act::Sent(NodeId(7), Kind::Payload, step(7))]);

        desk.forgotten.append(&mut desk.held);
        desk.acts.clear();
        lazy.handle_message(&mut desk, &heard(Kind::Want, 7));
        lazy.handle_message(&mut desk, &heard(Kind::Have, 7));
        assert!(desk.acts.is_empty(), "what is forgotten is neither handed on nor asked for");
    }

    #[test]
    fn a_spent_ttl_is_not_announced() {
        let (mut lazy, mut desk) = (Lazy::new(RETRY), Desk::default());
        lazy.handle_message(&mut desk, &payload(NodeId(3), 0, 6));
        assert!(desk.knows(OrderIndex(0)) && desk.acts.is_empty());
    }
}
