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
pub use worker::MESSAGES_TOGETHER;

#[cfg(feature = "cluster")]
use super::digest::of_receipts;
#[cfg(feature = "cluster")]
use super::exchange::{ClusterEnd, ClusterMember};
use super::exchange::{Exchange, ExchangeBroken, run_shards};
#[cfg(feature = "cluster")]
use super::member_parts::{MemberParts, MemberRun, NodeFiguresRequest};
#[cfg(feature = "cluster")]
use super::shard_outcome::{MergedShards, RunTotals};
use super::window_length::WindowLength;
use super::{EngineError, EngineSetup};
#[cfg(feature = "cluster")]
use crate::ids::NodeId;
use crate::ids::OrderIndex;
use crate::message::OrderHop;
use crate::network::LATENCY_MAX;
use crate::protocol::FirstMessage;
use crate::record::{CompactReceipt, End, Receipt, Receipts, WorkerRecord};
use crate::sync::{Arena, OwnedBitmap};
use crate::sys::touched;
use crate::time::Nanos;
use candidates::Candidate;
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
    let (shares, receipts) = run_shares(setup, protocol, exchange, |_, _, share, _| Ok(share))?;
    let (end, at) = shares.first().map_or((End::Quiescent, Nanos::ZERO), |share| (share.end, share.at));
    let (mut record, mut model_lost, mut digest) = (WorkerRecord::none(), 0, 0_u64);
    for ShortestPathShare { end: _, at: _, record: of_shard, model_lost: lost, digest: of_receipts } in shares {
        record.merge(&of_shard);
        model_lost += lost;
        digest = digest.wrapping_add(of_receipts);
    }
    Ok(ShortestPathOutcome { end, at, receipts: Receipts::Compact(receipts), record, model_lost, digest })
}

/// Runs the shards of this process to the end. `complete` is called on the thread of each with its end of the exchange,
/// its outcome and the receipts of its nodes. Returns the results by shard, and the receipts of all.
fn run_shares<P: FirstMessage, X: Exchange<Candidate>, R: Send>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    exchange: &X,
    complete: impl Fn(usize, &mut X::End<'_>, ShortestPathShare, &[CompactReceipt]) -> Result<R, ExchangeBroken> + Sync,
) -> Result<(Vec<R>, Vec<CompactReceipt>), EngineError> {
    let first = exchange.shards().start;
    let sizes = || exchange.shards().map(|shard| setup.partition.shard(shard).len());
    let mut receipts = touched(sizes().sum(), CompactReceipt::NONE);
    let mut known = OwnedBitmap::new(&mut Arena::heap(), sizes());
    let (view, sections) = known.split();
    let mut rest = &mut receipts[..];
    let mut shares = Vec::with_capacity(exchange.shards().len());
    for (nodes, known) in sizes().zip(sections) {
        let (own, others) = rest.split_at_mut(nodes);
        rest = others;
        shares.push((own, known));
    }
    let shares = run_shards(setup, exchange, shares, |shard, mut end, (receipts, section)| {
        let reach = setup.network.ceiling().map(|ceiling| WindowLength::new(setup.network.floor()).window(ceiling));
        let known = KnownNodes::new(setup.partition, shard, reach, X::SHARES_MEMORY, (view, first));
        let together = if X::SHARES_MEMORY { usize::MAX } else { worker::MESSAGES_TOGETHER };
        let worker = ShortestPathWorker::new(setup, shard, &mut *receipts, section, known, together);
        let share = worker.run(protocol, &mut end)?;
        complete(shard, &mut end, share, receipts)
    })?;
    Ok((shares, receipts))
}

/// Runs the only order as one process of a cluster. Where hops would compute the run and senders are not kept, the
/// digest is that of hops.
#[cfg(feature = "cluster")]
pub(super) fn run_in_cluster<P: FirstMessage>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    (member, request): (&ClusterMember, NodeFiguresRequest),
    keeps_senders: bool,
) -> Result<MemberRun, EngineError> {
    let parts = MemberParts::new(member, request);
    let (ran, _) =
        run_shares(setup, protocol, member, |shard, end: &mut ClusterEnd<'_, Candidate>, share, receipts| {
            let (reason, outcome) = shard_outcome(setup, protocol, (shard, receipts), &share, keeps_senders, end)?;
            parts.complete(setup, shard, end, (reason, share.at, outcome))
        })?;
    Ok(ran.into_iter().flatten().next().expect("the first shard of a process has told"))
}

/// Completes the outcome of a shard with the ledger and the traffic of its nodes, and returns it with the reason for
/// the end. All shards call this together.
#[cfg(feature = "cluster")]
fn shard_outcome<P: FirstMessage>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    (shard, receipts): (usize, &[CompactReceipt]),
    share: &ShortestPathShare,
    keeps_senders: bool,
    end: &mut ClusterEnd<'_, Candidate>,
) -> Result<(End, MergedShards), ExchangeBroken> {
    let (mut record, mut model_lost, mut traffic) = (share.record.clone(), share.model_lost, Vec::new());
    let (is_whole, mut reason) = (share.end == End::Quiescent, share.end);
    if !share.end.is_cut_short() && (setup.keeps_traffic || !is_whole) {
        let limit = if is_whole { Nanos::MAX } else { share.at };
        let before = end.traffic;
        let settled = settlement::settle_shard(setup, protocol, (shard, receipts), limit, end)?;
        end.traffic.settling = end.traffic.meetings - before.meetings;
        end.traffic.settled = end.traffic.events - before.events;
        match settled {
            Some(settled) => {
                traffic = settled.traffic;
                if !is_whole {
                    // The windows went beyond the end, so the count up to the end replaces theirs.
                    (record, model_lost) = (settled.record, settled.model_lost);
                }
            }
            None if is_whole => {}
            None => reason = End::Interrupted,
        }
    }
    record.model.lost = model_lost;
    let mut receipts: Vec<Receipt> = receipts.iter().map(|&receipt| receipt.into()).collect();
    let mut digest = share.digest;
    if !keeps_senders && !reason.is_cut_short() {
        let sent = receipts.iter_mut().filter(|receipt| receipt.is_reached() && receipt.hop > 0);
        sent.for_each(|receipt| receipt.sender = Receipt::NONE.sender);
        let first = NodeId(setup.partition.shard(shard).start);
        digest = of_receipts(OrderIndex(0), first, &receipts);
    }
    let totals = RunTotals { record, digest, ..RunTotals::none(1) };
    Ok((reason, MergedShards { totals, under_way: 0, receipts, traffic }))
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
