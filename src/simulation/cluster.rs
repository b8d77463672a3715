//! A run in virtual time as one process of a cluster: each process computes its share of the nodes, and process 0 has
//! the record of all.
//!
//! Every process builds the same network and orders from the scenario, and the rows of its own nodes where the family
//! of the overlay allows it. What belongs to nodes (their receipts, their messages, their links' queues) only the
//! process has that owns them.

use super::built_overlay::BuiltOverlay;
use super::cluster_scenario::ClusterScenarioError;
use super::named_protocols;
use super::protocols::RunProtocol;
use super::settled_peers::SettledPeers;
use super::{Runner, SimulationError, TraceRequest};
use crate::analysis::{CollectedBulk, Population};
use crate::engine::{
    ClusterMember, ClusterOutcome, EngineOutcome, EngineSetup, MemberNodes, NodeFiguresRequest, NodeSummary,
};
use crate::memory::{self, ClusterShape};
use crate::record::{ClusterProcessRecord, End, MachineTimes, NodeFigures, NodePlaces, Notice, Receipts, RunRecord};
use crate::scenario::Scenario;
use crate::sync::{Allowance, Interrupt};
use crate::threads::{Observer, Pinning, ShardMap};
use crate::topology::PartExchange;
use crate::trace::{TraceLog, TraceSpool, WRITER_BYTES};
use crate::transport::Clock;

/// The part of one process in a run that a cluster has made.
#[derive(Debug)]
pub struct ClusterRecord {
    /// The record of the whole run, in process 0.
    pub whole: Option<RunRecord>,
    /// The reason for the end of the run.
    pub end: End,
    /// The share of this process.
    pub own: ClusterProcessRecord,
    /// The figures of its nodes; empty unless they were to be kept.
    pub nodes: NodeFigures,
    /// The messages whose fate was decided at its nodes, if a trace was asked for.
    pub trace: Option<TraceLog>,
}

/// The figures that each process keeps of a run beside its share of the report.
#[derive(Clone, Copy, Default)]
pub struct ClusterParts<'a> {
    /// True for the figures of its nodes.
    pub nodes: bool,
    /// A trace of its messages.
    pub trace: Option<&'a TraceRequest>,
}

/// Checks that a cluster of this many processes can compute a scenario, as far as the scenario tells.
///
/// # Errors
///
/// [`ClusterScenarioError`].
pub fn check_in_cluster(scenario: &Scenario, processes: usize) -> Result<(), ClusterScenarioError> {
    let (transport, nodes) = (scenario.carrier.transport, scenario.overlay.nodes);
    let (threads, runs) = (scenario.carrier.threads, scenario.run.runs);
    if scenario.carrier.processes > 1 {
        let processes = scenario.carrier.processes;
        Err(ClusterScenarioError::Processes { processes })
    } else if !transport.is_virtual() {
        Err(ClusterScenarioError::NotVirtual { transport })
    } else if runs > 1 {
        Err(ClusterScenarioError::Runs { runs })
    } else if processes * threads > nodes as usize {
        Err(ClusterScenarioError::IdleWorkers { processes, threads, nodes })
    } else {
        Ok(())
    }
}

