//! The invariants of every run, whatever its options.

use crate::draw::Options;
use crate::trace::{ensure_sides, ensure_trace};
use serde_json::Value;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// Polls of a process, a hundredth of a second apart, within which every scenario of the swarm must end.
const POLLS: u32 = 12_000;

/// A run of the binary that has ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs a scenario; returns the invariant that it violates, or `true` if it was rejected, as it may be.
pub(crate) fn violation(options: &Options) -> Result<bool, String> {
    let ended = run(&words(options))?;
    let Some(report) = report_of(&ended)? else { return Ok(true) };
    ensure_ledger(&report)?;
    ensure_sums(&report)?;
    ensure_times(&report)?;
    ensure_exit(&report, ended.code)?;
    ensure_nodes_file(options, &report)?;
    if options.is_virtual() {
        ensure_lines(options, &report)?;
        ensure_repeats(options, &report)?;
        ensure_trace(options, &report)?;
        ensure_one_time_to_target(options)?;
        ensure_carriers_agree(options)?;
    } else {
        ensure_sides(options)?;
    }
    Ok(false)
}

/// The arguments of a scenario, with its report in JSON.
fn words(options: &Options) -> Vec<String> {
    let pairs = options.0.iter().flat_map(|(name, value)| [format!("--{name}"), value.clone()]);
    pairs.filter(|word| !word.is_empty()).chain(["--format".to_owned(), "json".to_owned()]).collect()
}

/// Runs the binary to its end, which must come.
fn run(words: &[String]) -> Result<Ended, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bulkprop"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let read = |mut pipe: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).map(|_| text)
        })
    };
    let stdout = read(Box::new(child.stdout.take().expect("a pipe")));
    let stderr = read(Box::new(child.stderr.take().expect("a pipe")));
    let mut status = None;
    for _ in 0..POLLS {
        status = child.try_wait().map_err(|error| error.to_string())?;
        if status.is_some() {
            break;
        }
        #[expect(clippy::disallowed_methods, reason = "a test that watches a process has nothing else to wait with")]
        thread::sleep(Duration::from_millis(10));
    }
    let Some(status) = status else {
        let _ = child.kill();
        return Err("it does not end".to_owned());
    };
    let text = |reader: thread::JoinHandle<std::io::Result<String>>| {
        reader.join().map_err(|_| "a reader panicked".to_owned())?.map_err(|error| format!("no text: {error}"))
    };
    Ok(Ended { code: status.code(), stdout: text(stdout)?, stderr: text(stderr)? })
}

/// The report of a run; `None` if the scenario was rejected in one sentence.
fn report_of(ended: &Ended) -> Result<Option<Value>, String> {
    let Ended { code, stdout, stderr } = ended;
    if stderr.contains("panicked") {
        return Err(format!("it panicked: {stderr}"));
    }
    match code {
        Some(0 | 1) => {
            let report = serde_json::from_str(stdout).map_err(|error| format!("no JSON ({error}): {stdout:.200}"))?;
            Ok(Some(report))
        }
        Some(2) if stdout.is_empty() && stderr.starts_with("error: ") && stderr.matches("error:").count() == 1 => {
            Ok(None)
        }
        other => Err(format!("exit code {other:?}: {stderr} {}", verdict(stdout))),
    }
}

/// The ledger of a run, for the message about one that does not balance.
fn verdict(stdout: &str) -> String {
    let report: Value = serde_json::from_str(stdout).unwrap_or_default();
    report["ledger"].to_string()
}

/// Returns `what` as an error unless `holds` is true.
pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// A count in a report.
pub(crate) fn count(report: &Value, path: &str) -> Result<i128, String> {
    let number = report.pointer(path).and_then(Value::as_i64).ok_or_else(|| format!("there is no {path}"))?;
    Ok(number.into())
}

/// The sum of a field over a list.
pub(crate) fn sum(list: &Value, field: &str) -> i128 {
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().map(|item| i128::from(item[field].as_i64().unwrap_or(0))).sum()
}

