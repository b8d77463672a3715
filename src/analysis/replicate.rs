//! The figures of one replicate by which protocols are compared, those of its warm orders left out.
//!
//! Warm orders let a protocol learn (a tree, a mesh) before anything is measured. Figures of orders and of receipts are
//! those of the orders after them. Messages and bytes of nodes are counted over a whole run; a second run of the same
//! seed, which publishes the warm orders alone, tells how many of them are to be left out. This is exact if the warm
//! orders were at rest before the first measured one came, because both runs are then the same until that time; their
//! counts in both runs say if that holds.
//!
//! Refused: a count of warm orders beside every count of an engine, which would cost each message something in runs
//! that compare nothing.

mod order_records;

use super::delays::fraction_of;
use super::percentiles::{nearest_rank, share};
use crate::record::{
    KindCount, MeasuredReceipts, OrderOutcome, OrderRecord, PartCounts, ReceiptTotals, RunRecord, Traffic,
};
use crate::time::Nanos;
use crate::wire::message_bytes;
use order_records::orders_of;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The unit of a compared figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureUnit {
    /// A share, 0 to 1.
    Share,
    /// Nanoseconds.
    Time,
    /// Bytes of UDP payload.
    Bytes,
    /// A number of messages, hops, nodes or orders.
    Number,
}

/// A figure by which protocols are compared: one value for each replicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparedFigure {
    /// Its key in JSON.
    pub key: &'static str,
    /// Its heading in tables.
    pub title: &'static str,
    /// Its unit.
    pub unit: FigureUnit,
}

const fn figure(key: &'static str, title: &'static str, unit: FigureUnit) -> ComparedFigure {
    ComparedFigure { key, title, unit }
}

/// Key of the control messages by kind: this, a period, and the name of the kind.
pub const CONTROL: &str = "control_messages";

/// Key of the upkeep by kind: this, a period, and the name of the kind.
pub const UPKEEP: &str = "upkeep";

/// The compared figures, in the order of tables. `docs/REPORT.md` defines each under its key.
pub const COMPARED: [ComparedFigure; 20] = [
    figure("reached", "reached", FigureUnit::Share),
    figure("time_to_50", "to 50%", FigureUnit::Time),
    figure("time_to_95", "to 95%", FigureUnit::Time),
    figure("time_to_99", "to 99%", FigureUnit::Time),
    figure("time_to_100", "to 100%", FigureUnit::Time),
    figure("delay_p50", "p50", FigureUnit::Time),
    figure("delay_p99", "p99", FigureUnit::Time),
    figure("hops_mean", "hops", FigureUnit::Number),
    figure("ldh", "LDH", FigureUnit::Number),
    figure("rmr", "RMR", FigureUnit::Number),
    figure(CONTROL, "control", FigureUnit::Number),
    figure(UPKEEP, "upkeep/s", FigureUnit::Number),
    figure("stranded_nodes", "stranded", FigureUnit::Number),
    figure("stranded_worst", "worst", FigureUnit::Number),
    figure("payload_bytes_p50", "p50", FigureUnit::Bytes),
    figure("payload_bytes_p99", "p99", FigureUnit::Bytes),
    figure("wasted_bytes", "wasted", FigureUnit::Bytes),
    figure("control_bytes", "control", FigureUnit::Bytes),
    figure("bytes", "all", FigureUnit::Bytes),
    figure("origin_upload", "origin", FigureUnit::Bytes),
];

/// The figures of one replicate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicateFigures {
    /// Seed of every draw.
    pub seed: u64,
    /// First receipts that complete coverage takes: the counted nodes, summed over the measured orders.
    pub receipts_due: u64,
    /// True if the run ended at rest.
    pub is_at_rest: bool,
    /// True if the warm orders were at rest before the first measured one was published.
    pub is_warm_exact: bool,
    /// Payload messages for each receipt, in the first and in the second half of the measured orders; `None` for fewer
    /// than two.
    pub halves: Option<[f64; 2]>,
    /// The figures by key; one that the run does not have is missing.
    #[serde(flatten)]
    pub values: BTreeMap<String, f64>,
}

/// The counts of a run of the warm orders alone.
#[derive(Clone, Debug, Default)]
pub struct WarmCounts {
    /// Messages sent, messages received, nodes reached and the time of the last receipt, by order.
    orders: Vec<[u64; 4]>,
    traffic: Vec<Traffic>,
    kinds: Vec<KindCount>,
    bytes: [u64; 2],
    upkeep: u64,
    parts: PartCounts,
    elapsed: Nanos,
}

