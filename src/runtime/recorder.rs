//! One worker's records of first receipts: for a single order the receipt of each node; for a bulk, where that would be
//! nodes times orders, the counts and times of each order and the distribution of all delays.
//!
//! One of the two is chosen per run, and the worker's loop is compiled for each: a branch per message would cost a
//! tenth of the time that a message in memory may take.

use super::network_emulator::EmulatedCounts;
use super::{BulkCounts, RunPlan};
use crate::coverage::{DedupWindow, SingleOrderWindow, SlidingWindow};
use crate::ids::OrderIndex;
use crate::message::Message;
use crate::record::{OrderCounts, Receipt, ReceiptTotals, Traffic};
use crate::simd::prefetch;
use crate::sys::touched;
use crate::time::Nanos;

/// First receipts of one shard.
pub(super) trait Recorder: Send {
    /// The window that stores the marks.
    type Keep: DedupWindow;

    /// Creates an empty record for `nodes` nodes.
    fn new(nodes: usize, plan: &RunPlan<'_>) -> Self;

    /// Notes that the shard's `local`-th node has an order.
    fn reached(&mut self, local: usize, order: OrderIndex, receipt: Receipt);

    /// Prefetches the memory that a message's first receipt will touch.
    fn prefetch(&self, local: usize, message: &Message);

    /// Returns the record, and adds to each node's traffic the number of its messages that were first copies.
    fn close(self, traffic: &mut [Traffic]) -> (Vec<Receipt>, Option<BulkCounts>);

    /// Sets the clock time at which the schedule begins. Called once, before anything is noted.
    fn start_schedule(&mut self, _base: Nanos) {}

    /// Notes that a message was received.
    #[inline(always)]
    fn received(&mut self, _order: OrderIndex) {}

    /// Notes that a copy was older than its node's window.
    fn expired(&mut self, _order: OrderIndex) {}

    /// Notes that messages were sent.
    #[inline(always)]
    fn sent(&mut self, _order: OrderIndex, _messages: usize) {}

    /// Notes the effects of the modelled network on messages that were sent.
    fn passed(&mut self, _order: OrderIndex, _passed: EmulatedCounts) {}

    /// Notes that messages never left; `taken_back` of them had been noted as sent.
    fn unsent(&mut self, _order: OrderIndex, _messages: u64, _taken_back: u64) {}

    /// Notes the time at which an order reached a milestone or its target.
    #[inline(always)]
    fn crossed(&mut self, _order: OrderIndex, _time: usize, _now: Nanos) {}
}

/// The receipts of one order, by node.
pub(super) struct SingleRecorder(Vec<Receipt>);

impl Recorder for SingleRecorder {
    type Keep = SingleOrderWindow;

    fn new(nodes: usize, _: &RunPlan<'_>) -> SingleRecorder {
        SingleRecorder(touched(nodes, Receipt::NONE))
    }

    #[inline(always)]
    fn reached(&mut self, local: usize, _: OrderIndex, receipt: Receipt) {
        self.0[local] = receipt;
    }

    #[inline(always)]
    fn prefetch(&self, local: usize, _: &Message) {
        prefetch(&self.0, local);
    }

    fn close(self, traffic: &mut [Traffic]) -> (Vec<Receipt>, Option<BulkCounts>) {
        for (traffic, receipt) in traffic.iter_mut().zip(&self.0) {
            traffic.firsts = u32::from(receipt.is_reached() && receipt.hop > 0);
        }
        (self.0, None)
    }
}

/// Records of first receipts of many orders.
pub(super) struct BulkRecorder {
    /// Time at which each order is due, since the clock's base, once the schedule has begun.
    due: Vec<Nanos>,
    /// By order.
    orders: Vec<OrderCounts>,
    ttl: u8,
    /// By node, first receipts that were messages.
    firsts: Vec<u32>,
    totals: ReceiptTotals,
}

impl Recorder for BulkRecorder {
    type Keep = SlidingWindow;

    fn new(nodes: usize, plan: &RunPlan<'_>) -> BulkRecorder {
        let publications = plan.workload.publications();
        BulkRecorder {
            due: publications.iter().map(|publication| publication.due).collect(),
            orders: touched(publications.len(), OrderCounts::NONE),
            ttl: plan.ttl,
            firsts: touched(nodes, 0),
            totals: ReceiptTotals::none(),
        }
    }

    #[inline]
    fn reached(&mut self, local: usize, order: OrderIndex, receipt: Receipt) {
        let Receipt { time, hop, .. } = receipt;
        let counts = &mut self.orders[order.index()];
        counts.reached += 1;
        counts.cut_off += u32::from(hop == self.ttl);
        counts.last_receipt = counts.last_receipt.max(time);
        if hop == 0 {
            counts.published_at = time;
        }
        self.totals.count(&receipt, self.due[order.index()]);
        self.firsts[local] += u32::from(hop > 0);
    }

    #[inline]
    fn prefetch(&self, _: usize, message: &Message) {
        prefetch(&self.orders, message.order.index());
    }

    fn close(self, traffic: &mut [Traffic]) -> (Vec<Receipt>, Option<BulkCounts>) {
        traffic.iter_mut().zip(&self.firsts).for_each(|(traffic, &firsts)| traffic.firsts = firsts);
        let BulkRecorder { orders, totals, .. } = self;
        (Vec::new(), Some(BulkCounts { orders, receipts: totals }))
    }

    fn start_schedule(&mut self, base: Nanos) {
        self.due.iter_mut().for_each(|due| *due = *due + base);
    }

    #[inline]
    fn received(&mut self, order: OrderIndex) {
        self.orders[order.index()].received += 1;
    }

    fn expired(&mut self, order: OrderIndex) {
        let cut_off = &mut self.orders[order.index()].cut_off;
        *cut_off = cut_off.saturating_add(1);
    }

    #[inline]
    fn sent(&mut self, order: OrderIndex, messages: usize) {
        self.orders[order.index()].sent += messages as u64;
    }

    fn passed(&mut self, order: OrderIndex, EmulatedCounts { lost, doubled }: EmulatedCounts) {
        let counts = &mut self.orders[order.index()];
        counts.lost += lost;
        counts.doubled += doubled;
    }

    fn unsent(&mut self, order: OrderIndex, messages: u64, taken_back: u64) {
        let counts = &mut self.orders[order.index()];
        counts.unsent += messages;
        counts.sent -= taken_back;
    }

    #[inline]
    fn crossed(&mut self, order: OrderIndex, time: usize, now: Nanos) {
        self.orders[order.index()].crossed[time] = now;
    }
}
