//! Tests the modelled network as a user sees it: one digest on any number of threads, coverage under loss as the closed
//! form gives it, no message before its time, and files that are rejected by line.

use crate::command::{bulkprop, output};
use crate::support::{covered, mean_and_error, run, to_quiescence};
use bulk_order_propagation::ids::{NodeId, OrderIndex};
use bulk_order_propagation::network::{Latency, LossSpec, NetworkSpec, Paths};
use bulk_order_propagation::protocol::{TargetDraw, TargetScratch};
use bulk_order_propagation::ratio::Ratio;
use bulk_order_propagation::record::{End, GroupKind, Ledger, RunRecord, SpyRecord, Traffic};
use bulk_order_propagation::scenario::{Draft, OriginsKind, ProtocolKind, TransportKind, Ttl, Until};
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::topology::TopologySpec;
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;

fn simulated(nodes: u32, threads: u32, seed: u64) -> Draft {
    Draft {
        transport: Some(TransportKind::Simulated),
        topology: Some(TopologySpec::ErdosRenyi),
        ..to_quiescence(nodes, threads, seed)
    }
}

fn share(record: &RunRecord) -> f64 {
    let covered = covered(record);
    covered.iter().filter(|&&is_covered| is_covered).count() as f64 / covered.len() as f64
}

#[test]
fn every_model_gives_one_digest_on_any_number_of_threads() {
    for (network, latency, loss) in [
        (Some("aws33"), None, "0.1"),
        (Some("bitcoin6"), None, "gilbert-elliott:good=1s,bad=200ms,per=receiver"),
        (None, Some("link:uniform:10ms..100ms+exponential:5ms,min=1ms"), "gilbert-elliott:good=1s,bad=200ms"),
        (None, Some("pareto:10ms,1.5"), "0"),
    ] {
        let digests = [1, 2, 3, 8].map(|threads| {
            let draft = Draft {
                network: network.map(|network| network.parse().unwrap()),
                latency: latency.map(|latency| latency.parse().unwrap()),
                loss: Some(loss.parse().unwrap()),
                ..simulated(3_000, threads, 7)
            };
            run(draft).digest
        });
        assert!(digests.iter().all(|&digest| digest == digests[0] && digest.is_some()), "{digests:?}");
    }
}

/// A flood's copies leave one after another through the hub's uplink, in the sequence that the seed draws, on rows of
/// any length.
#[test]
fn a_flood_leaves_in_the_sequence_that_the_seed_draws() {
    for (nodes, seed) in [(40, 7), (40, 8), (1_000, 7), (1_000, 8)] {
        let record = run(Draft {
            topology: Some(TopologySpec::Star),
            protocol: Some(ProtocolKind::Flood.into()),
            bandwidth: Some("up=10mbit,queue=1GiB".parse().unwrap()),
            ..simulated(nodes, 2, seed)
        });
        let mut leaves: Vec<NodeId> = (1..nodes).map(NodeId).collect();
        leaves.sort_by_key(|&node| record.receipts.get(node).time);
        let topology = TopologySpec::Star.build(nodes, 20, seed).unwrap();
        let mut scratch = TargetScratch::default();
        let drawn = TargetDraw::everyone(seed).draw(&topology, OrderIndex(0), NodeId(0), &mut scratch);
        assert_eq!(leaves, drawn, "{nodes} nodes, seed {seed}");
    }
}

#[test]
fn no_message_arrives_before_its_time() {
    let network = NetworkSpec { paths: Paths::Regions("aws33".parse().unwrap()), ..NetworkSpec::default() };
    let floor = network.build(7).unwrap().floor();
    let record = run(Draft { network: Some("aws33".parse().unwrap()), ..simulated(3_000, 2, 7) });
    for receipt in record.receipts.iter().filter(|receipt| receipt.is_reached()) {
        assert!(receipt.time.0 >= floor.0 * u64::from(receipt.hop), "hop {} at {}", receipt.hop, receipt.time);
    }
}

#[test]
fn a_run_that_loses_everything_covers_the_origin_alone() {
    let record = run(Draft { loss: Some("1".parse().unwrap()), ..simulated(1_000, 2, 7) });
    assert_eq!((share(&record), record.ledger.model_lost), (0.001, 8));
}

