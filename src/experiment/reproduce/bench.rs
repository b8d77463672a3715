//! The runs of a row, and the figures taken from them.

use super::PublishedRow;
use super::figure::{PublishedFigure, Tolerance, Verdict, judge};
use crate::analysis::{ReplicateFigures, WarmCounts};
use crate::experiment::seeded_runs::{EarlyEnd, RunFault, SeededRuns};
use crate::record::{End, RunRecord};
use crate::scenario::{Draft, Pin, Ttl, Until};
use crate::simulation::{Runner, SimulationError};
use crate::time::Nanos;
use crate::transport::Clock;
use std::io::Write;
use tempfile::NamedTempFile;

/// Measures the figures of a row.
pub(super) struct RowBench<'a> {
    pub(super) row: &'static PublishedRow,
    pub(super) runs: SeededRuns<'a>,
    pub(super) told: &'a mut dyn FnMut(&PublishedFigure),
    pub(super) figures: &'a mut Vec<PublishedFigure>,
}

impl RowBench<'_> {
    /// Judges the values of runs by a published figure. A `reason` is a known difference between the two setups.
    pub(super) fn take(
        &mut self,
        metric: &str,
        (published, tolerance): (f64, Tolerance),
        values: &[f64],
        reason: Option<&'static str>,
    ) {
        let (mean, interval, verdict) = judge(published, tolerance, values);
        let PublishedRow { number, source, setup, .. } = *self.row;
        let figure = PublishedFigure {
            row: number,
            source,
            setup,
            metric: metric.to_owned(),
            published: Some(published),
            measured: Some(mean),
            low: interval.map(|[low, _]| low),
            high: interval.map(|[_, high]| high),
            runs: values.len(),
            tolerance,
            verdict,
            reason: reason.filter(|_| verdict == Verdict::Differs),
        };
        (self.told)(&figure);
        self.figures.push(figure);
    }

    /// Adds a figure that nothing here can be held against.
    pub(super) fn leave_out(&mut self, metric: &str, reason: &'static str) {
        let PublishedRow { number, source, setup, .. } = *self.row;
        let figure = PublishedFigure {
            row: number,
            source,
            setup,
            metric: metric.to_owned(),
            published: None,
            measured: None,
            low: None,
            high: None,
            runs: 0,
            tolerance: Tolerance::Exact,
            verdict: Verdict::NotRun,
            reason: Some(reason),
        };
        (self.told)(&figure);
        self.figures.push(figure);
    }

    /// Makes `replicates` runs of a draft to rest, and returns what `of` reads from each.
    pub(super) fn records<F: Send>(
        &self,
        draft: &Draft,
        replicates: u32,
        of: impl Fn(&RunRecord) -> F + Sync,
    ) -> Result<Vec<F>, EarlyEnd> {
        self.records_of(replicates, |_| Ok((draft.clone(), ())), |record, ()| of(record))
    }

    /// Makes runs whose options depend on the seed. `made` returns a draft and what has to live as long as the run.
    pub(super) fn records_of<F: Send, K>(
        &self,
        replicates: u32,
        made: impl Fn(u64) -> Result<(Draft, K), EarlyEnd> + Sync,
        of: impl Fn(&RunRecord, K) -> F + Sync,
    ) -> Result<Vec<F>, EarlyEnd> {
        self.runs.each(replicates, |seed, interrupt| {
            let (draft, kept) = made(seed)?;
            let scenario = Draft { seed: Some(seed), ..draft }.build()?;
            // Receipts by order are kept from the first one on.
            let runner = Runner::build(&scenario, interrupt, &(), None)?.measuring_from(0);
            let record = match runner.run(Clock::start()) {
                Err(SimulationError::Interrupted(_)) => return Err(EarlyEnd::Interrupted),
                record => record?,
            };
            match record.end {
                End::Interrupted => Err(EarlyEnd::Interrupted),
                End::Quiescent if record.ledger.is_balanced() => Ok(of(&record, kept)),
                End::Quiescent => Err(RunFault::Unbalanced { replay: scenario.replay() }.into()),
                _ => Err(RunFault::CutOff { replay: scenario.replay() }.into()),
            }
        })
    }
}

/// Reads the options of a setup: virtual time on one thread, to rest, from TOML.
pub(super) fn setup(options: &str) -> Result<Draft, EarlyEnd> {
    let common = Draft {
        transport: Some(crate::scenario::TransportKind::Simulated),
        threads: Some(1),
        ttl: Some(Ttl::Hops(255)),
        until: Some(Until::Quiescent),
        timeout: Some(Nanos::ZERO),
        pin: Some(Pin::None),
        ..Draft::default()
    };
    Ok(Draft::from_toml(options)?.or(common))
}

/// Returns a figure of a run, as `bulkprop compare` computes it; NaN if the run does not have it.
pub(super) fn figure(record: &RunRecord, key: &str) -> f64 {
    ReplicateFigures::new(0, record, &WarmCounts::default()).value(key).unwrap_or(f64::NAN)
}

/// Returns the number of messages of a kind that were sent since the warm-up.
pub(super) fn kind(record: &RunRecord, name: &str) -> f64 {
    record.kinds.iter().find(|kind| kind.name == name).map_or(f64::NAN, |kind| kind.sent as f64)
}

/// Returns how often an action was counted.
pub(super) fn tally(record: &RunRecord, name: &str) -> f64 {
    record.tallies.iter().find(|tally| tally.0 == name).map_or(f64::NAN, |tally| tally.1 as f64)
}

/// Returns one figure of each run.
pub(super) fn column<const FIGURES: usize>(runs: &[[f64; FIGURES]], place: usize) -> Vec<f64> {
    runs.iter().map(|run| run[place]).collect()
}

/// Writes a text to a file for a run to read.
pub(super) fn file_of(text: &str) -> Result<NamedTempFile, EarlyEnd> {
    let written = || {
        let mut file = tempfile::Builder::new().suffix(".csv").tempfile()?;
        file.write_all(text.as_bytes())?;
        file.flush()?;
        Ok(file)
    };
    written().map_err(|error| EarlyEnd::Failed(RunFault::File(error)))
}
