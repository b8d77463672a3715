//! A run as a row: each single figure of its report under its name there. All runs are kept as rows, and only the first
//! in full.
//!
//! The columns are the report's own fields, groups joined by a dot, so that a figure has one name in the report, in
//! `runs.each`, in `runs.over` and in the file of runs. Lists and sentences have no column.

use super::RunFigures;
use crate::record::{End, Notice, OrderOutcome, RunRecord};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// The columns, in the sequence of the file. A figure that a kind of run does not have is missing in its rows, never
/// its column.
pub const COLUMNS: [&str; 167] = [
    "run",
    "seed",
    "outcome",
    "goal_met",
    "died_out",
    "overloaded",
    "order_outcome",
    "at_stop.time_ns",
    "at_stop.reached",
    "at_stop.coverage",
    "at_stop.in_flight",
    "at_stop.queued_unsent",
    "virtual_ns",
    "machine.wall_ns",
    "machine.setup_ns",
    "machine.messages_per_second",
    "time_resolution_ns",
    "departure_late_ns.messages",
    "departure_late_ns.p50",
    "departure_late_ns.p99",
    "departure_late_ns.max",
    "nodes",
    "counted",
    "reached",
    "coverage",
    "coverage_of_all",
    "residue",
    "target.share",
    "target.nodes",
    "time_to_target_ns",
    "time_to_ns.50",
    "time_to_ns.90",
    "time_to_ns.95",
    "time_to_ns.99",
    "time_to_ns.100",
    "delay_ns.p50",
    "delay_ns.p90",
    "delay_ns.p95",
    "delay_ns.p99",
    "delay_ns.p99_9",
    "delay_ns.max",
    "delay_ns.mean",
    "ldh",
    "rmr",
    "duplicates",
    "expired",
    "expired_behind_max",
    "expired_first",
    "duplicates_per_node.mean",
    "duplicates_per_node.p50",
    "duplicates_per_node.p90",
    "duplicates_per_node.p99",
    "duplicates_per_node.max",
    "messages",
    "control_messages",
    "control_bytes",
    "spared",
    "kernel_datagrams",
    "bytes",
    "bytes_per_receipt",
    "datagram_bytes",
    "bytes_per_node.in.mean",
    "bytes_per_node.in.p50",
    "bytes_per_node.in.p90",
    "bytes_per_node.in.p99",
    "bytes_per_node.in.max",
    "bytes_per_node.out.mean",
    "bytes_per_node.out.p50",
    "bytes_per_node.out.p90",
    "bytes_per_node.out.p99",
    "bytes_per_node.out.max",
    "ttl",
    "digest",
    "overlay.mean_degree",
    "overlay.max_degree",
    "overlay.origin",
    "overlay.reachable",
    "overlay.depth",
    "strays",
    "ledger.sent",
    "ledger.received",
    "ledger.queued_unsent",
    "ledger.in_flight_at_stop",
    "ledger.held",
    "ledger.lost",
    "ledger.kernel_dropped",
    "ledger.missing.messages",
    "ledger.missing.packets",
    "ledger.model_lost",
    "ledger.model_dropped",
    "ledger.model_duplicated",
    "ledger.uplink_dropped",
    "ledger.explained_receipts",
    "ledger.unaccounted",
    "ledger.balanced",
    "lines.up.longest_queue_bytes",
    "lines.up.longest_queue_ns",
    "lines.up.busiest_share",
    "lines.up.used_bits_per_second.p50",
    "lines.up.used_bits_per_second.p99",
    "lines.up.used_bits_per_second.max",
    "lines.up.used_share.p50",
    "lines.up.used_share.p99",
    "lines.up.used_share.max",
    "lines.down.longest_queue_bytes",
    "lines.down.longest_queue_ns",
    "lines.down.busiest_share",
    "lines.down.used_bits_per_second.p50",
    "lines.down.used_bits_per_second.p99",
    "lines.down.used_bits_per_second.max",
    "lines.down.used_share.p50",
    "lines.down.used_share.p99",
    "lines.down.used_share.max",
    "spies.nodes",
    "spies.orders",
    "spies.seen",
    "spies.right",
    "bulk.orders",
    "bulk.reached",
    "bulk.died_out",
    "bulk.missed",
    "bulk.not_published",
    "bulk.under_way",
    "bulk.window",
    "bulk.schedule_ns",
    "bulk.orders_per_second",
    "bulk.published_late_ns.orders",
    "bulk.published_late_ns.p50",
    "bulk.published_late_ns.p90",
    "bulk.published_late_ns.p99",
    "bulk.published_late_ns.p99_9",
    "bulk.published_late_ns.max",
    "bulk.time_to_50_ns.orders",
    "bulk.time_to_50_ns.p50",
    "bulk.time_to_50_ns.p90",
    "bulk.time_to_50_ns.p99",
    "bulk.time_to_50_ns.p99_9",
    "bulk.time_to_50_ns.max",
    "bulk.time_to_95_ns.orders",
    "bulk.time_to_95_ns.p50",
    "bulk.time_to_95_ns.p90",
    "bulk.time_to_95_ns.p99",
    "bulk.time_to_95_ns.p99_9",
    "bulk.time_to_95_ns.max",
    "bulk.time_to_99_ns.orders",
    "bulk.time_to_99_ns.p50",
    "bulk.time_to_99_ns.p90",
    "bulk.time_to_99_ns.p99",
    "bulk.time_to_99_ns.p99_9",
    "bulk.time_to_99_ns.max",
    "bulk.time_to_target_ns.orders",
    "bulk.time_to_target_ns.p50",
    "bulk.time_to_target_ns.p90",
    "bulk.time_to_target_ns.p99",
    "bulk.time_to_target_ns.p99_9",
    "bulk.time_to_target_ns.max",
    "bulk.time_to_end_ns.orders",
    "bulk.time_to_end_ns.p50",
    "bulk.time_to_end_ns.p90",
    "bulk.time_to_end_ns.p99",
    "bulk.time_to_end_ns.p99_9",
    "bulk.time_to_end_ns.max",
    "bulk.residue_per_order.mean",
    "bulk.residue_per_order.p50",
    "bulk.residue_per_order.p90",
    "bulk.residue_per_order.p99",
    "bulk.residue_per_order.max",
];

