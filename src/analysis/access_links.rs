//! The figures of the nodes' access links: longest queues, busiest times, and the use of each node's link.

use super::percentiles::Summary;
use crate::record::{LinkSideRecord, LinkUse, RunRecord};
use crate::time::Nanos;
use serde::Serialize;

/// The access links of all nodes; `None` for a direction without a limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AccessLinkFigures {
    /// Uplinks, out of the nodes.
    pub up: Option<LinkSideFigures>,
    /// Downlinks, into the nodes.
    pub down: Option<LinkSideFigures>,
}

/// The access links in one direction. A message in transmission counts as queued.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LinkSideFigures {
    /// Bytes of the longest queue, headers included.
    pub longest_queue_bytes: u64,
    /// Time that the link takes to transmit that queue, in nanoseconds.
    pub longest_queue_ns: u64,
    /// Share of the run's time for which the busiest link transmitted messages, 0 to 1; `None` if no time passed.
    pub busiest_share: Option<f64>,
    /// Bits that a node's link carried, headers included, per second of the run's time; `None` if no time passed.
    pub used_bits_per_second: Option<LinkUseSpread<u64>>,
    /// Share of the run's time for which a node's link carried them, 0 to 1; `None` if no time passed.
    pub used_share: Option<LinkUseSpread<f64>>,
}

/// The spread of a figure over the nodes whose links have a rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LinkUseSpread<T> {
    /// Figure that half of the nodes do not exceed.
    pub p50: T,
    /// Figure that 99 % do not exceed.
    pub p99: T,
    /// Greatest figure.
    pub max: T,
}

impl AccessLinkFigures {
    /// Computes the figures of a run's links; `None` if no link has a limit.
    pub(crate) fn of(record: &RunRecord) -> Option<AccessLinkFigures> {
        let figures = |side: &LinkSideRecord| LinkSideFigures::of(side, record.elapsed);
        let (up, down) = (record.access_links.up.as_ref().map(figures), record.access_links.down.as_ref().map(figures));
        (up.is_some() || down.is_some()).then_some(AccessLinkFigures { up, down })
    }
}

impl LinkSideFigures {
    /// Computes the figures of one direction in a run that took `elapsed`.
    fn of(side: &LinkSideRecord, elapsed: Nanos) -> LinkSideFigures {
        let share = |busy: u64| Nanos(busy).as_secs_f64() / elapsed.as_secs_f64();
        let per_second = |bytes: u64| {
            let bits = u128::from(bytes) * 8_000_000_000 / u128::from(elapsed.0);
            u64::try_from(bits).unwrap_or(u64::MAX)
        };
        let has_time = elapsed > Nanos::ZERO;
        let spread = |place: usize, of: fn(&LinkUse) -> u64| {
            has_time.then(|| match &side.spread {
                Some(known) => Summary::from(&known[place]),
                None => Summary::of(side.used.iter().map(of)),
            })
        };
        LinkSideFigures {
            longest_queue_bytes: side.queue_bytes,
            longest_queue_ns: side.queue_drains_in.0,
            busiest_share: has_time.then(|| share(side.busiest.0)),
            used_bits_per_second: spread(0, |used| used.bytes).map(|bytes| LinkUseSpread::of(&bytes, per_second)),
            used_share: spread(1, |used| used.busy.0).map(|busy| LinkUseSpread::of(&busy, share)),
        }
    }
}

impl<T> LinkUseSpread<T> {
    fn of(counts: &Summary, figure: impl Fn(u64) -> T) -> LinkUseSpread<T> {
        LinkUseSpread { p50: figure(counts.p50), p99: figure(counts.p99), max: figure(counts.max) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_use_of_a_link_counts_over_the_time_of_the_run() {
        // A hundred nodes: number k carried k kilobytes, at a megabit a second 8 ms for each.
        let used = (1..=100).map(|k| LinkUse { bytes: 1_000 * k, busy: Nanos::from_millis(8 * k) }).rev().collect();
        let side = LinkSideRecord { busiest: Nanos::from_millis(800), used, ..LinkSideRecord::default() };
        let figures = LinkSideFigures::of(&side, Nanos::from_secs(2));
        let bits = LinkUseSpread { p50: 200_000, p99: 396_000, max: 400_000 };
        assert_eq!(figures.used_bits_per_second, Some(bits));
        assert_eq!(figures.used_share, Some(LinkUseSpread { p50: 0.2, p99: 0.396, max: 0.4 }));
        assert_eq!(figures.busiest_share, Some(0.4));
        let none = LinkSideFigures::of(&side, Nanos::ZERO);
        assert_eq!((none.busiest_share, none.used_bits_per_second, none.used_share), (None, None, None));
    }
}
