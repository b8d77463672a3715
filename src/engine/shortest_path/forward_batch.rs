//! The forwards of several nodes together, with the time and hop at which each message arrives.

use crate::engine::EngineSetup;
use crate::engine::forward_draws::ForwardDraws;
use crate::ids::NodeId;
use crate::message::OrderHop;
use crate::network::Fates;
use crate::record::{CompactReceipt, Receipt};
use crate::simd::{self, SimdBatch};
use crate::time::Nanos;

/// The forwards of some nodes.
pub(super) struct ForwardBatch {
    draws: ForwardDraws,
    /// By forward, the time and hop of its messages' departure, as in [`CompactReceipt::time_hop`].
    forwards: Vec<u64>,
    /// By message, the time and hop of its departure and of its arrival.
    departures: Vec<u64>,
    arrivals: Vec<u64>,
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
        let (draws, nodes) = ForwardDraws::new(setup);
        let forwards = Vec::with_capacity(nodes);
        (ForwardBatch { draws, forwards, departures: Vec::new(), arrivals: Vec::new() }, nodes)
    }

    /// Adds the forward of a node that has this receipt, whose time is since `base`.
    #[inline]
    pub(super) fn push(&mut self, me: NodeId, receipt: Receipt, order_hop: OrderHop, base: Nanos) {
        self.draws.push(order_hop, me, receipt.sender, base + receipt.time, 0);
        self.forwards.push(CompactReceipt::time_hop_of(receipt.time, order_hop.hop));
    }

    /// Draws the targets and fates of the forwards; returns the number of copies suppressed. `between` runs between the
    /// draws, as in [`TargetBatch::draw`](crate::protocol::TargetBatch::draw).
    pub(super) fn draw(&mut self, setup: &EngineSetup<'_>, between: impl FnMut(usize)) -> u64 {
        self.draws.draw(setup, between);
        let (to, ends) = self.draws.targets();
        let counts = ends.iter().scan(0, |begin, &end| Some(end - std::mem::replace(begin, end)));
        simd::fill(&mut self.departures, self.forwards.iter().copied().zip(counts));
        self.arrivals.resize(to.len(), 0);
        let (departures, latencies) = (&self.departures[..], self.draws.latencies());
        simd::run(ArrivalTimes { departures, latencies, arrivals: &mut self.arrivals });
        self.draws.spared_in_all() as u64
    }

    /// Returns the number of messages drawn.
    pub(super) fn messages(&self) -> usize {
        self.draws.targets().0.len()
    }

    /// Returns the messages by node.
    #[inline]
    pub(super) fn sent(&self) -> impl Iterator<Item = SentByNode<'_>> {
        let mut begin = 0;
        let (to, ends) = self.draws.targets();
        self.draws.from().iter().zip(ends).map(move |(&from, &end)| {
            let messages = std::mem::replace(&mut begin, end)..end;
            SentByNode { from, to: &to[messages.clone()], arrivals: &self.arrivals[messages] }
        })
    }

    /// Returns the number of copies of the forward at a place that were suppressed.
    #[inline]
    pub(super) fn spared(&self, place: usize) -> usize {
        self.draws.spared(place)
    }

    /// Forgets all forwards.
    pub(super) fn clear(&mut self) {
        self.draws.clear();
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