/// A single figure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Missing,
    Whole(u64),
    Part(f64),
    Truth(bool),
    Text(Box<str>),
}

/// One run of many.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Cause of its end.
    pub(crate) end: End,
    /// True if every published order reached its target, and at least one was published.
    pub(crate) is_goal_met: bool,
    /// True if one of its orders died out.
    pub(crate) is_died_out: bool,
    /// True if its ledger balances.
    pub(crate) is_balanced: bool,
    /// Datagrams that did not belong to it.
    pub(crate) strays: u64,
    /// Messages lost by the sum of its ledger.
    pub(crate) lost: u64,
    /// Seed of the run.
    pub(crate) seed: u64,
    /// Notices for a reader.
    pub(crate) notices: Vec<Notice>,
    /// Figures, by column.
    cells: Vec<Cell>,
}

impl Row {
    /// Makes the row of run number `run`, counted from 0, that had this seed.
    #[doc(hidden)]
    pub fn new(run: u32, seed: u64, record: &RunRecord) -> Row {
        Row::of(run, seed, record, &RunFigures::new(record, record.target))
    }

    /// Makes the same row from figures that are already computed.
    pub(crate) fn of(run: u32, seed: u64, record: &RunRecord, figures: &RunFigures) -> Row {
        let mut row = Row {
            end: record.end,
            is_goal_met: record.is_goal_met(),
            is_died_out: is_died_out(record),
            is_balanced: record.ledger.is_balanced(),
            strays: record.ledger.strays.total(),
            lost: u64::try_from(record.ledger.lost()).unwrap_or(0),
            seed,
            notices: record.notices.clone(),
            cells: Vec::with_capacity(COLUMNS.len()),
        };
        let own = [
            ("run", Value::from(run)),
            ("seed", seed.into()),
            ("goal_met", row.is_goal_met.into()),
            ("died_out", row.is_died_out.into()),
            ("strays", row.strays.into()),
        ];
        // Plain data with text keys always converts.
        let figures = serde_json::to_value(figures).unwrap_or_default();
        row.cells.extend(COLUMNS.map(|column| match own.iter().find(|(name, _)| *name == column) {
            Some((_, value)) => Cell::of(value),
            None => Cell::of(at(&figures, column)),
        }));
        row
    }

    /// Returns the cells, in the sequence of the columns.
    pub(crate) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Returns the figure of a column as a number.
    pub(crate) fn number(&self, column: usize) -> Option<f64> {
        match self.cells.get(column)? {
            Cell::Whole(number) => Some(*number as f64),
            Cell::Part(number) => Some(*number),
            Cell::Missing | Cell::Truth(_) | Cell::Text(_) => None,
        }
    }
}

