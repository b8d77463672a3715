//! Doubts about runs with orders that no datagram holds: a size that cost no time, and nodes that ask again while an
//! order is still on its way. Orders of the usual size take next to no time, so nothing is said of them.

use crate::analysis::RunContext;
use crate::ids::NodeId;
use crate::network::{HEADER_BYTES, Network};
use crate::order::DATAGRAM_PAYLOAD_BYTES_MAX;
use crate::record::{Notice, ProtocolSource, RunRecord};
use crate::time::Nanos;
use crate::wire::message_bytes;

impl RunContext<'_> {
    /// Reports that large orders took no longer than small ones: in virtual time without access links, and in memory
    /// without a charge for their bytes.
    pub(super) fn weightless_orders(&self, record: &RunRecord) -> Option<Notice> {
        let payload_bytes = self.large_payload()?;
        let carrier = &self.scenario.carrier;
        let has_rates = self.network.is_some_and(|network| network.limited() != [false, false]);
        let is_weightless = match carrier.transport.is_virtual() {
            true => !has_rates,
            // Where parts of an order cross a socket, each of its bytes does.
            false => !carrier.charge_serialization && !carrier.transport.traits().encodes,
        };
        let is_virtual = carrier.transport.is_virtual();
        (is_weightless && record.ledger.sent > 0).then_some(Notice::SizeUnmet { payload_bytes, is_virtual })
    }

    /// Reports that nodes ask others for an order while its copies still wait for an uplink: a node may be asked by all
    /// to whom it has announced the order, and serves them one after the other.
    pub(super) fn early_retry(&self, record: &RunRecord) -> Option<Notice> {
        let payload_bytes = self.large_payload()?;
        let retry = self.scenario.protocol.retry.filter(|_| record.protocol == ProtocolSource::Scenario)?;
        let copy_takes = slowest_uplink(self.network?, record.nodes, message_bytes(payload_bytes))?;
        let copies = u64::from(self.scenario.protocol.fanout).min(record.nodes.into());
        let copies_take = Nanos(copy_takes.0.saturating_mul(copies));
        let latency = self.scenario.network.as_ref().map_or(Nanos::ZERO, |network| network.longest());
        (copies_take > retry).then(|| Notice::RetryEarly {
            retry,
            payload_bytes,
            copy_takes,
            copies,
            raise_to: whole_seconds(copies_take + latency + latency),
        })
    }

    /// Returns the bytes of the largest payload, if no datagram holds it.
    fn large_payload(&self) -> Option<u32> {
        let largest = self.payload_bytes.iter().copied().max()?;
        (largest as usize > DATAGRAM_PAYLOAD_BYTES_MAX).then_some(largest)
    }
}

/// Returns the time that a message takes on the slowest uplink; `None` if no uplink has a rate.
fn slowest_uplink(network: &Network, nodes: u32, message_bytes: u32) -> Option<Nanos> {
    let [has_uplinks, _] = network.limited();
    let nodes = if has_uplinks { nodes } else { 0 };
    let uplinks = (0..nodes).filter_map(|node| network.access_links(NodeId(node)).up);
    uplinks.map(|rate| rate.time(message_bytes + HEADER_BYTES)).max()
}

/// Rounds up to a whole second.
fn whole_seconds(time: Nanos) -> Nanos {
    Nanos::from_secs(time.0.div_ceil(1_000_000_000))
}
