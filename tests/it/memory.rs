//! Tests that the memory a scenario certainly needs, computed before it runs, is what the binary then takes, and that a
//! need that does not fit is rejected, whatever the limit is.

use crate::command::{bulkprop, output};
use bulk_order_propagation::memory::MemoryNeed;
use bulk_order_propagation::scenario::Draft;
use std::fs;
use std::process::Stdio;

/// Peak memory in bytes of the binary, started through a script that writes it down.
fn peak(line: &str) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("peak");
    let mut command = std::process::Command::new("python3");
    command.args(["-c", PEAK]).arg(&told).arg(env!("CARGO_BIN_EXE_bulkprop")).args(line.split(' '));
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert!(matches!(status.code(), Some(0 | 1)), "{line}: {status}");
    fs::read_to_string(told).unwrap().trim().parse::<u64>().unwrap() * 1_024
}

/// Starts a program with nothing of its own in memory, and writes its greatest resident size in KiB to a file.
const PEAK: &str = "import os, sys
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
open(sys.argv[1], 'w').write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))";

/// The scenario of a command line, read back from its configuration file.
fn scenario(line: &str) -> bulk_order_propagation::scenario::Scenario {
    let (_, toml, wrong) = output(bulkprop(line.split(' ')).arg("--print-config"));
    assert_eq!(wrong, "", "{line}");
    Draft::from_toml(&toml).unwrap().build().unwrap()
}

/// Shapes of which each makes another part the greatest; messages under way are few in all of them.
const SHAPES: [&str; 17] = [
    "--transport simulated --topology complete --nodes 700000 --ttl auto --threads 2",
    "--transport simulated --topology complete --nodes 12000000 --ttl auto --threads 2 --until quiescent",
    "--transport simulated --nodes 400000 --ttl auto --threads 1",
    "--transport simulated --topology watts-strogatz --nodes 300000 --peers 10 --ttl 3 --threads 1",
    "--transport simulated --topology complete --nodes 500000 --ttl auto --threads 2 --latency uniform:10ms..90ms",
    "--transport simulated --topology complete --nodes 4000 --orders 1000 --rate 20/s --fanout 2 --ttl 20 --threads 1 --engine general",
    "--transport simulated --topology complete --nodes 4000 --orders 1000 --rate 20/s --fanout 2 --ttl 20 --threads 2 --engine general",
    "--transport simulated --topology complete --nodes 300000 --orders 4 --rate 20/s --fanout 4 --ttl 20 --threads 2",
    "--transport simulated --topology complete --nodes 700000 --ttl 3 --threads 1 --engine general --bandwidth up=10Mbit,down=10Mbit --processing 1ms",
    "--transport simulated --topology complete --nodes 700000 --ttl 3 --threads 2 --engine general --bandwidth up=10Mbit,down=10Mbit,share=fair",
    "--transport simulated --protocol gossipsub --topology random-regular --nodes 120000 --peers 60 --ttl 2 --threads 2",
    "--transport memory --topology complete --nodes 700000 --threads 2",
    "--transport memory --topology complete --nodes 200 --orders 100000 --rate 1000000/s --window 1024 --timeout 1s --threads 2",
    "--transport udp-shard --topology complete --nodes 700000 --threads 2",
    // Ten gigabytes of payload that nobody makes, and the payloads that a carrier makes, once and as messages.
    "--transport simulated --topology complete --nodes 400 --orders 10000 --rate 20/s --payload-bytes 1MiB --fanout 2 --ttl 20 --threads 1",
    "--transport memory --nodes 100 --orders 150 --rate 10000/s --payload-bytes 1MiB --threads 2",
    "--transport memory --nodes 100 --orders 75 --rate 10000/s --payload-bytes 1MiB --charge-serialization --threads 2",
];

#[test]
fn the_computed_need_is_the_memory_taken() {
    if std::process::Command::new("python3").arg("-V").output().is_err() {
        eprintln!("skipped: there is no python3 to start the binary from");
        return;
    }
    let mut wrong = Vec::new();
    for line in SHAPES {
        let need = MemoryNeed::of(&scenario(line));
        let taken = peak(&format!("{line} --quiet")) - BASE;
        let ratio = need.bytes() as f64 / taken as f64;
        let most = match line {
            // On a real carrier, room for forwards is allocated as they wait, and how many do depends on the machine.
            line if line.contains("--transport memory") && line.contains("--orders") => 1.5,
            // The lines of the many nodes that an order does not reach stay untouched.
            line if line.contains("share=fair") => 1.3,
            _ => 1.2,
        };
        if !(0.8..=most).contains(&ratio) {
            wrong.push(format!("{line}: computed {}, taken {taken}; {:?}", need.bytes(), need.parts));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Bytes that the program takes without a run, as a debug build has them: a run of ten nodes takes 14 MB, of which some
/// are counted.
const BASE: u64 = 8_500_000;

#[test]
fn a_need_that_does_not_fit_is_rejected_whatever_the_limit() {
    let line = "--transport simulated --nodes 10000 --orders 1000000 --rate 1M/s --window 1000000 --engine general";
    let (code, said, wrong) = output(&mut bulkprop(line.split(' ')));
    assert_eq!((code, said.as_str()), (Some(2), ""), "{wrong}");
    let start = "error: --nodes 10000 with --orders 1000000: the run takes at least ";
    assert!(wrong.starts_with(start) && wrong.contains("fewer --orders") && wrong.lines().count() == 1, "{wrong}");
    for line in [
        "--transport simulated --topology complete --nodes 100000000 --engine general",
        "--transport memory --nodes 4000000 --threads 1",
        "--transport memory --nodes 100 --orders 1000 --payload-bytes 1MiB --threads 1",
        "--transport udp-shard --nodes 4000000 --threads 1 --processes 2",
        "--transport simulated --nodes 4000000 --topology ring --ttl auto",
    ] {
        // Half a gigabyte of address space: less than any of these needs.
        let mut command = std::process::Command::new("prlimit");
        command.arg("--as=500000000").arg(env!("CARGO_BIN_EXE_bulkprop")).args(line.split(' '));
        let (code, said, wrong) = output(&mut command);
        assert_eq!((code, said.as_str()), (Some(2), ""), "{line}: {wrong}");
        assert!(wrong.contains("the limit on the address space (ulimit -v) leaves"), "{line}: {wrong}");
    }
}

#[test]
fn a_run_that_exhausts_its_memory_ends_with_a_report_that_says_so() {
    // Sixteen million messages at one instant, of eighty bytes each.
    let line = "--transport simulated --nodes 4000 --topology complete --protocol flood --engine general --ttl auto --threads 2";
    let mut command = std::process::Command::new("prlimit");
    command.arg("--as=1500000000").arg(env!("CARGO_BIN_EXE_bulkprop")).args(line.split(' ')).args(["--format", "json"]);
    let (code, said, wrong) = output(&mut command);
    assert_eq!((code, wrong.as_str()), (Some(3), ""), "{said}");
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&report["outcome"], &report["digest"]), (&"out_of_memory".into(), &serde_json::Value::Null));
    let notice = report["notices"][0].as_str().unwrap();
    assert!(notice.starts_with("The memory that was left for messages under way was used up ("), "{notice}");
}