/// Checks the ledger's identity, and the workers' own counts against it.
fn ensure_ledger(report: &Value) -> Result<(), String> {
    let ledger = &report["ledger"];
    let of = |field: &str| count(ledger, &format!("/{field}"));
    let missing = match (&ledger["missing"], &ledger["kernel_dropped"]) {
        (Value::Object(missing), _) => i128::from(missing["messages"].as_i64().unwrap_or(0)),
        (_, dropped) => i128::from(dropped.as_i64().unwrap_or(0)),
    };
    let left = of("sent")? + of("model_duplicated")?;
    let right = of("received")? + of("in_flight_at_stop")? + of("model_lost")? + of("model_dropped")? + missing;
    ensure(left == right, || format!("the ledger does not add up: {left} and {right}: {ledger}"))?;
    ensure(ledger["balanced"] == true && of("unaccounted")? == 0, || format!("out of balance: {ledger}"))?;
    ensure(of("held")? <= of("in_flight_at_stop")?, || format!("held is no part of in flight: {ledger}"))?;
    let workers = &report["workers"];
    for field in ["sent", "received", "queued_unsent", "model_lost", "model_dropped", "model_duplicated", "held"] {
        let (all, each) = (of(field)?, sum(workers, field));
        ensure(all == each, || format!("workers have {each} {field}, the ledger {all}"))?;
    }
    let upkeep: i128 =
        ["/upkeep/sent", "/upkeep/warm_up_sent"].iter().filter_map(|path| count(report, path).ok()).sum();
    let whole = count(report, "/messages")? + count(report, "/control_messages")?;
    let (all, sent) = (of("sent")?, whole + upkeep + parts(report, "sent"));
    ensure(sent == all, || format!("{sent} messages, {all} in the ledger"))
}

/// A count of the parts of orders; 0 where orders travel whole.
pub(crate) fn parts(report: &Value, field: &str) -> i128 {
    count(report, &format!("/ledger/parts/{field}")).unwrap_or(0)
}

/// Checks that counts of the same quantity are equal.
fn ensure_sums(report: &Value) -> Result<(), String> {
    let of = |path: &str| count(report, path);
    let (reached, counted, residue) = (of("/reached")?, of("/counted")?, of("/residue")?);
    ensure(reached + residue == counted, || format!("{reached} reached and {residue} not of {counted}"))?;
    let hops: i128 = report["hops"].as_array().into_iter().flatten().filter_map(Value::as_i64).map(i128::from).sum();
    ensure(hops == reached, || format!("{reached} reached, {hops} by hop"))?;
    let binned = sum(&report["delay_bins"], "nodes");
    ensure(binned == reached, || format!("{reached} reached, {binned} in bins"))?;
    let stop = of("/at_stop/reached")?;
    ensure(stop <= reached, || format!("{stop} reached at the stop, {reached} in all"))?;
    let explained = of("/ledger/explained_receipts")?;
    let received = of("/ledger/received")?;
    ensure(explained == received, || format!("{received} received, {explained} explained"))?;
    let [came, useful, late] = ["received", "useful", "late"].map(|field| parts(report, field));
    ensure(came == useful + late, || format!("{came} parts received, {useful} useful and {late} late"))?;
    if let Value::Object(bulk) = &report["bulk"] {
        let outcomes = ["reached", "died_out", "missed", "not_published", "under_way"];
        let counts = outcomes.iter().map(|outcome| of(&format!("/bulk/{outcome}")));
        let sum: i128 = counts.collect::<Result<Vec<_>, _>>()?.iter().sum();
        ensure(sum == i128::from(bulk["orders"].as_i64().unwrap_or(-1)), || format!("outcomes of {sum} orders"))?;
    }
    Ok(())
}

