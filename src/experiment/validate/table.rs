//! The table for a terminal: a heading, a line per case, and a summary.

use super::{Case, CaseGroup, Effort, Validation};
use crate::analysis::Statistic;
use std::fmt;

/// Returns the heading of the columns.
pub fn header() -> String {
    let [case, of, form, measured, deviation] = ["case", "of", "closed form", "measured", "deviation"];
    format!("{case:<55} {of:<9} {form:>11} {measured:>11} {deviation:>11} {:>11} {:>7}  verdict", "allowed", "runs")
}

/// Writes one line of the table, as wide as its [`header`], without the name of its group.
impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { case, form, estimate, deviation, allowed, agrees, .. } = self;
        let statistic = match estimate.statistic {
            Statistic::Mean => "mean",
            Statistic::MeanOfSurvivors => "survivors",
            Statistic::Median => "median",
            Statistic::Share => "share",
        };
        let verdict = if *agrees { "agrees" } else { "FAILS" };
        let (measured, runs) = (estimate.measured, estimate.runs);
        write!(
            out,
            "  {case:<53} {statistic:<9} {form:>11.5} {measured:>11.5} {deviation:>+11.5} {allowed:>11.5} {runs:>7}  \
             {verdict}"
        )
    }
}

impl Validation {
    /// Summarizes the cases in a sentence or two.
    pub fn summary(&self) -> String {
        let (cases, failed) = (self.cases.len(), self.failed);
        let so_far = if self.interrupted { " Interrupted: the others were not run." } else { "" };
        // A part of the table is not to be taken for the whole.
        let part = self.groups.len() < CaseGroup::all().len();
        let of_groups = if part { format!(" of {}", self.groups.join(", ")) } else { String::new() };
        let verdict = match failed {
            0 => format!("All {cases} cases{of_groups} agree with their closed forms."),
            _ => format!("{failed} of {cases} cases{of_groups} do not agree with their closed forms."),
        };
        let quick = if self.effort == Effort::Quick { ", quick" } else { "" };
        format!("{verdict}{so_far} (seed {}{quick})", self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Estimate;

    #[test]
    fn lines_are_as_wide_as_their_heading() {
        let estimate = Estimate { statistic: Statistic::Mean, runs: 24, measured: 0.7969, standard_error: 0.0001 };
        let line = |form| Case::new("final coverage", "complete".to_owned(), (form, 0.0003), estimate).to_string();
        assert!(line(0.7968).ends_with("+0.00010     0.00070      24  agrees"), "{}", line(0.7968));
        assert!(line(0.79).ends_with("FAILS"));
        assert_eq!(line(0.79).len(), header().len() - "verdict".len() + "FAILS".len());
    }
}
