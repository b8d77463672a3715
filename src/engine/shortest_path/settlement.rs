//! The traffic of one shard's nodes up to the end of a run, drawn again together by all shards: each draws the messages
//! of its own nodes, and sends those to nodes of other shards there.
//!
//! A message counts as a first receipt only if the receipt of its receiver names it, to the nanosecond: the ledger is
//! counted here, not derived.

use super::candidates::Candidate;
use super::first_forward;
use crate::engine::EngineSetup;
use crate::engine::exchange::{ExchangeBroken, ExchangeEnd, WindowReport};
use crate::engine::forward_draws::ForwardDraws;
use crate::ids::{NodeId, OrderIndex};
use crate::network::Fates;
use crate::protocol::FirstMessage;
use crate::record::{CompactReceipt, Receipt, Traffic, WorkerRecord};
use crate::time::Nanos;
use std::ops::Range;

/// The messages that a shard draws between two meetings.
const MESSAGES_TOGETHER: usize = if cfg!(test) { 100 } else { 1 << 17 };

/// The messages of one shard's nodes, and those to them.
pub(super) struct RecountedShard {
    /// Messages sent by nodes of the shard, and messages received by them.
    pub(super) record: WorkerRecord,
    pub(super) model_lost: u64,
    /// By node.
    pub(super) traffic: Vec<Traffic>,
}

/// Counts the messages of a shard that arrive up to `limit`, which no receipt exceeds; returns `None` if the user
/// interrupts it. All shards call this together.
pub(super) fn settle_shard<P: FirstMessage>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    (shard, receipts): (usize, &[CompactReceipt]),
    limit: Nanos,
    exchange: &mut impl ExchangeEnd<Candidate>,
) -> Result<Option<RecountedShard>, ExchangeBroken> {
    let mut recount = ShardRecount::new(setup, shard, receipts, limit);
    let mut nodes = setup.partition.shard(shard);
    loop {
        recount.draw(protocol, &mut nodes);
        exchange.send(&mut recount.out);
        // The run goes on to a next round as long as any shard has nodes left.
        let (next, interrupted) = ((!nodes.is_empty()).then_some(0), setup.interrupt.is_raised());
        let report = exchange.meet(WindowReport { next, interrupted, ..WindowReport::default() })?;
        exchange.receive(|messages| messages.drain(..).for_each(|message| recount.receive(message)));
        if report.interrupted || report.next.is_none() {
            return Ok((!report.interrupted).then_some(recount.settled));
        }
    }
}

struct ShardRecount<'a> {
    setup: &'a EngineSetup<'a>,
    shard: usize,
    first: u32,
    receipts: &'a [CompactReceipt],
    limit: Nanos,
    /// Taken out while its messages are counted.
    draws: Option<ForwardDraws>,
    /// The number of forwards that are drawn together.
    forwards: usize,
    /// Messages to the nodes of other shards, by shard.
    out: Vec<Vec<Candidate>>,
    settled: RecountedShard,
}

impl<'a> ShardRecount<'a> {
    fn new(setup: &'a EngineSetup<'a>, shard: usize, receipts: &'a [CompactReceipt], limit: Nanos) -> ShardRecount<'a> {
        let (draws, forwards) = ForwardDraws::new(setup);
        let record = WorkerRecord { nodes: receipts.len() as u32, ..WorkerRecord::none() };
        ShardRecount {
            setup,
            shard,
            first: setup.partition.shard(shard).start,
            receipts,
            limit,
            draws: Some(draws),
            forwards,
            out: (0..setup.partition.workers()).map(|_| Vec::new()).collect(),
            settled: RecountedShard { record, model_lost: 0, traffic: vec![Traffic::default(); receipts.len()] },
        }
    }

    /// Draws the messages of the next nodes, as many as are drawn between two meetings.
    fn draw<P: FirstMessage>(&mut self, protocol: &P, nodes: &mut Range<u32>) {
        let mut drawn = 0;
        while drawn < MESSAGES_TOGETHER
            && let Some(me) = nodes.next()
        {
            let receipt: Receipt = self.receipts[(me - self.first) as usize].into();
            if !receipt.is_reached() {
                continue;
            }
            self.settled.record.reached += 1;
            if let Some(order_hop) = first_forward(protocol, OrderIndex(0), receipt, self.setup.ttl) {
                let Some(draws) = &mut self.draws else { return };
                draws.push(order_hop, NodeId(me), receipt.sender, receipt.time, 0);
                drawn += if draws.len() == self.forwards { self.count_drawn() } else { 0 };
            }
        }
        self.count_drawn();
    }

    /// Draws the forwards that were added, and counts their messages; returns the number of these.
    fn count_drawn(&mut self) -> usize {
        let Some(mut draws) = self.draws.take() else { return 0 };
        draws.draw(self.setup, |_| ());
        let bytes = u64::from(self.setup.message_bytes[0]);
        let (to, ends) = draws.targets();
        let mut begin = 0;
        for (forward, &end) in ends.iter().enumerate() {
            let (me, at) = draws.forward(forward);
            let messages = std::mem::replace(&mut begin, end)..end;
            let traffic = &mut self.settled.traffic[(me.0 - self.first) as usize];
            traffic.sent = messages.len() as u64;
            traffic.bytes_out = traffic.sent * bytes;
            for (&to, &latency) in to[messages.clone()].iter().zip(&draws.latencies()[messages]) {
                if latency == Fates::LOST {
                    self.settled.model_lost += 1;
                } else if at + latency > self.limit {
                    // Still under way at the end.
                    self.settled.record.carrier.drained += 1;
                } else {
                    let message = Candidate { time_hop: CompactReceipt::time_hop_of(at + latency, 0), to, from: me };
                    match self.setup.partition.owner(to) {
                        owner if owner == self.shard => self.receive(message),
                        owner => self.out[owner].push(message),
                    }
                }
            }
        }
        let sent = to.len();
        self.settled.record.sent += sent as u64;
        self.settled.record.spared += draws.spared_in_all() as u64;
        draws.clear();
        self.draws = Some(draws);
        sent
    }

    /// Counts a message to a node of the shard.
    #[inline]
    fn receive(&mut self, Candidate { time_hop, to, from }: Candidate) {
        let local = (to.0 - self.first) as usize;
        let (first, traffic) = (self.receipts[local], &mut self.settled.traffic[local]);
        let record = &mut self.settled.record;
        record.received += 1;
        // Nodes are compared as well, because several messages may arrive at the same nanosecond.
        let is_first = (first.time().0, first.sender()) == (time_hop >> u8::BITS, from);
        record.duplicates += u64::from(!is_first);
        traffic.copies += 1;
        traffic.bytes_in += u64::from(self.setup.message_bytes[0]);
    }
}
