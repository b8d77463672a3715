//! The first receipts of the orders that a comparison measures, those of the warm orders before them left out.

use super::{Receipt, ReceiptTotals};
use crate::time::Nanos;

/// First receipts of the orders from one on, at the nodes that coverage counts.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredReceipts {
    /// Number of the first measured order.
    pub first: u32,
    /// Their delays and hops, those of origins included.
    pub receipts: ReceiptTotals,
    /// Hop of the last delivery, by measured order; 0 if the order reached its origin alone.
    pub last_hops: Vec<u8>,
    /// Measured orders that did not reach the node, by node; 0 for a node that coverage does not count.
    pub missed: Vec<u32>,
}

impl MeasuredReceipts {
    /// Creates the counts of no receipts, of `orders` orders at `nodes` nodes.
    pub fn none(nodes: usize, orders: u32, first: u32) -> MeasuredReceipts {
        MeasuredReceipts {
            first,
            receipts: ReceiptTotals::none(),
            last_hops: vec![0; orders.saturating_sub(first) as usize],
            missed: vec![0; nodes],
        }
    }

    /// Counts the receipts of an order, one for each node, unless the order is warm. `is_counted` is true for the nodes
    /// that coverage counts.
    pub fn count(
        &mut self,
        order: u32,
        due: Nanos,
        receipts: impl Iterator<Item = Receipt>,
        is_counted: impl Fn(usize) -> bool,
    ) {
        let Some(measured) = order.checked_sub(self.first) else { return };
        let last_hop = &mut self.last_hops[measured as usize];
        for (node, receipt) in receipts.enumerate().filter(|&(node, _)| is_counted(node)) {
            if receipt.is_reached() {
                self.receipts.count(&receipt, due);
                *last_hop = (*last_hop).max(receipt.hop);
            } else {
                self.missed[node] += 1;
            }
        }
    }

    /// Adds the receipts of other orders at the same nodes.
    pub fn merge(&mut self, other: &MeasuredReceipts) {
        let MeasuredReceipts { first: _, receipts, last_hops, missed } = other;
        self.receipts.merge(receipts);
        self.last_hops.iter_mut().zip(last_hops).for_each(|(hop, other)| *hop = (*hop).max(*other));
        self.missed.iter_mut().zip(missed).for_each(|(sum, missed)| *sum += missed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    fn receipt(time: u64, hop: u8) -> Receipt {
        Receipt { time: Nanos(time), sender: NodeId(0), hop }
    }

    #[test]
    fn warm_orders_and_nodes_that_do_not_count_are_left_out() {
        let mut measured = MeasuredReceipts::none(4, 3, 1);
        let warm = [receipt(0, 0), receipt(9, 9), receipt(9, 9), Receipt::NONE];
        measured.count(0, Nanos::ZERO, warm.into_iter(), |_| true);
        assert_eq!(measured, MeasuredReceipts::none(4, 3, 1));
        let order = [Receipt::NONE, receipt(100, 0), receipt(107, 3), Receipt::NONE];
        measured.count(1, Nanos(100), order.into_iter(), |node| node != 3);
        let mut other = MeasuredReceipts::none(4, 3, 1);
        other.count(2, Nanos(200), [Receipt::NONE; 4].into_iter(), |node| node != 3);
        measured.merge(&other);
        assert_eq!((&measured.missed[..], &measured.last_hops[..]), (&[2, 1, 1, 0][..], &[3, 0][..]));
        assert_eq!((measured.receipts.delays.count(), measured.receipts.delays.sum()), (2, 7));
        assert_eq!((measured.receipts.hops[0], measured.receipts.hops[3]), (1, 1));
    }
}
