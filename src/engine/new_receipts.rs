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

    /// Removes the counts, ascending by order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (OrderIndex, u64)> + '_ {
        let NewReceiptCounts { counts, seen } = self;
        seen.sort_unstable();
        seen.drain(..).map(|order| (order, std::mem::take(&mut counts[order.index()])))
    }
}