impl WarmCounts {
    /// Takes the counts of a run.
    pub fn of(record: RunRecord) -> WarmCounts {
        WarmCounts {
            orders: orders_of(&record).iter().map(counts_of).collect(),
            bytes: bytes_of(&record),
            upkeep: record.upkeep().sent,
            parts: record.parts(),
            elapsed: record.elapsed,
            traffic: record.traffic,
            kinds: record.kinds,
        }
    }
}

impl ReplicateFigures {
    /// Computes the figures of a run whose first orders are those of `warm`.
    pub fn new(seed: u64, record: &RunRecord, warm: &WarmCounts) -> ReplicateFigures {
        let all = orders_of(record);
        let first = warm.orders.len().min(all.len());
        let published = |order: &&OrderRecord| order.outcome != OrderOutcome::NotPublished;
        let orders: Vec<&OrderRecord> = all[first..].iter().filter(published).collect();
        let is_warm_exact = all.iter().zip(&warm.orders).all(|(order, counts)| counts_of(order) == *counts);
        let measured = Measured { record, warm, orders: &orders };
        let mut values = BTreeMap::new();
        let mut put = |key: &str, value: Option<f64>| {
            if let Some(value) = value {
                values.insert(key.to_owned(), value);
            }
        };
        if !orders.is_empty() {
            measured.put_spread(&mut put);
            measured.put_receipts(&mut put);
            measured.put_messages(&mut put);
            measured.put_bytes(&mut put);
        }
        ReplicateFigures {
            seed,
            receipts_due: orders.iter().map(|order| order.counted).sum(),
            is_at_rest: record.at_rest,
            is_warm_exact,
            halves: halves(&orders),
            values,
        }
    }

    /// Returns a figure; `None` if the run does not have it.
    pub fn value(&self, key: &str) -> Option<f64> {
        self.values.get(key).copied()
    }
}

/// The measured orders of a run.
struct Measured<'a> {
    record: &'a RunRecord,
    warm: &'a WarmCounts,
    orders: &'a [&'a OrderRecord],
}

