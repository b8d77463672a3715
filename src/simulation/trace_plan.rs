//! The room that the trace of a run will take, with the check that its disk has it; and the trace once the run has
//! ended.

use super::trace_request::{TraceError, TraceEstimate, TraceRequest};
use super::{Runner, SimulationError};
use crate::engine::EngineError;
use crate::memory;
use crate::scenario::Engine;
use crate::sys::disk_room;
use crate::time::Nanos;
use crate::trace::{MERGE_BYTES, ROW_BYTES, TraceLog, TraceSpool, WRITER_BYTES};

impl Runner<'_> {
    /// Returns the room that a trace of the run will take.
    ///
    /// # Errors
    ///
    /// [`SimulationError::Trace`] if its disk lacks the room, or if the run cannot be traced, and
    /// [`SimulationError::Memory`] if the machine lacks the memory.
    pub fn plan_trace(&self, request: &TraceRequest) -> Result<TraceEstimate, SimulationError> {
        if let Engine::Fast | Engine::Hops = self.scenario.carrier.engine {
            return Err(EngineError::Traced.into());
        }
        // On a real carrier a message is sent in one file and received in another.
        let files = if self.scenario.carrier.transport.is_virtual() { 1 } else { 2 };
        let lines = self.expected_messages().saturating_mul(files);
        let estimate = TraceEstimate {
            lines,
            file_bytes: lines.saturating_mul(self.line_bytes()),
            spool_bytes: lines.saturating_mul(ROW_BYTES as u64),
        };
        memory::fits_beside_trace(self.scenario, &self.protocol.facts().traits, self.trace_memory())?;
        let needed = estimate.spool_bytes.saturating_add(if request.shares_disk { estimate.file_bytes } else { 0 });
        match disk_room(&request.folder).ok().flatten() {
            Some(left) if left < needed => {
                let (path, folder) = (request.path.clone(), request.folder.clone());
                Err(TraceError::NoRoom { path, folder, estimate, needed, left }.into())
            }
            _ => Ok(estimate),
        }
    }

    /// Returns the rows of a run that has ended, if it was traced.
    pub(super) fn finish_trace(
        &self,
        trace: Option<&TraceRequest>,
        spool: Option<&TraceSpool>,
    ) -> Result<Option<TraceLog>, TraceError> {
        let log = trace.zip(spool).map(|(request, spool)| request.finish(spool)).transpose()?;
        Ok(log.map(|log| log.named_by(self.protocol.facts().kinds)))
    }

    /// Returns the bytes of memory that a trace of the run takes in this process: while the run lasts the rows that
    /// each worker has not written yet, and after it the rows that are merged.
    pub(super) fn trace_memory(&self) -> u64 {
        let workers = match self.scenario.carrier.transport.is_virtual() {
            true => self.partition.workers(),
            false => self.scenario.carrier.threads,
        };
        let rows = self.expected_messages().saturating_mul(ROW_BYTES as u64);
        MERGE_BYTES.min(rows).max(workers as u64 * WRITER_BYTES)
    }

    /// Returns the number of messages if every node that an order can reach within its TTL forwards it.
    fn expected_messages(&self) -> u64 {
        let (scenario, traits) = (self.scenario, self.protocol.facts().traits);
        let within = |hops: usize| match &self.forecast.reach {
            Some(reach) => reach.by_depth.iter().take(hops).map(|&nodes| u64::from(nodes)).sum(),
            None => u64::from(scenario.overlay.nodes),
        };
        let ttl = usize::from(self.forecast.ttl);
        let (senders, receivers): (u64, u64) = (within(ttl), within(ttl + 1).saturating_sub(1));
        let degree = self.topology.mean_degree();
        let targets = match traits.takes_fanout {
            true => degree.min(scenario.protocol.fanout.into()),
            // Nobody sends an order back to the peer that it came from.
            false => (degree - 1.0).max(0.0) + 1.0 / senders.max(1) as f64,
        };
        let duplicate = scenario.network.as_ref().map_or(0.0, |network| network.duplicate.as_f64());
        let forwards = senders as f64 * targets;
        // An order that is requested crosses a link as an announcement, a request and itself.
        let requested = receivers as f64 * f64::from(traits.messages_per_hop - 1);
        let each = (forwards + requested) * (1.0 + duplicate);
        (each * f64::from(scenario.orders())).ceil() as u64
    }

    /// Returns the bytes of a line in which every number is as long as they usually are.
    fn line_bytes(&self) -> u64 {
        let digits = |number: u64| u64::from(number.max(1).ilog10()) + 1;
        let latency = self.network.as_ref().map_or(Nanos::ZERO, |network| {
            let slow = network.slow_latency(self.scenario.overlay.nodes);
            Nanos(slow.0.saturating_mul(self.forecast.ttl.min(HOPS_USUAL).into()))
        });
        let last = self.workload.last_due() + latency;
        let (nodes, orders) = (u64::from(self.scenario.overlay.nodes), u64::from(self.scenario.orders()));
        2 * digits(last.0) + 2 * digits(nodes) + digits(orders) + OTHER_BYTES
    }
}

/// Hops that most messages of a run do not exceed.
const HOPS_USUAL: u8 = 8;

/// Bytes of a line beside its times, nodes and order.
const OTHER_BYTES: u64 = "payload,1,100,duplicate,1,,,,,\n".len() as u64;
