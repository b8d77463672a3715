//! What each node of a shard took in and sent out, counted in as little memory as the carrier allows: the counts are
//! touched by every message, so their size decides whether they stay in a cache.

use crate::stats::Traffic;
use crate::sync::{prefetch, touched};

/// The traffic of one shard's nodes.
pub(super) struct Tally {
    copies: Vec<u32>,
    sent: Vec<u32>,
    /// Bytes in and out; empty where messages have none.
    bytes: Vec<[u64; 2]>,
}

impl Tally {
    /// No traffic yet at `nodes` nodes. `weighs` says whether messages have bytes.
    pub(super) fn new(nodes: usize, weighs: bool) -> Tally {
        Tally {
            copies: touched(nodes, 0),
            sent: touched(nodes, 0),
            bytes: touched(if weighs { nodes } else { 0 }, [0; 2]),
        }
    }

    /// Counts a message that has come to the shard's `local`-th node.
    #[inline]
    pub(super) fn received(&mut self, local: usize, bytes: u16) {
        self.copies[local] += 1;
        if let Some([bytes_in, _]) = self.bytes.get_mut(local) {
            *bytes_in += u64::from(bytes);
        }
    }

    /// Counts messages that have left the shard's `local`-th node, with as many bytes each.
    #[inline]
    pub(super) fn sent(&mut self, local: usize, messages: usize, bytes: u32) {
        self.sent[local] += messages as u32;
        if let Some([_, bytes_out]) = self.bytes.get_mut(local) {
            *bytes_out += messages as u64 * u64::from(bytes);
        }
    }

    /// Takes a message back that was counted as sent.
    pub(super) fn take_back(&mut self, local: usize, bytes: u32) {
        self.sent[local] -= 1;
        if let Some([_, bytes_out]) = self.bytes.get_mut(local) {
            *bytes_out -= u64::from(bytes);
        }
    }

    /// Asks the processor for what [`received`](Self::received) will touch.
    #[inline]
    pub(super) fn prefetch_received(&self, local: usize) {
        prefetch(&self.copies, local);
        prefetch(&self.bytes, local);
    }

    /// Asks the processor for what [`sent`](Self::sent) will touch.
    #[inline]
    pub(super) fn prefetch_sent(&self, local: usize) {
        prefetch(&self.sent, local);
    }

    /// The counts, by node.
    pub(super) fn into_traffic(self) -> Vec<Traffic> {
        let bytes = self.bytes.into_iter().chain(std::iter::repeat([0; 2]));
        let counts = self.copies.into_iter().zip(self.sent).zip(bytes);
        counts.map(|((copies, sent), [bytes_in, bytes_out])| Traffic { copies, sent, bytes_in, bytes_out }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_where_messages_have_some() {
        for (weighs, bytes_in, bytes_out) in [(true, 60, 480), (false, 0, 0)] {
            let mut tally = Tally::new(2, weighs);
            tally.received(1, 60);
            tally.sent(0, 8, 60);
            let expected = [
                Traffic { copies: 0, sent: 8, bytes_in: 0, bytes_out },
                Traffic { copies: 1, sent: 0, bytes_in, bytes_out: 0 },
            ];
            assert_eq!(tally.into_traffic(), expected);
        }
    }
}
