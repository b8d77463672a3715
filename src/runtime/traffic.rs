//! The messages that each node of a shard received and sent, and their bytes if the carrier encodes them.

use crate::message::Message;
use crate::record::{CarryPerNode, NodeCounters, Traffic};
use crate::simd::prefetch;
use crate::sys::touched;
use crate::wire::control_bytes;

/// The traffic of one shard's nodes.
pub(super) struct TrafficCounters {
    copies: NodeCounters<CarryPerNode>,
    sent: NodeCounters<CarryPerNode>,
    /// Bytes in and out; empty if messages have none.
    bytes: Vec<[u64; 2]>,
}

impl TrafficCounters {
    /// Creates counters for `nodes` nodes; `weighs` is true if messages have bytes.
    pub(super) fn new(nodes: usize, weighs: bool) -> TrafficCounters {
        let bytes = touched(if weighs { nodes } else { 0 }, [0; 2]);
        TrafficCounters { copies: NodeCounters::new(nodes), sent: NodeCounters::new(nodes), bytes }
    }

    /// Counts a message that the shard's `local`-th node received.
    #[inline]
    pub(super) fn received(&mut self, local: usize, bytes: u32) {
        self.copies.add(local, 1);
        if let Some([bytes_in, _]) = self.bytes.get_mut(local) {
            *bytes_in += u64::from(bytes);
        }
    }

    /// Counts messages that the shard's `local`-th node sent, of `bytes` bytes each.
    #[inline]
    pub(super) fn sent(&mut self, local: usize, messages: usize, bytes: u32) {
        self.sent.add(local, messages as u32);
        if let Some([_, bytes_out]) = self.bytes.get_mut(local) {
            *bytes_out += messages as u64 * u64::from(bytes);
        }
    }

    /// Counts the bytes of a control message that the shard's `local`-th node received.
    pub(super) fn control_received(&mut self, local: usize, bytes: u32) {
        if let Some([bytes_in, _]) = self.bytes.get_mut(local) {
            *bytes_in += u64::from(bytes);
        }
    }

    /// Counts the bytes of control messages that the shard's `local`-th node sent, and returns them. In the warm-up
    /// they are not part of the node's traffic.
    pub(super) fn control_sent(&mut self, local: usize, messages: &[Message], is_warm_up: bool) -> u64 {
        let Some([_, bytes_out]) = self.bytes.get_mut(local) else { return 0 };
        let bytes = messages.iter().map(bytes_of).sum();
        *bytes_out += if is_warm_up { 0 } else { bytes };
        bytes
    }

    /// Uncounts the bytes of a control message that was counted as sent, and returns them.
    pub(super) fn control_taken_back(&mut self, local: usize, message: &Message) -> u64 {
        let Some([_, bytes_out]) = self.bytes.get_mut(local) else { return 0 };
        *bytes_out -= bytes_of(message);
        bytes_of(message)
    }

    /// Uncounts a message that was counted as sent.
    pub(super) fn take_back(&mut self, local: usize, bytes: u32) {
        self.sent.subtract_one(local);
        if let Some([_, bytes_out]) = self.bytes.get_mut(local) {
            *bytes_out -= u64::from(bytes);
        }
    }

    /// Prefetches the memory that [`received`](Self::received) will touch.
    #[inline]
    pub(super) fn prefetch_received(&self, local: usize) {
        self.copies.prefetch(local);
        prefetch(&self.bytes, local);
    }

    /// Returns the counts by node, without the numbers of first copies, which are not counted here.
    pub(super) fn into_traffic(self) -> Vec<Traffic> {
        let bytes = self.bytes.into_iter().chain(std::iter::repeat([0; 2]));
        let counts = self.copies.into_counts().zip(self.sent.into_counts()).zip(bytes);
        counts
            .map(|((copies, sent), [bytes_in, bytes_out])| Traffic { copies, firsts: 0, sent, bytes_in, bytes_out })
            .collect()
    }
}

/// Returns the bytes of a control message.
fn bytes_of(message: &Message) -> u64 {
    control_bytes(usize::from(message.tail)) as u64
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
}
