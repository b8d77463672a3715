//! Runs a scenario: builds what it names, lets a worker per thread loose on it, and merges what they report. Where it
//! asks for several processes, they are this program again, and each [serves](serve) with its share of the workers.
//!
//! The one `match` over carriers and the one over protocols are in this room, so that their combinations do not multiply elsewhere.

mod carriers;
mod processes;
mod protocols;
mod virtual_time;

pub use crate::runtime::processes::Program;
#[cfg(any(test, feature = "internals"))]
#[doc(hidden)]
pub use processes::check_task;
pub use processes::serve;
pub use protocols::run_protocol;

use crate::adversary::AdversaryError;
use crate::analysis::{Forecast, RunContext, lateness};
use crate::coverage::{Goals, Scope, Window};
use crate::engine::{EngineError, NODE_FIGURES_END};
use crate::ids::NodeId;
use crate::memory::{self, MemoryError};
use crate::network::{FaultError, Network, NetworkError};
use crate::order::{Order, PayloadTooLong};
use crate::record::{
    AccessLinkRecord, End, Ledger, MachineTimes, Notice, OverlayFacts, ProcessRecord, Receipts, RunRecord, WorkerRecord,
};
use crate::runtime::{ProcessShare, RunPlan, RunState, RuntimeError, RuntimeOutcome, WorkerOutcome};
use crate::scenario::{Pin, Scenario, Until};
use crate::sync::{Allowance, Arena, Interrupt, Interrupted, Lookout};
use crate::sys::ProcessWaker;
use crate::threads::{Observer, Pinning, ShardMap};
use crate::time::Nanos;
use crate::topology::{Topology, TopologyError, reach_unless};
use crate::transport::udp::BindError;
use crate::transport::{Clock, TransportError};
use crate::workload::{Workload, payload_bytes};
use borsh::{BorshDeserialize, BorshSerialize};
use carriers::{Carriers, ProcessSlot, Rendezvous, drawn_token};
use processes::ProcessesError;
use protocols::RunProtocol;
use std::io;
use std::sync::Arc;

