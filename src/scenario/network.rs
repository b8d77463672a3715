//! The modelled network among the options: what was asked of it, whether that can stand together, and how it is asked again.

use super::error::ScenarioError;
use super::{Draft, Scenario, TransportKind};
use crate::adversary::AdversarySpec;
use crate::network::{FaultSpec, Latency, NetworkSpec, Paths};
use crate::time::Nanos;

/// The options of the modelled network, as `[network]` in a file takes them; `name` stands there for `network`. The first
/// of them say what becomes of a message on its way.
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

/// How many of these, the first, a real carrier takes as well.
const ON_REAL_CARRIERS: usize = 4;

/// What the options make of the network and of those in it.
pub(super) struct Model {
    pub(super) network: Option<NetworkSpec>,
    pub(super) faults: FaultSpec,
    pub(super) adversary: AdversarySpec,
}

/// The model that a draft asks for. A real carrier takes the options that say what becomes of a message on its way; without
/// any of them it has no model, and each of the others is refused.
pub(super) fn model(draft: &Draft, transport: TransportKind) -> Result<Model, ScenarioError> {
    let asked = asked_for(draft);
    if transport.is_virtual() {
        return Ok(Model {
            network: Some(network(draft, NetworkSpec::default().paths)?),
            faults: faults(draft),
            adversary: draft.adversary.clone().unwrap_or_default(),
        });
    }
    let refused = OPTIONS.into_iter().zip(asked).skip(ON_REAL_CARRIERS).find(|&(_, is_asked)| is_asked);
    if let Some((option, _)) = refused {
        return Err(ScenarioError::NoModel { option, transport });
    }
    // A carrier takes time of its own.
    let at_once = || network(draft, Paths::Latency(Latency::Constant(Nanos::ZERO).into()));
    let network = asked[..ON_REAL_CARRIERS].contains(&true).then(at_once).transpose()?;
    Ok(Model { network, faults: FaultSpec::default(), adversary: AdversarySpec::default() })
}

/// The network that a draft asks for, where messages take as long as `paths` say unless it says it.
fn network(draft: &Draft, paths: Paths) -> Result<NetworkSpec, ScenarioError> {
    let paths = match (&draft.network, draft.latency) {
        (Some(network), Some(latency)) => {
            return Err(ScenarioError::TwoLatencies { latency, network: network.clone() });
        }
        (Some(network), None) => Paths::Regions(network.clone()),
        (None, latency) => latency.map_or(paths, Paths::Latency),
    };
    let default = NetworkSpec::default();
    Ok(NetworkSpec {
        paths,
        loss: draft.loss.unwrap_or(default.loss),
        duplicate: draft.duplicate.unwrap_or(default.duplicate),
        bandwidth: draft.bandwidth,
        processing: draft.processing.unwrap_or(default.processing),
    })
}

/// The faults that a draft asks for.
fn faults(draft: &Draft) -> FaultSpec {
    FaultSpec {
        down: draft.down.clone().unwrap_or_default(),
        churn: draft.churn,
        partition: draft.partition.clone().unwrap_or_default(),
        nat: draft.nat.unwrap_or(FaultSpec::default().nat),
    }
}

/// Which options of the model were asked for.
fn asked_for(draft: &Draft) -> [bool; OPTIONS.len()] {
    [
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
    ]
}

/// A draft that asks for exactly the model of this scenario, and for nothing else.
pub(super) fn asked(scenario: &Scenario) -> Draft {
    let Some(network) = &scenario.network else { return Draft::default() };
    let (regions, latency) = match &network.paths {
        Paths::Regions(regions) => (Some(regions.clone()), None),
        Paths::Latency(latency) => (None, Some(*latency)),
    };
    let on_the_way = Draft {
        network: regions,
        latency,
        loss: Some(network.loss),
        duplicate: Some(network.duplicate),
        ..Draft::default()
    };
    if !scenario.transport.is_virtual() {
        return on_the_way;
    }
    Draft {
        bandwidth: network.bandwidth,
        processing: Some(network.processing),
        down: Some(scenario.faults.down.clone()),
        churn: scenario.faults.churn,
        partition: Some(scenario.faults.partition.clone()),
        nat: Some(scenario.faults.nat),
        adversary: Some(scenario.adversary.clone()),
        ..on_the_way
    }
}
