//! Tests `--links`: the times of an order against shortest paths over the listed latencies, on every engine, thread
//! count and carrier, and the errors of a file with their lines.

use crate::command::{bulkprop, output};
use crate::support::{carriers, run, scenario, to_quiescence};
use bulk_order_propagation::ids::NodeId;
use bulk_order_propagation::memory::MemoryNeed;
use bulk_order_propagation::record::RunRecord;
use bulk_order_propagation::scenario::{Draft, Engine, ProtocolKind, TransportKind};
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::topology::{Topology, TopologySpec};
use std::fs;
use tempfile::TempDir;

/// Latency in milliseconds of the listed links; two of three have a line.
fn listed(from: u32, to: u32) -> Option<u64> {
    let mixed = (from.wrapping_mul(2_654_435_761) ^ to.wrapping_mul(40_503)) >> 7;
    (!mixed.is_multiple_of(3)).then_some(u64::from(2 + mixed % 97))
}

/// A draft on this overlay with a file that lists two of three of its links.
fn with_links(topology: TopologySpec, nodes: u32, folder: &TempDir, draft: Draft) -> (Draft, Topology) {
    let peers = topology.takes_peers().then_some(6);
    let draft = Draft { topology: Some(topology), peers, nodes: Some(nodes), ..draft };
    let overlay = scenario(draft.clone()).overlay().unwrap();
    let mut lines = "from,to,latency,loss\n".to_owned();
    for from in (0..nodes).map(NodeId) {
        for to in overlay.peers(from) {
            if let Some(latency) = listed(from.0, to.0) {
                lines += &format!("{from},{to},{latency}ms,\n");
            }
        }
    }
    let path = folder.path().join(format!("links-{nodes}.csv"));
    fs::write(&path, lines).unwrap();
    let links = Some(path.to_str().unwrap().to_owned());
    (Draft { links, ..draft }, Topology::clone(&overlay))
}

/// The times at which a flood from node 0 reaches each node, in milliseconds, by relaxing every link until nothing
/// changes.
fn shortest(topology: &Topology, others: u64) -> Vec<u64> {
    let mut times = vec![u64::MAX; topology.nodes() as usize];
    times[0] = 0;
    loop {
        let before = times.clone();
        for from in (0..topology.nodes()).map(NodeId).filter(|from| before[from.index()] < u64::MAX) {
            for to in topology.peers(from) {
                let time = before[from.index()] + listed(from.0, to.0).unwrap_or(others);
                times[to.index()] = times[to.index()].min(time);
            }
        }
        if times == before {
            return times;
        }
    }
}

fn millis(record: &RunRecord) -> Vec<u64> {
    record.receipts.iter().map(|receipt| receipt.time.0 / 1_000_000).collect()
}

#[test]
fn a_flood_takes_the_shortest_paths_over_the_listed_links() {
    let folder = TempDir::new().unwrap();
    let flood = Draft {
        transport: Some(TransportKind::Simulated),
        protocol: Some(ProtocolKind::Flood.into()),
        latency: "40ms".parse().ok(),
        origin: Some(0),
        ..to_quiescence(1, 1, 5)
    };
    for (topology, nodes) in [
        (TopologySpec::RandomRegular, 200),
        (TopologySpec::RegularImplicit, 200),
        (TopologySpec::ErdosRenyi, 150),
        (TopologySpec::Grid, 100),
        (TopologySpec::Complete, 40),
    ] {
        let (draft, overlay) = with_links(topology.clone(), nodes, &folder, flood.clone());
        let expected = shortest(&overlay, 40);
        let mut digests = Vec::new();
        for threads in [1, 2, 3, 5] {
            for engine in [Engine::Auto, Engine::Fast, Engine::General] {
                let record = run(Draft { threads: Some(threads), engine: Some(engine), ..draft.clone() });
                let reached: Vec<u64> = expected.iter().map(|&time| if time < u64::MAX { time } else { 0 }).collect();
                let found: Vec<u64> = millis(&record)
                    .into_iter()
                    .zip(&expected)
                    .map(|(time, &expected)| if expected < u64::MAX { time } else { 0 })
                    .collect();
                assert_eq!(found, reached, "{topology} on {threads} threads, {engine:?}");
                digests.push(record.digest);
            }
        }
        assert!(digests.iter().all(|digest| digest.is_some() && *digest == digests[0]), "{topology}");
        let refused = Draft { engine: Some(Engine::Hops), ..draft };
        let refused = bulk_order_propagation::simulation::run(&scenario(refused), &Default::default()).unwrap_err();
        assert!(refused.to_string().contains("--engine hops"), "{refused}");
    }
}

