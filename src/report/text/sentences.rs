//! The sentences of the text: what was set up, what happened, how it ended, and how to see it again.

use super::layout::{Scale, grid, line, percent, wrapped};
use super::runs::spread;
use crate::analysis::numbers::{counted, grouped, plain};
use crate::analysis::{BulkFigures, Lateness, MachineFigures};
use crate::ratio::Ratio;
use crate::record::{End, OrderOutcome};
use crate::report::{Report, TimeBase};
use crate::scenario::{BulkOptions, ProtocolKind, TransportKind, pasteable};
use crate::time::Nanos;
use crate::workload::{Arrivals, Origins};
use serde_json::Value;
use std::fmt::{self, Formatter};

/// What the user should know before reading on; nothing where there is nothing.
pub(super) fn notices(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    for notice in &report.notices {
        wrapped(out, &format!("Notice: {notice}"), 8)?;
    }
    if report.notices.is_empty() { Ok(()) } else { writeln!(out) }
}

/// The network and the injection.
pub(super) fn opening(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let (run, asked) = (&report.run, &report.asked);
    writeln!(out, "Bulk Order Propagation System - Thread per Core, {}\n", carrier(asked.transport))?;
    let workers = match run.processes.len() as u64 {
        0 | 1 => counted(report.threads, "worker"),
        // A noun that takes more than an s.
        several => format!("{} in {several} processes", counted(report.threads, "worker")),
    };
    writeln!(out, "Setting up network with {} on {workers}, {}...", counted(run.nodes, "node"), pinning(report))?;
    overlay(out, report)?;
    writeln!(out, "\n{} TTL {}, {}", injection(report), run.ttl, spreading(report))?;
    writeln!(out, "Monitoring propagation ({})...", limit(asked.timeout))
}

fn overlay(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let (overlay, asked) = (&report.run.overlay, &report.asked);
    writeln!(out, "Network setup complete - Average peers per node: {:.1}", overlay.mean_degree)?;
    let most = counted(overlay.max_degree.into(), "peer");
    let (origin, setup) = (overlay.origin, Nanos(report.run.machine.setup_ns));
    let farthest = match overlay.depth {
        Some(depth) => format!("farthest node {} from node {origin}", counted(depth.into(), "hop")),
        None => "farthest node not searched for".to_owned(),
    };
    let time = match report.clock {
        TimeBase::Real => format!(", set up in {setup}"),
        TimeBase::Virtual => String::new(),
    };
    let facts = format!("{most} at most, {farthest}{time}");
    wrapped(out, &format!("Overlay {}: {facts}", asked.topology), 2)
}

/// How a node passes it on.
fn spreading(report: &Report) -> String {
    let asked = &report.asked;
    match asked.protocol {
        ProtocolKind::Push => format!("fanout {}", asked.fanout),
        ProtocolKind::Flood => "to every peer".to_owned(),
        ProtocolKind::Lazy => format!("announced with fanout {}", asked.fanout),
    }
}

/// What enters where.
fn injection(report: &Report) -> String {
    let asked = &report.asked;
    let place = match asked.origins {
        Origins::One(origin) => format!(" into node {}", asked.names().id(origin)),
        Origins::Random if asked.bulk.is_some() => ", each into a node of its own draw".to_owned(),
        Origins::Random => format!(" into node {}", report.run.overlay.origin),
    };
    match asked.bulk {
        None => format!("Injecting order{place} with"),
        Some(BulkOptions { orders, rate, arrivals, .. }) => {
            let arrivals = match arrivals {
                Arrivals::Constant => "evenly",
                Arrivals::Poisson => "at random times (Poisson)",
                Arrivals::Burst => "in bursts, ten a second,",
            };
            format!("Injecting {}{place}, {arrivals} at {rate}, with", counted(orders.into(), "order"))
        }
    }
}

/// Whether the target was reached, and when: `95% coverage (950/1000) reached at 755.917 μs`.
pub(super) fn headline(report: &Report) -> String {
    let run = &report.run;
    let target = target_text(run.target.share);
    let of_all = format!("{}/{}", plain(run.target.nodes), plain(population(report)));
    if let Some(bulk) = &run.bulk {
        let count = format!("{} of {}", plain(bulk.reached), counted(bulk.published(), "order"));
        let others = match bulk.not_published {
            0 => String::new(),
            others if bulk.published() == 0 => return format!("None of {} was published", counted(others, "order")),
            others => format!("; {} not published", plain(others)),
        };
        let time = run.time_to_target_ns.map_or_else(
            || "one in a hundred or more missed it".to_owned(),
            |time| format!("99% of them within {}", scale(report).time(time)),
        );
        // Where nodes fail each order counts some of its own.
        let of_all = if run.counted == run.nodes * bulk.published() { format!(" ({of_all})") } else { String::new() };
        return format!("{count} reached {target} coverage{of_all}, {time}{others}");
    }
    match run.time_to_target_ns {
        // Those who were up then need not be those who are up at the end.
        Some(time) if run.counted < run.nodes && run.outcome != End::Target => {
            format!("{target} coverage first reached at {}", scale(report).time(time))
        }
        Some(time) => format!("{target} coverage ({of_all}) reached at {}", scale(report).time(time)),
        None => format!("{target} coverage ({of_all}) not reached; {}", shortfall(report)),
    }
}

