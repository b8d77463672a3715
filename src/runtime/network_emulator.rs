//! The modelled network in front of a real carrier: a message enters it, is lost or held, and leaves it for the carrier
//! at its time. The carrier's own latency is added.
//!
//! A message's fate is drawn as in virtual time, by (seed, order, sender, receiver, attempt), so that the same message
//! has the same fate on every carrier.

use super::RunPlan;
use super::delay_line::DelayLine;
use crate::ids::OrderIndex;
use crate::message::{Message, MessageBatch, Tail};
use crate::network::{AttemptCache, Attempts, Fate, LinkOrder, Network};
use crate::record::{DepartureDelays, ModelCounts};
use crate::time::Nanos;
use std::ops::Range;

/// One worker's part of the modelled network.
pub(super) struct NetworkEmulator<'a, T> {
    network: &'a Network,
    first_node: u32,
    attempts: Attempts,
    /// Messages about no order that each node has sent; empty until any has.
    upkeep_attempts: Vec<u32>,
    nodes: usize,
    line: DelayLine<T>,
    /// The order of messages on links; `None` if they may overtake each other.
    link_order: Option<LinkOrder<'a>>,
    /// Messages that the carrier accepted.
    pub(super) handed: u64,
    /// The upkeep among these, and the upkeep that the delay line holds.
    pub(super) handed_upkeep: u64,
    held_upkeep: u64,
    pub(super) counts: ModelCounts,
    pub(super) departures: DepartureDelays,
}

/// Effects of the network on the messages of one forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EmulatedCounts {
    pub(super) lost: u64,
    /// Second copies of messages that were not lost.
    pub(super) doubled: u64,
}

