//! The kind of storage that a run uses: that of its carrier, or of the algorithm that computes it.

use crate::engine::{Algorithm, PLACES_TOGETHER, RunProperties};
use crate::network::{FaultSpec, Latency, LatencySpec, NetworkSpec, Paths};
use crate::record::GroupDelays;
use crate::scenario::{ProtocolTraits, Scenario};
use crate::time::Nanos;

/// The kind of storage that a run uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StorageShape {
    Hops,
    Fast,
    OrderByOrder,
    General,
    Carrier,
}

impl StorageShape {
    /// Returns the kind of storage that the scenario's carrier or algorithm uses, as far as the scenario determines it.
    /// A scenario that the engine will reject counts as the algorithm that stores most.
    pub(super) fn of(scenario: &Scenario, protocol: ProtocolTraits) -> StorageShape {
        if !scenario.carrier.transport.is_virtual() {
            return StorageShape::Carrier;
        }
        let Some(network) = &scenario.network else { return StorageShape::General };
        match Algorithm::choose(scenario.carrier.engine, &properties(scenario, protocol, network)) {
            Ok(Algorithm::Hops { .. }) => StorageShape::Hops,
            Ok(Algorithm::ShortestPath) => StorageShape::Fast,
            Ok(Algorithm::OrderByOrder) => StorageShape::OrderByOrder,
            Ok(Algorithm::Windowed | Algorithm::EventByEvent) | Err(_) => StorageShape::General,
        }
    }
}

/// Returns the properties of the scenario's run, as far as the scenario determines them. A matrix of regions is not
/// read: its least latency is assumed to be above 0, as that of every published one is.
fn properties(scenario: &Scenario, protocol: ProtocolTraits, network: &NetworkSpec) -> RunProperties {
    let NetworkSpec { paths, loss, duplicate, bandwidth, processing, places, is_ordered: _, links } = network;
    let holds_up = network.keeps_order() && scenario.orders() != 1;
    let has_lines = places.listed().is_some_and(|file| file.own_lines().is_some());
    let is_plain = duplicate.is_zero() && bandwidth.is_none() && processing.0 == 0 && !has_lines;
    let is_faultless = scenario.failures.faults == FaultSpec::default() && scenario.failures.adversary.0.is_empty();
    let constant = match paths {
        Paths::Latency(LatencySpec { link: None, message: Some(Latency::Constant(time)), is_ordered: _ }) => {
            Some(*time)
        }
        _ => None,
    };
    RunProperties {
        duplicates_are_inert: protocol.is_first_message,
        // The runner of a traced scenario asks for the general engine.
        is_traced: false,
        orders: scenario.orders(),
        is_plain: is_plain && is_faultless && !holds_up,
        constant_latency: constant.filter(|_| is_plain && links.is_none() && loss.mean() == 0.0),
        least_latency: network.least(Nanos(1)),
        // An only order is published at time 0, and no path of messages takes longer than a compact receipt can say.
        fits_compact_receipts: true,
    }
}

/// Returns the bytes of a worker that computes orders one by one, but for its traffic.
pub(super) fn order_by_order_bytes(nodes: u64) -> u64 {
    nodes.max(PLACES_TOGETHER.into()) * PLACE_BYTES + nodes * size_of::<Nanos>() as u64 + 2 * HISTOGRAM_BYTES
}

/// Returns the bytes of the delays of a bulk by region, if nodes are in regions: each worker's, and all together.
pub(super) fn group_delay_bytes(scenario: &Scenario) -> u64 {
    let has_regions = scenario.network.as_ref().is_some_and(|network| matches!(network.paths, Paths::Regions(_)));
    let receipts = u64::from(scenario.overlay.nodes).saturating_mul(scenario.orders().into());
    if has_regions { 16 * receipts.min(GroupDelays::EACH_MAX) } else { 0 }
}

/// Bytes of a histogram of delays: each worker has one, and all have one together.
const HISTOGRAM_BYTES: u64 = 450_000;

/// Bytes of each place that a worker has where orders are computed one by one: its receipt, its counts, its bit, and
/// its entries in the calendar and in a window.
const PLACE_BYTES: u64 = 12 + 8 + 1 + 12 + 16;
