//! The messages of each kind that a protocol sends beside orders.

/// The messages of one kind, other than payload, that were sent since the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindCount {
    /// Name of the kind.
    pub name: &'static str,
    /// True if messages of this kind are about no order.
    pub is_upkeep: bool,
    /// True if messages of this kind carry parts of orders.
    pub is_part: bool,
    /// Number of messages.
    pub sent: u64,
}
