//! Carries items between the shards of a run, and makes all shards agree on how the run goes on.
//!
//! Engines use an exchange through its traits alone, so that shards may live in one process ([`LocalExchange`]) or in
//! several. A meeting merges the reports of the shards one by one: no shard holds the data of all others.
//!
//! | file | contents |
//! |---|---|
//! | `local` | the exchange between threads of one process |
//! | `cluster` | the exchange between processes, which timely connects |
//! | `cluster_member` | one of these processes, and its connections |
//! | `connections` | the connections of one shard, and the wait for what comes in |
//! | `process_talk` | what the first shards of processes tell each other after the run |
//! | `packet` | what one shard sends to another for a meeting |
//! | `global_state` | the decision after each window |
//!
//! Rejected alternative: a boxed exchange. Items cross by the million, and one call per batch is the fewest that an
//! engine can make.

#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "cluster")]
mod cluster_member;
#[cfg(feature = "cluster")]
mod connections;
mod global_state;
mod local;
#[cfg(feature = "cluster")]
mod packet;
#[cfg(feature = "cluster")]
mod process_talk;

#[cfg(feature = "cluster")]
pub(super) use cluster::{ClusterEnd, ExchangeCounts};
#[cfg(feature = "cluster")]
pub use cluster_member::ClusterMember;
pub(super) use global_state::{Decision, GlobalState};
pub(super) use local::LocalExchange;
#[cfg(feature = "cluster")]
pub(super) use packet::CrossingItem;

use super::EngineSetup;
use crate::ids::OrderIndex;
use crate::record::End;
use crate::threads::{ThreadError, WorkerThreads};
use crate::time::Nanos;
use std::ops::{Range, RangeInclusive};

/// The exchange of one run, for items of type `T`, as one process sees it.
pub(super) trait Exchange<T>: Sync {
    /// True if every shard is in this process, so that shards may read each other's memory. An engine that uses this
    /// for speed works without it too, and gives the same figures.
    const SHARES_MEMORY: bool;

    /// The end of one shard.
    type End<'a>: ExchangeEnd<T>
    where
        Self: 'a;

    /// Returns the shards of this process.
    fn shards(&self) -> Range<usize>;

    /// Creates the end of a shard of this process, once, on the shard's own thread.
    fn end(&self, shard: usize) -> Self::End<'_>;

    /// Breaks the exchange: every present and future wait at one of its ends fails.
    fn abort(&self);
}

/// One shard's end of an exchange. All shards call [`meet`](Self::meet) and [`add_up`](Self::add_up) in the same
/// sequence.
pub(super) trait ExchangeEnd<T> {
    /// Sends the items of each vector in `out`, indexed by receiving shard, to that shard, which receives them after
    /// the next meeting. Leaves all vectors empty.
    fn send(&mut self, out: &mut [Vec<T>]);

    /// Sends items to a shard ahead of the next meeting, if that spares memory: they come before those that are sent
    /// then, as a batch of their own. Leaves the vector empty, or as it is.
    fn send_ahead(&mut self, _to: usize, _items: &mut Vec<T>) {}

    /// Waits for the reports of all shards and merges them; every shard gets the same result.
    fn meet(&mut self, report: WindowReport) -> Result<WindowReport, ExchangeBroken>;

    /// Passes the items that were sent to this shard before the last meeting to `take`, batch by batch, in the order of
    /// the senders.
    fn receive(&mut self, take: impl FnMut(&mut Vec<T>));

    /// Waits for the counts of all shards and replaces `counts` by their sums. Every shard passes the same number of
    /// counts.
    fn add_up(&mut self, counts: &mut [u64]) -> Result<(), ExchangeBroken>;
}

/// An end that a shard lends out, so that it can use it afterwards.
impl<T, E: ExchangeEnd<T>> ExchangeEnd<T> for &mut E {
    fn send(&mut self, out: &mut [Vec<T>]) {
        (**self).send(out);
    }

    fn send_ahead(&mut self, to: usize, items: &mut Vec<T>) {
        (**self).send_ahead(to, items);
    }

    fn meet(&mut self, report: WindowReport) -> Result<WindowReport, ExchangeBroken> {
        (**self).meet(report)
    }

    fn receive(&mut self, take: impl FnMut(&mut Vec<T>)) {
        (**self).receive(take);
    }

    fn add_up(&mut self, counts: &mut [u64]) -> Result<(), ExchangeBroken> {
        (**self).add_up(counts)
    }
}

/// The exchange is broken: its shards can no longer meet. The shard that broke it reports why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExchangeBroken;

