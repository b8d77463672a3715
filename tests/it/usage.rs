//! Tests the real binary on a bad command line: exit code 2, one message on standard error, nothing on standard output.
//!
//! The messages themselves are tested where they are written, in `scenario`. Here each kind of mistake must leave the
//! process as one whole message.

use crate::command::{bulkprop, output};
use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Asserts one message that contains all `parts`, and no other output.
#[track_caller]
fn assert_refused(command: &mut Command, parts: &[&str]) {
    let (code, stdout, stderr) = output(command);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.starts_with("error: ") && stderr.matches("error:").count() == 1, "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{part:?} is not in {stderr}");
    }
}

#[test]
fn values_outside_their_limits() {
    for (line, limit) in [
        ("--nodes 0", "1 to 4294967295"),
        ("--nodes -5", "1 to 4294967295"),
        ("--nodes abc", "1 to 4294967295"),
        ("--nodes 1e400", "1 to 4294967295"),
        ("--nodes 99999999999999999999999999", "1 to 4294967295"),
        ("--threads 0", "1 to 1024"),
        ("--threads 1000000", "1 to 1024"),
        ("--peers -1", "0 to 4294967294"),
        ("--fanout 0", "1 to 4294967295"),
        ("--ttl 0", "1 to 255"),
        ("--ttl 300", "1 to 255"),
        ("--target 1.5", "above 0 and at most 1"),
        ("--target -0.1", "above 0 and at most 1"),
        ("--target 0", "above 0 and at most 1"),
        ("--target NaN", "above 0 and at most 1"),
        ("--target 1e400", "above 0 and at most 1"),
        ("--timeout -3s", "3s, 250ms or 40us"),
        ("--timeout 3", "3s, 250ms or 40us"),
        ("--seed 1.5", "0 to 18446744073709551615"),
        ("--payload-bytes 17MB", "0 to 16777216"),
        ("--payload-bytes 99999999999999999999", "0 to 16777216"),
        ("--payload-bytes 64K", "64kB or 64KiB"),
        ("--receive-buffer 1", "1152 to 1073741823"),
        ("--runs 0", "1 to 10000"),
        ("--transport pigeon", "udp"),
        ("--topology mesh", "erdos-renyi"),
        ("--until forever", "target, quiescent"),
        ("--pin all", "spread, compact, none"),
        ("--spin sometimes", "auto, always, never"),
        ("--format xml", "text, json"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert_refused(&mut bulkprop(&words), &[words[0], words[1], limit]);
    }
}

#[test]
fn options_that_contradict_each_other() {
    for (line, parts) in [
        ("--nodes 10 --peers 20", ["--peers 20", "--nodes 10", "at most 9"]),
        ("--topology ring --peers 20", ["--peers 20", "--topology ring", "leave --peers out"]),
        ("--nodes 10 --origin 10", ["--origin 10", "--nodes 10", "at most --origin 9"]),
        ("--nodes 4 --threads 8", ["--threads 8", "--nodes 4", "at most --threads 4"]),
        ("--nodes 9 --peers 3 --topology random-regular", ["--nodes 9", "--peers 3", "even"]),
        ("--nodes 10 --peers 0", ["--peers 0", "erdos-renyi", "at least 1"]),
        ("--payload-bytes 64KiB", ["--payload-bytes 65536", "--transport udp", "--payload-bytes 1399, or choose"]),
        ("--payload-bytes 0..1MiB", ["--payload-bytes 0..1048576", "one datagram", "--transport memory or simulated"]),
        ("--quiet --format json", ["--quiet", "--format json", "leave one of them out"]),
        ("--transport simulated --adversary censor:0.1,origin=30", ["--adversary origin=30", "--nodes 10", "origin=9"]),
        ("--transport simulated --partition region=no", ["--partition region=no", "--network", "choose one"]),
        ("--transport simulated --down 50%,region=no", ["--down region=no", "--network", "choose one"]),
        ("--print-config --format json", ["--print-config", "--format", "--help"]),
        ("--nodes 10 --nodes 20", ["--nodes", "multiple times", "--help"]),
    ] {
        assert_refused(&mut bulkprop(line.split(' ')), &parts);
    }
}

#[test]
fn numbers_below_zero_are_values_in_every_command() {
    for (line, parts) in [
        ("knee --limit -1ms", ["--limit -1ms: ", "not a span of time"]),
        ("knee --span -1s", ["--span -1s: ", "-1"]),
        ("knee --least -1/s", ["--least -1/s: ", "0.000001/s to 1000000000/s"]),
        ("knee --most -1", ["--most -1: ", "-1"]),
        ("knee --nodes -5", ["--nodes -5", "1 to 4294967295"]),
        ("knee --precision -1", ["--precision -1: ", "-1"]),
        ("knee --precision 101%", ["--precision 101%: ", "1 to 100 percent"]),
        ("validate --seed -1", ["--seed -1: ", "0 to 1000000000"]),
        ("validate --threads -1", ["--threads -1: ", "1 to 1024"]),
    ] {
        let (_, _, stderr) = output(&mut bulkprop(line.split(' ')));
        assert!(!stderr.contains("unexpected argument"), "{line}: {stderr}");
        assert_refused(&mut bulkprop(line.split(' ')), &parts);
    }
}

#[test]
fn a_schedule_that_outlasts_the_clock() {
    assert_refused(
        &mut bulkprop("--transport simulated --orders 4000 --rate 0.000001/s".split(' ')),
        &["--orders 4000", "--rate 0.000001/s", "127 years", "at most 100 years", "--orders 3155"],
    );
    let line = "--transport simulated --orders 3155 --rate 0.000001/s --nodes 3 --threads 1 --quiet --timeout";
    for timeout in ["0", "1s", "18446744073s"] {
        let (code, _, stderr) = output(bulkprop(line.split(' ')).arg(timeout));
        assert_eq!(code, Some(0), "{timeout}: {stderr}");
    }
}

#[test]
fn values_of_any_length() {
    let shares = vec!["0.1"; 30_000].join(",");
    let zeros = format!("{}1", "0".repeat(100_000));
    for arguments in [
        ["--threads", &zeros],
        ["--topology", &format!("file:{zeros}")],
        ["--topology", &zeros],
        ["--network", &format!("{zeros}.csv")],
        ["--latency", &zeros],
        ["--down", &shares],
        ["--churn", &shares],
        ["--partition", &shares],
        ["--adversary", &shares],
        ["--nodes-csv", &zeros],
        ["--config", &zeros],
        ["--format", &zeros],
    ] {
        let (code, _, stderr) = output(bulkprop(["--transport", "simulated"]).args(arguments));
        assert!(matches!(code, Some(0 | 2)) && !stderr.contains("panicked"), "{}: {stderr}", arguments[0]);
    }
    // As many faults as one argument holds: the report lists them all.
    let cuts = vec!["50%,at=10s,heal=11s"; 4_500].join("+");
    let (code, stdout, stderr) =
        output(bulkprop(["--transport", "simulated", "--nodes", "9", "--partition"]).arg(&cuts));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("heal=11s+0.5"), "{}", stdout.len());
}

