//! The messages that each node of a shard received and sent, and their bytes if the carrier encodes them.

use crate::message::Message;
use crate::record::{CarryPerNode, NodeCounters, Traffic};
use crate::simd::prefetch;
use crate::sys::touched;
use crate::wire::control_bytes;

/// The sides of a node's bytes.
const IN: usize = 0;
const OUT: usize = 1;

/// The traffic of one shard's nodes.
pub(super) struct TrafficCounters {
    copies: NodeCounters<CarryPerNode>,
    sent: NodeCounters<CarryPerNode>,
    /// Bytes of a message with an order, if all orders have as many; else 0.
    usual_bytes: u32,
    /// Bytes in and out by node, without the usual ones of each message, which its count gives: most messages touch no
    /// more than the byte that counts them. A sum may be below 0 and wraps. Empty if messages have no bytes.
    further_bytes: Vec<[u64; 2]>,
    /// Bytes of a message with a part of an order.
    part_bytes: u32,
}

impl TrafficCounters {
    /// Creates counters for `nodes` nodes, given the bytes of a message with each order, all 0 if messages have none,
    /// and those of a message with a part.
    pub(super) fn new(nodes: usize, message_bytes: &[u32], part_bytes: u32) -> TrafficCounters {
        let weighs = message_bytes.iter().any(|&bytes| bytes > 0);
        let first = message_bytes.first().copied().unwrap_or_default();
        TrafficCounters {
            copies: NodeCounters::new(nodes),
            sent: NodeCounters::new(nodes),
            usual_bytes: if message_bytes.iter().all(|&bytes| bytes == first) { first } else { 0 },
            further_bytes: touched(if weighs { nodes } else { 0 }, [0; 2]),
            part_bytes,
        }
    }

    /// Counts `messages` messages with orders, of `bytes` bytes each, that the shard's `local`-th node received.
    #[inline]
    pub(super) fn received(&mut self, local: usize, messages: u32, bytes: u32) {
        self.copies.add(local, messages);
        if bytes != self.usual_bytes {
            self.add_further(local, IN, self.further(messages, bytes));
        }
    }

    /// Counts `messages` messages with orders, of `bytes` bytes each, that the shard's `local`-th node sent.
    #[inline]
    pub(super) fn sent(&mut self, local: usize, messages: u32, bytes: u32) {
        self.sent.add(local, messages);
        if bytes != self.usual_bytes {
            self.add_further(local, OUT, self.further(messages, bytes));
        }
    }

    /// Counts the bytes of a control message that the shard's `local`-th node received.
    pub(super) fn control_received(&mut self, local: usize, bytes: u32) {
        self.add_further(local, IN, u64::from(bytes));
    }

    /// Counts the bytes of control messages that the shard's `local`-th node sent, and returns them. In the warm-up
    /// they are not part of the node's traffic.
    pub(super) fn control_sent(&mut self, local: usize, messages: &[Message], is_warm_up: bool) -> u64 {
        if self.further_bytes.is_empty() {
            return 0;
        }
        let bytes = messages.iter().map(|message| self.bytes_of(message)).sum();
        self.add_further(local, OUT, if is_warm_up { 0 } else { bytes });
        bytes
    }

    /// Uncounts the bytes of a control message that was counted as sent, and returns them.
    pub(super) fn control_taken_back(&mut self, local: usize, message: &Message) -> u64 {
        if self.further_bytes.is_empty() {
            return 0;
        }
        let bytes = self.bytes_of(message);
        self.add_further(local, OUT, bytes.wrapping_neg());
        bytes
    }

    /// Uncounts a message that was counted as sent.
    pub(super) fn take_back(&mut self, local: usize, bytes: u32) {
        self.sent.subtract_one(local);
        self.add_further(local, OUT, self.further(1, bytes).wrapping_neg());
    }

    /// Prefetches the memory that [`received`](Self::received) will touch.
    #[inline]
    pub(super) fn prefetch_received(&self, local: usize) {
        self.copies.prefetch(local);
        if self.usual_bytes == 0 {
            prefetch(&self.further_bytes, local);
        }
    }

