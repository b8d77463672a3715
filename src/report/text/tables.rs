//! The figures of the text in tables, one function each.

use super::layout::{bar, line, percent, side_by_side, table, time_or_not};
use super::sentences::scale;
use crate::analysis::{AccessLinkFigures, LinkSideFigures, Summary, WorkerFigures};
use crate::escape::escaped_to;
use crate::quantity::{counted, grouped, rounded_bytes};
use crate::record::{Ledger, Missing, SpyRecord, UpkeepCounts};
use crate::report::Report;
use crate::time::Nanos;
use std::fmt::{self, Formatter};

/// Columns of the longest bar.
const BAR_COLUMNS: u64 = 48;
/// The column at which the right one of two blocks begins.
const RIGHT_BLOCK: usize = 46;
/// Maximum number of rows of hops; long paths share rows.
const HOP_ROWS_MAX: usize = 16;
/// Maximum number of workers shown.
const WORKERS_MAX: usize = 32;

/// Writes the ten bins with counts and bars.
pub(super) fn latency_distribution(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let (run, scale) = (&report.run, scale(report));
    writeln!(out, "\nLatency Distribution:")?;
    match run.delay_ns {
        None => return writeln!(out, "  no node was reached"),
        Some(delays) if delays.max == 0 => {
            return writeln!(out, "  {}: {}", scale.time(0), counted(run.reached, "node"));
        }
        Some(_) => {}
    }
    let greatest = run.delay_bins.iter().map(|bin| bin.nodes).max().unwrap_or(0);
    let edge_width = run.delay_bins.iter().map(|bin| scale.number(bin.to_ns).len()).max().unwrap_or(0).max(8);
    for bin in &run.delay_bins {
        let (from, to) = (scale.number(bin.from_ns), scale.number(bin.to_ns));
        let nodes = nodes_with_bar(report, bin.nodes, greatest, "");
        line(out, &format!("{from:>edge_width$}-{to:>edge_width$} {}: {nodes}", scale.unit()))?;
    }
    Ok(())
}

/// Writes times to shares of all nodes beside percentiles over the reached ones.
pub(super) fn times_and_delays(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let (run, scale) = (&report.run, scale(report));
    let to = &run.time_to_ns;
    let of =
        if report.run.counted < report.run.nodes { "nodes up then".to_owned() } else { counted(run.counted, "node") };
    let mut left = vec![format!("Time to Coverage (of {of}):")];
    let shares =
        [("50%", to.half), ("90%", to.percent_90), ("95%", to.percent_95), ("99%", to.percent_99), ("100%", to.all)];
    left.extend(shares.map(|(share, time)| entry(share, &time_or_not(scale, time))));
    let mut right = vec![format!("Delay (of {} reached):", counted(run.reached, "node"))];
    if let Some(delay) = run.delay_ns {
        let figures = [
            ("p50", delay.p50),
            ("p90", delay.p90),
            ("p95", delay.p95),
            ("p99", delay.p99),
            ("p99.9", delay.p99_9),
            ("max", delay.max),
            ("mean", delay.mean),
        ];
        right.extend(figures.map(|(name, time)| entry(name, &scale.time(time))));
    }
    writeln!(out)?;
    side_by_side(out, &left, &right, RIGHT_BLOCK)
}

/// Writes the number of first receipts by hop, and the share that had the order by then.
pub(super) fn hops(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let run = &report.run;
    let Some(last) = run.ldh else { return Ok(()) };
    writeln!(out, "\nHops to First Receipt (last delivery hop {last}; with the share of all nodes reached so far):")?;
    let per_row = run.hops.len().div_ceil(HOP_ROWS_MAX);
    let rows: Vec<u64> = run.hops.chunks(per_row).map(|hops| hops.iter().sum()).collect();
    let greatest = rows.iter().copied().max().unwrap_or(0);
    let mut so_far = 0;
    for (first, nodes) in (0..=last).step_by(per_row).zip(rows) {
        so_far += nodes;
        let to = (first + per_row as u64 - 1).min(last);
        let label = if first == to { first.to_string() } else { format!("{first}-{to}") };
        let share = format!("{:>7}  ", percent(so_far, run.reached + run.residue));
        line(out, &format!("{label:>7}: {}", nodes_with_bar(report, nodes, greatest, &share)))?;
    }
    Ok(())
}

