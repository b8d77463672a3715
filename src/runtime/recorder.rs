//! One worker's records of first receipts: for a single order the receipt of each node; for a bulk, where that would be
//! nodes times orders, the counts and times of each order and the distribution of all delays.
//!
//! One of the two is chosen per run, and the worker's loop is compiled for each: a branch per message would cost a
//! tenth of the time that a message in memory may take.

use super::network_emulator::EmulatedCounts;
use super::{BulkCounts, RunPlan};
use crate::coverage::{DedupWindow, SingleOrderWindow, SlidingWindow};
use crate::ids::{NodeId, OrderIndex};
use crate::message::Message;
use crate::record::{OrderCounts, Receipt, ReceiptTotals, Traffic};
use crate::simd::prefetch;
use crate::sys::{touched, touched_room};
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
    fn prefetch(&self, message: &Message);

    /// Returns the record, and adds to each node's traffic the number of its messages that were first copies.
    fn close(self, traffic: &mut [Traffic]) -> (Vec<Receipt>, Option<BulkCounts>);

    /// Sets the clock time at which the schedule begins. Called once, before anything is noted.
    fn start_schedule(&mut self, _base: Nanos) {}

    /// Notes that messages were received.
    #[inline(always)]
    fn received(&mut self, _order: OrderIndex, _messages: u32) {}

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

/// The receipts of one order, in the order in which they came: written one after the other they stay in a cache, while
/// those of a million nodes, by node, would not.
pub(super) struct SingleRecorder {
    log: Vec<LoggedReceipt>,
    nodes: usize,
}

/// A receipt that waits to be sorted by node.
#[derive(Clone, Copy)]
struct LoggedReceipt {
    local: u32,
    sender: NodeId,
    /// The time in nanoseconds, and the hop in the lowest byte: 56 bits of nanoseconds are two years.
    time_hop: u64,
}

/// The place of a receipt that there is not.
const NOWHERE: u32 = u32::MAX;

const _: () = assert!(size_of::<LoggedReceipt>() == size_of::<Receipt>());

impl LoggedReceipt {
    const NONE: LoggedReceipt = LoggedReceipt { local: NOWHERE, sender: NodeId(0), time_hop: 0 };
}

impl From<LoggedReceipt> for Receipt {
    fn from(LoggedReceipt { local, sender, time_hop }: LoggedReceipt) -> Receipt {
        match local {
            NOWHERE => Receipt::NONE,
            _ => Receipt { time: Nanos(time_hop >> u8::BITS), sender, hop: time_hop as u8 },
        }
    }
}

/// Sorts receipts by node in place, each to the place of its node among `nodes`. No two are of one node.
fn sorted_by_node(mut log: Vec<LoggedReceipt>, nodes: usize) -> Vec<LoggedReceipt> {
    log.resize(nodes, LoggedReceipt::NONE);
    for place in 0..nodes {
        // Each exchange brings a receipt to the place where it stays.
        while log[place].local != NOWHERE && log[place].local as usize != place {
            let local = log[place].local as usize;
            log.swap(place, local);
        }
    }
    log
}

impl Recorder for SingleRecorder {
    type Keep = SingleOrderWindow;

    fn new(nodes: usize, _: &RunPlan<'_>) -> SingleRecorder {
        // A node is reached once at most, so this never grows.
        SingleRecorder { log: touched_room(nodes, LoggedReceipt::NONE), nodes }
    }

    #[inline(always)]
    fn reached(&mut self, local: usize, _: OrderIndex, Receipt { time, sender, hop }: Receipt) {
        let time_hop = time.0 << u8::BITS | u64::from(hop);
        self.log.push(LoggedReceipt { local: local as u32, sender, time_hop });
    }

    #[inline(always)]
    fn prefetch(&self, _: &Message) {}

    fn close(self, traffic: &mut [Traffic]) -> (Vec<Receipt>, Option<BulkCounts>) {
        let by_node = sorted_by_node(self.log, self.nodes);
        for (traffic, logged) in traffic.iter_mut().zip(&by_node) {
            traffic.firsts = u32::from(logged.local != NOWHERE && logged.time_hop as u8 > 0);
        }
        // In the memory of the log, because both take as much.
        (by_node.into_iter().map(Receipt::from).collect(), None)
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
    fn prefetch(&self, message: &Message) {
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
    fn received(&mut self, order: OrderIndex, messages: u32) {
        self.orders[order.index()].received += u64::from(messages);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_log_becomes_the_receipts_by_node(
            order in Just((0..40_usize).collect::<Vec<_>>()).prop_shuffle(), reached in 0..=40_usize,
        ) {
            let receipt = |local: usize| Receipt {
                time: Nanos(local as u64 * 1_000),
                sender: NodeId(local as u32 + 7),
                hop: (local % 5) as u8,
            };
            let mut recorder = SingleRecorder { log: Vec::with_capacity(40), nodes: 40 };
            let mut expected = vec![Receipt::NONE; 40];
            for &local in &order[..reached] {
                recorder.reached(local, OrderIndex(0), receipt(local));
                expected[local] = receipt(local);
            }
            let mut traffic = vec![Traffic::default(); 40];
            let (receipts, bulk) = recorder.close(&mut traffic);
            prop_assert!(bulk.is_none());
            for (traffic, receipt) in traffic.iter().zip(&receipts) {
                prop_assert_eq!(traffic.firsts, u32::from(receipt.is_reached() && receipt.hop > 0));
            }
            prop_assert_eq!(receipts, expected);
        }
    }
}
