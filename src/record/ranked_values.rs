//! The values of many nodes, of which only those at certain ranks are known: enough for every figure that is shown of
//! them, where no process has all.

use serde::{Deserialize, Serialize};

/// A distribution of values, exact at the ranks at which its steps end, and in its sum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankedValues {
    /// Values, ascending, each with the number of ranks that it stands for.
    steps: Vec<(u64, u64)>,
    sum: u128,
}

impl RankedValues {
    /// Creates the distribution of values with this sum, of which those at some ranks are known. The ranks, counted
    /// from 1, ascend, and the last is the number of values.
    pub fn new(known: &[(u64, u64)], sum: u128) -> RankedValues {
        let mut last = 0;
        let steps = known.iter().map(|&(rank, value)| (value, rank - std::mem::replace(&mut last, rank))).collect();
        RankedValues { steps, sum }
    }

    /// Returns the values that are known, ascending, each with the number of ranks that it stands for.
    pub fn steps(&self) -> &[(u64, u64)] {
        &self.steps
    }

    /// Returns the sum of all values.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Counts the values.
    pub fn count(&self) -> u64 {
        self.steps.iter().map(|step| step.1).sum()
    }

    /// Returns the value at a rank, counted from 1; `None` if there are not as many.
    pub fn at_rank(&self, rank: u64) -> Option<u64> {
        let mut passed = 0;
        self.steps.iter().find_map(|&(value, count)| {
            passed += count;
            (passed >= rank).then_some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_exact() {
        let distribution = RankedValues::new(&[(1, 4), (5, 9), (6, 30)], 70);
        assert_eq!((distribution.count(), distribution.sum()), (6, 70));
        assert_eq!([1, 5, 6, 7].map(|rank| distribution.at_rank(rank)), [Some(4), Some(9), Some(30), None]);
        assert_eq!(distribution.steps(), [(4, 1), (9, 4), (30, 1)]);
        assert_eq!((RankedValues::new(&[], 0).count(), RankedValues::default().at_rank(1)), (0, None));
    }
}
