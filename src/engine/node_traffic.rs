//! The traffic of a shard's nodes while a run counts it, in as little memory as the run allows.
//!
//! A node has eight bytes of counts, because each message touches them. Where all orders are of one size, the bytes of
//! orders follow from their number. All other bytes are counted apart, from the first of them on.

use super::EngineSetup;
use crate::record::Traffic;
use crate::simd::prefetch;
use crate::sys::touched;
use crate::time::Nanos;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The traffic of the nodes of one shard.
#[derive(Clone)]
pub(super) struct NodeTraffic {
    counts: Vec<OrderMessageCounts>,
    /// The bytes of each message with an order, if the bytes of all follow from their number.
    bytes_each: Option<u32>,
    /// By node, bytes in and out that do not follow from a number; empty if there are none.
    bytes: Vec<[u64; 2]>,
    /// By node, multiples of 2^32 that its counts of messages received and sent have passed.
    passed: BTreeMap<u32, [u64; 2]>,
}

/// The traffic of the nodes of some shards, which follow each other.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum ShardTraffic {
    /// That of each node. Only this form crosses to another process.
    Each(Vec<Traffic>),
    /// As it was counted, by shard.
    #[cfg(feature = "cluster")]
    #[serde(skip)]
    Counted(Vec<NodeTraffic>),
}

/// That of no node, as of a run that keeps none.
impl Default for ShardTraffic {
    fn default() -> ShardTraffic {
        ShardTraffic::Each(Vec::new())
    }
}

impl ShardTraffic {
    /// Returns true if it is that of no node.
    #[cfg(feature = "cluster")]
    pub(super) fn is_empty(&self) -> bool {
        match self {
            ShardTraffic::Each(traffic) => traffic.is_empty(),
            ShardTraffic::Counted(shards) => shards.iter().all(|shard| shard.nodes() == 0),
        }
    }

    /// Iterates over the traffic by node.
    #[cfg(feature = "cluster")]
    pub(super) fn by_node(&self) -> impl Iterator<Item = Traffic> + '_ {
        let (each, shards) = match self {
            ShardTraffic::Each(traffic) => (&traffic[..], &[][..]),
            ShardTraffic::Counted(shards) => (&[][..], &shards[..]),
        };
        each.iter().copied().chain(shards.iter().flat_map(NodeTraffic::by_node))
    }

    /// Returns the traffic of each node.
    pub(super) fn into_each(self) -> Vec<Traffic> {
        match self {
            ShardTraffic::Each(traffic) => traffic,
            #[cfg(feature = "cluster")]
            counted => counted.by_node().collect(),
        }
    }

    /// Appends that of the nodes that follow.
    #[cfg(feature = "cluster")]
    pub(super) fn append(&mut self, others: ShardTraffic) {
        match (self, others) {
            (ShardTraffic::Counted(own), ShardTraffic::Counted(others)) => own.extend(others),
            (own, others) => {
                let mut all = std::mem::take(own).into_each();
                all.extend(others.into_each());
                *own = ShardTraffic::Each(all);
            }
        }
    }
}

/// The messages with an order that a node has received and sent, modulo 2^32.
#[derive(Clone, Copy, Debug, Default)]
struct OrderMessageCounts {
    received: u32,
    sent: u32,
}

/// The value of a count of 32 bits when it begins again.
const ROUND: u64 = 1 << u32::BITS;

impl NodeTraffic {
    /// Creates the traffic of this many nodes. In a warm-up messages count, and their bytes do not.
    pub(super) fn new(setup: &EngineSetup<'_>, nodes: usize) -> NodeTraffic {
        let all_alike = setup.message_bytes.windows(2).all(|pair| pair[0] == pair[1]);
        let bytes_each = setup.message_bytes.first().filter(|_| all_alike && setup.warm_up == Nanos::ZERO);
        NodeTraffic::of(bytes_each.copied(), nodes)
    }

    fn of(bytes_each: Option<u32>, nodes: usize) -> NodeTraffic {
        let counts = touched(nodes, OrderMessageCounts::default());
        NodeTraffic { counts, bytes_each, bytes: Vec::new(), passed: BTreeMap::new() }
    }

    /// Creates the traffic of nodes from the numbers of messages that each has received and sent, all of equal length.
    #[cfg(feature = "cluster")]
    pub(super) fn counted(bytes_each: u32, counts: impl Iterator<Item = [u32; 2]>) -> NodeTraffic {
        let counts = counts.map(|[received, sent]| OrderMessageCounts { received, sent }).collect();
        NodeTraffic { counts, bytes_each: Some(bytes_each), bytes: Vec::new(), passed: BTreeMap::new() }
    }

    /// Returns the number of nodes.
    pub(super) fn nodes(&self) -> usize {
        self.counts.len()
    }

    /// Returns true if the bytes of messages with an order follow from their number.
    #[inline(always)]
    pub(super) fn has_bytes_of_orders(&self) -> bool {
        self.bytes_each.is_some()
    }

