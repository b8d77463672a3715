//! The delays of a group of nodes: each of them, or a histogram where a bulk has too many to keep.

use super::DelayHistogram;
use crate::time::Nanos;

/// The delays of first receipts at a group of nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupDelays {
    /// All of them, in nanoseconds; ascending once [`sort`](Self::sort) was called.
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

    /// Sorts the delays, where each is kept.
    pub fn sort(&mut self) {
        if let GroupDelays::Each(delays) = self {
            delays.sort_unstable();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_kept_each_up_to_a_limit_and_counted_beyond() {
        let mut forms = [GroupDelays::none(1 << 23, 2), GroupDelays::none((1 << 23) + 1, 2)];
        assert!(matches!(forms, [GroupDelays::Each(_), GroupDelays::Counted(_)]));
        assert_eq!(GroupDelays::none(u32::MAX, 1), forms[0], "a single order has each");
        for delays in &mut forms {
            assert_eq!(delays.count(), 0);
            (1..=200).rev().for_each(|delay| delays.add(Nanos(delay)));
            let other = delays.clone();
            delays.merge(&other);
            delays.sort();
            assert_eq!(delays.count(), 400);
        }
        let [GroupDelays::Each(each), GroupDelays::Counted(_)] = forms else { panic!("forms do not change") };
        assert!(each.is_sorted());
    }
}
