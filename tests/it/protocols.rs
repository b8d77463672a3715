//! Tests flood and lazy beside push: the messages that each costs on every carrier and any number of threads, and that
//! carriers transport control messages and times as well.

use crate::command::{bulkprop, output};
use crate::support::{carriers, covered, run, scenario, sent, to_quiescence};
use bulk_order_propagation::ids::NodeId;
use bulk_order_propagation::network::{Latency, LossSpec};
use bulk_order_propagation::ratio::Ratio;
use bulk_order_propagation::record::{End, RunRecord};
use bulk_order_propagation::scenario::{Draft, PayloadBytes, ProtocolKind, TransportKind, Ttl};
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::wire::{CONTROL_BYTES, WORD_BYTES};
use bulk_order_propagation::workload::Rate;

/// A retry interval longer than any answer takes, however busy the machine is, so that no request is repeated.
const LONG_RETRY: Nanos = Nanos::from_secs(30);

fn on(transport: TransportKind, draft: &Draft, threads: u32) -> RunRecord {
    run(Draft { transport: Some(transport), threads: Some(threads), ..draft.clone() })
}

fn lazy(draft: Draft) -> Draft {
    Draft { protocol: Some(ProtocolKind::Lazy.into()), retry: Some(LONG_RETRY), ..draft }
}

/// Twice the number of links of a draft's overlay.
fn directed_links(draft: &Draft) -> u64 {
    let scenario = scenario(draft.clone());
    let topology =
        scenario.overlay.topology.build(scenario.overlay.nodes, scenario.overlay.peers, scenario.run.seed).unwrap();
    (0..scenario.overlay.nodes).map(|node| u64::from(topology.degree(NodeId(node)))).sum()
}

#[test]
fn a_flood_crosses_each_link_twice_except_those_of_first_copies() {
    for (family, nodes) in
        [("erdos-renyi", 600), ("star", 300), ("ring", 100), ("barabasi-albert", 500), ("dials", 300)]
    {
        let draft = Draft {
            protocol: Some(ProtocolKind::Flood.into()),
            topology: Some(family.parse().unwrap()),
            ..to_quiescence(nodes, 1, 4)
        };
        let expected = directed_links(&draft) - (u64::from(nodes) - 1);
        for transport in carriers() {
            for threads in [1, 2, 3, 8] {
                let record = on(transport, &draft, threads);
                assert_eq!(record.reached(), u64::from(nodes), "{transport:?}, {family}, {threads} threads");
                assert_eq!(record.payload_messages(), expected, "{transport:?}, {family}, {threads} threads");
                assert_eq!(record.control_messages(), 0);
            }
        }
    }
}

#[test]
fn lazy_reaches_the_nodes_of_push_with_one_order_each() {
    for seed in [1, 2] {
        let draft = Draft { fanout: Some(3), ..to_quiescence(500, 1, seed) };
        let push = on(TransportKind::Memory, &draft, 1);
        assert!(push.reached() < 500, "a fanout of 3 leaves some out, or this shows nothing");
        for transport in carriers() {
            for threads in [1, 2, 3, 8] {
                let record = on(transport, &lazy(draft.clone()), threads);
                let said = format!("{transport:?}, seed {seed}, {threads} threads");
                assert_eq!(covered(&record), covered(&push), "{said}");
                assert_eq!(record.payload_messages(), record.reached() - 1, "{said}");
                // As many announcements as push sends orders, and a request for each order that was sent.
                assert_eq!(record.control_messages(), push.ledger.sent + record.reached() - 1, "{said}");
                let duplicates: u64 = record.workers.iter().map(|worker| worker.duplicates).sum();
                assert_eq!((record.end, duplicates), (End::Quiescent, 0), "{said}");
                assert_eq!(sent(&record).iter().sum::<u64>(), record.reached() - 1);
            }
        }
    }
}

