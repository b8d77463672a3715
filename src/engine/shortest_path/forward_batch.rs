//! The forwards of several nodes together: their targets, and the latency of each message, drawn for all in one batch.

use crate::engine::EngineSetup;
use crate::ids::{NodeId, OrderIndex};
use crate::message::OrderHop;
use crate::network::Fates;
use crate::protocol::TargetBatch;
use crate::record::{CompactReceipt, Receipt};
use crate::simd::{self, SimdBatch};
use crate::time::Nanos;

/// The maximum number of nodes in a batch.
const NODES_MAX: usize = 64;

/// The number of messages drawn together, unless a single node sends more.
const MESSAGES: usize = 512;

/// The forwards of some nodes.
pub(super) struct ForwardBatch {
    order: OrderIndex,
    from: Vec<NodeId>,
    forwards: Vec<BatchedForward>,
    target_batch: TargetBatch,
    /// If copies for senders are left out: the other targets, node by node, and the end of each node's targets.
    to: Vec<NodeId>,
    ends: Vec<usize>,
    /// True if copies for senders are left out, so that the targets differ from those drawn.
    excludes: bool,
    fates: Fates,
    /// By message, the time and hop of its departure and of its arrival.
    departures: Vec<u64>,
    arrivals: Vec<u64>,
}

/// A forward without its node.
#[derive(Clone, Copy)]
struct BatchedForward {
    /// The time and hop of its messages' departure, as in [`CompactReceipt::time_hop`].
    departure: u64,
    sender: NodeId,
}

/// The messages of one node.
pub(super) struct SentByNode<'a> {
    pub(super) from: NodeId,
    pub(super) to: &'a [NodeId],
    /// The time and hop of each arrival, as in [`CompactReceipt::time_hop`]; 0 for a lost message.
    pub(super) arrivals: &'a [u64],
}

impl ForwardBatch {
    /// Creates an empty batch; returns it with the number of nodes that it should hold.
    pub(super) fn new(setup: &EngineSetup<'_>) -> (ForwardBatch, usize) {
        let usual = setup.draw.count(setup.topology.max_degree()).max(1) as usize;
        let nodes = (MESSAGES / usual).clamp(1, NODES_MAX);
        let forward_batch = ForwardBatch {
            order: OrderIndex(0),
            from: Vec::with_capacity(nodes),
            forwards: Vec::with_capacity(nodes),
            target_batch: TargetBatch::new(&setup.draw, setup.topology, nodes),
            to: Vec::new(),
            ends: Vec::with_capacity(nodes),
            excludes: false,
            fates: Fates::default(),
            departures: Vec::new(),
            arrivals: Vec::new(),
        };
        (forward_batch, nodes)
    }

    /// Adds the forward of a node that has this receipt. All are of one order.
    #[inline]
    pub(super) fn push(&mut self, me: NodeId, receipt: Receipt, order_hop: OrderHop) {
        self.order = order_hop.order;
        self.from.push(me);
        self.forwards.push(BatchedForward {
            departure: CompactReceipt::time_hop_of(receipt.time, order_hop.hop),
            sender: receipt.sender,
        });
    }
    /// Draws the targets and fates of the forwards; returns the number of copies suppressed. `between` runs between the
    /// draws, as in [`TargetBatch::draw`].
    pub(super) fn draw(&mut self, setup: &EngineSetup<'_>, between: impl FnMut(usize)) -> u64 {
        self.target_batch.draw(&setup.draw, setup.topology, self.order, &self.from, between);
        if setup.exclude_sender {
            self.leave_out_senders();
        }
        self.excludes = setup.exclude_sender;
        // Fields instead of `targets`, which would borrow the fates too.
        let (to, ends) = if self.excludes {
            (&self.to[..], &self.ends[..])
        } else {
            (self.target_batch.targets(), self.target_batch.ends())
        };
        let counts = ends.iter().scan(0, |begin, &end| Some(end - std::mem::replace(begin, end)));
        let forwards = self.from.iter().zip(&self.forwards).zip(counts.clone());
        let forwards = forwards.map(|((&from, forward), count)| (from, Nanos(forward.departure >> u8::BITS), count));
        self.fates.draw(setup.network, self.order, forwards, to);
        let departures = self.forwards.iter().map(|forward| forward.departure);
        simd::fill(&mut self.departures, departures.zip(counts));
        self.arrivals.resize(to.len(), 0);
        let (departures, latencies) = (&self.departures[..], self.fates.latencies());
        simd::run(ArrivalTimes { departures, latencies, arrivals: &mut self.arrivals });
        (self.target_batch.targets().len() - to.len()) as u64
    }

    /// Copies the targets that were drawn, except for senders.
    fn leave_out_senders(&mut self) {
        self.to.clear();
        self.ends.clear();
        for (targets, forward) in self.target_batch.by_node().zip(&self.forwards) {
            self.to.extend(targets.iter().filter(|&&to| to != forward.sender));
            self.ends.push(self.to.len());
        }
    }

    /// Returns the targets, node by node, and the end of each node's targets.
    #[inline]
    fn targets(&self) -> (&[NodeId], &[usize]) {
        if self.excludes { (&self.to, &self.ends) } else { (self.target_batch.targets(), self.target_batch.ends()) }
    }

    /// Returns the number of messages drawn.
    pub(super) fn messages(&self) -> usize {
        self.targets().0.len()
    }

    /// Returns the messages by node.
    #[inline]
    pub(super) fn sent(&self) -> impl Iterator<Item = SentByNode<'_>> {
        let mut begin = 0;
        let (to, ends) = self.targets();
        self.from.iter().zip(ends).map(move |(&from, &end)| {
            let messages = std::mem::replace(&mut begin, end)..end;
            SentByNode { from, to: &to[messages.clone()], arrivals: &self.arrivals[messages] }
        })
    }

    /// Forgets all forwards.
    pub(super) fn clear(&mut self) {
        self.from.clear();
        self.forwards.clear();
    }
}

/// Computes the arrivals of messages from their departures and latencies.
struct ArrivalTimes<'a> {
    departures: &'a [u64],
    latencies: &'a [Nanos],
    arrivals: &'a mut [u64],
}

impl SimdBatch for ArrivalTimes<'_> {
    #[inline(always)]
    fn run(self) {
        for ((&departure, &latency), arrival) in self.departures.iter().zip(self.latencies).zip(self.arrivals) {
            // A latency is far below the time left in the word, so the sum does not overflow.
            let time = (departure >> 8).wrapping_add(latency.0).min(CompactReceipt::TIME_MAX.0);
            let there = time << 8 | departure & u64::from(u8::MAX);
            *arrival = if latency == Fates::LOST { 0 } else { there };
        }
    }
}
