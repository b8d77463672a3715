//! The number of nodes that newly have each order, counted without a look at orders that have no new receipts.

use crate::ids::OrderIndex;

/// New first receipts, by order.
pub(super) struct NewReceiptCounts {
    counts: Vec<u64>,
    /// The orders that have any.
    seen: Vec<OrderIndex>,
}

impl NewReceiptCounts {
    pub(super) fn new(orders: usize) -> NewReceiptCounts {
        NewReceiptCounts { counts: vec![0; orders], seen: Vec::new() }
    }

    /// Counts one.
    #[inline]
    pub(super) fn note(&mut self, order: OrderIndex) {
        let count = &mut self.counts[order.index()];
        if *count == 0 {
            self.seen.push(order);
        }
        *count += 1;
    }

    /// Returns the counts since the last call, ascending by order.
    pub(super) fn take(&mut self) -> Vec<(OrderIndex, u64)> {
        self.seen.sort_unstable();
        self.seen.drain(..).map(|order| (order, std::mem::take(&mut self.counts[order.index()]))).collect()
    }
}
