//! Tests overlays from files: which nodes exist, and the ids by which they are requested and reported.

use crate::command::{bulkprop, output};
use serde_json::Value;
use std::fs;
use std::process::Stdio;
use tempfile::TempDir;

/// A list in SNAP's format: a title, remarks, tabs, sparse ids, both directions, a node linked to itself.
const SNAP: &str = "https://example.org/data/tiny-collab.html\n# Nodes: 6 Edges: 15\n# FromNodeId\tToNodeId\n\
                    3466\t937\n3466\t5233\n3466\t8579\n937\t3466\n5233\t3466\n8579\t3466\n10310\t3466\n3466\t10310\n\
                    10310\t5233\n5233\t10310\n12295\t12295\n12295\t937\n937\t12295\n8579\t937\n937\t8579\n";

/// Ids that begin at 1.
const FROM_ONE: &str = "1 2\n2 3\n3 4\n4 1\n";

/// A folder with both lists.
fn lists() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("snap.txt"), SNAP).unwrap();
    fs::write(folder.path().join("one.txt"), FROM_ONE).unwrap();
    folder
}

/// Runs `arguments` in this folder; returns exit code, standard output, standard error.
fn run(folder: &TempDir, arguments: &str) -> (Option<i32>, String, String) {
    output(bulkprop(arguments.split(' ')).current_dir(folder.path()))
}

fn flood(folder: &TempDir, arguments: &str) -> Value {
    let simulated = "--transport simulated --protocol flood --until quiescent --seed 7 --ttl 100 --format json";
    let (exit, json, said) = run(folder, &format!("{simulated} --nodes-csv nodes.csv {arguments}"));
    assert_eq!(exit, Some(0), "{arguments}: {said}");
    serde_json::from_str(&json).unwrap()
}

/// A column of the nodes file.
fn column(folder: &TempDir, name: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.path().join("nodes.csv")).unwrap();
    let place = text.lines().next().unwrap().split(',').position(|column| column == name).unwrap();
    text.lines().skip(1).map(|line| line.split(',').nth(place).unwrap().to_owned()).collect()
}

fn notices(report: &Value) -> String {
    let notices = report["notices"].as_array().unwrap().iter().map(|notice| notice.as_str().unwrap());
    notices.collect::<Vec<_>>().join("\n")
}

#[test]
fn sparse_ids_are_reported_as_the_file_has_them() {
    let folder = lists();
    let report = flood(&folder, "--topology file:snap.txt --origin 3466");
    assert_eq!((&report["nodes"], &report["reached"], &report["messages"]), (&6.into(), &6.into(), &9.into()));
    assert_eq!((&report["overlay"]["origin"], &report["scenario"]["origin"]), (&3466.into(), &3466.into()));
    assert_eq!(column(&folder, "node"), ["937", "3466", "5233", "8579", "10310", "12295"]);
    assert_eq!(column(&folder, "sender"), ["3466", "", "3466", "3466", "3466", "937"]);
    assert_eq!(column(&folder, "hop"), ["1", "0", "1", "1", "1", "2"]);
    let said = "The edge list has 6 nodes and 7 links. Left out: line 1, a title (`https://example.org/data/tiny-collab.html`); \
                7 lines that repeat a link, in the same direction or the other; 1 line that links a node to itself.";
    assert_eq!(notices(&report), said);
    assert!(
        report["replay"].as_str().unwrap().contains("--topology file:snap.txt")
            && !report["replay"].as_str().unwrap().contains("--nodes ")
    );
    let (_, text, _) = run(&folder, "--transport simulated --seed 7 --topology file:snap.txt --protocol flood --full");
    assert!(text.contains("into node 937 with") && text.contains("from node 937"), "{text}");
}

#[test]
fn ids_from_one_have_no_node_before_them() {
    let folder = lists();
    for arguments in
        ["--topology file:one.txt", "--topology file:one.txt --origin 1", "--topology file:one.txt --nodes 4"]
    {
        let report = flood(&folder, arguments);
        assert_eq!((&report["nodes"], &report["reached"], &report["messages"]), (&4.into(), &4.into(), &5.into()));
        assert_eq!(
            (notices(&report), column(&folder, "node")),
            (String::new(), ["1", "2", "3", "4"].map(str::to_owned).into())
        );
    }
    let report = flood(&folder, "--topology file:one.txt --nodes 6 --target 1/6 --origin 6");
    assert_eq!(report["reached"], 1);
}

