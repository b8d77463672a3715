//! The figures of one run, each computed once from its record. Renderers read them and compute nothing.

use super::access_links::AccessLinkFigures;
use super::bulk::BulkFigures;
use super::cluster::ClusterProcessFigures;
use super::delays::{BINS, Bin, DelayFigures, Delays, TimeTo, fraction_of};
use super::group_figures::GroupFigures;
use super::ledger::LedgerFigures;
use super::percentiles::{Summary, nearest_rank, share};
use super::processes::ProcessFigures;
use super::traffic::{BytesPerNode, bytes, bytes_per_node, bytes_per_receipt, duplicates_per_node};
use super::workers::WorkerFigures;
use crate::ratio::Ratio;
use crate::record::{
    DepartureDelays, End, MachineTimes, OrderOutcome, OverlayFacts, Receipts, RunRecord, SpyRecord, UpkeepCounts,
    WorkerRecord,
};
use crate::theory::redundancy::rmr;
use crate::wire::DATAGRAM_BYTES_MAX;
use serde::Serialize;
use std::collections::BTreeMap;

/// The state at the stop of the run, before the last messages under way had come in.
///
/// A run stops at the mark that makes the target, or else when the last worker left its loop.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AtStop {
    /// Time of the stop, in nanoseconds since the injection.
    pub time_ns: u64,
    /// Nodes that had the order by then.
    pub reached: u64,
    /// Their share of all nodes, 0 to 1.
    pub coverage: f64,
    /// Messages sent but not yet received: found in the sockets after all workers had stopped, or held by a modelled
    /// network.
    pub in_flight: u64,
    /// Messages that waited in the workers' queues and were never sent.
    pub queued_unsent: u64,
}

/// The target of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Goal {
    /// The share of all nodes.
    pub share: Ratio,
    /// Least number of nodes that makes this share.
    pub nodes: u64,
}

/// The time that a run took on the machine. In virtual time only these figures differ between two runs of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MachineFigures {
    /// From the injection until the last worker left its loop, in nanoseconds; in virtual time the duration of the
    /// computation.
    pub wall_ns: u64,
    /// From the start of the set-up until all workers stood at the barrier, or the computation began, in nanoseconds.
    pub setup_ns: u64,
    /// Payload messages per second of `wall_ns`; `None` if no time passed.
    pub messages_per_second: Option<u64>,
}

impl MachineFigures {
    fn of(record: &RunRecord, messages: u64) -> MachineFigures {
        let MachineTimes { wall, setup } = record.machine;
        MachineFigures { wall_ns: wall.0, setup_ns: setup.0, messages_per_second: per_second(messages, wall.0) }
    }
}

/// The lateness of messages that left a modelled network: percentiles by nearest rank, in nanoseconds, to three digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lateness {
    /// Messages that left.
    pub messages: u64,
    /// Lateness that half of them do not exceed.
    pub p50: u64,
    /// Lateness that 99 % do not exceed.
    pub p99: u64,
    /// Greatest lateness, exactly.
    pub max: u64,
}

impl Lateness {
    fn of(departures: &DepartureDelays) -> Option<Lateness> {
        let late = &departures.late;
        let at = |permille| late.permille(permille).map(|late| late.0);
        Some(Lateness { messages: late.count(), p50: at(500)?, p99: at(990)?, max: at(1_000)? })
    }
}