#[test]
fn a_link_without_latency_makes_every_event_wait_for_the_last() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("links.csv");
    fs::write(&path, "from,to,latency,loss\n0,1,0s,\n1,2,0s,\n2,3,,\n").unwrap();
    let record = run(Draft {
        transport: Some(TransportKind::Simulated),
        protocol: Some(ProtocolKind::Flood.into()),
        topology: Some(TopologySpec::Ring),
        links: Some(path.to_str().unwrap().to_owned()),
        latency: "40ms".parse().ok(),
        origin: Some(0),
        ..to_quiescence(5, 2, 5)
    });
    assert_eq!(millis(&record), [0, 0, 0, 40, 40]);
    assert!(
        crate::support::sentences(&record).iter().any(|said| said.contains("least latency")),
        "{:?}",
        record.notices
    );
}

/// On every carrier a link that loses all is as if it were not there, for orders and for control messages.
#[test]
fn every_carrier_loses_what_a_line_says() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("links.csv");
    // A ring of ten: node 5 can only be reached through 4 or 6.
    fs::write(&path, "from,to,latency,loss\n4,5,,100%\n6,5,1ms,1\n0,1,5ms,\n").unwrap();
    let links = Some(path.to_str().unwrap().to_owned());
    for (transport, protocol) in carriers()
        .flat_map(|transport| [ProtocolKind::Flood, ProtocolKind::Push, ProtocolKind::Lazy].map(|one| (transport, one)))
    {
        let record = run(Draft {
            transport: Some(transport),
            protocol: Some(protocol.into()),
            topology: Some(TopologySpec::Ring),
            links: links.clone(),
            origin: Some(0),
            timeout: Some(Nanos::from_secs(20)),
            ..to_quiescence(10, 2, 5)
        });
        let reached: Vec<bool> = record.receipts.iter().map(|receipt| receipt.is_reached()).collect();
        assert_eq!(reached.iter().filter(|&&is_reached| !is_reached).count(), 1, "{transport:?} {protocol:?}");
        assert!(!reached[5] && record.receipts.iter().nth(1).unwrap().time >= Nanos::from_millis(5), "{transport:?}");
    }
}

#[test]
fn the_need_of_memory_has_four_bytes_for_each_entry() {
    let folder = TempDir::new().unwrap();
    let draft = Draft { transport: Some(TransportKind::Simulated), ..to_quiescence(1, 1, 5) };
    for (topology, nodes, entries) in [
        (TopologySpec::RandomRegular, 1_000, 6_000),
        (TopologySpec::RegularImplicit, 1_000, 6_000),
        (TopologySpec::Complete, 100, 9_900),
    ] {
        let (draft, overlay) = with_links(topology, nodes, &folder, draft.clone());
        assert!((entries - entries / 100..=entries).contains(&overlay.entries()));
        let need = MemoryNeed::of(&scenario(draft.clone())).bytes();
        assert!(need >= MemoryNeed::of(&scenario(Draft { links: None, ..draft })).bytes() + 4 * entries);
    }
}