#[test]
fn control_bytes_are_those_on_the_wire() {
    for transport in carriers() {
        let charge_serialization = (transport == TransportKind::Memory).then_some(true);
        let draft = Draft { charge_serialization, ..lazy(to_quiescence(200, 1, 3)) };
        let record = on(transport, &draft, 2);
        let control: u64 = record.workers.iter().map(|worker| worker.control_bytes).sum();
        assert_eq!(control, record.control_messages() * CONTROL_BYTES as u64, "{transport:?}");
        let payload = record.payload_messages() * u64::from(record.datagram_bytes);
        let out: u64 = record.traffic.iter().map(|node| node.bytes_out).sum();
        let came: u64 = record.traffic.iter().map(|node| node.bytes_in).sum();
        assert_eq!((out, came), (control + payload, control + payload), "{transport:?}");
    }
}

#[test]
fn many_orders_are_announced_and_handed_over_on_every_carrier() {
    let draft = lazy(Draft {
        orders: Some(30),
        rate: Some(Rate::per_second(2_000)),
        payload_bytes: PayloadBytes::new(0, 300),
        ..to_quiescence(200, 1, 5)
    });
    let push = on(TransportKind::Memory, &Draft { protocol: None, retry: None, ..draft.clone() }, 1);
    let expected = (push.reached(), push.reached() - 30);
    for transport in carriers() {
        for threads in [1, 3] {
            let record = on(transport, &draft, threads);
            assert_eq!((record.reached(), record.payload_messages()), expected, "{transport:?}, {threads} threads");
            let by_order: u64 = record.bulk.unwrap().orders.iter().map(|order| order.sent).sum();
            assert_eq!(by_order, expected.1, "{transport:?}, {threads} threads");
        }
    }
}

/// The bytes of all control messages give the number of tail words. With an order in each message and in each word, as
/// many orders are announced and requested as without an interval, in a fraction of the messages.
#[test]
fn gathered_announcements_take_fewer_messages_on_every_carrier() {
    let at_once = lazy(Draft {
        orders: Some(200),
        rate: Some(Rate::per_second(100_000)),
        charge_serialization: None,
        ..to_quiescence(100, 1, 5)
    });
    let gathered = Draft { announce_interval: Some(Nanos::from_millis(20)), ..at_once.clone() };
    let single = on(TransportKind::Simulated, &at_once, 2);
    for transport in carriers() {
        for threads in [1, 3] {
            let charge_serialization = (transport == TransportKind::Memory).then_some(true);
            let record = on(transport, &Draft { charge_serialization, ..gathered.clone() }, threads);
            let said = format!("{transport:?}, {threads} threads");
            assert_eq!((record.end, record.reached()), (End::Quiescent, single.reached()), "{said}");
            assert_eq!(record.payload_messages(), single.reached() - 200, "{said}");
            let messages = record.control_messages();
            let bytes: u64 = record.workers.iter().map(|worker| worker.control_bytes).sum();
            let words = (bytes - messages * CONTROL_BYTES as u64) / WORD_BYTES as u64;
            assert_eq!(messages + words, single.control_messages(), "{said}");
            assert!(messages * 3 < single.control_messages(), "{said}: {messages} of {}", single.control_messages());
            let out: u64 = record.traffic.iter().map(|node| node.bytes_out).sum();
            let came: u64 = record.traffic.iter().map(|node| node.bytes_in).sum();
            assert_eq!(out, came, "{said}");
            assert!(record.ledger.is_balanced(), "{said}: {:?}", record.ledger);
        }
    }
}

#[test]
fn an_interval_is_paid_at_every_hop() {
    let latency = Some(Latency::Constant(Nanos::from_millis(10)).into());
    let draft = Draft { latency, transport: Some(TransportKind::Simulated), ..lazy(to_quiescence(300, 2, 8)) };
    let [at_once, gathered] = [Nanos::ZERO, Nanos::from_millis(7)]
        .map(|interval| run(Draft { announce_interval: Some(interval), ..draft.clone() }));
    // A hop is an announcement, a request and the order.
    let hop_ms = |record: &RunRecord, ms: u64| {
        record.receipts.iter().all(|receipt| receipt.time == Nanos::from_millis(ms * u64::from(receipt.hop)))
    };
    assert!(hop_ms(&at_once, 30) && hop_ms(&gathered, 37));
    assert_eq!(covered(&at_once), covered(&gathered));
}

