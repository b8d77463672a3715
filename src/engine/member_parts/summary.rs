//! The figures of all nodes, of which each process has its own: what the report says of them, found together.

use super::selection::{AddUp, ValueList, distribution, select};
use crate::coverage::{MILESTONES, TIMES};
use crate::engine::EngineSetup;
use crate::engine::shard_outcome::MergedShards;
use crate::engine::shard_receipts::ShardReceipts;
use crate::ratio::Ratio;
use crate::record::{LinkSideRecord, OrderCounts, RankedValues, Receipt, ReceiptSummary, TrafficSummary};
use crate::time::Nanos;

/// The orders whose receipts are sorted at a time.
const ORDERS_TOGETHER: usize = 64;

/// The figures of all nodes of a run in which every node counts.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSummary {
    /// The receipts of the only order; `None` for a bulk.
    pub receipts: Option<ReceiptSummary>,
    /// The receipts of each order of a bulk: all counts but those of messages. Empty for a single order.
    pub orders: Vec<OrderCounts>,
    /// Traffic; `None` where it was not kept.
    pub traffic: Option<TrafficSummary>,
}

/// The shares of the nodes reached, and of all nodes, whose delays are shown.
const OF_REACHED: [[u64; 2]; 6] = [[50, 100], [90, 100], [95, 100], [99, 100], [999, 1_000], [1, 1]];
const OF_ALL: [[u64; 2]; 5] = [[50, 100], [90, 100], [95, 100], [99, 100], [1, 1]];

/// The shares of all nodes whose counts are shown.
const OF_COUNTS: [[u64; 2]; 4] = [[50, 100], [90, 100], [99, 100], [1, 1]];

/// The bins of equal width into which delays are sorted.
const BINS: u64 = 10;

/// Returns the rank of a share of `count` values.
fn rank([parts, whole]: [u64; 2], count: u64) -> u64 {
    Ratio::new(parts, whole).map_or(count, |share| share.ceil_of(count)).max(1)
}

fn ranks(shares: &[[u64; 2]], count: u64) -> Vec<u64> {
    shares.iter().map(|&share| rank(share, count)).collect()
}

/// Summarizes the figures of all nodes, of which `part` has those of this process, and takes them out of it. All
/// processes call this together.
pub(super) fn summarize<E>(
    setup: &EngineSetup<'_>,
    part: &mut MergedShards,
    add_up: &mut AddUp<'_, E>,
) -> Result<NodeSummary, E> {
    let receipts = std::mem::take(&mut part.receipts);
    let traffic = std::mem::take(&mut part.traffic);
    let has_traffic = !traffic.is_empty();
    let nodes = receipts.len() / setup.workload.orders().max(1) as usize;
    let firsts = if has_traffic { firsts(&receipts, nodes) } else { Vec::new() };
    let (single, orders) = match setup.workload.orders() {
        1 => (Some(receipt_summary(setup, receipts, add_up)?), Vec::new()),
        _ => (None, order_counts(setup, &receipts.into_each(), nodes, add_up)?),
    };
    let of_counts = |count: u64| ranks(&OF_COUNTS, count);
    let mut spread = |values: ValueList| distribution(values, of_counts, |_| Vec::new(), add_up);
    let duplicates = traffic.by_node().zip(&firsts).map(|(node, &firsts)| node.copies.saturating_sub(firsts.into()));
    // All processes keep it, or none does.
    let summary = if has_traffic {
        Some(TrafficSummary {
            duplicates: spread(ValueList::of(duplicates))?,
            bytes_in: spread(ValueList::of(traffic.by_node().map(|node| node.bytes_in)))?,
            bytes_out: spread(ValueList::of(traffic.by_node().map(|node| node.bytes_out)))?,
        })
    } else {
        None
    };
    for side in [&mut part.totals.access_links.up, &mut part.totals.access_links.down].into_iter().flatten() {
        let LinkSideRecord { used, spread: of_side, .. } = side;
        let used = std::mem::take(used);
        *of_side = Some([
            spread(ValueList::of(used.iter().map(|used| used.bytes)))?,
            spread(ValueList::of(used.iter().map(|used| used.busy.0)))?,
        ]);
    }
    Ok(NodeSummary { receipts: single, orders, traffic: summary })
}

/// Counts the first receipts that came in a message, by node.
fn firsts(receipts: &ShardReceipts, nodes: usize) -> Vec<u32> {
    let (mut firsts, mut node) = (vec![0; nodes], 0);
    receipts.for_each(|receipt| {
        firsts[node] += u32::from(receipt.is_reached() && receipt.hop > 0);
        node = (node + 1) % nodes;
    });
    firsts
}

