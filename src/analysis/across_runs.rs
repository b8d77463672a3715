//! Statistics of one figure over many runs: its median, its spread, and the possible error of its mean.
//!
//! There are two kinds of figures. A time that a run never reached, because it missed the event that the time is of, is
//! later than any other: it counts in the median and the quantiles, and the mean over the other runs says how many they
//! are. Any other figure that a run does not have is left out.
//!
//! Refused: a mean with an interval over fewer than five runs, and a mean that takes the time limit for the time of a
//! run that missed.

use super::percentiles::{nearest_rank, share};
use super::row::{COLUMNS, Row, nested};
use crate::theory::intervals::{student_interval, wilson_interval};
use serde::Serialize;
use serde_json::Value;

/// The number of runs in which an event happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DistributionPart {
    /// Runs in which it happened.
    pub runs: u64,
    /// Their share of all runs, 0 to 1.
    pub share: f64,
    /// Wilson's 95 % interval for its probability; `None` below five runs.
    pub interval_95: Option<[f64; 2]>,
}

impl DistributionPart {
    /// Counts the runs for which `is` holds.
    pub(crate) fn of(rows: &[&Row], is: impl Fn(&Row) -> bool) -> DistributionPart {
        let (hits, count) = (rows.iter().filter(|row| is(row)).count(), rows.len());
        DistributionPart {
            runs: hits as u64,
            share: super::delays::fraction_of(hits as u64, count as u64),
            interval_95: wilson_interval(hits, count),
        }
    }
}

/// The statistics of a figure over all runs. A statistic is `None` if it does not exist: an order statistic that falls
/// on a run that missed, a mean of nothing, the deviation of one run, an interval over fewer than five.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AcrossRuns {
    /// Runs that have the figure.
    pub runs: u64,
    /// Runs that never reached the event, if the figure is a time; 0 otherwise.
    pub missed: u64,
    /// Least value.
    pub least: Option<f64>,
    /// Value that a tenth of the runs do not exceed; by nearest rank, like the next two.
    pub p10: Option<f64>,
    /// Value that half of the runs do not exceed.
    pub median: Option<f64>,
    /// Value that nine tenths of the runs do not exceed.
    pub p90: Option<f64>,
    /// Greatest value.
    pub greatest: Option<f64>,
    /// Arithmetic mean over the runs that have the figure.
    pub mean: Option<f64>,
    /// Sample standard deviation over the same runs.
    pub standard_deviation: Option<f64>,
    /// Student's 95 % interval for the mean.
    pub interval_95: Option<[f64; 2]>,
}

