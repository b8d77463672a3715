//! Estimates what a run over several machines takes, from small runs on this one.
//!
//! The scenario is run at two sizes as a cluster of two processes within this one, connected over loopback, and for
//! more than two processes once more at the greater size with four. The runs tell how many messages a node sends, how
//! many of them cross, how many wait, how long a message takes and how that grows with the size, how often all meet,
//! and how long a meeting takes. The rest is arithmetic, which this page has.
//!
//! | figure | estimate |
//! |---|---|
//! | messages | per node as at the greater size |
//! | windows | as at the greater size, and as many more for each doubling as between the two |
//! | meetings | one for each window; along shortest paths as many more as there are pieces of messages |
//! | messages that cross | `f(n) (1 - 1/P)` of all, for n workers in P processes; f as measured, linear in 1/n |
//! | memory | the need that the scenario tells, the program, and what waits and crosses, as at the greater size |
//! | time of a message | as above, by the nodes of a worker; at most three times that of the greater size |
//! | time of a window | that of the smaller run, where hardly anything is computed, and the network's round trip |
//! | wait for the slowest | the share of the computing time that the workers of the greater run wait for each other |
//!
//! f is 1 where every message counts at its receiver. Along shortest paths a worker drops what it knows to be a
//! duplicate, of which fewer workers know more; and the traffic of nodes is drawn a second time.
//!
//! A machine with other work measures too much: repeat the estimate if it surprises.

mod figures;
mod text;

pub use figures::ClusterEstimate;

use crate::cluster::{ClusterError, ConnectionSpeed, WordExchange, measure_connections};
use crate::engine::ClusterMember;
use crate::record::End;
use crate::scenario::{Draft, OverlayOptions, Scenario, ScenarioError};
use crate::simulation::{ClusterParts, ClusterRecord, Runner, SimulationError, check_in_cluster};
use crate::sync::{Interrupt, Interrupted};
use crate::sys::peak_memory_bytes;
use crate::threads::{ThreadError, WorkerThreads};
use crate::time::Nanos;
use crate::topology::TopologySpec;
use crate::transport::Clock;
use std::io;
use std::net::{TcpListener, TcpStream};

/// Nodes of the greater of the two runs, if the scenario has more and its overlay is not much larger.
const CALIBRATION_NODES: u32 = 60_000;

/// The greater run is this many times as large as the smaller.
const CALIBRATION_RATIO: u32 = 8;

/// The least nodes of a small run.
const CALIBRATION_NODES_MIN: u32 = 16;

/// Processes of the two runs, and of the third, if as many are asked for.
const PROCESSES_FEW: usize = 2;
const PROCESSES_MORE: usize = 4;

/// The machines and the network for which a run is estimated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClusterPlan {
    /// Number of processes.
    pub processes: usize,
    /// Rate of each machine's link, in bits per second and direction.
    pub link_bits: u64,
    /// Time of a short message there and of another back.
    pub round_trip: Nanos,
    /// True if frames are sealed.
    pub is_sealed: bool,
    /// The cores that all processes share, if they run on one machine.
    pub shared_cores: Option<usize>,
}