/// Eight nodes hear of the order after 50 ms and ask for it; all but the origin fail at 60 ms, before they would ask
/// again.
#[test]
fn a_node_that_is_down_asks_no_more() {
    let draft = Draft {
        transport: Some(TransportKind::Simulated),
        down: Some("100%,at=60ms".parse().unwrap()),
        retry: Some(Nanos::from_millis(20)),
        ..lazy(to_quiescence(300, 2, 8))
    };
    let record = run(draft);
    assert_eq!((record.control_messages(), record.payload_messages()), (16, 8), "each told, asked and answered once");
    assert_eq!(record.ledger.model_lost, 8, "to nodes that were down by then");
}

#[test]
fn one_seed_gives_one_digest_on_any_threads() {
    let latency = Some(Latency::Uniform { least: Nanos::from_millis(10), greatest: Nanos::from_millis(100) });
    for protocol in [ProtocolKind::Flood, ProtocolKind::Lazy] {
        let draft =
            Draft { latency: latency.map(Into::into), protocol: Some(protocol.into()), ..to_quiescence(1_000, 1, 7) };
        let digests = [1, 2, 3, 8].map(|threads| on(TransportKind::Simulated, &draft, threads).digest.unwrap());
        assert!(digests.iter().all(|&digest| digest == digests[0]), "{protocol:?}: {digests:X?}");
        let other = Draft { seed: Some(8), ..draft };
        assert_ne!(on(TransportKind::Simulated, &other, 2).digest, Some(digests[0]));
    }
}

/// A node that asks again before an answer can have come receives the order twice, and the ledger still balances.
#[test]
fn a_short_retry_costs_duplicates_and_nothing_else() {
    let draft = Draft { retry: Some(Nanos::from_millis(60)), ..lazy(to_quiescence(500, 1, 3)) };
    let record = on(TransportKind::Simulated, &draft, 2);
    let duplicates: u64 = record.workers.iter().map(|worker| worker.duplicates).sum();
    assert!(duplicates > 0);
    assert_eq!((record.reached(), record.payload_messages()), (500, 499 + duplicates));
}

/// A tenth of all messages is lost: orders are requested again, and the losses are in the ledger.
#[test]
fn orders_lost_by_the_network_are_requested_again() {
    let loss = Some(LossSpec::Independent(Ratio::new(1, 10).unwrap()));
    for seed in 1..=5 {
        let lossless =
            Draft { fanout: Some(12), retry: Some(Nanos::from_millis(500)), ..lazy(to_quiescence(500, 1, seed)) };
        let lossy = Draft { loss, ..lossless.clone() };
        let whole = on(TransportKind::Simulated, &lossless, 2);
        let records = [1, 2, 3, 8].map(|threads| on(TransportKind::Simulated, &lossy, threads));
        let record = &records[1];
        assert!(
            records.iter().all(|other| (other.digest, other.elapsed) == (record.digest, record.elapsed)),
            "seed {seed}"
        );
        assert!(record.ledger.model_lost > 500, "{:?}", record.ledger);
        // A lost announcement is not repeated, but there are eleven others; eight requests in vain have a chance of two
        // in a million.
        assert_eq!((record.end, record.reached()), (End::Quiescent, 500), "seed {seed}");
        // A lost request or order costs one more request; while an answer is under way, no other peer is asked.
        let requests = record.control_messages() - whole.control_messages() + whole.reached() - 1;
        assert!(requests > record.payload_messages() && record.payload_messages() > 499, "seed {seed}");
        let duplicates: u64 = record.workers.iter().map(|worker| worker.duplicates).sum();
        assert_eq!(duplicates, 0, "seed {seed}");
    }
}

