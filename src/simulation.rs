//! Runs scenarios: builds the overlay, the network and the orders, starts a worker per thread, and merges their
//! outcomes. For several processes this program starts itself again, and each process [serves](serve) with its share of
//! the workers.
//!
//! The one `match` over carriers and the one over protocols are in this room, so that their combinations do not
//! multiply elsewhere.

mod built_overlay;
mod carriers;
#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "cluster")]
mod cluster_scenario;
mod error;
mod named_protocols;
mod processes;
mod protocols;
mod real_time;
mod settled_peers;
mod trace_plan;
mod trace_request;
mod virtual_time;
mod warm_up;

pub use crate::runtime::processes::Program;
#[cfg(feature = "cluster")]
pub use cluster::{ClusterParts, ClusterRecord, check_in_cluster};
#[cfg(feature = "cluster")]
pub use cluster_scenario::ClusterScenarioError;
pub use error::SimulationError;
pub use processes::ProcessesError;
#[cfg(any(test, feature = "internals"))]
#[doc(hidden)]
pub use processes::check_task;
pub use processes::serve;
pub use protocols::run_protocol;
pub use trace_request::{TraceError, TraceEstimate, TraceRequest};

use crate::analysis::{Forecast, RunContext};
use crate::coverage::Window;
use crate::engine::NODE_FIGURES_END;
use crate::ids::NodeId;
use crate::memory;
use crate::network::{LinkTable, Network};
use crate::order::{Order, PayloadTooLong};
use crate::protocol::SecondSide;
use crate::record::{End, NodePlaces, Notice, OverlayFacts, RunRecord};
use crate::scenario::Scenario;
use crate::sync::{Interrupt, Lookout};
use crate::threads::{Observer, Pinning, ShardMap};
use crate::time::Nanos;
use crate::topology::Topology;
use crate::transport::Clock;
use crate::workload::{self, Workload};
use built_overlay::BuiltOverlay;
use protocols::RunProtocol;
use settled_peers::SettledPeers;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Makes one run of a scenario, with the scenario's own seed. Several runs are
/// [`experiment`](crate::experiment::run_replicates)'s.
///
/// # Errors
///
/// [`SimulationError`] if the run cannot be made, or an interrupt came before anything was published.
pub fn run(scenario: &Scenario, interrupt: &Interrupt) -> Result<RunRecord, SimulationError> {
    run_observed(scenario, interrupt, &())
}

/// Makes one run, as [`run`] does, and tells `observer` when each worker enters and leaves its loop.
///
/// # Errors
///
/// As [`run`].
pub fn run_observed(
    scenario: &Scenario,
    interrupt: &Interrupt,
    observer: &dyn Observer,
) -> Result<RunRecord, SimulationError> {
    let clock = Clock::start();
    Runner::build(scenario, interrupt, observer, None)?.run(clock)
}

/// Checks that a scenario fits this machine and needs no other process.
///
/// # Errors
///
/// [`SimulationError`] if it needs more memory than is left, or several processes.
pub fn check(scenario: &Scenario) -> Result<(), SimulationError> {
    processes::check(scenario, None)?;
    memory::left(scenario, &scenario.protocol.spec.traits())?;
    Ok(())
}

/// The parts that all runs of a scenario under one seed share: its overlay, its network, its orders.
pub struct Runner<'a> {
    scenario: &'a Scenario,
    interrupt: &'a Interrupt,
    observer: &'a dyn Observer,
    /// Executable of further processes.
    program: Option<&'a Program>,
    protocol: Box<dyn RunProtocol + 'a>,
    topology: Arc<Topology>,
    /// The overlay from which nodes know their peers: the same one, but stored if the protocol needs that.
    peers: Arc<Topology>,
    partition: ShardMap,
    pinning: Pinning,
    workload: Workload,
    /// The network, if it is modelled.
    network: Option<Network>,
    /// Bytes of payload of each order.
    payload_bytes: Vec<u32>,
    /// The orders that a carrier carries; empty in virtual time, which only counts their bytes.
    orders: Vec<Arc<Order>>,
    forecast: Forecast,
    /// Number of orders that a node tells apart.
    window: Window,
    /// Number of nodes from which virtual time keeps no figures by node.
    node_figures_end: u32,
    /// Bytes available for messages under way.
    memory_left: u64,
    /// The first of the orders whose receipts are also kept apart; `None` for none.
    measured_from: Option<u32>,
}

