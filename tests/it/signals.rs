//! Tests the signals that end the process: the report they leave, the exit code, and that ignored ones stay ignored.

use crate::command::{UnderWay, bulkprop, with_default_signals};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Minutes of computing in little memory, with progress on standard error from its first half second on.
const LONG: &str = "--transport simulated --nodes 1000 --topology complete --protocol flood --orders 5000 --rate 10/s --timeout 0 \
                    --progress --seed 1";

const ENDS: [(&str, i32); 3] = [("-INT", 130), ("-TERM", 143), ("-HUP", 129)];

fn start(line: &str) -> UnderWay {
    UnderWay::start(&mut bulkprop(line.split(' ')))
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// A named pipe, in a directory of its own.
fn pipe() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pipe").to_str().unwrap().to_owned();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    (folder, path)
}

/// Starts a command that reads its overlay from a pipe; returns the pipe's other end, which is open once the command
/// reads.
fn started_on_a_pipe(path: &str, line: &str) -> (Child, File) {
    let topology = format!("file:{path}");
    let mut command = bulkprop(line.split(' '));
    command.args(["--topology", &topology]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    (child, File::options().write(true).open(path).unwrap())
}

#[test]
fn each_ends_a_run_with_a_report() {
    for (name, code) in ENDS {
        let run = start(&format!("{LONG} --format json"));
        run.signal(name);
        let (got, stdout, stderr) = run.end();
        assert_eq!(got, Some(code), "{stderr}");
        let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((&report["outcome"], &report["ledger"]["balanced"]), (&"interrupted".into(), &true.into()));
        assert!(report["messages"].as_u64().unwrap() > 0);
    }
}

#[test]
fn each_ends_a_series_on_a_carrier_with_its_complete_runs() {
    for (name, code) in ENDS {
        let long = ["--nodes", "300", "--runs", "10000", "--threads", "2", "--format", "json"];
        let child = bulkprop(long).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let task = |id: u32| format!("/proc/{}/task/{id}/comm", child.id());
        let is_worker =
            |id: u32| id != child.id() && fs::read_to_string(task(id)).is_ok_and(|name| name != "signals\n");
        let workers = || -> Vec<u32> {
            let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
            let ids = tasks.map(|task| task.unwrap().file_name().to_str().unwrap().parse().unwrap());
            ids.filter(|&id| is_worker(id)).collect()
        };
        // Different worker threads mean the next run; after the warm-up and the first one there is something to report.
        let mut seen: Vec<u32> = Vec::new();
        for _ in 0..3 {
            let next = loop {
                let now = workers();
                if now.len() == 2 && now.iter().all(|worker| !seen.contains(worker)) {
                    break now;
                }
                std::thread::park_timeout(Duration::from_millis(1));
            };
            seen.extend(next);
        }
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["ledger"]["balanced"], true);
    }
}

#[test]
fn before_the_first_publication_one_sentence_is_all() {
    for (name, code) in ENDS {
        for line in
            ["--transport simulated --nodes 9", "--transport memory --nodes 9", "knee --transport memory --nodes 9"]
        {
            let (_folder, path) = pipe();
            let (child, _open) = started_on_a_pipe(&path, line);
            signal(&child, name);
            let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
            let said = String::from_utf8(stderr).unwrap();
            assert_eq!((status.code(), stdout.len(), said.lines().count()), (Some(code), 0, 1), "{line}: {said}");
            assert!(said.contains(&name[1..]) && said.contains("nothing to report"), "{said}");
        }
    }
}

#[test]
fn a_second_one_ends_the_process_at_once() {
    let (_folder, path) = pipe();
    // More than a pipe holds, so that the report waits for a reader that never reads.
    let line = LONG.replace("--nodes 1000", "--nodes 5000").replace("--orders 5000", "--orders 500");
    let mut command = bulkprop(line.split(' '));
    command.args(["--nodes-csv", &path]);
    let reader = std::thread::spawn(move || File::open(path).unwrap());
    let run = UnderWay::start(&mut command);
    let mut pipe = reader.join().unwrap();
    run.signal("-INT");
    // The first byte of figures means that the run is over.
    pipe.read_exact(&mut [0]).unwrap();
    run.signal("-TERM");
    let (code, stdout, stderr) = run.end();
    assert_eq!((code, stdout.as_str()), (Some(143), ""), "{stderr}");
}

#[test]
fn a_signal_ignored_at_the_start_stays_ignored() {
    for (ignored, others) in [("INT", [("-TERM", 143), ("-HUP", 129)]), ("HUP", [("-INT", 130), ("-TERM", 143)])] {
        for (name, code) in others {
            let line = format!("trap '' {ignored}; exec {} {LONG} --format json", env!("CARGO_BIN_EXE_bulkprop"));
            let mut shell = Command::new("sh");
            shell.args(["-c", &line]);
            with_default_signals(&mut shell);
            let run = UnderWay::start(&mut shell);
            run.signal(&format!("-{ignored}"));
            run.signal(name);
            let (got, stdout, stderr) = run.end();
            // Had the first signal counted, the second would have ended the process without a report.
            assert_eq!(got, Some(code), "{stderr}");
            assert!(serde_json::from_str::<serde_json::Value>(&stdout).is_ok(), "{ignored}, then {name}");
        }
    }
}

#[test]
fn each_command_gives_the_code_of_the_signal() {
    for (name, code) in ENDS {
        // A knee that takes far longer to find than this test; the first rate is reported before.
        let knee = "knee --transport simulated --nodes 200 --latency 1ms --limit 1s --precision 1 --seed 1";
        let run = start(knee);
        run.signal(name);
        let (got, stdout, stderr) = run.end();
        assert_eq!(got, Some(code), "{stderr}");
        assert!(stdout.contains("Interrupted"), "{stdout}");

        let mut child = bulkprop(["validate", "--threads", "1"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 200]).unwrap();
        signal(&child, name);
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(rest.contains("Interrupted"), "{rest}");

        let (_folder, path) = pipe();
        let line = LONG.replace("--topology complete", "--check-determinism").replace(" --progress", "");
        let (child, mut graph) = started_on_a_pipe(&path, &line);
        (0..1_000).for_each(|node| writeln!(graph, "{node} {}", (node + 1) % 1_000).unwrap());
        drop(graph);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len(), said.lines().count()), (Some(code), 0, 1), "{said}");
    }
}
