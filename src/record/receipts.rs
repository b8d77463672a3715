//! First receipts of all nodes: a full one for each, in virtual time a compact one, or a byte for each where all hops
//! take the same time.
//!
//! Sixteen bytes for each of 10^9 nodes exceed a machine's memory. Where the hop determines the time, the counts by hop
//! give every percentile exactly, and the byte gives the hop of each node.

use super::{CompactReceipt, RankedValues, Receipt};
use crate::ids::NodeId;
use crate::ratio::Ratio;
use crate::simd::prefetch;
use crate::time::Nanos;

/// First receipts, by node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipts {
    /// A full receipt for each node.
    Each(Vec<Receipt>),
    /// A compact receipt for each node.
    Compact(Vec<CompactReceipt>),
    /// A hop for each node.
    ByHop(ByHop),
    /// A summary of all, where no process has each.
    Summary(ReceiptSummary),
}

/// The first receipts of a single order that each process of a cluster has for its own nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptSummary {
    /// The nodes, reached or not.
    pub nodes: u64,
    /// The times of the nodes reached, exact at the ranks that figures name.
    pub delays: RankedValues,
    /// Nodes reached, by hop, up to the last hop in which any was.
    pub hops: Vec<u64>,
}

impl ReceiptSummary {
    /// Counts the nodes reached with this hop.
    pub fn with_hop(&self, hop: u8) -> u64 {
        self.hops.get(usize::from(hop)).copied().unwrap_or(0)
    }
}

/// First receipts of nodes that follow each other where all hops take the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByHop {
    /// The first of the nodes: 0 if they are all of a run.
    pub first: NodeId,
    /// Duration of a hop.
    pub latency: Nanos,
    /// The node that published the order.
    pub origin: NodeId,
    /// Nodes of the run newly reached in each hop, from hop 0, the origin, to the last in which any message arrived.
    pub counts: Vec<u64>,
    /// Hop in which each node was reached; 0 for any but the origin means that it was not.
    pub hop_of: Vec<u8>,
    /// Sender of each node's first copy, `u32::MAX` if it has none; `None` where senders are not recorded.
    pub senders: Option<Vec<NodeId>>,
}

impl Receipts {
    /// Counts the nodes, reached or not.
    pub fn nodes(&self) -> u64 {
        match self {
            Receipts::Each(receipts) => receipts.len() as u64,
            Receipts::Compact(receipts) => receipts.len() as u64,
            Receipts::ByHop(by_hop) => by_hop.hop_of.len() as u64,
            Receipts::Summary(summary) => summary.nodes,
        }
    }

    /// Counts the nodes that have the order.
    pub fn reached(&self) -> u64 {
        match self {
            Receipts::Each(receipts) => receipts.iter().filter(|receipt| receipt.is_reached()).count() as u64,
            Receipts::Compact(receipts) => receipts.iter().filter(|receipt| receipt.is_reached()).count() as u64,
            Receipts::ByHop(by_hop) => by_hop.reached(),
            Receipts::Summary(summary) => summary.delays.count(),
        }
    }

    /// Returns the receipt of a node, or [`Receipt::NONE`] if it was not reached, or if only a summary is known. The
    /// sender is given only where it is recorded.
    #[inline]
    pub fn get(&self, node: NodeId) -> Receipt {
        match self {
            Receipts::Each(receipts) => receipts[node.index()],
            Receipts::Compact(receipts) => receipts[node.index()].into(),
            Receipts::ByHop(by_hop) => by_hop.get(node),
            Receipts::Summary(_) => Receipt::NONE,
        }
    }

    /// Prefetches the cache line of a node's receipt.
    #[inline]
    pub fn prefetch(&self, node: NodeId) {
        match self {
            Receipts::Each(receipts) => prefetch(receipts, node.index()),
            Receipts::Compact(receipts) => prefetch(receipts, node.index()),
            Receipts::ByHop(by_hop) => prefetch(&by_hop.hop_of, node.index()),
            Receipts::Summary(_) => {}
        }
    }

