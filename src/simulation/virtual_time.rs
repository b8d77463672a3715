//! A run in virtual time: what the engine is told, and what its outcome means in a record.
//!
//! Nothing that depends on the machine gets into the record: not the time it took, nor who counted what. One seed gives the
//! same bytes on any number of threads.

use super::protocols::InVirtualTime;
use super::{Laboratory, SimulationError, carriers, ledger};
use crate::engine::{Engine, Outcome, Setup};
use crate::network::Network;
use crate::scenario::Until;
use crate::stats::{Ledger, Receipt, Receipts, RunRecord};
use crate::time::Nanos;

/// From so many nodes on each node's traffic and degree are left out: 28 bytes of each, and a third of the time.
const NODE_FIGURES_END: u32 = 10_000_000;

impl Laboratory<'_> {
    /// One run of the scenario, whose network is this one.
    pub(super) fn simulate(&self, network: &Network) -> Result<RunRecord, SimulationError> {
        let scenario = self.scenario;
        let message_bytes = carriers::message_bytes(&self.orders)?;
        let setup = Setup {
            engine: scenario.engine,
            topology: &self.topology,
            partition: &self.partition,
            placement: &self.placement,
            draw: self.draw(),
            network,
            workload: &self.workload,
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
        self.check_engine(network)?;
        let outcome = self.with_protocol(InVirtualTime(setup))?;
        let longest = message_bytes.iter().copied().max().unwrap_or(0);
        Ok(self.virtual_record(outcome, longest, floorless(network)))
    }

    /// Refuses an engine that cannot compute this.
    fn check_engine(&self, network: &Network) -> Result<(), SimulationError> {
        let one_order = self.workload.orders() == 1;
        let refused = match self.scenario.engine {
            Engine::Auto | Engine::General => None,
            Engine::Fast if !one_order => Some("--engine fast computes one order; leave --engine out or ask for --orders 1"),
            Engine::Fast => (network.floor() == Nanos::ZERO).then_some(
                "--engine fast with a least latency of 0: no two nodes can then be computed apart; leave --engine out or \
                 give --latency a least above 0",
            ),
            Engine::Hops => (!one_order || network.constant().is_none_or(|latency| latency == Nanos::ZERO)).then_some(
                "--engine hops computes one order where every message takes as long and none is lost; leave --engine out \
                 or give a constant --latency above 0 alone",
            ),
        };
        refused.map_or(Ok(()), |why| Err(SimulationError::Engine(why.to_owned())))
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
        let Outcome { end, ended_at, mut record, model_lost, receipts, mut traffic, by_order, digest } = outcome;
        let nodes = self.scenario.nodes as usize;
        let (receipts, bulk) = match receipts {
            Receipts::ByHop(by_hop) => {
                record.published = 1;
                (Receipts::ByHop(by_hop), None)
            }
            Receipts::Each(receipts) => {
                for receipts in receipts.chunks(nodes) {
                    let is_origin = |receipt: &Receipt| receipt.is_reached() && receipt.hop == 0;
                    record.published += u64::from(receipts.iter().any(is_origin));
                    for (traffic, receipt) in traffic.iter_mut().zip(receipts) {
                        traffic.firsts += u32::from(receipt.is_reached() && receipt.hop > 0);
                    }
                }
                match by_order.len() {
                    1 => (Receipts::Each(receipts), None),
                    _ => {
                        let bulk = self.virtual_bulk(&receipts, &by_order, end);
                        (Receipts::Each(Vec::new()), Some(bulk))
                    }
                }
            }
        };
        let workers = vec![record];
        RunRecord {
            nodes: self.topology.nodes(),
            bulk,
            processes: Vec::new(),
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