impl<'a> Runner<'a> {
    /// Builds the runner of a scenario. `program` is the executable of further processes, if the scenario has several.
    ///
    /// # Errors
    /// [`SimulationError`] if the scenario cannot be built.
    pub fn build(
        scenario: &'a Scenario,
        interrupt: &'a Interrupt,
        observer: &'a dyn Observer,
        program: Option<&'a Program>,
    ) -> Result<Runner<'a>, SimulationError> {
        processes::check(scenario, program)?;
        let memory_left = memory::left(scenario, &scenario.protocol.spec.traits())?.unwrap_or(u64::MAX);
        Ok(Runner { program, memory_left, ..Runner::new(scenario, interrupt, observer)? })
    }

    fn new(
        scenario: &'a Scenario,
        interrupt: &'a Interrupt,
        observer: &'a dyn Observer,
    ) -> Result<Runner<'a>, SimulationError> {
        Runner::of(scenario, interrupt, observer, named_protocols::named(scenario))
    }

    fn of(
        scenario: &'a Scenario,
        interrupt: &'a Interrupt,
        observer: &'a dyn Observer,
        protocol: Box<dyn RunProtocol + 'a>,
    ) -> Result<Runner<'a>, SimulationError> {
        let build = |protocol: &dyn RunProtocol, origin| BuiltOverlay::whole(scenario, protocol, origin, interrupt);
        Runner::over(scenario, interrupt, observer, protocol, build)
    }

    /// Builds a runner over the overlay that `build` builds for the protocol and the origin of the first order.
    fn over(
        scenario: &'a Scenario,
        interrupt: &'a Interrupt,
        observer: &'a dyn Observer,
        protocol: Box<dyn RunProtocol + 'a>,
        build: impl FnOnce(&dyn RunProtocol, NodeId) -> Result<BuiltOverlay, SimulationError>,
    ) -> Result<Runner<'a>, SimulationError> {
        warm_up::check(scenario, &*protocol)?;
        let workers = scenario.workers();
        let partition = ShardMap::new(scenario.overlay.nodes, workers);
        // An overlay can take a minute, so too many sockets and an invalid matrix are refused before it is built.
        carriers::make_room(scenario, &partition)?;
        let network = scenario.network.as_ref().map(|network| network.build(scenario.run.seed)).transpose()?;
        let workload = scenario.workload();
        check_last_due(scenario, &workload)?;
        // There is at least one order.
        let origin = workload.publications().first().map_or(NodeId(0), |publication| publication.origin);
        let BuiltOverlay { topology, peers, reach } = build(&*protocol, origin)?;
        let network = network.map(|network| with_own_links(network, scenario, &peers, interrupt)).transpose()?;
        let forecast = Forecast::new(scenario, protocol.facts().source, &topology, origin, reach, network.as_ref());
        let slow_latency = network.as_ref().map_or(Nanos::ZERO, |network| network.slow_latency(scenario.overlay.nodes));
        let payload_bytes = payload_bytes(scenario, &workload, interrupt)?;
        let is_virtual = scenario.carrier.transport.is_virtual();
        Ok(Runner {
            scenario,
            interrupt,
            observer,
            program: None,
            protocol,
            peers,
            partition,
            pinning: Pinning::new(workers, scenario.carrier.pin),
            orders: if is_virtual { Vec::new() } else { orders(scenario, &workload, &payload_bytes, interrupt)? },
            payload_bytes,
            workload,
            window: scenario.window(forecast.ttl, slow_latency),
            network,
            forecast,
            topology,
            node_figures_end: NODE_FIGURES_END,
            memory_left: u64::MAX,
            measured_from: None,
        })
    }

    /// Returns the runner with the receipts of the orders from `first` on kept apart, as far as runs in virtual time
    /// keep them for a bulk.
    pub fn measuring_from(self, first: u32) -> Runner<'a> {
        Runner { measured_from: Some(first), ..self }
    }

    /// Makes one run. `clock` was started when its set-up began.
    ///
    /// # Errors
    /// [`SimulationError`] if the run could not be made to its end.
    pub fn run(&self, clock: Clock) -> Result<RunRecord, SimulationError> {
        self.run_traced(clock, None)
    }

    /// Makes one run, as [`run`](Self::run) does, with a trace of its messages if that is asked for.
    ///
    /// # Errors
    /// Those of [`run`](Self::run), and [`SimulationError::Trace`] if the rows could not be written.
    pub fn run_traced(&self, clock: Clock, trace: Option<&TraceRequest>) -> Result<RunRecord, SimulationError> {
        let virtual_network = self.network.as_ref().filter(|_| self.scenario.carrier.transport.is_virtual());
        let record = match virtual_network {
            Some(network) => self.simulate(network, clock, trace)?,
            None => self.run_on_carriers(clock, trace)?,
        };
        Ok(self.judged(record))
    }

    /// Adds the notices on what the record of a run leaves in doubt.
    fn judged(&self, mut record: RunRecord) -> RunRecord {
        self.context().diagnose(&mut record);
        if record.end == End::OutOfMemory {
            record.notices.insert(0, Notice::MemoryUsedUp { left_bytes: self.memory_left });
        }
        record
    }

    /// Returns the context by which the runs of this runner are judged.
    fn context(&self) -> RunContext<'_> {
        RunContext {
            scenario: self.scenario,
            network: self.network.as_ref(),
            workload: &self.workload,
            payload_bytes: &self.payload_bytes,
            window: self.window,
            forecast: &self.forecast,
            cores: self.pinning.allowed,
        }
    }

    /// Returns the facts about the overlay, or about the peers that a membership protocol had found.
    fn overlay_facts(&self, settled: Option<&SettledPeers>) -> OverlayFacts {
        let id = self.scenario.names().id(self.forecast.origin);
        if let Some(peers) = settled {
            return peers.facts(self.forecast.origin, id);
        }
        OverlayFacts {
            origin: id,
            mean_degree: self.topology.mean_degree(),
            max_degree: self.topology.max_degree(),
            reachable: self.forecast.reach.as_ref().map(|reach| reach.reachable),
            depth: self.forecast.reach.as_ref().map(|reach| reach.depth),
        }
    }

    /// Returns the regions and the classes of these nodes, empty without a network of regions, and their sides in a
    /// mix.
    fn node_places(&self, nodes: Range<u32>) -> NodePlaces {
        let sides = |(second, _): (SecondSide, _)| nodes.clone().map(|node| second.has(NodeId(node))).collect();
        let second_side = self.sides_of_mix().map(sides).unwrap_or_default();
        let Some(network) = self.network.as_ref().filter(|network| !network.regions().is_empty()) else {
            return NodePlaces { second_side, ..NodePlaces::default() };
        };
        let mut classes = BTreeMap::<&str, u16>::new();
        let by_node = nodes.map(NodeId).map(|node| {
            let next = classes.len() as u16;
            let class = network.class(node).map_or(0, |name| *classes.entry(name).or_insert(next));
            [network.region(node).map_or(0, |region| region.0), class]
        });
        let by_node = by_node.collect();
        let mut named: Vec<_> = classes.into_iter().map(|(name, index)| (index, name.to_owned())).collect();
        named.sort_unstable();
        NodePlaces {
            regions: network.regions().to_vec(),
            classes: named.into_iter().map(|(_, name)| name).collect(),
            by_node,
            second_side,
        }
    }

    /// Returns the number of peers of each of these nodes, all of those that have `settled` if any have.
    fn degrees(&self, nodes: Range<u32>, settled: Option<&SettledPeers>) -> Vec<u32> {
        match settled {
            Some(peers) => peers.degrees(nodes.start),
            None => nodes.map(|node| self.topology.degree(NodeId(node))).collect(),
        }
    }

    /// Returns the facts about the overlay of a run, and the number of peers of each node if they are `kept`. With a
    /// membership protocol the overlay is that of the peers that nodes had when the first order was due.
    fn overlay_figures(&self, settled_peers: Vec<NodeId>, kept: bool) -> (OverlayFacts, Vec<u32>) {
        let nodes = self.topology.nodes();
        let settled = SettledPeers::new(settled_peers, nodes);
        let degrees = if kept { self.degrees(0..nodes, settled.as_ref()) } else { Vec::new() };
        (self.overlay_facts(settled.as_ref()), degrees)
    }

    /// Iterates over the notices of the forecast, after one on peers that a membership protocol had found and that
    /// leave nodes out.
    fn foreseen(&self, &OverlayFacts { reachable, origin, .. }: &OverlayFacts) -> impl Iterator<Item = Notice> {
        let nodes = self.scenario.overlay.nodes;
        let reachable = reachable.filter(|&reachable| self.scenario.membership.is_some() && reachable < nodes);
        let apart = reachable.map(|reachable| Notice::OverlayDisconnected { reachable, nodes, origin });
        apart.into_iter().chain(self.forecast.notices.iter().cloned())
    }
}

