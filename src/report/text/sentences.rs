//! The sentences of the text: the set-up, the events, the end of the run, and the command that repeats it.

use super::layout::{Scale, grid, line, percent, target_text, time_or_not, wrapped};
use super::options::list_options;
use super::runs::spread;
use crate::analysis::{BulkFigures, Lateness, MachineFigures, OrderTimes};
use crate::quantity::{counted, grouped};
use crate::record::{End, OrderOutcome, ProtocolSource};
use crate::report::{Report, TimeBase};
use crate::scenario::{BulkOptions, ProtocolTraits, Until, pasteable};
use crate::time::Nanos;
use crate::workload::{Arrivals, Origins};
use std::fmt::{self, Formatter};

/// Writes the notices that the user should know before reading on, if there are any.
pub(super) fn notices(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    for notice in &report.notices {
        wrapped(out, &format!("Notice: {notice}"), 8)?;
    }
    if report.notices.is_empty() { Ok(()) } else { writeln!(out) }
}

/// Writes the network and the injection.
pub(super) fn opening(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    wrapped(out, &title(report), 2)?;
    writeln!(out)?;
    writeln!(out, "{}", setup(report))?;
    overlay(out, report)?;
    writeln!(out, "\n{}", injected(report))?;
    writeln!(out, "{}", monitoring(report))
}

/// Makes the title, which begins with the name of the run.
pub(super) fn title(report: &Report) -> String {
    let name = report.asked.run.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    let carrier = report.asked.carrier.transport.traits().title;
    format!("{name}Bulk Order Propagation System - Thread per Core, {carrier}")
}

/// Describes the distribution of nodes over workers.
pub(super) fn setup(report: &Report) -> String {
    let cluster = &report.run.cluster;
    let workers = match report.run.processes.len() as u64 {
        _ if !cluster.is_empty() => {
            let workers = cluster.iter().map(|process| u64::from(process.workers)).sum();
            format!("{} in a cluster of {} processes", counted(workers, "worker"), cluster.len())
        }
        0 | 1 => counted(report.threads, "worker"),
        // `counted` only knows plurals that end in s.
        several => format!("{} in {several} processes", counted(report.threads, "worker")),
    };
    format!("Setting up network with {} on {workers}, {}...", counted(report.run.nodes, "node"), pinning(report))
}

/// Describes the mean number of peers.
pub(super) fn degree(report: &Report) -> String {
    format!("Network setup complete - Average peers per node: {:.1}", report.run.overlay.mean_degree)
}

/// Describes the injected orders, their origins, and how they are forwarded.
pub(super) fn injected(report: &Report) -> String {
    format!("{} TTL {}, {}", injection(report), report.run.ttl, spreading(report))
}

/// Describes the time limit.
pub(super) fn monitoring(report: &Report) -> String {
    let limit = match report.asked.run.until {
        Until::Instant(at) => format!("until {at}"),
        Until::Target | Until::Quiescent => limit(report.asked.run.timeout),
    };
    format!("Monitoring propagation ({limit})...")
}

fn overlay(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let (overlay, asked) = (&report.run.overlay, &report.asked);
    writeln!(out, "{}", degree(report))?;
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
    let name = match asked.protocol.spec.membership {
        Some(membership) => format!("of {membership} at the first order"),
        None => asked.overlay.topology.to_string(),
    };
    wrapped(out, &format!("Overlay {name}: {facts}"), 2)
}

/// Describes how a node forwards an order, and what other nodes of a mix do.
fn spreading(report: &Report) -> String {
    let mix = report.asked.protocol.mix.map(|mix| format!("; on {} of the nodes {}", mix.share, mix.protocol));
    usual_spreading(report) + &mix.unwrap_or_default()
}

fn usual_spreading(report: &Report) -> String {
    let asked = &report.asked;
    if report.protocol == ProtocolSource::Caller {
        return "a protocol of the caller's own".to_owned();
    }
    match asked.protocol.spec.traits() {
        ProtocolTraits { takes_fanout: false, is_first_message: true, .. } => "to every peer".to_owned(),
        ProtocolTraits { takes_fanout: false, .. } => asked.protocol.spec.to_string(),
        ProtocolTraits { takes_retry: true, .. } => format!("announced with fanout {}", asked.protocol.fanout),
        _ => match asked.protocol.fanout_by_hop() {
            Some(fanouts) => format!("fanout {fanouts} by hop"),
            None if asked.protocol.has_auto_fanout() => format!("fanout {} (auto)", asked.protocol.fanout),
            None => format!("fanout {}", asked.protocol.fanout),
        },
    }
}