impl Measured<'_> {
    /// Computes coverage, times and redundancy, which follow from the counts of each order.
    fn put_spread(&self, put: &mut impl FnMut(&str, Option<f64>)) {
        let sum = |count: fn(&OrderRecord) -> u64| self.orders.iter().map(|order| count(order)).sum::<u64>();
        put("reached", Some(fraction_of(sum(|order| order.reached), sum(|order| order.counted))));
        for (key, place) in ["time_to_50", "time_to_95", "time_to_99"].into_iter().zip(0..) {
            put(key, self.mean_time(|order| order.time_to[place]));
        }
        let complete = |order: &OrderRecord| order.time_to_end.filter(|_| order.reached == order.counted);
        put("time_to_100", self.mean_time(complete));
        // The copies to nodes that failed later brought an order, too.
        let firsts = match self.traffic() {
            Some(traffic) => traffic.map(|traffic| u64::from(traffic.firsts)).sum(),
            None => sum(|order| order.reached.saturating_sub(1)),
        };
        let whole = || (firsts > 0).then(|| sum(|order| order.sent) as f64 / firsts as f64 - 1.0);
        put("rmr", self.parts().map_or_else(whole, |parts| parts.rmr()));
    }

    /// Returns the mean time over the orders, in nanoseconds; `None` if an order never got there.
    fn mean_time(&self, time: impl Fn(&OrderRecord) -> Option<Nanos>) -> Option<f64> {
        let times: Option<Vec<f64>> = self.orders.iter().map(|order| Some(time(order)?.0 as f64)).collect();
        times.map(|times| times.iter().sum::<f64>() / times.len() as f64)
    }

    /// Computes the figures of first receipts: delays, hops, and nodes that missed orders.
    fn put_receipts(&self, put: &mut impl FnMut(&str, Option<f64>)) {
        let kept = match (&self.record.measured, &self.record.bulk) {
            (None, None) => Some(only_order(self.record)),
            (measured, _) => measured.clone(),
        };
        let of_bulk = || {
            let bulk = self.record.bulk.as_ref().filter(|_| self.warm.orders.is_empty())?;
            Some(ReceiptTotals { delays: bulk.delays.clone(), hops: bulk.hops.clone() })
        };
        let totals = kept.as_ref().map(|kept| kept.receipts.clone()).or_else(of_bulk);
        if let Some(ReceiptTotals { delays, hops }) = totals {
            let delay = |permille| delays.permille(permille).map(|delay| delay.0 as f64);
            put("delay_p50", delay(500));
            put("delay_p99", delay(990));
            // An origin has its own order without a hop.
            let came: u64 = hops.iter().skip(1).sum();
            let weighted: u64 = (0..).zip(&hops).map(|(hop, count)| hop * count).sum();
            put("hops_mean", (came > 0).then(|| weighted as f64 / came as f64));
        }
        let Some(MeasuredReceipts { last_hops, missed, .. }) = &kept else { return };
        let hops: f64 = last_hops.iter().map(|&hop| f64::from(hop)).sum();
        put("ldh", (!last_hops.is_empty()).then(|| hops / last_hops.len() as f64));
        put("stranded_nodes", Some(missed.iter().filter(|&&orders| orders > 0).count() as f64));
        put("stranded_worst", missed.iter().max().map(|&orders| f64::from(orders)));
    }

    /// Computes control messages for each node and order, and upkeep for each node and second.
    fn put_messages(&self, put: &mut impl FnMut(&str, Option<f64>)) {
        let nodes = f64::from(self.record.nodes);
        let seconds = self.record.elapsed.since(self.warm.elapsed).as_secs_f64();
        let per_second = |messages: u64| match messages {
            0 if seconds > 0.0 || self.warm.elapsed == Nanos::ZERO => Some(0.0),
            _ => (seconds > 0.0).then(|| messages as f64 / nodes / seconds),
        };
        let mut control = 0;
        for (place, kind) in self.record.kinds.iter().enumerate() {
            let sent = kind.sent.saturating_sub(self.warm.kinds.get(place).map_or(0, |kind| kind.sent));
            if kind.is_part {
                continue;
            }
            if kind.is_upkeep {
                put(&format!("{UPKEEP}.{}", kind.name), per_second(sent));
            } else {
                control += sent;
                put(&format!("{CONTROL}.{}", kind.name), Some(self.per_node(sent)));
            }
        }
        put(CONTROL, Some(self.per_node(control)));
        put(UPKEEP, per_second(self.record.upkeep().sent.saturating_sub(self.warm.upkeep)));
    }

    /// Divides a sum over nodes and orders by their numbers.
    fn per_node(&self, sum: u64) -> f64 {
        sum as f64 / f64::from(self.record.nodes) / self.orders.len() as f64
    }

    /// Computes the bytes of nodes, for each order.
    fn put_bytes(&self, put: &mut impl FnMut(&str, Option<f64>)) {
        let [all, control] = bytes_of(self.record);
        let [warm_all, warm_control] = self.warm.bytes;
        put("bytes", Some(self.per_node(all.saturating_sub(warm_all))));
        put("control_bytes", Some(self.per_node(control.saturating_sub(warm_control))));
        put("wasted_bytes", self.wasted().map(|bytes| self.per_node(bytes)));
        let Some(traffic) = self.traffic() else { return };
        let orders = self.orders.len() as f64;
        if let Some(received) = self.payload_received(traffic) {
            for (key, parts) in [("payload_bytes_p50", 50), ("payload_bytes_p99", 99)] {
                let bytes = nearest_rank(&received, share(parts, 100));
                put(key, bytes.map(|bytes| bytes as f64 / orders));
            }
        }
        let origin = self.orders[0].origin;
        if self.orders.iter().all(|order| order.origin == origin) {
            let uploaded = self.traffic().and_then(|mut traffic| traffic.nth(origin.index()));
            put("origin_upload", uploaded.map(|traffic| traffic.bytes_out as f64 / orders));
        }
    }

    /// Returns the bytes of payload messages that each node received, ascending; `None` if orders of several sizes came
    /// together with control messages, whose bytes are counted with theirs.
    fn payload_received(&self, traffic: impl Iterator<Item = Traffic>) -> Option<Vec<u64>> {
        let in_parts = self.parts().is_some() && self.record.kinds.iter().all(|kind| kind.is_part);
        let mut received: Vec<u64> = match (self.only_size(), self.record.kinds.is_empty()) {
            _ if in_parts => traffic.map(|traffic| traffic.bytes_in).collect(),
            (Some(size), _) => traffic.map(|traffic| traffic.copies * size).collect(),
            (None, true) => traffic.map(|traffic| traffic.bytes_in).collect(),
            (None, false) => return None,
        };
        received.sort_unstable();
        Some(received)
    }

    /// Sums the bytes of payload messages whose node had the order already, or of parts that came late; `None` if
    /// orders have several sizes and coverage does not count all nodes.
    fn wasted(&self) -> Option<u64> {
        if let Some(parts) = self.parts() {
            return Some(parts.late * parts.bytes.checked_div(parts.sent).unwrap_or(0));
        }
        if let (Some(size), Some(traffic)) = (self.only_size(), self.traffic()) {
            return Some(traffic.map(|traffic| traffic.copies.saturating_sub(traffic.firsts.into()) * size).sum());
        }
        let counts_all = self.orders.iter().all(|order| order.counted == u64::from(self.record.nodes));
        let wasted = |order: &&OrderRecord| {
            (order.received + 1).saturating_sub(order.reached) * u64::from(message_bytes(order.payload_bytes))
        };
        counts_all.then(|| self.orders.iter().map(wasted).sum())
    }

    /// Returns the parts of the measured orders; `None` if orders travel whole.
    fn parts(&self) -> Option<PartCounts> {
        let parts = self.record.parts();
        (!parts.is_none()).then(|| parts.without(&self.warm.parts))
    }

    /// Returns the bytes of a payload message if all orders have the same.
    fn only_size(&self) -> Option<u64> {
        let size = self.orders[0].payload_bytes;
        self.orders.iter().all(|order| order.payload_bytes == size).then(|| message_bytes(size).into())
    }

    /// Returns the traffic of each node without that of the warm orders; `None` where it was not kept.
    fn traffic(&self) -> Option<impl Iterator<Item = Traffic>> {
        let (all, warm) = (&self.record.traffic, &self.warm.traffic);
        let is_kept = !all.is_empty() && (self.warm.orders.is_empty() || warm.len() == all.len());
        let before = warm.iter().copied().chain(std::iter::repeat(Traffic::default()));
        is_kept.then(|| all.iter().zip(before).map(|(all, warm)| without(all, &warm)))
    }
}

