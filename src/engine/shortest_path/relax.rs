//! The earliest known receipt of each node: how messages improve it, and when it is final.

use super::candidates::Candidate;
use crate::ids::NodeId;
use crate::record::CompactReceipt;
use crate::simd::prefetch;
use crate::time::Nanos;
use std::ops::RangeInclusive;

/// Messages between the prefetch of a receipt and its use.
const RECEIPT_AHEAD: usize = 24;

/// A node's new receipt: its time, and how much earlier that is than the previous one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Improvement {
    pub(super) time: Nanos,
    pub(super) sooner_by: u64,
    pub(super) local: u32,
}

impl Improvement {
    /// The placeholder in unused room.
    pub(super) const NONE: Improvement = Improvement { time: Nanos::ZERO, sooner_by: 0, local: 0 };
}

/// Replaces receipts by earlier ones, and moves these to the front of `better`, which has room for all; returns their
/// number, and the number of duplicates among the messages. No branch depends on the comparison.
#[inline(never)]
pub(super) fn relax(
    receipts: &mut [CompactReceipt],
    start: u32,
    crossings: &[Candidate],
    better: &mut [Improvement],
) -> (usize, u64) {
    let (mut count, mut duplicates) = (0, 0);
    for (position, crossing) in crossings.iter().enumerate() {
        if let Some(soon) = crossings.get(position + RECEIPT_AHEAD) {
            prefetch(receipts, (soon.to.0 - start) as usize);
        }
        let local = crossing.to.0 - start;
        let best = receipts[local as usize];
        let (time, known) = (crossing.time_hop >> u8::BITS, best.time().0);
        let rank = |time: u64, sender: NodeId| u128::from(time) << 32 | u128::from(sender.0);
        let is_better = rank(time, crossing.from) < rank(known, best.sender());
        // Of two messages to a node one is a duplicate, whichever is earlier.
        duplicates += u64::from(!is_better | best.is_reached());
        better[count] = Improvement { time: Nanos(time), sooner_by: known.wrapping_sub(time), local };
        count += usize::from(is_better);
        // A mask, because the compiler would make a branch of a condition.
        let mask = 0u64.wrapping_sub(u64::from(is_better));
        let time_hop = best.time_hop() ^ (best.time_hop() ^ crossing.time_hop) & mask;
        let sender = best.sender().0 ^ (best.sender().0 ^ crossing.from.0) & mask as u32;
        receipts[local as usize] = CompactReceipt::new(time_hop, NodeId(sender));
    }
    (count, duplicates)
}

/// Moves those of `nodes` whose receipts are within `times` to the front of `fired`, which has room for all; returns
/// their number, and true if any receipt is later. A node whose receipt has improved since was handled in the window of
/// the better one. No branch depends on the comparison.
#[inline(never)]
pub(super) fn settle(
    receipts: &[CompactReceipt],
    nodes: &[u32],
    times: RangeInclusive<Nanos>,
    fired: &mut [(u32, CompactReceipt)],
) -> (usize, bool) {
    let (start, end) = times.into_inner();
    let (mut count, mut late) = (0, false);
    for (position, &local) in nodes.iter().enumerate() {
        if let Some(&soon) = nodes.get(position + RECEIPT_AHEAD) {
            prefetch(receipts, soon as usize);
        }
        let receipt = receipts[local as usize];
        fired[count] = (local, receipt);
        count += usize::from((start <= receipt.time()) & (receipt.time() <= end));
        late |= receipt.time() > end;
    }
    (count, late)
}