/// Writes the redundant messages beside the total cost.
pub(super) fn redundancy_and_cost(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let run = &report.run;
    let mut left = vec![
        "Redundancy:".to_owned(),
        entry("RMR", &run.rmr.map_or_else(|| "-".to_owned(), |rmr| format!("{rmr:.3}"))),
        entry("duplicates", &grouped(run.duplicates)),
        entry("spared copies", &grouped(run.spared)),
        entry("residue, in nodes", &grouped(run.residue)),
    ];
    if let Some(bulk) = &run.bulk {
        left.push(entry("expired", &grouped(run.expired)));
        left.push(entry("window, in orders", &grouped(bulk.window)));
    }
    writeln!(out)?;
    side_by_side(out, &left, &cost(report), RIGHT_BLOCK)
}

/// Lists the total cost. Times and rates of the machine are not figures of the model, so in virtual time they stand
/// elsewhere.
fn cost(report: &Report) -> Vec<String> {
    let run = &report.run;
    let (control, parts) = (run.control_messages > 0, run.ledger.ledger.parts);
    let of_upkeep = |name, count: fn(&UpkeepCounts) -> u64| {
        run.upkeep.as_ref().map(count).filter(|&count| count > 0).map(|count| entry(name, &grouped(count)))
    };
    let rate = run.machine.messages_per_second.map_or_else(|| "-".to_owned(), grouped);
    let bytes_of = if run.exceeds_datagram() { "bytes per order" } else { "bytes per datagram" };
    let entries = [
        Some(entry("messages", &grouped(run.messages))),
        parts.map(|parts| entry("parts of orders", &grouped(parts.sent))),
        control.then(|| entry("control messages", &grouped(run.control_messages))),
        of_upkeep("upkeep messages", |upkeep| upkeep.sent),
        of_upkeep("upkeep bytes", |upkeep| upkeep.bytes),
        of_upkeep("in the warm-up", |upkeep| upkeep.warm_up_sent),
        run.virtual_ns.is_none().then(|| entry("messages per second", &rate)),
        Some(entry("kernel datagrams", &grouped(run.kernel_datagrams))),
        Some(entry("bytes sent", &grouped(run.bytes))),
        control.then(|| entry("of them control", &grouped(run.control_bytes))),
        run.bytes_per_receipt.map(|bytes| entry("bytes per receipt", &grouped(bytes.round() as u64))),
        Some(entry(bytes_of, &grouped(run.datagram_bytes.into()))),
        Some(match run.virtual_ns {
            Some(time) => entry("virtual time", &Nanos(time).to_string()),
            None => entry("wall time", &Nanos(run.machine.wall_ns).to_string()),
        }),
    ];
    let tallies = run.tallies.iter().map(|(name, &count)| entry(name, &grouped(count)));
    std::iter::once("Cost:".to_owned()).chain(entries.into_iter().flatten()).chain(tallies).collect()
}

/// Writes the distribution of the load over the nodes.
pub(super) fn per_node(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let run = &report.run;
    let row = |name: &str, spread: Option<Summary>| {
        let mean = spread.map_or_else(|| "-".to_owned(), |spread| format!("{:.2}", spread.mean));
        let count = |of: fn(Summary) -> u64| spread.map_or_else(|| "-".to_owned(), |spread| grouped(of(spread)));
        let [p50, p90, p99, max] = [
            count(|spread| spread.p50),
            count(|spread| spread.p90),
            count(|spread| spread.p99),
            count(|spread| spread.max),
        ]
        .map(|count| format!("{count:>9}"));
        [format!("{name:<20}"), format!("{mean:>12}"), p50, p90, p99, max]
    };
    let rows = [
        ["Per Node:", "mean", "p50", "p90", "p99", "max"].map(str::to_owned),
        row("  duplicates", run.duplicates_per_node),
        row("  bytes in", run.bytes_per_node.map(|bytes| bytes.received)),
        row("  bytes out", run.bytes_per_node.map(|bytes| bytes.sent)),
    ];
    writeln!(out)?;
    table(out, &rows)
}

/// Writes the access links of the nodes, if any has a limit.
pub(super) fn lines(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let Some(AccessLinkFigures { up, down }) = report.run.access_links else { return Ok(()) };
    let titles = ["Access links:", "longest queue, in bytes", "to drain", "busiest link used"];
    let mut rows = vec![titles.map(str::to_owned)];
    for (name, side) in [("  uplinks", up), ("  downlinks", down)] {
        let Some(LinkSideFigures { longest_queue_bytes, longest_queue_ns, busiest_share, .. }) = side else { continue };
        let used = busiest_share.map_or_else(|| "-".to_owned(), share_text);
        rows.push([name.to_owned(), grouped(longest_queue_bytes), Nanos(longest_queue_ns).to_string(), used]);
    }
    writeln!(out)?;
    table(out, &rows)?;
    link_use(out, [("  uplinks", up), ("  downlinks", down)])
}