/// All figures shown of one run. `docs/REPORT.md` describes each field under its name here.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunFigures {
    /// Cause of the run's end.
    pub outcome: End,
    /// True if orders came faster than the machine carried them; never in virtual time.
    pub overloaded: bool,
    /// Outcome of the order; `None` with many, because each has an outcome of its own.
    pub order_outcome: Option<OrderOutcome>,
    /// State at the stop.
    pub at_stop: AtStop,
    /// Time that passed on the model's clock, in nanoseconds; `None` on a real one.
    pub virtual_ns: Option<u64>,
    /// Time that the run took on the machine.
    pub machine: MachineFigures,
    /// Possible error of a receipt's time, in nanoseconds: the median gap between one worker's receipts; `None` if
    /// there is no gap.
    pub time_resolution_ns: Option<u64>,
    /// Lateness of messages that left a modelled network in front of a real carrier; `None` if there is none, or none
    /// left.
    pub departure_late_ns: Option<Lateness>,
    /// Number of nodes.
    pub nodes: u64,
    /// Nodes that coverage counts: under faults those that were up at the end, else all. With many orders the sum over
    /// those that were published.
    pub counted: u64,
    /// Counted nodes that have the order, messages still under way at the stop included.
    pub reached: u64,
    /// Their share of the counted nodes, 0 to 1.
    pub coverage: f64,
    /// Share of all nodes that have the order or had it before they failed, messages still under way at the stop
    /// included.
    pub coverage_of_all: f64,
    /// Counted nodes that do not have it.
    pub residue: u64,
    /// The target.
    pub target: Goal,
    /// Time at which the target was first held by its share of the nodes that were up; `None` if it never was.
    pub time_to_target_ns: Option<u64>,
    /// Times at which other shares of all nodes held it.
    pub time_to_ns: TimeTo,
    /// Percentiles of the delay over the reached nodes; `None` if there are none.
    pub delay_ns: Option<DelayFigures>,
    /// The same delays in ten equal bins.
    pub delay_bins: [Bin; BINS],
    /// Reached nodes by the hop of their first receipt, from hop 0, the origin's, to the last.
    pub hops: Vec<u64>,
    /// Last delivery hop; `None` if no node was reached.
    pub ldh: Option<u64>,
    /// Relative message redundancy, `messages / (reached - 1) - 1`; `None` if at most one node was reached. Where
    /// orders travel in parts, parts sent for each useful one, less one.
    pub rmr: Option<f64>,
    /// Received messages whose node had the order already.
    pub duplicates: u64,
    /// Received messages whose order was older than its node's window.
    pub expired: u64,
    /// Greatest number of orders by which an expired one lay behind the newest that its node had seen; 0 if none
    /// expired.
    pub expired_behind_max: u64,
    /// Orders that expired at nodes that never had them, once for each node; `None` on real carriers, where that is not
    /// known.
    pub expired_first: Option<u64>,
    /// Duplicates and expired messages per node; `None` where traffic was not kept by node.
    pub duplicates_per_node: Option<Summary>,
    /// Payload messages handed to the carrier.
    pub messages: u64,
    /// Control messages handed to the carrier.
    pub control_messages: u64,
    /// Bytes of the control messages, as UDP payload.
    pub control_bytes: u64,
    /// Messages about no order; `None` where the protocol has no upkeep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upkeep: Option<UpkeepCounts>,
    /// Counts of the protocol, by name; empty where it counts nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tallies: BTreeMap<&'static str, u64>,
    /// Copies that were not sent because their receiver had sent the order.
    pub spared: u64,
    /// Datagrams handed to the kernel.
    pub kernel_datagrams: u64,
    /// Bytes sent, as UDP payload, control messages included.
    pub bytes: u64,
    /// Bytes sent for each first receipt that came in a message, those of origins left out; `None` if there is none.
    pub bytes_per_receipt: Option<f64>,
    /// Bytes of one datagram, as UDP payload.
    pub datagram_bytes: u32,
    /// Bytes per node; `None` where traffic was not kept by node.
    pub bytes_per_node: Option<BytesPerNode>,
    /// The TTL in force.
    pub ttl: u8,
    /// The overlay.
    pub overlay: OverlayFacts,
    /// Counts by process.
    pub processes: Vec<ProcessFigures>,
    /// Shares of the processes of the cluster that computed the run; empty if one process did alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster: Vec<ClusterProcessFigures>,
    /// Counts by worker.
    pub workers: Vec<WorkerFigures>,
    /// Digest of all first receipts, in hexadecimal; `None` if the seed does not decide it.
    pub digest: Option<String>,
    /// Load of the nodes' access links; `None` if no link has a limit.
    #[serde(rename = "lines")]
    pub access_links: Option<AccessLinkFigures>,
    /// Findings of the spies; `None` if there are none.
    pub spies: Option<SpyRecord>,
    /// Results by region and by class of nodes; empty if there are none.
    pub groups: Vec<GroupFigures>,
    /// The ledger of all messages.
    pub ledger: LedgerFigures,
    /// The orders of a bulk; `None` if there is one order.
    pub bulk: Option<BulkFigures>,
}

