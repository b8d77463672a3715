//! The figures of a bulk of orders in tables.

use super::layout::{table, target_text, time_or_not};
use super::sentences::scale;
use crate::analysis::{BulkFigures, OrderTimes};
use crate::quantity::{counted, grouped};
use crate::report::Report;
use std::fmt::{self, Formatter};

/// Writes the times of orders, over orders, and of single receipts.
pub(super) fn orders(out: &mut Formatter<'_>, report: &Report, bulk: &BulkFigures) -> fmt::Result {
    let (run, scale) = (&report.run, scale(report));
    let of = |time: Option<u64>| time.map_or_else(|| "-".to_owned(), |time| scale.number(time));
    let row = |name: String, OrderTimes { orders, p50, p90, p99, p99_9, max }: OrderTimes| {
        [name, grouped(orders), of(p50), of(p90), of(p99), of(p99_9), of(max)]
    };
    writeln!(out, "\nOrders (times in {}, each since its order was due; percentiles over orders):", scale.unit())?;
    let heads = ["", "orders", "p50", "p90", "p99", "p99.9", "max"].map(str::to_owned);
    let target = format!("  to the target, {}", target_text(run.target.share));
    let rows = [
        heads,
        row("  published late by".to_owned(), bulk.published_late_ns),
        row("  to 50% of the nodes".to_owned(), bulk.time_to_50_ns),
        row("  to 95%".to_owned(), bulk.time_to_95_ns),
        row("  to 99%".to_owned(), bulk.time_to_99_ns),
        row(target, bulk.time_to_target_ns),
        row("  to the last receipt".to_owned(), bulk.time_to_end_ns),
        match run.delay_ns {
            Some(delay) => [
                "  delay of all receipts".to_owned(),
                String::new(),
                of(Some(delay.p50)),
                of(Some(delay.p90)),
                of(Some(delay.p99)),
                of(Some(delay.p99_9)),
                of(Some(delay.max)),
            ],
            None => ["  delay of all receipts", "", "-", "-", "-", "-", "-"].map(str::to_owned),
        },
    ];
    table(out, &rows)
}

/// Writes the worst orders.
pub(super) fn worst(out: &mut Formatter<'_>, report: &Report, bulk: &BulkFigures) -> fmt::Result {
    let scale = scale(report);
    writeln!(out, "\nWorst of {} (all in --orders-csv):", counted(bulk.orders, "order"))?;
    let heads = ["  order", "outcome", "origin", "due", "residue", "time to target"].map(str::to_owned);
    let rows = bulk.worst.iter().map(|worst| {
        [
            format!("  {}", worst.order),
            worst.outcome.name().replace('_', " "),
            worst.origin.to_string(),
            scale.time(worst.due_ns),
            grouped(worst.residue),
            time_or_not(scale, worst.time_to_target_ns),
        ]
    });
    table(out, &std::iter::once(heads).chain(rows).collect::<Vec<_>>())
}
