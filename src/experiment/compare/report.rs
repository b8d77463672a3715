//! All rows of a comparison: the object that is printed, saved, and read back.

use super::{marks, summary};
use crate::analysis::ReplicateFigures;
use crate::scenario::{Draft, Scenario};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version of the layout of a comparison's JSON. It grows when a key changes its name or meaning, not when one is
/// added.
pub const COMPARISON_SCHEMA: u32 = 1;

/// The figures of protocols side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonReport {
    /// Version of the layout; a reader refuses every other.
    pub schema: u32,
    /// Options that all rows share, by name; those of the machine are left out.
    pub scenario: BTreeMap<String, Value>,
    /// Orders at the start of each run that no figure counts.
    pub warm_orders: u32,
    /// True if an interrupt came before all runs had ended.
    pub interrupted: bool,
    /// The rows, the baseline first.
    pub rows: Vec<RowReport>,
    /// The differences in words, a sentence for each row but the first.
    pub sentence: String,
}

/// A row of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowReport {
    /// Its name in the tables.
    pub name: String,
    /// The protocol, as `--protocol` takes it.
    pub spec: String,
    /// Options in which rows differ, by name.
    pub options: BTreeMap<String, Value>,
    /// Words that qualify the row: `cold`, `unsettled`, `full membership` and others.
    pub marks: Vec<String>,
    /// Mean number of peers of a node.
    pub degree: f64,
    /// Figures by key.
    pub metrics: BTreeMap<String, summary::FigureSummary>,
    /// Figures of each replicate.
    pub replicates: Vec<ReplicateFigures>,
}

/// A row after its runs.
pub(super) struct MeasuredRow {
    pub(super) name: String,
    spec: String,
    options: BTreeMap<String, Value>,
    is_full_membership: bool,
    /// Mean number of peers of a node.
    pub(super) degree: f64,
    pub(super) replicates: Vec<ReplicateFigures>,
}

/// The reason why a saved comparison is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ReportFault {
    /// It is no comparison.
    #[error("this is not a saved comparison ({0}); name a file that `compare --save` wrote")]
    NotOne(String),
    /// It has another layout.
    #[error("its layout is version {found}, and this program reads version {COMPARISON_SCHEMA}; save it again")]
    Schema {
        /// The version of the file.
        found: u64,
    },
    /// It is of another experiment.
    #[error("it is of another scenario: `{option}` is {before} there and {now} here; compare under the same options")]
    Scenario {
        /// Name of the option.
        option: String,
        /// Its value in the file.
        before: String,
        /// Its value now.
        now: String,
    },
    /// It lacks a row.
    #[error("it has no row `{0}`; save a comparison that has it")]
    Row(String),
}

impl MeasuredRow {
    /// Creates a row without replicates.
    pub(super) fn new(name: String, spec: String, scenario: &Scenario) -> MeasuredRow {
        let mut options = options_of(scenario);
        options.insert("protocol".to_owned(), Value::from(spec.clone()));
        let is_full_membership = marks::knows_everybody(scenario);
        MeasuredRow { name, spec, options, is_full_membership, degree: 0.0, replicates: Vec::new() }
    }
}

impl ComparisonReport {
    /// Compares measured rows with the first of them.
    pub(super) fn new(warm_orders: u32, mut rows: Vec<MeasuredRow>, interrupted: bool) -> ComparisonReport {
        let scenario = take_shared(&mut rows);
        let rows = rows.into_iter().map(|row| {
            let MeasuredRow { name, spec, options, is_full_membership, degree, replicates } = row;
            let marks = marks::of(&replicates, warm_orders, is_full_membership);
            RowReport { name, spec, options, marks, degree, metrics: BTreeMap::new(), replicates }
        });
        let report = ComparisonReport {
            schema: COMPARISON_SCHEMA,
            scenario,
            warm_orders,
            interrupted,
            rows: rows.collect(),
            sentence: String::new(),
        };
        report.compared()
    }

    /// Compares the rows of several comparisons under these names, such as those that two builds of this program have
    /// made of one scenario.
    ///
    /// # Errors
    ///
    /// [`ReportFault::Scenario`] if they are of several scenarios.
    pub fn joined(reports: Vec<(String, ComparisonReport)>) -> Result<ComparisonReport, ReportFault> {
        let mut joined: Option<ComparisonReport> = None;
        for (name, mut report) in reports {
            report.rows.iter_mut().for_each(|row| row.name.clone_from(&name));
            match &mut joined {
                None => joined = Some(report),
                Some(first) => {
                    first.check_common_options(&report)?;
                    first.interrupted |= report.interrupted;
                    first.rows.append(&mut report.rows);
                }
            }
        }
        joined.map(ComparisonReport::compared).ok_or_else(|| ReportFault::NotOne("it is empty".to_owned()))
    }