impl RunFigures {
    /// Returns true if the longest order takes more than a datagram holds, so that it is no datagram's.
    pub fn exceeds_datagram(&self) -> bool {
        self.datagram_bytes as usize > DATAGRAM_BYTES_MAX
    }

    /// Computes the figures of a run with this target.
    pub(crate) fn new(record: &RunRecord, target: Ratio) -> RunFigures {
        let delays = Delays::of(record);
        let nodes = u64::from(record.nodes);
        let orders = record.bulk.as_ref().map_or(1, |bulk| bulk.published().count() as u64);
        let reached = delays.reached();
        let messages = record.payload_messages();
        let bulk = record.bulk.as_ref().map(|bulk| BulkFigures::new(bulk, &record.names));
        let time_to_target_ns = time_to_target(record, &delays, target);
        let hops = hops(record);
        let counts_all = delays.all() == nodes * orders;
        let reached_of_all = if counts_all { reached } else { sum(record, |worker| worker.reached) };
        RunFigures {
            outcome: record.end,
            overloaded: record.overloaded,
            order_outcome: record.order_outcome(),
            at_stop: at_stop(record, &delays, time_to_target_ns),
            virtual_ns: record.virtual_time().map(|time| time.0),
            machine: MachineFigures::of(record, messages + record.parts().sent),
            time_resolution_ns: time_resolution(record),
            departure_late_ns: record.departures.as_ref().and_then(Lateness::of),
            nodes,
            reached,
            counted: delays.all(),
            coverage: fraction_of(reached, delays.all()),
            coverage_of_all: fraction_of(reached_of_all, nodes * orders),
            residue: delays.all().saturating_sub(reached),
            target: Goal { share: target, nodes: target.ceil_of(most_counted(record)) },
            time_to_target_ns,
            time_to_ns: if bulk.is_some() { TimeTo::default() } else { delays.times() },
            delay_ns: delays.figures(),
            delay_bins: delays.bins(),
            ldh: (hops.len() as u64).checked_sub(1),
            hops,
            // Each order reached its origin without a message.
            rmr: match record.ledger.parts {
                Some(parts) => parts.rmr(),
                None => rmr(messages, (reached_of_all + 1).saturating_sub(orders)),
            },
            duplicates: sum(record, |worker| worker.duplicates),
            expired: sum(record, |worker| worker.expired),
            expired_behind_max: record.workers.iter().map(|worker| worker.expired_behind_max.into()).max().unwrap_or(0),
            expired_first: record.workers.iter().map(|worker| worker.expired_first).sum(),
            duplicates_per_node: duplicates_per_node(record),
            messages,
            control_messages: record.control_messages(),
            control_bytes: record.control_bytes(),
            upkeep: Some(record.upkeep()).filter(|upkeep| !upkeep.is_none()),
            tallies: record.tallies.iter().copied().collect(),
            spared: sum(record, |worker| worker.spared),
            kernel_datagrams: sum(record, |worker| worker.carrier.kernel_datagrams),
            bytes: bytes(record),
            bytes_per_receipt: bytes_per_receipt(record, reached_of_all.saturating_sub(orders)),
            datagram_bytes: record.datagram_bytes,
            bytes_per_node: bytes_per_node(record),
            ttl: record.ttl,
            overlay: record.overlay.clone(),
            processes: ProcessFigures::all(record),
            cluster: ClusterProcessFigures::all(record),
            workers: record.workers.iter().map(WorkerFigures::from).collect(),
            digest: record.digest.map(|digest| format!("{digest:016X}")),
            access_links: AccessLinkFigures::of(record),
            spies: record.spies,
            groups: record.groups.iter().map(GroupFigures::of).collect(),
            ledger: LedgerFigures::of(&record.ledger),
            bulk,
        }
    }
}

