//! `bulkprop reproduce`: measures published figures in their own setups, and prints both.

use super::signals::SignalWatch;
use super::validate::seed;
use super::wrapping::wrapped;
use super::{Exit, Failure, Format, IN_AND_OUT, print};
use crate::experiment::{PUBLISHED_ROWS, PublishedFigure, Reproduction, ReproductionPlan, Verdict, reproduce};
use crate::scenario::limits;
use clap::Args;
use std::num::NonZero;
use std::thread::available_parallelism;

/// Measure published figures of protocols in their own setups, and compare.
///
/// A row is a publication, numbered as in docs/PUBLISHED.md. A figure agrees if every run gives it exactly; it is
/// within if the mean is in the tolerance that the source allows and its 95 % interval is narrower than the tolerance,
/// or, of a bound, if every run keeps it. Exit code 1 if a figure differs for no known reason.
#[derive(Debug, Args)]
pub(super) struct ReproduceArguments {
    /// Rows to measure [default: all].
    #[arg(value_name = "ROW", value_parser = row)]
    rows: Vec<u8>,

    /// Seed of every draw. The default gives the same table everywhere; other seeds try other networks.
    #[arg(short, long, value_name = "N", default_value_t = 1, allow_hyphen_values = true, value_parser = seed)]
    seed: u64,

    /// Runs made simultaneously [default: the cores this process may use].
    #[arg(short, long, value_name = "N", value_parser = |text: &str| limits::THREADS.parse::<u32>(text))]
    threads: Option<u32>,

    /// Form of the table: text for people, json for programs.
    #[arg(long, value_name = "text|json", default_value_t = Format::Text, hide_possible_values = true)]
    #[arg(value_enum, help_heading = IN_AND_OUT)]
    format: Format,
}

/// Reads the number of a row.
fn row(text: &str) -> Result<u8, String> {
    let number = text.parse().ok().filter(|number| PUBLISHED_ROWS.iter().any(|row| row.number == *number));
    number.ok_or_else(|| {
        let numbers: Vec<String> = PUBLISHED_ROWS.iter().map(|row| row.number.to_string()).collect();
        format!("no row has this number; choose among {}", numbers.join(", "))
    })
}

/// Measures the rows and prints them; as text, each figure when it has been judged.
pub(super) fn run(arguments: &ReproduceArguments, watch: &SignalWatch) -> Result<Exit, Failure> {
    let cores = || available_parallelism().map_or(1, NonZero::get);
    let plan = ReproductionPlan {
        seed: arguments.seed,
        threads: arguments.threads.map_or_else(cores, |threads| threads as usize),
        rows: arguments.rows.clone(),
    };
    let is_text = arguments.format == Format::Text;
    let mut printed = if is_text { print(&header_line()) } else { Ok(()) };
    let mut shown = None;
    let show = |figure: &PublishedFigure| {
        if !is_text || printed.is_err() {
            return;
        }
        let heading = if shown == Some(figure.row) { String::new() } else { heading(figure) };
        shown = Some(figure.row);
        printed = print(&(heading + &line(figure)));
    };
    let table = reproduce(&plan, &watch.interrupt, show)?;
    printed?;
    print(&match arguments.format {
        Format::Json => serde_json::to_string_pretty(&table)? + "\n",
        Format::Text => summary(&table),
    })?;
    Ok(match table.rows.iter().any(PublishedFigure::is_failure) {
        _ if table.interrupted => watch.exit(),
        false => Exit::GoalMet,
        true => Exit::GoalMissed,
    })
}

/// Returns the heading of the columns.
fn header_line() -> String {
    let [metric, published, measured, interval, tolerance] = ["figure", "published", "measured", "± 95 %", "allowed"];
    format!("  {metric:<30} {published:>9} {measured:>9} {interval:>8} {tolerance:>10} verdict\n")
}

/// Returns the heading of a row: number, source and setup.
fn heading(figure: &PublishedFigure) -> String {
    wrapped(&format!("{}. {}: {}", figure.row, figure.source, figure.setup), "\n", "    ")
}

