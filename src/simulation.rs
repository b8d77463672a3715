//! Runs a scenario: builds what it names, lets a worker per thread loose on it, and merges what they bring home.
//!
//! The one `match` over carriers and protocols is in this room, so that their combinations do not multiply elsewhere.

mod carriers;
mod forecast;
mod virtual_time;

use crate::gossip::{Push, TargetDraw};
use crate::ids::{NodeId, OrderIndex};
use crate::network::NetworkError;
use crate::order::Order;
use crate::runtime::{self, Observer, Outcome, Partition, Placement, Plan, Published, RuntimeError};
use crate::scenario::{Pin, Scenario, Until};
use crate::stats::{End, Ledger, OverlayFacts, RunRecord, WorkerRecord};
use crate::sync::Interrupt;
use crate::topology::{Topology, TopologyError, reach};
use crate::transport::udp::BindError;
use crate::transport::{Clock, TransportError};
use carriers::Carriers;
use forecast::Forecast;
use std::io;
use std::sync::Arc;

/// Why a scenario could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The overlay cannot be built.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The network cannot be modelled.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The sockets cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The carrier cannot be set up.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The order cannot be made or encoded.
    #[error("the order cannot be made: {0}")]
    Order(String),
    /// The operating system gave no random token.
    #[error("the operating system gave no random bytes for the run's token: {0}")]
    Entropy(io::Error),
    /// A worker failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

impl SimulationError {
    /// Whether the user asked for what cannot be, rather than something having failed.
    pub fn is_usage(&self) -> bool {
        match self {
            SimulationError::Topology(_) | SimulationError::Network(_) | SimulationError::Order(_) => true,
            SimulationError::Bind(error) => error.is_usage(),
            SimulationError::Transport(_) | SimulationError::Entropy(_) | SimulationError::Runtime(_) => false,
        }
    }
}

/// Runs the scenario once, or with `runs` above 1 a warm-up and then so many times. An interrupt ends the series early;
/// the run it cut short is kept only if there is no whole one, since it would pass for one that missed the target.
pub fn run(scenario: &Scenario, interrupt: &Interrupt) -> Result<Vec<RunRecord>, SimulationError> {
    run_observed(scenario, interrupt, &())
}

/// [`run`] with somebody who is told when workers enter and leave their loops.
pub fn run_observed(
    scenario: &Scenario,
    interrupt: &Interrupt,
    observer: &dyn Observer,
) -> Result<Vec<RunRecord>, SimulationError> {
    let clock = Clock::start();
    let lab = Laboratory::new(scenario, interrupt, observer)?;
    if scenario.runs == 1 {
        return Ok(vec![lab.run(clock)?]);
    }
    lab.run(Clock::start())?;
    let mut records = Vec::with_capacity(scenario.runs as usize);
    while records.len() < scenario.runs as usize {
        records.push(lab.run(Clock::start())?);
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
            record.notices.push(format!("The series was interrupted: {whole} of {asked} runs were measured."));
        }
    }
}

/// What all runs of a scenario have in common.
struct Laboratory<'a> {
    scenario: &'a Scenario,
    interrupt: &'a Interrupt,
    observer: &'a dyn Observer,
    topology: Topology,
    partition: Partition,
    placement: Placement,
    orders: [Arc<Order>; 1],
    forecast: Forecast,
}

