//! The report as text, on one screen in brief or in full for a terminal of 100 columns: first the story of the run,
//! then its figures, the most widely useful first.
//!
//! Nothing is computed here but layout. Colour was refused, because text ends up in files; so were boxes, because they
//! do not survive a paste.

mod brief;
mod bulk;
mod layout;
mod options;
mod runs;
mod sentences;
mod tables;

pub use brief::LINES_MAX;
pub(super) use runs::run_rows;
pub(super) use sentences::{CoverageRow, coverage_rows, scale};

use super::Report;
use std::fmt;

/// Writes the whole report, with a line feed at its end.
impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        sentences::notices(out, self)?;
        sentences::opening(out, self)?;
        sentences::propagation(out, self)?;
        sentences::results(out, self)?;
        tables::latency_distribution(out, self)?;
        match &self.run.bulk {
            Some(bulk) => bulk::orders(out, self, bulk)?,
            None => tables::times_and_delays(out, self)?,
        }
        tables::hops(out, self)?;
        tables::redundancy_and_cost(out, self)?;
        tables::per_node(out, self)?;
        tables::lines(out, self)?;
        if let Some(bulk) = &self.run.bulk {
            bulk::worst(out, self, bulk)?;
        }
        tables::groups(out, self)?;
        tables::spies(out, self)?;
        tables::processes(out, self)?;
        tables::cluster(out, self)?;
        tables::workers(out, self)?;
        tables::ledger(out, self)?;
        runs::runs(out, self)?;
        sentences::setting(out, self)?;
        sentences::closing(out, self)
    }
}

impl Report {
    /// Writes the report in one line, without a line feed: the target and the time to it, the number of runs, and the
    /// ledger if it does not balance.
    pub fn headline(&self) -> String {
        let name = self.asked.run.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        let mut line = name + &sentences::headline(self);
        if self.runs.asked > 1 {
            line = format!("{line}. {}", runs::spread(self));
        }
        if !self.balanced() {
            line.push_str(". THE LEDGER DOES NOT BALANCE");
        }
        line
    }
}
