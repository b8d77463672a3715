//! A run in virtual time: what the engine is told, and what its outcome means in a record.
//!
//! Nothing that depends on the machine gets into the record: not the time it took, nor who counted what. One seed gives the
//! same bytes on any number of threads.

use super::{Laboratory, SimulationError, carriers, ledger};
use crate::engine::{self, Outcome, Setup};
use crate::gossip::{Push, TargetDraw};
use crate::network::Network;
use crate::scenario::Until;
use crate::stats::{Ledger, RunRecord};
use crate::time::Nanos;
use crate::workload::Workload;

/// From so many nodes on each node's traffic and degree are left out: 28 bytes of each, and a third of the time.
const NODE_FIGURES_END: u32 = 10_000_000;

impl Laboratory<'_> {
    /// One run of the scenario, whose network is modelled with this latency.
    pub(super) fn simulate(&self, network: &Network) -> Result<RunRecord, SimulationError> {
        let scenario = self.scenario;
        let message_bytes = carriers::message_bytes(&self.orders)?;
        let setup = Setup {
            engine: scenario.engine,
            topology: &self.topology,
            partition: &self.partition,
            placement: &self.placement,
            draw: TargetDraw::new(scenario.seed, scenario.fanout),
            network,
            workload: &Workload::single(scenario.origin),
            message_bytes: &message_bytes,
            ttl: self.forecast.ttl,
            exclude_sender: scenario.exclude_sender,
            goal: scenario.target.ceil_of(u64::from(scenario.nodes)),
            ends_at_target: scenario.until == Until::Target,
            keeps_traffic: self.keeps_node_figures(),
            timeout: scenario.timeout,
            interrupt: self.interrupt,
            observer: self.observer,
        };
        let outcome = engine::run(&setup, &Push)?;
        Ok(self.virtual_record(outcome, message_bytes.first().copied().unwrap_or(0), floorless(network)))
    }

    fn keeps_node_figures(&self) -> bool {
        self.scenario.nodes < NODE_FIGURES_END
    }

    /// Says that figures per node are not there.
    fn left_out(&self) -> Option<String> {
        (!self.keeps_node_figures()).then(|| {
            format!(
                "From {NODE_FIGURES_END} nodes on the traffic of each node is not kept: duplicates and bytes per node read 0 \
                 below, and the file of nodes has no such figures. Sums are whole."
            )
        })
    }

    fn virtual_record(&self, outcome: Outcome, datagram_bytes: u32, notice: Option<String>) -> RunRecord {
        let Outcome { end, ended_at, record, model_lost, receipts, traffic, digest } = outcome;
        let workers = vec![record];
        RunRecord {
            end,
            wall: ended_at,
            setup: Nanos::ZERO,
            overlay: self.overlay_facts(),
            ttl: self.forecast.ttl,
            datagram_bytes,
            receipts,
            traffic,
            degrees: if self.keeps_node_figures() { self.degrees() } else { Vec::new() },
            shard_starts: Vec::new(),
            ledger: Ledger { model_lost, ..ledger(&workers, end) },
            workers,
            digest: Some(digest),
            notices: self.forecast.notices.iter().cloned().chain(notice).chain(self.left_out()).collect(),
        }
    }
}

/// Says that nodes could not be handled apart.
fn floorless(network: &Network) -> Option<String> {
    (network.floor() == Nanos::ZERO).then(|| {
        "The least latency is 0, so that no two nodes can be computed apart: one worker handled every message in its turn. \
         The figures are as exact as any; a least latency above 0 computes them sooner."
            .to_owned()
    })
}
