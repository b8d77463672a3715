//! Tests several processes: they agree with one, they end when one of them does, and they leave nothing behind.

use crate::command::{beside_notices, bulkprop, output};
use crate::support::carriers_across_processes;
use bulk_order_propagation::scenario::Choice;
use serde_json::Value;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A series that continues until it is killed, with processes in every state from set-up to exit.
const ENDLESS: &str = "--nodes 300 --threads 1 --runs 10000 --seed 3 --timeout 600s --quiet";

/// Far longer than anything awaited here takes.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// The figures that must not differ: nodes reached, and messages that each received and sent.
fn figures(line: &str) -> Vec<[String; 4]> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("nodes.csv");
    let (code, said, wrong) = output(bulkprop(line.split(' ')).args(["--quiet", "--nodes-csv"]).arg(&path));
    assert!(matches!(code, Some(0 | 1)) && beside_notices(&wrong).is_empty(), "{line}: {said}{wrong}");
    let text = fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        // node, whether it has a time, copies, sent
        [cells[0].to_owned(), (!cells[3].is_empty()).to_string(), cells[6].to_owned(), cells[7].to_owned()]
    };
    text.lines().skip(1).map(row).collect()
}

#[test]
fn any_number_of_processes_reaches_the_same_nodes_with_the_same_messages() {
    for seed in [1, 2] {
        let line = format!("--nodes 800 --fanout 3 --ttl 255 --until quiescent --timeout 60s --seed {seed}");
        let model = figures(&format!("{line} --threads 1"));
        assert!(model.iter().any(|row| row[1] == "false"), "there must be something to disagree about");
        for transport in carriers_across_processes().map(Choice::name) {
            for (processes, threads) in [(1, 2), (2, 1), (2, 3), (4, 1), (4, 2)] {
                let line =
                    format!("{line} --transport {transport} --processes {processes} --threads {threads} --origin 0");
                assert_eq!(figures(&line), model, "{line}");
            }
        }
    }
}

#[test]
fn the_report_has_each_process_and_the_whole() {
    let line = "--nodes 1000 --processes 3 --threads 2 --transport udp-shard --seed 5 --runs 3 --until quiescent";
    let (code, text, wrong) = output(bulkprop(line.split(' ')).args(["--format", "json"]));
    assert_eq!((code, wrong.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&text).unwrap();
    let sum = |list: &str, field: &str| -> u64 {
        report[list].as_array().unwrap().iter().map(|item| item[field].as_u64().unwrap()).sum()
    };
    assert_eq!((&report["threads"], report["processes"].as_array().unwrap().len()), (&Value::from(6), 3));
    for field in ["nodes", "reached", "sent", "received"] {
        assert_eq!(sum("processes", field), sum("workers", field), "{field}");
    }
    assert_eq!(sum("processes", "nodes"), 1_000);
    assert_eq!(report["messages"], sum("processes", "sent"));
    let (_, text, _) = output(&mut bulkprop(line.split(' ')));
    assert!(text.contains("on 6 workers in 3 processes"), "{text}");
}

/// A started run of several processes.
struct Run {
    parent: Child,
}

impl Run {
    fn start(line: &str) -> Run {
        let mut command = bulkprop(line.split(' '));
        let parent = command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Run { parent }
    }

    /// Waits until it has `count` processes; returns them.
    fn processes(&self, count: usize) -> Vec<u32> {
        wait_for("its processes", || Some(children(self.parent.id())).filter(|found| found.len() == count))
    }

    /// Waits for its end; returns exit code, standard output and standard error.
    fn end(mut self) -> (Option<i32>, String, String) {
        wait_for("its end", || self.parent.try_wait().unwrap());
        let output = self.parent.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}

fn wait_for<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LONGEST_WAIT.as_millis() / POLL_INTERVAL.as_millis() {
        if let Some(found) = poll() {
            return found;
        }
        std::thread::park_timeout(POLL_INTERVAL);
    }
    panic!("{what} did not come within {LONGEST_WAIT:?}");
}

/// The living processes with this parent.
fn children(parent: u32) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| state(pid).is_some_and(|(state, of)| of == parent && state != 'Z')).collect()
}