/// The report on a window that one shard, or several together, have handled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WindowReport {
    /// The next window with a known event, in this shard or in one that it has sent to.
    pub(super) next: Option<u64>,
    /// The next window with a timer of a node, or with upkeep.
    pub(super) wake: Option<u64>,
    /// The most events that can come in the earlier of these two windows.
    pub(super) events: u64,
    /// Messages under way other than upkeep, and publications to come.
    pub(super) holding: u64,
    /// True if an event was skipped because it comes after the time limit.
    pub(super) late: bool,
    /// True if the user has interrupted the run.
    pub(super) interrupted: bool,
    /// The reason why this window was abandoned midway, if it was.
    pub(super) cut_short: Option<End>,
    /// The time of the last event.
    pub(super) last_event: Nanos,
    /// The arrival of the last of all messages sent, if messages under way are not stored; else the departure of the
    /// last message that waited for an access link.
    pub(super) last_arrival: Nanos,
    /// Messages handled so far.
    pub(super) messages: u64,
    /// The number of new first receipts of each order, ascending by order.
    pub(super) fresh: Vec<(OrderIndex, u64)>,
}

impl WindowReport {
    /// Returns the first window in which anything may happen.
    fn first(&self) -> Option<u64> {
        earlier(self.next, self.wake)
    }

    /// Merges the report of the shards that follow those of this one.
    pub(super) fn merge(&mut self, other: &WindowReport) {
        let WindowReport {
            next,
            wake,
            events,
            holding,
            late,
            interrupted,
            cut_short,
            last_event,
            last_arrival,
            messages,
            fresh,
        } = other;
        let (own, others) = (self.first(), other.first());
        let first = earlier(own, others);
        let due = |window, events| if window == first { events } else { 0 };
        self.events = due(own, self.events).saturating_add(due(others, *events));
        self.holding += holding;
        self.next = earlier(self.next, *next);
        self.wake = earlier(self.wake, *wake);
        self.late |= late;
        self.interrupted |= interrupted;
        // The first shard's reason takes precedence, so that all shards arrive at the same one.
        self.cut_short = self.cut_short.or(*cut_short);
        self.last_event = self.last_event.max(*last_event);
        self.last_arrival = self.last_arrival.max(*last_arrival);
        self.messages += messages;
        merge_counts(&mut self.fresh, fresh);
    }
}

fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

/// Adds two lists of counts, both ascending by order.
fn merge_counts(sums: &mut Vec<(OrderIndex, u64)>, counts: &[(OrderIndex, u64)]) {
    let before = std::mem::take(sums);
    let (mut before, mut counts) = (before.into_iter().peekable(), counts.iter().copied().peekable());
    while let Some(least) = before.peek().into_iter().chain(counts.peek()).map(|&(order, _)| order).min() {
        let own = before.next_if(|count| count.0 == least);
        let more = counts.next_if(|count| count.0 == least);
        sums.push((least, own.into_iter().chain(more).map(|(_, count)| count).sum()));
    }
}

/// Finds the time at which the last of the `crossing` orders reaches its target. Each is given with the rank, counted
/// from 1, of the deciding receipt among the `fresh` receipts of all shards; these lie in the span `within`. All shards
/// call this after the same meeting.
///
/// The shards bisect the span together and add up counts only, so that none holds the receipts of another.
pub(super) fn target_time<T>(
    end: &mut impl ExchangeEnd<T>,
    crossing: &[(OrderIndex, u64)],
    fresh: impl Iterator<Item = (OrderIndex, Nanos)>,
    within: RangeInclusive<Nanos>,
) -> Result<Nanos, ExchangeBroken> {
    let mut fresh: Vec<(OrderIndex, Nanos)> = fresh.collect();
    // Sorted once, so that each halving counts by binary search.
    fresh.sort_unstable();
    let up_to = |order, time| fresh.partition_point(|&receipt| receipt <= (order, time)) as u64;
    let before = |order| fresh.partition_point(|receipt| receipt.0 < order) as u64;
    let (Nanos(mut least), Nanos(mut most)) = within.into_inner();
    while least < most {
        let middle = least + (most - least) / 2;
        let mut counts: Vec<u64> =
            crossing.iter().map(|&(order, _)| up_to(order, Nanos(middle)) - before(order)).collect();
        end.add_up(&mut counts)?;
        // The last of the crossing orders decides.
        match counts.iter().zip(crossing).all(|(&count, &(_, rank))| count >= rank) {
            true => most = middle,
            false => least = middle + 1,
        }
    }
    Ok(Nanos(least))
}

/// Runs `life` for each of `shares`, one per shard of this process, on threads of their own; returns their results in
/// order. A shard that fails breaks the exchange, so that no other waits for it.
pub(super) fn run_shards<T, X: Exchange<T>, S: Send, R: Send>(
    setup: &EngineSetup<'_>,
    exchange: &X,
    shares: impl IntoIterator<Item = S>,
    life: impl Fn(usize, X::End<'_>, S) -> Result<R, ExchangeBroken> + Sync,
) -> Result<Vec<R>, ThreadError> {
    let first = exchange.shards().start;
    let cores = setup.pinning.cores.get(first..).unwrap_or_default();
    WorkerThreads { first, cores, give_up: &|| exchange.abort() }.run_together(shares, |shard, share| {
        let mut end = exchange.end(shard);
        // The run begins here and not when a thread starts: all shards enter their loops together.
        end.add_up(&mut [])?;
        setup.observer.loop_entered(shard);
        let result = life(shard, end, share);
        setup.observer.loop_left(shard);
        result
    })
}
