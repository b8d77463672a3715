//! What one worker notes of first receipts: of a single order each node's receipt; of a bulk, where those would be
//! nodes times orders, the counts and times of each order and the distribution of all delays.

use super::{BulkCounts, Plan};
use crate::ids::OrderIndex;
use crate::message::Message;
use crate::stats::{DelayHistogram, OrderCounts, Receipt, Traffic};
use crate::sync::{prefetch, touched};
use crate::time::Nanos;

/// First receipts of one shard.
pub(super) enum Chronicle {
    /// By node.
    Single(Vec<Receipt>),
    /// Of many orders.
    Bulk(Box<Bulk>),
}

/// What is noted of many orders.
pub(super) struct Bulk {
    /// When each order is due, since the clock's base, once that of the schedule is known.
    due: Vec<Nanos>,
    /// By order.
    orders: Vec<OrderCounts>,
    /// By node, first receipts that were messages.
    firsts: Vec<u32>,
    delays: DelayHistogram,
    /// By hop.
    hops: Vec<u64>,
}

impl Chronicle {
    /// Nothing noted yet, for so many nodes.
    pub(super) fn new(nodes: usize, plan: &Plan<'_>) -> Chronicle {
        let publications = plan.workload.publications();
        match publications.len() {
            1 => Chronicle::Single(touched(nodes, Receipt::NONE)),
            orders => Chronicle::Bulk(Box::new(Bulk {
                due: publications.iter().map(|publication| publication.due).collect(),
                orders: touched(orders, OrderCounts::NONE),
                firsts: touched(nodes, 0),
                delays: DelayHistogram::new(),
                hops: vec![0; usize::from(u8::MAX) + 1],
            })),
        }
    }

    /// Puts the schedule on the clock. To be called once, before anything is noted.
    pub(super) fn start_schedule(&mut self, base: Nanos) {
        if let Chronicle::Bulk(bulk) = self {
            bulk.due.iter_mut().for_each(|due| *due = *due + base);
        }
    }

    /// Notes that the shard's `local`-th node has an order.
    #[inline]
    pub(super) fn reached(&mut self, local: usize, order: OrderIndex, receipt: Receipt) {
        match self {
            Chronicle::Single(receipts) => receipts[local] = receipt,
            Chronicle::Bulk(bulk) => bulk.reached(local, order, receipt),
        }
    }

    /// Notes that a message has come.
    #[inline]
    pub(super) fn received(&mut self, order: OrderIndex) {
        if let Chronicle::Bulk(bulk) = self {
            bulk.orders[order.index()].received += 1;
        }
    }

    /// Notes that messages have left.
    #[inline]
    pub(super) fn sent(&mut self, order: OrderIndex, messages: usize) {
        if let Chronicle::Bulk(bulk) = self {
            bulk.orders[order.index()].sent += messages as u64;
        }
    }

    /// Notes that messages never left; `taken_back` of them had been noted as sent.
    pub(super) fn unsent(&mut self, order: OrderIndex, messages: u64, taken_back: u64) {
        if let Chronicle::Bulk(bulk) = self {
            let counts = &mut bulk.orders[order.index()];
            counts.unsent += messages;
            counts.sent -= taken_back;
        }
    }

    /// Notes that an order has entered the network here.
    pub(super) fn published(&mut self, order: OrderIndex, now: Nanos) {
        if let Chronicle::Bulk(bulk) = self {
            bulk.orders[order.index()].published_at = now;
        }
    }

    /// Notes when an order reached a milestone or its target.
    #[inline]
    pub(super) fn crossed(&mut self, order: OrderIndex, time: usize, now: Nanos) {
        if let Chronicle::Bulk(bulk) = self {
            bulk.orders[order.index()].crossed[time] = now;
        }
    }

    /// Asks the processor for what a message's first receipt will touch.
    #[inline]
    pub(super) fn prefetch(&self, local: usize, message: &Message) {
        match self {
            Chronicle::Single(receipts) => prefetch(receipts, local),
            Chronicle::Bulk(bulk) => prefetch(&bulk.orders, message.order.index()),
        }
    }

    /// Hands over what was noted, and adds to each node's traffic how many of its messages were first ones.
    pub(super) fn close(self, traffic: &mut [Traffic]) -> (Vec<Receipt>, Option<BulkCounts>) {
        match self {
            Chronicle::Single(receipts) => {
                for (traffic, receipt) in traffic.iter_mut().zip(&receipts) {
                    traffic.firsts = u32::from(receipt.is_reached() && receipt.hop > 0);
                }
                (receipts, None)
            }
            Chronicle::Bulk(bulk) => {
                traffic.iter_mut().zip(&bulk.firsts).for_each(|(traffic, &firsts)| traffic.firsts = firsts);
                let Bulk { orders, delays, hops, .. } = *bulk;
                (Vec::new(), Some(BulkCounts { orders, delays, hops }))
            }
        }
    }
}

impl Bulk {
    fn reached(&mut self, local: usize, order: OrderIndex, Receipt { time, hop, .. }: Receipt) {
        let counts = &mut self.orders[order.index()];
        counts.reached += 1;
        counts.last_receipt = counts.last_receipt.max(time);
        self.delays.record(time.since(self.due[order.index()]));
        self.hops[usize::from(hop)] += 1;
        self.firsts[local] += u32::from(hop > 0);
    }
}