/// Subtracts the traffic of warm orders from that of all.
fn without(all: &Traffic, warm: &Traffic) -> Traffic {
    Traffic {
        copies: all.copies.saturating_sub(warm.copies),
        firsts: all.firsts.saturating_sub(warm.firsts),
        sent: all.sent.saturating_sub(warm.sent),
        bytes_in: all.bytes_in.saturating_sub(warm.bytes_in),
        bytes_out: all.bytes_out.saturating_sub(warm.bytes_out),
    }
}

/// Returns the figures by which two runs of one order are compared.
fn counts_of(order: &OrderRecord) -> [u64; 4] {
    let ended = order.time_to_end.map_or(u64::MAX, |time| time.0);
    [order.sent, order.received, order.reached, ended]
}

/// Sums the bytes sent since the warm-up: of all messages, and of those that carry nothing of an order.
fn bytes_of(record: &RunRecord) -> [u64; 2] {
    let payload: u64 =
        orders_of(record).iter().map(|order| order.sent * u64::from(message_bytes(order.payload_bytes))).sum();
    let control = record.control_bytes() + record.upkeep().bytes;
    [payload + record.parts().bytes + control, control]
}

/// Counts the receipts of a run of one order.
fn only_order(record: &RunRecord) -> MeasuredReceipts {
    let mut measured = MeasuredReceipts::none(record.nodes as usize, 1, 0);
    let is_counted = |node: usize| record.counted.as_ref().is_none_or(|counted| counted[node]);
    measured.count(0, Nanos::ZERO, record.receipts.iter(), is_counted);
    measured
}

/// Returns the payload messages for each receipt in both halves of the orders; `None` for fewer than two.
fn halves(orders: &[&OrderRecord]) -> Option<[f64; 2]> {
    if orders.len() < 2 {
        return None;
    }
    let (first, second) = orders.split_at(orders.len() / 2);
    Some([first, second].map(|half| {
        let sum = |count: fn(&OrderRecord) -> u64| half.iter().map(|order| count(order)).sum();
        fraction_of(sum(|order| order.sent), sum(|order| order.reached.saturating_sub(1)))
    }))
}