    /// Computes the figures over replicates, their differences, and the sentence.
    fn compared(mut self) -> ComparisonReport {
        let replicates: Vec<&[ReplicateFigures]> = self.rows.iter().map(|row| &row.replicates[..]).collect();
        let summaries = summary::summaries(&replicates);
        for (row, metrics) in self.rows.iter_mut().zip(summaries) {
            row.metrics = metrics;
        }
        self.sentence = self.in_words();
        self
    }

    /// Reads a comparison that was saved as JSON.
    ///
    /// # Errors
    ///
    /// [`ReportFault`] if the text is none, or has another layout.
    pub fn from_json(text: &str) -> Result<ComparisonReport, ReportFault> {
        let value: Value = serde_json::from_str(text).map_err(|error| ReportFault::NotOne(error.to_string()))?;
        match value.get("schema").and_then(Value::as_u64) {
            None => return Err(ReportFault::NotOne("it has no `schema`".to_owned())),
            Some(schema) if schema != u64::from(COMPARISON_SCHEMA) => {
                return Err(ReportFault::Schema { found: schema });
            }
            Some(_) => {}
        }
        serde_json::from_value(value).map_err(|error| ReportFault::NotOne(error.to_string()))
    }

    /// Renders the comparison as one JSON object over several lines.
    ///
    /// # Errors
    ///
    /// None is known: the comparison is plain data. The serializer's own error is passed on.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// Returns the seed of the first replicate; `None` if the comparison has none.
    pub fn seed(&self) -> Option<u64> {
        self.rows.first()?.replicates.first().map(|figures| figures.seed)
    }

    /// Checks that another comparison has the same values of the options that both know: a later build may have more.
    fn check_common_options(&self, other: &ComparisonReport) -> Result<(), ReportFault> {
        let common = |of: &ComparisonReport, with: &ComparisonReport| -> BTreeMap<String, Value> {
            let options = of.scenario.iter().filter(|(option, _)| with.scenario.contains_key(*option));
            options.map(|(option, value)| (option.clone(), value.clone())).collect()
        };
        check_options(&common(self, other), &common(other, self))?;
        check_warm_orders(self, other)
    }
}

impl RowReport {
    /// Returns all options of a row of a comparison, by name.
    pub(super) fn all_options(&self, report: &ComparisonReport) -> BTreeMap<String, Value> {
        let mut options = report.scenario.clone();
        options.extend(self.options.clone());
        options
    }
}

/// Checks that two comparisons leave out equally many orders.
pub(super) fn check_warm_orders(before: &ComparisonReport, now: &ComparisonReport) -> Result<(), ReportFault> {
    if before.warm_orders == now.warm_orders {
        return Ok(());
    }
    Err(ReportFault::Scenario {
        option: "warm-orders".to_owned(),
        before: before.warm_orders.to_string(),
        now: now.warm_orders.to_string(),
    })
}

/// Checks that options are the same.
pub(super) fn check_options(
    before: &BTreeMap<String, Value>,
    now: &BTreeMap<String, Value>,
) -> Result<(), ReportFault> {
    let shown = |value: Option<&Value>| value.map_or_else(|| "not given".to_owned(), Value::to_string);
    let differs = |option: &&String| before.get(*option) != now.get(*option);
    match before.keys().chain(now.keys()).find(differs) {
        None => Ok(()),
        Some(option) => Err(ReportFault::Scenario {
            option: option.clone(),
            before: shown(before.get(option)),
            now: shown(now.get(option)),
        }),
    }
}

/// Takes the options that all rows have in common out of each of them.
fn take_shared(rows: &mut [MeasuredRow]) -> BTreeMap<String, Value> {
    let Some(first) = rows.first() else { return BTreeMap::new() };
    let is_shared = |(option, value): &(&String, &Value)| {
        *option != "protocol" && rows.iter().all(|row| row.options.get(*option) == Some(value))
    };
    let shared: BTreeMap<String, Value> =
        first.options.iter().filter(is_shared).map(|(option, value)| (option.clone(), value.clone())).collect();
    rows.iter_mut().for_each(|row| row.options.retain(|option, _| !shared.contains_key(option)));
    shared
}

/// Returns the options of a scenario that can affect its figures, by name.
fn options_of(scenario: &Scenario) -> BTreeMap<String, Value> {
    let all = serde_json::to_value(Draft::from(scenario)).unwrap_or_default();
    let Value::Object(all) = all else { return BTreeMap::new() };
    let is_model = |option: &str| !OF_MACHINE.contains(&option);
    all.into_iter().filter(|(option, value)| is_model(option) && !value.is_null()).collect()
}

/// Returns the protocol of a scenario with its mix, as a row takes them.
pub(super) fn spec_of(scenario: &Scenario) -> String {
    let options = options_of(scenario);
    let written = |option: &str| options.get(option).and_then(Value::as_str).unwrap_or_default();
    match written("mix") {
        "" => written("protocol").to_owned(),
        mix => format!("{}+{mix}", written("protocol")),
    }
}

/// Options that no figure depends on.
const OF_MACHINE: [&str; 6] = ["threads", "processes", "pin", "spin", "engine", "name"];
