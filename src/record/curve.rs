//! The rise of an order's coverage where nodes fail or come and go. The record highs are enough to say when any share
//! was first held.

use crate::ratio::Ratio;
use crate::time::Nanos;

/// The instants at which a greater share of the nodes that were up had the order than ever before, ascending.
///
/// Coverage also falls: when nodes that have the order go down, or others come up without it. A share counts as reached
/// at the first instant at which it is held, no matter what follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoverageCurve(Vec<CurvePoint>);

/// One record high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurvePoint {
    /// Time since the injection.
    pub time: Nanos,
    /// Nodes that were up then and had the order.
    pub holders: u32,
    /// Nodes that were up then.
    pub up: u32,
}

impl CoverageCurve {
    /// Adds the state after all events of an instant; instants come in ascending order.
    pub fn note(&mut self, time: Nanos, holders: u32, up: u32) {
        let is_more =
            |last: &CurvePoint| u64::from(holders) * u64::from(last.up) > u64::from(last.holders) * u64::from(up);
        // With no node up there is no share.
        if self.0.last().map_or(holders > 0, is_more) {
            self.0.push(CurvePoint { time, holders, up });
        }
    }

    /// Returns true if all nodes that were up held the order at some time, which no later share can exceed.
    pub fn is_full(&self) -> bool {
        self.0.last().is_some_and(|last| last.holders == last.up)
    }

    /// Returns the first time at which this share was held; `None` if it never was.
    pub fn time_to(&self, share: Ratio) -> Option<Nanos> {
        let is_below = |high: &CurvePoint| u64::from(high.holders) < share.ceil_of(high.up.into());
        self.0.get(self.0.partition_point(is_below)).map(|high| high.time)
    }

    /// Returns the record highs, ascending.
    #[cfg(test)]
    pub fn highs(&self) -> &[CurvePoint] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_reached_when_it_is_first_held() {
        let mut curve = CoverageCurve::default();
        // No node up, half, less, the same half of more nodes, and three quarters although the number of holders is the
        // same.
        for (time, holders, up) in [(1, 0, 0), (2, 1, 2), (3, 1, 3), (4, 3, 6), (5, 3, 4), (6, 2, 9)] {
            curve.note(Nanos(time), holders, up);
        }
        assert_eq!(curve.highs().iter().map(|high| high.time.0).collect::<Vec<_>>(), [2, 5]);
        let to = |parts, whole| curve.time_to(Ratio::new(parts, whole).unwrap()).map(|time| time.0);
        assert_eq!([to(0, 1), to(1, 2), to(1_000_001, 2_000_000), to(3, 4)], [Some(2), Some(2), Some(5), Some(5)]);
        assert_eq!((to(76, 100), curve.is_full()), (None, false));
        curve.note(Nanos(7), 1, 1);
        assert_eq!((curve.time_to(Ratio::new(1, 1).unwrap()), curve.is_full()), (Some(Nanos(7)), true));
        assert_eq!(CoverageCurve::default().time_to(Ratio::new(0, 1).unwrap()), None);
    }
}