#[test]
fn the_replay_line_the_configuration_and_standard_input_name_them() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("links.csv");
    fs::write(&path, "to,from,loss,latency\n1,0,,5ms\n2,1,1%,\n").unwrap();
    let line = format!(
        "--transport simulated -n 10 --topology ring --seed 5 --threads 1 --format json --links {}",
        path.display()
    );
    let json = |line: &str, input: Option<&std::path::Path>| -> serde_json::Value {
        let mut command = bulkprop(line.split(' '));
        if let Some(path) = input {
            command.stdin(fs::File::open(path).unwrap());
        }
        let (code, stdout, stderr) = output(&mut command);
        assert!(matches!(code, Some(0 | 1)), "{line}: {stderr}");
        serde_json::from_str(&stdout).unwrap()
    };
    let report = json(&line, None);
    let replay = report["replay"].as_str().unwrap();
    assert!(replay.contains(&format!("--links {}", path.display())), "{replay}");
    assert_eq!(report["scenario"]["links"].as_str(), path.to_str());
    let again = json(&format!("{} --format json", replay.strip_prefix("bulkprop ").unwrap()), None);
    let piped = json(&line.replace(&*path.to_string_lossy(), "-"), Some(&path));
    let (_, toml, _) = output(&mut bulkprop(line.replace(" --format json", "").split(' ').chain(["--print-config"])));
    let config = folder.path().join("run.toml");
    fs::write(&config, toml).unwrap();
    let configured = json(&format!("--config {} --format json", config.display()), None);
    for other in [&again, &piped, &configured] {
        assert_eq!(other["digest"], report["digest"]);
    }
    let without = json(&line.replace(&format!(" --links {}", path.display()), ""), None);
    assert_ne!(without["digest"], report["digest"]);
}

#[test]
fn faults_are_usage_errors_with_their_line() {
    let folder = TempDir::new().unwrap();
    for (name, lines) in [
        ("far", "0,1,1ms,\n0,50,1ms,\n"),
        ("none", "0,1,1ms,\n3,1,1ms,\n"),
        ("twice", "0,1,1ms,\n1,0,1ms,\n0,1,,\n"),
        ("same", "1,1,1ms,\n"),
        ("slow", "0,1,25h,\n"),
        ("bare", "0,1,5,\n"),
        ("loss", "0,1,,2\n"),
        ("good", "0,1,1ms,\n"),
    ] {
        fs::write(folder.path().join(format!("{name}.csv")), format!("from,to,latency,loss\n{lines}")).unwrap();
    }
    fs::write(folder.path().join("header.csv"), "a,b\n0,1\n").unwrap();
    fs::write(folder.path().join("empty.csv"), "").unwrap();
    for (asked, said) in [
        ("--links far.csv", "--links far.csv, line 3: there is no node 50 for a link to end at: nodes are numbered"),
        ("--links none.csv", "--links none.csv, line 3: the overlay has no link from node 3 to node 1"),
        ("--links twice.csv", "--links twice.csv, line 4: the link from node 0 to node 1 has a line already, line 2"),
        ("--links same.csv", "--links same.csv, line 2: node 1 sends nothing to itself"),
        ("--links slow.csv", "--links slow.csv, line 2: `25h` is no latency"),
        ("--links bare.csv", "--links bare.csv, line 2: `5` is no latency"),
        ("--links loss.csv", "--links loss.csv, line 2: `2` is no share from 0 to 1"),
        ("--links header.csv", "--links header.csv, line 1: no column is called `a`; the first line names"),
        ("--links empty.csv", "--links empty.csv: it lists nothing"),
        ("--links absent.csv", "--links absent.csv: "),
        ("--links - --config -", "standard input"),
    ] {
        let line = format!("--transport simulated --nodes 10 --topology ring {asked}");
        let (code, _, stderr) = output(bulkprop(line.split(' ')).current_dir(folder.path()));
        assert!(code == Some(2) && stderr.contains(said), "{asked}: {code:?} {stderr}");
    }
}