/// Refuses a run that would end before its last order is published.
fn check_last_due(scenario: &Scenario, workload: &Workload) -> Result<(), SimulationError> {
    let (orders, last_due) = (workload.orders(), workload.last_due());
    match scenario.run.until.instant() {
        Some(until) if until < last_due => Err(SimulationError::EndsEarly { until, orders, last_due }),
        _ => Ok(()),
    }
}

/// Returns the bytes of payload of each order of a schedule, as listed or drawn.
fn payload_bytes(scenario: &Scenario, workload: &Workload, interrupt: &Interrupt) -> Result<Vec<u32>, SimulationError> {
    if let Some(list) = &scenario.workload.publications {
        return Ok(list.listed().iter().map(|listed| listed.payload_bytes).collect());
    }
    let (mut lookout, range) = (Lookout::new(interrupt), scenario.workload.payload_bytes.range());
    let drawn = workload.publications().iter().map(|publication| {
        lookout.work(SIZE_UNITS)?;
        Ok(workload::payload_bytes(scenario.run.seed, publication.order, range.clone()))
    });
    drawn.collect()
}

/// Gives links their own latencies and losses, if the scenario lists any.
fn with_own_links(
    network: Network,
    scenario: &Scenario,
    peers: &Arc<Topology>,
    interrupt: &Interrupt,
) -> Result<Network, SimulationError> {
    let Some(file) = scenario.network.as_ref().and_then(|network| network.links.as_ref()) else { return Ok(network) };
    // An implicit overlay has no entries to index until it is stored; the positions in a complete one are computed.
    let stored = if peers.implicit().is_some() { peers.materialized(interrupt)?.map(Arc::new) } else { None };
    let names = scenario.names();
    let links = LinkTable::new(file, stored.unwrap_or_else(|| Arc::clone(peers)), |node| names.id(node))?;
    Ok(network.with_links(links))
}

