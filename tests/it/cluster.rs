//! Tests a cluster of processes on this machine: one of any number of processes and workers reports what one process
//! reports, and what it cannot compute is refused before anything is connected.

use crate::command::{bulkprop, output};
use serde_json::Value;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::thread;
use tempfile::TempDir;

/// A run of each kind: the protocols, and all that may happen to nodes and messages.
const LINES: [&str; 22] = [
    "--nodes 900 --fanout 4 --ttl 255 --until quiescent",
    "--nodes 700 --protocol flood --peers 6 --latency uniform:10ms..90ms --until 4s",
    "--nodes 500 --protocol lazy --peers 8 --retry 400ms --loss 5%",
    "--nodes 500 --protocol lazy --topology regular-implicit --peers 8 --latency uniform:10ms..30ms",
    "--nodes 400 --protocol plumtree --peers 8 --loss 2% --orders 4 --rate 2",
    "--nodes 500 --protocol flood --topology dials --latency uniform:5ms..50ms --until quiescent",
    "--nodes 400 --protocol push-pull --orders 3 --rate 2",
    "--nodes 600 --churn up=2s,down=1s --ttl 255",
    "--nodes 600 --adversary drop:10%+delay:10%,by=30ms --partition 20%,at=60ms,heal=200ms --nat 20%",
    "--nodes 300 --orders 40 --rate 200 --protocol lazy --announce-interval 20ms",
    "--nodes 300 --orders 60 --rate 400 --fanout 6 --arrivals poisson",
    "--nodes 400 --bandwidth up=2Mbit,down=20Mbit --payload-bytes 900 --orders 5 --rate 20",
    "--nodes 400 --bandwidth up=2Mbit,share=fair --payload-bytes 900 --orders 5 --rate 20",
    "--nodes 400 --latency ordered --orders 30 --rate 300 --network aws33",
    "--nodes 300 --protocol plumtree:iroh --peers 8 --loss 2% --orders 4 --rate 2 --until quiescent",
    "--nodes 400 --protocol push-pull --loss 5% --until quiescent",
    "--nodes 300 --protocol lazy:bitcoin --topology dials --peers 8 --orders 3 --rate 2 --loss 1% --until quiescent",
    "--nodes 300 --protocol gossipsub --peers 10 --orders 4 --rate 2 --loss 2% --until 3500ms",
    "--nodes 200 --protocol gossipsub:v2.0 --peers 12 --churn up=4s,down=1s --orders 3 --rate 1",
    "--nodes 150 --protocol swim,gossip-interval=50ms,push-pull-interval=900ms --churn up=6s,down=1s --orders 3 --rate 2",
    "--nodes 200 --protocol gossipsub:v1.2 --mix 30%:gossipsub:v2.0 --peers 12 --payload-bytes 2kB --orders 3 --rate 2 --loss 2%",
    "--nodes 200 --protocol plumtree@hyparview --latency 20ms --down 30%,at=1s --detect 200ms --orders 3 --rate 1 --until \
     quiescent",
];

/// Further protocols, presets, and each protocol over HyParView.
const VARIANTS: [&str; 20] = [
    "--nodes 3000 --engine hops --exclude-sender --peers 8 --fanout 5 --ttl 9",
    "--nodes 900 --protocol flood --topology regular-implicit --peers 6 --latency 20ms --target 0.7",
    "--nodes 200 --protocol plumtree:multi --peers 8 --loss 2% --orders 6 --rate 4 --origins random --until quiescent",
    "--nodes 200 --protocol turbine,fanout=8 --payload-bytes 0..20kB --latency uniform:5ms..50ms --loss 10% --orders 3 --rate 5",
    "--nodes 150 --protocol turbine:agave --payload-bytes 9kB --latency 20ms --down 10%,at=30ms --until quiescent",
    "--nodes 150 --protocol gossipsub:v1.0 --peers 10 --orders 3 --rate 2 --loss 2%",
    "--nodes 150 --protocol gossipsub:v1.2 --peers 10 --orders 3 --rate 2 --loss 2%",
    "--nodes 150 --protocol gossipsub:go --peers 10 --orders 3 --rate 2 --down 20%,at=1s",
    "--nodes 150 --protocol gossipsub:rust --peers 10 --orders 3 --rate 2 --loss 2%",
    "--nodes 150 --protocol gossipsub:ethereum --peers 12 --orders 3 --rate 2 --loss 2%",
    "--nodes 120 --protocol swim:local --orders 2 --rate 2 --loss 5%",
    "--nodes 100 --protocol push,fanout=3@hyparview:iroh,settle-time=2s --join-time 3s --exclude-sender --loss 2%",
    "--nodes 100 --protocol flood@hyparview,settle-time=2s --join-time 3s --latency uniform:5ms..20ms --until quiescent",
    "--nodes 100 --protocol lazy@hyparview,settle-time=2s --join-time 3s --loss 2% --orders 3 --rate 2",
    "--nodes 80 --protocol lazy:bitcoin@hyparview,settle-time=2s --join-time 3s --orders 2 --rate 2 --until quiescent",
    "--nodes 80 --protocol plumtree:multi@hyparview,settle-time=2s --join-time 3s --orders 3 --rate 2 --loss 2%",
    "--nodes 100 --protocol push-pull@hyparview,settle-time=2s --join-time 3s --loss 5%",
    "--nodes 80 --protocol gossipsub@hyparview,settle-time=2s --join-time 3s --orders 2 --rate 2",
    "--nodes 80 --protocol swim@hyparview,settle-time=2s --join-time 3s --orders 2 --rate 2",
    "--nodes 120 --protocol push@hyparview,settle-time=2s --join-time 3s --churn up=9s,down=1s --detect 200ms --orders 2 --rate 1",
];

