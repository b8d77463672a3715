//! The figures of each region and of each class of node, where there are any.

use super::delays::fraction_of;
use super::percentiles::{nearest_rank, share};
use crate::record::{GroupKind, GroupRecord};
use serde::Serialize;

/// The figures of some of the nodes. With many orders, counts are sums over all of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupFigures {
    /// What they have in common.
    pub kind: GroupKind,
    /// What they are called.
    pub name: String,
    /// How many they are.
    pub nodes: u64,
    /// Those that coverage counts.
    pub counted: u64,
    /// Those of them that have the order.
    pub reached: u64,
    /// They as a share of the nodes counted, 0 to 1.
    pub coverage: f64,
    /// Nodes counted that do not have it.
    pub residue: u64,
    /// The delay that half of those reached do not exceed, in nanoseconds; `None`, as the others, where none was reached.
    pub delay_p50_ns: Option<u64>,
    /// That 90 % do not exceed.
    pub delay_p90_ns: Option<u64>,
    /// That 99 % do not exceed.
    pub delay_p99_ns: Option<u64>,
    /// The greatest.
    pub delay_max_ns: Option<u64>,
    /// Bytes that they received, as UDP payload; `None` where traffic was not kept by node.
    pub bytes_in: Option<u64>,
    /// Bytes that they sent, as UDP payload; `None` where traffic was not kept by node.
    pub bytes_out: Option<u64>,
}

impl GroupFigures {
    /// The figures of one group.
    pub(crate) fn of(record: &GroupRecord) -> GroupFigures {
        let reached = record.delays.len() as u64;
        let at = |parts| nearest_rank(&record.delays, share(parts, 100));
        GroupFigures {
            kind: record.kind,
            name: record.name.clone(),
            nodes: record.nodes,
            counted: record.counted,
            reached,
            coverage: fraction_of(reached, record.counted),
            residue: record.counted - reached,
            delay_p50_ns: at(50),
            delay_p90_ns: at(90),
            delay_p99_ns: at(99),
            delay_max_ns: at(100),
            bytes_in: record.bytes_in,
            bytes_out: record.bytes_out,
        }
    }
}
