//! From a draft to a scenario and back: defaults that adapt to the size, and the checks that join two options.
//!
//! The rule of the defaults: what was asked for stands, and what was not bends to it. A wish that cannot stand beside
//! another one is an error, never a silent change.

use super::error::ScenarioError;
use super::model::{Model, model};
use super::values::target;
use super::{Draft, Pin, Scenario, Spin, TransportKind, Ttl, Until, limits};
use crate::ids::NodeId;
use crate::ratio::Ratio;
use crate::time::Nanos;
use crate::topology::TopologySpec;
use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Serialize, Serializer};
use std::num::NonZero;
use std::thread::available_parallelism;

impl Draft {
    /// The scenario that this draft asks for, with a default for every option that it leaves open.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] where a value is outside its limit or two contradict each other.
    pub fn build(self) -> Result<Scenario, ScenarioError> {
        let nodes = limits::NODES.check(self.nodes.unwrap_or(NODES_DEFAULT))?;
        let transport = self.transport.unwrap_or(TransportKind::Udp);
        let Model { network, faults, adversary } = model(&self, transport)?;
        let (topology, peers) = overlay(self.topology, self.peers, nodes)?;
        Ok(Scenario {
            transport,
            nodes,
            threads: threads(self.threads, nodes)?,
            topology,
            peers,
            fanout: limits::FANOUT.check(self.fanout.unwrap_or(FANOUT_DEFAULT))?,
            ttl: ttl(self.ttl.unwrap_or(TTL_DEFAULT))?,
            exclude_sender: self.exclude_sender.unwrap_or(false),
            target: target(self.target.unwrap_or(TARGET_DEFAULT))?,
            until: self.until.unwrap_or(Until::Target),
            timeout: Some(self.timeout.unwrap_or(timeout_default(transport))).filter(|&limit| limit != Nanos::ZERO),
            seed: limits::SEED.check(self.seed.map_or_else(drawn_seed, Ok)?)?,
            origin: origin(self.origin.unwrap_or(0), nodes)?,
            payload_bytes: limits::PAYLOAD_BYTES.check(self.payload_bytes.unwrap_or(0))?,
            pin: self.pin.unwrap_or(Pin::Spread),
            spin: self.spin.unwrap_or(Spin::Auto),
            receive_buffer: receive_buffer(self.receive_buffer, transport)?,
            network,
            faults,
            adversary,
            charge_serialization: charge_serialization(self.charge_serialization, transport)?,
            runs: limits::RUNS.check(self.runs.unwrap_or(1))?,
        })
    }
}

/// The draft that asks for exactly this scenario, every option by name.
impl From<&Scenario> for Draft {
    fn from(scenario: &Scenario) -> Draft {
        let model = super::model::asked(scenario);
        Draft {
            nodes: Some(scenario.nodes),
            threads: u32::try_from(scenario.threads).ok(),
            transport: Some(scenario.transport),
            topology: Some(scenario.topology.clone()),
            peers: scenario.topology.takes_peers().then_some(scenario.peers),
            fanout: Some(scenario.fanout),
            ttl: Some(scenario.ttl),
            exclude_sender: Some(scenario.exclude_sender),
            target: Some(scenario.target),
            until: Some(scenario.until),
            timeout: Some(scenario.timeout.unwrap_or(Nanos::ZERO)),
            seed: Some(scenario.seed),
            origin: Some(scenario.origin.0),
            payload_bytes: Some(scenario.payload_bytes),
            pin: Some(scenario.pin),
            spin: Some(scenario.spin),
            receive_buffer: scenario.receive_buffer,
            network: model.network,
            latency: model.latency,
            loss: model.loss,
            duplicate: model.duplicate,
            bandwidth: model.bandwidth,
            processing: model.processing,
            down: model.down,
            churn: model.churn,
            partition: model.partition,
            nat: model.nat,
            adversary: model.adversary,
            charge_serialization: Some(scenario.charge_serialization),
            runs: Some(scenario.runs),
        }
    }
}