/// Lines that are run at a time.
const LINES_AT_ONCE: usize = 3;

/// Numbers of processes, and of the workers of each.
const SHAPES: [[usize; 2]; 6] = [[2, 1], [1, 2], [4, 1], [2, 2], [1, 1], [4, 2]];

/// Writes a hosts file with a free port of this machine for each process.
pub(crate) fn hosts(folder: &Path, processes: usize) -> PathBuf {
    let address = loopback();
    // All are held until all are known, so that none is given twice.
    let held: Vec<TcpListener> = (0..processes).map(|_| TcpListener::bind((address, 0)).unwrap()).collect();
    let lines = held.iter().map(|held| format!("{}\n", held.local_addr().unwrap()));
    let path = folder.join("hosts.txt");
    fs::write(&path, lines.collect::<String>()).unwrap();
    path
}

/// Returns a loopback address that no other cluster has. A free port of a shared one could go to another cluster, or to
/// a connection from 127.0.0.1, before the process of this cluster listens there.
fn loopback() -> Ipv4Addr {
    static CLUSTERS: AtomicU8 = AtomicU8::new(0);
    if cfg!(not(target_os = "linux")) {
        return Ipv4Addr::LOCALHOST;
    }
    let [_, _, high, low] = std::process::id().to_be_bytes();
    // 127.0.x.y stays with programs that use 127.0.0.1.
    Ipv4Addr::new(127, high.max(1), low, CLUSTERS.fetch_add(1, Ordering::Relaxed))
}

/// Runs a cluster; returns the exit code, the output and the errors of each process.
fn run(line: &str, hosts: &Path, processes: usize) -> Vec<(Option<i32>, String, String)> {
    let start = |process: usize| {
        let (line, hosts) = (line.to_owned(), hosts.to_owned());
        thread::spawn(move || {
            let number = process.to_string();
            let mut command = bulkprop(line.split(' '));
            output(command.arg("--cluster").arg(hosts).args(["--process", &number]))
        })
    };
    let started: Vec<_> = (0..processes).map(start).collect();
    started.into_iter().map(|process| process.join().unwrap()).collect()
}

/// Reads a report, and takes out what is of the machine and not of the model.
fn model(text: &str) -> (Value, Value) {
    let mut report: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let fields = report.as_object_mut().unwrap();
    fields.remove("machine").unwrap();
    // The row of the run has the time that it took, too, and nothing else that is not above.
    fields.remove("runs").unwrap();
    let cluster = fields.remove("cluster").unwrap_or_default();
    (report, cluster)
}

/// Every line with two shapes, the variants with one of several processes; with all where `CLUSTER_SHAPES` asks for
/// that, as the recipe `cluster-equality` does.
#[test]
fn a_cluster_reports_what_one_process_reports() {
    let every = std::env::var_os("CLUSTER_SHAPES").is_some();
    let turned = |place: usize| vec![SHAPES[place % SHAPES.len()], SHAPES[(place + 3) % SHAPES.len()]];
    let several: Vec<[usize; 2]> = SHAPES.into_iter().filter(|shape| shape[0] > 1).collect();
    let lines = LINES.into_iter().enumerate().map(|(place, line)| (line, turned(place)));
    let variants = VARIANTS.into_iter().enumerate();
    let variants = variants.map(|(place, line)| (line, vec![several[place % several.len()]]));
    let lines: Vec<(&str, Vec<[usize; 2]>)> = lines.chain(variants).collect();
    let next = AtomicUsize::new(0);
    // Processes wait for each other most of their time.
    thread::scope(|scope| {
        for _ in 0..LINES_AT_ONCE {
            scope.spawn(|| {
                while let Some((line, shapes)) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
                    assert_equal(line, if every { &SHAPES } else { shapes });
                }
            });
        }
    });
}

