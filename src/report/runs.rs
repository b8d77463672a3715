//! Many runs of one scenario side by side, and which of them stands for all.
//!
//! What was refused: a mean over runs. Coverage may be bimodal, and one run that dies out has no time to target at all.

use super::bulk::time_to_target;
use super::rank::{nearest_rank, share};
use crate::ratio::Ratio;
use crate::stats::{End, RunRecord};
use serde::Serialize;

/// One run among others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunLine {
    /// Why it ended.
    pub outcome: End,
    /// When it reached the target, in nanoseconds since its injection; `None` where it did not. With many orders the 99th
    /// percentile over them, those that missed it the last of all.
    pub time_to_target_ns: Option<u64>,
    /// Nodes that have the order.
    pub reached: u64,
    /// Whether its books balance.
    pub balanced: bool,
}

/// All counted runs, the warm-up left out. A run that missed the target is later than any that reached it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Runs {
    /// How many.
    pub count: u64,
    /// Which of them, counted from 1, the report shows: the one whose time to target is the median.
    pub shown: u64,
    /// How many did not meet the goal.
    pub missed: u64,
    /// In how many the books do not balance.
    pub unbalanced: u64,
    /// The least time to target, in nanoseconds; `None` where all missed it.
    pub least_ns: Option<u64>,
    /// The median by nearest rank, with an even count the lesser of the middle two; `None` where that run missed it.
    pub median_ns: Option<u64>,
    /// The greatest; `None` where any missed it.
    pub greatest_ns: Option<u64>,
    /// Each run, in the order they ran.
    pub each: Vec<RunLine>,
}

impl Runs {
    /// The runs and the position of the one that stands for them; `None` where there is none.
    pub(super) fn of(records: &[RunRecord], target: Ratio) -> Option<(Runs, usize)> {
        let each: Vec<RunLine> = records.iter().map(|record| line(record, target)).collect();
        // A time stands for its run through its position, so that equal times still name one run.
        let mut order: Vec<u64> = (0..each.len() as u64).collect();
        let time = |&run: &u64| each[run as usize].time_to_target_ns;
        order.sort_by_key(|run| time(run).unwrap_or(u64::MAX));
        let shown = nearest_rank(&order, share(1, 2))?;
        let runs = Runs {
            count: each.len() as u64,
            shown: shown + 1,
            missed: records.iter().filter(|record| !record.is_goal_met()).count() as u64,
            unbalanced: count(&each, |run| !run.balanced),
            least_ns: order.first().and_then(time),
            median_ns: time(&shown),
            greatest_ns: order.last().and_then(time),
            each,
        };
        Some((runs, shown as usize))
    }
}

fn line(record: &RunRecord, target: Ratio) -> RunLine {
    RunLine {
        outcome: record.end,
        time_to_target_ns: match &record.bulk {
            Some(bulk) => time_to_target(bulk),
            None => record.time_to(target).map(|time| time.0),
        },
        reached: record.reached(),
        balanced: record.ledger.is_balanced(),
    }
}

fn count(each: &[RunLine], is: impl Fn(&RunLine) -> bool) -> u64 {
    each.iter().filter(|run| is(run)).count() as u64
}