/// Why a scenario could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The user ended it before anything could be measured.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The overlay cannot be built.
    #[error(transparent)]
    Topology(TopologyError),
    /// The network cannot be modelled.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Whom an adversary is to meet does not exist.
    #[error(transparent)]
    Behaviour(#[from] AdversaryError),
    /// What is to fail does not exist.
    #[error(transparent)]
    Faults(FaultError),
    /// The sockets cannot be had.
    #[error(transparent)]
    Bind(BindError),
    /// The carrier cannot be set up.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The order cannot be made or encoded.
    #[error("the order cannot be made: {0}")]
    Order(String),
    /// The engine cannot compute this, or failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The protocol cannot be run so.
    #[error("{0}")]
    Protocol(String),
    /// The operating system gave no random token.
    #[error("the operating system gave no random bytes for the run's token: {0}")]
    Entropy(io::Error),
    /// A worker failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// It would take more memory than there is.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// Several processes do not work together.
    #[error(transparent)]
    Processes(#[from] ProcessesError),
}

impl SimulationError {
    /// Whether the user asked for what cannot be, rather than something having failed.
    pub fn is_usage(&self) -> bool {
        match self {
            SimulationError::Topology(_) | SimulationError::Network(_) | SimulationError::Order(_) => true,
            SimulationError::Behaviour(_) | SimulationError::Faults(_) => true,
            SimulationError::Engine(error) => error.is_usage(),
            SimulationError::Protocol(_) => true,
            SimulationError::Bind(error) => error.is_usage(),
            SimulationError::Processes(error) => error.is_usage(),
            SimulationError::Transport(_) | SimulationError::Entropy(_) | SimulationError::Runtime(_) => false,
            SimulationError::Memory(_) => true,
            SimulationError::Interrupted(_) => false,
        }
    }
}

impl From<TopologyError> for SimulationError {
    fn from(error: TopologyError) -> SimulationError {
        match error {
            TopologyError::Interrupted(interrupted) => SimulationError::Interrupted(interrupted),
            error => SimulationError::Topology(error),
        }
    }
}

impl From<BindError> for SimulationError {
    fn from(error: BindError) -> SimulationError {
        match error {
            BindError::Interrupted(interrupted) => SimulationError::Interrupted(interrupted),
            error => SimulationError::Bind(error),
        }
    }
}

impl From<FaultError> for SimulationError {
    fn from(error: FaultError) -> SimulationError {
        match error {
            FaultError::Interrupted(interrupted) => SimulationError::Interrupted(interrupted),
            error => SimulationError::Faults(error),
        }
    }
}

/// Runs the scenario under its own seed, once, or with `runs` above 1 a warm-up and then so many times, and keeps every record;
/// runs with seeds of their own are [`experiment`](crate::experiment)'s. An interrupt ends the series early; the run it cut short is
/// kept only if there is no whole one, since it would pass for one that missed the target.
pub fn run(scenario: &Scenario, interrupt: &Interrupt) -> Result<Vec<RunRecord>, SimulationError> {
    run_series(scenario, interrupt, &())
}

/// [`run`] with somebody who is told when workers of this process enter and leave their loops.
#[cfg(any(test, feature = "internals"))]
pub fn run_observed(
    scenario: &Scenario,
    interrupt: &Interrupt,
    observer: &dyn Observer,
) -> Result<Vec<RunRecord>, SimulationError> {
    run_series(scenario, interrupt, observer)
}

fn run_series(
    scenario: &Scenario,
    interrupt: &Interrupt,
    observer: &dyn Observer,
) -> Result<Vec<RunRecord>, SimulationError> {
    let clock = Clock::start();
    let runner = Runner::build(scenario, interrupt, observer, None)?;
    if scenario.runs == 1 {
        return Ok(vec![runner.run(clock)?]);
    }
    runner.run(Clock::start())?;
    let mut records = Vec::with_capacity(scenario.runs as usize);
    while records.len() < scenario.runs as usize {
        match runner.run(Clock::start()) {
            Err(SimulationError::Interrupted(_)) if !records.is_empty() => {}
            record => records.push(record?),
        }
        if interrupt.is_raised() {
            cut_short(&mut records, scenario.runs);
            break;
        }
    }
    Ok(records)
}

/// Leaves the whole runs of an interrupted series, and says in each how many they are.
fn cut_short(records: &mut Vec<RunRecord>, asked: u32) {
    if records.len() > 1 && records.last().is_some_and(|record| record.end == End::Interrupted) {
        records.pop();
    }
    let (whole, asked) = (records.len(), asked as usize);
    if whole < asked {
        for record in records {
            record.notices.push(Notice::SeriesInterrupted { measured: whole as u64, asked: asked as u64 });
        }
    }
}

/// Checks that a scenario fits this machine and needs no other process.
///
/// # Errors
///
/// [`SimulationError`] if it needs more memory than is left, or several processes.
pub fn check(scenario: &Scenario) -> Result<(), SimulationError> {
    processes::check(scenario, None)?;
    memory::left(scenario)?;
    Ok(())
}

/// What all runs of a scenario under one seed have in common: its overlay, its network, its orders.
pub struct Runner<'a> {
    scenario: &'a Scenario,
    interrupt: &'a Interrupt,
    observer: &'a dyn Observer,
    /// What is started as a process.
    program: Option<&'a Program>,
    protocol: Box<dyn RunProtocol + 'a>,
    topology: Arc<Topology>,
    /// The overlay that nodes know their peers from: the same one, but stored where the protocol needs that.
    peers: Arc<Topology>,
    partition: ShardMap,
    pinning: Pinning,
    workload: Workload,
    /// The network, where it is modelled.
    network: Option<Network>,
    orders: Vec<Arc<Order>>,
    forecast: Forecast,
    /// How many orders a node tells apart.
    window: Window,
    /// From so many nodes on virtual time keeps no figures by node.
    node_figures_end: u32,
    /// Bytes for messages under way.
    memory_left: u64,
}