#[test]
fn coverage_under_loss_is_that_of_the_closed_form() {
    // Random graphs of mean degree 20, fanout 8; independent loss, and bursts of which each message sees only the mean.
    for (loss, form) in [("0.3", 0.996_19), ("0.5", 0.979_74), ("gilbert-elliott:good=1s,bad=1s", 0.979_74)] {
        let shares: Vec<f64> = (0..12)
            .map(|seed| share(&run(Draft { loss: Some(loss.parse().unwrap()), ..simulated(10_000, 2, seed) })))
            // One order in 250 dies out early under a loss of one half, which the form does not cover.
            .filter(|&share| share > 0.5)
            .collect();
        let (mean, error) = mean_and_error(&shares);
        assert!(
            shares.len() >= 11 && (mean - form).abs() < 4.0 * error + 0.000_3,
            "{loss}: {mean} +- {error}, not {form}"
        );
    }
}

#[test]
fn a_matrix_of_ones_own_is_run_or_refused_by_line() {
    let folder = TempDir::new().unwrap();
    for (text, code, said) in [
        ("one_way_ms,weight,a,b\na,3,5,50\nb,1,50,5\n", Some(0), "95% coverage"),
        ("one_way_ms,a,b\na,5,\nb,50,5\n", Some(2), "nothing from a to b"),
        ("one_way_ms,a,b\na,5,-50\nb,50,5\n", Some(2), "line 2: -50 ms: a message cannot arrive before it is sent"),
    ] {
        let path = folder.path().join("matrix.csv");
        fs::write(&path, text).unwrap();
        let line = "--transport simulated --nodes 200 --seed 7 --network";
        let (got, stdout, stderr) = output(bulkprop(line.split(' ')).arg(&path));
        assert_eq!(got, code, "{stdout}{stderr}");
        assert!(stdout.contains(said) || stderr.contains(said), "{stdout}{stderr}");
    }
}

/// A run with the faults of `line`, after checking that one and three threads agree.
fn faulty(draft: Draft, line: &str) -> RunRecord {
    let option = |name: &str| line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let record = |threads| {
        run(Draft {
            down: option("down").map(|text| text.parse().unwrap()),
            churn: option("churn").map(|text| text.parse().unwrap()),
            partition: option("partition").map(|text| text.parse().unwrap()),
            nat: option("nat").map(|text| text.parse().unwrap()),
            threads: Some(threads),
            ..draft.clone()
        })
    };
    let (one, three) = (record(1), record(3));
    assert_eq!(
        (one.digest, one.end, one.elapsed, &one.ledger),
        (three.digest, three.end, three.elapsed, &three.ledger)
    );
    assert_eq!((&one.receipts, &one.counted, &one.traffic), (&three.receipts, &three.counted, &three.traffic));
    one
}

#[test]
fn coverage_counts_the_nodes_up() {
    let record = faulty(simulated(2_000, 1, 7), "down=40%");
    let down = (0..2_000).filter(|&node| record.traffic[node].sent == 0 && record.traffic[node].copies == 0).count();
    // Binomial(1,999, 0.6): mean 1,199, standard deviation 22.
    assert!((1_100..1_300).contains(&record.counted()), "{}", record.counted());
    assert!(record.reached() > record.counted() * 95 / 100 && down as u64 + record.counted() >= 2_000);
    assert!(record.ledger.model_lost > record.ledger.sent / 3, "{:?}", record.ledger);
    // The target is a share of the nodes up: 95 % of all could never be reached.
    let latency = Some("uniform:10ms..100ms".parse().unwrap());
    let record = faulty(Draft { until: Some(Until::Target), latency, ..simulated(2_000, 1, 7) }, "down=40%");
    assert_eq!((record.end, record.reached()), (End::Target, (record.counted() * 95).div_ceil(100)));
}

/// The run ends at the first instant at which the nodes that then count meet the target.
#[test]
fn the_target_is_met_by_the_nodes_left() {
    for faults in ["down=50%,at=120ms", "churn=up=400ms,down=100ms", "down=30%,at=1ms,by=degree churn=up=2s,down=200ms"]
    {
        let draft = Draft { until: Some(Until::Target), ..simulated(2_000, 1, 7) };
        let record = faulty(draft, faults);
        let needed = (record.counted() * 95).div_ceil(100);
        assert!(record.end == End::Target && record.reached() >= needed, "{faults}: {:?}", record.end);
        let target = record.time_to(Ratio::new(95, 100).unwrap()).expect("it is reached");
        assert!(target <= record.elapsed && record.counted() < 2_000, "{faults}: {target} {}", record.elapsed);
    }
}

