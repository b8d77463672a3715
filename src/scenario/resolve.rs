//! From a draft to a scenario and back: defaults that adapt to the size, and the checks that join two options.
//!
//! The rule of the defaults: what was asked for stands, and what was not bends to it. A wish that cannot stand beside
//! another one is an error, never a silent change.

use super::error::{BadValue, ScenarioError};
use super::network::{Model, model};
use super::parse::{RETRY_RULE, target};
use super::{
    BulkOptions, Draft, Engine, OriginsKind, PayloadBytes, Pin, ProtocolKind, Scenario, Spin, TransportKind, Ttl,
    Until, WindowSize, limits,
};
use crate::ids::NodeId;
use crate::network::NetworkSpec;
use crate::ratio::Ratio;
use crate::time::Nanos;
use crate::topology::{EdgeList, NodeNames, TopologyError, TopologySpec};
use crate::workload::{Arrivals, Origins, Rate};
use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Serialize, Serializer};
use std::num::NonZero;
use std::thread::available_parallelism;

impl Draft {
    /// The scenario that this draft asks for, with a default for every option that it leaves open. An edge list that it names
    /// is read.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] where a value is outside its limit, two contradict each other, or an edge list cannot be read.
    pub fn build(self) -> Result<Scenario, ScenarioError> {
        self.build_with(None)
    }

    /// The same where an edge list has been read before: it is not read again, since a pipe gives its lines once.
    pub(super) fn build_with(self, read: Option<&EdgeList>) -> Result<Scenario, ScenarioError> {
        let edge_list = edge_list(self.topology.as_ref(), read)?;
        let nodes = nodes(self.nodes, edge_list.as_ref())?;
        let names = edge_list.as_ref().map_or_else(NodeNames::default, |list| list.names().clone());
        let transport = self.transport.unwrap_or(TransportKind::Udp);
        let Model { network, faults, adversary } = model(&self, transport)?;
        let (topology, peers) = overlay(self.topology, self.peers, nodes)?;
        let payload_bytes = self.payload_bytes.unwrap_or(PayloadBytes::exactly(0));
        limits::PAYLOAD_BYTES.check(payload_bytes.most())?;
        let processes = processes(self.processes, transport)?;
        let protocol = self.protocol.unwrap_or(ProtocolKind::Push);
        let seed = limits::SEED.check(self.seed.map_or_else(drawn_seed, Ok)?)?;
        let (runs, same_seed) = runs(self.runs, self.same_seed, seed)?;
        Ok(Scenario {
            transport,
            nodes,
            threads: threads(self.threads, processes, nodes)?,
            processes,
            protocol,
            retry: retry(self.retry, protocol, network.as_ref())?,
            announce_interval: announce_interval(self.announce_interval, protocol)?,
            topology,
            edge_list,
            peers,
            fanout: fanout(self.fanout, protocol)?,
            ttl: ttl(self.ttl.unwrap_or(ttl_default(transport)))?,
            exclude_sender: exclude_sender(self.exclude_sender, protocol)?,
            target: target(self.target.unwrap_or(TARGET_DEFAULT))?,
            until: self.until.unwrap_or(Until::Target),
            timeout: Some(self.timeout.unwrap_or(timeout_default(transport))).filter(|&limit| limit != Nanos::ZERO),
            seed,
            origins: origins(self.origins.unwrap_or(OriginsKind::One), self.origin, nodes, &names)?,
            bulk: bulk((self.orders, self.rate, self.arrivals, self.window), nodes, transport)?,
            payload_bytes,
            pin: self.pin.unwrap_or(Pin::Spread),
            spin: self.spin.unwrap_or(Spin::Auto),
            receive_buffer: receive_buffer(self.receive_buffer, transport)?,
            network,
            faults,
            adversary,
            engine: engine(self.engine, transport, protocol)?,
            charge_serialization: charge_serialization(self.charge_serialization, transport)?,
            runs,
            same_seed,
        })
    }
}

