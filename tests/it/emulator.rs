//! Tests modelled latency and loss in front of real carriers: the same fates as in virtual time, no message before its
//! time, and a ledger that counts held messages.

use crate::command::{bulkprop, output};
use crate::support::{covered, real_carriers, run, sent, to_quiescence};
use bulk_order_propagation::record::{End, GroupKind, Ledger, OrderOutcome, RunRecord};
use bulk_order_propagation::scenario::{Draft, ProtocolKind, Scenario, TransportKind, Until};
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::topology::TopologySpec;

/// A draft on a carrier and a number of threads, with the network options that `line` gives as `option=value`.
fn on(transport: TransportKind, threads: u32, draft: Draft, line: &str) -> Draft {
    let option = |name: &str| line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    Draft {
        transport: Some(transport),
        threads: Some(threads),
        network: option("network").map(|text| text.parse().unwrap()),
        latency: option("latency").map(|text| text.parse().unwrap()),
        loss: option("loss").map(|text| text.parse().unwrap()),
        duplicate: option("duplicate").map(|text| text.parse().unwrap()),
        ..draft
    }
}

/// The figures that must not differ where the seed alone decides.
fn figures(record: &RunRecord) -> (Vec<bool>, Vec<u64>, Vec<u64>, [u64; 5]) {
    let copies = record.traffic.iter().map(|traffic| traffic.copies).collect();
    let Ledger { sent: all, received, model_lost, model_duplicated, held, .. } = record.ledger;
    (covered(record), sent(record), copies, [all, received, model_lost, model_duplicated, held])
}

#[test]
fn every_carrier_loses_and_doubles_the_same_messages() {
    for (seed, line) in [(1, "loss=0.3"), (2, "loss=0.3 duplicate=0.2"), (3, "loss=0.5 latency=link:uniform:0ms..3ms")]
    {
        let draft = Draft { fanout: Some(4), ..to_quiescence(400, 1, seed) };
        let model = figures(&run(on(TransportKind::Simulated, 1, draft.clone(), line)));
        let [all, _, lost, doubled, held] = model.3;
        assert!(lost > all / 5 && (doubled > 0) == line.contains("duplicate") && held == 0, "{:?}", model.3);
        for transport in real_carriers() {
            for threads in [1, 2, 3] {
                let record = run(on(transport, threads, draft.clone(), line));
                assert_eq!(record.end, End::Quiescent);
                assert!(figures(&record) == model, "{line}, {transport:?}, {threads} threads: {:?}", record.ledger);
            }
        }
    }
}

/// A flood does not send back to the sender of the first copy, so the lost messages depend on which copy came first;
/// the nodes reached and the number of messages sent do not.
#[test]
fn every_carrier_floods_as_far() {
    let draft = Draft { protocol: Some(ProtocolKind::Flood.into()), peers: Some(3), ..to_quiescence(400, 1, 2) };
    let draft = Draft { topology: Some(TopologySpec::RandomRegular), ..draft };
    let line = "loss=0.3 duplicate=0.2";
    let model = run(on(TransportKind::Simulated, 1, draft.clone(), line));
    assert!(model.reached() < 400 && model.ledger.model_lost > 200, "{:?}", model.ledger);
    for transport in real_carriers() {
        for threads in [1, 2, 3] {
            let record = run(on(transport, threads, draft.clone(), line));
            assert!(covered(&record) == covered(&model) && sent(&record) == sent(&model), "{transport:?}, {threads}");
            assert_eq!((record.end, record.ledger.sent), (End::Quiescent, model.ledger.sent));
        }
    }
}

#[test]
fn no_first_receipt_is_earlier_than_in_virtual_time() {
    for line in ["latency=uniform:2ms..20ms", "network=exchange-sites duplicate=0.1"] {
        let draft = to_quiescence(300, 1, 7);
        let model = run(on(TransportKind::Simulated, 1, draft.clone(), line));
        for transport in real_carriers() {
            for threads in [1, 2, 3] {
                let record = run(on(transport, threads, draft.clone(), line));
                assert_eq!(covered(&record), covered(&model));
                for (receipt, least) in record.receipts.iter().zip(model.receipts.iter()) {
                    assert!(receipt.time >= least.time, "{transport:?}: {} before {}", receipt.time, least.time);
                    assert!(!receipt.is_reached() || receipt.hop >= 1 || receipt.time == Nanos::ZERO);
                }
            }
        }
    }
}