impl<'a> Laboratory<'a> {
    fn new(
        scenario: &'a Scenario,
        interrupt: &'a Interrupt,
        observer: &'a dyn Observer,
    ) -> Result<Laboratory<'a>, SimulationError> {
        // An overlay can take a minute; too many sockets are to be refused before.
        carriers::make_room(scenario)?;
        let topology = scenario.topology.build(scenario.nodes, scenario.peers, scenario.seed)?;
        let order = Order::generate(scenario.seed, OrderIndex(0), usize::from(scenario.payload_bytes))
            .map_err(|error| SimulationError::Order(error.to_string()))?;
        let forecast = Forecast::new(scenario, &topology, reach(&topology, scenario.origin));
        Ok(Laboratory {
            scenario,
            interrupt,
            observer,
            partition: Partition::new(scenario.nodes, scenario.threads),
            placement: Placement::new(scenario.threads, scenario.pin),
            orders: [Arc::new(order)],
            forecast,
            topology,
        })
    }

    /// One run. `clock` was started when its set-up began.
    fn run(&self, clock: Clock) -> Result<RunRecord, SimulationError> {
        let scenario = self.scenario;
        if let Some(network) = &scenario.network {
            return self.simulate(&network.build(scenario.seed)?);
        }
        let Carriers { ends, datagram_bytes, notices } = self.carriers(clock)?;
        let plan = Plan {
            topology: &self.topology,
            partition: &self.partition,
            placement: &self.placement,
            orders: &self.orders,
            published: Published { order: OrderIndex(0), origin: scenario.origin, ttl: self.forecast.ttl },
            draw: TargetDraw::new(scenario.seed, scenario.fanout),
            exclude_sender: scenario.exclude_sender,
            goal: scenario.target.ceil_of(u64::from(scenario.nodes)),
            ends_at_target: scenario.until == Until::Target,
            timeout: scenario.timeout,
            spin: scenario.spin,
            interrupt: self.interrupt,
            observer: self.observer,
        };
        let outcome = runtime::run(&plan, &Push, ends)?;
        Ok(self.record(outcome, datagram_bytes, notices))
    }

    /// Puts times on the injection's zero and adds what the laboratory knows.
    fn record(&self, outcome: Outcome, datagram_bytes: u32, notices: Vec<String>) -> RunRecord {
        let Outcome { end, injected_at, left_at, workers, mut receipts, traffic } = outcome;
        for receipt in receipts.iter_mut().filter(|receipt| receipt.is_reached()) {
            receipt.time = receipt.time.since(injected_at);
        }
        RunRecord {
            end,
            wall: left_at.since(injected_at),
            setup: injected_at,
            overlay: self.overlay_facts(),
            ttl: self.forecast.ttl,
            datagram_bytes,
            degrees: self.degrees(),
            shard_starts: self.partition.starts().to_vec(),
            ledger: ledger(&workers, end),
            notices: self.forecast.notices.iter().cloned().chain(notices).chain(self.placing(&workers)).collect(),
            receipts,
            traffic,
            workers,
            digest: None,
        }
    }

    fn overlay_facts(&self) -> OverlayFacts {
        OverlayFacts {
            mean_degree: self.topology.mean_degree(),
            max_degree: self.topology.max_degree(),
            reachable: self.forecast.reach.reachable,
            depth: self.forecast.reach.depth,
        }
    }

    fn degrees(&self) -> Vec<u32> {
        (0..self.topology.nodes()).map(|node| self.topology.degree(NodeId(node))).collect()
    }

    /// Says where workers could not have a core each, or not the one meant for them.
    fn placing(&self, workers: &[WorkerRecord]) -> Vec<String> {
        let mut notices = Vec::new();
        let (threads, cores) = (self.scenario.threads, self.placement.allowed);
        if !self.placement.is_exclusive() {
            let pinned = if self.scenario.pin == Pin::None { "not pinned" } else { "pinned round robin" };
            let noun = if cores == 1 { "core" } else { "cores" };
            notices.push(format!(
                "{threads} workers share {cores} {noun}, {pinned}: they take turns, and times include the waiting."
            ));
        }
        let meant = workers.iter().zip(&self.placement.cores).filter(|(_, core)| core.is_some());
        let unpinned = meant.filter(|(worker, _)| worker.core.is_none()).count();
        if unpinned > 0 {
            notices.push(format!(
                "{unpinned} of {threads} workers could not be pinned, for lack of permission or of the core; the kernel \
                 places them."
            ));
        }
        notices
    }
}

/// Adds the workers' books up.
fn ledger(workers: &[WorkerRecord], end: End) -> Ledger {
    let mut ledger = Ledger { kernel_dropped: Some(0), ended_quiet: end == End::Quiescent, ..Ledger::default() };
    for worker in workers {
        ledger.sent += worker.sent;
        ledger.received += worker.received;
        ledger.queued_unsent += worker.queued_unsent;
        ledger.in_flight_at_stop += worker.carrier.drained;
        ledger.kernel_dropped = ledger.kernel_dropped.zip(worker.carrier.kernel_dropped).map(|(sum, more)| sum + more);
        ledger.strays.merge(&worker.carrier.strays);
        if let Some(missing) = worker.carrier.missing {
            ledger.missing.get_or_insert_default().add(missing);
        }
        ledger.explained_receipts += worker.reached + worker.duplicates;
    }
    // The origin was reached without a receipt.
    ledger.explained_receipts = ledger.explained_receipts.saturating_sub(1);
    ledger
}
