//! Many runs of one scenario side by side: how many met the goal, what each came to, and what they say together.
//!
//! What was refused: a run that stands for the others. The first is shown in full because something must be; what is said of all
//! is said with its interval.

use super::across_runs::{AcrossRuns, DistributionPart, all};
use super::row::Row;
use crate::record::End;
use serde::Serialize;
use serde_json::Value;

/// All runs, the warm-up left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Runs {
    /// How many were asked for.
    pub asked: u64,
    /// How many there are.
    pub count: u64,
    /// Whether all had one seed.
    pub same_seed: bool,
    /// What kept the others from being made; `None` where nothing did.
    pub failure: Option<String>,
    /// In how many the goal was met.
    pub goal_met: DistributionPart,
    /// In how many an order died out.
    pub died_out: DistributionPart,
    /// In how many the ledger do not balance.
    pub unbalanced: u64,
    /// Datagrams that came to all of them and belonged to none.
    pub strays: u64,
    /// Messages that all of them lost.
    pub lost: u64,
    /// Every figure over runs, under its name; `None` where one run was asked for.
    pub over: Option<Value>,
    /// Each run, in ascending order.
    pub each: Vec<Row>,
}

impl Runs {
    /// The runs of a scenario that asked for so many; there is one at least. One that an interrupt cut short is shown where it is
    /// the first, and says nothing about the others.
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

    /// What the runs say together of a column.
    pub fn over(&self, column: &str) -> Option<AcrossRuns> {
        AcrossRuns::of(&whole(&self.each), column)
    }

    /// Whether every run met the goal.
    pub fn is_goal_met(&self) -> bool {
        self.each.iter().all(|row| row.is_goal_met)
    }

    /// Whether an interrupt ended any of them, or the series.
    pub fn is_interrupted(&self) -> bool {
        let is_short = self.count < self.asked && self.failure.is_none();
        is_short || self.each.iter().any(|row| row.end == End::Interrupted)
    }

    /// The seeds of the first and the last.
    pub fn seeds(&self) -> [u64; 2] {
        let seed = |row: Option<&Row>| row.map_or(0, |row| row.seed);
        [seed(self.each.first()), seed(self.each.last())]
    }
}

/// The runs that no interrupt cut short; all where there is none such.
fn whole(each: &[Row]) -> Vec<&Row> {
    let whole: Vec<&Row> = each.iter().filter(|row| row.end != End::Interrupted).collect();
    if whole.is_empty() { each.iter().collect() } else { whole }
}
