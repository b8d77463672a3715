//! The delays of a group of nodes: each of them, or a histogram where a bulk has too many to keep.

use super::DelayHistogram;
use crate::time::Nanos;

/// The delays of first receipts at a group of nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupDelays {
    /// All of them, in nanoseconds.
    Each(Vec<u64>),
    /// To three digits, the extremes exactly.
    Counted(Box<DelayHistogram>),
}

impl GroupDelays {
    /// The most receipts of a bulk whose delays are kept each: 2^24, which take 128 MiB.
    pub const EACH_MAX: u64 = 1 << 24;

    /// Creates the delays of no receipt, in a run of this many nodes and orders.
    pub fn none(nodes: u32, orders: usize) -> GroupDelays {
        let is_many = orders > 1 && u64::from(nodes).saturating_mul(orders as u64) > Self::EACH_MAX;
        if is_many { GroupDelays::Counted(Box::default()) } else { GroupDelays::Each(Vec::new()) }
    }

    /// Adds a delay.
    #[inline]
    pub fn add(&mut self, delay: Nanos) {
        match self {
            GroupDelays::Each(delays) => delays.push(delay.0),
            GroupDelays::Counted(delays) => delays.record(delay),
        }
    }

    /// Adds other delays of the same group.
    pub fn merge(&mut self, other: &GroupDelays) {
        match (self, other) {
            (GroupDelays::Counted(sum), GroupDelays::Counted(other)) => sum.merge(other),
            (GroupDelays::Each(all), GroupDelays::Each(other)) => all.extend(other),
            (GroupDelays::Counted(sum), GroupDelays::Each(other)) => {
                other.iter().for_each(|&delay| sum.record(Nanos(delay)))
            }
            (GroupDelays::Each(_), GroupDelays::Counted(_)) => unreachable!("all delays of a run are kept alike"),
        }
    }

    /// Counts the delays.
    pub fn count(&self) -> u64 {
        match self {
            GroupDelays::Each(delays) => delays.len() as u64,
            GroupDelays::Counted(delays) => delays.count(),
        }
    }

    /// Returns the delays, in nanoseconds, that these thousandths do not exceed, by nearest rank; `None` if there is no
    /// delay.
    pub fn permilles<const N: usize>(&self, permilles: [u64; N]) -> [Option<u64>; N] {
        match self {
            GroupDelays::Counted(delays) => permilles.map(|permille| delays.permille(permille).map(|delay| delay.0)),
            GroupDelays::Each(delays) => {
                let mut ascending = delays.clone();
                ascending.sort_unstable();
                let rank = |permille: u64| (ascending.len() as u64 * permille).div_ceil(1_000).max(1);
                permilles.map(|permille| ascending.get(rank(permille) as usize - 1).copied())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same_to_three_digits() {
        let mut forms = [GroupDelays::none(1 << 23, 2), GroupDelays::none((1 << 23) + 1, 2)];
        assert!(matches!(forms, [GroupDelays::Each(_), GroupDelays::Counted(_)]));
        assert_eq!(GroupDelays::none(u32::MAX, 1), forms[0], "a single order has each");
        for delays in &mut forms {
            assert_eq!((delays.count(), delays.permilles([500, 1_000])), (0, [None, None]));
            (1..=200).rev().for_each(|delay| delays.add(Nanos(delay)));
            let other = delays.clone();
            delays.merge(&other);
            assert_eq!(delays.count(), 400);
            assert_eq!(delays.permilles([1, 500, 900, 1_000]), [Some(1), Some(100), Some(180), Some(200)]);
        }
    }
}
