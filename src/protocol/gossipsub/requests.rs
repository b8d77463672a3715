//! The requests that nodes have sent and await answers to, and the answers that they have given.

use crate::ids::{NodeId, OrderIndex};
use crate::protocol::request_table::RequestTable;
use crate::time::Nanos;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// The open requests of a shard's nodes: an order that was asked for, by node and order.
#[derive(Debug)]
pub(super) struct OpenRequests(RequestTable<OpenRequest>);

/// One node's request for one order.
#[derive(Debug)]
struct OpenRequest {
    /// The time until which it may be answered.
    due: Nanos,
    /// Announcers to be asked next, in the order of their announcements.
    announcers: SmallVec<[NodeId; 4]>,
}

/// The outcome of the timer of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// Nothing: there is no such request.
    Closed,
    /// It may be answered until a later time.
    Waits(Nanos),
    /// The next announcer is to be asked.
    Next(NodeId),
    /// It was in vain, and is closed.
    InVain,
}

impl OpenRequests {
    /// Returns the bytes of the table of this many nodes, each with a request.
    pub(super) fn bytes(nodes: u64) -> u64 {
        RequestTable::<OpenRequest>::bytes(nodes) + nodes * RequestTable::<OpenRequest>::ENTRY_BYTES as u64
    }

    /// Creates an empty table for this many nodes with requests at a time. With more of them it grows.
    pub(super) fn new(nodes: usize) -> OpenRequests {
        OpenRequests(RequestTable::new(nodes))
    }

    /// Returns the number of open requests.
    pub(super) fn count(&self) -> u64 {
        self.0.open() as u64
    }

    /// Prefetches the request of a node for an order, if it has one.
    #[inline(always)]
    pub(super) fn prefetch(&self, local: usize, order: OrderIndex) {
        self.0.prefetch(local, order);
    }

    /// Returns true if a node awaits an order.
    pub(super) fn is_open(&mut self, local: usize, order: OrderIndex) -> bool {
        self.0.get_mut(local, order).is_some()
    }

    /// Opens a request that may be answered until `due`, or extends an open one; returns true if it was not open.
    pub(super) fn open(&mut self, local: usize, order: OrderIndex, due: Nanos) -> bool {
        if let Some(request) = self.0.get_mut(local, order) {
            request.due = due;
            return false;
        }
        self.0.open_request(local, order, OpenRequest { due, announcers: SmallVec::new() });
        true
    }

    /// Adds an announcer to an open request, to be asked after those before it; returns false if none is open. A node
    /// is listed once.
    pub(super) fn queue(&mut self, local: usize, order: OrderIndex, announcer: NodeId) -> bool {
        let Some(request) = self.0.get_mut(local, order) else { return false };
        if !request.announcers.contains(&announcer) {
            request.announcers.push(announcer);
        }
        true
    }

    /// Takes an announcer off the lists of a node's requests.
    pub(super) fn forget_announcer(&mut self, local: usize, announcer: NodeId) {
        self.0.for_each_of(local, |request| request.announcers.retain(|other| *other != announcer));
    }

    /// Closes a request, if it is open.
    #[inline]
    pub(super) fn close(&mut self, local: usize, order: OrderIndex) {
        self.0.close(local, order);
    }

    /// Handles the timer of a request: closes one that is overdue and has no further announcer. If it has one, the
    /// request may be answered until `due`.
    pub(super) fn expire(&mut self, local: usize, order: OrderIndex, now: Nanos, due: Nanos) -> Overdue {
        let Some(request) = self.0.get_mut(local, order) else { return Overdue::Closed };
        if now < request.due {
            return Overdue::Waits(request.due);
        }
        if request.announcers.is_empty() {
            self.0.close(local, order);
            return Overdue::InVain;
        }
        request.due = due;
        Overdue::Next(request.announcers.remove(0))
    }

    /// Calls `name` with the order of each open request.
    pub(super) fn name(&self, name: impl FnMut(OrderIndex)) {
        self.0.orders().for_each(name);
    }
}

/// The number of times that each peer has been sent each order in answer to a request, by link and order, with the time
/// from which on the order is no longer cached.
#[derive(Debug, Default)]
pub(super) struct Answers {
    counts: BTreeMap<(u32, OrderIndex), (u32, Nanos)>,
    /// The number of counts after the last purge.
    kept: usize,
}

impl Answers {
    /// Counts one more answer, and returns the number of answers before it. The order leaves the cache at `until`.
    pub(super) fn count(&mut self, link: u32, order: OrderIndex, now: Nanos, until: Nanos) -> u32 {
        // At the cost of one addition each, on average.
        if self.counts.len() > 2 * self.kept + 16 {
            self.counts.retain(|_, (_, until)| *until > now);
            self.kept = self.counts.len();
        }
        let (count, _) = self.counts.entry((link, order)).or_insert((0, until));
        *count += 1;
        *count - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: OrderIndex = OrderIndex(3);

    #[test]
    fn a_request_asks_its_announcers_in_turn_and_is_given_up() {
        let mut requests = OpenRequests::new(2);
        assert!(!requests.queue(1, ORDER, NodeId(5)) && requests.open(1, ORDER, Nanos(10)));
        assert!(!requests.open(1, ORDER, Nanos(20)) && requests.is_open(1, ORDER) && !requests.is_open(2, ORDER));
        for announcer in [5, 6, 5] {
            assert!(requests.queue(1, ORDER, NodeId(announcer)));
        }
        let mut expire = |now, due| requests.expire(1, ORDER, Nanos(now), Nanos(due));
        assert_eq!(expire(10, 30), Overdue::Waits(Nanos(20)));
        assert_eq!([expire(20, 30), expire(30, 40)], [5, 6].map(|node| Overdue::Next(NodeId(node))));
        assert_eq!([expire(39, 50), expire(40, 50)], [Overdue::Waits(Nanos(40)), Overdue::InVain]);
        assert_eq!((expire(50, 60), requests.count()), (Overdue::Closed, 0));
    }

    #[test]
    fn an_announcer_that_has_failed_is_not_asked() {
        let mut requests = OpenRequests::new(2);
        for local in [1, 2] {
            requests.open(local, ORDER, Nanos(10));
            assert!([5, 6].map(|announcer| requests.queue(local, ORDER, NodeId(announcer))) == [true; 2]);
        }
        requests.forget_announcer(1, NodeId(5));
        let mut next = |local| requests.expire(local, ORDER, Nanos(10), Nanos(20));
        assert_eq!([next(1), next(2)], [6, 5].map(|node| Overdue::Next(NodeId(node))));
    }

    #[test]
    fn answers_are_counted_by_peer_and_order_and_forgotten_once_they_cannot_be_repeated() {
        let mut answers = Answers::default();
        let mut count = |link, order, now: u64| answers.count(link, OrderIndex(order), Nanos(now), Nanos(now + 10));
        assert_eq!([count(1, 1, 0), count(1, 1, 1), count(2, 1, 1), count(1, 2, 1), count(1, 1, 2)], [0, 1, 0, 0, 2]);
        for now in 0..10_000 {
            answers.count(now, ORDER, Nanos(now.into()), Nanos(u64::from(now) + 10));
        }
        assert!(answers.counts.len() < 64, "{}", answers.counts.len());
    }
}
