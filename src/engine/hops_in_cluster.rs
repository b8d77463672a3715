//! Hops as one process of a cluster, and the outcome of each of its shards.

use super::exchange::{ClusterEnd, ClusterMember, ExchangeBroken, ExchangeEnd, run_shards};
use super::hops::{MemberHops, MemberWorker, SetWord, time_of};
use super::member_parts::{MemberParts, MemberRun, NodeFiguresRequest};
use super::node_traffic::ShardTraffic;
use super::shard_outcome::{MergedShards, RunTotals};
use super::shard_receipts::{ShardReceipts, compact, digest_by_hop};
use super::shortest_path::{Candidate, ShardLedger, settled_in_cluster};
use super::single_order::{hops_setup, sends_in_hop, tell};
use super::{EngineError, EngineSetup};
use crate::ids::NodeId;
use crate::protocol::FirstMessage;
use crate::record::{ByHop, CarrierCounts, End, WorkerRecord};
use crate::time::Nanos;

/// Runs the only order hop by hop, for the shards of this process.
pub(super) fn run_in_cluster<P: FirstMessage>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    latency: Nanos,
    (member, request): (&ClusterMember, NodeFiguresRequest),
) -> Result<MemberRun, EngineError> {
    let parts = MemberParts::new(member, request);
    let tell = |progress| tell(setup, progress);
    let hops = hops_setup(setup, latency, &tell);
    let ran = run_shards(setup, member, member.shards(), |shard, mut end: ClusterEnd<'_, SetWord>, _| {
        let run = MemberWorker::new(&hops, setup.partition, shard).run(&mut end)?;
        let others = run.told.iter().enumerate().filter(|(shard, _)| !member.shards().contains(shard));
        // What crossed are nodes, of which a word has many.
        end.traffic.events = others.map(|(_, told)| told).sum();
        let at = ended_at(setup, latency, shard, &run, &mut end)?;
        let mut end = end.turned::<Candidate>();
        let (reason, outcome) = shard_outcome(setup, protocol, (shard, latency, at), run, &mut end)?;
        parts.complete(setup, shard, &mut end, (reason, at, outcome))
    })?;
    Ok(ran.into_iter().flatten().next().expect("the first shard of a process has told"))
}

/// Returns the reason for the end: a run whose time is up when nothing is under way had ended at rest.
fn reason(run: &MemberHops) -> End {
    if run.end == End::Timeout && run.in_flight == 0 { End::Quiescent } else { run.end }
}

/// Returns the time of the end: of the time limit, or of the last hop in which a message arrived. All shards call this
/// together.
fn ended_at(
    setup: &EngineSetup<'_>,
    latency: Nanos,
    shard: usize,
    run: &MemberHops,
    end: &mut ClusterEnd<'_, SetWord>,
) -> Result<Nanos, ExchangeBroken> {
    if let (End::Timeout, Some(timeout)) = (reason(run), setup.timeout) {
        return Ok(timeout);
    }
    let mut last = run.counts.len() as u8 - 1;
    if last > 0 && run.counts[usize::from(last)] == 0 {
        // The nodes that forwarded last may have had no target.
        let nodes = (setup.partition.shard(shard).start..).map(NodeId).zip(&run.hop_of).zip(0..);
        let newest = nodes.filter(|&((node, &hop), _)| hop == last - 1 && (hop > 0 || Some(node) == origin(setup)));
        let with_sender = newest.map(|((node, _), local): (_, usize)| {
            let sender = run.senders.as_ref().map_or(NodeId(u32::MAX), |senders| senders[local]);
            (node, sender)
        });
        let mut sends = [u64::from(sends_in_hop(setup, last, with_sender))];
        end.add_up(&mut sends)?;
        last -= u8::from(sends == [0]);
    }
    Ok(time_of(last, latency))
}

fn origin(setup: &EngineSetup<'_>) -> Option<NodeId> {
    setup.workload.publications().first().map(|publication| publication.origin)
}

/// Returns the outcome of a shard, with the traffic of its nodes if that is kept, and the reason for the end. All
/// shards call this together.
fn shard_outcome<P: FirstMessage>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    (shard, latency, at): (usize, Nanos, Nanos),
    run: MemberHops,
    end: &mut ClusterEnd<'_, Candidate>,
) -> Result<(End, MergedShards), ExchangeBroken> {
    let (reason, nodes) = (reason(&run), setup.partition.shard(shard));
    let MemberHops { counts, hop_of, senders, sums, closing, waiting, .. } = run;
    let has_origin = origin(setup).is_some_and(|origin| nodes.contains(&origin.0));
    let reached = hop_of.iter().filter(|&&hop| hop > 0).count() as u64 + u64::from(has_origin);
    let record = WorkerRecord {
        nodes: nodes.len() as u32,
        // Nodes that were reached at the end have sent their copies at that very instant.
        sent: sums.sent + closing.sent,
        received: sums.sent,
        reached,
        spared: sums.spared + closing.spared,
        queued_unsent: waiting,
        carrier: CarrierCounts { drained: closing.sent, ..WorkerRecord::none().carrier },
        ..WorkerRecord::none()
    };
    let (first, origin) = (NodeId(nodes.start), origin(setup).unwrap_or(NodeId(u32::MAX)));
    let receipts = ByHop { first, latency, origin, counts, hop_of, senders };
    let digest = if reason.is_cut_short() { 0 } else { digest_by_hop(&receipts) };
    let ledger = ShardLedger { end: reason, at, record, model_lost: 0, traffic: ShardTraffic::default() };
    let (ledger, receipts) = if setup.keeps_traffic && !reason.is_cut_short() {
        let compact = compact(&receipts);
        drop(receipts);
        let ledger = settled_in_cluster(setup, protocol, (shard, &compact), ledger, end)?;
        (ledger, ShardReceipts::Compact(compact))
    } else {
        (ledger, ShardReceipts::ByHop(receipts))
    };
    let ShardLedger { end: reason, record, traffic, .. } = ledger;
    let totals = RunTotals { record, digest, ..RunTotals::none(1) };
    Ok((reason, MergedShards { totals, under_way: 0, receipts, traffic }))
}
