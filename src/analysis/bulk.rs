//! The figures of a bulk: the outcomes of its orders, their times, and the worst among them.
//!
//! Percentiles here are over orders, each with one time. An order that never got so far has none and is left out, so
//! each line says how many orders it covers. The one exception is the time to the target that stands for the whole run,
//! in which orders that missed it count as later than all others.

use super::percentiles::{Summary, nearest_rank, share};
use crate::coverage::TARGET;
use crate::record::{BulkRecord, OrderOutcome, OrderRecord};
use crate::time::Nanos;
use crate::topology::NodeNames;
use serde::Serialize;

/// Number of worst orders that are named.
const WORST: usize = 10;

/// A time of each order: percentiles by nearest rank over the orders that have it, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OrderTimes {
    /// Orders that have it.
    pub orders: u64,
    /// Time that half of them do not exceed; `None`, like the others, if no order has it.
    pub p50: Option<u64>,
    /// Time that 90 % do not exceed.
    pub p90: Option<u64>,
    /// Time that 99 % do not exceed.
    pub p99: Option<u64>,
    /// Time that 99.9 % do not exceed.
    pub p99_9: Option<u64>,
    /// Greatest time.
    pub max: Option<u64>,
}

/// One of the worst orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorstOrder {
    /// Its number, counted from 0 in the sequence of due times.
    pub order: u64,
    /// Its outcome.
    pub outcome: OrderOutcome,
    /// Id of the node that published it.
    pub origin: u64,
    /// Due time, in nanoseconds since the first order's.
    pub due_ns: u64,
    /// Nodes that do not have it.
    pub residue: u64,
    /// Time from its due time to its target; `None` if it did not reach the target in time.
    pub time_to_target_ns: Option<u64>,
}

/// The figures of a bulk that a single order does not have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BulkFigures {
    /// Orders of the schedule.
    pub orders: u64,
    /// Orders that reached their target within their time limit.
    pub reached: u64,
    /// Orders that came to rest with fewer than a tenth of the nodes that their target takes.
    pub died_out: u64,
    /// Orders that came to rest below their target in any other way.
    pub missed: u64,
    /// Orders that never entered the network.
    pub not_published: u64,
    /// Orders that were still moving at their time limit, or when the run ended.
    pub under_way: u64,
    /// Number of orders that a node told apart, up to the newest that it had seen.
    pub window: u64,
    /// Time from the first order's due time to the last one's, in nanoseconds.
    pub schedule_ns: u64,
    /// Orders per second that reached their target, from the injection to the last of these arrivals; `None` if no time
    /// passed.
    pub orders_per_second: Option<f64>,
    /// Delay of publication after the due time.
    pub published_late_ns: OrderTimes,
    /// Time until half of the nodes had an order, since it was due, like all times here.
    pub time_to_50_ns: OrderTimes,
    /// Time to 95 % of the nodes.
    pub time_to_95_ns: OrderTimes,
    /// Time to 99 % of the nodes.
    pub time_to_99_ns: OrderTimes,
    /// Time to the target, within the time limit.
    pub time_to_target_ns: OrderTimes,
    /// Time to the last first receipt.
    pub time_to_end_ns: OrderTimes,
    /// Nodes without the order, over the orders that were published.
    pub residue_per_order: Summary,
    /// Published orders that did not reach their target, then the slowest, then those that were not published.
    pub worst: Vec<WorstOrder>,
}

impl BulkFigures {
    /// Computes the figures of a bulk among nodes of these names.
    #[doc(hidden)]
    pub fn new(bulk: &BulkRecord, names: &NodeNames) -> BulkFigures {
        let orders = &bulk.orders;
        let times = |time: fn(&OrderRecord) -> Option<Nanos>| OrderTimes::of(orders.iter().filter_map(time));
        BulkFigures {
            orders: orders.len() as u64,
            reached: bulk.count(OrderOutcome::Reached),
            died_out: bulk.count(OrderOutcome::DiedOut),
            missed: bulk.count(OrderOutcome::Missed),
            not_published: bulk.count(OrderOutcome::NotPublished),
            under_way: bulk.count(OrderOutcome::UnderWay),
            window: bulk.window.into(),
            schedule_ns: orders.last().map_or(0, |order| order.due.0),
            orders_per_second: orders_per_second(orders),
            published_late_ns: times(|order| order.published_late),
            time_to_50_ns: times(|order| order.time_to[0]),
            time_to_95_ns: times(|order| order.time_to[1]),
            time_to_99_ns: times(|order| order.time_to[2]),
            time_to_target_ns: times(OrderRecord::time_to_target),
            time_to_end_ns: times(|order| order.time_to_end),
            residue_per_order: Summary::of(bulk.published().map(|order| order.counted.saturating_sub(order.reached))),
            worst: worst(orders, names),
        }
    }

    /// Returns the number of orders that were published.
    pub fn published(&self) -> u64 {
        self.orders.saturating_sub(self.not_published)
    }
}

