//! The kind of storage that a run uses: that of its carrier, or of the algorithm that computes it.

use crate::engine::{Algorithm, RunProperties};
use crate::network::{FaultSpec, Latency, LatencySpec, NetworkSpec, Paths};
use crate::scenario::{ProtocolTraits, Scenario};
use crate::time::Nanos;

/// The kind of storage that a run uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StorageShape {
    Hops,
    Fast,
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
