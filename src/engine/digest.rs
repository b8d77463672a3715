//! One number for all first receipts of a run: the sum, modulo 2^64, of a hash of each. A sum, so that every shard can add
//! its own and nothing depends on the order. Specified in `docs/DETERMINISM.md`.

use crate::ids::{NodeId, OrderIndex};
use crate::random::{Key, Purpose};
use crate::stats::Receipt;

/// The digest of one order's receipts by node, from node `first` on.
pub(super) fn of_receipts(order: OrderIndex, first: NodeId, receipts: &[Receipt]) -> u64 {
    let key = Key::new(0, Purpose::Digest);
    let reached = (first.0..).zip(receipts).filter(|(_, receipt)| receipt.is_reached());
    let hashes = reached.map(|(node, &Receipt { time, sender, hop })| {
        let edge = u64::from(node) | u64::from(sender.0) << 32;
        let what = u64::from(order.0) | u64::from(hop) << 32;
        key.with(time.0).with(edge).with(what).stream().next_word()
    });
    hashes.fold(0, u64::wrapping_add)
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
}