/// A reason for which nothing can be estimated.
#[derive(Debug, thiserror::Error)]
pub enum EstimateError {
    /// The scenario has no smaller size.
    #[error("the small run on this machine that an estimate takes cannot be made of this scenario: {0}")]
    Scenario(#[from] ScenarioError),
    /// One of the small runs failed, or a cluster cannot compute the scenario.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// The connections of this machine cannot be measured.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The system refuses a thread.
    #[error(transparent)]
    Thread(#[from] ThreadError),
    /// The system refuses a connection.
    #[error("the system refuses a connection within this machine: {0}; free ports or descriptors, and try again")]
    Connection(#[from] io::Error),
}

impl EstimateError {
    /// Returns true if another command line would avoid the error.
    pub fn is_usage(&self) -> bool {
        match self {
            EstimateError::Scenario(_) => true,
            EstimateError::Simulation(error) => error.is_usage(),
            EstimateError::Cluster(error) => error.is_usage(),
            EstimateError::Thread(_) | EstimateError::Connection(_) => false,
        }
    }
}

/// The figures of one small run; those of all processes together, unless they say otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Calibration {
    processes: f64,
    nodes: f64,
    messages: f64,
    /// Meetings, which every process has, but for those in which messages are counted again; and those.
    windows: f64,
    settling: f64,
    /// Events that crossed from one process to another, those of them in which messages were counted again, and bytes.
    crossed: f64,
    settled: f64,
    bytes: f64,
    /// The most bytes of messages that waited, and of those that crossed in one meeting.
    waiting: f64,
    crossing: f64,
    /// Nanoseconds that the workers computed.
    busy: f64,
    /// Nanoseconds that they waited.
    waited: f64,
    /// Nanoseconds from the start to the run, and from its end to the figures.
    setup: f64,
    closing: f64,
}

/// All that was measured on this machine.
#[derive(Clone, Copy, Debug)]
struct CalibrationSet {
    smaller: Calibration,
    greater: Calibration,
    /// The greater run with more processes, if as many are asked for.
    wider: Option<Calibration>,
    speed: ConnectionSpeed,
    /// Bytes of this program before the runs.
    program_bytes: u64,
}

/// Estimates a run of a scenario by a plan.
///
/// # Errors
///
/// [`EstimateError`] if a cluster cannot compute the scenario, or if the small runs cannot be made.
pub fn estimate_cluster(
    scenario: &Scenario,
    plan: &ClusterPlan,
    interrupt: &Interrupt,
) -> Result<ClusterEstimate, EstimateError> {
    check_in_cluster(scenario, plan.processes).map_err(SimulationError::from)?;
    let program_bytes = peak_memory_bytes().unwrap_or(0);
    let nodes = scenario.overlay.nodes;
    let greater = if is_scalable(scenario) { nodes.min(calibration_nodes(scenario)) } else { nodes };
    let smaller = (greater / CALIBRATION_RATIO).max(CALIBRATION_NODES_MIN).min(greater);
    let smaller = if is_scalable(scenario) { smaller } else { nodes };
    let (few, more) = (plan.processes.min(PROCESSES_FEW), plan.processes.min(PROCESSES_MORE));
    let run = |processes, nodes| calibrate(scenario, processes, nodes, interrupt);
    let measured = CalibrationSet {
        smaller: run(few, smaller)?,
        greater: run(few, greater)?,
        wider: (more > few).then(|| run(more, greater)).transpose()?,
        speed: measure_connections(plan.is_sealed)?,
        program_bytes,
    };
    Ok(figures::estimate(scenario, plan, &measured))
}

/// Returns true if the scenario can be run with fewer nodes: a file names those that it has.
fn is_scalable(scenario: &Scenario) -> bool {
    !matches!(scenario.overlay.topology, TopologySpec::File { .. }) && scenario.files().next().is_none()
}

/// Returns the nodes of the greater of the two runs: so many that its overlay is searched only if that of the scenario
/// is.
fn calibration_nodes(scenario: &Scenario) -> u32 {
    let OverlayOptions { topology, nodes, peers, .. } = &scenario.overlay;
    let mut calibration = CALIBRATION_NODES;
    while !topology.is_searched(*nodes, *peers) && topology.is_searched(calibration, *peers) {
        calibration = calibration.saturating_mul(2);
    }
    calibration
}

/// Runs the scenario with this many nodes as a cluster of processes, each of which is a thread here.
fn calibrate(
    scenario: &Scenario,
    processes: usize,
    nodes: u32,
    interrupt: &Interrupt,
) -> Result<Calibration, EstimateError> {
    let of_whole = scenario.overlay.nodes;
    let scenario = scenario.with(Draft { nodes: Some(nodes), threads: Some(1), ..Draft::default() })?;
    let threads = WorkerThreads { first: 0, cores: &[], give_up: &|| interrupt.raise() };
    let sockets = sockets(processes)?;
    let records = threads.run(sockets.into_iter().enumerate(), |_, (process, sockets)| {
        let mut others = WordExchange::new(sockets);
        let clock = Clock::start();
        let here = [process, processes];
        let runner = Runner::build_in_cluster(&scenario, interrupt, &(), &mut others, here)?.like_one_of(of_whole);
        let member = ClusterMember::new(others.into_streams(), process, 1)?;
        Ok::<ClusterRecord, EstimateError>(runner.run_in_cluster(clock, &member, ClusterParts::default())?)
    })?;
    let records = records.into_iter().collect::<Result<Vec<_>, _>>()?;
    if records.iter().any(|record| record.end == End::Interrupted) {
        return Err(SimulationError::from(Interrupted).into());
    }
    let sum = |figure: fn(&ClusterRecord) -> u64| records.iter().map(figure).sum::<u64>() as f64;
    let (busy, waited) = (sum(|record| record.own.busy.0), sum(|record| record.own.waited.0));
    let whole = records.iter().find_map(|record| record.whole.as_ref());
    let machine = whole.map(|whole| whole.machine).unwrap_or_default();
    Ok(Calibration {
        processes: processes as f64,
        nodes: nodes.into(),
        messages: whole.map_or(1.0, |whole| whole.ledger.sent.max(1) as f64),
        windows: sum(|record| record.own.meetings - record.own.settling_meetings) / processes as f64,
        settling: sum(|record| record.own.settling_meetings) / processes as f64,
        crossed: sum(|record| record.own.events_sent),
        settled: sum(|record| record.own.settled_events),
        bytes: sum(|record| record.own.bytes_sent),
        waiting: sum(|record| record.own.waiting_bytes),
        crossing: sum(|record| record.own.crossing_bytes),
        busy,
        waited,
        setup: machine.setup.0 as f64,
        closing: (machine.wall.0 as f64 - (busy + waited) / processes as f64).max(0.0),
    })
}

/// Connects each of `processes` threads with all others; returns the sockets of each.
fn sockets(processes: usize) -> io::Result<Vec<Vec<Option<TcpStream>>>> {
    let none = || (0..processes).map(|_| None).collect();
    let mut sockets: Vec<Vec<Option<TcpStream>>> = (0..processes).map(|_| none()).collect();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    for (one, other) in (0..processes).flat_map(|one| (one + 1..processes).map(move |other| (one, other))) {
        let dialled = TcpStream::connect(listener.local_addr()?)?;
        let (accepted, _) = listener.accept()?;
        dialled.set_nodelay(true)?;
        accepted.set_nodelay(true)?;
        (sockets[one][other], sockets[other][one]) = (Some(dialled), Some(accepted));
    }
    Ok(sockets)
}