#[test]
fn a_request_that_is_lost_is_made_again() {
    let draft = Draft {
        protocol: Some(ProtocolKind::Lazy.into()),
        retry: Some(Nanos::from_millis(20)),
        ..to_quiescence(300, 1, 5)
    };
    for transport in real_carriers() {
        let record = run(on(transport, 2, draft.clone(), "latency=uniform:0ms..2ms loss=0.2 duplicate=0.1"));
        assert!(record.reached() > 280, "{transport:?}: {}", record.reached());
        // Each node but the origin received the order at least once, and some transfers were lost.
        assert!(record.payload_messages() >= record.reached() - 1);
        assert!(record.control_messages() > 2_000 && record.ledger.model_lost > 400, "{:?}", record.ledger);
        let control: u64 = record.workers.iter().map(|worker| worker.control_received).sum();
        assert!(control < record.control_messages() && control > 1_500);
    }
}

/// Announcements, requests and orders are held, lost and duplicated alike, tails included.
#[test]
fn gathered_announcements_pass_the_network_whole() {
    let draft = Draft {
        protocol: Some(ProtocolKind::Lazy.into()),
        // Long beside what a busy machine is late by.
        retry: Some(Nanos::from_millis(200)),
        announce_interval: Some(Nanos::from_millis(25)),
        orders: Some(40),
        rate: Some("4000/s".parse().unwrap()),
        ..to_quiescence(100, 1, 5)
    };
    for transport in real_carriers() {
        let record = run(on(transport, 2, draft.clone(), "latency=uniform:0ms..2ms loss=0.2 duplicate=0.1"));
        assert!(record.ledger.is_balanced() && record.ledger.model_lost > 100, "{transport:?}: {:?}", record.ledger);
        assert!(record.reached() > 39 * 100, "{transport:?}: {}", record.reached());
        // One by one they are an announcement to each of eight targets, without a single request.
        assert!(record.control_messages() < 40 * 100 * 8, "{transport:?}: {}", record.control_messages());
    }
}

#[test]
fn a_run_that_loses_everything_comes_to_rest_at_once() {
    for transport in real_carriers() {
        let record = run(on(transport, 2, to_quiescence(500, 1, 7), "loss=1 latency=10s"));
        assert_eq!((record.end, record.reached(), record.ledger.model_lost), (End::Quiescent, 1, 8));
        assert_eq!((record.ledger.sent, record.ledger.received), (8, 0));
    }
}

#[test]
fn messages_held_at_the_stop_are_in_flight() {
    for transport in real_carriers() {
        let draft = Draft { until: Some(Until::Target), ..to_quiescence(600, 1, 7) };
        let record = run(on(transport, 2, draft, "latency=uniform:1ms..10s loss=0.01"));
        let Ledger { sent, received, held, in_flight_at_stop, model_lost, .. } = record.ledger;
        assert!(record.end == End::Target && held > 100, "{:?}", record.ledger);
        assert!(sent == received + in_flight_at_stop + model_lost && held <= in_flight_at_stop);
        // A ledger that forgot the held messages would not balance.
        let without = in_flight_at_stop - held;
        assert!(!Ledger { in_flight_at_stop: without, ..record.ledger.clone() }.is_balanced());
        assert!(!Ledger { in_flight_at_stop: in_flight_at_stop + 1, ..record.ledger }.is_balanced());
    }
}

#[test]
fn a_bulk_reports_the_outcome_of_each_order() {
    let draft = Draft { orders: Some(40), rate: Some("400/s".parse().unwrap()), ..to_quiescence(200, 1, 9) };
    let model = run(on(TransportKind::Simulated, 1, draft.clone(), "latency=uniform:1ms..3ms loss=0.2 duplicate=0.1"));
    let figures = |record: &RunRecord| -> Vec<_> {
        let bulk = record.bulk.as_ref().unwrap();
        bulk.orders.iter().map(|order| (order.reached, order.sent, order.received, order.outcome)).collect()
    };
    for transport in real_carriers() {
        let record = run(on(transport, 2, draft.clone(), "latency=uniform:1ms..3ms loss=0.2 duplicate=0.1"));
        assert_eq!(figures(&record), figures(&model), "{transport:?}");
        assert!(figures(&record).iter().all(|order| order.3 == OrderOutcome::Reached));
    }
    let lost = run(on(TransportKind::Memory, 2, draft, "loss=1"));
    assert!(figures(&lost).iter().all(|order| *order == (1, 8, 0, OrderOutcome::DiedOut)), "{:?}", figures(&lost));
}

