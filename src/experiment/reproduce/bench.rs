//! The runs of a row, and the figures taken from them.

use super::PublishedRow;
use super::figure::{PublishedFigure, Tolerance, Verdict, judge};
use crate::analysis::{ReplicateFigures, WarmCounts};
use crate::experiment::seeded_runs::{EarlyEnd, RunFault, SeededRuns, to_its_end};
use crate::record::RunRecord;
use crate::scenario::{Draft, Pin, Ttl, Until};
use crate::simulation::Runner;
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
        self.add(PublishedFigure {
            published: Some(published),
            measured: Some(mean),
            low: interval.map(|[low, _]| low),
            high: interval.map(|[_, high]| high),
            runs: values.len(),
            tolerance,
            verdict,
            reason: reason.filter(|_| verdict == Verdict::Differs),
            ..self.not_run(metric)
        });
    }

    /// Adds a figure that nothing here can be held against.
    pub(super) fn leave_out(&mut self, metric: &str, reason: &'static str) {
        self.add(PublishedFigure { reason: Some(reason), ..self.not_run(metric) });
    }

    /// Returns a figure of the row for which nothing was run.
    fn not_run(&self, metric: &str) -> PublishedFigure {
        let PublishedRow { number, source, setup, .. } = *self.row;
        PublishedFigure {
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
            reason: None,
        }
    }

    fn add(&mut self, figure: PublishedFigure) {
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
            let runner = Runner::build(&scenario, interrupt, &(), None);
            let run = runner.and_then(|runner| runner.measuring_from(0).run(Clock::start()));
            to_its_end(&scenario, run).map(|record| of(&record, kept))
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

/// Returns figures of a run, as `bulkprop compare` computes them; NaN for one that the run does not have.
pub(super) fn figures<const FIGURES: usize>(record: &RunRecord, keys: [&str; FIGURES]) -> [f64; FIGURES] {
    let figures = ReplicateFigures::new(0, record, &WarmCounts::default());
    keys.map(|key| figures.value(key).unwrap_or(f64::NAN))
}

/// Returns the payload messages for each first receipt, less one.
pub(super) fn redundancy(record: &RunRecord) -> f64 {
    let [redundancy] = figures(record, ["rmr"]);
    redundancy
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