/// Summarizes the receipts of the only order.
fn receipt_summary<E>(
    setup: &EngineSetup<'_>,
    receipts: ShardReceipts,
    add_up: &mut AddUp<'_, E>,
) -> Result<ReceiptSummary, E> {
    let mut hops = vec![0; usize::from(u8::MAX) + 1];
    receipts.for_each(|receipt| hops[usize::from(receipt.hop)] += u64::from(receipt.is_reached()));
    let own_hops = hops.clone();
    add_up(&mut hops)?;
    while hops.last() == Some(&0) {
        hops.pop();
    }
    let (nodes, goal) = (u64::from(setup.topology.nodes()), setup.goal.max(1));
    let at = |count: u64| [ranks(&OF_REACHED, count), ranks(&OF_ALL, nodes), vec![goal]].concat();
    // The edges of bins, and the end of the instant at which the target is reached.
    let cuts = |delays: &RankedValues| {
        let greatest = u128::from(delays.at_rank(delays.count()).unwrap_or(0));
        let edges = (1..BINS).map(|bin| (greatest * u128::from(bin) / u128::from(BINS)) as u64);
        edges.chain(delays.at_rank(goal).map(|time| time.saturating_add(1))).collect()
    };
    let delays = match receipts {
        ShardReceipts::ByHop(receipts) => {
            let times = (0..=u8::MAX).zip(own_hops).filter(|&(_, count)| count > 0);
            let times: Vec<(u64, u64)> = times.map(|(hop, count)| (receipts.time_of(hop).0, count)).collect();
            distribution(times, at, cuts, add_up)?
        }
        receipts => {
            let mut times = ValueList::default();
            receipts.for_each(|receipt| {
                if receipt.is_reached() {
                    times.push(receipt.time.0);
                }
            });
            drop(receipts);
            times.settle();
            distribution(times, at, cuts, add_up)?
        }
    };
    Ok(ReceiptSummary { nodes, delays, hops })
}

/// Counts the receipts of each order of a bulk, those of order 0 by node, then those of order 1, and finds the times of
/// its milestones.
fn order_counts<E>(
    setup: &EngineSetup<'_>,
    receipts: &[Receipt],
    nodes: usize,
    add_up: &mut AddUp<'_, E>,
) -> Result<Vec<OrderCounts>, E> {
    let all = u64::from(setup.topology.nodes());
    let milestones = MILESTONES.map(|share| share.ceil_of(all).max(1));
    let ranks: [u64; TIMES] = [milestones[0], milestones[1], milestones[2], setup.goal.max(1)];
    let count = setup.workload.orders() as usize;
    let mut counts = Vec::with_capacity(count);
    for first in (0..count).step_by(ORDERS_TOGETHER) {
        let some = first..count.min(first + ORDERS_TOGETHER);
        let of_order = |order: usize| receipts.get(order * nodes..(order + 1) * nodes).unwrap_or_default();
        let reached = |order| of_order(order).iter().filter(|receipt| receipt.is_reached());
        // Of each order the nodes reached, the last hops, and whether it was published and when.
        let sums = some.clone().flat_map(|order| {
            let origin = reached(order).find(|receipt| receipt.hop == 0);
            let last_hops = reached(order).filter(|receipt| receipt.hop == setup.ttl).count();
            let published = [u64::from(origin.is_some()), origin.map_or(0, |origin| origin.time.0)];
            [reached(order).count() as u64, last_hops as u64, published[0], published[1]]
        });
        let mut sums: Vec<u64> = sums.collect();
        add_up(&mut sums)?;
        let lists = some.map(|order| {
            let mut times: Vec<u64> = reached(order).map(|receipt| receipt.time.0).collect();
            times.sort_unstable();
            times
        });
        let lists: Vec<Vec<u64>> = lists.collect();
        let wanted = sums.chunks_exact(4).enumerate().flat_map(|(list, sums)| {
            let reached = sums[0];
            let known = ranks.into_iter().chain([reached]).filter(move |rank| (1..=reached).contains(rank));
            known.map(move |rank| (list, rank))
        });
        let wanted: Vec<(usize, u64)> = wanted.collect();
        let times = select(&lists, &wanted, add_up)?;
        let time = |list: usize, rank: u64| {
            let place = wanted.iter().position(|&query| query == (list, rank));
            place.map(|place| Nanos(times[place]))
        };
        counts.extend(sums.chunks_exact(4).enumerate().map(|(list, sums)| OrderCounts {
            reached: sums[0] as u32,
            cut_off: u32::try_from(sums[1]).unwrap_or(u32::MAX),
            published_at: if sums[2] > 0 { Nanos(sums[3]) } else { Nanos::MAX },
            last_receipt: time(list, sums[0]).unwrap_or_default(),
            crossed: ranks.map(|rank| time(list, rank).unwrap_or(Nanos::MAX)),
            ..OrderCounts::NONE
        }));
    }
    Ok(counts)
}
