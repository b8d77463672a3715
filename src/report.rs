//! The measurements of a run, for people and for programs: the third life of a number, in which it is shown.
//!
//! A [`Report`] is plain data, computed once. `to_string` renders it as text, [`Report::to_json`] as one JSON object,
//! and [`write_nodes_csv`] writes a row for each node. All are described in `docs/REPORT.md`.
//!
//! Not here: counting (`record`), figures (`analysis`), the meaning of an exit code (the binary), and printing: the
//! holder of a report decides where it goes.

mod csv;
mod environment;
mod json;
mod markdown;
mod text;
mod trace_csv;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

#[cfg(feature = "cluster")]
pub use csv::write_part_of_nodes_csv;
pub use csv::{nodes_csv_gaps, orders_csv_gaps, write_nodes_csv, write_orders_csv, write_runs_csv};
pub use environment::{Environment, Host};
pub use text::LINES_MAX;
pub use trace_csv::{CarrierSide, write_side_csv, write_trace_csv};

use crate::analysis::{Row, RunFigures, Runs};
use crate::record::{End, Notice, ProtocolSource, RunRecord};
use crate::scenario::{Scenario, TransportKind};
use serde::Serialize;
use std::iter;

/// The version of the JSON object's layout. It grows when a field changes its name or meaning, not when one is added.
pub const SCHEMA: u32 = 2;

/// The clock that the figures refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeBase {
    /// The machine's monotonic clock.
    Real,
    /// The model's own clock.
    Virtual,
}

/// The report of one scenario: of its only run, or of the first in full and of all side by side.
///
/// It prints whole as text by `to_string`, on one screen by [`brief`](Self::brief), as JSON by
/// [`to_json`](Self::to_json), and as Markdown by [`to_markdown`](Self::to_markdown).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Version of the JSON object's layout. It grows when a field changes its name or meaning, not when one is added.
    pub schema: u32,
    /// Version of the program.
    pub version: String,
    /// Notices that the reader should know first, each a sentence, in the order of `Notice::CODES`.
    pub notices: Vec<String>,
    /// Code of each notice.
    pub notice_codes: Vec<&'static str>,
    /// Seed of every draw.
    pub seed: u64,
    /// Command that runs the scenario again.
    pub replay: String,
    /// Every option by name.
    #[serde(rename = "scenario")]
    pub options: serde_json::Value,
    /// The carrier of messages, as `--transport` names it.
    pub transport: TransportKind,
    /// The clock that the figures refer to.
    pub clock: TimeBase,
    /// Number of worker threads.
    pub threads: u64,
    /// True if every worker was pinned to a core.
    pub pinned: bool,
    /// The machine.
    pub host: Host,
    /// True if in every run each published order reached the target, and at least one was published.
    pub goal_met: bool,
    /// Figures of the run that is shown in full: its fields are the keys of the JSON object, with their units, in
    /// `docs/REPORT.md`.
    #[serde(flatten)]
    pub run: RunFigures,
    /// All runs side by side, and the figures over them with their intervals.
    pub runs: Runs,
    /// The scenario, for the sentences of the text; programs find it in `options`.
    #[serde(skip)]
    asked: Scenario,
    /// The origin of the protocol, for the sentences of the text.
    #[serde(skip)]
    protocol: ProtocolSource,
}

impl Report {
    /// Makes the report of a scenario's first run and of all others, the warm-up left out. `failure` is the reason why
    /// no more were made.
    #[doc(hidden)]
    pub fn new(
        scenario: &Scenario,
        setting: Environment,
        first: &RunRecord,
        others: Vec<Row>,
        failure: Option<String>,
    ) -> Report {
        let run = RunFigures::new(first, scenario.run.target);
        let row = Row::of(0, scenario.run.seed, first, &run);
        let each = iter::once(row).chain(others).collect();
        let runs = Runs::new(scenario.run.runs, scenario.run.same_seed, each, failure);
        let (notice_codes, notices) = notices(&runs).into_iter().unzip();
        Report {
            schema: SCHEMA,
            version: setting.version,
            notices,
            notice_codes,
            seed: scenario.run.seed,
            replay: setting.replay,
            options: setting.options,
            transport: scenario.carrier.transport,
            clock: clock_of(scenario.carrier.transport),
            threads: scenario.workers() as u64,
            pinned: !run.workers.is_empty() && run.workers.iter().all(|worker| worker.core.is_some()),
            host: setting.host,
            goal_met: runs.is_goal_met(),
            run,
            runs,
            asked: scenario.clone(),
            protocol: first.protocol,
        }
    }

    /// Adds a notice about a file that was written beside the report.
    #[doc(hidden)]
    pub fn add_notice(&mut self, notice: &Notice) {
        self.notices.push(notice.to_string());
        self.notice_codes.push(notice.code());
    }

    /// Returns true if in every run each published order reached the target, and at least one was published.
    pub fn goal_met(&self) -> bool {
        self.goal_met
    }

    /// Returns true if the ledger of every run balances.
    pub fn balanced(&self) -> bool {
        self.runs.unbalanced == 0
    }

    /// Returns true if any of the runs used up the memory that was left for its messages.
    pub fn out_of_memory(&self) -> bool {
        self.runs.each.iter().any(|row| row.end == End::OutOfMemory)
    }

    /// Returns true if an interrupt ended any of the runs, or prevented some.
    pub fn interrupted(&self) -> bool {
        self.runs.is_interrupted()
    }
}

/// Collects the notices of all runs, each kind once, with its code. With several runs each notice says in how many it
/// came.
fn notices(runs: &Runs) -> Vec<(&'static str, String)> {
    let Runs { asked, count, failure, .. } = runs;
    let (measured, asked) = (*count, *asked);
    let mut own: Vec<Notice> = Vec::new();
    if let Some(failure) = failure {
        own.push(Notice::SeriesFailed { measured, asked, failure: failure.clone() });
    } else if measured < asked {
        own.push(Notice::SeriesInterrupted { measured, asked });
    }
    if runs.unbalanced > 0 {
        let of_runs = (asked > 1).then_some(measured);
        own.push(Notice::LedgerUnbalanced { unbalanced: runs.unbalanced, of_runs });
    }
    let mut kinds: Vec<(&Notice, u64)> = Vec::new();
    for row in &runs.each {
        for (place, notice) in row.notices.iter().enumerate() {
            if row.notices[..place].iter().any(|before| before.is_same_kind(notice)) {
                continue;
            }
            match kinds.iter_mut().find(|(kind, _)| kind.is_same_kind(notice)) {
                Some((_, runs)) => *runs += 1,
                None => kinds.push((notice, 1)),
            }
        }
    }
    kinds.sort_by_key(|(notice, _)| notice.priority());
    let told = kinds.into_iter().map(|(notice, runs)| match measured {
        1 => (notice.code(), notice.to_string()),
        _ if runs == measured => (notice.code(), format!("{notice} (All {measured} runs.)")),
        _ => (notice.code(), format!("{notice} ({runs} of {measured} runs.)")),
    });
    own.iter().map(|notice| (notice.code(), notice.to_string())).chain(told).collect()
}

const fn clock_of(transport: TransportKind) -> TimeBase {
    if transport.is_virtual() { TimeBase::Virtual } else { TimeBase::Real }
}