/// Asserts that clusters of these shapes report what one process of as many threads reports.
fn assert_equal(line: &str, shapes: &[[usize; 2]]) {
    let folder = TempDir::new().unwrap();
    for &[processes, threads] in shapes {
        let line = format!("{line} --transport simulated --seed 11 --threads {threads} --format json");
        let (code, alone, wrong) = output(&mut bulkprop(line.split(' ')));
        assert!(matches!(code, Some(0 | 1)), "{line}: {wrong}");
        let told = run(&line, &hosts(folder.path(), processes), processes);
        assert_eq!((told[0].0, told[0].2.as_str()), (code, wrong.as_str()), "{line}");
        let (report, cluster) = model(&told[0].1);
        assert_eq!(report, model(&alone).0, "{processes} processes: {line}");
        let sum = |field: &str| -> u64 {
            cluster.as_array().unwrap().iter().map(|process| process[field].as_u64().unwrap()).sum()
        };
        assert_eq!(sum("nodes"), report["nodes"].as_u64().unwrap());
        assert_eq!(sum("workers"), (processes * threads) as u64);
        assert_eq!(sum("events_sent") > 0, processes > 1);
        for (process, (code, said, wrong)) in told.iter().enumerate().skip(1) {
            assert_eq!((code, wrong.as_str()), (&Some(0), ""), "{line}: {said}");
            assert!(said.starts_with(&format!("Process {process}: ")) && said.lines().count() == 1, "{said}");
        }
    }
}

#[test]
fn what_a_cluster_cannot_compute_is_refused_at_once() {
    let folder = TempDir::new().unwrap();
    let hosts = hosts(folder.path(), 2);
    for (line, said) in [
        ("--transport memory --seed 1", "--cluster with --transport memory: a cluster computes virtual time"),
        ("--transport udp --seed 1 --processes 2", "--cluster beside --processes 2"),
        ("--transport simulated --seed 1 --runs 3", "--cluster with --runs 3"),
        ("--transport simulated", "--cluster without --seed"),
        ("--transport simulated --seed 1 --nodes 3 --threads 2", "--cluster with 2 processes of 2 threads: 3 nodes"),
    ] {
        let (code, _, wrong) = output(bulkprop(line.split(' ')).arg("--cluster").arg(&hosts).args(["--process", "1"]));
        assert!(code == Some(2) && wrong.starts_with(&format!("error: {said}")), "{line}: {code:?} {wrong}");
    }
    let lines = ["--transport simulated --seed 1 --process 1", "--transport simulated --seed 1 --cluster hosts.txt"];
    for line in lines {
        let (code, _, wrong) = output(&mut bulkprop(line.split(' ')));
        assert!(code == Some(2) && wrong.contains("required"), "{line}: {wrong}");
    }
}

/// A run that the cluster cannot compute although the options allow it: every process says so.
#[test]
fn a_run_without_a_least_latency_is_refused_by_each_process() {
    let folder = TempDir::new().unwrap();
    let line = "--nodes 50 --threads 1 --transport simulated --seed 1 --latency uniform:0ms..5ms";
    for (code, _, wrong) in run(line, &hosts(folder.path(), 2), 2) {
        assert!(matches!(code, Some(2 | 3)) && wrong.contains("--cluster"), "{code:?} {wrong}");
    }
}

/// Runs of which one stores nothing but nodes along shortest paths, and the other messages that wait and cross; each is
/// large enough that the program itself takes little of its memory.
const ESTIMATED: [(&str, usize); 3] = [
    ("--nodes 160000 --peers 12", 1),
    ("--nodes 100000 --protocol lazy --peers 12", 2),
    ("--nodes 200000 --peers 12 --until quiescent", 4),
];

