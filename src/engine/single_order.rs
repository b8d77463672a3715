//! Runs of one order that its first messages determine, by hops or along shortest paths, and the ledger that these do
//! not keep.

use super::digest;
use super::hops;
use super::recount;
use super::shortest_path::ShortestPathOutcome;
use super::{EngineError, EngineOutcome, EngineSetup, OrderTraffic, RunTotals};
use crate::ids::{NodeId, OrderIndex};
use crate::protocol::{FirstMessage, TargetScratch};
use crate::record::{ByHop, CarrierCounts, End, Receipts, WorkerRecord};
use crate::sync::Interrupt;
use crate::threads::Progress;
use crate::time::Nanos;

/// The maximum number of messages that are recounted after an interrupt: less than a second's work.
const RECOUNTED_MAX: u64 = if cfg!(test) { 5_000 } else { 20_000_000 };

/// Completes the outcome of shortest paths or hops with the ledger that these do not keep.
pub(super) fn settled<P: FirstMessage>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    spread: ShortestPathOutcome,
) -> Result<EngineOutcome, EngineError> {
    let ShortestPathOutcome { end, at, receipts, mut record, mut model_lost, digest } = spread;
    let is_whole = end == End::Quiescent;
    // After an interrupt only a short recount is acceptable: the nodes reached last may have many targets.
    let bounds = match end.is_cut_short() {
        true => (&Interrupt::new(), RECOUNTED_MAX),
        false => (setup.interrupt, u64::MAX),
    };
    let is_long = end.is_cut_short() && record.sent > RECOUNTED_MAX;
    let limit = if is_whole { Nanos::MAX } else { at };
    let recounted = match (setup.keeps_traffic || !is_whole) && !is_long {
        true => recount::recount(setup, protocol, &receipts, limit, bounds)?,
        false => None,
    };
    let (mut end, mut traffic, mut is_rough) = (end, Vec::new(), false);
    match recounted {
        Some(recounted) => {
            traffic = recounted.traffic;
            if !is_whole {
                // The windows went beyond the end, so the recount up to the end replaces their counts.
                (record, model_lost) = (recounted.record, recounted.model_lost);
            }
        }
        None if is_whole => {}
        None => {
            is_rough = true;
            end = if end.is_cut_short() { end } else { End::Interrupted };
            record.reached = receipts.reached();
            record.received = record.reached.saturating_sub(1) + record.duplicates;
            record.carrier.drained = record.sent - model_lost - record.received;
        }
    }
    record.model.lost = model_lost;
    Ok(EngineOutcome { end, ended_at: at, totals: totals(record, digest), receipts, traffic, is_rough })
}

/// Runs by hops. If figures are kept by node, so are senders, and the ledger is recomputed as after shortest paths.
pub(super) fn hopwise<P: FirstMessage>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    latency: Nanos,
) -> Result<EngineOutcome, EngineError> {
    let nodes = setup.topology.nodes();
    let tell = |progress| tell(setup, progress);
    let ran = hops::run(&hops_setup(setup, latency, &tell));
    let ran = ran.map_err(|error| match error {
        hops::HopsError::Memory { nodes } => EngineError::NoMemory { nodes },
        hops::HopsError::Threads(error) => EngineError::Threads(error),
    })?;
    let record = WorkerRecord {
        nodes,
        sent: ran.sent,
        received: ran.received,
        duplicates: ran.duplicates(),
        reached: ran.receipts.reached(),
        spared: ran.spared,
        queued_unsent: ran.queued_unsent,
        carrier: CarrierCounts { drained: ran.in_flight, ..WorkerRecord::none().carrier },
        ..WorkerRecord::none()
    };
    // If nothing is under way when time is up, the run had ended at rest.
    let end = if ran.end == End::Timeout && ran.in_flight == 0 { End::Quiescent } else { ran.end };
    let at = match (end, setup.timeout) {
        (End::Timeout, Some(timeout)) => timeout,
        _ => ran.receipts.time_of(last_arrival(setup, &ran.receipts)),
    };
    let receipts = Receipts::ByHop(ran.receipts);
    let digest = match end {
        end if end.is_cut_short() => 0,
        _ => digest::of_order(OrderIndex(0), &receipts, &setup.pinning.cores)?,
    };
    // Hops know the messages under way: after an interrupt only figures by node are recomputed, if that is short.
    if setup.keeps_traffic && (end != End::Interrupted || record.sent <= RECOUNTED_MAX) {
        let receipts = Receipts::Each(receipts.iter().collect());
        return settled(setup, protocol, ShortestPathOutcome { end, at, receipts, record, model_lost: 0, digest });
    }
    let (totals, traffic) = (totals(record, digest), Vec::new());
    Ok(EngineOutcome { end, ended_at: at, totals, receipts, traffic, is_rough: false })
}