/// Makes the orders of a schedule, with payload and due time.
fn orders(
    scenario: &Scenario,
    workload: &Workload,
    payload_bytes: &[u32],
    interrupt: &Interrupt,
) -> Result<Vec<Arc<Order>>, SimulationError> {
    let mut lookout = Lookout::new(interrupt);
    let generated = workload.publications().iter().zip(payload_bytes).map(|(publication, &bytes)| {
        lookout.work(ORDER_UNITS + u64::from(bytes) / BYTES_PER_UNIT)?;
        let index = publication.order;
        let order = Order::generate(scenario.run.seed, index, bytes as usize);
        let mut order = order.map_err(|error: PayloadTooLong| SimulationError::Order(error.to_string()))?;
        order.published_at = publication.due;
        let listed = scenario.workload.publications.as_ref().map(|list| list.listed()[index.index()]);
        order.symbol = listed.and_then(|listed| listed.symbol).unwrap_or(order.symbol);
        Ok(Arc::new(order))
    });
    generated.collect()
}

/// Cost of drawing the size of an order, and of making it without its payload, in units of one draw.
const SIZE_UNITS: u64 = 4;
const ORDER_UNITS: u64 = 64;

/// Bytes of a payload that are made in the time of one draw.
const BYTES_PER_UNIT: u64 = 8;

#[cfg(test)]
mod tests;
