//! Many runs of one scenario side by side: how many met the goal, the figures of each, and their joint statistics.
//!
//! Refused: a run that represents the others. The first is shown in full because one must be; statements about all runs
//! come with their intervals.

use super::across_runs::{AcrossRuns, DistributionPart, all};
use super::row::Row;
use crate::record::End;
use serde::Serialize;
use serde_json::Value;

/// All runs but the warm-up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Runs {
    /// Number of runs that were asked for.
    pub asked: u64,
    /// Number of runs that were made.
    pub count: u64,
    /// True if all had the same seed.
    pub same_seed: bool,
    /// Reason why the others were not made; `None` if there was no failure.
    pub failure: Option<String>,
    /// Runs in which the goal was met.
    pub goal_met: DistributionPart,
    /// Runs in which an order died out.
    pub died_out: DistributionPart,
    /// Runs whose ledger does not balance.
    pub unbalanced: u64,
    /// Datagrams received by all of them that belonged to none.
    pub strays: u64,
    /// Messages lost in all of them.
    pub lost: u64,
    /// Statistics of every figure, under its name; `None` if one run was asked for.
    pub over: Option<Value>,
    /// Each run, in ascending order.
    pub each: Vec<Row>,
}

impl Runs {
    /// Summarizes at least one run of a series of `asked`. A run that an interrupt cut short is shown if it is the
    /// first, and counts in no statistic of the others.
    pub(crate) fn new(asked: u32, same_seed: bool, each: Vec<Row>, failure: Option<String>) -> Runs {
        let whole = whole(&each);
        let sum = |count: fn(&Row) -> u64| each.iter().map(count).sum();
        Runs {
            asked: asked.into(),
            count: each.len() as u64,
            same_seed,
            failure,
            goal_met: DistributionPart::of(&whole, |row| row.is_goal_met),
            died_out: DistributionPart::of(&whole, |row| row.is_died_out),
            unbalanced: each.iter().filter(|row| !row.is_balanced).count() as u64,
            strays: sum(|row| row.strays),
            lost: sum(|row| row.lost),
            over: (asked > 1).then(|| all(&whole)),
            each,
        }
    }

    /// Computes the statistics of a column over the runs.
    pub fn over(&self, column: &str) -> Option<AcrossRuns> {
        AcrossRuns::of(&whole(&self.each), column)
    }

    /// Returns true if every run met the goal.
    pub fn is_goal_met(&self) -> bool {
        self.each.iter().all(|row| row.is_goal_met)
    }

    /// Returns true if an interrupt ended any of them, or the series.
    pub fn is_interrupted(&self) -> bool {
        let is_short = self.count < self.asked && self.failure.is_none();
        is_short || self.each.iter().any(|row| row.end == End::Interrupted)
    }

    /// Returns the seeds of the first and the last run.
    pub fn seeds(&self) -> [u64; 2] {
        let seed = |row: Option<&Row>| row.map_or(0, |row| row.seed);
        [seed(self.each.first()), seed(self.each.last())]
    }
}

/// Returns the runs that no interrupt cut short, or all if there is none such.
fn whole(each: &[Row]) -> Vec<&Row> {
    let whole: Vec<&Row> = each.iter().filter(|row| row.end != End::Interrupted).collect();
    if whole.is_empty() { each.iter().collect() } else { whole }
}
