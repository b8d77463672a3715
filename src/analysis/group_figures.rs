//! The figures of each group of nodes (region, class, side of a mix), where there are any.

use super::delays::fraction_of;
use super::percentiles::{nearest_rank, share};
use crate::record::{GroupDelays, GroupKind, GroupRecord};
use serde::Serialize;

/// The figures of a group of nodes. With many orders, counts are sums over all orders.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupFigures {
    /// The property that they share.
    pub kind: GroupKind,
    /// Name of the group.
    pub name: String,
    /// Number of nodes in the group.
    pub nodes: u64,
    /// Nodes of the group that coverage counts.
    pub counted: u64,
    /// Counted nodes that have the order.
    pub reached: u64,
    /// Share of the counted nodes that have it, 0 to 1.
    pub coverage: f64,
    /// Counted nodes that do not have it.
    pub residue: u64,
    /// Delay that half of the reached nodes do not exceed, in nanoseconds, to three digits where a bulk has more than
    /// 2^24 receipts; `None`, like the others, if none was reached.
    pub delay_p50_ns: Option<u64>,
    /// Delay that 90 % do not exceed, in nanoseconds.
    pub delay_p90_ns: Option<u64>,
    /// Delay that 99 % do not exceed, in nanoseconds.
    pub delay_p99_ns: Option<u64>,
    /// Greatest delay, in nanoseconds.
    pub delay_max_ns: Option<u64>,
    /// Messages with an order that its node had already, or had forgotten; `None` where traffic was not kept by node.
    pub duplicates: Option<u64>,
    /// Bytes received by the group, as UDP payload; `None` where traffic was not kept by node.
    pub bytes_in: Option<u64>,
    /// Bytes sent by the group, as UDP payload; `None` where traffic was not kept by node.
    pub bytes_out: Option<u64>,
}

impl GroupFigures {
    /// Computes the figures of one group.
    pub(crate) fn of(record: &GroupRecord) -> GroupFigures {
        let reached = record.delays.count();
        let at = |percent: u64| match &record.delays {
            GroupDelays::Each(ascending) => nearest_rank(ascending, share(percent, 100)),
            GroupDelays::Counted(delays) => delays.permille(10 * percent).map(|delay| delay.0),
        };
        GroupFigures {
            kind: record.kind,
            name: record.name.clone(),
            nodes: record.nodes,
            counted: record.counted,
            reached,
            coverage: fraction_of(reached, record.counted),
            residue: record.counted.saturating_sub(reached),
            delay_p50_ns: at(50),
            delay_p90_ns: at(90),
            delay_p99_ns: at(99),
            delay_max_ns: at(100),
            duplicates: record.duplicates,
            bytes_in: record.bytes_in,
            bytes_out: record.bytes_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Nanos;

    #[test]
    fn both_forms_of_delays_say_the_same_to_three_digits() {
        for mut delays in [GroupDelays::none(1, 1), GroupDelays::none(u32::MAX, 2)] {
            let of = |delays: GroupDelays| {
                let (kind, name) = (GroupKind::Region, String::new());
                let group = GroupRecord {
                    kind,
                    name,
                    nodes: 9,
                    counted: 9,
                    delays,
                    duplicates: None,
                    bytes_in: None,
                    bytes_out: None,
                };
                let figures = GroupFigures::of(&group);
                [figures.delay_p50_ns, figures.delay_p90_ns, figures.delay_p99_ns, figures.delay_max_ns]
            };
            assert_eq!(of(delays.clone()), [None; 4]);
            (1..=200).rev().for_each(|delay| delays.add(Nanos(delay)));
            let other = delays.clone();
            delays.merge(&other);
            delays.sort();
            assert_eq!(of(delays), [Some(100), Some(180), Some(198), Some(200)]);
        }
    }
}
