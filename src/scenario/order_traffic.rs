//! The messages and bytes that one order takes to reach all nodes, as far as the options of a scenario tell.

use super::{OverlayOptions, ProtocolOptions, WorkloadOptions};
use crate::topology::TopologySpec;
use crate::wire::message_bytes;

/// Returns the number of messages with content if every node sends what it may.
pub(super) fn order_messages(overlay: &OverlayOptions, protocol: &ProtocolOptions, workload: &WorkloadOptions) -> u64 {
    let peers = protocol.spec.neighbours_max().unwrap_or(overlay.peers).max(1);
    let copies = match protocol.spec.traits() {
        // Flood, where each node is a peer of all.
        traits if traits.is_first_message && !traits.takes_fanout && overlay.topology == TopologySpec::Complete => {
            overlay.nodes - 1
        }
        traits if !traits.takes_fanout => peers,
        _ if protocol.spec.membership.is_some() => protocol.fanout.min(peers),
        _ => protocol.fanout,
    };
    // Each node gets each part once.
    let parts = protocol.spec.parts_of(workload.payload_bytes.most());
    u64::from(parts.unwrap_or(copies.min(overlay.nodes))) * u64::from(overlay.nodes)
}

/// Returns the bytes of these messages where they are encoded.
pub(super) fn order_traffic_bytes(
    overlay: &OverlayOptions,
    protocol: &ProtocolOptions,
    workload: &WorkloadOptions,
) -> u64 {
    let payload = workload.payload_bytes.most();
    match protocol.spec.encoded_part_bytes(payload) {
        0 => order_messages(overlay, protocol, workload).saturating_mul(message_bytes(payload).into()),
        parts => parts.saturating_mul(overlay.nodes.into()),
    }
}
