//! Recomputes the traffic of each node up to an instant from the first receipts: every draw is keyed, so senders,
//! receivers and times of messages need not be kept.
//!
//! A message counts as a first receipt only if the receipt of its receiver names it, to the nanosecond; the ledger is
//! thus counted here, not derived.

use super::forward_draws::ForwardDraws;
use super::shortest_path::first_forward;
use super::{EngineError, EngineSetup};
use crate::ids::{NodeId, OrderIndex};
use crate::network::Fates;
use crate::protocol::FirstMessage;
use crate::record::{CarryList, NodeCounters, Receipt, Receipts, Traffic, WorkerRecord};
use crate::sync::{Interrupt, Interrupted, Lookout};
use crate::threads::{WorkerSeat, WorkerThreads};
use crate::time::Nanos;
use std::ops::Range;

/// Messages between the prefetch of a receiver's receipt and its use.
const RECEIPT_AHEAD: usize = 32;

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
        let nodes = setup.partition.shard(worker);
        let mut count = RecountWorker::new(setup, receipts, limit, nodes.clone());
        let mut lookout = Lookout::new(interrupt);
        for node in nodes {
            let sent = count.sender(protocol, NodeId(node));
            if lookout.work(1 + sent).is_err() || count.share.record.sent > most {
                // Any worker that gives up ends the recount, because a part of the traffic is of no use.
                return Err(Interrupted);
            }
        }
        count.settle();
        if count.share.record.sent > most { Err(Interrupted) } else { Ok(count.share) }
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
    /// The first node whose messages it counts.
    start: u32,
    draws: ForwardDraws,
    /// The number of forwards that are drawn together.
    forwards: usize,
    share: RecountShare,
}

/// The result of one worker.
struct RecountShare {
    /// The copies that arrive, by node of the run; and the messages sent, by node of the shard. Both are empty unless
    /// traffic is kept.
    copies: NodeCounters<CarryList>,
    sent: Vec<u32>,
    record: WorkerRecord,
    model_lost: u64,
}

impl<'a> RecountWorker<'a> {
    fn new(setup: &'a EngineSetup<'a>, receipts: &'a Receipts, limit: Nanos, nodes: Range<u32>) -> RecountWorker<'a> {
        let (draws, forwards) = ForwardDraws::new(setup);
        let [receivers, senders] = match setup.keeps_traffic {
            true => [receipts.nodes() as usize, nodes.len()],
            false => [0; 2],
        };
        let share = RecountShare {
            copies: NodeCounters::new(receivers),
            sent: vec![0; senders],
            record: WorkerRecord { nodes: nodes.len() as u32, ..WorkerRecord::none() },
            model_lost: 0,
        };
        RecountWorker { setup, receipts, limit, start: nodes.start, draws, forwards, share }
    }

    /// Adds the messages of a node to those that are drawn together; returns the number of messages counted meanwhile.
    fn sender<P: FirstMessage>(&mut self, protocol: &P, me: NodeId) -> u64 {
        let receipt = self.receipts.get(me);
        if !receipt.is_reached() {
            return 0;
        }
        self.share.record.reached += 1;
        let Some(order_hop) = first_forward(protocol, OrderIndex(0), receipt, self.setup.ttl) else { return 0 };
        self.draws.push(order_hop, me, receipt.sender, receipt.time, 0);
        if self.draws.len() == self.forwards { self.settle() } else { 0 }
    }

    /// Draws and counts the messages of the nodes that were added; returns their number.
    fn settle(&mut self) -> u64 {
        self.draws.draw(self.setup, |_| ());
        match self.receipts {
            Receipts::Each(receipts) => self.count(|to| receipts[to.index()]),
            Receipts::Compact(receipts) => self.count(|to| receipts[to.index()].into()),
            Receipts::ByHop(by_hop) => self.count(|to| by_hop.get(to)),
            Receipts::Summary(_) => self.count(|_| Receipt::NONE),
        }
        self.share.record.spared += self.draws.spared_in_all() as u64;
        let sent = self.draws.targets().0.len() as u64;
        self.share.record.sent += sent;
        self.draws.clear();
        sent
    }

    /// Counts the messages drawn; `receipt` returns that of a node.
    fn count(&mut self, receipt: impl Fn(NodeId) -> Receipt) {
        let RecountWorker { receipts, draws, share, limit, .. } = self;
        let (to, ends) = draws.targets();
        let keeps_traffic = !share.sent.is_empty();
        to.iter().take(RECEIPT_AHEAD).for_each(|&soon| receipts.prefetch(soon));
        let mut begin = 0;
        for (forward, &end) in ends.iter().enumerate() {
            let (me, at) = draws.forward(forward);
            let messages = std::mem::replace(&mut begin, end)..end;
            if keeps_traffic {
                share.sent[(me.0 - self.start) as usize] = messages.len() as u32;
            }
            for (place, &latency) in messages.clone().zip(&draws.latencies()[messages]) {
                if let Some(&soon) = to.get(place + RECEIPT_AHEAD) {
                    receipts.prefetch(soon);
                    share.copies.prefetch(soon.index());
                }
                if latency == Fates::LOST {
                    share.model_lost += 1;
                } else if at + latency > *limit {
                    // Still under way at the end.
                    share.record.carrier.drained += 1;
                } else {
                    let first = receipt(to[place]);
                    share.record.received += 1;
                    // Nodes are compared as well, because several messages may arrive at the same nanosecond.
                    let is_first = (first.time, first.sender) == (at + latency, me);
                    share.record.duplicates += u64::from(!is_first);
                    if keeps_traffic {
                        share.copies.add(to[place].index(), 1);
                    }
                }
            }
        }
    }
}