/// Returns the line of a figure. A long name has lines of its own, and a reason follows.
fn line(figure: &PublishedFigure) -> String {
    const NAME: usize = 30;
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), shown);
    let half = figure.low.zip(figure.high).map(|(low, high)| 0.5 * (high - low));
    let tolerance = if figure.published.is_some() { figure.tolerance.to_string() } else { "-".to_owned() };
    let [published, measured, interval] = [figure.published, figure.measured, half].map(number);
    let mut names: Vec<String> = wrapped_to(&figure.metric, NAME);
    let last = names.pop().unwrap_or_default();
    let mut text: String = names.iter().map(|name| format!("  {name}\n")).collect();
    text += &format!("  {last:<NAME$} {published:>9} {measured:>9} {interval:>8} {tolerance:>10} {}\n", figure.verdict);
    if let Some(reason) = figure.reason {
        text += &wrapped(reason, "    ", "    ");
    }
    text
}

/// Breaks a text at its blanks into parts of at most `width` columns.
fn wrapped_to(text: &str, width: usize) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match parts.last_mut().filter(|part| part.chars().count() + 1 + word.chars().count() <= width) {
            Some(part) => *part += &format!(" {word}"),
            None => parts.push(word.to_owned()),
        }
    }
    parts
}

/// Writes a number with four significant digits, counts in full.
fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 || value == value.round() => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        size if size < 0.01 => format!("{value:.1e}"),
        _ => format!("{value:.3}"),
    }
}

/// Summarizes the verdicts in a sentence or two.
fn summary(table: &Reproduction) -> String {
    let count = |verdict| table.rows.iter().filter(|figure| figure.verdict == verdict).count();
    let explained = table.rows.iter().filter(|figure| figure.verdict == Verdict::Differs && !figure.is_failure());
    let (explained, failed) = (explained.count(), table.rows.iter().filter(|figure| figure.is_failure()).count());
    let so_far = if table.interrupted { " Interrupted: the others were not run." } else { "" };
    let [agrees, within, not_run] = [Verdict::Agrees, Verdict::Within, Verdict::NotRun].map(count);
    let text = format!(
        "{} figures: {agrees} agree, {within} within, {explained} differ for the reason given, {failed} differ without \
         one, {not_run} not run.{so_far} (seed {})",
        table.rows.len(),
        table.seed
    );
    wrapped(&text, "\n", "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Tolerance;

    fn figure() -> PublishedFigure {
        PublishedFigure {
            row: 1,
            source: "a paper",
            setup: "a network",
            metric: "a figure with a name that is longer than its column".to_owned(),
            published: Some(12_345.0),
            measured: Some(12_346.5),
            low: Some(12_340.0),
            high: Some(12_352.0),
            runs: 5,
            tolerance: Tolerance::Percent(2.5),
            verdict: Verdict::Within,
            reason: Some("one two three four five six seven eight nine ten eleven twelve thirteen fourteen"),
        }
    }

    #[test]
    fn lines_fit_a_terminal() {
        let text = header_line() + &heading(&figure()) + &line(&figure());
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("    12345     12346        6    ± 2.5 % within"), "{text}");
        let not_run = PublishedFigure { published: None, measured: None, low: None, high: None, ..figure() };
        assert!(line(&not_run).contains("        -         -        -          - within"));
    }

    #[test]
    fn numbers_keep_what_distinguishes_them() {
        let written = [0.0, 0.000_25, 0.0048, 0.176, 12.345, 143.28, 40_200.0].map(shown);
        assert_eq!(written, ["0", "2.5e-4", "4.8e-3", "0.176", "12.35", "143.3", "40200"]);
    }

    #[test]
    fn rows_are_named_by_their_numbers() {
        assert_eq!(row("8"), Ok(8));
        assert!(row("9").unwrap_err().contains("choose among 1, 2, 3, 4"));
    }
}
