//! The messages that each node of a shard received and sent, counted in as little memory as the carrier allows: every
//! message touches these counts, so their size decides whether they stay in a cache.

use crate::message::Message;
use crate::record::Traffic;
use crate::simd::prefetch;
use crate::sys::touched;
use crate::wire::control_bytes;

/// The traffic of one shard's nodes.
pub(super) struct TrafficCounters {
    copies: NodeCounters,
    sent: NodeCounters,
    /// Bytes in and out; empty where messages have none.
    bytes: Vec<[u64; 2]>,
}

impl TrafficCounters {
    /// No traffic yet at `nodes` nodes. `weighs` says whether messages have bytes.
    pub(super) fn new(nodes: usize, weighs: bool) -> TrafficCounters {
        let bytes = touched(if weighs { nodes } else { 0 }, [0; 2]);
        TrafficCounters { copies: NodeCounters::new(nodes), sent: NodeCounters::new(nodes), bytes }
    }

    /// Counts a message that has come to the shard's `local`-th node.
    #[inline]
    pub(super) fn received(&mut self, local: usize, bytes: u16) {
        self.copies.add(local, 1);
        if let Some([bytes_in, _]) = self.bytes.get_mut(local) {
            *bytes_in += u64::from(bytes);
        }
    }

    /// Counts messages that have left the shard's `local`-th node, with as many bytes each.
    #[inline]
    pub(super) fn sent(&mut self, local: usize, messages: usize, bytes: u32) {
        self.sent.add(local, messages as u32);
        if let Some([_, bytes_out]) = self.bytes.get_mut(local) {
            *bytes_out += messages as u64 * u64::from(bytes);
        }
    }

    /// Counts the bytes of a control message that has come to the shard's `local`-th node.
    pub(super) fn control_received(&mut self, local: usize, bytes: u16) {
        if let Some([bytes_in, _]) = self.bytes.get_mut(local) {
            *bytes_in += u64::from(bytes);
        }
    }

    /// Counts the bytes of control messages that have left the shard's `local`-th node, and gives them. In the warm-up
    /// they are none of the node's traffic.
    pub(super) fn control_sent(&mut self, local: usize, messages: &[Message], is_warm_up: bool) -> u64 {
        let Some([_, bytes_out]) = self.bytes.get_mut(local) else { return 0 };
        let bytes = messages.iter().map(bytes_of).sum();
        *bytes_out += if is_warm_up { 0 } else { bytes };
        bytes
    }

    /// Takes the bytes of a control message back that was counted as sent, and gives them.
    pub(super) fn control_taken_back(&mut self, local: usize, message: &Message) -> u64 {
        let Some([_, bytes_out]) = self.bytes.get_mut(local) else { return 0 };
        *bytes_out -= bytes_of(message);
        bytes_of(message)
    }

    /// Takes a message back that was counted as sent.
    pub(super) fn take_back(&mut self, local: usize, bytes: u32) {
        self.sent.take(local);
        if let Some([_, bytes_out]) = self.bytes.get_mut(local) {
            *bytes_out -= u64::from(bytes);
        }
    }

    /// Asks the processor for what [`received`](Self::received) will touch.
    #[inline]
    pub(super) fn prefetch_received(&self, local: usize) {
        prefetch(&self.copies.low, local);
        prefetch(&self.bytes, local);
    }

    /// The counts, by node. How many messages were the first of their order is not counted here.
    pub(super) fn into_traffic(self) -> Vec<Traffic> {
        let bytes = self.bytes.iter().copied().chain(std::iter::repeat([0; 2]));
        let counts = self.copies.iter().zip(self.sent.iter()).zip(bytes);
        counts
            .map(|((copies, sent), [bytes_in, bytes_out])| Traffic { copies, firsts: 0, sent, bytes_in, bytes_out })
            .collect()
    }
}

/// Bytes of a control message.
fn bytes_of(message: &Message) -> u64 {
    control_bytes(usize::from(message.tail)) as u64
}

/// A count per node: the low byte, which every message touches, and apart from it the rest, which few ever do.
struct NodeCounters {
    low: Vec<u8>,
    high: Vec<u32>,
}

impl NodeCounters {
    fn new(nodes: usize) -> NodeCounters {
        NodeCounters { low: touched(nodes, 0), high: touched(nodes, 0) }
    }

    #[inline]
    fn add(&mut self, local: usize, more: u32) {
        let sum = u32::from(self.low[local]) + more;
        self.low[local] = sum as u8;
        if sum > u32::from(u8::MAX) {
            self.high[local] += sum >> u8::BITS;
        }
    }

    /// Takes one off a count that has one.
    fn take(&mut self, local: usize) {
        if self.low[local] == 0 {
            self.high[local] -= 1;
        }
        self.low[local] = self.low[local].wrapping_sub(1);
    }

    /// The counts: 40 bits of each, which a node that takes in ten million messages a second fills in a day.
    fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.low.iter().zip(&self.high).map(|(&low, &high)| (u64::from(high) << u8::BITS) + u64::from(low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_where_messages_have_some() {
        for (weighs, bytes_in, bytes_out) in [(true, 60, 480), (false, 0, 0)] {
            let mut tally = TrafficCounters::new(2, weighs);
            tally.received(1, 60);
            tally.sent(0, 9, 60);
            tally.take_back(0, 60);
            let expected = [
                Traffic { sent: 8, bytes_out, ..Traffic::default() },
                Traffic { copies: 1, bytes_in, ..Traffic::default() },
            ];
            assert_eq!(tally.into_traffic(), expected);
        }
    }

    #[test]
    fn counts_carry_beyond_a_byte() {
        let mut counts = NodeCounters::new(2);
        (0..70_000).for_each(|_| counts.add(1, 1));
        counts.add(0, 1_000);
        counts.add(0, 255);
        assert_eq!(counts.iter().collect::<Vec<_>>(), [1_255, 70_000]);
        (0..1_255).for_each(|_| counts.take(0));
        assert_eq!(counts.iter().collect::<Vec<_>>(), [0, 70_000]);
        // More than 32 bits count: a hub of ten thousand peers has as many of half a million orders.
        (0..3).for_each(|_| counts.add(0, u32::MAX - 255));
        assert_eq!(counts.iter().next(), Some(3 * u64::from(u32::MAX - 255)));
    }
}
