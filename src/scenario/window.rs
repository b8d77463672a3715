//! The number of orders that a node tells apart if the user leaves it to the program.
//!
//! On a real carrier a window that holds every order of a long run would take gigabytes, so `auto` holds the orders
//! that may be in flight at a time: those published while one of them spreads at the slow latency. In virtual time
//! receipts are kept by order and node anyway, and `auto` is all orders.

use super::protocol_spec::{ProtocolKnobs, ProtocolSpec};
use super::workload_options::{BulkOptions, WindowSize};
use super::{Scenario, Ttl, limits};
use crate::coverage::Window;
use crate::message::TTL_MAX;
use crate::network::NetworkSpec;
use crate::time::Nanos;
use crate::wire::order_bytes;
use crate::workload::{Arrivals, BURST};

/// The time that a carrier itself may take for a message, in addition to the modelled network: several times the 8 ms
/// that messages waited on a machine with other work.
const CARRIER_ALLOWANCE: Nanos = Nanos::from_millis(50);

/// The smallest window of `auto`, in orders, unless there are fewer orders.
const LEAST: u64 = 1_024;

impl Scenario {
    /// Returns the window of a node for this TTL, if a slow message takes `slow_latency` through the modelled network.
    #[doc(hidden)]
    pub fn window(&self, ttl: u8, slow_latency: Nanos) -> Window {
        let Some(bulk) = self.workload.bulk else { return Window::new(1, 1) };
        let orders = match bulk.window {
            WindowSize::Orders(orders) => orders,
            WindowSize::Auto if self.carrier.transport.is_virtual() => bulk.orders,
            WindowSize::Auto => self.auto(&bulk, self.slowest_spread(ttl, slow_latency + CARRIER_ALLOWANCE)),
        };
        Window::new(bulk.orders, orders)
    }

    /// Returns the bytes that the protocol keeps for each of `nodes` nodes and for each of `links` directed links, or
    /// for each link that a membership protocol keeps, with the state of that one.
    #[doc(hidden)]
    pub fn protocol_state_bytes(&self, nodes: u64, links: u64) -> u64 {
        let (membership, links) = self.protocol.spec.membership_state(nodes).unwrap_or((0, links));
        let sides = self.protocol.sides().map(|side| self.own_state_bytes(side, nodes, links));
        sides.fold(membership, u64::saturating_add)
    }

    /// Returns the bytes of the state of a protocol, whatever its membership protocol has.
    fn own_state_bytes(&self, side: ProtocolSpec, nodes: u64, links: u64) -> u64 {
        match side.protocol {
            ProtocolKnobs::Gossipsub(knobs) => {
                let cached = self.workload.bulk.map_or(1, |bulk| self.published_within(&bulk, knobs.cache_time()));
                knobs.state_bytes(nodes, links, cached.min(self.orders().into()))
            }
            ProtocolKnobs::Turbine(knobs) => {
                let ttl = if let Ttl::Hops(ttl) = self.protocol.ttl { ttl } else { TTL_MAX };
                let longest = self.network.as_ref().map_or(Nanos::ZERO, NetworkSpec::longest);
                let (orders, has_stakes) = (self.orders(), self.protocol.stakes.is_some());
                let (window, longest_order) = (self.window(ttl, longest).orders(), self.workload.payload_bytes.most());
                knobs.state_bytes((nodes, self.overlay.nodes), (orders, window), order_bytes(longest_order), has_stakes)
            }
            _ => side.state_bytes(nodes, links),
        }
    }

    /// Returns the number of orders published within a span of time, at most.
    fn published_within(&self, bulk: &BulkOptions, span: Nanos) -> u64 {
        let bursts = if bulk.arrivals == Some(Arrivals::Burst) { BURST } else { Nanos::ZERO };
        match &self.workload.publications {
            Some(list) => list.most_within(span),
            None => bulk.rate.within(span + bursts),
        }
    }

    /// Returns the number of orders published while one spreads at the slow latency, within the memory limit of
    /// windows.
    fn auto(&self, bulk: &BulkOptions, spread: Nanos) -> u32 {
        let under_way = self.published_within(bulk, spread);
        let widest = limits::widest_window(self.overlay.nodes, bulk.orders);
        u32::try_from(under_way.max(LEAST)).map_or(widest, |orders| orders.min(widest))
    }

