//! What a run measured, for people and for programs. The third life of a number: it is shown.
//!
//! A [`Report`] is plain data, computed once. `to_string` renders it as text, [`Report::to_json`] as one JSON object,
//! [`write_nodes_csv`] writes what each node saw. All are described in `docs/REPORT.md`.
//!
//! What does not live here: counting (`record`), figures (`analysis`), what an exit code means (the binary), and printing: whoever holds a
//! report decides where it goes.

mod csv;
mod environment;
mod json;
mod text;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

pub use csv::{nodes_csv_gaps, orders_csv_gaps, write_nodes_csv, write_orders_csv, write_runs_csv};
pub use environment::{Environment, Host};

use crate::analysis::{Row, RunFigures, Runs};
use crate::record::{End, RunRecord};
use crate::scenario::{Scenario, TransportKind};
use serde::Serialize;
use std::iter;

/// The version of the JSON object's layout. It grows when a field changes its name or meaning, not when one is added.
pub const SCHEMA: u32 = 2;

/// Which time the figures are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeBase {
    /// The machine's monotonic clock.
    Real,
    /// The model's own.
    Virtual,
}

/// The report of one scenario: of its only run, or of the first in full and of all side by side.
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
    pub clock: TimeBase,
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
    /// The report of a scenario's first run and of all others, the warm-up left out. `failure` is what kept more from being made.
    pub fn new(
        scenario: &Scenario,
        setting: Environment,
        first: &RunRecord,
        others: Vec<Row>,
        failure: Option<String>,
    ) -> Report {
        let run = RunFigures::new(first, scenario.target);
        let row = Row::of(0, scenario.seed, first, &run);
        let each = iter::once(row).chain(others).collect();
        let runs = Runs::new(scenario.runs, scenario.same_seed, each, failure);
        Report {
            schema: SCHEMA,
            version: setting.version,
            notices: notices(&runs),
            seed: scenario.seed,
            replay: setting.replay,
            options: setting.options,
            transport: scenario.transport,
            clock: clock_of(scenario.transport),
            threads: scenario.workers() as u64,
            pinned: !run.workers.is_empty() && run.workers.iter().all(|worker| worker.core.is_some()),
            host: setting.host,
            goal_met: runs.is_goal_met(),
            run,
            runs,
            asked: scenario.clone(),
        }
    }

    /// Whether in every run each order that was published reached the target, and one at least was published.
    pub fn goal_met(&self) -> bool {
        self.goal_met
    }

    /// Whether the ledger of every run balance.
    pub fn balanced(&self) -> bool {
        self.runs.unbalanced == 0
    }

    /// Whether any of the runs used up the memory that was left for its messages.
    pub fn out_of_memory(&self) -> bool {
        self.runs.each.iter().any(|row| row.end == End::OutOfMemory)
    }

    /// Whether an interrupt ended any of the runs, or kept some from being made.
    pub fn interrupted(&self) -> bool {
        self.runs.is_interrupted()
    }
}

/// The runs' own notices, each kind once, after those that cast doubt on the figures. Two are of a kind where they differ in
/// numbers alone.
fn notices(runs: &Runs) -> Vec<String> {
    let Runs { asked, count, failure, .. } = runs;
    let mut notices: Vec<String> = Vec::new();
    if let Some(failure) = failure {
        notices.push(format!("The series ended early, with {count} of {asked} runs: {failure}."));
    } else if count < asked {
        notices.push(format!("The series was interrupted: {count} of {asked} runs were measured."));
    }
    match (runs.unbalanced, asked) {
        (0, _) => {}
        (_, 1) => notices.push("The books do not balance; the ledger below says where.".to_owned()),
        (broken, _) => notices.push(format!("The books of {broken} of {count} runs do not balance.")),
    }
    let mut kinds: Vec<(String, &String, u64)> = Vec::new();
    for row in &runs.each {
        let mut told = Vec::new();
        for notice in &row.notices {
            let kind = without_numbers(notice);
            match kinds.iter_mut().find(|(other, ..)| *other == kind) {
                _ if told.contains(&kind) => {}
                Some((.., runs)) => *runs += 1,
                None => kinds.push((kind.clone(), notice, 1)),
            }
            told.push(kind);
        }
    }
    notices.extend(kinds.into_iter().map(|(_, notice, runs)| match *count {
        1 => notice.clone(),
        _ if runs == *count => format!("{notice} (All {count} runs.)"),
        _ => format!("{notice} ({runs} of {count} runs.)"),
    }));
    notices
}

/// A sentence with each number in it replaced by one sign.
fn without_numbers(sentence: &str) -> String {
    let mut kind = String::with_capacity(sentence.len());
    let mut signs = sentence.chars().peekable();
    while let Some(sign) = signs.next() {
        let is_within = kind.ends_with('#') && signs.peek().is_some_and(char::is_ascii_digit);
        match sign {
            '0'..='9' if kind.ends_with('#') => {}
            '0'..='9' => kind.push('#'),
            '.' | ',' if is_within => {}
            _ => kind.push(sign),
        }
    }
    kind
}

const fn clock_of(transport: TransportKind) -> TimeBase {
    match transport {
        TransportKind::Udp | TransportKind::UdpShard | TransportKind::Memory => TimeBase::Real,
        TransportKind::Simulated => TimeBase::Virtual,
    }
}
