//! A run in virtual time: what the engine is told, and what its outcome means in a record.
//!
//! Nothing that depends on the machine gets into the record: not the time it took, nor who counted what. One seed gives the
//! same bytes on any number of threads.

use super::protocols::InVirtualTime;
use super::{Laboratory, SimulationError, carriers, ledger};
use crate::engine::{Outcome, Setup};
use crate::network::Network;
use crate::scenario::Until;
use crate::stats::{Ledger, Receipt, RunRecord};
use crate::time::Nanos;

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
            draw: self.draw(),
            network,
            workload: &self.workload,
            message_bytes: &message_bytes,
            ttl: self.forecast.ttl,
            exclude_sender: scenario.exclude_sender,
            goal: scenario.target.ceil_of(u64::from(scenario.nodes)),
            ends_at_target: scenario.until == Until::Target,
            timeout: scenario.timeout,
            interrupt: self.interrupt,
            observer: self.observer,
        };
        let outcome = self.with_protocol(InVirtualTime(setup))?;
        let longest = message_bytes.iter().copied().max().unwrap_or(0);
        Ok(self.virtual_record(outcome, longest, floorless(network)))
    }

    fn virtual_record(&self, outcome: Outcome, datagram_bytes: u32, notice: Option<String>) -> RunRecord {
        let Outcome { end, ended_at, mut record, model_lost, receipts, mut traffic, by_order, digest } = outcome;
        let is_published = |receipt: &&Receipt| receipt.is_reached() && receipt.hop == 0;
        record.published = receipts.iter().filter(is_published).count() as u64;
        let nodes = traffic.len().max(1);
        for (place, _) in receipts.iter().enumerate().filter(|(_, receipt)| receipt.is_reached() && receipt.hop > 0) {
            traffic[place % nodes].firsts += 1;
        }
        let workers = vec![record];
        let (receipts, bulk) = match by_order.len() {
            1 => (receipts, None),
            _ => (Vec::new(), Some(self.virtual_bulk(&receipts, &by_order, end))),
        };
        RunRecord {
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
            degrees: self.degrees(),
            shard_starts: Vec::new(),
            ledger: Ledger { model_lost, ..ledger(&workers, end) },
            workers,
            digest: Some(digest),
            notices: self.forecast.notices.iter().cloned().chain(notice).collect(),
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
