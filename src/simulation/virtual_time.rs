//! A run in virtual time: the setup of the engine, and the record of its outcome.
//!
//! No figure of the record depends on the machine: the time that the computation took stands apart, and counts are not
//! kept by worker. One seed gives the same bytes on any number of threads.

use super::{Runner, SimulationError, TraceRequest};
use crate::adversary::{Adversaries, Role};
use crate::analysis::{BulkCollector, Groups, Population, UnmetFaults};
use crate::coverage::Goals;
use crate::engine::{EngineOutcome, EngineSetup, OrderReceipts, RunTotals};
use crate::ids::NodeId;
use crate::network::{Detection, Faults, Network};
use crate::record::{BulkRecord, End, Ledger, MachineTimes, NodePlaces, Notice, Receipt, Receipts, RunRecord, Traffic};
use crate::scenario::Until;
use crate::sync::Allowance;
use crate::time::Nanos;
use crate::trace::TraceSpool;
use crate::transport::Clock;
use crate::wire::{message_bytes, part_bytes};
use crate::workload::Origins;
use std::borrow::Cow;

impl Runner<'_> {
    /// Makes one run of the scenario on this network, with a trace if that is asked for. `clock` was started when its
    /// set-up began.
    pub(super) fn simulate(
        &self,
        network: &Network,
        clock: Clock,
        trace: Option<&TraceRequest>,
    ) -> Result<RunRecord, SimulationError> {
        let spool = trace.map(|request| TraceSpool::new(&request.folder));
        let traced = if trace.is_some() { self.trace_memory() } else { 0 };
        let allowance = Allowance::new(self.memory_left.saturating_sub(traced));
        self.with_setup(network, |setup, population| {
            let collector = self.collector(setup, population);
            let order_receipts = collector.as_ref().map(|collector| collector as &dyn OrderReceipts);
            let setup = &EngineSetup { trace: spool.as_ref(), allowance: &allowance, order_receipts, ..*setup };
            self.interrupt.attend();
            let began = clock.now();
            let outcome = self.protocol.in_virtual_time(*setup)?;
            let machine = MachineTimes { wall: clock.now().since(began), setup: began };
            let log = self.finish_trace(trace, spool.as_ref())?;
            Ok(RunRecord { machine, trace: log, ..self.run_record(setup, population, outcome, collector.as_ref()) })
        })
    }

    /// Calls `act` with the setup of the engine and the population that coverage counts.
    pub(super) fn with_setup<T>(
        &self,
        network: &Network,
        act: impl FnOnce(&EngineSetup<'_>, &Population<'_>) -> Result<T, SimulationError>,
    ) -> Result<T, SimulationError> {
        let scenario = self.scenario;
        let message_bytes: Vec<u32> = self.payload_bytes.iter().map(|&bytes| message_bytes(bytes)).collect();
        let degree = |node: NodeId| self.topology.degree(node);
        let (specs, seed, nodes) = (&scenario.failures.faults, scenario.run.seed, scenario.overlay.nodes);
        let faults = Faults::new(specs, seed, nodes, network, degree, self.spared(), self.interrupt)?;
        if let Some(contact) = scenario.membership.as_ref().map(|membership| membership.contact)
            && !faults.is_up(contact, Nanos::ZERO)
        {
            return Err(SimulationError::Protocol(format!(
                "--contact {}: this node is down from the start, so that nobody can join; choose another one, or let \
                 the nodes of --down fail later, with at=TIME",
                contact.0
            )));
        }
        let population =
            Population { faults: &faults, nodes: scenario.overlay.nodes, publications: self.workload.publications() };
        let peers = |node: NodeId| self.topology.peers(node).collect();
        let names = scenario.names();
        let adversaries = Adversaries::new(
            &scenario.failures.adversary,
            scenario.run.seed,
            scenario.overlay.nodes,
            &names,
            peers,
            self.spared(),
        )?;
        let ends_at_target = scenario.run.until == Until::Target;
        let setup = EngineSetup {
            engine: scenario.carrier.engine,
            topology: &self.topology,
            partition: &self.partition,
            pinning: &self.pinning,
            draw: self.draw(),
            knowledge: self.knowledge(),
            network,
            faults: &faults,
            detection: scenario.failures.faults.detect.map(|spec| Detection::new(scenario.run.seed, spec)),
            adversaries: &adversaries,
            asked_warm_up: scenario.protocol.warm_up,
            warm_up: Nanos::ZERO,
            workload: &self.workload,
            window: self.window,
            message_bytes: &message_bytes,
            part_bytes: self.protocol.facts().cut.map_or(0, |cut| part_bytes(cut.body_bytes)),
            ttl: self.forecast.ttl,
            exclude_sender: scenario.protocol.exclude_sender,
            goal: scenario.run.target.ceil_of(population.steady(self.interrupt)?),
            ends_at_target: ends_at_target && faults.is_steady(),
            moving_target: (ends_at_target && !faults.is_steady()).then_some(scenario.run.target),
            keeps_traffic: self.keeps_node_figures(),
            timeout: scenario.run.until.instant().map(|at| at - self.workload.last_due()).or(scenario.run.timeout),
            ends_at_instant: scenario.run.until.instant().is_some(),
            interrupt: self.interrupt,
            allowance: &Allowance::new(self.memory_left),
            observer: self.observer,
            trace: None,
            order_receipts: None,
        };
        act(&setup, &population)
    }

    /// Returns the collector of a bulk's receipts; `None` for a single order, or where coverage does not count all
    /// nodes.
    fn collector<'a>(&'a self, setup: &EngineSetup<'_>, population: &Population<'_>) -> Option<BulkCollector<'a>> {
        let publications = self.workload.publications();
        if publications.len() == 1 || !population.is_everybody() {
            return None;
        }
        let ranks = Goals::new(population.nodes, self.scenario.run.target).ranks();
        let roster = self.groups(setup, population).roster();
        let collector = BulkCollector::new(publications, ranks, setup.ttl, roster, self.partition.workers());
        Some(match self.measured_from {
            Some(first) => collector.measuring_from(first, population.nodes as usize),
            None => collector,
        })
    }

    /// Returns the properties by which nodes are grouped.
    pub(super) fn groups<'a>(&'a self, setup: &EngineSetup<'a>, population: &'a Population<'a>) -> Groups<'a> {
        Groups {
            network: Some(setup.network),
            adversaries: setup.adversaries,
            population,
            has_nat: !self.scenario.failures.faults.nat.is_zero(),
            has_parts: self.scenario.failures.adversary.0.iter().any(|part| !matches!(part.part, Role::Eclipse { .. })),
            mix: self.sides_of_mix(),
        }
    }

    /// Makes the complete record of an engine's outcome, except for the time that it took. `collector` has the receipts
    /// of a bulk that the outcome has not.
    pub(super) fn run_record(
        &self,
        setup: &EngineSetup<'_>,
        population: &Population<'_>,
        outcome: EngineOutcome,
        collector: Option<&BulkCollector<'_>>,
    ) -> RunRecord {
        let context = self.context();
        let spies = context.spies(&outcome.receipts, setup.adversaries);
        let groups = self.groups(setup, population);
        // The outcome of orders computed one by one has no receipts.
        let collector = collector.filter(|_| outcome.totals.bulk_receipts.is_none());
        let mut measured = None;
        let end = outcome.ended_at;
        let owned = |(roster, totals)| Some((Cow::Owned(roster), totals));
        let (counted, bulk) = match (collector, &outcome.receipts) {
            (Some(collector), _) => {
                let mut bulk = collector.collected();
                measured = bulk.measured.take();
                let counted = (Cow::Borrowed(collector.roster()), std::mem::take(&mut bulk.groups));
                let bulk = context.collected_bulk(bulk, &outcome.totals.by_order, outcome.is_at_rest());
                (Some(counted), Some(bulk))
            }
            (None, Receipts::Each(receipts)) => (owned(groups.counted(receipts, end)), None),
            (None, Receipts::Compact(receipts)) => (owned(groups.counted(receipts, end)), None),
            (None, Receipts::ByHop(_) | Receipts::Summary(_)) => (None, None),
        };
        let record = self.complete_record(setup, population, outcome, bulk);
        // The first copies among the messages of a node are counted by now.
        let groups = counted.map_or_else(Vec::new, |(roster, totals)| roster.records(totals, &record.traffic));
        RunRecord { spies, groups, measured: measured.or(record.measured), ..record }
    }

    /// Makes the record of an outcome, without its groups and spies. A bulk is given if the outcome lacks its receipts.
    pub(super) fn complete_record(
        &self,
        setup: &EngineSetup<'_>,
        population: &Population<'_>,
        outcome: EngineOutcome,
        bulk: Option<BulkRecord>,
    ) -> RunRecord {
        let (scenario, EngineSetup { network, adversaries, .. }) = (self.scenario, *setup);
        let longest = match setup.part_bytes {
            0 => setup.message_bytes.iter().copied().max().unwrap_or(0),
            part_bytes => part_bytes,
        };
        let spies = self.context().spies(&outcome.receipts, adversaries);
        let (met, nodes, end) = (&outcome.totals.met, scenario.overlay.nodes, outcome.ended_at);
        let unmet = UnmetFaults { nodes, faults: setup.faults, adversaries, met, spies, end };
        // An option that had no effect before an interrupt might have had one later.
        let unmet = match outcome.end {
            End::Interrupted | End::OutOfMemory => Vec::new(),
            _ => unmet.notices(&scenario.failures.faults, &scenario.failures.adversary),
        };
        let mut record = self.virtual_record(outcome, population, (longest, floorless(network)), bulk);
        record.notices.extend(unmet);
        record
    }

    /// Returns the node that publishes all orders, if there is one: it neither fails nor misbehaves.
    fn spared(&self) -> Option<NodeId> {
        match (self.scenario.workload.origins, self.workload.publications()) {
            (Origins::One(origin), _) => Some(origin),
            (Origins::Random | Origins::Listed, [only]) => Some(only.origin),
            (Origins::Random | Origins::Listed, _) => None,
        }
    }

    fn keeps_node_figures(&self) -> bool {
        self.scenario.overlay.nodes < self.node_figures_end
    }

    /// Reports that figures by node were not kept, which the general path does in any case, or that an interrupt
    /// prevented them.
    fn left_out(&self, end: End, traffic: &[Traffic], is_rough: bool) -> Option<Notice> {
        let not_kept = Notice::NodeTrafficNotKept { from_nodes: self.node_figures_end };
        let notice = if end.is_cut_short() { Notice::NodeTrafficCutShort { is_rough } } else { not_kept };
        traffic.is_empty().then_some(notice)
    }

    /// Makes the record of an outcome, without its groups and spies. A bulk whose receipts the outcome has not was
    /// `collected`.
    fn virtual_record(
        &self,
        outcome: EngineOutcome,
        population: &Population<'_>,
        (datagram_bytes, notice): (u32, Option<Notice>),
        collected: Option<BulkRecord>,
    ) -> RunRecord {
        let at_rest = outcome.is_at_rest();
        let EngineOutcome { end, ended_at, totals, receipts, mut traffic, is_rough } = outcome;
        let RunTotals { mut record, access_links, by_order, bulk_receipts, met: _, digest, settled_peers } = totals;
        let nodes = self.scenario.overlay.nodes as usize;
        record.published = published(collected.as_ref(), &receipts, &mut traffic, nodes);
        let (receipts, bulk, measured) = match (receipts, bulk_receipts) {
            (receipts, _) if collected.is_some() => (receipts, collected, None),
            (Receipts::Each(receipts), Some(totals)) => {
                let of_measured = |first| self.context().measured(&receipts, population, ended_at, first);
                let bulk = self.context().virtual_bulk(&receipts, totals, &by_order, population, at_rest, ended_at);
                (Receipts::Each(Vec::new()), Some(bulk), self.measured_from.map(of_measured))
            }
            (receipts, _) => (receipts, None, None),
        };
        let (overflow, workers) = (self.context().overflow(&record.model, &access_links, ended_at), vec![record]);
        let (overlay, degrees) = self.overlay_figures(settled_peers, !traffic.is_empty());
        let doubts = [notice, self.left_out(end, &traffic, is_rough)].into_iter().flatten();
        let is_moving = bulk.is_none() && !population.is_everybody();
        let curve = match &receipts {
            Receipts::Each(receipts) if is_moving => population.curves(receipts, ended_at).next(),
            _ => None,
        };
        RunRecord {
            nodes: self.topology.nodes(),
            names: self.scenario.names(),
            places: if traffic.is_empty() { NodePlaces::default() } else { self.node_places(0..self.topology.nodes()) },
            protocol: self.protocol.facts().source,
            bulk,
            processes: Vec::new(),
            cluster: Vec::new(),
            traffic_summary: None,
            end,
            at_rest,
            elapsed: ended_at,
            is_virtual: true,
            machine: MachineTimes::default(),
            notices: overflow.into_iter().chain(self.foreseen(&overlay)).chain(doubts).collect(),
            overlay,
            target: self.scenario.run.target,
            overloaded: false,
            ttl: self.forecast.ttl,
            datagram_bytes,
            receipts,
            counted: is_moving.then(|| population.at(ended_at)),
            curve,
            departures: None,
            degrees,
            shard_starts: Vec::new(),
            ledger: Ledger::of(&workers, end),
            tallies: self.tallies(&workers),
            kinds: self.kinds(&workers),
            measured,
            workers,
            // No seed decides a run that ends from outside.
            digest: (!end.is_cut_short()).then_some(digest),
            access_links,
            spies: None,
            groups: Vec::new(),
            trace: None,
            traffic,
        }
    }
}