/// Writes the spread over the nodes of what their links carried, by direction.
fn link_use(out: &mut Formatter<'_>, sides: [(&str, Option<LinkSideFigures>); 2]) -> fmt::Result {
    let mut rows = vec![["Use per node, of the run's time:", "p50", "p99", "max"].map(str::to_owned)];
    for (name, side) in sides {
        let used = side.and_then(|side| Some((side.used_bits_per_second?, side.used_share?)));
        let Some((bits, share)) = used else { continue };
        rows.push([format!("{name}, bit/s"), grouped(bits.p50), grouped(bits.p99), grouped(bits.max)]);
        rows.push([format!("{name}, share"), share_text(share.p50), share_text(share.p99), share_text(share.max)]);
    }
    if rows.len() == 1 {
        return Ok(());
    }
    writeln!(out)?;
    table(out, &rows)
}

fn share_text(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Maximum number of columns for a name from a file; JSON has all of it.
const NAME_COLUMNS_MAX: usize = 40;

/// Writes each group of nodes, if there are any.
pub(super) fn groups(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let scale = scale(report);
    if report.run.groups.is_empty() {
        return Ok(());
    }
    let unit = scale.unit();
    let half = format!("p50 {unit}");
    let titles = ["Group", "nodes", "coverage", "residue", &half, "p90", "p99", "duplicates", "bytes in", "out"];
    let mut rows = vec![titles.map(str::to_owned)];
    let time = |time: Option<u64>| time.map_or_else(|| "-".to_owned(), |time| scale.number(time));
    rows.extend(report.run.groups.iter().map(|group| {
        [
            format!("  {}", escaped_to(NAME_COLUMNS_MAX, &group.name)),
            grouped(group.nodes),
            percent(group.reached, group.counted),
            grouped(group.residue),
            time(group.delay_p50_ns),
            time(group.delay_p90_ns),
            time(group.delay_p99_ns),
            group.duplicates.map_or_else(|| "-".to_owned(), grouped),
            group.bytes_in.map_or_else(|| "-".to_owned(), grouped),
            group.bytes_out.map_or_else(|| "-".to_owned(), grouped),
        ]
    }));
    writeln!(out)?;
    table(out, &rows)
}

/// Writes the findings of spies, if there are any.
pub(super) fn spies(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let Some(SpyRecord { nodes, orders, seen, right }) = report.run.spies else { return Ok(()) };
    let (spies, orders) = (counted(nodes.into(), "spying node"), counted(orders.into(), "order"));
    writeln!(out, "\nSpies:")?;
    line(out, &format!("  {spies} saw {seen} of {orders} and named the origin of {right} right (first-spy guess)"))
}

/// Writes the figures of each process, if there are several.
pub(super) fn processes(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let processes = &report.run.processes;
    if processes.len() < 2 {
        return Ok(());
    }
    let titles = ["Process", "pid", "workers", "nodes", "reached", "received", "sent", "unsent", "dropped"];
    let mut rows = vec![titles.map(str::to_owned)];
    rows.extend(processes.iter().enumerate().map(|(process, figures)| {
        [
            format!("  {process}"),
            figures.pid.to_string(),
            grouped(figures.workers),
            grouped(figures.nodes),
            grouped(figures.reached),
            grouped(figures.received),
            grouped(figures.sent),
            grouped(figures.queued_unsent),
            figures.kernel_dropped.map_or_else(|| "-".to_owned(), grouped),
        ]
    }));
    writeln!(out)?;
    table(out, &rows)
}

/// Writes the share of each process of a cluster, if one computed the run.
pub(super) fn cluster(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    if report.run.cluster.is_empty() {
        return Ok(());
    }
    let titles = ["Process", "pid", "workers", "nodes", "computed", "waited", "memory", "meetings", "events", "sent"];
    let mut rows = vec![titles.map(str::to_owned)];
    rows.extend(report.run.cluster.iter().enumerate().map(|(process, share)| {
        [
            format!("  {process}"),
            share.pid.to_string(),
            grouped(share.workers.into()),
            grouped(share.nodes.into()),
            Nanos(share.busy_ns).to_string(),
            Nanos(share.waited_ns).to_string(),
            share.peak_memory_bytes.map_or_else(|| "-".to_owned(), rounded_bytes),
            grouped(share.meetings),
            grouped(share.events_sent),
            rounded_bytes(share.bytes_sent),
        ]
    }));
    writeln!(out)?;
    table(out, &rows)
}

/// Writes the figures of each worker.
pub(super) fn workers(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let workers = &report.run.workers;
    let titles = ["Worker", "core", "nodes", "reached", "received", "sent", "unsent", "blocked", "batches", "sleeps"];
    let mut rows = vec![titles.map(str::to_owned)];
    rows.extend(workers.iter().take(WORKERS_MAX).enumerate().map(|(worker, record)| worker_row(worker, record)));
    writeln!(out)?;
    table(out, &rows)?;
    rest(out, workers.len(), WORKERS_MAX, "worker")
}

fn worker_row(worker: usize, record: &WorkerFigures) -> [String; 10] {
    [
        format!("  {worker}"),
        record.core.map_or_else(|| "-".to_owned(), |core| core.to_string()),
        grouped(record.nodes.into()),
        grouped(record.reached),
        grouped(record.received),
        grouped(record.sent),
        grouped(record.queued_unsent),
        grouped(record.send_blocked),
        grouped(record.batches),
        grouped(record.sleeps),
    ]
}

/// Writes the ledger and its verdict.
pub(super) fn ledger(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let figures = &report.run.ledger;
    let ledger = &figures.ledger;
    let dropped = ledger.kernel_dropped.map_or_else(|| "not counted".to_owned(), grouped);
    writeln!(out, "\nLedger:")?;
    for (name, count, note) in [
        ("sent", grouped(ledger.sent), String::new()),
        ("received", grouped(ledger.received), format!("of them duplicates: {}", grouped(report.run.duplicates))),
        ("in flight at the stop", grouped(ledger.in_flight_at_stop), held_back(ledger)),
        ("dropped by the kernel", dropped, ledger.missing.map_or_else(String::new, held)),
        ("lost by the model", grouped(ledger.model_lost), emulator(ledger)),
        ("unaccounted", grouped(figures.unaccounted), String::new()),
        ("queued, never sent", grouped(ledger.queued_unsent), "outside the sum".to_owned()),
        ("strays", grouped(ledger.strays.total()), format!("outside the sum{}", kinds_of_strays(ledger))),
    ] {
        line(out, &format!("{}   {note}", entry(name, &count)))?;
    }
    if let Some(parts) = ledger.parts {
        let received = entry("parts, received", &grouped(parts.received));
        let (useful, late) = (grouped(parts.useful), grouped(parts.late));
        line(out, &format!("{received}   of {} sent; useful: {useful}, late: {late}", grouped(parts.sent)))?;
    }
    if ledger.uplink_dropped > 0 {
        let entry = entry("dropped, never sent", &grouped(ledger.uplink_dropped));
        line(out, &format!("{entry}   outside the sum: no room at the line out of their node"))?;
    }
    writeln!(out, "  {}", figures.verdict_text())
}

/// Notes the messages in dropped packets, if a packet holds several.
fn held(missing: Missing) -> String {
    match missing.messages {
        0 => String::new(),
        messages => format!("packets, which held {}", counted(messages, "message")),
    }
}

/// Notes the messages in flight that had not yet come to the carrier.
fn held_back(ledger: &Ledger) -> String {
    match ledger.held {
        0 => String::new(),
        held => format!("of them held by the modelled network: {}", grouped(held)),
    }
}

/// Notes the other effects of the model on messages.
fn emulator(ledger: &Ledger) -> String {
    let said =
        [("no room at the line into their node: ", ledger.model_dropped), ("second copies: ", ledger.model_duplicated)];
    let said = said.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{what}{}", grouped(*count)));
    said.collect::<Vec<_>>().join("; ")
}

fn kinds_of_strays(ledger: &Ledger) -> String {
    let seen = ledger.strays.iter().filter(|&(_, count)| count > 0);
    let kinds: Vec<String> = seen.map(|(kind, count)| format!("{} {}", kind.name(), grouped(count))).collect();
    if kinds.is_empty() { String::new() } else { format!("; by kind: {}", kinds.join(", ")) }
}

/// Writes a name and its figure, in 38 columns.
fn entry(name: &str, figure: &str) -> String {
    format!("  {name:<22}{figure:>14}")
}

/// Writes a count as wide as the greatest, a remark, and a bar.
fn nodes_with_bar(report: &Report, count: u64, greatest: u64, remark: &str) -> String {
    let width = grouped(greatest).len();
    let (one, many) = if report.run.bulk.is_some() { ("receipt", "receipts") } else { ("node", "nodes") };
    let (noun, noun_width) = (if count == 1 { one } else { many }, many.len());
    format!("{:>width$} {noun:<noun_width$}  {remark}{}", grouped(count), bar(count, greatest, BAR_COLUMNS))
}

fn rest(out: &mut Formatter<'_>, all: usize, shown: usize, noun: &str) -> fmt::Result {
    match all.saturating_sub(shown) {
        0 => Ok(()),
        rest => writeln!(out, "  and {} more, all in --format json", counted(rest as u64, noun)),
    }
}