/// What became of an order that did not reach its target.
fn shortfall(report: &Report) -> String {
    let got = format!("{} got the order", counted(report.run.reached, "node"));
    match report.run.order_outcome {
        Some(OrderOutcome::DiedOut) => format!("{got} before it died out"),
        Some(OrderOutcome::Missed) => format!("{got} before it came to rest"),
        Some(OrderOutcome::UnderWay) => format!("{got}, which was still under way"),
        Some(OrderOutcome::NotPublished) => "the order was not published".to_owned(),
        Some(OrderOutcome::Reached) | None => got,
    }
}

/// How far the order came, and what ended the run.
pub(super) fn propagation(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    writeln!(out, "{}", headline(report))?;
    let run = &report.run;
    let target = target_text(run.target.share);
    let coverage = percent(run.reached, run.reached + run.residue);
    let time = Nanos(run.at_stop.time_ns);
    match run.outcome {
        End::Target => writeln!(out, "Stopped gossip propagation at {target} coverage"),
        End::Quiescent => writeln!(out, "Gossip propagation came to rest at {coverage} coverage, after {time}"),
        End::Timeout => writeln!(out, "Time limit stopped gossip propagation at {coverage} coverage, after {time}"),
        End::Interrupted => writeln!(out, "Interrupt stopped gossip propagation at {coverage} coverage, after {time}"),
        End::OutOfMemory => {
            writeln!(out, "Want of memory stopped gossip propagation at {coverage} coverage, after {time}")
        }
    }
}

/// The headline, the total and the time.
pub(super) fn results(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let (run, scale) = (&report.run, scale(report));
    let target = target_text(run.target.share);
    let coverage = percent(run.reached, run.reached + run.residue);
    let captured = match run.outcome {
        End::Target => format!("{target} Coverage"),
        End::Quiescent => format!("Quiescence, {coverage} Coverage"),
        End::Timeout => format!("Time Limit, {coverage} Coverage"),
        End::Interrupted => format!("Interrupt, {coverage} Coverage"),
        End::OutOfMemory => format!("Want of Memory, {coverage} Coverage"),
    };
    writeln!(out, "\n=== RESULTS (Captured at {captured}) ===")?;
    if run.bulk.is_some() {
        return bulk_results(out, report);
    }
    write!(out, "Total nodes reached: {}/{} ({coverage})", plain(run.reached), plain(run.counted))?;
    if run.at_stop.reached < run.reached {
        write!(out, ", {} of them by the stop", plain(run.at_stop.reached))?;
    }
    of_all(out, report)?;
    writeln!(out, "\nTime to {target} coverage: {}", time_or_not(scale, run.time_to_target_ns))?;
    many_runs(out, report)
}

/// What share of all nodes has it, where coverage counts some alone.
fn of_all(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let run = &report.run;
    let orders = run.bulk.as_ref().map_or(1, BulkFigures::published);
    let all = run.nodes * orders;
    match run.counted < all {
        true => write!(out, "; {:.2}% of all {}", run.coverage_of_all * 100.0, plain(all)),
        false => Ok(()),
    }
}

/// How many nodes coverage counts, or with many orders how many there are.
fn population(report: &Report) -> u64 {
    if report.run.bulk.is_some() { report.run.nodes } else { report.run.counted }
}

fn bulk_results(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let (run, scale) = (&report.run, scale(report));
    let Some(bulk) = &run.bulk else { return Ok(()) };
    let all = run.reached + run.residue;
    let others = [
        (bulk.died_out, "died out"),
        (bulk.missed, "missed it"),
        (bulk.under_way, "under way"),
        (bulk.not_published, "not published"),
    ];
    let others = others.iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!(", {} {how}", plain(*count)));
    let target = target_text(run.target.share);
    writeln!(
        out,
        "Orders at {target} coverage: {}/{}{}",
        plain(bulk.reached),
        plain(bulk.published()),
        others.collect::<String>()
    )?;
    write!(out, "Total receipts: {}/{} ({})", plain(run.reached), plain(all), percent(run.reached, all))?;
    of_all(out, report)?;
    writeln!(out)?;
    let time = time_or_not(scale, run.time_to_target_ns);
    writeln!(out, "Time to {target} coverage, p99 over orders: {time}")?;
    if let Some(rate) = bulk.orders_per_second {
        writeln!(out, "Throughput: {rate:.1} orders per second reached it")?;
    }
    many_runs(out, report)
}

