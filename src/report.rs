//! What a run measured, for people and for programs. The third life of a number: it is shown.
//!
//! A [`Report`] is plain data, computed once. `to_string` renders it as text, [`Report::to_json`] as one JSON object,
//! [`write_nodes_csv`] writes what each node saw. All are described in `docs/REPORT.md`.
//!
//! What does not live here: counting (`stats`), what an exit code means (the binary), and printing: whoever holds a
//! report decides where it goes.

mod books;
mod bulk;
mod csv;
mod delay;
mod groups;
mod json;
mod lines;
mod processes;
mod rank;
mod run;
mod runs;
mod setting;
mod text;
mod words;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

pub use books::Books;
pub use bulk::{BulkFigures, OrderTimes, WorstOrder};
pub use csv::{nodes_csv_gaps, orders_csv_gaps, write_nodes_csv, write_orders_csv};
pub use delay::{BINS, Bin, DelayFigures, TimeTo};
pub use groups::GroupFigures;
pub use lines::{LineFigures, WayFigures};
pub use processes::ProcessFigures;
pub use rank::Spread;
pub use run::{AtStop, BytesPerNode, Goal, Lateness, MachineFigures, RunFigures};
pub use runs::{RunLine, Runs};
pub use setting::{Host, Setting};

use crate::scenario::{Scenario, TransportKind};
use crate::stats::{End, RunRecord};
use serde::Serialize;

/// The version of the JSON object's layout. It grows when a field changes its name or meaning, not when one is added.
pub const SCHEMA: u32 = 2;

/// Which time the figures are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The machine's monotonic clock.
    Real,
    /// The model's own.
    Virtual,
}

/// The report of one scenario: of its only run, or of the one whose time to target is the median of all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The layout of the JSON object, [`SCHEMA`].
    pub schema: u32,
    /// The program's version.
    pub version: String,
    /// What the user should know before reading on, each a sentence.
    pub notices: Vec<String>,
    /// The root of every draw.
    pub seed: u64,
    /// The command that runs the scenario again.
    pub replay: String,
    /// Every option by name.
    #[serde(rename = "scenario")]
    pub options: serde_json::Value,
    /// What carried a message, as `--transport` names it.
    pub transport: TransportKind,
    /// Which time the figures are in.
    pub clock: Clock,
    /// Worker threads.
    pub threads: u64,
    /// Whether every worker was pinned to a core.
    pub pinned: bool,
    /// The machine.
    pub host: Host,
    /// Whether in every run each order that was published reached the target, and one at least was published.
    pub goal_met: bool,
    /// The figures of the run that is shown.
    #[serde(flatten)]
    pub run: RunFigures,
    /// All runs side by side.
    pub runs: Runs,
    /// What was asked, for the text's sentences; programs find it in `options`.
    #[serde(skip)]
    asked: Scenario,
}

impl Report {
    /// The report of all counted runs of a scenario, the warm-up left out; `None` where there is no run to report.
    pub fn new(scenario: &Scenario, setting: Setting, records: &[RunRecord]) -> Option<Report> {
        let (runs, shown) = Runs::of(records, scenario.target)?;
        let run = RunFigures::new(&records[shown], scenario.target);
        Some(Report {
            schema: SCHEMA,
            version: setting.version,
            notices: notices(records, &runs),
            seed: scenario.seed,
            replay: setting.replay,
            options: setting.options,
            transport: scenario.transport,
            clock: clock_of(scenario.transport),
            threads: scenario.workers() as u64,
            pinned: !run.workers.is_empty() && run.workers.iter().all(|worker| worker.core.is_some()),
            host: setting.host,
            goal_met: runs.missed == 0,
            run,
            runs,
            asked: scenario.clone(),
        })
    }

    /// Whether in every run each order that was published reached the target, and one at least was published.
    pub fn goal_met(&self) -> bool {
        self.goal_met
    }

    /// Whether the books of every run balance.
    pub fn balanced(&self) -> bool {
        self.runs.unbalanced == 0
    }

    /// Whether any of the runs used up the memory that was left for its messages.
    pub fn out_of_memory(&self) -> bool {
        self.runs.each.iter().any(|run| run.outcome == End::OutOfMemory)
    }

    /// Whether the user interrupted any of the runs.
    pub fn interrupted(&self) -> bool {
        self.runs.each.iter().any(|run| run.outcome == End::Interrupted)
    }

    /// The position, among the records, of the run that is shown.
    pub fn shown(&self) -> usize {
        self.runs.shown as usize - 1
    }
}

/// The runs' own notices, each once, after those that cast doubt on the figures.
fn notices(records: &[RunRecord], runs: &Runs) -> Vec<String> {
    let broken = runs.each.iter().enumerate().filter(|(_, run)| !run.balanced);
    let mut notices: Vec<String> = broken
        .map(|(run, _)| match runs.count {
            1 => "The books do not balance; the ledger below says where.".to_owned(),
            count => format!("The books of run {} of {count} do not balance.", run + 1),
        })
        .collect();
    for notice in records.iter().flat_map(|record| &record.notices) {
        if !notices.contains(notice) {
            notices.push(notice.clone());
        }
    }
    notices
}

const fn clock_of(transport: TransportKind) -> Clock {
    match transport {
        TransportKind::Udp | TransportKind::UdpShard | TransportKind::Memory => Clock::Real,
        TransportKind::Simulated => Clock::Virtual,
    }
}