#[test]
fn a_node_cut_off_is_not_reached() {
    // Half of the nodes are cut off for ever; the other half for 300 ms, after which no node sends again.
    for (faults, least, most) in [
        ("partition=50%", 900, 1_100),
        ("partition=50%,heal=300ms", 900, 2_000),
        ("partition=100%,at=120ms,one-way", 1_990, 2_000),
        ("nat=100%", 1, 1),
    ] {
        let record = faulty(simulated(2_000, 1, 7), faults);
        assert!((least..=most).contains(&record.reached()), "{faults}: {}", record.reached());
        assert_eq!(record.counted(), 2_000);
    }
}

#[test]
fn second_copies_are_in_the_ledger() {
    let draft = Draft { duplicate: Some("0.25".parse().unwrap()), ..simulated(2_000, 1, 7) };
    let record = faulty(Draft { loss: Some("0.2".parse().unwrap()), ..draft }, "");
    let Ledger { sent, received, model_lost, model_duplicated, .. } = record.ledger;
    assert_eq!(sent + model_duplicated, received + model_lost);
    // A quarter of 12,800 messages: standard deviation 49.
    assert!((sent - model_lost).abs_diff(4 * model_duplicated) < 4 * 5 * 49, "{model_duplicated} of {sent}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every node that has the order got it from a node that had it before, at least the least latency earlier and one
    /// hop less; and every message was received or lost by the model.
    #[test]
    fn no_message_arrives_before_its_cause(
        nodes in 2u32..400,
        threads in 1u32..4,
        seed in 0u64..1_000,
        (least, span) in (0u64..40_000, 0u64..80_000),
        loss in 0u64..=100,
        fanout in 1u32..12,
    ) {
        let draft = Draft {
            latency: Some(Latency::Uniform { least: Nanos(least), greatest: Nanos(least + span) }.into()),
            loss: Some(LossSpec::Independent(Ratio::new(loss, 100).unwrap())),
            fanout: Some(fanout),
            // A small network has the complete overlay, and these peers.
            topology: Some(TopologySpec::Complete),
            ..simulated(nodes, threads.min(nodes), seed)
        };
        let record = run(draft);
        for (node, receipt) in record.receipts.iter().enumerate().filter(|(_, receipt)| receipt.is_reached()) {
            let from = record.receipts.get(receipt.sender);
            if receipt.hop == 0 {
                prop_assert_eq!((receipt.sender.index(), receipt.time), (node, Nanos::ZERO));
                continue;
            }
            prop_assert!(from.is_reached() && from.hop + 1 == receipt.hop, "{receipt:?} from {from:?}");
            prop_assert!((least..=least + span).contains(&(receipt.time.0 - from.time.0)), "{receipt:?} from {from:?}");
        }
        prop_assert_eq!(record.ledger.sent, record.ledger.received + record.ledger.model_lost);
        if loss == 100 {
            prop_assert_eq!((record.reached(), record.ledger.received), (1, 0));
        }
    }
}

#[test]
fn the_first_spy_is_right_as_often_as_the_form_says() {
    // All hops take equal time, so the first spy has the order from the origin unless none of its 8 targets is a spy.
    let orders = Some(400);
    let origins = Some(OriginsKind::Random);
    let draft = Draft { adversary: Some("spy:10%".parse().unwrap()), orders, origins, ..simulated(500, 1, 7) };
    let record = faulty(draft, "");
    let SpyRecord { orders, seen, right, .. } = record.spies.expect("some spy");
    assert_eq!((orders, seen), (400, 400));
    // 1 - 0.9^8 = 0.570 of 400 orders is 228; about 275 origins, each with its own peers: standard deviation 12.
    assert!(right.abs_diff(228) < 50, "{right}");
    assert!(faulty(simulated(500, 1, 7), "").spies.is_none());
}

#[test]
fn adversaries_links_and_processing_are_reported_and_change_their_figures() {
    let line = "--transport simulated --nodes 800 --seed 3 --until quiescent --format json --bandwidth up=1mbit,down=100kbit,queue=200B \
                --processing 1ms --duplicate 0.1 --churn up=1s,down=100ms --adversary spy:5%+drop:10%";
    let outputs = ["1", "3"].map(|threads| {
        let (_, stdout, stderr) = output(bulkprop(line.split_whitespace()).args(["--threads", threads]));
        assert_eq!(stderr, "", "{stdout}");
        let mut report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        report.as_object_mut().unwrap().remove("machine");
        report["runs"]["each"][0].as_object_mut().unwrap().remove("machine");
        let report = serde_json::to_string_pretty(&report).unwrap();
        report.lines().filter(|line| !line.contains("threads")).collect::<Vec<_>>().join("\n")
    });
    assert_eq!(outputs[0], outputs[1]);
    for figure in ["\"balanced\": true", "\"right\": "] {
        assert!(outputs[0].contains(figure), "{}", outputs[0]);
    }
    for nothing in ["\"model_dropped\": 0,", "\"uplink_dropped\": 0,", "\"model_duplicated\": 0,", "\"model_lost\": 0,"]
    {
        assert!(!outputs[0].contains(nothing), "{nothing}");
    }
    let (code, _, stderr) =
        output(&mut bulkprop("--transport simulated --adversary eclipse:100%,victim=9999".split(' ')));
    assert!(code == Some(2) && stderr.contains("9999"), "{stderr}");
}

#[test]
fn groups_add_up_to_all() {
    let draft = Draft {
        network: Some("bitcoin6".parse().unwrap()),
        adversary: Some("spy:20%+drop:20%".parse().unwrap()),
        ..simulated(2_000, 1, 7)
    };
    let record = faulty(draft, "nat=30% down=20% partition=40%,at=60ms+region=europe,at=50ms,heal=200ms");
    let bytes = |count: fn(&Traffic) -> u64| record.traffic.iter().map(count).sum::<u64>();
    for (kind, count) in
        [(GroupKind::Region, 6), (GroupKind::Access, 2), (GroupKind::Part, 3), (GroupKind::Partition, 4)]
    {
        let groups: Vec<_> = record.groups.iter().filter(|group| group.kind == kind).collect();
        assert_eq!(groups.len(), count);
        // Each node is in one group of a kind, and on one side of each partition.
        let groups = match kind {
            GroupKind::Partition => groups.into_iter().filter(|group| group.name.ends_with("-1")).collect(),
            _ => groups,
        };
        assert_eq!(groups.iter().map(|group| group.nodes).sum::<u64>(), 2_000);
        assert_eq!(groups.iter().map(|group| group.counted).sum::<u64>(), record.counted());
        assert_eq!(groups.iter().map(|group| group.delays.count()).sum::<u64>(), record.reached());
        assert_eq!(groups.iter().map(|group| group.bytes_in).sum::<Option<u64>>(), Some(bytes(|node| node.bytes_in)));
        assert_eq!(groups.iter().map(|group| group.bytes_out).sum::<Option<u64>>(), Some(bytes(|node| node.bytes_out)));
    }
}

/// Nodes cut off from the start receive nothing, and the others all; the report has figures for each side.
#[test]
fn the_sides_of_a_partition_have_figures_of_their_own() {
    let draft = Draft { ttl: Some(Ttl::Hops(40)), fanout: Some(20), ..simulated(1_000, 1, 7) };
    let record = faulty(draft, "partition=30%");
    let [cut_off, others] = &record.groups[..] else { panic!("{:?}", record.groups) };
    assert_eq!([cut_off.name.as_str(), others.name.as_str()], ["cut-off", "others"]);
    assert!(cut_off.kind == GroupKind::Partition && (200..400).contains(&cut_off.nodes), "{}", cut_off.nodes);
    assert_eq!(cut_off.nodes + others.nodes, 1_000);
    // The origin is on one of the sides, and no node on the other has the order.
    let mut reached = [cut_off, others].map(|group| (group.delays.count(), group.nodes));
    reached.sort_unstable();
    assert!(reached[0].0 == 0 && reached[1].0 == reached[1].1, "{reached:?}");
}
