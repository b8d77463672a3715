//! A comparison as comma-separated values and as Markdown. `docs/REPORT.md` describes the columns.

use super::report::ComparisonReport;
use super::summary::{FigureChange, FigureSummary, is_by_kind, keys, unit_of};
use super::text::{change_cell, value_cell};
use crate::analysis::ReplicateFigures;

/// The header of the comma-separated values.
const HEADER: &str = "row,spec,marks,figure,runs,mean,low,high,percent,percent_low,percent_high,p,significant";

impl ComparisonReport {
    /// Returns the keys of all figures, in the order of tables.
    fn keys(&self) -> Vec<String> {
        let rows: Vec<&[ReplicateFigures]> = self.rows.iter().map(|row| &row.replicates[..]).collect();
        keys(rows.into_iter())
    }

    /// Renders a line for each figure of each row, below a header.
    pub fn to_csv(&self) -> String {
        let mut lines = vec![HEADER.to_owned()];
        for row in &self.rows {
            let head = [&row.name, &row.spec, &row.marks.join(" ")].map(|text| quoted(text)).join(",");
            for key in self.keys() {
                let FigureSummary { runs, mean, low, high, diff } = row.metrics.get(&key).copied().unwrap_or_default();
                let FigureChange { percent, low: percent_low, high: percent_high, p, significant } =
                    diff.unwrap_or_default();
                let numbers = [mean, low, high, percent, percent_low, percent_high, p];
                let numbers = numbers.map(|number| number.map_or_else(String::new, |number| number.to_string()));
                let significant = if p.is_some() { significant.to_string() } else { String::new() };
                lines.push(format!("{head},{key},{runs},{},{significant}", numbers.join(",")));
            }
        }
        lines.join("\n") + "\n"
    }

    /// Renders a Markdown table with a line for each figure and a column for each row; `is_full` adds the counts by
    /// kind of message.
    pub fn to_markdown(&self, is_full: bool) -> String {
        let heading = |text: &str| text.replace('|', "\\|");
        let mut columns = vec!["figure".to_owned()];
        for (place, row) in self.rows.iter().enumerate() {
            let marks = if row.marks.is_empty() { String::new() } else { format!(" [{}]", row.marks.join(", ")) };
            columns.push(heading(&format!("{}{marks}", row.name)));
            if place > 0 {
                columns.push("difference".to_owned());
            }
        }
        let mut lines = vec![line_of(&columns), line_of(&vec!["---".to_owned(); columns.len()])];
        for key in self.keys().into_iter().filter(|key| is_full || !is_by_kind(key)) {
            let mut cells = vec![format!("`{key}`")];
            for (place, row) in self.rows.iter().enumerate() {
                let figure = row.metrics.get(&key).copied().unwrap_or_default();
                cells.push(value_cell(figure.mean, unit_of(&key)) + &missing(&figure, row.replicates.len()));
                if place > 0 {
                    cells.push(change_cell(figure.diff));
                }
            }
            lines.push(line_of(&cells));
        }
        let sentence =
            if self.sentence.is_empty() { String::new() } else { format!("\n{}\n", heading(&self.sentence)) };
        lines.join("\n") + "\n" + &sentence
    }
}

/// Says in how many replicates a figure exists, if not in all.
fn missing(figure: &FigureSummary, replicates: usize) -> String {
    let is_partial = figure.runs > 0 && figure.runs < replicates as u64;
    if is_partial { format!(" ({}/{replicates})", figure.runs) } else { String::new() }
}

fn line_of(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// Quotes a field that has a comma or a quotation mark in it (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use crate::analysis::COMPARED;

    #[test]
    fn the_tables_show_every_figure_once() {
        let mut keys: Vec<&str> = COMPARED.iter().map(|figure| figure.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), COMPARED.len());
    }

    #[test]
    fn a_field_with_a_comma_is_quoted() {
        assert_eq!(quoted("push,fanout=6"), "\"push,fanout=6\"");
        assert_eq!((quoted("push"), quoted("a\"b")), ("push".to_owned(), "\"a\"\"b\"".to_owned()));
    }
}
