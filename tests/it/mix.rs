//! Tests `--mix`: some nodes run the same protocol with other knobs.

use crate::command::{bulkprop, output};
use crate::support::{real_carriers, run, to_quiescence};
use bulk_order_propagation::record::{GroupKind, RunRecord};
use bulk_order_propagation::scenario::{Choice, Draft, PayloadBytes, TransportKind};
use std::collections::BTreeSet;
use std::fs;
use tempfile::TempDir;

/// A bulk under a protocol, some of whose nodes may have other knobs.
fn mixed([nodes, threads]: [u32; 2], protocol: &str, mix: Option<&str>) -> Draft {
    let has_overlay = !protocol.contains('@');
    Draft {
        transport: Some(TransportKind::Simulated),
        topology: has_overlay.then(|| "random-regular".parse().unwrap()),
        peers: has_overlay.then_some(12),
        latency: Some("uniform:5ms..60ms".parse().unwrap()),
        loss: Some("1%".parse().unwrap()),
        orders: Some(3),
        rate: Some("2/s".parse().unwrap()),
        payload_bytes: PayloadBytes::new(1_200, 1_200),
        protocol: Some(protocol.parse().unwrap()),
        mix: mix.map(|mix| mix.parse().unwrap()),
        ..to_quiescence(nodes, threads, 7)
    }
}

/// What a seed decides of a run, but its groups.
fn figures(record: &RunRecord) -> impl PartialEq + std::fmt::Debug {
    let worker = &record.workers[0];
    let counts = (worker.sent, worker.received, worker.control_sent, worker.upkeep, record.tallies.clone());
    (record.end, record.elapsed, record.digest, counts, record.traffic.clone(), record.ledger.clone())
}

/// A mix of equal sides, of no and of all nodes is the plain run, figure for figure.
#[test]
fn a_mix_of_one_side_is_the_plain_run() {
    for (protocol, other) in [
        ("gossipsub:go", "gossipsub:v1.0"),
        ("gossipsub:v2.0", "gossipsub:v1.2"),
        ("plumtree", "plumtree:multi"),
        ("lazy,retry=300ms", "lazy,retry=200ms,announce-interval=20ms"),
        ("lazy:bitcoin", "lazy:bitcoin,outbound-interval=500ms"),
        ("push-pull", "push-pull,round=300ms"),
        ("swim,push-pull-interval=900ms", "swim,push-pull-interval=900ms,gossip-interval=50ms"),
        ("plumtree@hyparview", "plumtree:iroh"),
    ] {
        let plain = |protocol: &str| run(mixed([48, 2], protocol, None));
        let with = |mix: &str| run(mixed([48, 2], protocol, Some(mix)));
        let membership = protocol.find('@').map_or("", |at| &protocol[at..]);
        let (first, second) = (plain(protocol), plain(&format!("{other}{membership}")));
        assert!(figures(&first) != figures(&second), "{protocol}: the sides differ");
        assert_eq!(figures(&with(&format!("30%:{protocol}"))), figures(&first), "{protocol}");
        assert_eq!(figures(&with(&format!("0:{other}"))), figures(&first), "{protocol}");
        assert_eq!(figures(&with(&format!("100%:{other}"))), figures(&second), "{protocol}");
        let mixed_in = |threads| run(mixed([48, threads], protocol, Some(&format!("30%:{other}"))));
        let some = mixed_in(1);
        assert!(figures(&some) != figures(&first) && figures(&some) != figures(&second), "{protocol}");
        assert_eq!(figures(&mixed_in(3)), figures(&some), "{protocol}");
    }
}

