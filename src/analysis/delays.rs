//! Delays of an order: percentiles over the reached nodes, times to shares of all nodes, and ten equal bins.
//!
//! Two populations are kept apart on purpose. A delay percentile is over the nodes that were *reached*; a time to
//! coverage is over *all* nodes, and does not exist if too few were reached. An origin counts in both, at time 0.

use super::percentiles::share;
use crate::ratio::Ratio;
use crate::record::{CoverageCurve, Receipts, RunRecord};
use serde::Serialize;

/// Number of bins for the delays.
pub const BINS: usize = 10;

/// Percentiles of the delay over the reached nodes, in nanoseconds, by nearest rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DelayFigures {
    /// Delay that half of the reached nodes do not exceed.
    pub p50: u64,
    /// Delay that 90 % do not exceed.
    pub p90: u64,
    /// Delay that 95 % do not exceed.
    pub p95: u64,
    /// Delay that 99 % do not exceed.
    pub p99: u64,
    /// Delay that 99.9 % do not exceed.
    pub p99_9: u64,
    /// Greatest delay.
    pub max: u64,
    /// Arithmetic mean, to the nearest nanosecond.
    pub mean: u64,
}

/// Times at which given shares of all nodes had the order, in nanoseconds since the injection; `None` if they never
/// had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TimeTo {
    /// Half of the nodes.
    #[serde(rename = "50")]
    pub half: Option<u64>,
    /// 90 % of them.
    #[serde(rename = "90")]
    pub percent_90: Option<u64>,
    /// 95 % of them.
    #[serde(rename = "95")]
    pub percent_95: Option<u64>,
    /// 99 % of them.
    #[serde(rename = "99")]
    pub percent_99: Option<u64>,
    /// All of them.
    #[serde(rename = "100")]
    pub all: Option<u64>,
}

/// The reached nodes whose delay lies in `from_ns..to_ns`; the last bin holds `to_ns` too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bin {
    /// Least delay, in nanoseconds.
    pub from_ns: u64,
    /// First delay of the next bin; in the last bin, the greatest delay of all.
    pub to_ns: u64,
    /// Number of nodes.
    pub nodes: u64,
}

/// The delays of the reached nodes, and the number of all nodes.
pub(crate) struct Delays<'a> {
    reached: Reached,
    nodes: u64,
    /// The rise of coverage, if nodes fail or come and go.
    curve: Option<&'a CoverageCurve>,
}