impl<'a> Runner<'a> {
    /// Builds the runner of a process of a cluster, all of which do so together. The last argument counts those on its
    /// machine: those before it, which have other cores, and all, which share the memory.
    ///
    /// # Errors
    ///
    /// [`SimulationError`] if a cluster cannot compute the scenario, or if it cannot be built here.
    pub fn build_in_cluster(
        scenario: &'a Scenario,
        interrupt: &'a Interrupt,
        observer: &'a dyn Observer,
        others: &mut dyn PartExchange,
        [earlier_on_machine, on_machine]: [usize; 2],
    ) -> Result<Runner<'a>, SimulationError> {
        check_in_cluster(scenario, others.processes())?;
        let (process, processes, threads) = (others.process(), others.processes(), scenario.carrier.threads);
        let shape = ClusterShape { process, processes, threads };
        let memory_left = memory::left_in_cluster(scenario, shape, on_machine)?.unwrap_or(u64::MAX);
        let partition = ShardMap::new(scenario.overlay.nodes, processes * threads);
        // Workers are numbered over all processes, cores over those of this machine.
        let mut pinning = Pinning::new((earlier_on_machine + 1) * threads, scenario.carrier.pin);
        pinning.cores.splice(..earlier_on_machine * threads, std::iter::repeat_n(None, process * threads));
        let build = |protocol: &dyn RunProtocol, origin| {
            BuiltOverlay::of_process(scenario, protocol, origin, (&partition, others), interrupt)
        };
        let runner = Runner::over(scenario, interrupt, observer, named_protocols::named(scenario), build)?;
        Ok(Runner { memory_left, partition, pinning, ..runner })
    }

    /// Returns the runner with figures by node kept or left out as in a run of this many nodes, from whose figures it
    /// differs in size alone.
    pub fn like_one_of(self, nodes: u32) -> Runner<'a> {
        let node_figures_end = if nodes < self.node_figures_end { self.node_figures_end } else { 0 };
        Runner { node_figures_end, ..self }
    }

    /// Makes the run as a process of a cluster, together with all others. `clock` was started when its set-up began.
    ///
    /// # Errors
    ///
    /// [`SimulationError`] if the run could not be made to its end.
    pub fn run_in_cluster(
        &self,
        clock: Clock,
        member: &ClusterMember,
        parts: ClusterParts<'_>,
    ) -> Result<ClusterRecord, SimulationError> {
        let Some(network) = &self.network else {
            return Err(ClusterScenarioError::NotVirtual { transport: self.scenario.carrier.transport }.into());
        };
        let spool = parts.trace.map(|request| TraceSpool::new(&request.folder));
        let writers = if parts.trace.is_some() { member.shards().len() as u64 * WRITER_BYTES } else { 0 };
        let allowance = Allowance::new(self.memory_left.saturating_sub(writers));
        self.with_setup(network, |setup, population| {
            let setup = &EngineSetup { trace: spool.as_ref(), allowance: &allowance, ..*setup };
            self.interrupt.attend();
            let began = clock.now();
            // A group, a spy or a node that fails needs the receipts of single nodes.
            let summarizes = population.is_everybody() && self.groups(setup, population).roster().is_empty();
            let request = NodeFiguresRequest { keeps: parts.nodes, summarizes };
            let ClusterOutcome { outcome, summary, end, processes, own, nodes } =
                self.protocol.in_cluster(*setup, member, request)?;
            let machine = MachineTimes { wall: clock.now().since(began), setup: began };
            let whole = outcome.map(|outcome| {
                let record = match summary {
                    Some(summary) => self.summarized_record(setup, population, outcome, summary),
                    None => self.run_record(setup, population, outcome, None),
                };
                self.judged(RunRecord { machine, cluster: processes, ..record })
            });
            let nodes = if parts.nodes { self.node_figures(member, nodes) } else { NodeFigures::default() };
            let trace = self.finish_trace(parts.trace, spool.as_ref())?;
            Ok(ClusterRecord { whole, end, own, nodes, trace })
        })
    }

    /// Makes the record of a run of which no process has the figures of all nodes.
    fn summarized_record(
        &self,
        setup: &EngineSetup<'_>,
        population: &Population<'_>,
        mut outcome: EngineOutcome,
        summary: NodeSummary,
    ) -> RunRecord {
        let NodeSummary { receipts, orders, traffic } = summary;
        outcome.receipts = receipts.map_or(Receipts::Each(Vec::new()), Receipts::Summary);
        let at_rest = outcome.is_at_rest();
        let bulk = outcome.totals.bulk_receipts.take().map(|receipts| {
            let collected = CollectedBulk { orders, receipts, groups: Vec::new(), measured: None };
            self.context().collected_bulk(collected, &outcome.totals.by_order, at_rest)
        });
        let mut record = self.complete_record(setup, population, outcome, bulk);
        if traffic.is_some() {
            // It was kept, if not by one process.
            record.notices.retain(|notice| {
                !matches!(notice, Notice::NodeTrafficNotKept { .. } | Notice::NodeTrafficCutShort { .. })
            });
        }
        RunRecord { traffic_summary: traffic, ..record }
    }

    /// Returns the figures of the nodes of a member.
    fn node_figures(&self, member: &ClusterMember, nodes: MemberNodes) -> NodeFigures {
        let (shards, MemberNodes { receipts, traffic, settled_peers }) = (member.shards(), nodes);
        let nodes = self.partition.shard(shards.start).start..self.partition.shard(shards.end - 1).end;
        let keeps_figures = !traffic.is_empty();
        let settled = SettledPeers::new(settled_peers, nodes.len() as u32);
        NodeFigures {
            first: nodes.start,
            count: nodes.len() as u32,
            // The receipts of a bulk have no column.
            receipts: if self.workload.orders() == 1 { receipts } else { Vec::new() },
            traffic,
            degrees: if keeps_figures { self.degrees(nodes.clone(), settled.as_ref()) } else { Vec::new() },
            places: if keeps_figures { self.node_places(nodes) } else { NodePlaces::default() },
        }
    }
}
