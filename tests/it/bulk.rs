//! Many orders at once: each is an experiment of its own, on every carrier, and none is delivered twice or forgotten.

use crate::support::{run, sent, to_quiescence};
use bulk_order_propagation::coverage::TARGET;
use bulk_order_propagation::gossip::ProtocolKind;
use bulk_order_propagation::scenario::{Draft, OriginsKind, PayloadBytes, TransportKind, Ttl, Until};
use bulk_order_propagation::stats::{BulkRecord, OrderEnd, OrderRecord, RunRecord};
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::workload::{Arrivals, Rate};

const CARRIERS: [TransportKind; 3] = [TransportKind::Udp, TransportKind::UdpShard, TransportKind::Memory];

/// So many orders at a rate that publishes them within a twentieth of a second.
fn bulk(orders: u32, draft: Draft) -> Draft {
    Draft {
        orders: Some(orders),
        rate: Some(Rate::per_second(u64::from(orders) * 20)),
        arrivals: Some(Arrivals::Poisson),
        origins: Some(OriginsKind::Random),
        payload_bytes: PayloadBytes::new(0, 300),
        ..draft
    }
}

fn orders(record: &RunRecord) -> &BulkRecord {
    record.bulk.as_ref().expect("a bulk")
}

/// What must not differ between carriers: who was reached by how many orders, and every message.
fn figures(record: &RunRecord) -> (Vec<(u64, u64)>, Vec<u32>, Vec<u32>) {
    let by_order = orders(record).orders.iter().map(|order| (order.reached, order.sent)).collect();
    (by_order, sent(record), record.traffic.iter().map(|traffic| traffic.firsts).collect())
}

#[test]
fn every_carrier_carries_every_order_to_the_same_nodes() {
    let draft = bulk(40, Draft { fanout: Some(3), ..to_quiescence(300, 1, 5) });
    let on = |transport, threads| run(Draft { transport: Some(transport), threads: Some(threads), ..draft.clone() });
    let model = on(TransportKind::Memory, 1);
    assert_eq!(model.end, bulk_order_propagation::stats::End::Quiescent);
    assert!(model.reached() < 40 * 300 && model.reached() > 40 * 250);
    for transport in CARRIERS {
        for threads in [1, 2, 3, 8] {
            let record = on(transport, threads);
            assert_eq!(figures(&record), figures(&model), "{transport:?}, {threads} threads");
            assert_eq!(orders(&record).delays.count(), model.reached());
            assert_eq!(orders(&record).hops.iter().sum::<u64>(), model.reached());
        }
    }
}

#[test]
fn an_order_alone_is_the_same_among_many() {
    // Order 0 has the draws of a single order, so that it reaches as many nodes with as many messages.
    let alone = run(Draft { fanout: Some(3), ..to_quiescence(300, 2, 8) });
    let among =
        Draft { fanout: Some(3), orders: Some(10), rate: Some(Rate::per_second(1_000)), ..to_quiescence(300, 2, 8) };
    let first = orders(&run(among)).orders[0];
    assert_eq!((first.reached, first.sent), (alone.reached(), alone.ledger.sent));
}

#[test]
fn the_target_ends_a_run_once_every_order_has_it() {
    for transport in CARRIERS {
        let draft = Draft { until: Some(Until::Target), ttl: Some(Ttl::Auto), ..to_quiescence(200, 2, 3) };
        let record = run(Draft { transport: Some(transport), ..bulk(50, draft) });
        let bulk = orders(&record);
        assert!(bulk.orders.iter().all(|order| order.end == OrderEnd::Target && order.reached >= 190), "{transport:?}");
        for order in &bulk.orders {
            let [half, most, _, target] = order.time_to;
            assert!(half <= most && most == target && order.time_to[TARGET] <= order.time_to_end);
            assert!(order.published_late <= half, "an order spreads once it is published");
        }
        let due: Vec<Nanos> = bulk.orders.iter().map(|order| order.due).collect();
        assert!(due.is_sorted() && due[0] == Nanos::ZERO);
        assert!(record.wall > due[49], "a schedule is waited for");
    }
}

#[test]
fn orders_that_cannot_get_far_die_out_each_by_itself() {
    let record = run(bulk(20, Draft { fanout: Some(1), ..to_quiescence(500, 2, 4) }));
    for order in &orders(&record).orders {
        assert_eq!(order.end, OrderEnd::DiedOut);
        assert_eq!((order.sent, order.time_to[TARGET]), (order.received, None));
    }
}

#[test]
fn a_window_that_is_too_small_loses_orders_and_counts_them() {
    // A burst of hundreds at once: copies of the first come after the last ones.
    let draft = Draft {
        window: Some(1),
        arrivals: Some(Arrivals::Burst),
        rate: Some(Rate::per_second(100_000)),
        orders: Some(2_000),
        fanout: Some(3),
        transport: Some(TransportKind::Memory),
        ..to_quiescence(100, 2, 6)
    };
    let narrow = run(draft.clone());
    let expired: u64 = narrow.workers.iter().map(|worker| worker.expired).sum();
    assert!(expired > 0);
    let wide = run(Draft { window: Some(2_000), ..draft });
    assert!(narrow.reached() < wide.reached(), "{} {}", narrow.reached(), wide.reached());
    assert_eq!(wide.workers.iter().map(|worker| worker.expired).sum::<u64>(), 0);
}

