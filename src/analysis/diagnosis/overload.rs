//! Signs of a machine that did not keep up with its orders, in a run on a real carrier.

use crate::analysis::RunContext;
use crate::record::{BulkRecord, Notice, OrderOutcome, OrderRecord, RunRecord};
use crate::time::Nanos;

/// Orders come faster than their publishers can inject them if they are published this late, by the 99th percentile.
const LATE: Nanos = Nanos::from_millis(100);

impl RunContext<'_> {
    /// Reports that a run of many orders on a real carrier was overloaded: orders were published late, or were under
    /// way when their time limit passed, although no path through the modelled network takes that long.
    pub(super) fn overload(&self, record: &RunRecord) -> Option<Notice> {
        let bulk = record.bulk.as_ref().filter(|_| !self.scenario.carrier.transport.is_virtual())?;
        let published_late = late(bulk);
        let under_way = self.scenario.run.timeout.map_or(0, |timeout| {
            let latency = self.network.map_or(Nanos::ZERO, |network| network.slow_latency(record.nodes));
            let emulator = self.scenario.slowest_spread(record.ttl, latency);
            let is_stuck = |order: &&OrderRecord| {
                matches!(order.outcome, OrderOutcome::UnderWay | OrderOutcome::NotPublished)
                    && order.due + timeout <= record.elapsed
            };
            if emulator < timeout { bulk.orders.iter().filter(is_stuck).count() as u64 } else { 0 }
        });
        let workers = self.scenario.workers();
        let has_spare_cores = workers < self.cores && workers < record.nodes as usize;
        let notice = Notice::Overload {
            published_late,
            under_way,
            orders: self.workload.orders().into(),
            timeout: self.scenario.run.timeout,
            queued: record.ledger.queued_unsent,
            threads: has_spare_cores.then_some(self.cores as u64),
        };
        (published_late > LATE || under_way > 0).then_some(notice)
    }
}

/// Returns the delay of publication, 99th percentile over the published orders; zero if none was published.
fn late(bulk: &BulkRecord) -> Nanos {
    let mut late: Vec<Nanos> = bulk.orders.iter().filter_map(|order| order.published_late).collect();
    late.sort_unstable();
    late.len().checked_sub(1).map_or(Nanos::ZERO, |last| late[last.min((late.len() * 99).div_ceil(100).max(1) - 1)])
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
}
