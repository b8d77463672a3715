//! Tests `--window`: the number of orders that a node tells apart, with the same meaning in virtual time as on the
//! carriers.

use crate::support::{run, sentences, to_quiescence};
use bulk_order_propagation::ids::{NodeId, OrderIndex};
use bulk_order_propagation::network::{Fate, LatencySpec, Network};
use bulk_order_propagation::record::RunRecord;
use bulk_order_propagation::scenario::{Draft, ProtocolKind, TransportKind, WindowSize};
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::workload::{Arrivals, Rate};

const ORDERS: u32 = 1_000;
const SEED: u64 = 7;
const LATENCY: &str = "uniform:10ms..1s";

/// A thousand orders from one of two nodes to the other, a millisecond apart, with latencies of up to a thousand times
/// that.
fn two_nodes(window: u32, transport: TransportKind, protocol: ProtocolKind) -> Draft {
    Draft {
        transport: Some(transport),
        protocol: Some(protocol.into()),
        retry: (protocol == ProtocolKind::Lazy).then_some(Nanos::from_secs(10)),
        latency: LATENCY.parse().ok(),
        orders: Some(ORDERS),
        rate: Some(Rate::per_second(1_000)),
        window: Some(WindowSize::Orders(window)),
        timeout: Some(Nanos::ZERO),
        ..to_quiescence(2, 1, SEED)
    }
}

/// Latency of the given attempt at a message about an order from one of the two nodes to the other.
fn latency_of(network: &Network, order: u32, from: u32, attempt: u32) -> Nanos {
    match network.outgoing_links(OrderIndex(order), NodeId(from)).fate(NodeId(1 - from), attempt) {
        Fate::Arrives(latency) => latency,
        Fate::Lost => panic!("nothing is lost"),
    }
}

fn due(order: u32) -> Nanos {
    Nanos(u64::from(order) * 1_000_000)
}

/// Number of orders, each given with its arrival, that arrive after one that is newer by `window` or more.
fn expired(mut arrivals: Vec<(Nanos, u32)>, window: u32) -> u64 {
    arrivals.sort_unstable();
    let mut newest = 0;
    let mut is_expired = |&(_, order): &(Nanos, u32)| {
        newest = newest.max(order);
        order + window <= newest
    };
    arrivals.iter().filter(|arrival| is_expired(arrival)).count() as u64
}

fn sums(record: &RunRecord) -> (u64, Option<u64>) {
    (record.reached(), record.workers.iter().map(|worker| worker.expired_first).sum())
}

#[test]
fn first_copies_expire_in_virtual_time_by_their_arrivals() {
    let network = Network::new(SEED, LATENCY.parse::<LatencySpec>().unwrap());
    let arrivals: Vec<(Nanos, u32)> =
        (0..ORDERS).map(|order| (due(order) + latency_of(&network, order, 0, 0), order)).collect();
    assert_eq!(expired(arrivals.clone(), 64), 838);
    for window in [1, 64, 65, 100, 500, 999, 1_000] {
        let late = expired(arrivals.clone(), window);
        for protocol in [ProtocolKind::Push, ProtocolKind::Flood] {
            let record = run(two_nodes(window, TransportKind::Simulated, protocol));
            let expected = (u64::from(2 * ORDERS) - late, Some(late));
            assert_eq!(sums(&record), expected, "{protocol:?}, a window of {window}");
            let is_said = sentences(&record).first().is_some_and(|notice| notice.starts_with("The window of"));
            assert_eq!(is_said, late > 0, "{:?}", record.notices);
        }
    }
}

/// An announcement moves no window, an order older than the window is not requested, and one that its holder has
/// forgotten is not sent.
#[test]
fn lazy_nodes_neither_request_nor_send_expired_orders() {
    let network = Network::new(SEED, LATENCY.parse::<LatencySpec>().unwrap());
    for window in [20, 64, 300] {
        // Events by time: 0 an announcement arrives at node 1, 1 a request at node 0, 2 the order at node 1.
        let announced = |order| (due(order) + latency_of(&network, order, 0, 0), 0, order);
        let mut events: std::collections::BTreeSet<(Nanos, u8, u32)> = (0..ORDERS).map(announced).collect();
        let (mut newest, mut has, mut late) = (None::<u32>, 0, 0);
        while let Some((now, kind, order)) = events.pop_first() {
            let is_forgotten = newest.is_some_and(|newest| order + window <= newest);
            match kind {
                0 if !is_forgotten => _ = events.insert((now + latency_of(&network, order, 1, 0), 1, order)),
                0 => {}
                1 => {
                    let published = (now.0 / 1_000_000).min(u64::from(ORDERS) - 1) as u32;
                    if order + window > published {
                        events.insert((now + latency_of(&network, order, 0, 1), 2, order));
                    }
                }
                _ if is_forgotten => late += 1,
                _ => (has, newest) = (has + 1, newest.max(Some(order))),
            }
        }
        let record = run(two_nodes(window, TransportKind::Simulated, ProtocolKind::Lazy));
        assert_eq!(sums(&record), (u64::from(ORDERS) + has, Some(late)), "a window of {window}");
        assert!(has > 10 && has < u64::from(ORDERS) - 10, "{has} of {ORDERS}");
    }
}

#[test]
fn auto_is_every_order_in_virtual_time_and_enough_of_them_on_a_carrier() {
    let draft = |transport, window| Draft {
        transport: Some(transport),
        latency: "uniform:1ms..50ms".parse().ok(),
        orders: Some(3_000),
        rate: Some(Rate::per_second(100_000)),
        arrivals: Some(Arrivals::Poisson),
        window,
        ..to_quiescence(60, 2, 5)
    };
    let expired = |record: &RunRecord| record.workers.iter().map(|worker| worker.expired).sum::<u64>();
    for transport in [TransportKind::Memory, TransportKind::UdpShard, TransportKind::Simulated] {
        // 100,000 orders a second times 255 hops of 100 ms are all of them.
        let whole = run(draft(transport, None));
        let bulk = whole.bulk.as_ref().unwrap();
        assert_eq!((bulk.window, expired(&whole)), (3_000, 0), "{transport:?}");
        assert!(whole.is_goal_met() && !sentences(&whole).iter().any(|notice| notice.contains("window")));
        let narrow = run(draft(transport, Some(WindowSize::Orders(64))));
        assert!(narrow.reached() < whole.reached() && expired(&narrow) > 0, "{transport:?}");
        // Thousands are separated for readers.
        let notice = &sentences(&narrow)[0].replace(',', "");
        assert!(notice.starts_with("The window of 64 orders discarded "), "{:?}", narrow.notices);
        let behind = narrow.workers.iter().map(|worker| worker.expired_behind_max).max().unwrap();
        assert!(behind > 64 && notice.contains(&format!("the oldest was {behind} orders behind")), "{notice}");
        assert!(notice.contains(&format!("Raise --window to {} or more", behind + 1)) || narrow.overloaded, "{notice}");
    }
}
