//! A comparison for a terminal of 80 columns: three tables, each with a line of figures for every row and a line of
//! differences below it.

use super::marks;
use super::report::{ComparisonReport, RowReport};
use super::summary::{FigureChange, FigureSummary, is_by_kind, kind_of, unit_of};
use crate::analysis::{COMPARED, FigureUnit};
use crate::quantity::counted;
use std::fmt;

/// Columns of the whole text.
const WIDTH: usize = 80;

/// Columns of the names at the left.
const NAME_WIDTH: usize = 17;

/// Columns of a figure.
const CELL_WIDTH: usize = 9;

/// Figures in a table.
const CELLS: usize = (WIDTH - NAME_WIDTH) / CELL_WIDTH;

/// The beginning of the keys of times that a replicate may never reach.
const TIME_TO: &str = "time_to_";

/// The tables: heading, and the places of their figures in [`COMPARED`].
const TABLES: [(&str, std::ops::Range<usize>); 3] = [
    ("Share reached, time until a share of the nodes is, delay of receipts", 0..7),
    ("Hops, redundancy, messages of each node, nodes that missed orders", 7..14),
    ("Bytes of each node for an order: payload received, and what was sent", 14..20),
];

/// A comparison as text.
#[derive(Clone, Copy, Debug)]
pub struct ComparisonText<'a> {
    /// The comparison.
    pub report: &'a ComparisonReport,
    /// True if intervals of means and counts by kind are shown.
    pub is_full: bool,
}

impl fmt::Display for ComparisonReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        ComparisonText { report: self, is_full: false }.fmt(out)
    }
}

impl fmt::Display for ComparisonText<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ComparisonText { report, is_full } = *self;
        self.heading(out)?;
        for (heading, places) in TABLES {
            let figures: Vec<(&str, &str)> = COMPARED[places].iter().map(|figure| (figure.key, figure.title)).collect();
            self.table(out, heading, &figures)?;
        }
        if is_full {
            self.by_kind(out)?;
        }
        let marked = report.rows.iter().flat_map(|row| row.marks.iter().map(move |mark| (row, mark)));
        for (row, mark) in marked {
            writeln!(out)?;
            write_wrapped(out, &format!("{}: {mark}: {}.", row.name, marks::meaning(mark)))?;
        }
        if let Some(too_few) = report.too_few() {
            writeln!(out)?;
            write_wrapped(out, &too_few)?;
        }
        if !report.sentence.is_empty() {
            writeln!(out)?;
            write_wrapped(out, &report.sentence)?;
        }
        writeln!(out)?;
        write_wrapped(out, LEGEND)
    }
}

impl ComparisonText<'_> {
    fn heading(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let replicates = report.most_replicates();
        let warm = match report.warm_orders {
            0 => "no order left out".to_owned(),
            warm => format!("the first {} left out", counted(warm.into(), "order")),
        };
        writeln!(out, "Protocols side by side: {}, {warm}", counted(replicates as u64, "replicate"))?;
        if report.interrupted {
            writeln!(out, "Interrupted: the replicates that had ended by then")?;
        }
        Ok(())
    }

    /// Writes a table of figures, each with its key and its title.
    fn table(&self, out: &mut fmt::Formatter<'_>, heading: &str, figures: &[(&str, &str)]) -> fmt::Result {
        writeln!(out, "\n{heading}")?;
        write_line(out, "", figures.iter().map(|(_, title)| title.chars().take(CELL_WIDTH - 1).collect()))?;
        for (place, row) in self.report.rows.iter().enumerate() {
            let of_row = || figures.iter().map(|(key, _)| (*key, row.metrics.get(*key).copied().unwrap_or_default()));
            write_named(out, row, of_row().map(|(key, figure)| value_cell(figure.mean, unit_of(key))))?;
            if self.is_full {
                write_line(out, "  from", of_row().map(|(key, figure)| value_cell(figure.low, unit_of(key))))?;
                write_line(out, "  to", of_row().map(|(key, figure)| value_cell(figure.high, unit_of(key))))?;
            }
            let all = row.replicates.len() as u64;
            // Other figures that a replicate lacks have no event to reach.
            let is_time_to = |key: &str| key.starts_with(TIME_TO);
            if of_row().any(|(key, figure)| is_time_to(key) && figure.runs < all) {
                let got_there = |(key, figure): (&str, FigureSummary)| match is_time_to(key) {
                    true => format!("{}/{all}", figure.runs),
                    false => String::new(),
                };
                write_line(out, "  got there", of_row().map(got_there))?;
            }
            if place > 0 {
                write_line(out, "  difference", of_row().map(|(_, figure)| change_cell(figure.diff)))?;
            }
        }
        Ok(())
    }

    /// Writes the messages by kind.
    fn by_kind(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.report.rows.iter();
        let keys: std::collections::BTreeSet<&str> =
            rows.flat_map(|row| row.metrics.keys()).map(String::as_str).filter(|key| is_by_kind(key)).collect();
        let figures: Vec<(&str, &str)> = keys.into_iter().filter_map(|key| Some((key, kind_of(key)?.0))).collect();
        for is_control in [true, false] {
            let of_group: Vec<(&str, &str)> = figures
                .iter()
                .copied()
                .filter(|(key, _)| kind_of(key).is_some_and(|(_, control)| control == is_control))
                .collect();
            let heading = match is_control {
                true => "Control messages of each node for an order, by kind",
                false => "Upkeep of each node in a second, by kind",
            };
            for part in of_group.chunks(CELLS) {
                self.table(out, heading, part)?;
            }
        }
        Ok(())
    }
}

