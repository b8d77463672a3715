//! A first receipt in twelve bytes, for virtual time with many nodes.

use super::Receipt;
use crate::ids::NodeId;
use crate::time::Nanos;

/// A node's first receipt, without the bytes that a [`Receipt`] leaves empty.
///
/// ```text
/// | time, 56 bits | hop, 8 | sender, 32 |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(Rust, packed(4))]
pub struct CompactReceipt {
    time_hop: u64,
    sender: NodeId,
}

impl CompactReceipt {
    /// The receipt of a node that the order did not reach.
    pub const NONE: CompactReceipt = CompactReceipt { time_hop: u64::MAX, sender: NodeId(u32::MAX) };

    /// The latest time that fits: 2.3 years.
    pub const TIME_MAX: Nanos = Nanos((u64::MAX >> u8::BITS) - 1);

    /// Builds a receipt from a time and hop packed by [`time_hop_of`](Self::time_hop_of), and a sender.
    #[inline(always)]
    pub const fn new(time_hop: u64, sender: NodeId) -> CompactReceipt {
        CompactReceipt { time_hop, sender }
    }

    /// Packs a time and a hop into one word; a time past [`TIME_MAX`](Self::TIME_MAX) becomes `TIME_MAX`.
    #[inline(always)]
    pub fn time_hop_of(time: Nanos, hop: u8) -> u64 {
        time.min(Self::TIME_MAX).0 << u8::BITS | u64::from(hop)
    }

    /// Returns the time and the hop as packed by [`time_hop_of`](Self::time_hop_of).
    #[inline(always)]
    pub const fn time_hop(self) -> u64 {
        self.time_hop
    }

    /// Returns the time of the receipt; for [`NONE`](Self::NONE) one past [`TIME_MAX`](Self::TIME_MAX).
    #[inline(always)]
    pub const fn time(self) -> Nanos {
        Nanos(self.time_hop >> u8::BITS)
    }

    /// Returns the node that sent this copy.
    #[inline(always)]
    pub const fn sender(self) -> NodeId {
        self.sender
    }

    /// Returns true if the order reached the node.
    #[inline(always)]
    pub const fn is_reached(self) -> bool {
        self.time_hop != u64::MAX
    }
}

impl From<CompactReceipt> for Receipt {
    #[inline(always)]
    fn from(compact: CompactReceipt) -> Receipt {
        let time = if compact.is_reached() { compact.time() } else { Nanos::MAX };
        Receipt { time, sender: compact.sender, hop: compact.time_hop as u8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Receipts;

    #[test]
    fn what_fits_comes_back_whole_in_twelve_bytes() {
        assert_eq!(size_of::<CompactReceipt>(), 12);
        for time in [Nanos::ZERO, Nanos(90_000_001), CompactReceipt::TIME_MAX] {
            for (hop, sender) in [(0, NodeId(0)), (7, NodeId(u32::MAX - 1)), (u8::MAX, NodeId(3))] {
                let compact = CompactReceipt::new(CompactReceipt::time_hop_of(time, hop), sender);
                assert_eq!(Receipt::from(compact), Receipt { time, sender, hop });
            }
        }
        assert_eq!(Receipt::from(CompactReceipt::NONE), Receipt::NONE);
        assert_eq!(CompactReceipt::time_hop_of(Nanos::MAX, 1) >> u8::BITS, CompactReceipt::TIME_MAX.0);
    }

    #[test]
    fn receipts_count_and_show_those_that_are_compact() {
        let one = CompactReceipt::new(CompactReceipt::time_hop_of(Nanos(5), 1), NodeId(2));
        let receipts = Receipts::Compact(vec![CompactReceipt::NONE, one]);
        assert_eq!((receipts.nodes(), receipts.reached()), (2, 1));
        assert_eq!(receipts.get(NodeId(1)), Receipt { time: Nanos(5), sender: NodeId(2), hop: 1 });
        assert_eq!(receipts.get(NodeId(0)), Receipt::NONE);
    }
}
