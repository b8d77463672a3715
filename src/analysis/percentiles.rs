//! Order statistics by nearest rank: every figure shown is one that was measured, none is interpolated.
//!
//! Refused: a histogram with bounded error (all values of a run are in memory, so exact costs one sort), and
//! interpolation (between two receipts nothing happened).

use crate::ratio::Ratio;
use crate::record::RankedValues;
use serde::Serialize;

/// Makes the share of `parts` in `whole`, for percentiles written as constants.
pub(crate) const fn share(parts: u64, whole: u64) -> Ratio {
    Ratio::new(parts, whole).expect("a percentile is a share")
}

/// Returns the least value that at least the given share of all values do not exceed; `None` if there are no values.
///
/// `ascending` must be sorted. The rank is rounded up, and at least 1.
pub(crate) fn nearest_rank(ascending: &[u64], share: Ratio) -> Option<u64> {
    let rank = share.ceil_of(ascending.len() as u64).max(1);
    ascending.get(rank as usize - 1).copied()
}

/// The distribution of a count over all nodes, unreached ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Arithmetic mean, 0 for no nodes.
    pub mean: f64,
    /// Count that half of the nodes do not exceed.
    pub p50: u64,
    /// Count that 90 % do not exceed.
    pub p90: u64,
    /// Count that 99 % do not exceed.
    pub p99: u64,
    /// Greatest count.
    pub max: u64,
}

impl Summary {
    /// Summarizes one value per node, in any order.
    pub(crate) fn of(values: impl Iterator<Item = u64>) -> Summary {
        let mut ascending: Vec<u64> = values.collect();
        ascending.sort_unstable();
        let sum: u128 = ascending.iter().map(|&value| u128::from(value)).sum();
        let at = |parts| nearest_rank(&ascending, share(parts, 100)).unwrap_or(0);
        Summary {
            mean: sum as f64 / ascending.len().max(1) as f64,
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: at(100),
        }
    }
}

impl From<&RankedValues> for Summary {
    /// Summarizes values whose ranks are known.
    fn from(values: &RankedValues) -> Summary {
        let count = values.count();
        let at = |parts| values.at_rank(share(parts, 100).ceil_of(count).max(1)).unwrap_or(0);
        Summary { mean: values.sum() as f64 / count.max(1) as f64, p50: at(50), p90: at(90), p99: at(99), max: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nearest_rank_is_a_measured_value() {
        let values = [15, 20, 35, 40, 50];
        for (parts, value) in [(0, 15), (5, 15), (30, 20), (40, 20), (50, 35), (100, 50)] {
            assert_eq!(nearest_rank(&values, share(parts, 100)), Some(value), "{parts} %");
        }
        assert_eq!(nearest_rank(&[], share(1, 2)), None);
    }

    #[test]
    fn no_nodes_spread_over_nothing() {
        assert_eq!(Summary::of(std::iter::empty()), Summary::default());
    }

    proptest! {
        #[test]
        fn percentiles_ascend(values in prop::collection::vec(0..1_u64 << 40, 1..200)) {
            let spread = Summary::of(values.iter().copied());
            prop_assert!(spread.p50 <= spread.p90 && spread.p90 <= spread.p99 && spread.p99 <= spread.max);
            prop_assert_eq!(spread.max, values.iter().copied().max().unwrap());
            prop_assert!(spread.mean.is_finite() && spread.mean <= spread.max as f64);
        }
    }
}