    /// Iterates over all receipts, by node.
    pub fn iter(&self) -> impl Iterator<Item = Receipt> + Clone + '_ {
        (0..self.nodes()).map(|node| self.get(NodeId(node as u32)))
    }

    /// Returns the time at which this share of all nodes had the order: the k-th least first receipt, k rounded up.
    pub fn time_to(&self, share: Ratio) -> Option<Nanos> {
        let rank = share.ceil_of(self.nodes()).max(1);
        match self {
            Receipts::Each(_) | Receipts::Compact(_) => {
                let position = rank.min(self.nodes()).checked_sub(1)? as usize;
                let mut times: Vec<Nanos> = self.iter().map(|receipt| receipt.time).collect();
                let (_, time, _) = times.select_nth_unstable(position);
                (*time != Nanos::MAX).then_some(*time)
            }
            Receipts::ByHop(by_hop) => by_hop.time_of_rank(rank),
            Receipts::Summary(summary) => summary.delays.at_rank(rank).map(Nanos),
        }
    }
}

impl ByHop {
    /// Counts the nodes that have the order.
    pub fn reached(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the receipt of a node, or [`Receipt::NONE`] if it was not reached.
    #[inline]
    pub fn get(&self, node: NodeId) -> Receipt {
        let place = (node.0 - self.first.0) as usize;
        let hop = self.hop_of[place];
        if hop == 0 && node != self.origin {
            return Receipt::NONE;
        }
        let sender = match &self.senders {
            _ if hop == 0 => node,
            Some(senders) => senders[place],
            None => Receipt::NONE.sender,
        };
        Receipt { time: self.time_of(hop), sender, hop }
    }

    /// Iterates over the receipts, by node.
    pub fn iter(&self) -> impl Iterator<Item = Receipt> + Clone + '_ {
        (self.first.0..).take(self.hop_of.len()).map(|node| self.get(NodeId(node)))
    }

    /// Returns the time at which a hop ends.
    #[inline]
    pub fn time_of(&self, hop: u8) -> Nanos {
        Nanos(self.latency.0.saturating_mul(u64::from(hop)))
    }

    /// Returns the time at which the `rank`-th node was reached, counted from 1; `None` if fewer were.
    pub fn time_of_rank(&self, rank: u64) -> Option<Nanos> {
        let mut within = self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        within.position(|within| within >= rank).map(|hop| self.time_of(hop as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LATENCY: Nanos = Nanos(1_000);

    /// Builds the same receipts in both forms; node 2 is the origin.
    fn both(hop_of: Vec<u8>) -> [Receipts; 2] {
        let origin = NodeId(2);
        let last = hop_of.iter().copied().max().unwrap_or(0);
        let in_hop = |hop: u8| {
            let reached = |(node, at): &(usize, &u8)| **at == hop && (hop > 0 || *node == 2);
            hop_of.iter().enumerate().filter(reached).count() as u64
        };
        let by_hop = ByHop {
            first: NodeId(0),
            latency: LATENCY,
            origin,
            counts: (0..=last).map(in_hop).collect(),
            hop_of: hop_of.clone(),
            senders: None,
        };
        let each = hop_of.iter().enumerate().map(|(node, &hop)| match hop {
            0 if node == 2 => Receipt { time: Nanos::ZERO, sender: origin, hop: 0 },
            0 => Receipt::NONE,
            hop => Receipt { time: Nanos(LATENCY.0 * u64::from(hop)), sender: Receipt::NONE.sender, hop },
        });
        [Receipts::Each(each.collect()), Receipts::ByHop(by_hop)]
    }

    proptest! {
        #[test]
        fn both_forms_say_the_same(mut hop_of in prop::collection::vec(0u8..6, 3..60), share in 1u64..=100) {
            hop_of[2] = 0;
            let [each, by_hop] = both(hop_of);
            let share = Ratio::new(share, 100).unwrap();
            prop_assert_eq!(by_hop.time_to(share), each.time_to(share));
            prop_assert_eq!((by_hop.nodes(), by_hop.reached()), (each.nodes(), each.reached()));
            prop_assert!(by_hop.iter().eq(each.iter()));
        }
    }

    #[test]
    fn a_sender_that_is_recorded_is_told() {
        let [_, Receipts::ByHop(by_hop)] = both(vec![1, 0, 0]) else { panic!("the second form counts by hop") };
        let by_hop = ByHop { senders: Some(vec![NodeId(2), NodeId(u32::MAX), NodeId(2)]), ..by_hop };
        assert_eq!(by_hop.get(NodeId(0)), Receipt { time: LATENCY, sender: NodeId(2), hop: 1 });
        assert_eq!((by_hop.get(NodeId(1)), by_hop.get(NodeId(2)).sender), (Receipt::NONE, NodeId(2)));
    }
}
