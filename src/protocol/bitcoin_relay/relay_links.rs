//! The links of a shard's nodes: who dialled, whose trickle is due, whose peer is down, and how much of a peer is
//! remembered and asked of it.
//!
//! What nearly every event asks is a bit for each link, so that the bits of all nodes stay in the caches. The counts,
//! which change only with an order that the node does not have, lie apart.

use super::waiting_orders::LinkSet;
use crate::ids::NodeId;
use crate::protocol::ShardView;
use crate::simd::prefetch;
use std::ops::Range;

/// The links of a shard's nodes, by number of the link.
#[derive(Debug)]
pub(super) struct RelayLinks {
    /// Set if the node dialled.
    outbound: Bits,
    /// Set while a trickle to this peer alone is due.
    due: Bits,
    /// Set while the peer is known to be down.
    down: Bits,
    counts: Vec<LinkCounts>,
}

/// The counts of one end of a link.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LinkCounts {
    /// Announcements of the peer that the node remembers.
    pub(super) announcements: u16,
    /// Open requests to the peer.
    pub(super) in_flight: u16,
}

/// Counts in a cache line.
const LINE_COUNTS: usize = 64 / size_of::<LinkCounts>();

/// The lines of a node's counts that are prefetched at most: those of 32 links.
const PREFETCHED_LINES: usize = 2;

impl RelayLinks {
    /// Bytes of a link, its three bits taken for one.
    pub(super) const LINK_BYTES: usize = size_of::<LinkCounts>() + 1;

    /// Creates the links of a shard: all of them up, or none while a membership protocol has filled no slot.
    pub(super) fn new(view: &ShardView<'_>) -> RelayLinks {
        let links = view.links();
        let mut outbound = Bits::new(links, false);
        for node in view.nodes().map(NodeId) {
            for (link, &peer) in view.links_of(node).zip(view.peers(node)) {
                outbound.set(link, view.dialled(node, peer));
            }
        }
        RelayLinks {
            outbound,
            due: Bits::new(links, false),
            down: Bits::new(links, view.has_slots()),
            counts: vec![LinkCounts::default(); links],
        }
    }

    /// Returns true if the node dialled.
    #[inline]
    pub(super) fn is_outbound(&self, link: u32) -> bool {
        self.outbound.get(link)
    }

    pub(super) fn set_outbound(&mut self, link: u32, is_outbound: bool) {
        self.outbound.set(link, is_outbound);
    }

    #[inline]
    pub(super) fn is_down(&self, link: u32) -> bool {
        self.down.get(link)
    }

    pub(super) fn set_down(&mut self, link: u32, is_down: bool) {
        self.down.set(link, is_down);
    }

    /// Returns true if a trickle to the peer alone is due.
    #[inline]
    pub(super) fn is_due(&self, link: u32) -> bool {
        self.due.get(link)
    }

    pub(super) fn set_due(&mut self, link: u32, is_due: bool) {
        self.due.set(link, is_due);
    }

    /// Returns those of a node's links whose peers are up.
    pub(super) fn up(&self, links: Range<u32>) -> LinkSet {
        LinkSet::of(links.len(), |word| !self.down.word(links.start + 64 * word))
    }

    #[inline]
    pub(super) fn counts(&self, link: u32) -> LinkCounts {
        self.counts[link as usize]
    }

    #[inline]
    pub(super) fn counts_mut(&mut self, link: u32) -> &mut LinkCounts {
        &mut self.counts[link as usize]
    }

    /// Requests the cache lines of the counts of a node's links.
    #[inline(always)]
    pub(super) fn prefetch_counts(&self, links: Range<u32>) {
        for link in links.clone().step_by(LINE_COUNTS).take(PREFETCHED_LINES) {
            prefetch(&self.counts, link as usize);
        }
        prefetch(&self.counts, links.end.saturating_sub(1) as usize);
    }
}

/// A bit for each of many things, by number.
#[derive(Debug)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// Creates `count` bits, all of them set or none.
    pub(super) fn new(count: usize, are_set: bool) -> Bits {
        // Two more words, so that any 64 bits can be read that begin with one of these, or where they end: there the
        // links begin of a last node that has none.
        Bits(vec![if are_set { u64::MAX } else { 0 }; count / 64 + 2])
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> bool {
        self.0[number as usize / 64] >> (number % 64) & 1 == 1
    }

    #[inline]
    pub(super) fn set(&mut self, number: u32, is_set: bool) {
        let word = &mut self.0[number as usize / 64];
        *word = *word & !(1 << (number % 64)) | u64::from(is_set) << (number % 64);
    }

    /// Returns 64 bits, of which the lowest is that of `first`.
    #[inline]
    fn word(&self, first: u32) -> u64 {
        let (index, shift) = (first as usize / 64, first % 64);
        let pair = u128::from(self.0[index]) | u128::from(self.0[index + 1]) << 64;
        (pair >> shift) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_are_read_from_anywhere(
            count in prop_oneof![1..300_u32, (1..5_u32).prop_map(|words| 64 * words)],
            steps in prop::collection::vec((any::<u32>(), any::<bool>()), 0..100), are_set: bool,
        ) {
            let (mut bits, mut plain) = (Bits::new(count as usize, are_set), vec![are_set; count as usize]);
            for (number, is_set) in steps {
                bits.set(number % count, is_set);
                plain[(number % count) as usize] = is_set;
            }
            for first in 0..=count {
                prop_assert!(first == count || bits.get(first) == plain[first as usize]);
                let word = bits.word(first);
                let of_plain = plain[first as usize..].iter().take(64);
                prop_assert!(of_plain.enumerate().all(|(place, &is_set)| (word >> place & 1 == 1) == is_set));
            }
        }
    }
}