/// Every option by its name, an open one as nothing at all.
impl Serialize for Scenario {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Draft::from(self).serialize(serializer)
    }
}

/// The family and its peers. Who asks for neither gets the complete overlay where the default number of peers takes in
/// everyone anyway; who asks for peers means an overlay that has them.
fn overlay(asked: Option<TopologySpec>, peers: Option<u32>, nodes: u32) -> Result<(TopologySpec, u32), ScenarioError> {
    let is_small = TopologySpec::ErdosRenyi.default_peers(nodes) == nodes - 1;
    let default = if peers.is_none() && is_small { TopologySpec::Complete } else { TopologySpec::ErdosRenyi };
    let topology = asked.unwrap_or(default);
    let peers = match peers {
        Some(peers) if !topology.takes_peers() => return Err(ScenarioError::PeersNotTaken { peers, topology }),
        Some(peers) => limits::PEERS.check(peers)?,
        None if topology.takes_peers() => topology.default_peers(nodes),
        None => 0,
    };
    topology.check(nodes, peers)?;
    Ok((topology, peers))
}

fn threads(asked: Option<u32>, nodes: u32) -> Result<usize, ScenarioError> {
    let Some(asked) = asked else {
        let most = usize::try_from(nodes.min(limits::THREADS.most as u32)).unwrap_or(usize::MAX);
        return Ok(available_parallelism().map_or(1, NonZero::get).min(most));
    };
    let threads = limits::THREADS.check(asked)? as usize;
    if asked > nodes { Err(ScenarioError::IdleThreads { threads, nodes }) } else { Ok(threads) }
}

/// Sockets have a receive buffer; rings do not.
fn receive_buffer(asked: Option<u32>, transport: TransportKind) -> Result<Option<u32>, ScenarioError> {
    let Some(bytes) = asked else { return Ok(None) };
    limits::RECEIVE_BUFFER.check(bytes)?;
    match transport {
        TransportKind::Udp | TransportKind::UdpShard => Ok(Some(bytes)),
        TransportKind::Memory | TransportKind::Simulated => Err(ScenarioError::NoReceiveBuffer { bytes, transport }),
    }
}

/// What is always encoded cannot be charged for it once more.
fn charge_serialization(asked: Option<bool>, transport: TransportKind) -> Result<bool, ScenarioError> {
    match (asked.unwrap_or(false), transport) {
        (true, TransportKind::Udp | TransportKind::UdpShard) => Err(ScenarioError::SerializesAnyway),
        (true, TransportKind::Simulated) => Err(ScenarioError::NothingToCharge),
        (asked, _) => Ok(asked),
    }
}

fn timeout_default(transport: TransportKind) -> Nanos {
    if transport.is_virtual() { VIRTUAL_TIMEOUT_DEFAULT } else { TIMEOUT_DEFAULT }
}

fn ttl(asked: Ttl) -> Result<Ttl, ScenarioError> {
    if let Ttl::Hops(hops) = asked {
        limits::TTL.check(hops)?;
    }
    Ok(asked)
}

fn origin(asked: u32, nodes: u32) -> Result<NodeId, ScenarioError> {
    if asked < nodes { Ok(NodeId(asked)) } else { Err(ScenarioError::NoSuchOrigin { origin: asked, nodes }) }
}

/// A seed short enough to be read out to a colleague.
fn drawn_seed() -> Result<u64, ScenarioError> {
    let drawn = SysRng.try_next_u32().map(u64::from);
    drawn.map_err(|error| ScenarioError::NoEntropy { cause: error.to_string() })
}

const NODES_DEFAULT: u32 = 10;
const FANOUT_DEFAULT: u32 = 8;
const TTL_DEFAULT: Ttl = Ttl::Hops(6);
const TARGET_DEFAULT: Ratio = Ratio::new(95, 100).unwrap();
const TIMEOUT_DEFAULT: Nanos = Nanos::from_secs(3);
const VIRTUAL_TIMEOUT_DEFAULT: Nanos = Nanos::from_secs(60);