impl<'a> Runner<'a> {
    /// Builds all that. `program` is what several processes are started from, where the scenario asks for them.
    ///
    /// # Errors
    /// [`SimulationError`] where that cannot be had.
    pub fn build(
        scenario: &'a Scenario,
        interrupt: &'a Interrupt,
        observer: &'a dyn Observer,
        program: Option<&'a Program>,
    ) -> Result<Runner<'a>, SimulationError> {
        processes::check(scenario, program)?;
        let memory_left = memory::left(scenario)?.unwrap_or(u64::MAX);
        Ok(Runner { program, memory_left, ..Runner::new(scenario, interrupt, observer)? })
    }

    fn new(
        scenario: &'a Scenario,
        interrupt: &'a Interrupt,
        observer: &'a dyn Observer,
    ) -> Result<Runner<'a>, SimulationError> {
        Runner::of(scenario, interrupt, observer, protocols::named(scenario))
    }

    fn of(
        scenario: &'a Scenario,
        interrupt: &'a Interrupt,
        observer: &'a dyn Observer,
        protocol: Box<dyn RunProtocol + 'a>,
    ) -> Result<Runner<'a>, SimulationError> {
        let workers = scenario.workers();
        let partition = ShardMap::new(scenario.nodes, workers);
        // An overlay can take a minute; too many sockets and a matrix that is none are to be refused before.
        carriers::make_room(scenario, &partition)?;
        let network = scenario.network.as_ref().map(|network| network.build(scenario.seed)).transpose()?;
        let topology = scenario.overlay_unless(interrupt)?;
        let peers = protocols::peers(&*protocol, &topology, interrupt)?;
        let workload = scenario.workload();
        // There is one order at least.
        let origin = workload.publications().first().map_or(NodeId(0), |publication| publication.origin);
        let forecast = {
            let reach = reach_unless(&topology, origin, interrupt)?;
            Forecast::new(scenario, &topology, origin, reach, network.as_ref())
        };
        let slow_way = network.as_ref().map_or(Nanos::ZERO, |network| network.slow_way(scenario.nodes));
        Ok(Runner {
            scenario,
            interrupt,
            observer,
            program: None,
            protocol,
            peers,
            partition,
            pinning: Pinning::new(workers, scenario.pin),
            orders: orders(scenario, &workload, interrupt)?,
            workload,
            window: scenario.window(forecast.ttl, slow_way),
            network,
            forecast,
            topology,
            node_figures_end: NODE_FIGURES_END,
            memory_left: u64::MAX,
        })
    }

    /// One run. `clock` was started when its set-up began.
    ///
    /// # Errors
    /// [`SimulationError`] where it could not be made to its end.
    pub fn run(&self, clock: Clock) -> Result<RunRecord, SimulationError> {
        let virtual_network = self.network.as_ref().filter(|_| self.scenario.transport.is_virtual());
        let mut record = match virtual_network {
            Some(network) => self.simulate(network, clock)?,
            None => self.run_on_carriers(clock)?,
        };
        self.context().diagnose(&mut record);
        if record.end == End::OutOfMemory {
            record.notices.insert(0, Notice::MemoryUsedUp { left_bytes: self.memory_left });
        }
        Ok(record)
    }

    /// What the runs of this runner are judged against.
    fn context(&self) -> RunContext<'_> {
        RunContext {
            scenario: self.scenario,
            network: self.network.as_ref(),
            workload: &self.workload,
            orders: &self.orders,
            window: self.window,
            forecast: &self.forecast,
            cores: self.pinning.allowed,
        }
    }

    fn run_on_carriers(&self, clock: Clock) -> Result<RunRecord, SimulationError> {
        let token = drawn_token()?;
        if self.scenario.processes > 1 {
            return self.run_processes(clock, token);
        }
        let (meeting, mut common) = self.lay_out(&mut Arena::heap());
        let home = self.take_part(&ProcessSlot { process: 0, token, clock }, meeting, &mut common, None)?;
        Ok(self.record(&common, vec![(std::process::id(), home)]))
    }

    /// What the workers of a run share, always laid out in the same order.
    fn lay_out(&self, arena: &mut Arena) -> (Rendezvous, RunState) {
        let scenario = self.scenario;
        let scope = Scope {
            orders: self.workload.orders(),
            window: self.window,
            goals: Goals::new(scenario.nodes, scenario.target),
        };
        (Rendezvous::new(arena, scenario), RunState::new(arena, &self.partition, scope))
    }

    /// Runs the workers of one process.
    fn take_part(
        &self,
        seat: &ProcessSlot,
        meeting: Rendezvous,
        common: &mut RunState,
        process_waker: Option<&ProcessWaker>,
    ) -> Result<ProcessOutcome, SimulationError> {
        let scenario = self.scenario;
        let Carriers { ends, datagram_bytes, notices } = self.carriers(seat, meeting)?;
        let plan = RunPlan {
            topology: &self.topology,
            partition: &self.partition,
            pinning: &self.pinning,
            network: self.network.as_ref(),
            orders: &self.orders,
            workload: &self.workload,
            ttl: self.forecast.ttl,
            draw: self.draw(),
            knowledge: self.knowledge(),
            exclude_sender: scenario.exclude_sender,
            ends_at_target: scenario.until == Until::Target,
            timeout: scenario.timeout,
            spin: scenario.spin,
            interrupt: self.interrupt,
            allowance: &Allowance::new(self.memory_left),
            observer: self.observer,
        };
        let first = self.workers(seat).start;
        let workers = self.protocol.on_carriers(plan, ends, ProcessShare { common, first, process_waker })?;
        Ok(ProcessOutcome { workers, datagram_bytes, notices })
    }

    /// Puts together what the processes reported, puts times on the injection's zero and adds what the runner
    /// knows.
    fn record(&self, common: &RunState, homes: Vec<(u32, ProcessOutcome)>) -> RunRecord {
        let processes = homes.iter().map(|(pid, home)| ProcessRecord { pid: *pid, workers: home.workers.len() as u32 });
        let processes = processes.collect();
        let datagram_bytes = homes.first().map_or(0, |(_, home)| home.datagram_bytes);
        let mut notices: Vec<Notice> = Vec::new();
        let mut brought = Vec::with_capacity(self.partition.workers());
        for (_, home) in homes {
            brought.extend(home.workers);
            notices.extend(home.notices);
        }
        notices.dedup();
        let outcome = common.outcome(brought);
        let RuntimeOutcome { end, injected_at, left_at, workers, mut receipts, traffic, bulk, departures } = outcome;
        for receipt in receipts.iter_mut().filter(|receipt| receipt.is_reached()) {
            receipt.time = receipt.time.since(injected_at);
        }
        let wall = left_at.since(injected_at);
        let tallies = self.tallies(&workers);
        let groups = self.context().regions(&receipts, &traffic, wall);
        RunRecord {
            end,
            nodes: self.topology.nodes(),
            names: self.scenario.names(),
            elapsed: wall,
            is_virtual: false,
            machine: MachineTimes { wall, setup: injected_at },
            bulk: bulk.map(|counts| self.context().bulk(counts, end, injected_at)),
            overlay: self.overlay_facts(),
            target: self.scenario.target,
            overloaded: false,
            ttl: self.forecast.ttl,
            datagram_bytes,
            degrees: self.degrees(),
            tallies,
            shard_starts: self.partition.starts().to_vec(),
            processes,
            ledger: Ledger::of(&workers, end),
            notices: {
                let forecast = self.forecast.notices.iter().cloned();
                forecast.chain(notices).chain(self.placing(&workers)).chain(lateness(departures.as_ref())).collect()
            },
            receipts: Receipts::Each(receipts),
            counted: None,
            curve: None,
            departures,
            traffic,
            workers,
            digest: None,
            lines: AccessLinkRecord::default(),
            spies: None,
            groups,
        }
    }

    fn overlay_facts(&self) -> OverlayFacts {
        OverlayFacts {
            origin: self.scenario.names().id(self.forecast.origin),
            mean_degree: self.topology.mean_degree(),
            max_degree: self.topology.max_degree(),
            reachable: self.forecast.reach.as_ref().map(|reach| reach.reachable),
            depth: self.forecast.reach.as_ref().map(|reach| reach.depth),
        }
    }

    fn degrees(&self) -> Vec<u32> {
        (0..self.topology.nodes()).map(|node| self.topology.degree(NodeId(node))).collect()
    }

    /// Says where workers could not have a core each, or not the one meant for them.
    fn placing(&self, workers: &[WorkerRecord]) -> Vec<Notice> {
        let mut notices = Vec::new();
        let (threads, cores) = (self.scenario.workers(), self.pinning.allowed);
        if !self.pinning.is_exclusive() {
            notices.push(Notice::CoresShared {
                workers: threads as u64,
                cores: cores as u64,
                is_pinned: self.scenario.pin != Pin::None,
            });
        }
        let meant = workers.iter().zip(&self.pinning.cores).filter(|(_, core)| core.is_some());
        let unpinned = meant.filter(|(worker, _)| worker.core.is_none()).count();
        if unpinned > 0 {
            notices.push(Notice::WorkersNotPinned { unpinned: unpinned as u64, workers: threads as u64 });
        }
        notices
    }
}

