//! Recomputes the traffic of each node up to an instant from the first receipts: every draw is keyed, so senders,
//! receivers and times of messages need not be kept.
//!
//! A message counts as a first receipt only if the receipt of its receiver names it, to the nanosecond; the ledger is
//! thus counted here, not derived.

use super::shortest_path::first_forward;
use super::{EngineError, EngineSetup};
use crate::ids::NodeId;
use crate::message::OrderHop;
use crate::network::Fate;
use crate::protocol::{FirstMessage, TargetScratch};
use crate::record::{CarryList, NodeCounters, Receipt, Receipts, Traffic, WorkerRecord};
use crate::sync::{Interrupt, Interrupted, Lookout};
use crate::threads::{WorkerSeat, WorkerThreads};
use crate::time::Nanos;

/// The number of messages in a queue while the receipts of their receivers are prefetched. A power of two.
const WAITING: usize = 32;

/// The ledger of one order up to an instant.
pub(super) struct RecountedTraffic {
    pub(super) record: WorkerRecord,
    pub(super) model_lost: u64,
    /// By node, if it is to be kept.
    pub(super) traffic: Vec<Traffic>,
}

/// Counts the only order's messages up to `limit`, which no receipt exceeds; `None` if the user interrupts it, or if
/// any worker has more than `most` messages to count.
pub(super) fn recount<P: FirstMessage>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    receipts: &Receipts,
    limit: Nanos,
    (interrupt, most): (&Interrupt, u64),
) -> Result<Option<RecountedTraffic>, EngineError> {
    let workers = setup.partition.workers();
    // No worker waits for another.
    let threads = WorkerThreads { first: 0, cores: &setup.pinning.cores, give_up: &|| () };
    let counts = threads.run(0..workers, |WorkerSeat { worker, .. }, _| {
        let mut count = RecountWorker::new(setup, receipts, limit);
        let nodes = setup.partition.shard(worker);
        count.record.nodes = nodes.len() as u32;
        let mut lookout = Lookout::new(interrupt);
        for node in nodes {
            let sent = count.sender(protocol, NodeId(node));
            if lookout.work(1 + sent).is_err() || count.record.sent > most {
                // Any worker that gives up ends the recount, because a part of the traffic is of no use.
                return Err(Interrupted);
            }
        }
        count.settle();
        Ok(count.into_parts())
    })?;
    let Ok(counts) = counts.into_iter().collect::<Result<Vec<RecountShare>, Interrupted>>() else { return Ok(None) };
    let mut recounted = RecountedTraffic { record: WorkerRecord::none(), model_lost: 0, traffic: Vec::new() };
    let mut copies: Option<NodeCounters<CarryList>> = None;
    let mut sent = Vec::with_capacity(receipts.nodes() as usize);
    for RecountShare { copies: of_shard, sent: by_node, record, model_lost } in counts {
        recounted.record.merge(&record);
        recounted.model_lost += model_lost;
        sent.extend(by_node);
        copies = Some(match copies {
            None => of_shard,
            Some(mut sum) => {
                sum.merge(&of_shard);
                sum
            }
        });
    }
    let bytes = u64::from(setup.message_bytes[0]);
    let copies = copies.map(NodeCounters::into_counts).into_iter().flatten();
    let traffic = copies.zip(sent).map(|(copies, sent)| Traffic {
        copies,
        firsts: 0,
        sent: sent.into(),
        bytes_in: copies * bytes,
        bytes_out: u64::from(sent) * bytes,
    });
    recounted.traffic = traffic.collect();
    Ok(Some(recounted))
}

/// One worker's count.
struct RecountWorker<'a> {
    setup: &'a EngineSetup<'a>,
    receipts: &'a Receipts,
    limit: Nanos,
    scratch: TargetScratch,
    waiting: [(NodeId, NodeId, Nanos); WAITING],
    filled: usize,
    copies: NodeCounters<CarryList>,
    sent: Vec<u32>,
    record: WorkerRecord,
    model_lost: u64,
}

/// The result of one worker.
struct RecountShare {
    copies: NodeCounters<CarryList>,
    sent: Vec<u32>,
    record: WorkerRecord,
    model_lost: u64,
}

impl<'a> RecountWorker<'a> {
    fn new(setup: &'a EngineSetup<'a>, receipts: &'a Receipts, limit: Nanos) -> RecountWorker<'a> {
        let max_degree = setup.topology.max_degree();
        RecountWorker {
            setup,
            receipts,
            limit,
            scratch: TargetScratch::new(setup.draw.count(max_degree), setup.topology),
            waiting: [(NodeId(0), NodeId(0), Nanos::ZERO); WAITING],
            filled: 0,
            copies: NodeCounters::new(if setup.keeps_traffic { receipts.nodes() as usize } else { 0 }),
            sent: Vec::new(),
            record: WorkerRecord::none(),
            model_lost: 0,
        }
    }

    /// Counts the messages of a node; returns their number.
    fn sender<P: FirstMessage>(&mut self, protocol: &P, me: NodeId) -> u64 {
        let receipt = self.receipts.get(me);
        let before = self.record.sent;
        if receipt.is_reached() {
            self.record.reached += 1;
            if let Some(order_hop) = first_forward(protocol, receipt, self.setup.ttl) {
                self.fan_out(me, receipt, order_hop);
            }
        }
        let sent = self.record.sent - before;
        if self.setup.keeps_traffic {
            self.sent.push(sent as u32);
        }
        sent
    }

    #[inline]
    fn wait(&mut self, message: (NodeId, NodeId, Nanos)) {
        // The receipt and the counter are read some messages later, when they have arrived from memory.
        self.receipts.prefetch(message.1);
        self.copies.prefetch(message.1.index());
        let waited = std::mem::replace(&mut self.waiting[self.filled % WAITING], message);
        self.filled += 1;
        if self.filled > WAITING {
            self.received(waited);
        }
    }

    fn settle(&mut self) {
        for place in self.filled.saturating_sub(WAITING)..self.filled {
            self.received(self.waiting[place % WAITING]);
        }
        self.filled = 0;
    }

    /// Counts a received message.
    #[inline]
    fn received(&mut self, (from, to, time): (NodeId, NodeId, Nanos)) {
        let first = self.receipts.get(to);
        self.record.received += 1;
        // Nodes are compared as well, because several messages may arrive at the same nanosecond.
        self.record.duplicates += u64::from((first.time, first.sender) != (time, from));
        if self.setup.keeps_traffic {
            self.copies.add(to.index(), 1);
        }
    }

    fn into_parts(self) -> RecountShare {
        RecountShare { copies: self.copies, sent: self.sent, record: self.record, model_lost: self.model_lost }
    }
}

impl RecountWorker<'_> {
    /// Counts the messages that a node sends to its targets.
    #[inline]
    fn fan_out(&mut self, me: NodeId, receipt: Receipt, order_hop: OrderHop) {
        let setup = self.setup;
        let links = setup.network.outgoing_links(order_hop.order, me).at(receipt.time);
        let mut scratch = std::mem::take(&mut self.scratch);
        for &to in setup.draw.draw(setup.topology, order_hop.order, me, &mut scratch) {
            if setup.exclude_sender && to == receipt.sender {
                self.record.spared += 1;
                continue;
            }
            self.record.sent += 1;
            match links.fate(to, 0) {
                Fate::Lost => self.model_lost += 1,
                // Still under way at the end.
                Fate::Arrives(latency) if receipt.time + latency > self.limit => self.record.carrier.drained += 1,
                Fate::Arrives(latency) => self.wait((me, to, receipt.time + latency)),
            }
        }
        self.scratch = scratch;
    }
}
