//! The differences of a comparison as a person would say them: what one protocol saves, and what it costs.

use super::report::{ComparisonReport, RowReport};
use super::summary::FigureChange;
use crate::quantity::{counted, grouped};
use crate::theory::intervals::RUNS_MIN;
use serde_json::Value;

impl ComparisonReport {
    /// Returns a sentence for each row but the first; nothing for a single row.
    pub(super) fn in_words(&self) -> String {
        let Some((baseline, others)) = self.rows.split_first() else { return String::new() };
        let adds_time = |percent: &str| format!("adds {percent} % to the time to 99 %");
        let sentences = others.iter().map(|row| {
            let time = told(row, "time_to_99", "the time to 99 %", adds_time);
            let bytes = told(row, "bytes", "the bytes", |percent| format!("adds {percent} % bytes"));
            format!("From {} to {} {time} and {bytes}, {}.", baseline.name, row.name, setting(self, row))
        });
        sentences.collect::<Vec<String>>().join(" ")
    }

    /// Returns the greatest number of replicates of a row.
    pub(super) fn most_replicates(&self) -> usize {
        self.rows.iter().map(|row| row.replicates.len()).max().unwrap_or(0)
    }

    /// Returns the reason why no difference is tested, if there are so few replicates.
    pub(super) fn too_few(&self) -> Option<String> {
        let replicates = self.most_replicates();
        (self.rows.len() > 1 && replicates < RUNS_MIN).then(|| {
            let replicates = counted(replicates as u64, "replicate");
            format!(
                "{replicates} cannot tell a difference from chance, so that none is shown: give --runs {RUNS_MIN} or \
                 more."
            )
        })
    }
}

/// Tells the change of a figure that is called `what`; `rise` words one that grows by this many per cent.
fn told(row: &RowReport, key: &str, what: &str, rise: impl Fn(&str) -> String) -> String {
    let Some(figure) = row.metrics.get(key) else { return format!("says nothing of {what}") };
    match figure.diff {
        Some(FigureChange { percent: Some(percent), significant: true, .. }) => {
            let size = rounded(percent.abs());
            if percent < 0.0 { format!("takes {size} % off {what}") } else { rise(&size) }
        }
        Some(FigureChange { p: Some(_), .. }) => format!("does not change {what} significantly"),
        _ if row.replicates.len() < RUNS_MIN => {
            format!("leaves {what} open ({} cannot tell)", counted(row.replicates.len() as u64, "replicate"))
        }
        _ => format!("leaves {what} open ({} of {} replicates got there)", figure.runs, row.replicates.len()),
    }
}

/// Writes a percentage to two significant digits, and at least to a whole number.
fn rounded(percent: f64) -> String {
    let decimals = if percent < 0.995 { 2 } else { usize::from(percent < 9.95) };
    format!("{percent:.decimals$}")
}

/// Returns the setting under which a row was measured.
fn setting(report: &ComparisonReport, row: &RowReport) -> String {
    let options = row.all_options(report);
    let coverage = row.metrics.get("reached").and_then(|reached| reached.mean).unwrap_or(0.0);
    let nodes = options.get("nodes").and_then(Value::as_u64).map_or_else(|| "?".to_owned(), grouped);
    let bytes = options.get("payload-bytes").map_or_else(|| "0".to_owned(), text_of);
    format!("at coverage {:.2} %, N = {nodes}, D = {}, {bytes} bytes", 100.0 * coverage, plain(row.degree))
}

/// Writes a mean degree without needless decimals.
fn plain(degree: f64) -> String {
    if (degree - degree.round()).abs() < 0.005 { format!("{degree:.0}") } else { format!("{degree:.1}") }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
