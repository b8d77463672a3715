//! A run on a carrier, in real time: the state that its workers share, and the record of their outcomes.

use super::carriers::{Carriers, ProcessSlot, Rendezvous, drawn_token};
use super::{Runner, SimulationError, TraceRequest};
use crate::analysis::lateness;
use crate::coverage::{Goals, Scope};
use crate::record::{AccessLinkRecord, Ledger, MachineTimes, Notice, ProcessRecord, Receipts, RunRecord, WorkerRecord};
use crate::runtime::{ProcessShare, RunPlan, RunState, RuntimeOutcome, WorkerOutcome};
use crate::scenario::{Pin, Until};
use crate::sync::{Allowance, Arena};
use crate::sys::ProcessWaker;
use crate::trace::{FilledFiles, TraceLog, TraceSpool};
use crate::transport::Clock;
use crate::wire::OrderParts;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The outcome that a process reports.
#[derive(Serialize, Deserialize)]
pub(super) struct ProcessOutcome {
    /// Outcomes, by worker.
    pub(super) workers: Vec<WorkerOutcome>,
    /// Bytes of a datagram, 0 if there is none.
    pub(super) datagram_bytes: u32,
    /// Notices about its carrier.
    pub(super) notices: Vec<Notice>,
    /// The rows of a trace that it has written to the files of its parent.
    pub(super) trace: FilledFiles,
}

impl Runner<'_> {
    /// Makes one run on the scenario's carrier, with a trace if that is asked for.
    pub(super) fn run_on_carriers(
        &self,
        clock: Clock,
        trace: Option<&TraceRequest>,
    ) -> Result<RunRecord, SimulationError> {
        let token = drawn_token()?;
        if self.scenario.carrier.processes > 1 {
            return self.run_processes(clock, token, trace);
        }
        let (rendezvous, mut common) = self.lay_out(&mut Arena::heap());
        let spool = trace.map(|request| TraceSpool::new(&request.folder));
        let slot = ProcessSlot { process: 0, token, clock };
        let outcome = self.take_part(&slot, rendezvous, &mut common, None, spool.as_ref());
        // Before the error of a worker, which would say less.
        let log = self.finish_trace(trace, spool.as_ref())?;
        Ok(self.record(&common, vec![(std::process::id(), outcome?)], log))
    }

    /// Lays out the state that the workers of a run share, always in the same sequence, so that all processes find it
    /// at the same addresses.
    pub(super) fn lay_out(&self, arena: &mut Arena) -> (Rendezvous, RunState) {
        let scenario = self.scenario;
        let scope = Scope {
            orders: self.workload.orders(),
            window: self.window,
            goals: Goals::new(scenario.overlay.nodes, scenario.run.target),
        };
        (Rendezvous::new(arena, scenario), RunState::new(arena, &self.partition, scope))
    }

    /// Runs the workers of one process, whose messages go to `trace` if there is one.
    pub(super) fn take_part(
        &self,
        slot: &ProcessSlot,
        rendezvous: Rendezvous,
        common: &mut RunState,
        process_waker: Option<&ProcessWaker>,
        trace: Option<&TraceSpool>,
    ) -> Result<ProcessOutcome, SimulationError> {
        let scenario = self.scenario;
        let cut = self.protocol.facts().cut;
        let parts = cut.map(|cut| Arc::new(OrderParts::new(cut, &self.orders)));
        let Carriers { ends, datagram_bytes, notices } = self.carriers(slot, rendezvous, parts.as_ref())?;
        let traced = if trace.is_some() { self.trace_memory() } else { 0 };
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
            parts: parts.as_deref(),
            asked_warm_up: scenario.protocol.warm_up,
            exclude_sender: scenario.protocol.exclude_sender,
            ends_at_target: scenario.run.until == Until::Target,
            timeout: scenario.run.timeout,
            ends_at: scenario.run.until.instant(),
            spin: scenario.carrier.spin,
            interrupt: self.interrupt,
            allowance: &Allowance::new(self.memory_left.saturating_sub(traced)),
            observer: self.observer,
            trace,
        };
        let first = self.workers(slot).start;
        let workers = self.protocol.on_carriers(plan, ends, ProcessShare { common, first, process_waker })?;
        Ok(ProcessOutcome { workers, datagram_bytes, notices, trace: FilledFiles::new() })
    }

    /// Merges the outcomes of the processes into a record, with times since the injection, and adds the facts that the
    /// runner knows.
    pub(super) fn record(
        &self,
        common: &RunState,
        outcomes: Vec<(u32, ProcessOutcome)>,
        trace: Option<TraceLog>,
    ) -> RunRecord {
        let processes =
            outcomes.iter().map(|(pid, outcome)| ProcessRecord { pid: *pid, workers: outcome.workers.len() as u32 });
        let processes = processes.collect();
        let datagram_bytes = outcomes.first().map_or(0, |(_, outcome)| outcome.datagram_bytes);
        let mut notices: Vec<Notice> = Vec::new();
        let mut brought = Vec::with_capacity(self.partition.workers());
        for (_, outcome) in outcomes {
            brought.extend(outcome.workers);
            notices.extend(outcome.notices);
        }
        notices.dedup();
        let outcome = common.outcome(brought);
        let (overlay, degrees) = self.overlay_figures(outcome.settled_peers, true);
        let RuntimeOutcome {
            end, at_rest, injected_at, left_at, workers, mut receipts, traffic, bulk, departures, ..
        } = outcome;
        for receipt in receipts.iter_mut().filter(|receipt| receipt.is_reached()) {
            receipt.time = receipt.time.since(injected_at);
        }
        let wall = left_at.since(injected_at);
        let (tallies, kinds) = (self.tallies(&workers), self.kinds(&workers));
        let groups = self.context().carrier_groups(&receipts, &traffic, wall, self.sides_of_mix());
        RunRecord {
            end,
            at_rest,
            nodes: self.topology.nodes(),
            names: self.scenario.names(),
            places: self.node_places(0..self.topology.nodes()),
            protocol: self.protocol.facts().source,
            elapsed: wall,
            is_virtual: false,
            machine: MachineTimes { wall, setup: injected_at },
            bulk: bulk.map(|counts| self.context().bulk(counts, at_rest, injected_at)),
            notices: {
                let told = self.foreseen(&overlay).chain(notices).chain(self.placing(&workers));
                told.chain(lateness(departures.as_ref())).collect()
            },
            overlay,
            target: self.scenario.run.target,
            overloaded: false,
            ttl: self.forecast.ttl,
            datagram_bytes,
            degrees,
            tallies,
            kinds,
            measured: None,
            shard_starts: self.partition.starts().to_vec(),
            processes,
            cluster: Vec::new(),
            traffic_summary: None,
            ledger: Ledger::of(&workers, end),
            receipts: Receipts::Each(receipts),
            counted: None,
            curve: None,
            departures,
            traffic,
            workers,
            digest: None,
            access_links: AccessLinkRecord::default(),
            spies: None,
            groups,
            trace: trace.map(|log| log.counted_from(injected_at)),
        }
    }

    /// Reports workers that could not have a core each, or not the one meant for them.
    fn placing(&self, workers: &[WorkerRecord]) -> Vec<Notice> {
        let mut notices = Vec::new();
        let (threads, cores) = (self.scenario.workers(), self.pinning.allowed);
        if !self.pinning.is_exclusive() {
            notices.push(Notice::CoresShared {
                workers: threads as u64,
                cores: cores as u64,
                is_pinned: self.scenario.carrier.pin != Pin::None,
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