/// Divides a part by the whole; 0 if the whole is 0.
pub(crate) fn fraction_of(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The known delays.
enum Reached {
    /// Every delay, ascending.
    Each(Vec<u64>),
    /// Delays, ascending, with their counts, and the exact sum of all. With many orders all delays but the greatest are
    /// rounded to three digits; of a summary they are exact where a figure needs them.
    Steps(Vec<(u64, u64)>, u128),
}

impl Delays<'_> {
    /// Collects the delays of a run.
    pub(crate) fn of(record: &RunRecord) -> Delays<'_> {
        let reached = match (&record.bulk, &*record.counted_receipts()) {
            (Some(bulk), _) => {
                Reached::Steps(bulk.delays.iter().map(|(delay, count)| (delay.0, count)).collect(), bulk.delays.sum())
            }
            (None, Receipts::ByHop(by_hop)) => {
                let hops = (0..).zip(&by_hop.counts).filter(|&(_, &count)| count > 0);
                let steps: Vec<(u64, u64)> = hops.map(|(hop, &count)| (by_hop.time_of(hop).0, count)).collect();
                let sum = steps.iter().map(|&(delay, count)| u128::from(delay) * u128::from(count)).sum();
                Reached::Steps(steps, sum)
            }
            (None, Receipts::Summary(summary)) => Reached::Steps(summary.delays.steps().to_vec(), summary.delays.sum()),
            (None, receipts) => {
                let reached = receipts.iter().filter(|receipt| receipt.is_reached());
                let mut ascending: Vec<u64> = reached.map(|receipt| receipt.time.0).collect();
                ascending.sort_unstable();
                Reached::Each(ascending)
            }
        };
        Delays { reached, nodes: record.counted(), curve: record.curve.as_ref() }
    }

    /// Counts the nodes that have the order; with many orders the sum over all.
    pub(crate) fn reached(&self) -> u64 {
        match &self.reached {
            Reached::Each(ascending) => ascending.len() as u64,
            Reached::Steps(steps, _) => steps.iter().map(|&(_, count)| count).sum(),
        }
    }

    /// Counts the nodes that coverage counts; with many orders the sum over all.
    pub(crate) fn all(&self) -> u64 {
        self.nodes
    }

    /// Counts the nodes that had the order at `time`, in nanoseconds since the injection.
    pub(crate) fn reached_by(&self, time: u64) -> u64 {
        self.count_while(|delay| delay <= time)
    }

    /// Counts the delays before the first for which `is_such` does not hold.
    fn count_while(&self, is_such: impl Fn(u64) -> bool) -> u64 {
        match &self.reached {
            Reached::Each(ascending) => ascending.partition_point(|&delay| is_such(delay)) as u64,
            Reached::Steps(steps, _) => {
                steps.iter().take_while(|&&(delay, _)| is_such(delay)).map(|&(_, count)| count).sum()
            }
        }
    }

    /// Returns the delay at a rank, counted from 1.
    fn at_rank(&self, rank: u64) -> Option<u64> {
        match &self.reached {
            Reached::Each(ascending) => ascending.get(rank.checked_sub(1)? as usize).copied(),
            Reached::Steps(steps, _) => {
                let mut passed = 0;
                steps.iter().find_map(|&(delay, count)| {
                    passed += count;
                    (passed >= rank).then_some(delay)
                })
            }
        }
    }

    /// Returns the time at which this share of the nodes that were up had the order, rounded up to whole nodes and at
    /// least one.
    pub(crate) fn time_to(&self, share: Ratio) -> Option<u64> {
        match self.curve {
            Some(curve) => curve.time_to(share).map(|time| time.0),
            None => self.at_rank(share.ceil_of(self.nodes).max(1)),
        }
    }

    /// Computes the times to the usual shares.
    pub(crate) fn times(&self) -> TimeTo {
        let to = |percent| self.time_to(share(percent, 100));
        TimeTo { half: to(50), percent_90: to(90), percent_95: to(95), percent_99: to(99), all: to(100) }
    }

    /// Computes the percentiles; `None` if no node was reached.
    pub(crate) fn figures(&self) -> Option<DelayFigures> {
        let at = |parts, whole| self.at_rank(share(parts, whole).ceil_of(self.reached()).max(1));
        Some(DelayFigures {
            p50: at(50, 100)?,
            p90: at(90, 100)?,
            p95: at(95, 100)?,
            p99: at(99, 100)?,
            p99_9: at(999, 1_000)?,
            max: at(1, 1)?,
            mean: self.mean()?,
        })
    }

    fn mean(&self) -> Option<u64> {
        let count = u128::from(self.reached());
        let sum: u128 = match &self.reached {
            Reached::Each(ascending) => ascending.iter().map(|&delay| u128::from(delay)).sum(),
            Reached::Steps(_, sum) => *sum,
        };
        (sum + count / 2).checked_div(count).map(|mean| mean as u64)
    }

    /// Sorts the delays into ten bins of equal width from 0 to the greatest; their counts sum to the reached nodes.
    ///
    /// Edge `i` is `floor(i x greatest / 10)`. A delay belongs to the last bin whose first edge does not exceed it, so
    /// the greatest falls into the tenth, and so does every delay if the greatest is 0.
    pub(crate) fn bins(&self) -> [Bin; BINS] {
        let greatest = self.at_rank(self.reached()).unwrap_or(0);
        let edge = |i: usize| (u128::from(greatest) * i as u128 / BINS as u128) as u64;
        let below = |i: usize| match i {
            BINS => self.reached(),
            _ => self.count_while(|delay| delay < edge(i)),
        };
        std::array::from_fn(|i| Bin { from_ns: edge(i), to_ns: edge(i + 1), nodes: below(i + 1) - below(i) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn delays(mut ascending: Vec<u64>, unreached: u64) -> Delays<'static> {
        ascending.sort_unstable();
        Delays { nodes: ascending.len() as u64 + unreached, reached: Reached::Each(ascending), curve: None }
    }

    #[test]
    fn an_edge_belongs_to_the_bin_it_opens() {
        let bins = delays(vec![0, 99, 100, 101, 999, 1_000], 0).bins();
        assert_eq!(bins.map(|bin| bin.nodes), [2, 2, 0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!((bins[1].from_ns, bins[1].to_ns), (100, 200));
        assert_eq!(bins[9].to_ns, 1_000);
    }

    #[test]
    fn all_at_time_zero_are_in_the_last_bin() {
        let bins = delays(vec![0, 0, 0], 0).bins();
        assert_eq!(bins.map(|bin| bin.nodes), [0, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
    }

    #[test]
    fn none_reached_has_no_delay() {
        let none = delays(vec![], 7);
        assert_eq!(none.figures(), None);
        assert_eq!(
            none.times(),
            TimeTo { half: None, percent_90: None, percent_95: None, percent_99: None, all: None }
        );
        assert_eq!(none.bins().map(|bin| bin.nodes), [0; BINS]);
    }

    #[test]
    fn shares_are_of_all_nodes_and_percentiles_of_the_reached() {
        let some = delays((1..=90).collect(), 10);
        assert_eq!(some.times().half, Some(50));
        assert_eq!(some.times().percent_90, Some(90));
        assert_eq!(some.times().percent_95, None);
        assert_eq!(some.figures().map(|figures| (figures.p50, figures.mean)), Some((45, 46)));
        assert_eq!(some.reached_by(50), 50);
    }

    #[test]
    fn rounded_delays_are_read_as_if_each_stood_there() {
        let rounded = Delays { nodes: 10, reached: Reached::Steps(vec![(10, 3), (20, 1), (40, 2)], 130), curve: None };
        let each = delays(vec![10, 10, 10, 20, 40, 40], 4);
        assert_eq!((rounded.figures(), rounded.times()), (each.figures(), each.times()));
        assert_eq!((rounded.bins(), rounded.reached_by(20)), (each.bins(), 4));
    }

    proptest! {
        #[test]
        fn bins_sum_to_the_reached(
            values in prop::collection::vec(prop_oneof![0..50_u64, any::<u64>()], 0..300),
            unreached in 0..50_u64,
        ) {
            let all = delays(values, unreached);
            let bins = all.bins();
            prop_assert_eq!(bins.iter().map(|bin| bin.nodes).sum::<u64>(), all.reached());
            prop_assert!(bins.windows(2).all(|pair| pair[0].to_ns == pair[1].from_ns));
            prop_assert!(all.reached() == 0 || bins[BINS - 1].nodes > 0);
        }

        #[test]
        fn percentiles_ascend(values in prop::collection::vec(any::<u64>(), 1..300)) {
            let DelayFigures { p50, p90, p95, p99, p99_9, max, mean } = delays(values, 0).figures().unwrap();
            prop_assert!([p50, p90, p95, p99, p99_9, max].is_sorted());
            prop_assert!(mean <= max);
        }
    }
}