    /// Counts a message with an order that a node has received.
    #[inline(always)]
    pub(super) fn receive_order(&mut self, local: u32) {
        let received = &mut self.counts[local as usize].received;
        *received = received.wrapping_add(1);
        if *received == 0 {
            self.pass(local, [ROUND, 0]);
        }
    }

    /// Counts messages with an order that a node has sent.
    #[inline(always)]
    pub(super) fn send_orders(&mut self, local: u32, messages: u32) {
        let sent = &mut self.counts[local as usize].sent;
        let (sum, has_passed) = sent.overflowing_add(messages);
        *sent = sum;
        if has_passed {
            self.pass(local, [0, ROUND]);
        }
    }

    /// Counts bytes in and out that do not follow from a number of messages.
    #[inline]
    pub(super) fn add_bytes(&mut self, local: u32, [into, out]: [u64; 2]) {
        if self.bytes.is_empty() {
            self.bytes = touched(self.counts.len(), [0; 2]);
        }
        let bytes = &mut self.bytes[local as usize];
        *bytes = [bytes[0] + into, bytes[1] + out];
    }

    /// Prefetches the counts of a node.
    #[inline(always)]
    pub(super) fn prefetch(&self, local: usize, is_order: bool) {
        if is_order {
            prefetch(&self.counts, local);
        }
        if !is_order || self.bytes_each.is_none() {
            prefetch(&self.bytes, local);
        }
    }

    /// Iterates over the traffic by node.
    pub(super) fn by_node(&self) -> impl Iterator<Item = Traffic> {
        let bytes_each = u64::from(self.bytes_each.unwrap_or(0));
        (0..).zip(&self.counts).map(move |(local, counts)| {
            let [passed_in, passed_out] = self.passed.get(&local).copied().unwrap_or_default();
            let (copies, sent) = (u64::from(counts.received) + passed_in, u64::from(counts.sent) + passed_out);
            let [into, out] = self.bytes.get(local as usize).copied().unwrap_or_default();
            let (bytes_in, bytes_out) = (copies * bytes_each + into, sent * bytes_each + out);
            Traffic { copies, firsts: 0, sent, bytes_in, bytes_out }
        })
    }

    #[cold]
    fn pass(&mut self, local: u32, [into, out]: [u64; 2]) {
        let passed = self.passed.entry(local).or_default();
        *passed = [passed[0] + into, passed[1] + out];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_follow_from_counts_or_are_counted() {
        for bytes_each in [Some(60), None] {
            let mut traffic = NodeTraffic::of(bytes_each, 3);
            for _ in 0..5 {
                traffic.receive_order(1);
                traffic.send_orders(1, 8);
                if !traffic.has_bytes_of_orders() {
                    traffic.add_bytes(1, [60, 480]);
                }
            }
            traffic.add_bytes(2, [7, 9]);
            let all: Vec<Traffic> = traffic.by_node().collect();
            let node = Traffic { copies: 5, firsts: 0, sent: 40, bytes_in: 300, bytes_out: 2_400 };
            let control = Traffic { bytes_in: 7, bytes_out: 9, ..Traffic::default() };
            assert_eq!((traffic.nodes(), all), (3, vec![Traffic::default(), node, control]));
        }
    }

    #[cfg(feature = "cluster")]
    #[test]
    fn shards_are_put_together_in_either_form() {
        let shard = |counts: &[[u32; 2]]| ShardTraffic::Counted(vec![NodeTraffic::counted(10, counts.iter().copied())]);
        let (one, other) = (shard(&[[1, 2], [3, 4]]), shard(&[[5, 6]]));
        let mut counted = one.clone();
        counted.append(other.clone());
        let mut each = ShardTraffic::Each(one.into_each());
        each.append(other);
        assert!(matches!(&counted, ShardTraffic::Counted(shards) if shards.len() == 2) && !counted.is_empty());
        let last = Traffic { copies: 5, firsts: 0, sent: 6, bytes_in: 50, bytes_out: 60 };
        let each = each.into_each();
        assert_eq!((counted.by_node().collect::<Vec<_>>(), each.len(), each[2]), (each.clone(), 3, last));
        assert!(ShardTraffic::default().is_empty());
    }

    #[test]
    fn counts_go_on_beyond_32_bits() {
        let mut traffic = NodeTraffic::of(Some(2), 2);
        traffic.counts[1] = OrderMessageCounts { received: u32::MAX - 1, sent: 0 };
        for _ in 0..4 {
            traffic.receive_order(1);
            traffic.send_orders(1, u32::MAX);
        }
        let [copies, sent] = [(1 << 32) + 2, 4 * ((1 << 32) - 1)];
        let node = Traffic { copies, firsts: 0, sent, bytes_in: 2 * copies, bytes_out: 2 * sent };
        assert_eq!(traffic.by_node().collect::<Vec<_>>(), [Traffic::default(), node]);
    }
}
