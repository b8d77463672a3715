//! A first receipt in twelve bytes, for virtual time where nodes are many.

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
    /// What stands for a node that the order did not reach.
    pub const NONE: CompactReceipt = CompactReceipt { time_hop: u64::MAX, sender: NodeId(u32::MAX) };

    /// The latest time that it can hold: 2.3 years.
    pub const TIME_MAX: Nanos = Nanos((u64::MAX >> u8::BITS) - 1);

    /// One of its two parts: a time in the upper 56 bits and a hop in the lower 8, and the sender.
    #[inline(always)]
    pub const fn new(time_hop: u64, sender: NodeId) -> CompactReceipt {
        CompactReceipt { time_hop, sender }
    }

    /// A time, or the latest it can hold where it is later, and a hop in one word.
    #[inline(always)]
    pub fn time_hop_of(time: Nanos, hop: u8) -> u64 {
        time.min(Self::TIME_MAX).0 << u8::BITS | u64::from(hop)
    }

    /// When and after how many hops, as [`time_hop_of`](Self::time_hop_of) has it.
    #[inline(always)]
    pub const fn time_hop(self) -> u64 {
        self.time_hop
    }

    /// When; past all times for none.
    #[inline(always)]
    pub const fn time(self) -> Nanos {
        Nanos(self.time_hop >> u8::BITS)
    }

    /// From whom.
    #[inline(always)]
    pub const fn sender(self) -> NodeId {
        self.sender
    }

    /// Whether the order came at all.
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
