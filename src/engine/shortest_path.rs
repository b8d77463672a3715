//! Computes [`FirstMessage`] protocols: an order spreads along shortest paths, and only the first message to each node
//! matters.
//!
//! A node's receipt is the earliest known so far; a message that cannot improve it is counted where it is sent, and not
//! stored. The calendar holds node numbers only, once for each window that the node's receipt has been in. Windows and
//! receipts are bit-identical to those of `windowed` (compare delta-stepping: Meyer, Sanders 2003).
//!
//! The traffic of each node is not counted here but recomputed afterwards, see `recount`. The orders of a `bulk` are
//! computed each by itself.

pub(super) mod bulk;
mod candidates;
mod forward_batch;
mod known_nodes;
mod node_sort;
mod relax;
#[cfg(feature = "cluster")]
mod settlement;
mod worker;

#[cfg(feature = "cluster")]
pub(crate) use worker::MESSAGES_TOGETHER;

#[cfg(feature = "cluster")]
use super::exchange::{ClusterEnd, ClusterMember};
use super::exchange::{Exchange, ExchangeBroken, run_shards};
#[cfg(feature = "cluster")]
use super::member_parts::{MemberParts, MemberRun, NodeFiguresRequest};
#[cfg(feature = "cluster")]
use super::node_traffic::ShardTraffic;
#[cfg(feature = "cluster")]
use super::shard_outcome::{MergedShards, RunTotals};
#[cfg(feature = "cluster")]
use super::shard_receipts::ShardReceipts;
use super::window_length::WindowLength;
use super::{EngineError, EngineSetup};
use crate::ids::OrderIndex;
use crate::message::OrderHop;
use crate::network::LATENCY_MAX;
use crate::protocol::FirstMessage;
use crate::record::{CompactReceipt, End, Receipt, Receipts, WorkerRecord};
use crate::sync::{Arena, OwnedBitmap};
use crate::sys::touched;
use crate::time::Nanos;
pub(super) use candidates::Candidate;
use known_nodes::KnownNodes;
use worker::{ShortestPathShare, ShortestPathWorker};

/// The outcome of the propagation of one order, over the shards of this process.
pub(super) struct ShortestPathOutcome {
    pub(super) end: End,
    pub(super) at: Nanos,
    /// By node; receipts later than the end are erased.
    pub(super) receipts: Receipts,
    /// The counts of all messages sent, which are the run's counts if it ended at rest.
    pub(super) record: WorkerRecord,
    pub(super) model_lost: u64,
    pub(super) digest: u64,
}

/// Returns true if every instant of a run fits into a compact receipt: up to the deadline, or up to the longest path of
/// messages, each of which takes at most `ceiling`.
pub(super) fn fits(ceiling: Option<Nanos>, last_due: Nanos, deadline: Nanos) -> bool {
    // A latency without a limit is a sum of at most two draws, one of the link and one of the message.
    let ceiling = ceiling.unwrap_or(Nanos(2 * LATENCY_MAX.0));
    let longest_path = Nanos(ceiling.0.saturating_mul(u64::from(u8::MAX) + 1));
    (last_due + longest_path).min(deadline) < CompactReceipt::TIME_MAX
}

/// Runs the only order to the end, for the shards of this process. The network must have a minimum latency above 0.
pub(super) fn run<P: FirstMessage, X: Exchange<Candidate>>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    exchange: &X,
) -> Result<ShortestPathOutcome, EngineError> {
    let mut receipts =
        touched(exchange.shards().map(|shard| setup.partition.shard(shard).len()).sum(), CompactReceipt::NONE);
    let mut rest = &mut receipts[..];
    let of_shards = exchange.shards().map(|shard| {
        let (own, others) = std::mem::take(&mut rest).split_at_mut(setup.partition.shard(shard).len());
        rest = others;
        own
    });
    let shares = run_shares(setup, protocol, exchange, of_shards.collect(), |_, _, share, _| Ok(share))?;
    let (end, at) = shares.first().map_or((End::Quiescent, Nanos::ZERO), |share| (share.end, share.at));
    let (mut record, mut model_lost, mut digest) = (WorkerRecord::none(), 0, 0_u64);
    for ShortestPathShare { end: _, at: _, record: of_shard, model_lost: lost, digest: of_receipts } in shares {
        record.merge(&of_shard);
        model_lost += lost;
        digest = digest.wrapping_add(of_receipts);
    }
    Ok(ShortestPathOutcome { end, at, receipts: Receipts::Compact(receipts), record, model_lost, digest })
}