/// Describes the injected orders and their origins.
fn injection(report: &Report) -> String {
    let asked = &report.asked;
    let place = match asked.workload.origins {
        Origins::One(origin) => format!(" into node {}", asked.names().id(origin)),
        Origins::Random if asked.workload.bulk.is_some() => ", each into a node of its own draw".to_owned(),
        Origins::Listed => ", each into the node that its line names".to_owned(),
        Origins::Random => format!(" into node {}", report.run.overlay.origin),
    };
    match asked.workload.bulk {
        None => format!("Injecting order{place} with"),
        Some(BulkOptions { orders, rate, arrivals, .. }) => {
            let when = match arrivals {
                None => ", at the times of --publications".to_owned(),
                Some(Arrivals::Constant) => format!(", evenly at {rate}"),
                Some(Arrivals::Poisson) => format!(", at random times (Poisson) at {rate}"),
                Some(Arrivals::Burst) => format!(", in bursts, ten a second, at {rate}"),
            };
            format!("Injecting {}{place}{when}, with", counted(orders.into(), "order"))
        }
    }
}

/// Says if the target was reached, and when: `95% coverage (950/1000) reached at 755.917 μs`.
pub(super) fn headline(report: &Report) -> String {
    let run = &report.run;
    let target = target_text(run.target.share);
    let of_all = format!("{}/{}", grouped(run.target.nodes), grouped(population(report)));
    if let Some(bulk) = &run.bulk {
        let count = format!("{} of {}", grouped(bulk.reached), counted(bulk.published(), "order"));
        let others = match bulk.not_published {
            0 => String::new(),
            others if bulk.published() == 0 => return format!("None of {} was published", counted(others, "order")),
            others => format!("; {} not published", grouped(others)),
        };
        let time = run.time_to_target_ns.map_or_else(
            || "one in a hundred or more missed it".to_owned(),
            |time| format!("99% of them within {}", scale(report).time(time)),
        );
        // Under faults the orders count different numbers of nodes.
        let of_all = if run.counted == run.nodes * bulk.published() { format!(" ({of_all})") } else { String::new() };
        return format!("{count} reached {target} coverage{of_all}, {time}{others}");
    }
    match run.time_to_target_ns {
        // The nodes that were up then may not be those that are up at the end.
        Some(time) if run.counted < run.nodes && run.outcome != End::Target => {
            format!("{target} coverage first reached at {}", scale(report).time(time))
        }
        Some(time) => format!("{target} coverage ({of_all}) reached at {}", scale(report).time(time)),
        None => format!("{target} coverage ({of_all}) not reached; {}", shortfall(report)),
    }
}

/// Describes the outcome of an order that did not reach its target.
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

/// Writes the coverage of the order, and the cause of the run's end.
pub(super) fn propagation(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    writeln!(out, "{}\n{}", headline(report), stopped(report))
}

/// Describes the cause of the run's end, and the state then.
pub(super) fn stopped(report: &Report) -> String {
    let run = &report.run;
    let target = target_text(run.target.share);
    let coverage = percent(run.reached, run.reached + run.residue);
    let time = Nanos(run.at_stop.time_ns);
    match run.outcome {
        End::Target => format!("Stopped gossip propagation at {target} coverage"),
        End::Quiescent => format!("Gossip propagation came to rest at {coverage} coverage, after {time}"),
        End::Timeout => format!("Time limit stopped gossip propagation at {coverage} coverage, after {time}"),
        End::Instant => format!("The run ended after {time}, as asked, at {coverage} coverage"),
        End::Interrupted => format!("Interrupt stopped gossip propagation at {coverage} coverage, after {time}"),
        End::OutOfMemory => {
            format!("Lack of memory stopped gossip propagation at {coverage} coverage, after {time}")
        }
    }
}

/// Writes the headline, the total and the time.
pub(super) fn results(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    writeln!(out)?;
    result_lines(report).iter().try_for_each(|text| writeln!(out, "{text}"))?;
    match report.runs.asked {
        1 => Ok(()),
        _ => writeln!(out, "{}; all figures but those of the table of runs are run 0's", spread(report)),
    }
}

/// Makes the headline, the total and the time, a line each.
pub(super) fn result_lines(report: &Report) -> Vec<String> {
    let (run, scale) = (&report.run, scale(report));
    let target = target_text(run.target.share);
    let coverage = percent(run.reached, run.reached + run.residue);
    let captured = match run.outcome {
        End::Target => format!("{target} Coverage"),
        End::Quiescent => format!("Quiescence, {coverage} Coverage"),
        End::Timeout => format!("Time Limit, {coverage} Coverage"),
        End::Instant => format!("{}, as Asked, {coverage} Coverage", Nanos(run.at_stop.time_ns)),
        End::Interrupted => format!("Interrupt, {coverage} Coverage"),
        End::OutOfMemory => format!("Lack of Memory, {coverage} Coverage"),
    };
    let mut lines = vec![format!("=== RESULTS (Captured at {captured}) ===")];
    if let Some(bulk) = &run.bulk {
        lines.extend(bulk_results(report, bulk));
        return lines;
    }
    let by_the_stop = match run.at_stop.reached < run.reached {
        true => format!(", {} of them by the stop", grouped(run.at_stop.reached)),
        false => String::new(),
    };
    let (reached, counted) = (grouped(run.reached), grouped(run.counted));
    lines.push(format!("Total nodes reached: {reached}/{counted} ({coverage}){by_the_stop}{}", of_all(report)));
    lines.push(format!("Time to {target} coverage: {}", time_or_not(scale, run.time_to_target_ns)));
    lines
}

