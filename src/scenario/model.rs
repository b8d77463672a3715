//! The modelled network among the options: what was asked of it, whether that can stand together, and how it is asked again.

use super::error::ScenarioError;
use super::{Draft, Scenario, TransportKind};
use crate::behaviour::AdversarySpec;
use crate::network::{FaultSpec, NetworkSpec, Paths};

/// The options of the modelled network, as `[network]` in a file takes them; `name` stands there for `network`.
pub(super) const OPTIONS: [&str; 11] = [
    "network",
    "latency",
    "loss",
    "duplicate",
    "bandwidth",
    "processing",
    "down",
    "churn",
    "partition",
    "nat",
    "adversary",
];

/// What the options make of the network and of those in it.
pub(super) struct Model {
    pub(super) network: Option<NetworkSpec>,
    pub(super) faults: FaultSpec,
    pub(super) adversary: AdversarySpec,
}

/// The model that a draft asks for: none on a real carrier, where each of the options is refused.
pub(super) fn model(draft: &Draft, transport: TransportKind) -> Result<Model, ScenarioError> {
    if !transport.is_virtual() {
        return match first_asked(draft) {
            Some(option) => Err(ScenarioError::NoModel { option, transport }),
            None => Ok(Model { network: None, faults: FaultSpec::default(), adversary: AdversarySpec::default() }),
        };
    }
    let default = NetworkSpec::default();
    let paths = match (&draft.network, draft.latency) {
        (Some(network), Some(latency)) => {
            return Err(ScenarioError::TwoLatencies { latency, network: network.clone() });
        }
        (Some(network), None) => Paths::Regions(network.clone()),
        (None, latency) => latency.map_or(default.paths, Paths::Latency),
    };
    let network = NetworkSpec {
        paths,
        loss: draft.loss.unwrap_or(default.loss),
        duplicate: draft.duplicate.unwrap_or(default.duplicate),
        bandwidth: draft.bandwidth,
        processing: draft.processing.unwrap_or(default.processing),
    };
    let faults = FaultSpec {
        down: draft.down.clone().unwrap_or_default(),
        churn: draft.churn,
        partition: draft.partition.clone().unwrap_or_default(),
        nat: draft.nat.unwrap_or(FaultSpec::default().nat),
    };
    Ok(Model { network: Some(network), faults, adversary: draft.adversary.clone().unwrap_or_default() })
}

/// The first option of the model that was asked for.
fn first_asked(draft: &Draft) -> Option<&'static str> {
    let asked = [
        draft.network.is_some(),
        draft.latency.is_some(),
        draft.loss.is_some(),
        draft.duplicate.is_some(),
        draft.bandwidth.is_some(),
        draft.processing.is_some(),
        draft.down.is_some(),
        draft.churn.is_some(),
        draft.partition.is_some(),
        draft.nat.is_some(),
        draft.adversary.is_some(),
    ];
    OPTIONS.into_iter().zip(asked).find_map(|(option, is_asked)| is_asked.then_some(option))
}

/// A draft that asks for exactly the model of this scenario, and for nothing else.
pub(super) fn asked(scenario: &Scenario) -> Draft {
    let Some(network) = &scenario.network else { return Draft::default() };
    let (regions, latency) = match &network.paths {
        Paths::Regions(regions) => (Some(regions.clone()), None),
        Paths::Latency(latency) => (None, Some(*latency)),
    };
    Draft {
        network: regions,
        latency,
        loss: Some(network.loss),
        duplicate: Some(network.duplicate),
        bandwidth: network.bandwidth,
        processing: Some(network.processing),
        down: Some(scenario.faults.down.clone()),
        churn: scenario.faults.churn,
        partition: Some(scenario.faults.partition.clone()),
        nat: Some(scenario.faults.nat),
        adversary: Some(scenario.adversary.clone()),
        ..Draft::default()
    }
}