/// What a process reports.
#[derive(BorshSerialize, BorshDeserialize)]
struct ProcessOutcome {
    /// By worker.
    workers: Vec<WorkerOutcome>,
    /// Bytes of a datagram, 0 where there is none.
    datagram_bytes: u32,
    /// What a reader should know of its carrier.
    notices: Vec<Notice>,
}

/// The orders that a schedule publishes: what each says, how large it is, and when it is due.
fn orders(scenario: &Scenario, workload: &Workload, interrupt: &Interrupt) -> Result<Vec<Arc<Order>>, SimulationError> {
    let mut lookout = Lookout::new(interrupt);
    let generated = workload.publications().iter().map(|publication| {
        lookout.work(ORDER_UNITS)?;
        let index = publication.order;
        let bytes = payload_bytes(scenario.seed, index, scenario.payload_bytes.range());
        let order = Order::generate(scenario.seed, index, usize::from(bytes));
        let mut order = order.map_err(|error: PayloadTooLong| SimulationError::Order(error.to_string()))?;
        order.published_at = publication.due;
        Ok(Arc::new(order))
    });
    generated.collect()
}

/// The work that it is to make an order, where a draw is one.
const ORDER_UNITS: u64 = 64;

#[cfg(all(test, not(loom)))]
mod tests;
