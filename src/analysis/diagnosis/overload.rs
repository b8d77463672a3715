//! What a run on a real carrier shows of a machine that did not keep up with its orders.

use crate::analysis::RunContext;
use crate::record::{BulkRecord, OrderOutcome, OrderRecord, RunRecord};
use crate::time::Nanos;

/// Orders that are published so much too late, by the 99th percentile, come faster than their publishers can let them in.
const LATE: Nanos = Nanos::from_millis(100);

/// What shows an overload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overload {
    /// How late orders were published, by the 99th percentile of those that were.
    published_late: Nanos,
    /// Orders whose time limit passed while they moved, or before they were published.
    under_way: u64,
    /// Messages that waited to be sent at the end.
    queued: u64,
}

impl RunContext<'_> {
    /// Whether a run of many orders on a real carrier was overloaded: orders were published late, or were under way when their time
    /// limit passed, though no way through the modelled network takes as long.
    pub(super) fn overload(&self, record: &RunRecord) -> Option<Overload> {
        let bulk = record.bulk.as_ref().filter(|_| !self.scenario.transport.is_virtual())?;
        let published_late = late(bulk);
        let under_way = self.scenario.timeout.map_or(0, |timeout| {
            let way = self.network.map_or(Nanos::ZERO, |network| network.slow_way(record.nodes));
            let emulator = self.scenario.slowest_spread(record.ttl, way);
            let is_stuck = |order: &&OrderRecord| {
                matches!(order.outcome, OrderOutcome::UnderWay | OrderOutcome::NotPublished)
                    && order.due + timeout <= record.elapsed
            };
            if emulator < timeout { bulk.orders.iter().filter(is_stuck).count() as u64 } else { 0 }
        });
        let queued = record.ledger.queued_unsent;
        let overload = Overload { published_late, under_way, queued };
        (published_late > LATE || under_way > 0).then_some(overload)
    }

    /// Says so, with what to do that will be accepted.
    pub(super) fn overloaded(&self, record: &RunRecord, overload: &Overload) -> String {
        let &Overload { published_late, under_way, queued } = overload;
        let orders = self.workload.orders();
        let mut shown = vec![format!("they were published up to {published_late} late (p99)")];
        if let Some(timeout) = self.scenario.timeout.filter(|_| under_way > 0) {
            shown.push(format!(
                "{under_way} of {orders} were still under way when their time limit of {timeout} had passed"
            ));
        }
        if queued > 0 {
            shown.push(format!("{queued} messages waited to be sent at the end"));
        }
        let workers = self.scenario.workers();
        let threads = match workers < self.cores && workers < record.nodes as usize {
            true => format!(", or give it more --threads, of which {} would have a core each", self.cores),
            false => String::new(),
        };
        format!(
            "Overload: orders came faster than this machine carried them. {}. Lower --rate{threads}.",
            listed(&shown)
        )
    }
}

/// How late orders were published, by the 99th percentile of those that were; no time where none was.
fn late(bulk: &BulkRecord) -> Nanos {
    let mut late: Vec<Nanos> = bulk.orders.iter().filter_map(|order| order.published_late).collect();
    late.sort_unstable();
    late.len().checked_sub(1).map_or(Nanos::ZERO, |last| late[last.min((late.len() * 99).div_ceil(100).max(1) - 1)])
}

/// A sentence of several parts.
fn listed(parts: &[String]) -> String {
    let said = match parts {
        [others @ .., last] if !others.is_empty() => format!("{}, and {last}", others.join(", ")),
        parts => parts.concat(),
    };
    let mut letters = said.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::record::DelayHistogram;

    fn bulk(late: impl Iterator<Item = Option<u64>>) -> BulkRecord {
        let order = |late: Option<u64>| OrderRecord {
            origin: NodeId(0),
            due: Nanos::ZERO,
            published_late: late.map(Nanos::from_millis),
            payload_bytes: 0,
            counted: 10,
            reached: 0,
            sent: 0,
            received: 0,
            time_to: [None; 4],
            time_to_end: None,
            outcome: OrderOutcome::UnderWay,
        };
        BulkRecord { orders: late.map(order).collect(), delays: DelayHistogram::new(), hops: Vec::new(), window: 10 }
    }

    #[test]
    fn lateness_is_that_of_one_order_in_a_hundred() {
        assert_eq!(late(&bulk((1..=200).rev().map(Some))), Nanos::from_millis(198));
        assert_eq!(late(&bulk([Some(3), None].into_iter())), Nanos::from_millis(3));
        assert_eq!(late(&bulk([None].into_iter())), Nanos::ZERO);
    }

    #[test]
    fn parts_make_a_sentence() {
        let parts = |count: usize| listed(&["one", "two", "three"].map(str::to_owned)[..count]);
        assert_eq!([parts(1), parts(2), parts(3)], ["One", "One, and two", "One, two, and three"]);
    }
}