    /// Returns the counts by node, without the numbers of first copies, which are not counted here.
    pub(super) fn into_traffic(self) -> Vec<Traffic> {
        let usual = u64::from(self.usual_bytes);
        let further = self.further_bytes.into_iter().chain(std::iter::repeat([0; 2]));
        let counts = self.copies.into_counts().zip(self.sent.into_counts()).zip(further);
        counts
            .map(|((copies, sent), further)| {
                let bytes = |messages: u64, side: usize| further[side].wrapping_add(messages * usual);
                Traffic { copies, firsts: 0, sent, bytes_in: bytes(copies, IN), bytes_out: bytes(sent, OUT) }
            })
            .collect()
    }

    /// Returns the bytes of messages of `bytes` bytes each beyond the usual ones, wrapped if they are fewer.
    #[inline]
    fn further(&self, messages: u32, bytes: u32) -> u64 {
        u64::from(messages).wrapping_mul(u64::from(bytes).wrapping_sub(u64::from(self.usual_bytes)))
    }

    /// Returns the bytes of a message that carries no whole order.
    fn bytes_of(&self, message: &Message) -> u64 {
        match message.kind.is_part() {
            true => self.part_bytes.into(),
            false => control_bytes(usize::from(message.tail)) as u64,
        }
    }

    #[inline]
    fn add_further(&mut self, local: usize, side: usize, bytes: u64) {
        if let Some(further) = self.further_bytes.get_mut(local) {
            further[side] = further[side].wrapping_add(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Kind;
    use proptest::prelude::*;

    #[test]
    fn bytes_are_counted_where_messages_have_some() {
        for (bytes, bytes_in, bytes_out) in [(60, 60, 480), (0, 0, 0)] {
            let mut tally = TrafficCounters::new(2, &[bytes], 0);
            tally.received(1, 1, bytes);
            tally.sent(0, 9, bytes);
            tally.take_back(0, bytes);
            let expected = [
                Traffic { sent: 8, bytes_out, ..Traffic::default() },
                Traffic { copies: 1, bytes_in, ..Traffic::default() },
            ];
            assert_eq!(tally.into_traffic(), expected);
        }
    }

    proptest! {
        /// Orders of one size, of several, and arrivals that have more bytes or fewer than their order gives them.
        #[test]
        fn bytes_are_those_of_a_plain_sum(
            sizes in prop::sample::select(vec![vec![60], vec![60, 60], vec![60, 90], vec![0]]),
            events in prop::collection::vec((0..3usize, 0..4u8, 0..2usize, 0..4u32), 0..60),
        ) {
            let mut tally = TrafficCounters::new(3, &sizes, 77);
            let mut plain = [Traffic::default(); 3];
            for (local, kind, order, more) in events {
                let bytes = sizes[order % sizes.len()];
                let node = &mut plain[local];
                // An encoding may be longer than the carrier's own, and a forged one shorter.
                let came = if bytes == 0 { 0 } else { bytes - 1 + more };
                let kind_beside = if order == 0 { Kind::HAVE } else { Kind(64) };
                let control = Message { kind: kind_beside, tail: more as u8, ..Message::from_words([0; 2]) };
                let beside = if order == 0 { control_bytes(more as usize) as u64 } else { 77 };
                let control_bytes = if bytes == 0 { 0 } else { beside };
                match kind {
                    0 => {
                        tally.received(local, more, came);
                        node.copies += u64::from(more);
                        node.bytes_in += u64::from(more * came);
                    }
                    1 => {
                        tally.sent(local, more + 1, bytes);
                        tally.take_back(local, bytes);
                        node.sent += u64::from(more);
                        node.bytes_out += u64::from(more * bytes);
                    }
                    2 => {
                        tally.control_received(local, came);
                        node.bytes_in += u64::from(came);
                    }
                    _ => {
                        prop_assert_eq!(tally.control_sent(local, &[control; 2], false), 2 * control_bytes);
                        prop_assert_eq!(tally.control_taken_back(local, &control), control_bytes);
                        node.bytes_out += control_bytes;
                    }
                }
            }
            prop_assert_eq!(tally.into_traffic(), plain);
        }
    }
}
