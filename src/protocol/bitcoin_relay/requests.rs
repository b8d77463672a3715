//! The requests of a relay: whom a node asks for an order that was announced to it, and when (rules 4 to 7).

use super::BitcoinRelayState;
use super::missing_transactions::{RequestStage, TransactionAnnouncer};
use super::relay_links::LinkCounts;
use crate::ids::OrderIndex;
use crate::message::{Kind, Message, OrderHop};
use crate::protocol::{Context, announcements};
use crate::time::Nanos;
use smallvec::SmallVec;

/// The token of the timer for requests.
pub(super) const REQUESTS: u64 = 1 << 33;

/// The purpose of the choice among announcers: this bit and the place of the link.
const CHOICE: u32 = 1 << 30;

impl BitcoinRelayState {
    /// Remembers what a peer announces, and requests what may be requested now.
    pub(super) fn receive_announcement<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        // Only peers announce; who else does is not answered.
        let Some(link) = context.link_of(message.from) else { return };
        let (all, local, now) = (context.links(), context.local(), context.now());
        let (place, mut searched) = (link - all.start, 0);
        for OrderHop { order, ttl, hop } in announcements::order_hops(message, tail) {
            if context.knows(order) {
                // The peer has it, and need not be told (rule 1). Only an order that the node has can wait.
                if self.is_due(local, link)
                    && let Some(at) = self.waiting.remove((local, all.len()), place, order, searched)
                {
                    searched = at + 1;
                }
                continue;
            }
            if self.links.is_down(link) || self.links.counts(link).announcements >= self.knobs.announcements {
                continue;
            }
            let known = self.missing.find(local, order);
            if known.is_some_and(|at| self.missing.announcers(local, at).any(|announcer| announcer.place == place)) {
                continue;
            }
            let is_outbound = self.links.is_outbound(link);
            let counts = self.links.counts_mut(link);
            counts.announcements += 1;
            let due = now + self.knobs.delay(is_outbound, counts.in_flight);
            let stage = RequestStage::Candidate;
            let at = self.missing.insert(local, order, TransactionAnnouncer { place, ttl, hop, stage, until: due });
            if due <= now {
                self.choose(context, order);
            } else if due < *self.missing.due_mut(local, at) {
                // Another one that may be asked earlier, or a request that is open, leaves the time as it is.
                *self.missing.due_mut(local, at) = due;
                self.wake_for_requests(context, due);
            }
        }
        self.request(context);
    }

    /// Sends the requests that are due, after those that have failed (rule 6).
    pub(super) fn send_due_requests<C: Context>(&mut self, context: &mut C) {
        let (local, now) = (context.local(), context.now());
        if *self.missing.timer(local) > now {
            // An earlier timer took its place.
            return;
        }
        *self.missing.timer(local) = Nanos::MAX;
        let due: SmallVec<[OrderIndex; 8]> = self.missing.due(local, now).collect();
        self.request_anew(context, due);
    }

    /// Forgets the announcements of an order, and passes the place of each announcer to `each`.
    pub(super) fn forget<C: Context>(&mut self, context: &C, order: OrderIndex, mut each: impl FnMut(u32)) {
        let first = context.links().start;
        self.missing.remove(context.local(), order, |announcer| {
            let counts = self.links.counts_mut(first + announcer.place);
            counts.announcements -= 1;
            counts.in_flight -= u16::from(announcer.stage == RequestStage::Open);
            each(announcer.place);
        });
    }

    /// Forgets what a peer announced, and asks others in its place.
    pub(super) fn forget_announcer<C: Context>(&mut self, context: &mut C, link: u32) {
        let place = link - context.links().start;
        let mut left: SmallVec<[OrderIndex; 8]> = SmallVec::new();
        self.missing.forget_announcer(context.local(), place, |order| left.push(order));
        *self.links.counts_mut(link) = LinkCounts::default();
        // Others may now be asked earlier than the one that had been.
        self.request_anew(context, left);
    }

    /// Chooses again whom to ask for each of these orders, asks, and sets the timer for what is due next.
    fn request_anew<C: Context>(&mut self, context: &mut C, orders: SmallVec<[OrderIndex; 8]>) {
        for order in orders {
            self.choose(context, order);
        }
        self.request(context);
        let next = self.missing.next_due(context.local());
        self.wake_for_requests(context, next);
    }

    /// Chooses the peer to request an order from now, opens the request, and keeps it to be sent; or sets the time of
    /// the next choice. An order of which every request has failed is forgotten (rules 5 and 6).
    fn choose<C: Context>(&mut self, context: &mut C, order: OrderIndex) {
        let (local, now, first) = (context.local(), context.now(), context.links().start);
        let Some(at) = self.missing.find(local, order) else { return };
        let (links, mut ready) = (&mut self.links, SmallVec::<[(bool, u32); 8]>::new());
        let (mut open_until, mut next) = (None, Nanos::MAX);
        self.missing.for_each_announcer(local, at, |announcer| {
            let link = first + announcer.place;
            match announcer.stage {
                RequestStage::Open if announcer.until > now => open_until = Some(announcer.until),
                RequestStage::Open => {
                    announcer.stage = RequestStage::Failed;
                    links.counts_mut(link).in_flight -= 1;
                }
                RequestStage::Candidate if announcer.until <= now => {
                    ready.push((!links.is_outbound(link), announcer.place));
                }
                RequestStage::Candidate => next = next.min(announcer.until),
                RequestStage::Failed => {}
            }
        });
        if open_until.is_some() || ready.is_empty() && next < Nanos::MAX {
            *self.missing.due_mut(local, at) = open_until.unwrap_or(next);
            return;
        }
        let chosen = match ready[..] {
            [(_, place)] => Some(place),
            _ => {
                let rank =
                    |&(is_inbound, place): &(bool, u32)| (is_inbound, context.draw(CHOICE | place, u64::from(order.0)));
                ready.iter().min_by_key(|one| rank(one)).map(|one| one.1)
            }
        };
        let Some(chosen) = chosen else { return self.forget(context, order, |_| ()) };
        let until = now + self.knobs.getdata_interval;
        self.links.counts_mut(first + chosen).in_flight += 1;
        let (peer, wanted) = (context.peers()[chosen as usize], &mut self.chosen);
        self.missing.for_each_announcer(local, at, |announcer| {
            if announcer.place == chosen {
                (announcer.stage, announcer.until) = (RequestStage::Open, until);
                wanted.push((peer, OrderHop { order, ttl: announcer.ttl, hop: announcer.hop }));
            }
        });
        *self.missing.due_mut(local, at) = until;
    }

    /// Sends the chosen requests, those to one peer in one message, and awaits the orders.
    fn request<C: Context>(&mut self, context: &mut C) {
        if self.chosen.is_empty() {
            return;
        }
        let (mut chosen, mut orders) = (std::mem::take(&mut self.chosen), std::mem::take(&mut self.orders));
        chosen.sort_by_key(|&(to, _)| to);
        for part in chosen.chunk_by(|one, next| one.0 == next.0) {
            orders.extend(part.iter().map(|&(_, order_hop)| order_hop));
            announcements::send(context, part[0].0, Kind::WANT, &orders);
            orders.clear();
        }
        chosen.clear();
        (self.chosen, self.orders) = (chosen, orders);
        self.wake_for_requests(context, context.now() + self.knobs.getdata_interval);
    }

    /// Sets the node's timer for requests, unless an earlier one is set: with one for each request those that were
    /// answered would wait for a minute.
    fn wake_for_requests<C: Context>(&mut self, context: &mut C, due: Nanos) {
        let timer = self.missing.timer(context.local());
        if due < *timer {
            *timer = due;
            context.wake_at(due, REQUESTS);
        }
    }
}
