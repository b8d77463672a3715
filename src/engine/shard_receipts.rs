//! First receipts of the nodes of some shards of a cluster, in the least memory that holds them.

#[cfg(feature = "cluster")]
use super::digest::of_receipts;
#[cfg(feature = "cluster")]
use crate::ids::{NodeId, OrderIndex};
#[cfg(feature = "cluster")]
use crate::record::CompactReceipt;
use crate::record::Receipt;
#[cfg(feature = "cluster")]
use crate::time::Nanos;
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
    ByHop(HopReceipts),
}

/// First receipts where all hops take the same time, as [`ByHop`](crate::record::ByHop) has them of all nodes.
#[cfg(feature = "cluster")]
#[derive(Clone)]
pub(super) struct HopReceipts {
    pub(super) latency: Nanos,
    pub(super) origin: NodeId,
    /// The first of the nodes.
    pub(super) first: NodeId,
    pub(super) hop_of: Vec<u8>,
    pub(super) senders: Option<Vec<NodeId>>,
}

#[cfg(feature = "cluster")]
impl HopReceipts {
    /// Returns the receipt of the node at an index, or [`Receipt::NONE`] if it was not reached.
    #[inline]
    fn get(&self, index: usize) -> Receipt {
        let (node, hop) = (NodeId(self.first.0 + index as u32), self.hop_of[index]);
        if hop == 0 && node != self.origin {
            return Receipt::NONE;
        }
        let sender = match &self.senders {
            _ if hop == 0 => node,
            Some(senders) => senders[index],
            None => Receipt::NONE.sender,
        };
        Receipt { time: self.time_of(hop), sender, hop }
    }

    /// Returns the time at which a hop ends.
    pub(super) fn time_of(&self, hop: u8) -> Nanos {
        Nanos(self.latency.0.saturating_mul(u64::from(hop)))
    }

    /// Iterates over the receipts, by node.
    pub(super) fn iter(&self) -> impl Iterator<Item = Receipt> + Clone + '_ {
        (0..self.hop_of.len()).map(|index| self.get(index))
    }

    /// Returns the same receipts in compact form.
    pub(super) fn compact(&self) -> Vec<CompactReceipt> {
        let compact = |receipt: Receipt| match receipt.is_reached() {
            true => CompactReceipt::new(CompactReceipt::time_hop_of(receipt.time, receipt.hop), receipt.sender),
            false => CompactReceipt::NONE,
        };
        self.iter().map(compact).collect()
    }

    /// Returns the digest of the receipts.
    pub(super) fn digest(&self) -> u64 {
        /// Receipts that are written out at a time, to be hashed together.
        const TOGETHER: usize = 4_096;
        let mut room = Vec::with_capacity(TOGETHER);
        let mut sum = 0_u64;
        for begin in (0..self.hop_of.len()).step_by(TOGETHER) {
            room.clear();
            room.extend((begin..self.hop_of.len().min(begin + TOGETHER)).map(|index| self.get(index)));
            sum = sum.wrapping_add(of_receipts(OrderIndex(0), NodeId(self.first.0 + begin as u32), &room));
        }
        sum
    }
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
                let mut all = std::mem::replace(own, ShardReceipts::Each(Vec::new())).into_each();
                all.extend(others.into_each());
                *own = ShardReceipts::Each(all);
            }
        }
    }
}

#[cfg(all(test, feature = "cluster"))]
mod tests {
    use super::*;

    #[test]
    fn every_form_holds_the_same() {
        for senders in [None, Some(vec![NodeId(u32::MAX), NodeId(9), NodeId(u32::MAX), NodeId(12)])] {
            let (latency, origin, first) = (Nanos(1_000), NodeId(12), NodeId(10));
            let by_hop = HopReceipts { latency, origin, first, hop_of: vec![0, 2, 0, 1], senders };
            let digest = by_hop.digest();
            let forms = [ShardReceipts::Compact(by_hop.compact()), ShardReceipts::ByHop(by_hop)];
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
        let compact = |time: u64| {
            let time_hop = CompactReceipt::time_hop_of(Nanos(time), 1);
            ShardReceipts::Compact(vec![CompactReceipt::new(time_hop, NodeId(3))])
        };
        let mut receipts = compact(1);
        receipts.append(compact(2));
        assert!(matches!(receipts, ShardReceipts::Compact(_)));
        receipts.append(ShardReceipts::Each(vec![receipt(3)]));
        assert_eq!(receipts.into_each(), [receipt(1), receipt(2), receipt(3)]);
    }
}