#[test]
fn ids_that_the_file_does_not_have_are_rejected() {
    let folder = lists();
    for (arguments, said) in [
        (
            "--nodes 3",
            "error: --nodes 3 with --topology file:one.txt: it names 4 nodes; leave --nodes out or ask for at least --nodes 4\n",
        ),
        (
            "--origin 0",
            "error: --origin 0 with --nodes 4: no node of the edge list has this id; they go from --origin 1 to --origin 4\n",
        ),
        (
            "--origin 5",
            "error: --origin 5 with --nodes 4: no node of the edge list has this id; they go from --origin 1 to --origin 4\n",
        ),
        (
            "--transport simulated --adversary eclipse:100%,victim=0",
            "error: --adversary victim=0 with --nodes 4: no node of the edge list has this id; they go from victim=1 to victim=4\n",
        ),
    ] {
        let (exit, printed, error) = run(&folder, &format!("--topology file:one.txt {arguments}"));
        assert_eq!((exit, printed.as_str(), error.as_str()), (Some(2), "", said), "{arguments}");
    }
    let report = flood(&folder, "--topology file:one.txt --nodes 6 --target 0.5");
    let said = "--nodes 6: the edge list names 4 nodes, and 2 nodes without peers were added to them as nodes 5 to 6.";
    assert!(notices(&report).contains(said), "{report}");
    assert_eq!(column(&folder, "node"), ["1", "2", "3", "4", "5", "6"]);
}

/// An adversary's role is drawn for a node's index, and its victim is named by id.
#[test]
fn adversaries_and_orders_know_the_ids() {
    let folder = lists();
    let eclipsed =
        flood(&folder, "--topology file:snap.txt --origin 3466 --adversary eclipse:100%,victim=12295 --target 0.8");
    assert_eq!(eclipsed["reached"], 5);
    assert_eq!(column(&folder, "hop"), ["1", "0", "1", "1", "1", ""]);
    let bulk = flood(&folder, "--topology file:snap.txt --origins random --orders 9 --orders-csv orders.csv");
    let orders = fs::read_to_string(folder.path().join("orders.csv")).unwrap();
    for line in orders.lines().skip(1) {
        assert!(column(&folder, "node").contains(&line.split(',').nth(1).unwrap().to_owned()), "{line}");
    }
    assert!(bulk["bulk"]["worst"].as_array().unwrap().iter().all(|worst| worst["origin"].as_u64().unwrap() >= 937));
}

#[test]
fn carriers_processes_and_pipes_know_the_ids() {
    let folder = lists();
    for arguments in
        ["--transport memory --threads 2", "--transport udp", "--transport udp-shard --processes 2 --threads 1"]
    {
        let common = "--protocol flood --until quiescent --timeout 60s --nodes-csv nodes.csv --topology file:snap.txt --origin 3466";
        let (exit, text, said) = run(&folder, &format!("{common} {arguments}"));
        assert_eq!(exit, Some(0), "{text}{said}");
        assert_eq!(column(&folder, "node"), ["937", "3466", "5233", "8579", "10310", "12295"], "{arguments}");
        assert_eq!(column(&folder, "sender")[5], "937", "{arguments}");
    }
    // A pipe gives its content once and is read once, although the replay command is looked for in many scenarios.
    let piped = "--transport simulated --seed 7 --ttl 20 --origin 2 --topology file:/dev/stdin";
    let mut command = bulkprop(piped.split(' '));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), FROM_ONE.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let text = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success() && text.contains("--topology file:/dev/stdin"), "{text}");
    assert!(text.contains("--origin 2") && text.contains("(4/4)"), "{text}");
}

/// Ids from 0 without gaps keep their meaning: the overlay read from them is that of the family.
#[test]
fn a_ring_from_a_file_is_the_ring() {
    let folder = tempfile::tempdir().unwrap();
    let links = (0..100).map(|node| format!("{node} {}\n", (node + 1) % 100)).collect::<String>();
    fs::write(folder.path().join("ring.txt"), links).unwrap();
    let digests = ["--topology file:ring.txt", "--topology ring --nodes 100"].map(|topology| {
        let report = flood(&folder, &format!("{topology} --loss 0.02 --target 0.01 --origin 17"));
        assert_eq!(notices(&report), "");
        (report["digest"].clone(), fs::read_to_string(folder.path().join("nodes.csv")).unwrap())
    });
    assert_eq!(digests[0], digests[1]);
}
