//! Tests many orders at once: each is an experiment of its own, on every carrier, and none is delivered twice or
//! forgotten.

use crate::support::{carriers, real_carriers, run, sent, sentences, to_quiescence};
use bulk_order_propagation::coverage::TARGET;
use bulk_order_propagation::record::{BulkRecord, OrderOutcome, OrderRecord, RunRecord};
use bulk_order_propagation::scenario::{
    Draft, OriginsKind, PayloadBytes, ProtocolKind, TransportKind, Ttl, Until, WindowSize,
};
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::workload::{Arrivals, Rate};
use bulk_order_propagation::{Engine, Simulation};

/// Adds `orders` orders at a rate that publishes them within a twentieth of a second.
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

/// The figures that must not differ between carriers: nodes reached by each order, and every message.
fn figures(record: &RunRecord) -> (Vec<(u64, u64)>, Vec<u64>, Vec<u32>) {
    let by_order = orders(record).orders.iter().map(|order| (order.reached, order.sent)).collect();
    (by_order, sent(record), record.traffic.iter().map(|traffic| traffic.firsts).collect())
}

#[test]
fn every_carrier_carries_every_order_to_the_same_nodes() {
    let draft = bulk(40, Draft { fanout: Some(3), ..to_quiescence(300, 1, 5) });
    let on = |transport, threads| run(Draft { transport: Some(transport), threads: Some(threads), ..draft.clone() });
    let model = on(TransportKind::Memory, 1);
    assert_eq!(model.end, bulk_order_propagation::record::End::Quiescent);
    assert!(model.reached() < 40 * 300 && model.reached() > 40 * 250);
    for transport in real_carriers() {
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
    // Order 0 has the draws of a single order, so it reaches as many nodes with as many messages.
    let alone = run(Draft { fanout: Some(3), ..to_quiescence(300, 2, 8) });
    let among =
        Draft { fanout: Some(3), orders: Some(10), rate: Some(Rate::per_second(1_000)), ..to_quiescence(300, 2, 8) };
    let first = orders(&run(among)).orders[0];
    assert_eq!((first.reached, first.sent), (alone.reached(), alone.ledger.sent));
}

#[test]
fn the_target_ends_a_run_once_every_order_has_it() {
    for transport in real_carriers() {
        let draft = Draft { until: Some(Until::Target), ttl: Some(Ttl::Auto), ..to_quiescence(200, 2, 3) };
        let record = run(Draft { transport: Some(transport), ..bulk(50, draft) });
        let bulk = orders(&record);
        assert!(
            bulk.orders.iter().all(|order| order.outcome == OrderOutcome::Reached && order.reached >= 190),
            "{transport:?}"
        );
        for order in &bulk.orders {
            let [half, most, _, target] = order.time_to;
            assert!(half <= most && most == target && order.time_to[TARGET] <= order.time_to_end);
            assert!(order.published_late <= half, "an order spreads once it is published");
        }
        let due: Vec<Nanos> = bulk.orders.iter().map(|order| order.due).collect();
        assert!(due.is_sorted() && due[0] == Nanos::ZERO);
        assert!(record.elapsed > due[49], "a schedule is waited for");
    }
}

#[test]
fn orders_that_cannot_get_far_die_out_each_by_itself() {
    let record = run(bulk(20, Draft { fanout: Some(1), ..to_quiescence(500, 2, 4) }));
    for order in &orders(&record).orders {
        assert_eq!(order.outcome, OrderOutcome::DiedOut);
        assert_eq!((order.sent, order.time_to[TARGET]), (order.received, None));
    }
}

#[test]
fn a_window_that_is_too_small_loses_orders_and_counts_them() {
    // Hundreds of orders at once: copies of the first arrive after the last ones.
    let draft = Draft {
        window: Some(WindowSize::Orders(1)),
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
    let wide = run(Draft { window: Some(WindowSize::Orders(2_000)), ..draft });
    assert!(narrow.reached() < wide.reached(), "{} {}", narrow.reached(), wide.reached());
    assert_eq!(wide.workers.iter().map(|worker| worker.expired).sum::<u64>(), 0);
}

#[test]
fn a_schedule_is_open_loop_and_a_time_limit_counts_from_publication() {
    // More than any machine carries: the schedule continues, and delays show the queue.
    let draft = Draft {
        orders: Some(400),
        rate: Some(Rate::per_second(100_000)),
        timeout: Some(Nanos::from_secs(1)),
        until: Some(Until::Target),
        ..to_quiescence(2_000, 2, 2)
    };
    let record = run(draft);
    let bulk = orders(&record);
    assert!(bulk.count(OrderOutcome::UnderWay) > 0, "two thousand nodes times four hundred orders in a second");
    assert!(bulk.orders.iter().all(|order| order.published_late.is_some()));
    // A notice reports the overload.
    let notice = sentences(&record).into_iter().find(|notice| notice.starts_with("Overload: ")).expect("an overload");
    let said = format!("{} of 400 were still under way", bulk.count(OrderOutcome::UnderWay));
    assert!(record.overloaded && notice.contains(&said) && notice.contains("Lower --rate"), "{notice}");
    let messages: u64 = bulk.orders.iter().map(|order| order.sent).sum();
    assert_eq!(messages, record.ledger.sent);
}

/// Lost messages are not under way. Orders that lost all their first copies are over, though the run continued to its
/// time limit with later ones.
#[test]
fn lost_orders_have_died_out_before_the_time_limit() {
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
    assert_eq!(record.end, bulk_order_propagation::record::End::Timeout);
    let alone = orders(&record).orders.iter().filter(|order| order.reached == 1 && order.received == 0);
    let outcomes: Vec<OrderOutcome> = alone.map(|order| order.outcome).collect();
    assert!(outcomes.len() > 3 && outcomes.iter().all(|&outcome| outcome == OrderOutcome::DiedOut), "{outcomes:?}");
    assert!(orders(&record).count(OrderOutcome::UnderWay) > 0);
}

/// An order whose origin is down when it is due is not published; one whose origin failed later was. Coverage is a
/// share of the published ones.
#[test]
fn an_order_whose_origin_is_down_is_not_published() {
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
    let is_late = |order: &&OrderRecord| order.outcome == OrderOutcome::NotPublished && order.due > Nanos::from_secs(1);
    assert!(never.iter().all(is_late), "{never:?}");
    assert_eq!(orders(&record).count(OrderOutcome::NotPublished), never.len() as u64);
    assert_eq!(orders(&record).count(OrderOutcome::Reached), 40 - never.len() as u64);
    assert!(record.is_goal_met() && record.reached() * 100 > record.counted() * 95);
    let entered: u64 = records.iter().filter(entered).map(|order| order.counted).sum();
    assert_eq!(record.counted(), entered);
}

/// One of two nodes, which heard of an order and never got it, asks again after the time limit: that order is under
/// way. An order whose announcement was lost has come to rest.
#[test]
fn an_order_to_be_requested_again_is_under_way() {
    for transport in [TransportKind::Simulated, TransportKind::Memory, TransportKind::Udp] {
        let draft = Draft {
            transport: Some(transport),
            protocol: Some(ProtocolKind::Lazy.into()),
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
        let count = |outcome| orders(&record).count(outcome);
        let announced = record.control_messages() - 60;
        let asked = count(OrderOutcome::UnderWay) + count(OrderOutcome::Reached);
        assert_eq!(asked, announced, "{transport:?}: as many asked");
        // One of the two nodes is at least a tenth of the target, so such an order is missed and has not died out.
        assert!(count(OrderOutcome::UnderWay) > 5 && count(OrderOutcome::Missed) == 60 - announced, "{transport:?}");
    }
}

/// Orders that a node gathers have yet to be announced, and an announcement under way concerns all its orders.
#[test]
fn an_order_to_be_announced_is_under_way() {
    for (interval_ms, latency, carriers) in [
        (2_000, "1ms", &[TransportKind::Simulated, TransportKind::Memory, TransportKind::Udp][..]),
        (100, "10s", &[TransportKind::Simulated]),
    ] {
        for &transport in carriers {
            let draft = Draft {
                transport: Some(transport),
                protocol: Some(ProtocolKind::Lazy.into()),
                announce_interval: Some(Nanos::from_millis(interval_ms)),
                orders: Some(20),
                rate: Some(Rate::per_second(1_000)),
                latency: Some(latency.parse().unwrap()),
                timeout: Some(Nanos::from_millis(300)),
                ..to_quiescence(10, 1, 11)
            };
            let record = run(draft);
            assert_eq!(orders(&record).count(OrderOutcome::UnderWay), 20, "{transport:?}, {interval_ms}");
        }
    }
}

/// An order that came to rest just below its target missed it, and did not die out; nor did one that the TTL cut off at
/// a few nodes. On every carrier, for one order as for many.
#[test]
fn an_order_at_rest_below_its_target_has_missed_it() {
    for (orders_asked, transport) in
        [1, 20].into_iter().flat_map(|orders| carriers().map(move |transport| (orders, transport)))
    {
        let on = |draft: Draft| {
            let bulk = (orders_asked > 1).then_some(Rate::per_second(1_000));
            run(Draft { transport: Some(transport), orders: Some(orders_asked), rate: bulk, ..draft })
        };
        let outcomes = |record: &RunRecord| match &record.bulk {
            Some(bulk) => bulk.orders.iter().map(|order| order.outcome).collect(),
            None => Vec::from_iter(record.order_outcome()),
        };
        let all = |outcome| vec![outcome; orders_asked as usize];
        // Fanout 3 misses about 6 % of the nodes.
        let nearly = on(Draft { fanout: Some(3), target: "0.999".parse().ok(), ..to_quiescence(300, 2, 5) });
        assert_eq!(outcomes(&nearly), all(OrderOutcome::Missed), "{transport:?}");
        // Nine of 500, each reached from the origin by the only hop allowed.
        let cut = on(Draft { ttl: Some(Ttl::Hops(1)), ..to_quiescence(500, 2, 5) });
        assert_eq!(outcomes(&cut), all(OrderOutcome::Missed), "{transport:?}");
        // One forward each: a walk that soon returns to a node it has visited.
        let walk = on(Draft { fanout: Some(1), ..to_quiescence(2_000, 2, 4) });
        assert_eq!(outcomes(&walk), all(OrderOutcome::DiedOut), "{transport:?}");
        assert!(!nearly.is_goal_met() && !cut.is_goal_met() && !walk.is_goal_met());
    }
}

/// The report of a scenario, but for what names the machine, the threads and the engine.
fn report(draft: Draft) -> serde_json::Value {
    let outcome = Simulation::new(draft.build().unwrap()).unwrap().run().unwrap();
    let mut report = serde_json::from_str(&outcome.report().to_json().unwrap()).unwrap();
    strip(&mut report);
    report
}

fn strip(value: &mut serde_json::Value) {
    if let Some(object) = value.as_object_mut() {
        ["machine", "replay", "host", "threads", "engine"].iter().for_each(|part| _ = object.remove(*part));
        object.values_mut().for_each(strip);
    }
    value.as_array_mut().into_iter().flatten().for_each(strip);
}

/// The first figure in which two reports differ.
fn difference(one: &serde_json::Value, other: &serde_json::Value) -> Option<String> {
    match (one, other) {
        (serde_json::Value::Object(one), serde_json::Value::Object(other)) if one.len() == other.len() => {
            one.iter().find_map(|(key, value)| Some(format!("{key}.{}", difference(value, other.get(key)?)?)))
        }
        _ => (one != other).then(|| format!("{one} and {other}")),
    }
}

#[test]
fn orders_one_by_one_report_what_orders_together_do() {
    let bulk = |toml: &str| {
        Draft::from_toml(&format!(
            "transport = 'simulated'\n nodes = 300\n seed = 5\n payload-bytes = '0..300'\n {toml}"
        ))
        .unwrap()
    };
    for toml in [
        "orders = 60\n rate = '200/s'\n network = 'aws33'",
        "orders = 60\n rate = '5000/s'\n network = 'aws33'\n until = 'quiescent'\n loss = '10%'\n fanout = 3\n origins = 'random'",
        "orders = 25\n rate = '100/s'\n latency = 'uniform:5ms..50ms'\n ttl = 4",
        "orders = 25\n rate = '100/s'\n latency = 'exponential:20ms'\n fanout = 2\n exclude-sender = true\n timeout = '90ms'",
        "orders = 300\n rate = '1000/s'\n latency = '10ms'\n arrivals = 'burst'\n origins = 'random'\n window = 64",
        "orders = 30\n rate = '20/s'\n latency = 'uniform:5ms..9ms'\n window = 8\n protocol = 'flood'",
        "orders = 40\n rate = '1000/s'\n latency = 'uniform:5ms..50ms'\n loss = 'gilbert-elliott:good=90ms,bad=10ms,loss=0.9,per=link'",
    ] {
        let auto = report(Draft { threads: Some(2), ..bulk(toml) });
        let general = report(Draft { engine: Some(Engine::General), threads: Some(1), ..bulk(toml) });
        assert_eq!(difference(&auto, &general), None, "{toml}");
        assert!(auto == general, "{toml}");
    }
}
