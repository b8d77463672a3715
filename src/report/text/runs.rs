//! Statistics over many runs: the number that met the goal, and the most useful figures. All others are in JSON and in
//! the file of runs.

use super::layout::{Scale, line, table, target_text, time_or_not};
use crate::analysis::{AcrossRuns, DistributionPart};
use crate::quantity::grouped;
use crate::report::Report;
use std::fmt::{self, Formatter};

/// The format of a figure.
#[derive(Clone, Copy)]
enum Form {
    Time,
    Share,
    Ratio,
    Count,
}

/// Rows of the table, if runs have them: name, column and format.
const ROWS: [(&str, &str, Form); 19] = [
    ("time to 50%", "time_to_ns.50", Form::Time),
    ("time to 95%", "time_to_ns.95", Form::Time),
    ("time to 99%", "time_to_ns.99", Form::Time),
    ("delay p50", "delay_ns.p50", Form::Time),
    ("delay p99", "delay_ns.p99", Form::Time),
    ("coverage", "coverage", Form::Share),
    ("residue", "residue", Form::Count),
    ("orders at the target", "bulk.reached", Form::Count),
    ("orders a second", "bulk.orders_per_second", Form::Count),
    ("RMR", "rmr", Form::Ratio),
    ("duplicates", "duplicates", Form::Count),
    ("expired", "expired", Form::Count),
    ("messages", "messages", Form::Count),
    ("control messages", "control_messages", Form::Count),
    ("bytes sent", "bytes", Form::Count),
    ("last delivery hop", "ldh", Form::Count),
    ("lost", "ledger.lost", Form::Count),
    ("strays", "strays", Form::Count),
    ("mean degree", "overlay.mean_degree", Form::Ratio),
];

/// Rows that are shown only if some run has more than 0.
const RARE: [&str; 4] = ["expired", "control_messages", "ledger.lost", "strays"];

/// Writes the table.
pub(super) fn runs(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let runs = &report.runs;
    if runs.asked == 1 {
        return Ok(());
    }
    let [first, last] = runs.seeds();
    let seeds = if runs.same_seed {
        format!("all with seed {first}: they differ in what the machine did alone")
    } else {
        format!("seeds {first} to {last}")
    };
    writeln!(out, "\nRuns ({}, {seeds}):", grouped(runs.count))?;
    line(out, &format!("  goal met in  {}", part(&runs.goal_met, runs.count)))?;
    if runs.died_out.runs > 0 {
        line(out, &format!("  died out in  {}", part(&runs.died_out, runs.count)))?;
    }
    let scale = scale(report);
    let titles = ["", "runs", "median", "p10", "p90", "mean", "95% interval of the mean"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(titles).chain(run_rows(report)).collect();
    table(out, &rows)?;
    let unit = scale.unit();
    line(out, &format!("  Times in {unit}; a run that missed one is later than all others, and in no mean."))
}

/// Makes the rows of figures over runs: the name, the number of runs that have it, median, p10, p90, mean and its
/// interval.
pub(in crate::report) fn run_rows(report: &Report) -> Vec<[String; 7]> {
    let scale = scale(report);
    let target = format!("time to {}", target_text(report.run.target.share));
    let first = row(report, &target, "time_to_target_ns", Form::Time, scale);
    // The target may be one of the shares that have a row of their own.
    let others = ROWS.iter().filter(|(name, ..)| *name != target);
    let others = others.filter_map(|&(name, column, form)| row(report, name, column, form, scale));
    first.into_iter().chain(others).collect()
}

/// Writes a number of runs, their share, and its interval.
fn part(part: &DistributionPart, count: u64) -> String {
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    let interval = part
        .interval_95
        .map_or_else(String::new, |[low, high]| format!(" (95% interval {} to {})", percent(low), percent(high)));
    format!("{} of {}, {}{interval}", grouped(part.runs), grouped(count), percent(part.share))
}

fn row(report: &Report, name: &str, column: &str, form: Form, scale: Scale) -> Option<[String; 7]> {
    let over = report.runs.over(column)?;
    if RARE.contains(&column) && over.greatest == Some(0.0) {
        return None;
    }
    let figure = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |figure| form.write(figure, scale));
    let interval = over.interval_95.map(|bounds| bounds.map(|bound| form.write(bound, scale)));
    let interval = interval.map_or_else(|| "-".to_owned(), |[low, high]| format!("{low} to {high}"));
    Some([
        format!("  {name}"),
        grouped(over.runs),
        figure(over.median),
        figure(over.p10),
        figure(over.p90),
        figure(over.mean),
        interval,
    ])
}

impl Form {
    fn write(self, figure: f64, scale: Scale) -> String {
        match self {
            Form::Time => scale.number(figure.max(0.0).round() as u64),
            Form::Share => format!("{figure:.5}"),
            Form::Ratio => format!("{figure:.3}"),
            Form::Count if figure.fract() == 0.0 && figure >= 0.0 => grouped(figure as u64),
            Form::Count if figure >= 1_000.0 => grouped(figure.round() as u64),
            Form::Count => format!("{figure:.1}"),
        }
    }
}

/// Chooses the unit of all runs' times.
fn scale(report: &Report) -> Scale {
    let greatest =
        |column| report.runs.over(column).and_then(|over: AcrossRuns| over.greatest.or(over.p90)).unwrap_or(0.0);
    let greatest = greatest("delay_ns.max").max(greatest("time_to_target_ns")) as u64;
    Scale::of(greatest).resolved(report.run.time_resolution_ns)
}

/// Writes the spread over all runs, in a line beside the run that is shown.
pub(super) fn spread(report: &Report) -> String {
    let runs = &report.runs;
    let time = runs.over("time_to_target_ns").and_then(|over| over.median).map(|median| median as u64);
    let median = match time {
        Some(_) => format!("median {}", time_or_not(scale(report), time)),
        None => "half of them or more never reached it".to_owned(),
    };
    format!("Goal met in {} of {} runs, {median}", grouped(runs.goal_met.runs), grouped(runs.count))
}