fn many_runs(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    match report.runs.asked {
        1 => Ok(()),
        _ => writeln!(out, "{}; all figures but those of the table of runs are run 0's", spread(report)),
    }
}

/// Every option, the machine, and how far a time may be off.
pub(super) fn setting(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    writeln!(out, "\nScenario:")?;
    let mut options = Vec::new();
    list_options(&report.options, "", &mut options);
    let widest = options.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let cells: Vec<String> = options.iter().map(|(name, value)| format!("{name:<widest$}  {value}")).collect();
    grid(out, &cells)?;
    let host = &report.host;
    let cores = counted(host.cores as u64, "core");
    writeln!(out)?;
    wrapped(out, &format!("Host: {}, {}, {cores}; version {}", host.kernel, host.cpu, report.version), 6)?;
    if let Some(Lateness { messages, p50, p99, max }) = report.run.departure_late_ns {
        let late = format!("p50 {}, p99 {}, max {}", Nanos(p50), Nanos(p99), Nanos(max));
        wrapped(out, &format!("Late out of the modelled network: {late}, of {}", counted(messages, "message")), 6)?;
    }
    match (report.clock, report.run.time_resolution_ns) {
        (TimeBase::Virtual, _) => {
            let MachineFigures { wall_ns, setup_ns, messages_per_second } = report.run.machine;
            let rate =
                messages_per_second.map_or_else(String::new, |rate| format!(", {} messages a second", grouped(rate)));
            let took = format!("{} to compute{rate}, after {} of set-up", Nanos(wall_ns), Nanos(setup_ns));
            wrapped(out, &format!("Machine time: {took}"), 6)?;
            let digest = report.run.digest.as_deref().unwrap_or("-");
            wrapped(out, &format!("Digest of all first receipts: {digest}, on any number of threads"), 6)
        }
        (TimeBase::Real, Some(resolution)) => {
            let why = "the median gap between the receipt times of one worker";
            wrapped(out, &format!("Resolution of times: {}, {why}", Nanos(resolution)), 6)
        }
        _ => Ok(()),
    }
}

/// How to run it again, and that this is the end. The command stands on one line, however long, to be copied.
pub(super) fn closing(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let repeats = match report.clock {
        TimeBase::Real if report.asked.network.is_some() => {
            "repeats overlay, draws, workload and what becomes of each message; the carrier's own times vary"
        }
        TimeBase::Real => "repeats overlay, draws and workload; times and hops vary",
        TimeBase::Virtual => "repeats every figure",
    };
    writeln!(out, "\nReplay ({repeats}):")?;
    line(out, &format!("  {}", pasteable(&report.replay)))?;
    let ended = if report.interrupted() { "interrupted" } else { "complete" };
    writeln!(out, "\nSimulation {ended}")
}

/// The unit for the run's times: that of its greatest delay.
pub(super) fn scale(report: &Report) -> Scale {
    let delay = report.run.delay_ns.map_or(0, |delays| delays.max);
    Scale::of(delay.max(report.run.bulk.as_ref().and_then(|bulk| bulk.time_to_end_ns.max).unwrap_or(0)))
}

/// A time, or that there is none.
pub(super) fn time_or_not(scale: Scale, nanos: Option<u64>) -> String {
    nanos.map_or_else(|| "not reached".to_owned(), |nanos| scale.time(nanos))
}

/// A share in percent with as many decimals as it needs, ten at most.
pub(super) fn target_text(share: Ratio) -> String {
    let digits = format!("{:.10}", share.as_f64() * 100.0);
    format!("{}%", digits.trim_end_matches('0').trim_end_matches('.'))
}

const fn carrier(transport: TransportKind) -> &'static str {
    match transport {
        TransportKind::Udp => "UDP",
        TransportKind::UdpShard => "UDP, a socket per worker",
        TransportKind::Memory => "Memory",
        TransportKind::Simulated => "Virtual Time",
    }
}

fn pinning(report: &Report) -> String {
    match report.run.workers.iter().filter(|worker| worker.core.is_some()).count() {
        _ if report.clock == TimeBase::Virtual => "in virtual time".to_owned(),
        0 => "not pinned".to_owned(),
        _ if report.pinned => "pinned".to_owned(),
        some => format!("{some} pinned"),
    }
}

fn limit(timeout: Option<Nanos>) -> String {
    match timeout {
        None => "no time limit".to_owned(),
        Some(Nanos(nanos)) if nanos % 1_000_000_000 == 0 => format!("max {}", counted(nanos / 1_000_000_000, "second")),
        Some(nanos) => format!("max {nanos}"),
    }
}

/// Lists options with their values, those of a group as `group.name`.
fn list_options(options: &Value, name: &str, list: &mut Vec<(String, String)>) {
    let value = match options {
        Value::Object(fields) => {
            for (field, option) in fields {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                list_options(option, &name, list);
            }
            return;
        }
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    list.push((name.to_owned(), value));
}