/// Writes the share of all nodes that has the order, if coverage counts only some of them.
fn of_all(report: &Report) -> String {
    let run = &report.run;
    let orders = run.bulk.as_ref().map_or(1, BulkFigures::published);
    let all = run.nodes * orders;
    match run.counted < all {
        true => format!("; {:.2}% of all {}", run.coverage_of_all * 100.0, grouped(all)),
        false => String::new(),
    }
}

/// Returns the number of nodes that coverage counts, or with many orders the number of all nodes.
fn population(report: &Report) -> u64 {
    if report.run.bulk.is_some() { report.run.nodes } else { report.run.counted }
}

fn bulk_results(report: &Report, bulk: &BulkFigures) -> Vec<String> {
    let (run, scale) = (&report.run, scale(report));
    let all = run.reached + run.residue;
    let others = [
        (bulk.died_out, "died out"),
        (bulk.missed, "missed it"),
        (bulk.under_way, "under way"),
        (bulk.not_published, "not published"),
    ];
    let others: String = others
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, how)| format!(", {} {how}", grouped(*count)))
        .collect();
    let target = target_text(run.target.share);
    let (reached, published) = (grouped(bulk.reached), grouped(bulk.published()));
    let time = time_or_not(scale, run.time_to_target_ns);
    let mut lines = vec![
        format!("Orders at {target} coverage: {reached}/{published}{others}"),
        format!(
            "Total receipts: {}/{} ({}){}",
            grouped(run.reached),
            grouped(all),
            percent(run.reached, all),
            of_all(report)
        ),
        format!("Time to {target} coverage, p99 over orders: {time}"),
    ];
    lines.extend(bulk.orders_per_second.map(|rate| format!("Throughput: {rate:.1} orders per second reached it")));
    lines
}

/// Writes every option, the machine, and the resolution of times.
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

/// Writes the command that repeats the run, and the last line. The command is on one line, however long, so that it can
/// be copied.
pub(super) fn closing(out: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    writeln!(out, "\nReplay ({}):", repeated(report))?;
    line(out, &format!("  {}", pasteable(&report.replay)))?;
    writeln!(out, "\n{}", ending(report))
}

/// Describes the figures that the command repeats.
pub(super) fn repeated(report: &Report) -> &'static str {
    match report.clock {
        TimeBase::Real if report.asked.network.is_some() => {
            "repeats overlay, draws, workload and what becomes of each message; the carrier's own times vary"
        }
        TimeBase::Real => "repeats overlay, draws and workload; times and hops vary",
        TimeBase::Virtual => "repeats every figure",
    }
}

/// Returns the last line of the text.
pub(super) fn ending(report: &Report) -> &'static str {
    if report.interrupted() { "Simulation interrupted" } else { "Simulation complete" }
}

/// A figure of coverage or time, with its name.
pub(in crate::report) struct CoverageRow {
    pub(in crate::report) name: String,
    pub(in crate::report) value: String,
}

/// Makes the rows of coverage and the times to it: over the nodes, or for a bulk over its orders.
pub(in crate::report) fn coverage_rows(report: &Report) -> Vec<CoverageRow> {
    let (run, scale) = (&report.run, scale(report));
    let all = run.reached + run.residue;
    let covered = format!("{} ({}/{})", percent(run.reached, all), grouped(run.reached), grouped(all));
    let time = |name: String, time| CoverageRow { name, value: time_or_not(scale, time) };
    let mut rows = vec![CoverageRow { name: "coverage".to_owned(), value: covered }];
    if let Some(bulk) = &run.bulk {
        let OrderTimes { p50, p90, p99, max, .. } = bulk.time_to_target_ns;
        let target = target_text(run.target.share);
        let times = [("p50", p50), ("p90", p90), ("p99", p99), ("max", max)];
        rows.extend(times.map(|(name, at)| time(format!("orders to {target}, {name}"), at)));
        return rows;
    }
    let to = &run.time_to_ns;
    let times =
        [("50%", to.half), ("90%", to.percent_90), ("95%", to.percent_95), ("99%", to.percent_99), ("100%", to.all)];
    rows.extend(times.map(|(share, at)| time(format!("time to {share}"), at)));
    rows
}

/// Chooses the unit for the run's times by its greatest delay.
pub(in crate::report) fn scale(report: &Report) -> Scale {
    let delay = report.run.delay_ns.map_or(0, |delays| delays.max);
    let greatest = delay.max(report.run.bulk.as_ref().and_then(|bulk| bulk.time_to_end_ns.max).unwrap_or(0));
    Scale::of(greatest).resolved(report.run.time_resolution_ns)
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
