//! Decides after each window whether a run goes on. Every shard keeps the same state and arrives at the same decision,
//! because all use the same merged report.

use super::WindowReport;
use crate::engine::window_length::WindowLength;
use crate::ids::OrderIndex;
use crate::record::End;
use crate::threads::Progress;
use crate::time::Nanos;

/// The decision of a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Decision {
    /// The run goes on with this window.
    On(u64),
    /// It ends at its target, which these orders reach in this window, each with its receipt of the given rank.
    Target(Vec<(OrderIndex, u64)>),
    /// It ends for this reason, at this time.
    Ended(End, Nanos),
    /// It ends for this reason before this window, which a shard has abandoned midway; the time is that of the last
    /// event before it.
    CutShort(End, Nanos),
}

/// The state of a run that all shards know. Each shard keeps a copy, and all copies are equal.
pub(in crate::engine) struct GlobalState {
    goal: u64,
    ends_at_target: bool,
    /// True if nothing but the deadline ends the run.
    ends_at_instant: bool,
    deadline: Nanos,
    width: WindowLength,
    /// Nodes reached, by order.
    reached: Vec<u64>,
    /// Orders that have not reached their target, and the receipts that all of these lack together.
    short: usize,
    missing: u64,
    /// The maximum number of orders that an event delivers.
    orders_per_event: u64,
    /// True if a run at rest may still have upkeep under way.
    has_upkeep: bool,
    may_end: bool,
    last_event: Nanos,
    last_arrival: Nanos,
    progress: Progress,
}

impl GlobalState {
    /// Creates the initial state: none of `orders` orders has reached a node.
    pub(in crate::engine) fn new(
        orders: u32,
        goal: u64,
        ends_at_target: bool,
        deadline: Nanos,
        width: WindowLength,
        has_upkeep: bool,
        orders_per_event_max: u32,
    ) -> GlobalState {
        let reached = vec![0; orders as usize];
        let (short, goal) = (reached.len(), goal.max(1));
        GlobalState {
            goal,
            ends_at_target,
            ends_at_instant: false,
            deadline,
            width,
            reached,
            short,
            missing: goal.saturating_mul(short as u64),
            // An event brings its node each order once at most.
            orders_per_event: orders_per_event_max.min(orders).into(),
            has_upkeep,
            may_end: true,
            last_event: Nanos::ZERO,
            last_arrival: Nanos::ZERO,
            progress: Progress { reached: 0, time: Nanos::ZERO, messages: 0 },
        }
    }

    /// Returns the state of a run that nothing but its deadline ends, if that `is_so`.
    pub(in crate::engine) fn ending_at_instant(self, is_so: bool) -> GlobalState {
        GlobalState { ends_at_instant: is_so, ..self }
    }

    /// Adds the report on a window that all shards have handled; returns how the run goes on.
    pub(in crate::engine) fn decide(&mut self, report: &WindowReport) -> Decision {
        // First: an abandoned window has no complete report, so nothing of it may count.
        if let Some(end) = report.cut_short {
            return Decision::CutShort(end, self.last_event);
        }
        let crossing = self.add(report);
        let receipts = report.events.saturating_mul(self.orders_per_event);
        let may_cross = self.ends_at_target && receipts >= self.missing;
        let may_rest = self.has_upkeep && !self.ends_at_instant && report.events >= report.holding;
        self.may_end = may_cross || may_rest;
        self.progress = Progress {
            reached: self.progress.reached + report.fresh.iter().map(|fresh| fresh.1).sum::<u64>(),
            time: self.last_event,
            messages: report.messages,
        };
        // Before the interrupt, because a run that has reached its target needs no partial report.
        if self.ends_at_target && self.short == 0 && !crossing.is_empty() {
            return Decision::Target(crossing);
        }
        if report.interrupted {
            return Decision::Ended(End::Interrupted, self.last_event);
        }
        match report.next {
            // Upkeep and timers are as good as any event.
            _ if self.ends_at_instant => match report.first() {
                Some(next) if next <= self.width.window(self.deadline) => Decision::On(next),
                _ => Decision::Ended(End::Instant, self.deadline),
            },
            _ if report.late => Decision::Ended(End::Timeout, self.deadline),
            None if self.last_arrival > self.deadline => Decision::Ended(End::Timeout, self.deadline),
            None => Decision::Ended(End::Quiescent, self.last_event.max(self.last_arrival)),
            // The next event of all shards lies beyond the time limit, and so does every later one.
            Some(next) if next > self.width.window(self.deadline) => Decision::Ended(End::Timeout, self.deadline),
            // A timer keeps no run going, but a run that goes on does not skip one.
            Some(next) => Decision::On(report.wake.map_or(next, |wake| wake.min(next))),
        }
    }

    /// Returns true if the run may end at an instant within the next window: its orders may all have their target by
    /// then, or nothing but upkeep may come after it.
    pub(in crate::engine) fn may_end(&self) -> bool {
        self.may_end
    }

    /// Returns the progress of all shards.
    pub(in crate::engine) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Returns the orders that reach their goal in this window, each with the number of receipts in it that this takes.
    fn add(&mut self, report: &WindowReport) -> Vec<(OrderIndex, u64)> {
        self.last_event = self.last_event.max(report.last_event);
        self.last_arrival = self.last_arrival.max(report.last_arrival);
        let mut crossing = Vec::new();
        for &(order, count) in &report.fresh {
            let reached = &mut self.reached[order.index()];
            self.missing -= count.min(self.goal.saturating_sub(*reached));
            if *reached < self.goal && *reached + count >= self.goal {
                self.short -= 1;
                crossing.push((order, self.goal - *reached));
            }
            *reached += count;
        }
        crossing
    }
}