#[test]
fn a_schedule_is_open_loop_and_a_time_limit_counts_from_publication() {
    // More than any machine carries: the schedule goes on, and delays show the queue.
    let draft = Draft {
        orders: Some(400),
        rate: Some(Rate::per_second(100_000)),
        timeout: Some(Nanos::from_millis(50)),
        until: Some(Until::Target),
        ..to_quiescence(2_000, 2, 2)
    };
    let record = run(draft);
    let bulk = orders(&record);
    let timed_out = bulk.orders.iter().filter(|order| order.end == OrderEnd::TimedOut).count();
    assert!(timed_out > 0, "two thousand nodes times four hundred orders in a twentieth of a second");
    assert!(bulk.orders.iter().all(|order| order.published_late.is_some()));
    let messages: u64 = bulk.orders.iter().map(|order| order.sent).sum();
    assert_eq!(messages, record.ledger.sent);
}

/// What is lost is not under way. Orders that lost all their first copies are over, though the run went on to its time limit
/// with later ones.
#[test]
fn what_the_network_lost_has_died_out_before_the_time_limit() {
    let draft = Draft {
        transport: Some(TransportKind::Simulated),
        orders: Some(60),
        rate: Some(Rate::per_second(4)),
        loss: Some("0.8".parse().unwrap()),
        duplicate: Some("0.3".parse().unwrap()),
        down: Some("10%".parse().unwrap()),
        until: Some(Until::Target),
        timeout: Some(Nanos::from_millis(120)),
        ..to_quiescence(500, 2, 11)
    };
    let record = run(draft);
    assert_eq!(record.end, bulk_order_propagation::stats::End::Timeout);
    let alone = orders(&record).orders.iter().filter(|order| order.reached == 1 && order.received == 0);
    let ends: Vec<OrderEnd> = alone.map(|order| order.end).collect();
    assert!(ends.len() > 3 && ends.iter().all(|&end| end == OrderEnd::DiedOut), "{ends:?}");
    assert!(orders(&record).orders.iter().any(|order| order.end == OrderEnd::TimedOut));
}

/// An order whose origin is down when it is due never enters: it has died out, and one whose origin failed later did enter.
#[test]
fn an_order_whose_origin_is_down_has_died_out() {
    let draft = Draft {
        transport: Some(TransportKind::Simulated),
        orders: Some(40),
        rate: Some(Rate::per_second(20)),
        origins: Some(OriginsKind::Random),
        down: Some("30%,at=1s".parse().unwrap()),
        ..to_quiescence(300, 2, 3)
    };
    let record = run(draft);
    let records = &orders(&record).orders;
    let entered = |order: &&OrderRecord| order.published_late.is_some();
    assert_eq!(records.iter().filter(entered).count(), records.iter().filter(|order| order.sent > 0).count());
    let never: Vec<&OrderRecord> = records.iter().filter(|order| !entered(order)).collect();
    assert!(never.len() > 2 && never.len() < 20, "{}", never.len());
    assert!(never.iter().all(|order| order.end == OrderEnd::DiedOut && order.due > Nanos::from_secs(1)), "{never:?}");
    assert!(records.iter().all(|order| order.end != OrderEnd::TimedOut));
}

/// Of two nodes the one that heard of an order and never got it asks again after the time limit: that order has timed out, and
/// one whose announcement was lost has died out.
#[test]
fn an_order_that_is_yet_to_be_asked_for_again_has_not_died_out() {
    for transport in [TransportKind::Simulated, TransportKind::Memory, TransportKind::Udp] {
        let draft = Draft {
            transport: Some(transport),
            protocol: Some(ProtocolKind::Lazy),
            retry: Some(Nanos::from_secs(100)),
            exclude_sender: Some(true),
            orders: Some(60),
            rate: Some(Rate::per_second(1_000)),
            loss: Some("0.5".parse().unwrap()),
            latency: Some("1ms".parse().unwrap()),
            target: Some("1".parse().unwrap()),
            until: Some(Until::Target),
            timeout: Some(Nanos::from_millis(300)),
            ..to_quiescence(2, 1, 11)
        };
        let record = run(draft);
        let ended = |end| orders(&record).orders.iter().filter(|order| order.end == end).count() as u64;
        let announced = record.control_messages() - 60;
        assert_eq!(ended(OrderEnd::TimedOut) + ended(OrderEnd::Target), announced, "{transport:?}: as many asked");
        assert!(ended(OrderEnd::TimedOut) > 5 && ended(OrderEnd::DiedOut) == 60 - announced, "{transport:?}");
    }
}

/// News that a node gathers has yet to be announced, and a list that is under way is about all its orders.
#[test]
fn an_order_that_is_yet_to_be_announced_has_not_died_out() {
    for (interval_ms, latency, carriers) in [
        (2_000, "1ms", &[TransportKind::Simulated, TransportKind::Memory, TransportKind::Udp][..]),
        (100, "10s", &[TransportKind::Simulated]),
    ] {
        for &transport in carriers {
            let draft = Draft {
                transport: Some(transport),
                protocol: Some(ProtocolKind::Lazy),
                announce_interval: Some(Nanos::from_millis(interval_ms)),
                orders: Some(20),
                rate: Some(Rate::per_second(1_000)),
                latency: Some(latency.parse().unwrap()),
                timeout: Some(Nanos::from_millis(300)),
                ..to_quiescence(10, 1, 11)
            };
            let record = run(draft);
            let ends: Vec<OrderEnd> = orders(&record).orders.iter().map(|order| order.end).collect();
            assert_eq!(ends, [OrderEnd::TimedOut; 20], "{transport:?}, {interval_ms}");
        }
    }
}