/// The state of a process and its parent.
fn state(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut words = stat.rsplit(") ").next()?.split(' ');
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

/// True if a process is gone, or is a zombie waiting to be reaped by a parent that is not this test.
fn is_gone(pid: u32) -> bool {
    state(pid).is_none_or(|(state, _)| state == 'Z')
}

fn signal(name: &str, target: &str) -> bool {
    let killed = Command::new("kill").args([name, "--", target]).stderr(Stdio::null()).status().unwrap();
    killed.success()
}

fn assert_died(stderr: &str, killed: &[u32]) {
    // The earlier runs of a series are kept, and their notices precede the error, which names the failed run.
    let errors: Vec<&str> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    let named = killed.iter().any(|pid| {
        (0..3).any(|process| {
            let name = format!("process {process} (pid {pid}) died (signal: 9 (SIGKILL))");
            errors.iter().all(|error| error.contains(&name))
        })
    });
    assert!(named && errors.len() == 1 && stderr.ends_with(&format!("{}\n", errors[0])), "{killed:?}: {stderr}");
}

#[test]
fn a_process_killed_at_any_moment_ends_the_run_and_is_named() {
    for (attempt, transport) in (0..12).zip(["udp", "udp-shard"].into_iter().cycle()) {
        let run = Run::start(&format!("{ENDLESS} --processes 3 --transport {transport}"));
        run.processes(3);
        std::thread::park_timeout(Duration::from_millis(attempt * 7));
        let mut killed = Vec::new();
        let parent = run.parent.id();
        // A process that was about to end may do so before the signal comes: then the next is tried.
        wait_for("a process to kill", || {
            if let Some(&victim) = children(parent).get(attempt as usize % 3) {
                let is_hit = signal("-KILL", &victim.to_string());
                killed.extend(is_hit.then_some(victim));
            }
            let is_ending = Path::new(&format!("/proc/{parent}/stat")).exists() && is_gone(parent);
            is_ending.then_some(())
        });
        let (code, _, stderr) = run.end();
        assert_eq!(code, Some(3), "{stderr}");
        assert_died(&stderr, &killed);
        assert!(killed.into_iter().all(is_gone));
    }
}

#[test]
fn a_process_that_does_not_exit_is_killed_too() {
    let line = "--nodes 20000 --threads 1 --processes 3 --transport udp-shard --until quiescent --timeout 0 --quiet";
    let run = Run::start(line);
    let processes = run.processes(3);
    // The first now waits, at whatever it was doing, and the others wait for it.
    assert!(signal("-STOP", &processes[0].to_string()));
    assert!(signal("-KILL", &processes[1].to_string()));
    let (code, _, stderr) = run.end();
    assert_eq!(code, Some(3), "{stderr}");
    assert_died(&stderr, &[processes[1]]);
    assert!(processes.into_iter().all(is_gone));
}

#[test]
fn no_process_outlives_its_parent() {
    let mut run = Run::start(&format!("{ENDLESS} --processes 3 --transport udp"));
    let processes = run.processes(3);
    run.parent.kill().unwrap();
    run.parent.wait().unwrap();
    wait_for("the end of all", || processes.iter().all(|&pid| is_gone(pid)).then_some(()));
}

#[test]
fn a_signal_that_goes_to_all_ends_them_with_a_report() {
    for (name, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let run = Run::start("--nodes 300 --threads 1 --runs 10000 --processes 2 --format json");
        // After the warm-up and the first run there is something to report.
        let mut seen = run.processes(2);
        for _ in 0..2 {
            seen.extend(wait_for("the next run", || {
                let now = children(run.parent.id());
                (now.len() == 2 && now.iter().all(|pid| !seen.contains(pid))).then_some(now)
            }));
        }
        assert!(signal(name, &format!("-{}", run.parent.id())));
        let (got, stdout, stderr) = run.end();
        assert_eq!((got, stderr.as_str()), (Some(code), ""));
        let report: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((&report["ledger"]["balanced"], report["processes"].as_array().unwrap().len()), (&true.into(), 2));
    }
}

/// Each process has a descriptor limit of its own.
#[test]
fn more_nodes_than_one_process_may_open_sockets() {
    let bulkprop = env!("CARGO_BIN_EXE_bulkprop");
    let limited = |processes: u32| {
        let line = format!(
            "ulimit -Sn 100 && ulimit -Hn 300 && exec {bulkprop} --nodes 600 --threads 1 --processes {processes} --ttl auto"
        );
        Command::new("sh").args(["-c", &line]).output().unwrap()
    };
    let refused = limited(2);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("with 1 threads in each of 2 processes") && said.contains("more --processes"), "{said}");
    let enough = limited(3);
    assert!(enough.status.success(), "{}", String::from_utf8_lossy(&enough.stderr));
}

/// Takes some seconds, and a hundred thousand sockets.
#[test]
#[ignore = "opens a hundred thousand sockets"]
fn a_hundred_thousand_nodes_with_a_socket_each() {
    let line = "--transport udp --nodes 100000 --processes 8 --ttl auto --timeout 60s --format json";
    let (code, text, wrong) = output(&mut bulkprop(line.split(' ')));
    assert_eq!((code, wrong.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&text).unwrap();
    assert!(report["reached"].as_u64().unwrap() >= 95_000);
    assert_eq!(report["ledger"]["balanced"], true);
}
