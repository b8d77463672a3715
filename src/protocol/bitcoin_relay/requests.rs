//! The requests of a relay: whom a node asks for an order that was announced to it, and when (rules 4 to 7).

use super::BitcoinRelayState;
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop};
use crate::protocol::{Context, announcements};
use crate::time::Nanos;
use smallvec::SmallVec;

/// The orders that were announced to a node and that it does not have.
#[derive(Clone, Debug)]
pub(super) struct MissingTransactions {
    /// Ascending by order.
    orders: Vec<(OrderIndex, TransactionAnnouncers)>,
    /// The time of the node's next timer for them; [`Nanos::MAX`] if none is set.
    timer: Nanos,
}

/// The peers that have announced an order, each once.
pub(super) type TransactionAnnouncers = SmallVec<[TransactionAnnouncer; 4]>;

/// A peer that has announced an order.
#[derive(Clone, Copy, Debug)]
pub(super) struct TransactionAnnouncer {
    /// Its link, counted from the first link of the node.
    pub(super) place: u32,
    /// The TTL and the hop that the order would arrive with.
    ttl: u8,
    hop: u8,
    pub(super) stage: RequestStage,
}

/// The stage of a request to one announcer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestStage {
    /// It may be sent from this time on.
    Candidate(Nanos),
    /// It is open until this time.
    Open(Nanos),
    /// It has failed.
    Failed,
}

/// The token of the timer for requests.
pub(super) const REQUESTS: u64 = 1 << 33;

/// The purpose of the choice among announcers: this bit and the place of the link.
const CHOICE: u32 = 1 << 30;

impl MissingTransactions {
    /// Bytes of a node's list that has had one order in it.
    pub(super) const NODE_BYTES: usize =
        size_of::<MissingTransactions>() + size_of::<(OrderIndex, TransactionAnnouncers)>();

    pub(super) const EMPTY: MissingTransactions = MissingTransactions { orders: Vec::new(), timer: Nanos::MAX };

    pub(super) fn orders(&self) -> &[(OrderIndex, TransactionAnnouncers)] {
        &self.orders
    }

    fn find(&self, order: OrderIndex) -> Result<usize, usize> {
        self.orders.binary_search_by_key(&order, |missing| missing.0)
    }

    /// Adds an announcer, which is not among those of the order. Returns true if it is the first of them.
    fn insert(&mut self, order: OrderIndex, announcer: TransactionAnnouncer) -> bool {
        match self.find(order) {
            Ok(at) => {
                self.orders[at].1.push(announcer);
                false
            }
            Err(at) => {
                if self.orders.is_empty() {
                    // Of a single order at a time no node is to hold room for four.
                    self.orders.reserve_exact(1);
                }
                self.orders.insert(at, (order, SmallVec::from_slice(&[announcer])));
                true
            }
        }
    }

    /// Returns the earliest time after `now` at which a request may be sent or fails.
    fn next_due(&self, now: Nanos) -> Option<Nanos> {
        let stages = self.orders.iter().flat_map(|(_, announcers)| announcers).map(|announcer| announcer.stage);
        let due = stages.filter_map(|stage| match stage {
            RequestStage::Candidate(due) | RequestStage::Open(due) => Some(due),
            RequestStage::Failed => None,
        });
        due.filter(|&due| due > now).min()
    }
}