/// Checks that times and percentiles ascend.
fn ensure_times(report: &Value) -> Result<(), String> {
    let ascends = |of: &Value, fields: &[&str]| {
        let times: Vec<Option<u64>> = fields.iter().map(|field| of[field].as_u64()).collect();
        let known: Vec<u64> = times.iter().flatten().copied().collect();
        // A time that was not reached is later than any.
        let is_whole = times.iter().skip_while(|time| time.is_some()).all(Option::is_none);
        ensure(known.is_sorted() && is_whole, || format!("{fields:?} do not ascend: {of}"))
    };
    ascends(&report["time_to_ns"], &["50", "90", "95", "99", "100"])?;
    let percentiles = ["p50", "p90", "p95", "p99", "p99_9", "max"];
    ascends(&report["delay_ns"], &percentiles)?;
    for times in ["time_to_50_ns", "time_to_95_ns", "time_to_99_ns", "time_to_target_ns", "published_late_ns"] {
        ascends(&report["bulk"][times], &["p50", "p90", "p99", "p99_9", "max"])?;
    }
    let (mean, max) = (report["delay_ns"]["mean"].as_u64(), report["delay_ns"]["max"].as_u64());
    ensure(mean <= max, || format!("the mean delay exceeds the greatest: {}", report["delay_ns"]))
}

/// Checks the exit code against the report.
fn ensure_exit(report: &Value, code: Option<i32>) -> Result<(), String> {
    let expected = if report["goal_met"] == true { 0 } else { 1 };
    ensure(code == Some(expected), || format!("exit code {code:?}, goal_met {}", report["goal_met"]))
}

/// Runs the scenario again on other threads, by the general engine, and from its replay command: the report must be the
/// same.
fn ensure_repeats(options: &Options, report: &Value) -> Result<(), String> {
    let again = |what: &str, words: &[String]| {
        let ended = run(words)?;
        let Some(other) = report_of(&ended)? else { return Err(format!("{what} is refused: {}", ended.stderr)) };
        let (one, other) = (comparable(report), comparable(&other));
        match difference("", &one, &other) {
            Some(where_) => Err(format!("{what} differs at {where_}")),
            None => Ok(()),
        }
    };
    let nodes: u64 = options.get("nodes").and_then(|nodes| nodes.parse().ok()).unwrap_or(10);
    let threads = if options.get("threads") == Some("1") { nodes.min(2) } else { 1 };
    again("another number of threads", &words(&options.with("threads", &threads.to_string())))?;
    again("the general engine", &words(&options.with("engine", "general")))?;
    let replay = report["replay"].as_str().unwrap_or_default();
    let words = shlex::split(replay).ok_or_else(|| format!("no command: {replay}"))?;
    let json = ["--format".to_owned(), "json".to_owned()];
    again("the replay command", &[&words[1..], &json[..]].concat())
}

/// Runs a variant of a scenario that was not rejected.
pub(crate) fn variant(options: &Options) -> Result<Value, String> {
    let ended = run(&words(options))?;
    report_of(&ended)?.ok_or_else(|| format!("a variant is refused: {}\n  bulkprop {options}", ended.stderr))
}

/// Checks the file of nodes against the report. Only in virtual time, which repeats, because the report lacks what was
/// not kept.
fn ensure_nodes_file(options: &Options, report: &Value) -> Result<(), String> {
    if !options.is_virtual() || options.get("orders").is_some() {
        return Ok(());
    }
    let directory = tempfile::TempDir::new().map_err(|error| error.to_string())?;
    let file = directory.path().join("nodes.csv");
    variant(&options.with("nodes-csv", &file.to_string_lossy()))?;
    let csv = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| -> Result<Vec<Option<i128>>, String> {
        let place = header.iter().position(|title| *title == name).ok_or_else(|| format!("no column {name}"))?;
        Ok(csv.lines().skip(1).map(|line| line.split(',').nth(place)?.parse().ok()).collect())
    };
    let total = |values: Vec<Option<i128>>| values.into_iter().flatten().sum::<i128>();
    let nodes = lines.count() as i128;
    ensure(nodes == count(report, "/nodes")?, || format!("{nodes} lines of nodes"))?;
    let received = count(report, "/ledger/received")? - sum(&report["workers"], "control_received");
    for (name, expected) in [("sent", count(report, "/messages")?), ("copies", received)] {
        let found = total(column(name)?);
        ensure(found == expected, || format!("nodes have {found} {name}, the report {expected}"))?;
    }
    let bytes = (total(column("bytes_out")?), count(report, "/bytes")?);
    ensure(bytes.0 == bytes.1, || format!("nodes sent {} bytes, the report has {}", bytes.0, bytes.1))
}

