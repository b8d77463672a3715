//! Tests the places of nodes: by a file and in turn, in the report, in the nodes file, and in the times.

use crate::command::{bulkprop, output};
use crate::support::{carriers, run, scenario, to_quiescence};
use bulk_order_propagation::ids::NodeId;
use bulk_order_propagation::network::{LinkRate, PlaceSpec, UplinkShare};
use bulk_order_propagation::record::{GroupKind, RunRecord};
use bulk_order_propagation::scenario::{Draft, TransportKind};
use bulk_order_propagation::time::Nanos;
use std::fs;
use tempfile::TempDir;

/// Twelve nodes in two classes.
const PLACES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files/places.csv");

fn placed(place: PlaceSpec, nodes: u32, threads: u32) -> Draft {
    let network = "exchange-sites".parse().ok();
    let transport = Some(TransportKind::Simulated);
    Draft { network, place: Some(place), transport, ..to_quiescence(nodes, threads, 5) }
}

fn listed() -> PlaceSpec {
    PlaceSpec::File { path: PLACES.to_owned() }
}

/// The groups of one kind, by name, with their nodes.
fn groups(record: &RunRecord, kind: GroupKind) -> Vec<(&str, u64)> {
    record.groups.iter().filter(|group| group.kind == kind).map(|group| (group.name.as_str(), group.nodes)).collect()
}

#[test]
fn a_file_gives_region_class_and_lines() {
    let records = [1, 2, 3].map(|threads| run(placed(listed(), 12, threads)));
    assert!(records.iter().all(|record| record.digest.is_some() && record.digest == records[0].digest));
    assert_eq!(groups(&records[0], GroupKind::Region), [("amsterdam", 4), ("new_york", 4), ("tokyo", 4)]);
    assert_eq!(groups(&records[0], GroupKind::Class), [("home", 8), ("validator", 4)]);
    assert_eq!(records[0].places.names(6), ["new_york", "validator"]);
    let network = scenario(placed(listed(), 12, 1)).network.clone().unwrap().build(5).unwrap();
    assert_eq!(network.processing(NodeId(4)), Nanos::from_millis(2));
    assert_eq!(network.processing(NodeId(8)), Nanos::ZERO);
    assert!(network.access_links(NodeId(4)).up.is_some() && network.access_links(NodeId(4)).down.is_none());
    assert!(network.access_links(NodeId(8)).up.is_none() && network.limited() == [true, true]);
}

#[test]
fn the_rates_of_a_file_may_be_shared_and_have_queues() {
    let under = |bandwidth: &str| {
        let bandwidth = Some(bandwidth.parse().unwrap());
        scenario(Draft { bandwidth, ..placed(listed(), 12, 1) })
    };
    let scenario = under("queue=1KiB,share=fair");
    assert!(scenario.replay().contains("--bandwidth 'queue=1KiB,share=fair'"), "{}", scenario.replay());
    let network = scenario.network.clone().unwrap().build(5).unwrap();
    assert_eq!((network.limited(), network.uplink_share()), ([true, true], UplinkShare::Fair));
    let links = network.access_links(NodeId(4));
    assert_eq!(links.up, Some(LinkRate::new(20_000_000, Some(1_024))));
    let plain = under("queue=1KiB").network.clone().unwrap().build(5).unwrap();
    assert_eq!((plain.access_links(NodeId(4)), plain.uplink_share()), (links, UplinkShare::Serial));
}

#[test]
fn round_robin_uses_each_region_once() {
    let record = run(placed(PlaceSpec::RoundRobin, 7, 2));
    assert_eq!(groups(&record, GroupKind::Region).iter().map(|&(_, nodes)| nodes).collect::<Vec<_>>(), [1; 7]);
    let twice = run(placed(PlaceSpec::RoundRobin, 14, 1));
    assert!(groups(&twice, GroupKind::Region).iter().all(|&(_, nodes)| nodes == 2));
    assert!(groups(&twice, GroupKind::Class).is_empty());
}

#[test]
fn every_carrier_knows_the_places() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("regions.csv");
    let lines: String =
        (0..12).map(|node| format!("{node},{},c{}\n", ["tokyo", "mumbai"][node % 2], node % 3)).collect();
    fs::write(&path, format!("node,region,class\n{lines}")).unwrap();
    let place = PlaceSpec::File { path: path.to_str().unwrap().to_owned() };
    for transport in carriers() {
        let record = run(Draft { transport: Some(transport), ..placed(place.clone(), 12, 2) });
        assert_eq!(groups(&record, GroupKind::Region), [("mumbai", 6), ("tokyo", 6)], "{transport:?}");
        assert_eq!(groups(&record, GroupKind::Class), [("c0", 4), ("c1", 4), ("c2", 4)], "{transport:?}");
    }
}

#[test]
fn the_nodes_file_and_the_replay_line_name_them() {
    let folder = TempDir::new().unwrap();
    let nodes = folder.path().join("nodes.csv");
    let line = format!("--transport simulated -n 12 --seed 5 --threads 1 --network exchange-sites --place {PLACES}");
    let (code, json, stderr) = output(bulkprop(line.split(' ')).args(["--format", "json", "--nodes-csv"]).arg(&nodes));
    assert_eq!(code, Some(0), "{stderr}");
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(report["replay"].as_str().unwrap().contains(&format!("--place {PLACES}")));
    assert!(report["groups"].as_array().unwrap().iter().any(|group| group["kind"] == "class"), "{}", report["groups"]);
    let rows = fs::read_to_string(&nodes).unwrap();
    assert!(rows.lines().nth(1).unwrap().ends_with(",tokyo,validator,"), "{rows}");
    assert!(rows.lines().nth(11).unwrap().ends_with(",amsterdam,home,"), "{rows}");
}

#[test]
fn faults_are_usage_errors_with_their_line() {
    let folder = TempDir::new().unwrap();
    for (name, lines) in [
        ("short", "node,region\n0,tokyo\n"),
        ("twice", "node,region\n0,tokyo\n1,tokyo\n1,tokyo\n"),
        ("unknown", "node,region\n0,tokyo\n1,edo\n"),
        ("rates", "node,region,up\n0,tokyo,\n1,tokyo,1Mbit\n"),
    ] {
        fs::write(folder.path().join(format!("{name}.csv")), lines).unwrap();
    }
    for (asked, said) in [
        ("--network exchange-sites --place short.csv", "--place short.csv: no line places node 1"),
        ("--network exchange-sites --place twice.csv", "--place twice.csv, line 4: node 1 has a line already"),
        (
            "--network exchange-sites --place unknown.csv",
            "--place unknown.csv, line 3: the network has no region `edo`",
        ),
        ("--network exchange-sites --transport memory --place rates.csv", "only virtual time has the column up"),
        ("--place round-robin", "--place without --network: "),
        ("--network exchange-sites --place here", "--place here: write drawn, round-robin or FILE.csv"),
    ] {
        let line = format!("--nodes 2 --transport simulated {asked}");
        let line = if asked.contains("memory") { line.replace("--transport simulated ", "") } else { line };
        let (code, _, stderr) = output(bulkprop(line.split(' ')).current_dir(folder.path()));
        assert!(code == Some(2) && stderr.contains(said), "{asked}: {code:?} {stderr}");
    }
}
