//! Hashes all first receipts of a run to one number: the sum, modulo 2^64, of a hash of each. It is a sum so that every
//! shard can add its own in any sequence. Specified in `docs/DETERMINISM.md`.

use crate::ids::{NodeId, OrderIndex};
use crate::random::{Key, Purpose};
use crate::record::{Receipt, Receipts};
use crate::simd::{self, SimdBatch};
use crate::threads::{ThreadError, WorkerSeat, WorkerThreads};
use core_affinity::CoreId;
use std::convert::Infallible;

/// Returns the digest of one order's receipts by node, from node `first` on.
pub(super) fn of_receipts<R: Copy + Into<Receipt>>(order: OrderIndex, first: NodeId, receipts: &[R]) -> u64 {
    let mut sum = 0;
    simd::run(ReceiptDigest { order, first, receipts, sum: &mut sum });
    sum
}

/// The sum over receipts, each of which is hashed by itself.
struct ReceiptDigest<'a, R> {
    order: OrderIndex,
    first: NodeId,
    receipts: &'a [R],
    sum: &'a mut u64,
}

impl<R: Copy + Into<Receipt>> SimdBatch for ReceiptDigest<'_, R> {
    #[inline(always)]
    fn run(self) {
        let mut sum = 0_u64;
        for (receipts, first) in self.receipts.chunks(TOGETHER).zip((self.first.0..).step_by(TOGETHER)) {
            let is_reached = |&receipt: &R| receipt.into().is_reached();
            // Of an order that stays near its origin most receipts are missing, and a look is cheaper than a hash.
            if receipts.iter().fold(false, |any, receipt| any | is_reached(receipt)) {
                let hashes = receipts.iter().zip(first..);
                let hashes = hashes.map(|(&receipt, node)| of_one(self.order, NodeId(node), receipt.into()));
                sum = hashes.fold(sum, u64::wrapping_add);
            }
        }
        *self.sum = sum;
    }
}

/// Receipts that are looked through together, enough for several steps of the widest lanes.
const TOGETHER: usize = 64;

/// Computes the digest of all receipts of one order, on a thread for each of these places.
pub(super) fn of_order(order: OrderIndex, receipts: &Receipts, cores: &[Option<CoreId>]) -> Result<u64, ThreadError> {
    let threads = cores.len();
    let nodes = receipts.nodes();
    let share = |worker: usize| (worker as u64 * nodes / threads as u64) as u32;
    let part = |worker: usize| {
        let nodes = (share(worker)..share(worker + 1)).map(NodeId);
        nodes.map(|node| of_one(order, node, receipts.get(node))).fold(0, u64::wrapping_add)
    };
    // No thread waits for another.
    let worker_threads = WorkerThreads { first: 0, cores, give_up: &|| () };
    let parts = worker_threads.run(0..threads, |WorkerSeat { worker, .. }, _| Ok::<u64, Infallible>(part(worker)))?;
    Ok(parts.into_iter().map(|Ok(sum)| sum).fold(0, u64::wrapping_add))
}

/// Returns the hash of one receipt, 0 for none.
#[inline(always)]
fn of_one(order: OrderIndex, node: NodeId, receipt: Receipt) -> u64 {
    let Receipt { time, sender, hop } = receipt;
    let edge = u64::from(node.0) | u64::from(sender.0) << 32;
    let what = u64::from(order.0) | u64::from(hop) << 32;
    let hash = Key::new(0, Purpose::Digest).with(time.0).with(edge).with(what).word_at(0);
    if receipt.is_reached() { hash } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Nanos;

    #[test]
    fn everything_counts_but_the_order_of_addition() {
        let one = Receipt { time: Nanos(5), sender: NodeId(2), hop: 1 };
        let digest = |order, first, receipts: &[Receipt]| of_receipts(OrderIndex(order), NodeId(first), receipts);
        let all = digest(0, 7, &[one, Receipt::NONE, one]);
        assert_eq!(all, digest(0, 9, &[one]).wrapping_add(digest(0, 7, &[one])));
        let others = [
            digest(1, 7, &[one]),
            digest(0, 8, &[one]),
            digest(0, 7, &[Receipt { time: Nanos(6), ..one }]),
            digest(0, 7, &[Receipt { sender: NodeId(3), ..one }]),
            digest(0, 7, &[Receipt { hop: 2, ..one }]),
        ];
        assert!(others.iter().all(|&other| other != digest(0, 7, &[one])));
        assert_eq!(digest(0, 0, &[Receipt::NONE; 3]), 0);
    }

    #[test]
    fn receipts_are_found_among_many_that_are_missing() {
        let one = Receipt { time: Nanos(5), sender: NodeId(2), hop: 1 };
        let alone = |node| of_receipts(OrderIndex(3), NodeId(node), &[one]);
        for length in [1, 63, 64, 65, 300] {
            for at in [0, length / 2, length - 1] {
                let mut receipts = vec![Receipt::NONE; length];
                receipts[at] = one;
                let digest = of_receipts(OrderIndex(3), NodeId(u32::MAX - 300), &receipts);
                assert_eq!(digest, alone(u32::MAX - 300 + at as u32), "{at} of {length}");
            }
        }
    }
}