impl AcrossRuns {
    /// Computes the statistics of a column; `None` if it holds no number at all.
    pub(crate) fn of(rows: &[&Row], column: &str) -> Option<AcrossRuns> {
        let place = COLUMNS.iter().position(|&name| name == column)?;
        let mut figures: Vec<f64> = rows.iter().filter_map(|row| row.number(place)).collect();
        if figures.is_empty() {
            return None;
        }
        figures.sort_by(f64::total_cmp);
        let missed = if is_time(column) { rows.len() - figures.len() } else { 0 };
        let ranks: Vec<u64> = (0..(figures.len() + missed) as u64).collect();
        let at = |parts, whole| figures.get(nearest_rank(&ranks, share(parts, whole))? as usize).copied();
        let count = figures.len() as f64;
        let mean = figures.iter().sum::<f64>() / count;
        let squares: f64 = figures.iter().map(|figure| (figure - mean).powi(2)).sum();
        let standard_deviation = (figures.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        Some(AcrossRuns {
            runs: figures.len() as u64,
            missed: missed as u64,
            least: at(0, 1),
            p10: at(1, 10),
            median: at(1, 2),
            p90: at(9, 10),
            greatest: at(1, 1),
            mean: Some(mean),
            standard_deviation,
            interval_95: standard_deviation.and_then(|deviation| student_interval(mean, deviation, figures.len())),
        })
    }
}

/// Returns true if a column holds a time, which a run may never reach.
fn is_time(column: &str) -> bool {
    column.split('.').any(|name| name.ends_with("_ns"))
}

/// Computes the statistics of every column that holds a number, nested like the report. The columns `run` and `seed`,
/// which are given and not measured, are left out.
pub(crate) fn all(rows: &[&Row]) -> Value {
    let figures = COLUMNS.into_iter().filter(|column| !["run", "seed"].contains(column));
    // Plain data with text keys always converts.
    nested(
        figures.filter_map(|column| {
            Some((column, serde_json::to_value(AcrossRuns::of(rows, column)?).unwrap_or_default()))
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::fixtures::thousand_nodes_record;
    use crate::record::{End, Receipts, RunRecord};
    use crate::time::Nanos;

    /// Makes a run in which every receipt came `quotient` times sooner, or one that ended with its origin alone.
    fn row(run: u32, quotient: u64) -> Row {
        let mut record = thousand_nodes_record();
        let Receipts::Each(receipts) = &mut record.receipts else { panic!("each") };
        for receipt in receipts.iter_mut().filter(|receipt| receipt.is_reached()) {
            match quotient {
                0 if receipt.hop > 0 => *receipt = crate::record::Receipt::NONE,
                0 => {}
                _ => receipt.time = Nanos(receipt.time.0 / quotient),
            }
        }
        let end = if quotient == 0 { End::Quiescent } else { End::Target };
        Row::new(run, u64::from(run), &RunRecord { end, ..record })
    }

    fn over(quotients: &[u64], column: &str) -> AcrossRuns {
        let rows: Vec<Row> = (0..).zip(quotients).map(|(run, &quotient)| row(run, quotient)).collect();
        AcrossRuns::of(&rows.iter().collect::<Vec<_>>(), column).unwrap()
    }

    #[test]
    fn a_missed_run_is_later_than_any_and_in_no_mean() {
        let time = over(&[1, 0, 2, 0, 4], "time_to_target_ns");
        let [slow, half, quarter] = [751_378.0, 375_689.0, 187_844.0];
        assert_eq!((time.runs, time.missed), (3, 2));
        assert_eq!((time.least, time.median, time.p90, time.greatest), (Some(quarter), Some(slow), None, None));
        assert_eq!(time.mean, Some((slow + half + quarter) / 3.0));
        assert_eq!(time.interval_95, None, "three runs got there");
    }

    #[test]
    fn five_runs_have_an_interval_and_four_have_none() {
        let five = over(&[1, 0, 1, 1, 1], "reached");
        assert_eq!((five.runs, five.missed, five.mean), (5, 0, Some((4.0 * 984.0 + 1.0) / 5.0)));
        let [low, high] = five.interval_95.unwrap();
        // By hand: the deviation is 983 sqrt(1/5), and the interval extends 2.7764 times the deviation over sqrt(5) to
        // either side.
        let half = 2.776_445 * 983.0 * 0.2_f64.sqrt() / 5.0_f64.sqrt();
        assert!((high - low - 2.0 * half).abs() < 0.01, "{low} {high}");
        assert_eq!(over(&[1, 1, 2, 2], "reached").interval_95, None);
        assert_eq!(over(&[1], "reached").standard_deviation, None);
    }

    #[test]
    fn what_a_run_does_not_have_is_left_out_where_it_is_no_time() {
        let redundancy = over(&[1, 0, 1], "rmr");
        assert_eq!((redundancy.runs, redundancy.missed), (2, 0));
        assert_eq!(redundancy.median, redundancy.mean);
    }

    #[test]
    fn every_column_of_numbers_is_told_over_runs() {
        let rows: Vec<Row> = (0..5).map(|run| row(run, 1)).collect();
        let all = all(&rows.iter().collect::<Vec<_>>());
        for path in ["/coverage/mean", "/time_to_ns/95/median", "/delay_ns/p99/p90", "/ledger/sent/interval_95/0"] {
            assert!(all.pointer(path).is_some_and(Value::is_number), "{path}: {all}");
        }
        assert_eq!((all.get("seed"), all.get("outcome"), all.get("bulk")), (None, None, None));
    }

    #[test]
    fn a_share_of_runs_has_the_interval_of_wilson() {
        let rows: Vec<Row> = [1, 0, 1, 1, 1].into_iter().zip(0..).map(|(quotient, run)| row(run, quotient)).collect();
        let part = DistributionPart::of(&rows.iter().collect::<Vec<_>>(), |row| row.is_goal_met);
        assert_eq!((part.runs, part.share, part.interval_95), (4, 0.8, wilson_interval(4, 5)));
    }
}