    /// Returns the longest time for which an order may be in flight: its TTL times a hop, in which a message takes a
    /// `latency`. In a protocol with requests each hop takes an announcement, a request and the order itself, the
    /// interval in which announcements are gathered, and the retry time if the network loses messages. Repairs come on
    /// top.
    pub fn slowest_spread(&self, ttl: u8, latency: Nanos) -> Nanos {
        let is_lossy = self.network.as_ref().is_some_and(NetworkSpec::loses);
        // Protocols without requests have neither.
        let [retry, gathered] = self.protocol.longest_waits();
        let again = if is_lossy { retry } else { Nanos::ZERO };
        let messages = u64::from(self.protocol.kind().traits().messages_per_hop);
        let hop = Nanos(latency.0.saturating_mul(messages)) + gathered + again;
        let repairs = self.protocol.sides().map(|side| side.repair_horizon(self.overlay.nodes)).max();
        Nanos(hop.0.saturating_mul(u64::from(ttl))) + repairs.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Draft, ProtocolKind, TransportKind};
    use crate::workload::Rate;

    /// Resolves the window of `orders` at `rate` orders per second, with a TTL of 6.
    fn resolved(draft: Draft, orders: u32, rate: u64) -> u32 {
        let scenario = Draft { orders: Some(orders), rate: Some(Rate::per_second(rate)), seed: Some(1), ..draft };
        let scenario = scenario.build().unwrap();
        let network = scenario.network.as_ref().map(|network| network.build(1).unwrap());
        let slow_latency = network.map_or(Nanos::ZERO, |network| network.slow_latency(scenario.overlay.nodes));
        scenario.window(6, slow_latency).orders()
    }

    fn on(transport: TransportKind) -> Draft {
        Draft { transport: Some(transport), threads: Some(1), nodes: Some(1_000), ..Draft::default() }
    }

    #[test]
    fn auto_holds_what_may_be_under_way() {
        let memory = on(TransportKind::Memory);
        let slow = Draft { latency: "50ms".parse().ok(), ..memory.clone() };
        // Six hops of the modelled 50 ms and the carrier's 50 ms.
        assert_eq!(resolved(slow.clone(), 1_000_000, 100_000), 60_000);
        assert_eq!(resolved(memory.clone(), 1_000_000, 100_000), 30_000);
        let bursts = Draft { arrivals: Some(Arrivals::Burst), ..slow.clone() };
        assert_eq!(resolved(bursts, 1_000_000, 100_000), 70_000);
        // Three messages of 100 ms per hop, and 10 ms to gather announcements.
        let lazy =
            Draft { protocol: Some(ProtocolKind::Lazy.into()), announce_interval: "10ms".parse().ok(), ..slow.clone() };
        assert_eq!(resolved(lazy.clone(), 1_000_000, 100_000), 186_000);
        // The retry time counts if any link may lose messages.
        let file = tempfile::NamedTempFile::new().unwrap();
        let again = Draft { retry: Some(Nanos::from_secs(1)), ..lazy };
        let listing = |loss: &str| {
            std::fs::write(file.path(), format!("from,to,latency,loss\n0,1,,{loss}\n")).unwrap();
            Draft { links: Some(file.path().to_str().unwrap().to_owned()), ..again.clone() }
        };
        assert_eq!(["0", "1%"].map(|loss| resolved(listing(loss), 1_000_000, 100_000)), [186_000, 786_000]);
        assert_eq!((resolved(slow.clone(), 20_000, 100_000), resolved(slow, 20_000, 1_500)), (20_000, 1_024));
        let asked = Draft { window: Some(WindowSize::Orders(7)), ..memory };
        assert_eq!(resolved(asked, 20_000, 100_000), 7);
    }

    #[test]
    fn a_slow_latency_is_that_of_one_message_in_a_thousand() {
        // Evenly over 10 to 90 ms: the 99.9th percentile is 89.92 ms, off by 0.08 / 4 of them, the deviation of its
        // estimate.
        let spread = Draft { latency: "uniform:10ms..90ms".parse().ok(), ..on(TransportKind::Memory) };
        let window = resolved(spread, 1_000_000, 100_000);
        assert!(window.abs_diff(83_952) < 60, "{window}");
    }

    #[test]
    fn auto_stays_within_the_memory_of_windows_and_virtual_time_holds_all() {
        let many = Draft { nodes: Some(10_000_000), ..on(TransportKind::Memory) };
        // 2^34 bits over ten million nodes are 1,717 bits each: 25 words, and one that is being filled.
        assert_eq!(resolved(many, 100_000, 1_000_000), 25 * 64);
        assert_eq!(resolved(on(TransportKind::Simulated), 100_000, 1_000_000), 100_000);
        let widest = limits::widest_window(10_000_000, 100_000);
        assert!(10_000_000 * u64::from(Window::new(100_000, widest).bits()) <= limits::WINDOW_BITS);
        assert_eq!([limits::widest_window(u32::MAX, 100), limits::widest_window(1, 1_000_000)], [0, 1_000_000]);
    }
}