/// The draft that asks for exactly this scenario, every option by name.
impl From<&Scenario> for Draft {
    fn from(scenario: &Scenario) -> Draft {
        let model = super::network::asked(scenario);
        Draft {
            nodes: Some(scenario.nodes),
            threads: u32::try_from(scenario.threads).ok(),
            processes: u32::try_from(scenario.processes).ok(),
            transport: Some(scenario.transport),
            topology: Some(scenario.topology.clone()),
            peers: scenario.topology.takes_peers().then_some(scenario.peers),
            protocol: Some(scenario.protocol),
            retry: scenario.retry,
            announce_interval: scenario.announce_interval,
            fanout: scenario.protocol.traits().takes_fanout.then_some(scenario.fanout),
            ttl: Some(scenario.ttl),
            exclude_sender: scenario.protocol.traits().takes_fanout.then_some(scenario.exclude_sender),
            target: Some(scenario.target),
            until: Some(scenario.until),
            timeout: Some(scenario.timeout.unwrap_or(Nanos::ZERO)),
            seed: Some(scenario.seed),
            origin: match scenario.origins {
                Origins::One(origin) => Some(scenario.names().id(origin)),
                Origins::Random => None,
            },
            origins: Some(match scenario.origins {
                Origins::One(_) => OriginsKind::One,
                Origins::Random => OriginsKind::Random,
            }),
            orders: Some(scenario.orders()),
            rate: scenario.bulk.map(|bulk| bulk.rate),
            arrivals: scenario.bulk.map(|bulk| bulk.arrivals),
            window: scenario.bulk.map(|bulk| bulk.window),
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
            engine: scenario.transport.is_virtual().then_some(scenario.engine),
            charge_serialization: Some(scenario.charge_serialization),
            runs: Some(scenario.runs),
            same_seed: Some(scenario.same_seed),
        }
    }
}

/// Every option by its name, an open one as nothing at all.
impl Serialize for Scenario {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Draft::from(self).serialize(serializer)
    }
}

/// The edge list of a topology that is one.
fn edge_list(asked: Option<&TopologySpec>, read: Option<&EdgeList>) -> Result<Option<EdgeList>, ScenarioError> {
    let Some(TopologySpec::File { path }) = asked else { return Ok(None) };
    match read.filter(|list| list.path() == path) {
        Some(list) => Ok(Some(list.clone())),
        None => Ok(Some(EdgeList::read(path).map_err(TopologyError::from)?)),
    }
}

