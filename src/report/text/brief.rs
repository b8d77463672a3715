//! The report on one screen: at most [`LINES_MAX`] lines, as wide as the terminal.
//!
//! A terminal of 24 rows shows the end of it, so the end has the decisive lines: notices, the ledger's verdict,
//! coverage with its times, and the command that repeats the run. Above them are the story of the run, the
//! distribution, hops and cost. Everything else is in the full report.

use super::layout::{NOT_REACHED, Scale, bar, columns, cut, wrap};
use super::runs::spread;
use super::sentences::{self, coverage_rows, scale};
use crate::quantity::{counted, grouped, rounded_bytes};
use crate::report::Report;
use crate::scenario::pasteable;

/// Maximum number of lines of the report.
pub const LINES_MAX: usize = 34;

/// Maximum number of lines for notices.
const NOTICE_LINES_MAX: usize = 6;

/// Minimum number of columns, however narrow the terminal says it is.
const WIDTH_MIN: usize = 60;

/// Columns of the longest bar.
const BAR_COLUMNS_MAX: usize = 48;

impl Report {
    /// Renders the report on one screen, for a terminal of `width` columns, with a line feed at its end. The command
    /// that repeats the run is on one line, however long, so that it can be copied.
    pub fn brief(&self, width: usize) -> String {
        let page = BriefPage { report: self, scale: scale(self), width: width.max(WIDTH_MIN) };
        let mut lines = page.story();
        lines.extend(page.distribution());
        lines.extend(page.hops());
        lines.extend(page.cost());
        let end = page.end();
        let left = LINES_MAX.saturating_sub(lines.len() + end.len());
        lines.extend(page.notices(left.min(NOTICE_LINES_MAX)));
        lines.extend(end);
        lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }
}

/// A report laid out on one screen.
struct BriefPage<'a> {
    report: &'a Report,
    scale: Scale,
    width: usize,
}