#[test]
fn arguments_that_are_not_flags() {
    assert_refused(&mut bulkprop(["--fanuot", "3"]), &["--fanuot", "'--fanout'"]);
    assert_refused(&mut bulkprop(["order"]), &["'order'", "--help"]);
    assert_refused(&mut bulkprop(["--nodes"]), &["--nodes", "value is required"]);
    assert_refused(&mut bulkprop(["--nodes", "--threads", "2"]), &["--nodes", "value is required"]);
    assert_refused(&mut bulkprop(["--nodes", ""]), &["--nodes ''", "digits"]);
    assert_refused(&mut bulkprop(["--pin", "\u{1b}[31m\n"]), &[r"--pin '\u{1b}[31m\n'"]);
}

#[cfg(unix)]
#[test]
fn bytes_that_are_not_text() {
    use std::os::unix::ffi::OsStrExt;
    let bytes = OsStr::from_bytes(b"\xff");
    assert_refused(&mut bulkprop([OsStr::new("--nodes"), bytes]), &["UTF-8"]);
    assert_refused(&mut bulkprop([bytes]), &["unrecognized subcommand"]);
}

#[test]
fn files_of_options_that_cannot_be_used() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("scenario.toml");
    for (text, parts) in [
        ("nodes = 10\npeers = 20\n", ["--peers 20", "--nodes 10", "at most 9"]),
        ("\nnodes = -1\n", ["scenario.toml\", line 2", "nodes = -1", "1 to 4294967295"]),
        ("node = 10\n", ["line 1", "node;", "did you mean `nodes`"]),
        ("nodes = \n", ["line 1", "not TOML", "option = value"]),
        ("ttl = [6]\n", ["line 1", "`ttl`", "a list"]),
    ] {
        fs::write(&path, text).unwrap();
        assert_refused(bulkprop(["--config"]).arg(&path), &parts);
    }
    fs::write(&path, b"nodes = \xff").unwrap();
    assert_refused(bulkprop(["--config"]).arg(&path), &["--config", "UTF-8"]);
    fs::write(&path, "# long\n".repeat(10_000)).unwrap();
    assert_refused(bulkprop(["--config"]).arg(&path), &["--config", "longer than 65536 bytes"]);
    assert_refused(bulkprop(["--config"]).arg(folder.path()), &["--config", "name a readable TOML file"]);
    assert_refused(bulkprop(["--config"]).arg(folder.path().join("none")), &["--config", "none\"", "No such file"]);
}

#[test]
fn a_file_of_figures_that_cannot_be_created_is_found_before_the_run() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("none").join("nodes.csv");
    assert_refused(bulkprop(["--nodes-csv"]).arg(path), &["--nodes-csv", "nodes.csv", "name a file"]);
}

#[test]
fn the_effective_scenario_reads_back_as_itself() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("scenario.toml");
    let (code, first, _) = output(&mut bulkprop("--print-config --nodes 1000 --ttl auto --timeout 0".split(' ')));
    assert_eq!(code, Some(0));
    assert!(first.contains("nodes = 1000\n") && first.contains("ttl = \"auto\"\n"), "{first}");
    fs::write(&path, &first).unwrap();
    let (_, second, _) = output(bulkprop(["--print-config", "--config"]).arg(&path));
    assert_eq!(first, second);
    let (_, third, _) = output(bulkprop(["--print-config", "--nodes", "500", "--config"]).arg(&path));
    assert_eq!(third, first.replace("nodes = 1000\n", "nodes = 500\n"));
}

#[test]
fn help_names_every_option_with_its_default() {
    let (code, help, stderr) = output(&mut bulkprop(["--help"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let (_, options) = help.split_once("\nOverlay:\n").unwrap();
    let (options, _) = options.split_once("\nInput and output:\n").unwrap();
    // An option is a line with its flag and the paragraphs below it.
    for option in options.split("\n\n").fold(Vec::<String>::new(), |mut options, part| {
        match part.trim_start().starts_with('-') || part.ends_with(':') {
            true => options.push(part.to_owned()),
            false => options.last_mut().unwrap().push_str(part),
        }
        options
    }) {
        assert!(option.contains("[default:"), "{option}");
    }
}

#[test]
fn a_closed_standard_output_is_not_a_failure() {
    for arguments in [["--print-config", "--seed=7"], ["--print-config", "--help"]] {
        let mut child = bulkprop(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
    }
}