#[test]
fn regions_are_reported_and_sum_to_all() {
    for transport in real_carriers() {
        let record = run(on(transport, 2, to_quiescence(300, 1, 7), "network=exchange-sites loss=0.05"));
        let sum = |count: fn(&bulk_order_propagation::record::GroupRecord) -> u64| {
            record.groups.iter().map(count).sum::<u64>()
        };
        assert!(record.groups.len() > 3 && record.groups.iter().all(|group| group.kind == GroupKind::Region));
        assert_eq!((sum(|group| group.nodes), sum(|group| group.counted)), (300, 300));
        assert_eq!(sum(|group| group.delays.count()), record.reached());
        let bytes: u64 = record.traffic.iter().map(|node| node.bytes_in).sum();
        assert_eq!((sum(|group| group.bytes_in.unwrap()), bytes > 0), (bytes, transport != TransportKind::Memory));
        let bulk = Draft { orders: Some(3), ..to_quiescence(300, 1, 7) };
        assert!(run(on(transport, 2, bulk, "network=exchange-sites")).groups.is_empty());
    }
}

#[cfg(all(target_os = "linux", not(portable)))]
#[test]
fn processes_lose_the_same_messages_and_the_report_shows_it() {
    let report = |line: &str| -> serde_json::Value {
        let common = "--nodes 400 --seed 3 --ttl 255 --until quiescent --timeout 60s --format json --latency \
                      uniform:1ms..5ms --loss 0.3";
        let (code, text, wrong) = output(&mut bulkprop(common.split_whitespace().chain(line.split(' '))));
        assert!(code == Some(0) && wrong.is_empty(), "{wrong}");
        serde_json::from_str(&text).unwrap()
    };
    let model = report("--transport simulated");
    for line in ["--transport udp --processes 2 --threads 1", "--transport udp-shard --processes 2 --threads 2"] {
        let report = report(line);
        for field in ["/reached", "/messages", "/ledger/sent", "/ledger/received", "/ledger/model_lost", "/ledger/held"]
        {
            assert_eq!(report.pointer(field), model.pointer(field), "{line}: {field}");
        }
        let lost = report["workers"].as_array().unwrap().iter().map(|worker| worker["model_lost"].as_u64().unwrap());
        assert_eq!(lost.sum::<u64>(), model["ledger"]["model_lost"].as_u64().unwrap());
        assert_eq!(report.pointer("/ledger/balanced"), Some(&true.into()));
    }
}

#[test]
fn a_real_carrier_accepts_latency_and_loss_and_rejects_other_faults_by_name() {
    for transport in ["udp", "udp-shard", "memory"] {
        let words = format!("--transport {transport} --seed 1 --threads 1 --nodes 30");
        for option in [
            "--bandwidth up=1mbit",
            "--processing 1ms",
            "--down 10%",
            "--churn up=1s,down=1s",
            "--partition 10%",
            "--nat 10%",
            "--adversary spy:5%",
            "--engine general",
        ] {
            let line = format!("{words} --loss 0.1 {option}");
            let (code, _, said) = output(&mut bulkprop(line.split(' ')));
            let name = option.split(' ').next().unwrap();
            assert_eq!(code, Some(2), "{line}");
            assert!(said.contains(&format!("{name} with --transport {transport}")), "{said}");
            assert!(said.contains("--network, --place, --latency, --loss, --links and --duplicate"), "{said}");
        }
        let line = format!("{words} --latency uniform:1ms..2ms --duplicate 0.1 --loss 0.1");
        let (code, text, said) = output(&mut bulkprop(line.split(' ')));
        assert_eq!(code, Some(0), "{said}");
        let replay = text.lines().find_map(|line| line.trim().strip_prefix("bulkprop ")).unwrap();
        for word in ["--latency uniform:1ms..2ms", "--loss 0.1", "--duplicate 0.1"] {
            assert!(replay.contains(word), "{replay}");
        }
        let (_, printed, _) = output(&mut bulkprop(format!("{line} --print-config").split(' ')));
        let scenario: Scenario = Draft::from_toml(&printed).unwrap().build().unwrap();
        assert_eq!(scenario.replay(), format!("bulkprop {replay}"));
    }
}
