//! The traffic of one shard's nodes up to the end of a run, drawn again together by all shards: each draws the messages
//! of its own nodes, and sends those to nodes of other shards there.
//!
//! A message counts as a first receipt only if the receipt of its receiver names it, to the nanosecond: the ledger is
//! counted here, not derived.

use super::candidates::Candidate;
use super::first_forward;
use super::worker::MESSAGES_TOGETHER;
use crate::engine::EngineSetup;
use crate::engine::exchange::{ExchangeBroken, ExchangeEnd, WindowReport};
use crate::engine::forward_draws::ForwardDraws;
use crate::engine::node_traffic::NodeTraffic;
use crate::ids::{NodeId, OrderIndex};
use crate::network::Fates;
use crate::protocol::FirstMessage;
use crate::record::{CarryList, CompactReceipt, NodeCounters, Receipt, WorkerRecord};
use crate::simd::prefetch;
use crate::time::Nanos;
use std::ops::Range;

/// Messages between the prefetch of a receiver's receipt and its use.
const RECEIPT_AHEAD: usize = 32;

/// The messages of one shard's nodes, and those to them.
pub(super) struct RecountedShard {
    /// Messages sent by nodes of the shard, and messages received by them.
    pub(super) record: WorkerRecord,
    pub(super) model_lost: u64,
    /// That of no node unless it is kept.
    pub(super) traffic: NodeTraffic,
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
        exchange.receive(|messages| recount.receive(messages));
        if report.interrupted || report.next.is_none() {
            return Ok((!report.interrupted).then(|| recount.finish()));
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
    /// Messages by the shard of their receivers; those to nodes of this one wait for the batch to be drawn.
    out: Vec<Vec<Candidate>>,
    /// The copies that arrive at each node of the shard, and the messages that it sends.
    copies: NodeCounters<CarryList>,
    sent: Vec<u32>,
    record: WorkerRecord,
    model_lost: u64,
}

impl<'a> ShardRecount<'a> {
    fn new(setup: &'a EngineSetup<'a>, shard: usize, receipts: &'a [CompactReceipt], limit: Nanos) -> ShardRecount<'a> {
        let (draws, forwards) = ForwardDraws::new(setup);
        let counted = if setup.keeps_traffic { receipts.len() } else { 0 };
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
            copies: NodeCounters::new(counted),
            sent: vec![0; counted],
            record,
            model_lost: 0,
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
            self.record.reached += 1;
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
        let (to, ends) = draws.targets();
        let mut begin = 0;
        for (forward, &end) in ends.iter().enumerate() {
            let (me, at) = draws.forward(forward);
            let messages = std::mem::replace(&mut begin, end)..end;
            if let Some(sent) = self.sent.get_mut((me.0 - self.first) as usize) {
                *sent = messages.len() as u32;
            }
            for (&to, &latency) in to[messages.clone()].iter().zip(&draws.latencies()[messages]) {
                if latency == Fates::LOST {
                    self.model_lost += 1;
                } else if at + latency > self.limit {
                    // Still under way at the end.
                    self.record.carrier.drained += 1;
                } else {
                    let message = Candidate { time_hop: CompactReceipt::time_hop_of(at + latency, 0), to, from: me };
                    self.out[self.setup.partition.owner_by_sum(to)].push(message);
                }
            }
        }
        let sent = to.len();
        self.record.sent += sent as u64;
        self.record.spared += draws.spared_in_all() as u64;
        draws.clear();
        self.draws = Some(draws);
        let mut own = std::mem::take(&mut self.out[self.shard]);
        self.receive(&mut own);
        self.out[self.shard] = own;
        sent
    }

    /// Counts messages to nodes of the shard, and forgets them.
    fn receive(&mut self, messages: &mut Vec<Candidate>) {
        let keeps_traffic = !self.sent.is_empty();
        for (place, &Candidate { time_hop, to, from }) in messages.iter().enumerate() {
            if let Some(soon) = messages.get(place + RECEIPT_AHEAD) {
                prefetch(self.receipts, (soon.to.0 - self.first) as usize);
                self.copies.prefetch((soon.to.0 - self.first) as usize);
            }
            let local = (to.0 - self.first) as usize;
            let first = self.receipts[local];
            self.record.received += 1;
            // Nodes are compared as well, because several messages may arrive at the same nanosecond.
            let is_first = (first.time().0, first.sender()) == (time_hop >> u8::BITS, from);
            self.record.duplicates += u64::from(!is_first);
            if keeps_traffic {
                self.copies.add(local, 1);
            }
        }
        messages.clear();
    }

    fn finish(self) -> RecountedShard {
        // No order has as many messages to one node as its count holds.
        let counts = self.copies.into_counts().zip(self.sent).map(|(copies, sent)| [copies as u32, sent]);
        let traffic = NodeTraffic::counted(self.setup.message_bytes[0], counts);
        RecountedShard { record: self.record, model_lost: self.model_lost, traffic }
    }
}