/// Writes the figures of a row behind its name and marks, which take a line of their own if they are long.
fn write_named(out: &mut impl fmt::Write, row: &RowReport, cells: impl Iterator<Item = String>) -> fmt::Result {
    let marks = if row.marks.is_empty() { String::new() } else { format!(" [{}]", row.marks.join(", ")) };
    let name = format!("{}{marks}", row.name);
    if name.chars().count() <= NAME_WIDTH {
        return write_line(out, &name, cells);
    }
    write_wrapped(out, &name)?;
    write_line(out, "", cells)
}

/// Writes cells to the right of a short name.
fn write_line(out: &mut impl fmt::Write, name: &str, cells: impl Iterator<Item = String>) -> fmt::Result {
    let cells: String = cells.map(|cell| format!("{cell:>CELL_WIDTH$}")).collect();
    writeln!(out, "{}", format!("{name:NAME_WIDTH$}{cells}").trim_end())
}

/// Writes a text in lines of at most [`WIDTH`] columns.
fn write_wrapped(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        match used {
            0 => {}
            _ if used + 1 + length > WIDTH => {
                writeln!(out)?;
                used = 0;
            }
            _ => {
                write!(out, " ")?;
                used += 1;
            }
        }
        write!(out, "{word}")?;
        used += length;
    }
    writeln!(out)
}

/// Writes a mean in its unit.
pub(super) fn value_cell(value: Option<f64>, unit: FigureUnit) -> String {
    let Some(value) = value else { return "-".to_owned() };
    match unit {
        FigureUnit::Share => percent_of(value),
        FigureUnit::Time => scaled(value, &["ns", "us", "ms", "s"]),
        FigureUnit::Bytes => scaled(value, &["B", "kB", "MB", "GB", "TB"]),
        FigureUnit::Number => scaled(value, &["", "k", "M", "G"]),
    }
}

/// Writes a share in per cent. One below 1 is never shown as 100 %.
fn percent_of(share: f64) -> String {
    let percent = 100.0 * share;
    if (99.995..100.0).contains(&percent) { ">99.99%".to_owned() } else { format!("{percent:.2}%") }
}

/// Writes a value to three significant digits with the prefix that suits it.
fn scaled(value: f64, units: &[&str]) -> String {
    let (mut value, mut units) = (value, units.iter().peekable());
    let mut unit = units.next().copied().unwrap_or_default();
    while value.abs() >= 999.5
        && let Some(next) = units.next()
    {
        (value, unit) = (value / 1e3, next);
    }
    format!("{}{unit}", significant(value))
}

/// Writes a number to three significant digits, without digits that say nothing.
fn significant(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        _ if size == 0.0 => 0,
        _ if size >= 99.95 => 0,
        _ if size >= 9.995 => 1,
        _ if size >= 0.0995 => 2,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Writes a significant difference in per cent with half of its interval, a dot for one that is not, and a dash for one
/// that too few replicates have to test it.
pub(super) fn change_cell(change: Option<FigureChange>) -> String {
    let Some(change) = change.filter(|change| change.p.is_some()) else { return "-".to_owned() };
    let FigureChange { percent, low, high, significant: true, .. } = change else { return "·".to_owned() };
    let Some(percent) = percent else { return "from 0".to_owned() };
    if percent >= 999.5 {
        return format!("x{}", significant(1.0 + percent / 100.0));
    }
    let half = low.zip(high).map_or(0.0, |(low, high)| (high - low) / 2.0);
    let decimals = if percent.abs() < 0.095 { 2 } else { usize::from(percent.abs() < 9.95) };
    let spread = match half {
        _ if half >= 0.95 => format!("±{half:.0}"),
        _ if half >= 0.05 && percent.abs() < 99.5 => format!("±{}", format!("{half:.1}").trim_start_matches('0')),
        _ => String::new(),
    };
    format!("{percent:+.decimals$}{spread}%")
}

/// The rules by which the tables are read.
const LEGEND: &str = "Differences are from the first row, paired by seed, in per cent with half of their 95 % \
    interval; · is not significant (paired t-test, p below .05 after Holm's correction), - is not known. Counts and \
    bytes are for each node and order, upkeep for each node and second; worst is the most orders that one node missed, \
    origin the bytes that the origin sends.";