/// Checks the uplinks' capacity: no node's bytes out, with 28 of UDP and IPv4 for each message, exceed rate x time.
fn ensure_lines(options: &Options, report: &Value) -> Result<(), String> {
    let Some(lines) = options.get("bandwidth") else { return Ok(()) };
    let Some(up) = lines.split(',').find_map(|part| part.strip_prefix("up=")) else { return Ok(()) };
    let (number, unit) = up.split_at(up.find(|c: char| !c.is_ascii_digit()).unwrap_or(up.len()));
    let bits = number.parse::<f64>().map_err(|error| error.to_string())? * if unit == "mbit" { 1e6 } else { 1e3 };
    let (most, time) = (&report["bytes_per_node"]["out"]["max"], count(report, "/at_stop/time_ns")?);
    let (most, may) = (most.as_f64().unwrap_or(0.0), bits / 8.0 * time as f64 / 1e9);
    ensure(most <= may, || format!("a node sent {most} bytes over a line that carries {may} in {time} ns"))
}

/// Checks that the time to the target is one value, whatever ends the run.
fn ensure_one_time_to_target(options: &Options) -> Result<(), String> {
    if options.get("orders").is_some() {
        return Ok(());
    }
    let time = |until| Ok::<_, String>(variant(&options.with("until", until))?["time_to_target_ns"].clone());
    let (one, other) = (time("target")?, time("quiescent")?);
    ensure(one == other, || format!("the target is reached at {one} or at {other}, as --until has it"))
}

/// Options that only virtual time has, or with which coverage depends on which copy came first.
const NOT_ON_ALL: [&str; 10] =
    ["bandwidth", "processing", "down", "churn", "partition", "nat", "adversary", "exclude-sender", "orders", "engine"];

/// Checks, without a TTL limit, that push with independent losses covers the same nodes with the same messages on every
/// carrier.
fn ensure_carriers_agree(options: &Options) -> Result<(), String> {
    let is_push = options.get("protocol").is_none_or(|protocol| ["push", "push:auto"].contains(&protocol));
    let has_bursts = options.get("loss").is_some_and(|loss| loss.contains(':'));
    if !is_push || has_bursts || NOT_ON_ALL.iter().any(|option| options.get(option).is_some()) {
        return Ok(());
    }
    let whole = options.with("ttl", "255").with("until", "quiescent").with("timeout", "50s");
    let (one, other) = (variant(&whole)?, variant(&whole.with("transport", "memory"))?);
    for path in ["/reached", "/messages", "/ledger/model_lost", "/ledger/model_duplicated"] {
        let (one, other) = (count(&one, path)?, count(&other, path)?);
        ensure(one == other, || format!("{path} is {one} in virtual time and {other} in memory"))?;
    }
    Ok(())
}

/// A report without the fields that may differ between repetitions: the machine, and the requested threads and engine.
pub(crate) fn comparable(report: &Value) -> Value {
    let mut report = report.clone();
    if let Value::Object(fields) = &mut report {
        for field in ["machine", "host", "threads", "replay", "pinned", "notices"] {
            fields.remove(field);
        }
        let rows = fields.get_mut("runs").and_then(|runs| runs["each"].as_array_mut());
        for row in rows.into_iter().flatten().filter_map(Value::as_object_mut) {
            row.remove("machine");
        }
        if let Some(Value::Object(scenario)) = fields.get_mut("scenario") {
            // A replay names the numbers that `auto` resolved to.
            for option in ["threads", "engine", "ttl", "window"] {
                scenario.remove(option);
            }
        }
    }
    report
}

/// The first path at which two values differ.
pub(crate) fn difference(path: &str, one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(ones), Value::Object(others)) => {
            let names: std::collections::BTreeSet<&String> = ones.keys().chain(others.keys()).collect();
            names
                .into_iter()
                .find_map(|name| difference(&format!("{path}/{name}"), &one[name.as_str()], &other[name.as_str()]))
        }
        (Value::Array(ones), Value::Array(others)) if ones.len() == others.len() => {
            (0..ones.len()).find_map(|i| difference(&format!("{path}/{i}"), &ones[i], &others[i]))
        }
        _ if one == other => None,
        _ => Some(format!("{path}: {one} and {other}")),
    }
}