impl BitcoinRelayState {
    /// Remembers what a peer announces, and requests what may be requested now.
    pub(super) fn receive_announcement<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        // Only peers announce; who else does is not answered.
        let Some(link) = context.link_of(message.from) else { return };
        let (local, place, now) = (context.local(), link - context.links().start, context.now());
        let mut wanted: SmallVec<[(NodeId, OrderHop); 2]> = SmallVec::new();
        for OrderHop { order, ttl, hop } in announcements::order_hops(message, tail) {
            // The peer has it, and need not be told (rule 1).
            self.queues.remove(link, order);
            let state = &mut self.links[link as usize];
            if context.knows(order) || state.is_down || state.announcements >= self.knobs.announcements {
                continue;
            }
            let missing = &mut self.missing[local];
            let found = missing.find(order);
            if found.is_ok_and(|at| missing.orders[at].1.iter().any(|announcer| announcer.place == place)) {
                continue;
            }
            state.announcements += 1;
            let due = now + self.knobs.delay(state.is_outbound, state.in_flight);
            let stage = RequestStage::Candidate(due);
            self.open += u64::from(missing.insert(order, TransactionAnnouncer { place, ttl, hop, stage }));
            if due > now {
                self.wake_for_requests(context, due);
            } else {
                wanted.extend(self.choose(context, order));
            }
        }
        self.request(context, wanted);
    }

    /// Sends the requests that are due, after those that have failed (rule 6).
    pub(super) fn send_due_requests<C: Context>(&mut self, context: &mut C) {
        let (local, now) = (context.local(), context.now());
        if self.missing[local].timer > now {
            // An earlier timer took its place.
            return;
        }
        self.missing[local].timer = Nanos::MAX;
        let orders: SmallVec<[OrderIndex; 8]> = self.missing[local].orders.iter().map(|missing| missing.0).collect();
        let chosen = orders.iter().filter_map(|&order| self.choose(context, order));
        let chosen: SmallVec<[(NodeId, OrderHop); 2]> = chosen.collect();
        self.request(context, chosen);
        if let Some(due) = self.missing[local].next_due(now) {
            self.wake_for_requests(context, due);
        }
    }

    /// Forgets the announcements of an order, and returns them.
    pub(super) fn forget<C: Context>(&mut self, context: &C, order: OrderIndex) -> TransactionAnnouncers {
        let (local, first) = (context.local(), context.links().start);
        let missing = &mut self.missing[local];
        let Ok(at) = missing.find(order) else { return SmallVec::new() };
        let (_, announcers) = missing.orders.remove(at);
        self.open -= 1;
        for announcer in &announcers {
            let state = &mut self.links[(first + announcer.place) as usize];
            state.announcements -= 1;
            state.in_flight -= u16::from(matches!(announcer.stage, RequestStage::Open(_)));
        }
        announcers
    }

    /// Forgets what a peer announced, and asks others in its place.
    pub(super) fn forget_announcer<C: Context>(&mut self, context: &mut C, link: u32) {
        let (local, place) = (context.local(), link - context.links().start);
        let mut left: SmallVec<[OrderIndex; 8]> = SmallVec::new();
        for (order, announcers) in &mut self.missing[local].orders {
            if announcers.iter().any(|announcer| announcer.place == place) {
                announcers.retain(|announcer| announcer.place != place);
                left.push(*order);
            }
        }
        let state = &mut self.links[link as usize];
        (state.announcements, state.in_flight) = (0, 0);
        let chosen = left.iter().filter_map(|&order| self.choose(context, order));
        let chosen: SmallVec<[(NodeId, OrderHop); 2]> = chosen.collect();
        self.request(context, chosen);
    }

    /// Chooses the peer to request an order from now, and opens the request; `None` if nobody is to be asked. An order
    /// of which every request has failed is forgotten (rules 5 and 6).
    fn choose<C: Context>(&mut self, context: &mut C, order: OrderIndex) -> Option<(NodeId, OrderHop)> {
        let (local, now, first) = (context.local(), context.now(), context.links().start);
        let at = self.missing[local].find(order).ok()?;
        let announcers = &mut self.missing[local].orders[at].1;
        for announcer in announcers.iter_mut() {
            match announcer.stage {
                RequestStage::Open(due) if due > now => return None,
                RequestStage::Open(_) => {
                    announcer.stage = RequestStage::Failed;
                    self.links[(first + announcer.place) as usize].in_flight -= 1;
                }
                RequestStage::Candidate(_) | RequestStage::Failed => {}
            }
        }
        let links = &self.links;
        let ready = announcers.iter_mut().filter(|one| matches!(one.stage, RequestStage::Candidate(due) if due <= now));
        let chosen = ready.min_by_key(|announcer| {
            let is_outbound = links[(first + announcer.place) as usize].is_outbound;
            (!is_outbound, context.draw(CHOICE | announcer.place, u64::from(order.0)))
        });
        let Some(announcer) = chosen else {
            if announcers.iter().all(|announcer| announcer.stage == RequestStage::Failed) {
                self.forget(context, order);
            }
            return None;
        };
        announcer.stage = RequestStage::Open(now + self.knobs.getdata_interval);
        let TransactionAnnouncer { place, ttl, hop, .. } = *announcer;
        self.links[(first + place) as usize].in_flight += 1;
        Some((context.peers()[place as usize], OrderHop { order, ttl, hop }))
    }

    /// Requests these orders, those of one peer in one message, and awaits them.
    fn request<C: Context>(&mut self, context: &mut C, mut chosen: SmallVec<[(NodeId, OrderHop); 2]>) {
        if chosen.is_empty() {
            return;
        }
        chosen.sort_by_key(|&(to, _)| to);
        for part in chosen.chunk_by(|one, next| one.0 == next.0) {
            let wanted: SmallVec<[OrderHop; 2]> = part.iter().map(|&(_, order_hop)| order_hop).collect();
            announcements::send(context, part[0].0, Kind::WANT, &wanted);
        }
        self.wake_for_requests(context, context.now() + self.knobs.getdata_interval);
    }

    /// Sets the node's timer for requests, unless an earlier one is set: with one for each request those that were
    /// answered would wait for a minute.
    fn wake_for_requests<C: Context>(&mut self, context: &mut C, due: Nanos) {
        let timer = &mut self.missing[context.local()].timer;
        if due < *timer {
            *timer = due;
            context.wake_at(due, REQUESTS);
        }
    }
}