/// The nodes asked for; by default those that an edge list names.
fn nodes(asked: Option<u32>, edge_list: Option<&EdgeList>) -> Result<u32, ScenarioError> {
    let default = edge_list.map_or(NODES_DEFAULT, EdgeList::nodes);
    let nodes = limits::NODES.check(asked.unwrap_or(default))?;
    Ok(edge_list.map_or(Ok(nodes), |list| list.check(nodes)).map_err(TopologyError::from)?)
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

/// Processes meet in sockets and in memory that Linux lets them share.
fn processes(asked: Option<u32>, transport: TransportKind) -> Result<usize, ScenarioError> {
    let processes = limits::PROCESSES.check(asked.unwrap_or(1))? as usize;
    match transport {
        _ if processes == 1 => Ok(1),
        TransportKind::Udp | TransportKind::UdpShard if limits::HAS_PROCESSES => Ok(processes),
        TransportKind::Udp | TransportKind::UdpShard => Err(ScenarioError::NoProcesses { processes }),
        _ => Err(ScenarioError::OneProcessOnly { processes, transport }),
    }
}

/// So many threads in each process that every worker has a node and all of them are not too many.
fn threads(asked: Option<u32>, processes: usize, nodes: u32) -> Result<usize, ScenarioError> {
    let node_each = usize::try_from(nodes).unwrap_or(usize::MAX);
    let most = node_each.min(limits::THREADS.most as usize) / processes;
    let Some(asked) = asked else {
        if most == 0 {
            return Err(ScenarioError::IdleProcesses { processes, nodes });
        }
        let cores = available_parallelism().map_or(1, NonZero::get);
        return Ok((cores / processes).max(1).min(most));
    };
    let threads = limits::THREADS.check(asked)? as usize;
    match threads {
        _ if threads * processes > limits::THREADS.most as usize => {
            Err(ScenarioError::TooManyWorkers { processes, threads })
        }
        _ if threads * processes <= node_each => Ok(threads),
        _ if processes > node_each => Err(ScenarioError::IdleProcesses { processes, nodes }),
        _ if processes > 1 => Err(ScenarioError::IdleWorkers { processes, threads, nodes }),
        _ => Err(ScenarioError::IdleThreads { threads, nodes }),
    }
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

/// Flood chooses nobody.
fn fanout(asked: Option<u32>, protocol: ProtocolKind) -> Result<u32, ScenarioError> {
    match (protocol, asked) {
        (ProtocolKind::Flood, None) => Ok(limits::FANOUT.most as u32),
        (ProtocolKind::Flood, Some(_)) => Err(ScenarioError::FloodsAnyway { option: "fanout" }),
        (_, asked) => Ok(limits::FANOUT.check(asked.unwrap_or(FANOUT_DEFAULT))?),
    }
}

/// And never sends an order back.
fn exclude_sender(asked: Option<bool>, protocol: ProtocolKind) -> Result<bool, ScenarioError> {
    match (protocol, asked) {
        (ProtocolKind::Flood, None) => Ok(true),
        (ProtocolKind::Flood, Some(_)) => Err(ScenarioError::FloodsAnyway { option: "exclude-sender" }),
        (_, asked) => Ok(asked.unwrap_or(false)),
    }
}

/// Who asks for nothing has nothing to ask for again. By default nobody asks again before an answer can have come.
fn retry(
    asked: Option<Nanos>,
    protocol: ProtocolKind,
    network: Option<&NetworkSpec>,
) -> Result<Option<Nanos>, ScenarioError> {
    let longest = network.map_or(Nanos::ZERO, NetworkSpec::longest);
    match (protocol, asked) {
        (ProtocolKind::Lazy, None) => Ok(Some(RETRY_DEFAULT.max(Nanos(longest.0.saturating_mul(3))))),
        (ProtocolKind::Lazy, Some(Nanos::ZERO)) => Err(BadValue::new("retry", "0", RETRY_RULE).into()),
        (ProtocolKind::Lazy, asked) => Ok(asked),
        (_, None) => Ok(None),
        (_, Some(_)) => Err(ScenarioError::NothingToRetry { protocol }),
    }
}

/// Who announces nothing gathers nothing.
fn announce_interval(asked: Option<Nanos>, protocol: ProtocolKind) -> Result<Option<Nanos>, ScenarioError> {
    match (protocol, asked) {
        (ProtocolKind::Lazy, asked) => Ok(Some(asked.unwrap_or(Nanos::ZERO))),
        (_, None) => Ok(None),
        (_, Some(_)) => Err(ScenarioError::NothingToAnnounce { protocol }),
    }
}

/// A real carrier is no matter of computing.
fn engine(asked: Option<Engine>, transport: TransportKind, protocol: ProtocolKind) -> Result<Engine, ScenarioError> {
    match asked {
        Some(_) if !transport.is_virtual() => Err(ScenarioError::NoModel { option: "engine", transport }),
        Some(Engine::Fast | Engine::Hops) if !protocol.traits().is_first_message => Err(ScenarioError::NoFastProtocol),
        asked => Ok(asked.unwrap_or(Engine::Auto)),
    }
}

fn timeout_default(transport: TransportKind) -> Nanos {
    if transport.is_virtual() { VIRTUAL_TIMEOUT_DEFAULT } else { TIMEOUT_DEFAULT }
}

/// What is computed need not be short. On real carriers the seed document's six hops stand.
fn ttl_default(transport: TransportKind) -> Ttl {
    if transport.is_virtual() { Ttl::Auto } else { TTL_DEFAULT }
}

fn ttl(asked: Ttl) -> Result<Ttl, ScenarioError> {
    if let Ttl::Hops(hops) = asked {
        limits::TTL.check(hops)?;
    }
    Ok(asked)
}

/// A node for all orders, unless each has its own: by default the one with the least id.
fn origins(kind: OriginsKind, asked: Option<u64>, nodes: u32, names: &NodeNames) -> Result<Origins, ScenarioError> {
    match (kind, asked) {
        (OriginsKind::Random, None) => Ok(Origins::Random),
        (OriginsKind::Random, Some(origin)) => Err(ScenarioError::OriginNotTaken { origin }),
        (OriginsKind::One, None) => Ok(Origins::One(NodeId(0))),
        (OriginsKind::One, Some(origin)) => {
            let found = names.find(origin, nodes).map(Origins::One);
            found.ok_or_else(|| ScenarioError::NoSuchOrigin { origin, nodes, advice: names.advice("--origin ", nodes) })
        }
    }
}

/// What many orders need to be told, and one order cannot be.
fn bulk(
    (orders, rate, arrivals, window): (Option<u32>, Option<Rate>, Option<Arrivals>, Option<WindowSize>),
    nodes: u32,
    transport: TransportKind,
) -> Result<Option<BulkOptions>, ScenarioError> {
    let orders = limits::ORDERS.check(orders.unwrap_or(1))?;
    if orders == 1 {
        let asked = [("rate", rate.is_some()), ("arrivals", arrivals.is_some()), ("window", window.is_some())];
        return match asked.into_iter().find(|&(_, is_asked)| is_asked) {
            Some((option, _)) => Err(ScenarioError::OneOrder { option }),
            None => Ok(None),
        };
    }
    let window = match window.unwrap_or(WindowSize::Auto) {
        // More than all orders cannot be told apart.
        WindowSize::Orders(window) => WindowSize::Orders(limits::WINDOW.check(window)?.min(orders)),
        WindowSize::Auto => WindowSize::Auto,
    };
    if !transport.is_virtual() {
        // What is left to choose is the narrowest one that there is, if need be.
        let window = if let WindowSize::Orders(window) = window { window } else { 1 };
        if window > limits::widest_window(nodes, orders) {
            return Err(ScenarioError::WindowTooWide { window, orders, nodes });
        }
    }
    let (rate, arrivals) = (rate.unwrap_or(RATE_DEFAULT), arrivals.unwrap_or(Arrivals::Constant));
    if f64::from(orders - 1) / rate.as_f64() > limits::SCHEDULE_SECS as f64 {
        return Err(ScenarioError::ScheduleTooLong { orders, rate });
    }
    Ok(Some(BulkOptions { orders, rate, arrivals, window }))
}

/// So many runs that each has a seed, and whether that is the same one.
fn runs(asked: Option<u32>, same_seed: Option<bool>, seed: u64) -> Result<(u32, bool), ScenarioError> {
    let (runs, same_seed) = (limits::RUNS.check(asked.unwrap_or(1))?, same_seed.unwrap_or(false));
    if same_seed && runs == 1 {
        return Err(ScenarioError::NothingToRepeat);
    }
    match seed.checked_add(u64::from(runs - 1)) {
        None if !same_seed => Err(ScenarioError::SeedsExhausted { seed, runs }),
        _ => Ok((runs, same_seed)),
    }
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
const RETRY_DEFAULT: Nanos = Nanos::from_millis(500);
const RATE_DEFAULT: Rate = Rate::per_second(100);
const VIRTUAL_TIMEOUT_DEFAULT: Nanos = Nanos::from_secs(60);