/// All nodes ask the centre of a star at once, and its receive buffer holds a request or two: whatever is dropped, the
/// ledger counts it, and no node asks for ever.
#[cfg(all(target_os = "linux", not(portable)))]
#[test]
fn orders_dropped_by_a_full_socket_are_requested_again() {
    let draft = Draft {
        transport: Some(TransportKind::Udp),
        topology: Some("star".parse().unwrap()),
        fanout: Some(u32::MAX),
        receive_buffer: Some(1_152),
        retry: Some(Nanos::from_millis(20)),
        ttl: Some(Ttl::Hops(255)),
        ..lazy(to_quiescence(900, 2, 6))
    };
    let record = run(draft);
    assert!(record.ledger.is_balanced(), "{:?}", record.ledger);
    assert_eq!(record.end, End::Quiescent);
}

#[test]
fn the_report_counts_control_messages_apart() {
    let line = "--protocol lazy --nodes 300 --until quiescent --ttl auto --seed 5 --transport memory";
    let (code, text, _) = output(&mut bulkprop(line.split(' ')));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("control messages") && text.contains("announced with fanout 8"), "{text}");
    let (_, json, _) = output(bulkprop(line.split(' ')).args(["--format", "json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["messages"].as_u64(), json["rmr"].as_f64()), (Some(299), Some(0.0)));
    assert!(json["control_messages"].as_u64() > Some(2_000));
}

#[test]
fn contradictory_options_are_rejected() {
    for (line, said) in [
        ("--protocol flood --fanout 3", "--fanout with --protocol flood: it forwards to every peer"),
        ("--protocol flood --exclude-sender", "--exclude-sender with --protocol flood"),
        ("--retry 1s", "--retry with --protocol push: its nodes ask for nothing"),
        ("--warm-up 5s", "--warm-up with --protocol push: its nodes do nothing before the first order"),
        ("--protocol gossipsub --warm-up 5", "--warm-up 5: a warm-up is a number with its unit"),
        ("--announce-interval 5ms", "--announce-interval with --protocol push: its nodes announce nothing"),
        ("--protocol lazy --announce-interval 5", "--announce-interval 5: an interval is a number with its unit"),
        ("--protocol lazy --retry 0", "--retry 0: a time to ask again is a number above 0"),
        ("--protocol lazy --transport simulated --engine fast", "--engine fast or hops with --protocol lazy"),
        ("--protocol push-pull --fanout 3", "--fanout with --protocol push-pull: it chooses among all peers"),
        ("--protocol push-pull --retry 1s", "--retry with --protocol push-pull: its nodes ask for nothing"),
        ("--protocol push,fanout=9/4 --fanout 3", "both set the knob fanout of push"),
        ("--protocol lazy:bitcoin --fanout 3", "--fanout with --protocol lazy:bitcoin: it chooses among all peers"),
        ("--protocol lazy:bitcoin --retry 1s", "--retry with --protocol lazy:bitcoin: its nodes ask again after"),
        ("--protocol lazy:bitcoin --announce-interval 1s", "its knobs outbound-interval and inbound-interval are"),
        ("--protocol lazy:bitcoin,in-flight=0", "in-flight=`0`: it is a number from 1 to 65535"),
        ("--protocol push-pull,round=0", "round=`0`: a round lasts from 1us to 1h"),
        ("--protocol gossip", "--protocol gossip: no protocol is called gossip; did you mean gossipsub?"),
        ("--protocol gossipsub --fanout 3", "--fanout with --protocol gossipsub: it chooses among all peers"),
        (
            "--protocol gossipsub --topology complete --nodes 200",
            "--topology complete with more than 128 nodes: the protocol keeps a state for each peer",
        ),
    ] {
        let (code, _, stderr) = output(&mut bulkprop(line.split(' ')));
        assert_eq!(code, Some(2), "{line}");
        assert!(stderr.contains(said), "{line}: {stderr}");
    }
}