/// Returns true if an order of the run died out.
fn is_died_out(record: &RunRecord) -> bool {
    match &record.bulk {
        Some(bulk) => bulk.count(OrderOutcome::DiedOut) > 0,
        None => record.order_outcome() == Some(OrderOutcome::DiedOut),
    }
}

/// Returns the field at a path, or null.
fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, name| value.get(name).unwrap_or(&Value::Null))
}

impl Cell {
    fn of(value: &Value) -> Cell {
        match value {
            Value::Number(number) => match (number.as_u64(), number.as_f64()) {
                (Some(number), _) => Cell::Whole(number),
                (None, Some(number)) => Cell::Part(number),
                (None, None) => Cell::Missing,
            },
            Value::Bool(truth) => Cell::Truth(*truth),
            Value::String(text) => Cell::Text(text.as_str().into()),
            Value::Null | Value::Array(_) | Value::Object(_) => Cell::Missing,
        }
    }

    fn value(&self) -> Value {
        match self {
            Cell::Missing => Value::Null,
            Cell::Whole(number) => (*number).into(),
            Cell::Part(number) => (*number).into(),
            Cell::Truth(truth) => (*truth).into(),
            Cell::Text(text) => Value::from(&**text),
        }
    }
}

/// Nests the values of columns into objects, like the report.
pub(crate) fn nested(values: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut whole = Map::new();
    for (column, value) in values {
        let (groups, name) = column.rsplit_once('.').unwrap_or(("", column));
        let mut groups = groups.split('.').filter(|group| !group.is_empty());
        let place = groups.try_fold(&mut whole, |place, group| {
            place.entry(group).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
        });
        if let Some(place) = place {
            place.insert(name.to_owned(), value);
        }
    }
    Value::Object(whole)
}

/// Writes an object like the report's, with single figures only.
impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        nested(COLUMNS.into_iter().zip(self.cells.iter().map(Cell::value))).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::fixtures;
    use crate::record::{AccessLinkRecord, LinkSideRecord, Missing};
    use std::collections::BTreeSet;

    /// Collects the paths of all single figures in a value. Lists have none, and neither have strays by kind.
    fn singles(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) if !path.ends_with("strays") => {
                for (name, field) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    singles(field, &path, paths);
                }
            }
            Value::Object(_) | Value::Array(_) => {}
            _ => {
                paths.insert(path.to_owned());
            }
        }
    }

    /// Fields that are single but no figures, or stand for a group that these runs do not have.
    const LEFT_OUT: [&str; 2] = ["ledger.verdict", "bulk"];

    #[test]
    fn every_single_figure_has_a_column_and_every_column_a_figure() {
        let mut paths: BTreeSet<String> = ["run", "seed", "goal_met", "died_out", "strays"].map(str::to_owned).into();
        let mut numbered = fixtures::thousand_nodes_record();
        numbered.ledger.missing = Some(Missing::default());
        numbered.access_links =
            AccessLinkRecord { up: Some(LinkSideRecord::default()), down: Some(LinkSideRecord::default()) };
        for record in [fixtures::record_of_everything(), fixtures::bulk_record(), numbered] {
            let figures = RunFigures::new(&record, record.target);
            singles(&serde_json::to_value(&figures).unwrap(), "", &mut paths);
        }
        // A group that is absent from one of them is not a figure.
        let groups: Vec<String> = paths
            .iter()
            .filter(|path| paths.iter().any(|other| other.starts_with(&format!("{path}."))))
            .cloned()
            .collect();
        paths.retain(|path| !groups.contains(path) && !LEFT_OUT.contains(&path.as_str()));
        let columns: BTreeSet<String> = COLUMNS.map(str::to_owned).into();
        let missing: Vec<_> = paths.difference(&columns).collect();
        let idle: Vec<_> = columns.difference(&paths).collect();
        assert!(missing.is_empty() && idle.is_empty(), "without a column: {missing:?}; without a figure: {idle:?}");
        assert_eq!(columns.len(), COLUMNS.len(), "a column stands twice");
    }

    #[test]
    fn every_column_is_a_field_of_the_report() {
        let fields = fixtures::documented("Fields\n");
        let of_a_bulk = fixtures::documented("Fields of a bulk");
        let own = fixtures::documented("Columns of the runs file");
        for column in COLUMNS {
            let is_known = match column.strip_prefix("bulk.") {
                Some(name) => of_a_bulk.contains(&name),
                // Objects that the page describes in one line.
                None => own.contains(&column) || fields.contains(&column) || column.starts_with("ledger.missing."),
            };
            assert!(is_known, "{column}");
        }
    }
}