/// More nodes that hear IDONTWANT, fewer duplicates; and the groups of the sides have all of them.
#[test]
fn more_idontwant_means_fewer_duplicates() {
    let of = |share: &str| run(mixed([150, 2], "gossipsub:spec", Some(&format!("{share}:gossipsub:v1.2"))));
    let records = ["0", "20%", "50%", "80%", "100%"].map(of);
    let duplicates =
        records.each_ref().map(|record| record.workers.iter().map(|worker| worker.duplicates).sum::<u64>());
    assert!(duplicates.is_sorted_by(|more, fewer| more > fewer), "{duplicates:?}");
    let said = |record: &RunRecord| record.kinds.iter().find(|kind| kind.name == "idontwant").unwrap().sent;
    let said = records.each_ref().map(said);
    assert!(said[0] == 0 && said.is_sorted_by(|fewer, more| fewer < more), "{said:?}");
    // Both ends have to hear it: at 20 % of the nodes 4 % of the links.
    assert!(said[1] < said[4] / 10, "{said:?}");
    let groups: Vec<_> = records[1].groups.iter().map(|group| (group.kind, group.name.as_str(), group.nodes)).collect();
    assert_eq!(groups, [(GroupKind::Mix, "gossipsub", 120), (GroupKind::Mix, "gossipsub:v1.2", 30)]);
    for (record, duplicates) in records.iter().zip(duplicates) {
        let of_groups = record.groups.iter().map(|group| group.duplicates.unwrap()).sum::<u64>();
        assert_eq!(of_groups, duplicates);
        let bytes_in: u64 = record.groups.iter().map(|group| group.bytes_in.unwrap()).sum();
        assert_eq!(bytes_in, record.traffic.iter().map(|node| node.bytes_in).sum::<u64>());
    }
}

/// Every message of a later version goes from a node that has it to one that has it, and to none else.
#[test]
fn a_message_of_a_later_version_goes_to_nodes_of_that_version() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    for (first, second, kinds, newer) in [
        ("gossipsub", "gossipsub:v1.2", &["idontwant"][..], "2"),
        ("gossipsub:v2.0", "gossipsub:v1.2", &["iannounce", "ineed"], "1"),
        ("gossipsub:v1.0", "gossipsub:v2.0", &["iannounce", "idontwant", "ineed"], "2"),
    ] {
        let line = format!(
            "--transport simulated --protocol {first} --mix 40%:{second} --nodes 200 --topology random-regular --peers 12 \
             --payload-bytes 2kB --latency uniform:5ms..60ms --until quiescent --seed 3 --threads 2 --quiet"
        );
        let files = ["--trace".to_owned(), file("trace.csv"), "--nodes-csv".to_owned(), file("nodes.csv")];
        let (code, _, stderr) = output(bulkprop(line.split(' ').filter(|word| !word.is_empty())).args(files));
        assert_eq!(code, Some(0), "{line}: {stderr}");
        let rows = |name: &str| -> Vec<Vec<String>> {
            let text = fs::read_to_string(file(name)).unwrap();
            text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
        };
        let nodes = rows("nodes.csv");
        assert_eq!(nodes[0].last().unwrap(), "side");
        let side = |node: &str| nodes[1 + node.parse::<usize>().unwrap()].last().unwrap().as_str();
        assert_eq!((0..200).filter(|node| side(&node.to_string()) == "2").count(), 80);
        let (trace, mut sent) = (rows("trace.csv"), BTreeSet::new());
        for row in &trace[1..] {
            let kind = row[5].as_str();
            if kinds.contains(&kind) {
                assert_eq!([side(&row[2]), side(&row[3])], [newer; 2], "{first} {second}: {row:?}");
                sent.insert(kind);
            }
        }
        assert_eq!(Vec::from_iter(sent), kinds, "{first} {second}");
    }
}

#[test]
fn a_mix_delivers_to_all_on_real_carriers() {
    let (first, second) = ("gossipsub,heartbeat-interval=40ms", "30%:gossipsub:v1.2,heartbeat-interval=60ms");
    let knobs = [first, second].map(|side| format!("{side},iwant-followup=100ms"));
    for transport in real_carriers() {
        let draft = mixed([150, 2], &knobs[0], Some(&knobs[1]));
        let draft =
            Draft { transport: Some(transport), orders: Some(1), rate: None, latency: None, loss: None, ..draft };
        let record = run(draft);
        assert_eq!(record.reached(), 150, "{transport:?}");
        let nodes = record.groups.iter().map(|group| group.nodes);
        assert_eq!(Vec::from_iter(nodes), [105, 45], "{}", transport.name());
        assert!(record.groups.iter().all(|group| group.delays.count() == group.nodes && group.duplicates.is_some()));
    }
}

/// Every process draws the same sides.
#[cfg(all(target_os = "linux", not(portable)))]
#[test]
fn processes_agree_on_the_sides() {
    let line = "--transport udp --processes 2 --threads 1 --nodes 60 --topology random-regular --peers 8 --ttl 255 --seed 4 \
                --protocol lazy,retry=900ms --mix 1/3:lazy,announce-interval=5ms --until quiescent --format json";
    let report = crate::command::json(&line.split_whitespace().collect::<Vec<_>>().join(" "));
    let groups = report["groups"].as_array().unwrap();
    let of = |group: &serde_json::Value| {
        (
            group["name"].as_str().unwrap().to_owned(),
            group["nodes"].as_u64().unwrap(),
            group["reached"].as_u64().unwrap(),
        )
    };
    let expected = [("lazy", 40), ("lazy,announce-interval=5ms", 20)];
    assert_eq!(Vec::from_iter(groups.iter().map(of)), expected.map(|(name, nodes)| (name.to_owned(), nodes, nodes)));
}