/// Returns the settings of hops for the only order.
pub(super) fn hops_setup<'a>(
    setup: &EngineSetup<'a>,
    latency: Nanos,
    observer: &'a (dyn Fn(hops::HopsProgress) + Sync),
) -> hops::HopsSetup<'a> {
    hops::HopsSetup {
        topology: setup.topology,
        draw: setup.draw,
        order: OrderIndex(0),
        origin: setup.workload.publications().first().map_or(NodeId(0), |publication| publication.origin),
        ttl: setup.ttl,
        latency,
        exclude_sender: setup.exclude_sender,
        records_senders: setup.keeps_traffic,
        counts_copies: false,
        goal: setup.goal,
        ends_at_target: setup.ends_at_target,
        timeout: setup.timeout,
        cores: &setup.pinning.cores,
        interrupt: setup.interrupt,
        observer,
    }
}

/// Tells the observer of a run of the progress of hops.
pub(super) fn tell(setup: &EngineSetup<'_>, hops::HopsProgress { time, reached, .. }: hops::HopsProgress) {
    // Every node that has the order has sent it, or is about to.
    let messages = reached * u64::from(setup.draw.count(setup.topology.mean_degree() as u32));
    setup.observer.progressed(&Progress { reached, time, messages });
}

/// Returns the last hop in which a message arrived: the one that reached no new node, unless the nodes that forward in
/// it had no target.
fn last_arrival(setup: &EngineSetup<'_>, receipts: &ByHop) -> u8 {
    let last = receipts.counts.len().saturating_sub(1) as u8;
    if last == 0 || receipts.counts[usize::from(last)] > 0 {
        return last;
    }
    let newest = (0..).map(NodeId).zip(&receipts.hop_of).filter(|&(_, &hop)| hop == last - 1).map(|(node, _)| node);
    let newest = newest.filter(|&node| last > 1 || node == receipts.origin);
    let sends = sends_in_hop(setup, last, newest.map(|node| (node, receipts.get(node).sender)));
    if sends { last } else { last - 1 }
}

/// Returns true if any of these nodes, given with the senders of their first copies, has a target in a hop.
pub(super) fn sends_in_hop(
    setup: &EngineSetup<'_>,
    hop: u8,
    mut nodes: impl Iterator<Item = (NodeId, NodeId)>,
) -> bool {
    let (mut scratch, draw) = (TargetScratch::default(), setup.draw.at_hop(hop));
    nodes.any(|(node, sender)| {
        let targets = draw.draw(setup.topology, OrderIndex(0), node, &mut scratch);
        targets.iter().any(|&to| !setup.exclude_sender || to != sender)
    })
}

/// Completes the sums of a run whose only order has all of its traffic.
pub(super) fn totals(record: WorkerRecord, digest: u64) -> RunTotals {
    let WorkerRecord { sent, received, model, .. } = record;
    let (lost, under_way) = (model.lost, record.carrier.drained);
    let by_order = vec![OrderTraffic { sent, received, lost, under_way, ..OrderTraffic::default() }];
    RunTotals { record, by_order, digest, ..RunTotals::none(1) }
}