fn at_stop(record: &RunRecord, delays: &Delays, time_to_target: Option<u64>) -> AtStop {
    let time_ns = match record.end {
        // The time to the target of a bulk is a percentile over orders, each of which has a zero of its own.
        End::Target if record.bulk.is_none() => time_to_target.unwrap_or(record.elapsed.0),
        _ => record.elapsed.0,
    };
    // With many orders every delay has a zero of its own, and all that were counted came before the end.
    let reached = if record.bulk.is_some() { delays.reached() } else { delays.reached_by(time_ns) };
    AtStop {
        time_ns,
        reached,
        coverage: fraction_of(reached, delays.all()),
        in_flight: record.ledger.in_flight_at_stop,
        queued_unsent: record.ledger.queued_unsent,
    }
}

/// Returns the median gap between the instants at which one worker received first copies, over all workers.
///
/// A message may have come at any time since its worker last read the clock. Readings that brought only duplicates are
/// not in the record, so this errs on the safe side. It is the median because a mean would count idle waiting.
fn time_resolution(record: &RunRecord) -> Option<u64> {
    let Receipts::Each(receipts) = &record.receipts else { return None };
    let ends = record.shard_starts.iter().skip(1).copied().chain([receipts.len() as u32]);
    let mut gaps = Vec::new();
    for (&start, end) in record.shard_starts.iter().zip(ends) {
        let shard = receipts.get(start as usize..end as usize).unwrap_or_default();
        let reached = shard.iter().filter(|receipt| receipt.is_reached());
        let mut instants: Vec<u64> = reached.map(|receipt| receipt.time.0).collect();
        instants.sort_unstable();
        instants.dedup();
        gaps.extend(instants.windows(2).map(|pair| pair[1] - pair[0]));
    }
    gaps.sort_unstable();
    nearest_rank(&gaps, share(1, 2))
}

/// Returns the time to the target; with many orders the 99th percentile over them, where those that missed it come
/// last.
fn time_to_target(record: &RunRecord, delays: &Delays, target: Ratio) -> Option<u64> {
    match &record.bulk {
        Some(bulk) => super::bulk::time_to_target(bulk),
        None => delays.time_to(target),
    }
}

/// Returns the number of nodes that coverage counts; with many orders the greatest.
fn most_counted(record: &RunRecord) -> u64 {
    match &record.bulk {
        Some(bulk) => bulk.orders.iter().map(|order| order.counted).max().unwrap_or(0),
        None => record.counted(),
    }
}

fn hops(record: &RunRecord) -> Vec<u64> {
    if let Some(bulk) = &record.bulk {
        return bulk.hops.clone();
    }
    let mut hops = match &record.receipts {
        Receipts::ByHop(by_hop) => {
            let last = by_hop.counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
            return by_hop.counts[..last].to_vec();
        }
        Receipts::Summary(summary) => return summary.hops.clone(),
        Receipts::Each(_) | Receipts::Compact(_) => Vec::new(),
    };
    for receipt in record.counted_receipts().iter().filter(|receipt| receipt.is_reached()) {
        let hop = usize::from(receipt.hop);
        if hops.len() <= hop {
            hops.resize(hop + 1, 0);
        }
        hops[hop] += 1;
    }
    hops
}

fn sum(record: &RunRecord, count: impl Fn(&WorkerRecord) -> u64) -> u64 {
    record.workers.iter().map(count).sum()
}

fn per_second(count: u64, span_ns: u64) -> Option<u64> {
    let scaled = u128::from(count) * 1_000_000_000;
    scaled.checked_div(u128::from(span_ns)).map(|rate| u64::try_from(rate).unwrap_or(u64::MAX))
}
