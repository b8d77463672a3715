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
mod worker;

use super::exchange::{Exchange, run_shards};
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
        ShortestPathWorker::new(setup, shard, receipts, section, known).run(protocol, &mut end)
    })?;
    let (end, at) = shares.first().map_or((End::Quiescent, Nanos::ZERO), |share| (share.end, share.at));
    let (mut record, mut model_lost, mut digest) = (WorkerRecord::none(), 0, 0_u64);
    for ShortestPathShare { end: _, at: _, record: of_shard, model_lost: lost, digest: of_receipts } in shares {
        record.merge(&of_shard);
        model_lost += lost;
        digest = digest.wrapping_add(of_receipts);
    }
    Ok(ShortestPathOutcome { end, at, receipts: Receipts::Compact(receipts), record, model_lost, digest })
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
