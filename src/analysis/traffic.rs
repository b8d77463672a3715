//! The traffic of nodes: of each, or where no process has that, its spread over all.

use super::percentiles::Summary;
use crate::record::{RunRecord, Traffic};
use serde::Serialize;

/// Bytes of UDP payload per node.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BytesPerNode {
    /// Bytes received.
    #[serde(rename = "in")]
    pub received: Summary,
    /// Bytes sent.
    #[serde(rename = "out")]
    pub sent: Summary,
}

/// Summarizes the duplicates of each node; returns `None` where they were not kept.
pub(super) fn duplicates_per_node(RunRecord { traffic, traffic_summary, .. }: &RunRecord) -> Option<Summary> {
    if let Some(summary) = traffic_summary {
        return Some(Summary::from(&summary.duplicates));
    }
    (!traffic.is_empty()).then(|| Summary::of(traffic.iter().map(Traffic::duplicates)))
}

/// Returns the bytes sent by the nodes, or where that was not kept, the number of messages times the size of a
/// datagram.
pub(super) fn bytes(record: &RunRecord) -> u64 {
    if let Some(summary) = &record.traffic_summary {
        return summary.bytes_out.sum() as u64;
    }
    match &record.traffic[..] {
        [] => record.ledger.sent * u64::from(record.datagram_bytes),
        traffic => traffic.iter().map(|traffic| traffic.bytes_out).sum(),
    }
}

/// Returns the bytes sent for each of this many receipts; `None` without any.
pub(super) fn bytes_per_receipt(record: &RunRecord, receipts: u64) -> Option<f64> {
    (receipts > 0).then(|| bytes(record) as f64 / receipts as f64)
}

/// Summarizes the bytes of each node; returns `None` where they were not kept.
pub(super) fn bytes_per_node(RunRecord { traffic, traffic_summary, .. }: &RunRecord) -> Option<BytesPerNode> {
    if let Some(summary) = traffic_summary {
        let (received, sent) = (Summary::from(&summary.bytes_in), Summary::from(&summary.bytes_out));
        return Some(BytesPerNode { received, sent });
    }
    (!traffic.is_empty()).then(|| BytesPerNode {
        received: Summary::of(traffic.iter().map(|node| node.bytes_in)),
        sent: Summary::of(traffic.iter().map(|node| node.bytes_out)),
    })
}
