//! The first receipts of a bulk whose orders are computed one by one: what is kept of each order as it comes.

use super::groups::{GroupRoster, GroupTotals};
use super::orders::{CollectedBulk, complete, note};
use crate::coverage::TIMES;
use crate::engine::OrderReceipts;
use crate::ids::OrderIndex;
use crate::record::{CompactReceipt, MeasuredReceipts, OrderCounts, Receipt, ReceiptTotals};
use crate::time::Nanos;
use crate::workload::Publication;
use parking_lot::Mutex;

/// Collects the receipts of all orders. Every node counts, because none fails.
pub(crate) struct BulkCollector<'a> {
    publications: &'a [Publication],
    /// The ranks of the receipts that complete the milestones and the target.
    ranks: [usize; TIMES],
    ttl: u8,
    roster: GroupRoster,
    /// By worker, so that no lock is ever contended.
    shares: Vec<Mutex<CollectorShare>>,
}

/// The orders of one worker.
struct CollectorShare {
    orders: Vec<(OrderIndex, OrderCounts)>,
    receipts: ReceiptTotals,
    groups: Vec<GroupTotals>,
    times: Vec<Nanos>,
    /// Receipts of the orders that a comparison measures, if one does.
    measured: Option<MeasuredReceipts>,
}

impl<'a> BulkCollector<'a> {
    /// Creates a collector for this many workers.
    pub(crate) fn new(
        publications: &'a [Publication],
        ranks: [usize; TIMES],
        ttl: u8,
        roster: GroupRoster,
        workers: usize,
    ) -> BulkCollector<'a> {
        let share = || CollectorShare {
            orders: Vec::new(),
            receipts: ReceiptTotals::none(),
            groups: roster.totals(publications.len()),
            times: Vec::new(),
            measured: None,
        };
        let shares = (0..workers).map(|_| Mutex::new(share())).collect();
        BulkCollector { publications, ranks, ttl, roster, shares }
    }

    /// Keeps the receipts of the orders from `first` on apart, at `nodes` nodes.
    pub(crate) fn measuring_from(self, first: u32, nodes: usize) -> BulkCollector<'a> {
        for share in &self.shares {
            share.lock().measured = Some(MeasuredReceipts::none(nodes, self.publications.len() as u32, first));
        }
        self
    }

    /// Returns the groups of nodes.
    pub(crate) fn roster(&self) -> &GroupRoster {
        &self.roster
    }

    /// Merges what all workers have collected.
    pub(crate) fn collected(&self) -> CollectedBulk {
        let mut orders = vec![OrderCounts::NONE; self.publications.len()];
        let mut receipts = ReceiptTotals::none();
        let mut groups = self.roster.totals(self.publications.len());
        let mut measured: Option<MeasuredReceipts> = None;
        for share in &self.shares {
            let share = share.lock();
            match (&mut measured, &share.measured) {
                (Some(sum), Some(more)) => sum.merge(more),
                (sum, more) => *sum = sum.take().or_else(|| more.clone()),
            }
            receipts.merge(&share.receipts);
            groups.iter_mut().zip(&share.groups).for_each(|(sum, group)| sum.merge(group));
            share.orders.iter().for_each(|&(order, counts)| orders[order.index()] = counts);
        }
        CollectedBulk { orders, receipts, groups, measured }
    }
}

impl OrderReceipts for BulkCollector<'_> {
    fn take(&self, worker: usize, order: OrderIndex, receipts: &[CompactReceipt]) {
        let publication = &self.publications[order.index()];
        let CollectorShare { orders, receipts: totals, groups, times, measured } = &mut *self.shares[worker].lock();
        let mut counts = OrderCounts::NONE;
        times.clear();
        for receipt in receipts.iter().map(|&receipt| Receipt::from(receipt)).filter(|receipt| receipt.is_reached()) {
            note(&mut counts, &receipt, self.ttl);
            totals.count(&receipt, publication.due);
            times.push(receipt.time);
        }
        complete(&mut counts, times, self.ranks);
        orders.push((order, counts));
        if let Some(measured) = measured {
            let receipts = receipts.iter().map(|&receipt| Receipt::from(receipt));
            measured.count(order.0, publication.due, receipts, |_| true);
        }
        self.roster.count(groups, receipts, publication, |_| true);
    }
}
