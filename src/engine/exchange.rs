//! Carries items between the shards of a run, and makes all shards agree on what follows.
//!
//! The engines know an exchange by its traits alone, so that shards may live in one process ([`LocalExchange`]) or in
//! several. A meeting merges what the shards report, piece by piece: no shard holds what all others have.
//!
//! | file | contents |
//! |---|---|
//! | `local` | the exchange between threads of one process |
//! | `global_state` | the decision after each window |
//!
//! Rejected alternative: a boxed exchange. Items cross by the million, and one call per batch is the least that an
//! engine can make of it.

mod global_state;
mod local;

pub(super) use global_state::{Decision, GlobalState};
pub(super) use local::LocalExchange;

use super::EngineSetup;
use crate::ids::OrderIndex;
use crate::record::End;
use crate::threads::{ThreadError, WorkerThreads};
use crate::time::Nanos;
use std::ops::{Range, RangeInclusive};

/// The exchange of one run, for items of type `T`, as one process sees it.
pub(super) trait Exchange<T>: Sync {
    /// True if every shard is in this process, so that shards may read what others write in shared memory. An engine
    /// that gains speed from it does without where it is false, and gives the same figures.
    const SHARES_MEMORY: bool;

    /// The end of one shard.
    type End<'a>: ExchangeEnd<T>
    where
        Self: 'a;

    /// Returns the shards of this process.
    fn shards(&self) -> Range<usize>;

    /// Makes the end of a shard of this process, once, on the shard's own thread.
    fn end(&self, shard: usize) -> Self::End<'_>;

    /// Breaks the exchange: every end that waits or comes to wait fails.
    fn abort(&self);
}

/// One shard's end of an exchange. All shards call [`meet`](Self::meet) and [`add_up`](Self::add_up) in the same
/// sequence.
pub(super) trait ExchangeEnd<T> {
    /// Passes each of `out`, by receiving shard, to that shard, which receives it after the next meeting. Leaves all of
    /// them empty.
    fn send(&mut self, out: &mut [Vec<T>]);

    /// Waits for the reports of all shards and merges them; every shard gets the same.
    fn meet(&mut self, report: WindowReport) -> Result<WindowReport, ExchangeBroken>;

    /// Hands what was sent to this shard before the last meeting to `take`, batch by batch, in the order of the
    /// senders.
    fn receive(&mut self, take: impl FnMut(&mut Vec<T>));

    /// Waits for the counts of all shards and puts their sums into `counts`, which are equally many in every shard.
    fn add_up(&mut self, counts: &mut [u64]) -> Result<(), ExchangeBroken>;
}

/// An exchange over which no shard can meet the others any more. Whoever broke it tells why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExchangeBroken;

/// The report of a window that one shard, or several together, have handled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WindowReport {
    /// The next window in which anything is known to happen, in this shard or in one that it has sent to.
    pub(super) next: Option<u64>,
    /// The next window with a timer of a node.
    pub(super) wake: Option<u64>,
    /// True if anything in this window was left undone, because it comes after the time limit.
    pub(super) late: bool,
    /// True if the user wants to end.
    pub(super) interrupted: bool,
    /// The reason for which this window was left in its midst, if it was.
    pub(super) cut_short: Option<End>,
    /// The time of the last event.
    pub(super) last_event: Nanos,
    /// The arrival of the last of all messages sent, where those under way are not stored; else the time at which the
    /// last that waited for an access link has left it.
    pub(super) last_arrival: Nanos,
    /// Messages handled up to now.
    pub(super) messages: u64,
    /// The number of nodes that newly have each order, ascending by order.
    pub(super) fresh: Vec<(OrderIndex, u64)>,
}

impl WindowReport {
    /// Merges the report of shards that come after those of this one.
    pub(super) fn merge(&mut self, other: &WindowReport) {
        let WindowReport { next, wake, late, interrupted, cut_short, last_event, last_arrival, messages, fresh } =
            other;
        self.next = earlier(self.next, *next);
        self.wake = earlier(self.wake, *wake);
        self.late |= late;
        self.interrupted |= interrupted;
        // Of two reasons the first shard's counts, so that all shards take the same.
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

/// Adds counts by order, both lists ascending.
fn merge_counts(sums: &mut Vec<(OrderIndex, u64)>, counts: &[(OrderIndex, u64)]) {
    let before = std::mem::take(sums);
    let (mut before, mut counts) = (before.into_iter().peekable(), counts.iter().copied().peekable());
    while let Some(least) = before.peek().into_iter().chain(counts.peek()).map(|&(order, _)| order).min() {
        let own = before.next_if(|count| count.0 == least);
        let more = counts.next_if(|count| count.0 == least);
        sums.push((least, own.into_iter().chain(more).map(|(_, count)| count).sum()));
    }
}

/// Finds the time at which the last of the `crossing` orders has its target: each with its receipt of the given rank,
/// counted from 1, among those of all shards `within` which it lies. All shards call this after the same meeting.
///
/// The shards halve the span together and add up counts only, so that none holds the receipts of another.
pub(super) fn target_time<T>(
    end: &mut impl ExchangeEnd<T>,
    crossing: &[(OrderIndex, u64)],
    fresh: impl Iterator<Item = (OrderIndex, Nanos)>,
    within: RangeInclusive<Nanos>,
) -> Result<Nanos, ExchangeBroken> {
    let mut fresh: Vec<(OrderIndex, Nanos)> = fresh.collect();
    fresh.sort_unstable();
    let up_to = |order, time| fresh.partition_point(|&receipt| receipt <= (order, time)) as u64;
    let before = |order| fresh.partition_point(|receipt| receipt.0 < order) as u64;
    let (Nanos(mut least), Nanos(mut most)) = within.into_inner();
    while least < most {
        let middle = least + (most - least) / 2;
        let mut counts: Vec<u64> =
            crossing.iter().map(|&(order, _)| up_to(order, Nanos(middle)) - before(order)).collect();
        end.add_up(&mut counts)?;
        match counts.iter().zip(crossing).all(|(&count, &(_, rank))| count >= rank) {
            true => most = middle,
            false => least = middle + 1,
        }
    }
    Ok(Nanos(least))
}

/// Runs `life` for each of `shares`, one for each shard of this process, on threads of their own; returns what they
/// report, in order. A shard that fails breaks the exchange, so that none waits for it.
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
        // The start of threads is no part of the run: all shards enter their loops together.
        end.add_up(&mut [])?;
        setup.observer.loop_entered(shard);
        let result = life(shard, end, share);
        setup.observer.loop_left(shard);
        result
    })
}