/// Counts the published orders, and the first receipts in the traffic of their nodes, where it is kept. For a bulk that
/// was `collected` the engine has counted these.
fn published(collected: Option<&BulkRecord>, receipts: &Receipts, traffic: &mut [Traffic], nodes: usize) -> u64 {
    if let Some(bulk) = collected {
        return bulk.published().count() as u64;
    }
    match receipts {
        // By hops there is one order, which is always published.
        Receipts::ByHop(_) => 1,
        Receipts::Summary(summary) => summary.with_hop(0),
        Receipts::Compact(_) => u64::from(count_firsts(receipts.iter(), traffic)),
        Receipts::Each(each) => {
            each.chunks(nodes).map(|receipts| u64::from(count_firsts(receipts.iter().copied(), traffic))).sum()
        }
    }
}

/// Counts the first receipts of an order in the traffic of their nodes, where it is kept; returns true if the order was
/// published.
fn count_firsts(receipts: impl Iterator<Item = Receipt> + Clone, traffic: &mut [Traffic]) -> bool {
    for (traffic, receipt) in traffic.iter_mut().zip(receipts.clone()) {
        traffic.firsts += u32::from(receipt.is_reached() && receipt.hop > 0);
    }
    { receipts }.any(|receipt| receipt.is_reached() && receipt.hop == 0)
}

/// Reports that nodes could not be computed independently.
fn floorless(network: &Network) -> Option<Notice> {
    (network.floor() == Nanos::ZERO).then_some(Notice::LatencyWithoutFloor)
}

#[cfg(test)]
mod tests;