impl<'a, T: Tail> NetworkEmulator<'a, T> {
    /// Creates the part for the given nodes, if the network is modelled.
    pub(super) fn new(plan: &RunPlan<'a>, nodes: &Range<u32>) -> Option<NetworkEmulator<'a, T>> {
        let network = plan.network?;
        let emulator = NetworkEmulator::between(network, nodes, plan.orders.len());
        Some(NetworkEmulator { link_order: LinkOrder::new(network, plan.topology, nodes), ..emulator })
    }

    /// Creates an empty network between nodes and their carrier.
    fn between(network: &'a Network, nodes: &Range<u32>, orders: usize) -> NetworkEmulator<'a, T> {
        NetworkEmulator {
            network,
            first_node: nodes.start,
            attempts: Attempts::new(nodes.len(), orders),
            upkeep_attempts: Vec::new(),
            nodes: nodes.len(),
            line: DelayLine::new(),
            link_order: None,
            handed: 0,
            handed_upkeep: 0,
            held_upkeep: 0,
            counts: ModelCounts::default(),
            departures: DepartureDelays::default(),
        }
    }

    /// Returns the bytes that held messages take.
    pub(super) fn held_bytes(&self) -> u64 {
        self.line.bytes() + self.link_order.as_ref().map_or(0, LinkOrder::bytes)
    }

    /// Accepts the messages of one forward, sent at `now` in a schedule that began at `began`.
    pub(super) fn enter(&mut self, forward: MessageBatch<'_>, now: Nanos, began: Nanos) -> EmulatedCounts {
        let (mut tails, mut at_once, mut passed) = (forward.tails, AttemptCache::default(), EmulatedCounts::default());
        for messages in forward.messages.chunk_by(|one, next| one.order == next.order) {
            let Message { from, order, kind, .. } = messages[0];
            let local = from.0 - self.first_node;
            let (order, attempt) = match kind.is_upkeep() {
                // A message about no order is keyed by an order that no run has, as in virtual time.
                true => (OrderIndex(u32::MAX), self.next_upkeep(local)),
                false => (order, at_once.attempt(order, || self.attempts.next(local, order))),
            };
            let held_before = self.line.entered();
            // The network's time counts from the start of the schedule, as in virtual time.
            let links = self.network.outgoing_links(order, from).at(now.since(began));
            for &message in messages {
                let tail = message.cut(&mut tails);
                match links.fate(message.to, attempt) {
                    Fate::Lost => passed.lost += 1,
                    Fate::Arrives(latency) => {
                        let second = links.duplicate(message.to, attempt);
                        for latency in std::iter::once(latency).chain(second) {
                            let order = self.link_order.as_mut();
                            let at = order
                                .map_or(now + latency, |order| order.arrival(from, message.to, now, now + latency));
                            self.line.put(at, message, T::of(tail));
                            self.departures.held += u128::from((at - now).0);
                        }
                        passed.doubled += u64::from(second.is_some());
                    }
                }
            }
            if kind.is_upkeep() {
                self.held_upkeep += self.line.entered() - held_before;
            }
        }
        self.counts.lost += passed.lost;
        self.counts.duplicated += passed.doubled;
        passed
    }

    /// Counts one more upkeep message of a node, and returns the number of those before.
    fn next_upkeep(&mut self, local: u32) -> u32 {
        if self.upkeep_attempts.is_empty() {
            self.upkeep_attempts.resize(self.nodes, 0);
        }
        let attempt = &mut self.upkeep_attempts[local as usize];
        *attempt = attempt.wrapping_add(1);
        attempt.wrapping_sub(1)
    }

    /// Returns the messages that leave by `now`, `most` at a time.
    pub(super) fn due(&mut self, now: Nanos, most: usize) -> MessageBatch<'_> {
        self.line.due(now, most)
    }

    /// Notes that the carrier accepted the first `count` of the messages that are due, `upkeep` of them upkeep, at
    /// `now`.
    pub(super) fn leave(&mut self, count: usize, upkeep: u64, now: Nanos) {
        self.handed_upkeep += upkeep;
        self.held_upkeep -= upkeep;
        let NetworkEmulator { line, departures, .. } = self;
        line.take(count).iter().for_each(|&due| departures.late.record(now.since(due)));
        self.handed += count as u64;
    }

    /// Ends the run: the messages that the delay line holds, and the `unsent` ones that the carrier accepted and did
    /// not send, are still under way.
    pub(super) fn close(&mut self, unsent: u64) {
        self.handed -= unsent;
        self.counts.held = self.line.len() + unsent;
        self.departures.entered = self.line.entered();
    }

    /// Returns the time at which the next message is to leave, or a time shortly before.
    pub(super) fn next_due(&self) -> Option<Nanos> {
        self.line.next_due()
    }

    /// Returns true if it holds nothing but upkeep.
    pub(super) fn is_empty(&self) -> bool {
        self.line.len() == self.held_upkeep
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::message::OrderHop;
    use crate::network::{LatencySpec, LossSpec};
    use crate::topology::TopologySpec;

    fn emulator(network: &Network) -> NetworkEmulator<'_, ()> {
        NetworkEmulator::between(network, &(3..5), 1)
    }

    fn forward() -> Vec<Message> {
        let order_hop = OrderHop { order: OrderIndex(0), ttl: 1, hop: 1 };
        (10..60).map(|to| order_hop.copy(NodeId(3), NodeId(to))).collect()
    }

    #[test]
    fn fates_are_those_of_virtual_time_and_each_attempt_has_its_own() {
        let network = Network::new(7, "uniform:1ms..2ms".parse::<LatencySpec>().unwrap())
            .with_loss(&"0.3".parse::<LossSpec>().unwrap())
            .with_duplicates("0.5".parse().unwrap());
        let mut emulator = emulator(&network);
        let began = Nanos(500);
        for attempt in 0..2 {
            let now = Nanos(10_000_000 * (1 + u64::from(attempt)));
            let passed = emulator.enter(MessageBatch::bare(&forward()), now, began);
            let links = network.outgoing_links(OrderIndex(0), NodeId(3)).at(now - began);
            let lost = |message: &&Message| links.fate(message.to, attempt) == Fate::Lost;
            assert_eq!(passed.lost, forward().iter().filter(lost).count() as u64);
            assert!(passed.lost > 5 && passed.doubled > 5);
            let mut times = Vec::new();
            for message in forward() {
                if let Fate::Arrives(latency) = links.fate(message.to, attempt) {
                    times.push((now + latency, message));
                    times.extend(links.duplicate(message.to, attempt).map(|latency| (now + latency, message)));
                }
            }
            times.sort_by_key(|&(time, _)| time);
            assert_eq!(times.len() as u64, 50 - passed.lost + passed.doubled);
            for (time, message) in times {
                assert!(emulator.due(Nanos(time.0 - 1), 1).messages.is_empty());
                assert_eq!(emulator.due(time, 1).messages, [message]);
                emulator.leave(1, 0, time + Nanos(700));
            }
            assert!(emulator.is_empty());
            // Late by what was passed at each departure, whatever the model gave.
            let late = &emulator.departures.late;
            assert_eq!((late.least(), late.greatest()), (Some(Nanos(700)), Some(Nanos(700))));
        }
    }

    /// The messages of each link leave in the order in which they entered, second copies and several orders included.
    #[test]
    fn on_ordered_links_messages_leave_in_the_order_of_their_link() {
        let overtaken = |latency: &str| {
            let network =
                Network::new(7, latency.parse::<LatencySpec>().unwrap()).with_duplicates("0.3".parse().unwrap());
            let topology = TopologySpec::Ring.build(100, 0, 7).unwrap();
            let link_order = LinkOrder::new(&network, &topology, &(3..5));
            let mut emulator = NetworkEmulator::<()> { link_order, ..NetworkEmulator::between(&network, &(3..5), 40) };
            let (mut entered, mut left) = (0, Vec::new());
            for order in 0..40 {
                let now = Nanos::from_millis(u64::from(order) * 3);
                for from in [3, 4] {
                    let order_hop = OrderHop { order: OrderIndex(order), ttl: 1, hop: 1 };
                    // The neighbours in the ring, and nodes that are none.
                    let messages: Vec<Message> = [2, 3, 4, 5, 50]
                        .iter()
                        .filter(|&&to| to != from)
                        .map(|&to| order_hop.copy(NodeId(from), NodeId(to)))
                        .collect();
                    entered +=
                        messages.len() as u64 + emulator.enter(MessageBatch::bare(&messages), now, Nanos::ZERO).doubled;
                }
                let due = emulator.due(now, usize::MAX).messages.to_vec();
                emulator.leave(due.len(), 0, now);
                left.extend(due);
            }
            let rest = emulator.due(Nanos::from_secs(1_000_000), usize::MAX).messages.to_vec();
            left.extend(rest);
            assert_eq!(left.len() as u64, entered);
            let link = |message: &Message| (message.from, message.to);
            left.sort_by_key(link);
            left.windows(2).filter(|pair| link(&pair[0]) == link(&pair[1]) && pair[0].order > pair[1].order).count()
        };
        assert_eq!(overtaken("exponential:30ms,ordered"), 0);
        assert_eq!(overtaken("link:uniform:1ms..9ms+pareto:1ms,0.5,ordered"), 0);
        assert!(overtaken("exponential:30ms") > 50);
    }

    #[test]
    fn what_has_not_arrived_at_the_stop_is_held() {
        let network = Network::new(7, "1ms".parse::<LatencySpec>().unwrap());
        let mut emulator = emulator(&network);
        emulator.enter(MessageBatch::bare(&forward()), Nanos::ZERO, Nanos::ZERO);
        assert_eq!(emulator.due(Nanos::from_millis(1), 20).messages.len(), 20);
        emulator.leave(15, 0, Nanos::from_millis(3));
        emulator.close(4);
        assert_eq!((emulator.handed, emulator.counts.held), (11, 39));
        let departures = &emulator.departures;
        assert_eq!((departures.late.count(), departures.late.greatest()), (15, Some(Nanos::from_millis(2))));
        assert_eq!((departures.entered, departures.mean_latency()), (50, Some(Nanos::from_millis(1))));
    }
}