impl OrderTimes {
    /// Computes the percentiles of these times.
    pub fn of(times: impl Iterator<Item = Nanos>) -> OrderTimes {
        let mut ascending: Vec<u64> = times.map(|time| time.0).collect();
        ascending.sort_unstable();
        let at = |parts, whole| nearest_rank(&ascending, share(parts, whole));
        OrderTimes {
            orders: ascending.len() as u64,
            p50: at(50, 100),
            p90: at(90, 100),
            p99: at(99, 100),
            p99_9: at(999, 1_000),
            max: at(1, 1),
        }
    }
}

/// Returns the 99th percentile of the published orders' time to their target, where those that missed it come last;
/// `None` if the order at that rank is one of them, or none was published.
pub(crate) fn time_to_target(bulk: &BulkRecord) -> Option<u64> {
    let time = |order: &OrderRecord| order.time_to_target().map_or(u64::MAX, |time| time.0);
    let mut ascending: Vec<u64> = bulk.published().map(time).collect();
    ascending.sort_unstable();
    nearest_rank(&ascending, share(99, 100)).filter(|&time| time != u64::MAX)
}

fn orders_per_second(orders: &[OrderRecord]) -> Option<f64> {
    let moments = orders.iter().filter_map(|order| Some((order.due + order.time_to_target()?).0));
    let (count, last) = moments.fold((0u64, 0), |(count, last), moment| (count + 1, last.max(moment)));
    (last > 0).then(|| count as f64 / Nanos(last).as_secs_f64())
}

fn worst(orders: &[OrderRecord], names: &NodeNames) -> Vec<WorstOrder> {
    let mut ranked: Vec<usize> = (0..orders.len()).collect();
    ranked.sort_by_key(|&order| {
        let record = &orders[order];
        let time = record.time_to[TARGET].map_or(u64::MAX, |time| time.0);
        let class = match record.outcome {
            OrderOutcome::DiedOut | OrderOutcome::Missed | OrderOutcome::UnderWay => 0,
            OrderOutcome::Reached => 1,
            OrderOutcome::NotPublished => 2,
        };
        (class, std::cmp::Reverse(time), record.reached, order)
    });
    ranked.truncate(WORST);
    let line = |order: usize| {
        let record = &orders[order];
        WorstOrder {
            order: order as u64,
            outcome: record.outcome,
            origin: names.id(record.origin),
            due_ns: record.due.0,
            residue: record.counted.saturating_sub(record.reached),
            time_to_target_ns: record.time_to_target().map(|time| time.0),
        }
    };
    ranked.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::record::DelayHistogram;

    fn order(due: u64, target: Option<u64>, outcome: OrderOutcome) -> OrderRecord {
        let time = target.map(Nanos);
        OrderRecord {
            origin: NodeId(4),
            due: Nanos(due),
            published_late: Some(Nanos(1)),
            payload_bytes: 0,
            counted: 10,
            reached: if outcome == OrderOutcome::Reached { 10 } else { 3 },
            sent: 80,
            received: 80,
            time_to: [time; 4],
            time_to_end: time,
            outcome,
        }
    }

    fn bulk(orders: Vec<OrderRecord>) -> BulkRecord {
        BulkRecord { orders, delays: DelayHistogram::new(), hops: Vec::new(), window: 10 }
    }

    #[test]
    fn orders_that_missed_are_worst_and_then_the_slow_ones() {
        let orders = vec![
            order(0, Some(10), OrderOutcome::Reached),
            order(100, Some(30), OrderOutcome::Reached),
            order(200, None, OrderOutcome::DiedOut),
            order(300, Some(900), OrderOutcome::UnderWay),
        ];
        let figures = BulkFigures::new(&bulk(orders), &NodeNames::default());
        let worst: Vec<u64> = figures.worst.iter().map(|worst| worst.order).collect();
        assert_eq!(worst, [2, 3, 1, 0]);
        assert_eq!((figures.reached, figures.died_out, figures.under_way), (2, 1, 1));
        let expected =
            OrderTimes { orders: 2, p50: Some(10), p90: Some(30), p99: Some(30), p99_9: Some(30), max: Some(30) };
        assert_eq!(figures.time_to_target_ns, expected);
        assert_eq!(figures.orders_per_second, Some(2.0 / 130e-9));
        assert_eq!((figures.residue_per_order.p50, figures.residue_per_order.max), (0, 7));
    }

    #[test]
    fn one_miss_in_a_hundred_is_beyond_the_percentile_and_two_are_not() {
        let with = |missed: usize| {
            let mut orders = vec![order(0, Some(7), OrderOutcome::Reached); 100];
            orders[..missed].fill(order(0, None, OrderOutcome::DiedOut));
            time_to_target(&bulk(orders))
        };
        assert_eq!([with(0), with(1), with(2)], [Some(7), Some(7), None]);
    }
}
