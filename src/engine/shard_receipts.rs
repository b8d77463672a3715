//! First receipts of the nodes of some shards of a cluster, in the least memory that holds them.

#[cfg(feature = "cluster")]
use super::digest::of_receipts;
#[cfg(feature = "cluster")]
use crate::ids::{NodeId, OrderIndex};
use crate::record::Receipt;
#[cfg(feature = "cluster")]
use crate::record::{ByHop, CompactReceipt};
use serde::{Deserialize, Serialize};

/// First receipts of nodes that follow each other.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum ShardReceipts {
    /// Those of order 0 by node, then those of order 1, and so on. Only this form crosses to another process.
    Each(Vec<Receipt>),
    /// Those of the only order.
    #[cfg(feature = "cluster")]
    #[serde(skip)]
    Compact(Vec<CompactReceipt>),
    /// Those of the only order where all hops take the same time.
    #[cfg(feature = "cluster")]
    #[serde(skip)]
    ByHop(ByHop),
}

impl Default for ShardReceipts {
    fn default() -> ShardReceipts {
        ShardReceipts::Each(Vec::new())
    }
}

/// Returns the same receipts in compact form.
#[cfg(feature = "cluster")]
pub(super) fn compact(by_hop: &ByHop) -> Vec<CompactReceipt> {
    let compact = |receipt: Receipt| match receipt.is_reached() {
        true => CompactReceipt::new(CompactReceipt::time_hop_of(receipt.time, receipt.hop), receipt.sender),
        false => CompactReceipt::NONE,
    };
    by_hop.iter().map(compact).collect()
}

/// Returns the digest of the receipts of some of the nodes.
#[cfg(feature = "cluster")]
pub(super) fn digest_by_hop(by_hop: &ByHop) -> u64 {
    /// Receipts that are written out at a time, to be hashed together.
    const TOGETHER: usize = 4_096;
    let (mut room, mut rest) = (Vec::with_capacity(TOGETHER), by_hop.iter());
    let mut sum = 0_u64;
    for begin in (0..by_hop.hop_of.len()).step_by(TOGETHER) {
        room.clear();
        room.extend(rest.by_ref().take(TOGETHER));
        sum = sum.wrapping_add(of_receipts(OrderIndex(0), NodeId(by_hop.first.0 + begin as u32), &room));
    }
    sum
}

impl ShardReceipts {
    /// Returns the number of receipts.
    #[cfg(feature = "cluster")]
    pub(super) fn len(&self) -> usize {
        match self {
            ShardReceipts::Each(receipts) => receipts.len(),
            ShardReceipts::Compact(receipts) => receipts.len(),
            ShardReceipts::ByHop(receipts) => receipts.hop_of.len(),
        }
    }

    /// Passes the receipts to `take`, in their sequence.
    #[cfg(feature = "cluster")]
    pub(super) fn for_each(&self, mut take: impl FnMut(Receipt)) {
        match self {
            ShardReceipts::Each(receipts) => receipts.iter().for_each(|&receipt| take(receipt)),
            ShardReceipts::Compact(receipts) => receipts.iter().for_each(|&receipt| take(receipt.into())),
            ShardReceipts::ByHop(receipts) => receipts.iter().for_each(take),
        }
    }

    /// Returns a full receipt for each.
    pub(super) fn into_each(self) -> Vec<Receipt> {
        match self {
            ShardReceipts::Each(receipts) => receipts,
            #[cfg(feature = "cluster")]
            other => {
                let mut receipts = Vec::with_capacity(other.len());
                other.for_each(|receipt| receipts.push(receipt));
                receipts
            }
        }
    }

    /// Appends the receipts of the nodes that follow. Both are of the only order.
    #[cfg(feature = "cluster")]
    pub(super) fn append(&mut self, others: ShardReceipts) {
        match (self, others) {
            (ShardReceipts::Compact(own), ShardReceipts::Compact(others)) => own.extend(others),
            (ShardReceipts::ByHop(own), ShardReceipts::ByHop(others)) => {
                own.hop_of.extend(others.hop_of);
                if let (Some(own), Some(others)) = (&mut own.senders, others.senders) {
                    own.extend(others);
                }
            }
            (own, others) => {
                let mut all = std::mem::take(own).into_each();
                all.extend(others.into_each());
                *own = ShardReceipts::Each(all);
            }
        }
    }
}

#[cfg(all(test, feature = "cluster"))]
mod tests {
    use super::*;
    use crate::time::Nanos;

    #[test]
    fn every_form_holds_the_same() {
        for senders in [None, Some(vec![NodeId(u32::MAX), NodeId(9), NodeId(u32::MAX), NodeId(12)])] {
            let (latency, origin, first) = (Nanos(1_000), NodeId(12), NodeId(10));
            let (counts, hop_of) = (vec![1, 1, 1], vec![0, 2, 0, 1]);
            let by_hop = ByHop { first, latency, origin, counts, hop_of, senders };
            let digest = digest_by_hop(&by_hop);
            let forms = [ShardReceipts::Compact(compact(&by_hop)), ShardReceipts::ByHop(by_hop)];
            let [compact, by_hop] = forms.map(ShardReceipts::into_each);
            assert_eq!(compact, by_hop);
            assert_eq!(compact[0], Receipt::NONE);
            assert_eq!(compact[2], Receipt { time: Nanos::ZERO, sender: NodeId(12), hop: 0 });
            assert_eq!((compact[1].time, compact[3].time), (Nanos(2_000), Nanos(1_000)));
            assert_eq!(digest, of_receipts(OrderIndex(0), first, &compact));
        }
    }

    #[test]
    fn what_follows_is_appended_in_its_form() {
        let receipt = |time: u64| Receipt { time: Nanos(time), sender: NodeId(3), hop: 1 };
        let in_compact = |time: u64| {
            let time_hop = CompactReceipt::time_hop_of(Nanos(time), 1);
            ShardReceipts::Compact(vec![CompactReceipt::new(time_hop, NodeId(3))])
        };
        let mut receipts = in_compact(1);
        receipts.append(in_compact(2));
        assert!(matches!(receipts, ShardReceipts::Compact(_)));
        receipts.append(ShardReceipts::Each(vec![receipt(3)]));
        assert_eq!(receipts.into_each(), [receipt(1), receipt(2), receipt(3)]);
    }
}