impl BriefPage<'_> {
    /// Lays out the network, the injection, and the end of the run.
    fn story(&self) -> Vec<String> {
        let report = self.report;
        let mut lines = vec![sentences::title(report), sentences::setup(report), sentences::degree(report)];
        lines.push(sentences::injected(report));
        lines.push(sentences::monitoring(report));
        lines.push(sentences::headline(report));
        lines.push(sentences::stopped(report));
        lines.extend(sentences::result_lines(report));
        lines.iter().flat_map(|line| wrap(line, self.width, 2)).collect()
    }

    /// Lays out the ten bins with counts and bars.
    fn distribution(&self) -> Vec<String> {
        let (run, scale) = (&self.report.run, self.scale);
        let mut lines = vec!["Latency Distribution:".to_owned()];
        match run.delay_ns {
            None => lines.push("  no node was reached".to_owned()),
            Some(delays) if delays.max == 0 => {
                lines.push(format!("  {}: {}", scale.time(0), counted(run.reached, "node")));
            }
            Some(_) => {
                let greatest = run.delay_bins.iter().map(|bin| bin.nodes).max().unwrap_or(0);
                let edge = run.delay_bins.iter().map(|bin| scale.number(bin.to_ns).len()).max().unwrap_or(0).max(8);
                let (digits, width) = (grouped(greatest).len(), self.noun(2).len());
                let rows = run.delay_bins.iter().map(|bin| {
                    let (from, to) = (scale.number(bin.from_ns), scale.number(bin.to_ns));
                    let count = grouped(bin.nodes);
                    let noun = self.noun(bin.nodes);
                    let row = format!("{from:>edge$}-{to:>edge$} {}: {count:>digits$} {noun:<width$}  ", scale.unit());
                    let room = self.width.saturating_sub(columns(&row)).min(BAR_COLUMNS_MAX);
                    row + &bar(bin.nodes, greatest, room as u64)
                });
                lines.extend(rows);
            }
        }
        lines
    }

    /// Returns the noun for `count` first receipts: those of a single order are nodes.
    const fn noun(&self, count: u64) -> &'static str {
        match (self.report.run.bulk.is_some(), count) {
            (true, 1) => "receipt",
            (true, _) => "receipts",
            (false, 1) => "node",
            (false, _) => "nodes",
        }
    }

    /// Lays out the number of first receipts by hop, in one line.
    fn hops(&self) -> Vec<String> {
        let run = &self.report.run;
        let Some(last) = run.ldh else { return Vec::new() };
        let counts: Vec<String> = run.hops.iter().map(|&count| grouped(count)).collect();
        let text = format!("Hops: {} {} first reached at hop 0 to {last}", counts.join(" "), self.noun(2));
        let short = format!("Hops: last delivery hop {last}");
        vec![if columns(&text) <= self.width { text } else { short }]
    }

    /// Lays out the number of messages, and the redundant part of it.
    fn cost(&self) -> Vec<String> {
        let run = &self.report.run;
        let rmr = run.rmr.map_or_else(|| "-".to_owned(), |rmr| format!("{rmr:.3}"));
        let control = match run.control_messages {
            0 => String::new(),
            control => format!(", {} control messages", grouped(control)),
        };
        let messages = match run.ledger.ledger.parts {
            Some(parts) => format!("{} of orders", counted(parts.sent, "part")),
            None => counted(run.messages, "message"),
        };
        let text = format!(
            "Cost: {messages}{control}, {}, RMR {rmr}, {}",
            bytes_text(run.bytes),
            counted(run.duplicates, "duplicate")
        );
        wrap(&text, self.width, 2)
    }

    /// Lays out as many whole notices as fit into `room` lines, and the number of the others.
    fn notices(&self, room: usize) -> Vec<String> {
        let notices = &self.report.notices;
        let mut lines: Vec<String> = Vec::new();
        for (place, notice) in notices.iter().enumerate() {
            let next = wrap(&format!("Notice: {notice}"), self.width, 8);
            let is_last = place + 1 == notices.len();
            // The line with the number of the others takes one.
            if lines.len() + next.len() + usize::from(!is_last) <= room {
                lines.extend(next);
                continue;
            }
            if place == 0 {
                let kept = room.saturating_sub(1).max(1);
                lines.extend(next.into_iter().take(kept));
                let others = counted(notices.len() as u64, "notice");
                lines.push(format!("        ... {others} in all, whole with --full"));
            } else {
                let others = counted((notices.len() - place) as u64, "more notice");
                lines.push(format!("Notice: {others}, with --full"));
            }
            break;
        }
        lines
    }

    /// Lays out the last lines: the verdict, coverage and times, and the command that repeats the run.
    fn end(&self) -> Vec<String> {
        let report = self.report;
        let mut lines = wrap(&format!("Ledger: {}", report.run.ledger.verdict_text()), self.width, 2);
        if report.runs.asked > 1 {
            lines.extend(wrap(&format!("Runs: {}", spread(report)), self.width, 2));
        }
        lines.extend(wrap(&self.coverage(), self.width, 2));
        lines.extend(wrap(&format!("Replay ({}):", sentences::repeated(report)), self.width, 2));
        lines.push(format!("  {}", pasteable(&report.replay)));
        lines.push(cut(&format!("{}; --full prints everything", sentences::ending(report)), self.width));
        lines
    }

    /// Lays out coverage and the times to it, up to the first share that was not reached: none above it was.
    fn coverage(&self) -> String {
        let rows = coverage_rows(self.report);
        let last = rows.iter().position(|row| row.value == NOT_REACHED).unwrap_or(rows.len());
        let told = rows.iter().take(last + 1).enumerate().map(|(place, row)| {
            // What the times have in common is written only once.
            let name = match (place, row.name.split_once(", ")) {
                (1, Some((common, own))) => format!("{common}: {own}"),
                (2.., Some((_, own))) => own.to_owned(),
                (2.., None) => row.name.trim_start_matches("time to ").to_owned(),
                _ => row.name.clone(),
            };
            format!("{name} {}", row.value)
        });
        let told: Vec<String> = told.collect();
        let text = told.join(", ");
        let mut signs = text.chars();
        signs.next().map_or_else(String::new, |first| first.to_uppercase().chain(signs).collect())
    }
}

/// Writes a number of bytes, and from a billion on also its rounded value with a unit.
fn bytes_text(bytes: u64) -> String {
    let rounded = if bytes < 1_000_000_000 { String::new() } else { format!(" ({})", rounded_bytes(bytes)) };
    format!("{} bytes{rounded}", grouped(bytes))
}