#[test]
fn what_cannot_be_mixed_is_refused() {
    for (line, said) in [
        (
            "--protocol gossipsub --mix 20%:plumtree",
            "--mix 0.2:plumtree with --protocol gossipsub: plumtree nodes do not understand iwant, graft, prune, and \
             gossipsub nodes do not understand graft, prune, graft-link; mix gossipsub with another preset of it",
        ),
        ("--mix 20%:gossipsub", "with --protocol push: push nodes do not understand ihave, iwant, graft, prune"),
        ("--mix 20%:push,fanout=4", "the targets of orders are drawn by one rule for all nodes; nothing can be mixed"),
        ("--protocol turbine --mix 20%:turbine", "its knobs say how all nodes cut orders"),
        ("--protocol gossipsub --mix gossipsub:go", "it begins with a share of the nodes"),
        ("--protocol gossipsub --mix 20%", "write a share of the nodes and their protocol"),
        ("--protocol gossipsub --mix 20%:gossipsub,d=0", "--mix '20%:gossipsub,d=0': "),
    ] {
        let (code, stdout, stderr) = output(&mut bulkprop(line.split(' ').chain(["--transport", "simulated"])));
        assert!(code == Some(2) && stdout.is_empty() && stderr.contains(said), "{line}: {stderr}");
    }
}

#[test]
fn a_report_names_both_sides_and_its_command_repeats_them() {
    let line =
        "--transport simulated --protocol gossipsub --nodes 60 --mix 20%:gossipsub:go --seed 5 --threads 1 --full";
    let (code, text, _) = output(&mut bulkprop(line.split(' ')));
    assert_eq!(code, Some(0), "{text}");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in ["gossipsub; on 0.2 of the nodes gossipsub:go", "--mix 0.2:gossipsub:go", "gossipsub:go 12 100"] {
        assert!(words.contains(said), "{said}: {text}");
    }
}

/// A row of a comparison has a mix of its own, or shares that of `--mix`.
#[test]
fn rows_of_a_comparison_have_mixes() {
    let line = "compare gossipsub gossipsub+20%:gossipsub:v1.2 gossipsub:v1.2 --nodes 120 --peers 12 --runs 2 --orders 3 \
                --latency uniform:5ms..60ms --payload-bytes 2kB --seed 3 --format json";
    let run = |line: &str| output(&mut bulkprop(line.split_whitespace()));
    let (code, text, stderr) = run(line);
    assert_eq!(code, Some(0), "{stderr}");
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = report["rows"].as_array().unwrap();
    let specs = rows.iter().map(|row| row["spec"].as_str().unwrap());
    assert_eq!(Vec::from_iter(specs), ["gossipsub", "gossipsub+0.2:gossipsub:v1.2", "gossipsub:v1.2"]);
    let rmr = rows.iter().map(|row| row["metrics"]["rmr"]["mean"].as_f64().unwrap());
    assert!(rmr.is_sorted_by(|more, fewer| more > fewer), "{text}");
    let (_, shared, _) =
        run("compare gossipsub gossipsub:go --mix 20%:gossipsub:v1.2 --nodes 60 --runs 2 --orders 3 --format json");
    let shared: serde_json::Value = serde_json::from_str(&shared).unwrap();
    assert_eq!(shared["scenario"]["mix"], "0.2:gossipsub:v1.2");
    for (line, said) in [
        (
            "compare gossipsub lazy --mix 20%:gossipsub:v1.2",
            "--mix 0.2:gossipsub:v1.2 with --protocol lazy: gossipsub nodes",
        ),
        ("compare gossipsub+1:gossipsub:go --mix 20%:gossipsub:v1.2", "the row has a mix of its own"),
        ("compare gossipsub+gossipsub:go", "it begins with a share of the nodes"),
    ] {
        let (code, _, stderr) = run(line);
        assert!(code == Some(2) && stderr.contains(said), "{line}: {stderr}");
    }
}
