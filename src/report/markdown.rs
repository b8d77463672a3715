//! The report as a page of Markdown, to be pasted into an issue: a table of figures, statistics over runs, notices, and
//! the command that repeats it.

use super::Report;
use super::text::{CoverageRow, coverage_rows, run_rows, scale};
use crate::escape::escaped;
use crate::quantity::grouped;
use crate::scenario::pasteable;
use std::fmt::Write;

impl Report {
    /// Renders the report as Markdown, with a line feed at its end.
    pub fn to_markdown(&self) -> String {
        let mut page = String::new();
        // Writing to a String never fails.
        let _ = self.write_markdown(&mut page);
        page
    }

    fn write_markdown(&self, out: &mut String) -> std::fmt::Result {
        let run = &self.run;
        writeln!(out, "### {}\n", cell(&self.headline()))?;
        self.notices.iter().try_for_each(|notice| writeln!(out, "> **Notice:** {}\n>", cell(notice)))?;
        if !self.notices.is_empty() {
            writeln!(out)?;
        }
        writeln!(out, "| figure | value |\n|---|---:|")?;
        let mut row = |name: &str, value: &str| writeln!(out, "| {name} | {} |", cell(value));
        for CoverageRow { name, value } in coverage_rows(self) {
            row(&name, &value)?;
        }
        if let Some(delay) = run.delay_ns {
            let scale = scale(self);
            row("delay p50", &scale.time(delay.p50))?;
            row("delay p99", &scale.time(delay.p99))?;
            row("delay max", &scale.time(delay.max))?;
        }
        if let Some(last) = run.ldh {
            row("last delivery hop", &grouped(last))?;
        }
        row("messages", &grouped(run.messages))?;
        if let Some(parts) = run.ledger.ledger.parts {
            row("parts of orders", &grouped(parts.sent))?;
        }
        if run.control_messages > 0 {
            row("control messages", &grouped(run.control_messages))?;
        }
        row("bytes sent", &grouped(run.bytes))?;
        row("RMR", &run.rmr.map_or_else(|| "-".to_owned(), |rmr| format!("{rmr:.3}")))?;
        row("ledger", &run.ledger.verdict_text())?;
        if let Some(digest) = &run.digest {
            row("digest", &format!("`{digest}`"))?;
        }
        if self.runs.asked > 1 {
            writeln!(out, "\n| over {} runs | runs | median | p10 | p90 | mean |", grouped(self.runs.count))?;
            writeln!(out, "|---|---:|---:|---:|---:|---:|")?;
            for [name, runs, median, p10, p90, mean, _] in run_rows(self) {
                writeln!(out, "| {} | {runs} | {median} | {p10} | {p90} | {mean} |", cell(name.trim()))?;
            }
        }
        writeln!(out, "\n```sh\n{}\n```", pasteable(&self.replay))
    }
}

/// Makes a text fit for a cell: on one line, without the characters that a terminal obeys or that end a cell.
fn cell(text: &str) -> String {
    escaped(text).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use crate::report::fixtures;

    #[test]
    fn a_page_is_a_table_with_the_verdict_and_the_command() {
        let page = fixtures::thousand_nodes().to_markdown();
        assert!(
            page.starts_with("### 95% coverage (950/1,000) reached at 751 μs\n\n| figure | value |\n|---|---:|\n"),
            "{page}"
        );
        assert!(
            page.contains("| ledger | Balanced: every message sent is accounted for, and none was lost. |\n"),
            "{page}"
        );
        assert!(page.ends_with("\n```sh\nbulkprop --nodes 1000 --threads 2 --seed 42\n```\n"), "{page}");
        assert!(page.contains("| time to 99% | not reached |\n"), "{page}");
    }

    #[test]
    fn a_ledger_that_does_not_balance_is_told() {
        let mut broken = fixtures::thousand_nodes_record();
        broken.ledger.in_flight_at_stop -= 2;
        let page = fixtures::report(&[broken]).to_markdown();
        assert!(
            page.contains("THE LEDGER DOES NOT BALANCE") && page.contains("| ledger | NOT BALANCED: 2 messages"),
            "{page}"
        );
    }

    #[test]
    fn many_runs_have_a_table() {
        let page = fixtures::report(&vec![fixtures::thousand_nodes_record(); 5]).to_markdown();
        assert!(page.contains("| over 5 runs | runs | median | p10 | p90 | mean |\n|---|"), "{page}");
        assert!(page.contains("\n| coverage | 5 | 0.98400 |"), "{page}");
    }
}