/// Memory, messages and bytes are within a quarter of what the run takes. Time depends on what else the machine does.
#[cfg(target_os = "linux")]
#[test]
fn an_estimate_is_what_the_run_then_takes() {
    let folder = TempDir::new().unwrap();
    let (mut wrong, mut check) = (Vec::new(), String::new());
    for (line, processes) in ESTIMATED {
        let line = format!("{line} --transport simulated --seed 11 --threads 1 --format json");
        let hosts_flag = format!("--hosts={processes}");
        let (code, said, errors) = output(bulkprop(["cluster-estimate", &hosts_flag, "--here"]).args(line.split(' ')));
        assert_eq!(code, Some(0), "{line}: {errors}");
        let estimate: Value = serde_json::from_str(&said).unwrap();
        let told = run(&line, &hosts(folder.path(), processes), processes);
        let report: Value = serde_json::from_str(&told[0].1).unwrap();
        let sent = ["messages", "control_messages"].map(|field| report[field].as_f64().unwrap()).iter().sum::<f64>();
        let mut compare = |name: &str, estimated: f64, taken: f64| {
            let ratio = if taken == 0.0 && estimated == 0.0 { 1.0 } else { estimated / taken };
            check += &format!("{processes} {line}: {name} {estimated:.3e} for {taken:.3e}, {ratio:.2} times\n");
            if name != "ns" && !(0.8..=1.25).contains(&ratio) {
                wrong.push(format!("{processes} processes: {line}: {name} {estimated} for {taken}"));
            }
        };
        compare("messages", estimate["messages"].as_f64().unwrap(), sent);
        for (process, of_process) in report["cluster"].as_array().unwrap().iter().enumerate() {
            let expected = if process == 0 { &estimate["first_process"] } else { &estimate["other_processes"] };
            let taken = |field: &str| of_process[field].as_f64().unwrap();
            compare("bytes of memory", expected["bytes"].as_f64().unwrap(), taken("peak_memory_bytes"));
            compare("bytes sent", estimate["exchanged_bytes"].as_f64().unwrap(), taken("bytes_sent"));
            compare("meetings", estimate["meetings"].as_f64().unwrap(), taken("meetings"));
        }
        let machine = ["wall_ns", "setup_ns"].map(|field| report["machine"][field].as_f64().unwrap());
        compare("ns", estimate["total_ns"].as_f64().unwrap(), machine.iter().sum());
    }
    println!("{check}");
    assert!(wrong.is_empty(), "{wrong:#?}\n{check}");
}

#[test]
fn an_estimate_needs_a_scenario_for_a_cluster() {
    for (line, said) in [
        ("--transport memory", "--cluster with --transport memory"),
        ("--nodes 8 --hosts 16 --threads 1", "--cluster with 16 processes of 1 threads: 8 nodes"),
        ("--hosts 300", "a cluster has 1 to 256 processes"),
        ("--link 10", "bits per second"),
    ] {
        let (code, _, wrong) = output(bulkprop(["cluster-estimate"]).args(line.split(' ')));
        assert!(code == Some(2) && wrong.contains(said), "{line}: {code:?} {wrong}");
    }
}

/// The parts that processes write are those of the file that one process writes.
#[test]
fn each_process_writes_its_part_of_the_files() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name);
    let line = "--nodes 300 --fanout 4 --transport simulated --network aws33 --seed 5 --threads 2 --quiet";
    let with_files = |nodes: &str, trace: &str| {
        format!("{line} --nodes-csv {} --trace {}", file(nodes).display(), file(trace).display())
    };
    let (code, ..) = output(&mut bulkprop(with_files("nodes.csv", "trace.csv").split(' ')));
    assert!(matches!(code, Some(0 | 1)));
    run(&with_files("parts.csv", "rows.csv"), &hosts(folder.path(), 2), 2);
    let read = |name: String| fs::read_to_string(file(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    // Behind the header of the first part, and in the order of the nodes.
    let parts = [0, 1].map(|process| read(format!("parts.part{process}.csv")));
    let behind = parts[1].split_once('\n').unwrap().1;
    assert_eq!(format!("{}{behind}", parts[0]), read("nodes.csv".to_owned()));
    let rows = [0, 1].map(|process| read(format!("rows.part{process}.csv")));
    assert!(rows.iter().all(|rows| rows.lines().count() > 100));
    let sorted = |rows: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        let mut rows: Vec<String> = rows.map(str::to_owned).collect();
        rows.sort_unstable();
        rows
    };
    let whole = read("trace.csv".to_owned());
    let of_parts = sorted(&mut rows.iter().flat_map(|rows| rows.lines().skip(1)));
    assert_eq!(of_parts, sorted(&mut whole.lines().skip(1)));
}