/// Runs the shards of this process to the end, each with room for the receipts of its nodes, of which there are none
/// yet. `complete` is called on the thread of each with its end of the exchange, its outcome and its receipts. Returns
/// the results by shard.
fn run_shares<P: FirstMessage, X: Exchange<Candidate>, S: AsMut<[CompactReceipt]> + Send, R: Send>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    exchange: &X,
    receipts: Vec<S>,
    complete: impl Fn(usize, &mut X::End<'_>, ShortestPathShare, S) -> Result<R, ExchangeBroken> + Sync,
) -> Result<Vec<R>, EngineError> {
    let first = exchange.shards().start;
    let sizes = exchange.shards().map(|shard| setup.partition.shard(shard).len());
    let mut known = OwnedBitmap::new(&mut Arena::heap(), sizes);
    let (view, sections) = known.split();
    let shares = receipts.into_iter().zip(sections);
    Ok(run_shards(setup, exchange, shares, |shard, mut end, (mut receipts, section)| {
        let reach = setup.network.ceiling().map(|ceiling| WindowLength::new(setup.network.floor()).window(ceiling));
        let known = KnownNodes::new(setup.partition, shard, reach, X::SHARES_MEMORY, (view, first));
        let together = if X::SHARES_MEMORY { usize::MAX } else { worker::MESSAGES_TOGETHER };
        let worker = ShortestPathWorker::new(setup, shard, receipts.as_mut(), section, known, together);
        let share = worker.run(protocol, &mut end)?;
        complete(shard, &mut end, share, receipts)
    })?)
}

/// Runs the only order as one process of a cluster.
#[cfg(feature = "cluster")]
pub(super) fn run_in_cluster<P: FirstMessage>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    (member, request): (&ClusterMember, NodeFiguresRequest),
) -> Result<MemberRun, EngineError> {
    let parts = MemberParts::new(member, request);
    let receipts = member.shards().map(|shard| touched(setup.partition.shard(shard).len(), CompactReceipt::NONE));
    let ran = run_shares(
        setup,
        protocol,
        member,
        receipts.collect(),
        |shard, end: &mut ClusterEnd<'_, Candidate>, share, receipts: Vec<CompactReceipt>| {
            let ShortestPathShare { end: reason, at, record, model_lost, digest } = share;
            let counted = ShardLedger { end: reason, at, record, model_lost, traffic: ShardTraffic::default() };
            let ShardLedger { end: reason, mut record, model_lost, traffic, .. } =
                settled_in_cluster(setup, protocol, (shard, &receipts), counted, end)?;
            record.model.lost = model_lost;
            let totals = RunTotals { record, digest, ..RunTotals::none(1) };
            let receipts = ShardReceipts::Compact(receipts);
            parts.complete(setup, shard, end, (reason, at, MergedShards { totals, under_way: 0, receipts, traffic }))
        },
    )?;
    Ok(ran.into_iter().flatten().next().expect("the first shard of a process has told"))
}

/// The ledger of one shard of a cluster at the end of its run.
#[cfg(feature = "cluster")]
pub(super) struct ShardLedger {
    pub(super) end: End,
    pub(super) at: Nanos,
    pub(super) record: WorkerRecord,
    pub(super) model_lost: u64,
    /// By node, if it was counted.
    pub(super) traffic: ShardTraffic,
}

/// Completes the ledger of a shard with the traffic of its nodes, and up to the end of the run if it ended before it
/// came to rest. All shards call this together.
#[cfg(feature = "cluster")]
pub(super) fn settled_in_cluster<P: FirstMessage>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    shard: (usize, &[CompactReceipt]),
    mut ledger: ShardLedger,
    end: &mut ClusterEnd<'_, Candidate>,
) -> Result<ShardLedger, ExchangeBroken> {
    let is_whole = ledger.end == End::Quiescent;
    if ledger.end.is_cut_short() || is_whole && !setup.keeps_traffic {
        return Ok(ledger);
    }
    let limit = if is_whole { Nanos::MAX } else { ledger.at };
    let before = end.traffic;
    let settled = settlement::settle_shard(setup, protocol, shard, limit, end)?;
    end.traffic.settling = end.traffic.meetings - before.meetings;
    end.traffic.settled = end.traffic.events - before.events;
    match settled {
        Some(settled) => {
            ledger.traffic = ShardTraffic::Counted(vec![settled.traffic]);
            if !is_whole {
                // The windows went beyond the end, so the count up to the end replaces theirs.
                (ledger.record, ledger.model_lost) = (settled.record, settled.model_lost);
            }
        }
        None if is_whole => {}
        None => ledger.end = End::Interrupted,
    }
    Ok(ledger)
}

/// Returns the forward of a node after the message that first reached it.
#[inline]
pub(super) fn first_forward<P: FirstMessage>(
    protocol: &P,
    order: OrderIndex,
    Receipt { hop, .. }: Receipt,
    ttl: u8,
) -> Option<OrderHop> {
    // The hops left are the order's TTL less the hops travelled.
    protocol.forward_first(OrderHop { order, ttl: ttl - hop, hop })
}
