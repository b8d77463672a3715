//! A trace sums to the ledger and to the figures of each node, line by line, changes no figure, and is the same bytes
//! on any number of threads.

use crate::draw::Options;
use crate::invariants::{comparable, count, difference, ensure, parts, variant};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A line of a trace.
struct Line<'a> {
    times: [i128; 2],
    from: &'a str,
    to: &'a str,
    /// True if it is about no order, and so neither an order nor a control message. Its bytes count from time 0 on:
    /// what is sent in the warm-up is counted apart.
    is_upkeep: bool,
    kind: &'a str,
    bytes: i128,
    fate: &'a str,
    sequence: u64,
}

impl<'a> Line<'a> {
    fn of(text: &'a str) -> Option<Line<'a>> {
        let fields: Vec<&str> = text.split(',').collect();
        let [sent, decided, from, to, order, kind, _hop, bytes, fate, sequence] = fields[..] else { return None };
        let times = [sent.parse().ok()?, decided.parse().ok()?];
        let (bytes, sequence) = (bytes.parse().ok()?, sequence.parse().ok()?);
        Some(Line { times, from, to, is_upkeep: order.is_empty(), kind, bytes, fate, sequence })
    }

    /// A line of a file of sends or receipts, which has one time and no sequence.
    fn of_side(text: &'a str) -> Option<Line<'a>> {
        let fields: Vec<&str> = text.split(',').collect();
        let [time, from, to, order, kind, _hop, bytes, fate] = fields[..] else { return None };
        let (time, bytes) = (time.parse().ok()?, bytes.parse().ok()?);
        Some(Line { times: [time; 2], from, to, is_upkeep: order.is_empty(), kind, bytes, fate, sequence: 0 })
    }

    fn is_received(&self) -> bool {
        ["delivered", "duplicate", "expired"].contains(&self.fate)
    }

    /// The sequence of the lines.
    fn rank(&self) -> (i128, u64, u64, u64) {
        let id = |node: &str| node.parse().unwrap_or(u64::MAX);
        (self.times[1], id(self.to), id(self.from), self.sequence)
    }
}

/// Runs a scenario on its real carrier with a trace, and checks the files of sends and of receipts against the report
/// of this very run.
pub(crate) fn ensure_sides(options: &Options) -> Result<(), String> {
    let folder = tempfile::TempDir::new().map_err(|error| error.to_string())?;
    let at = |name: &str| folder.path().join(name);
    let traced = options.with("trace", &at("t.csv").to_string_lossy());
    let report = variant(&traced.with("nodes-csv", &at("nodes.csv").to_string_lossy()))?;
    let read = |name: &str| fs::read_to_string(at(name)).map_err(|error| error.to_string());
    let (sends, receipts, nodes) = (read("t.sends.csv")?, read("t.receipts.csv")?, read("nodes.csv")?);
    let [sends, receipts] = [&sends, &receipts].map(|text| text.lines().skip(1).map(Line::of_side).collect());
    let (sends, receipts): (Option<Vec<Line<'_>>>, Option<Vec<Line<'_>>>) = (sends, receipts);
    let (sends, receipts) = sends.zip(receipts).ok_or("a line of a side has other fields")?;
    for lines in [&sends, &receipts] {
        ensure(lines.is_sorted_by_key(|line| line.times), || "a side is not sorted".to_owned())?;
    }
    let of = |lines: &[Line<'_>], fate: &str| lines.iter().filter(|line| line.fate == fate).count() as i128;
    let sum = |field: &str| Ok::<_, String>(crate::invariants::sum(&report["workers"], field));
    let [sent, taken_back] = ["sent", "taken_back"].map(|fate| of(&sends, fate));
    for (found, expected, named) in [
        (sent + taken_back, sends.len() as i128, "sends"),
        (sent - taken_back, count(&report, "/ledger/sent")?, "sent"),
        (receipts.len() as i128, count(&report, "/ledger/received")?, "received"),
        (of(&receipts, "duplicate"), sum("duplicates")?, "duplicates"),
    ] {
        ensure(found == expected, || format!("the sides have {found} {named}, the report {expected}"))?;
    }
    let is_received = receipts.iter().all(Line::is_received);
    ensure(is_received, || "a receipt has a fate of another kind".to_owned())?;
    let mut sums = BTreeMap::<&str, [i128; 4]>::new();
    for line in receipts.iter().filter(|line| line.times[1] >= 0) {
        let sums = sums.entry(line.to).or_default();
        sums[0] += i128::from(line.kind == "payload");
        sums[2] += line.bytes;
    }
    for line in sends.iter().filter(|line| line.times[0] >= 0) {
        let (sums, sign) = (sums.entry(line.from).or_default(), if line.fate == "sent" { 1 } else { -1 });
        sums[1] += sign * i128::from(line.kind == "payload");
        sums[3] += sign * line.bytes;
    }
    ensure_sums_of_nodes(sums, &nodes)
}

/// Checks the trace of a run in virtual time against its report.
pub(crate) fn ensure_trace(options: &Options, report: &Value) -> Result<(), String> {
    let folder = tempfile::TempDir::new().map_err(|error| error.to_string())?;
    let [file, nodes] = ["trace.csv", "nodes.csv"].map(|name| folder.path().join(name));
    let traced = options.with("trace", &file.to_string_lossy());
    variant(&options.with("nodes-csv", &nodes.to_string_lossy()))?;
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| error.to_string());
    if let Some(place) = difference("", &comparable(report), &comparable(&variant(&traced)?)) {
        return Err(format!("a trace changes {place}"));
    }
    let text = read(&file)?;
    let lines: Option<Vec<Line<'_>>> = text.lines().skip(1).map(Line::of).collect();
    let lines = lines.ok_or("a line of the trace has other fields")?;
    ensure(lines.is_sorted_by_key(Line::rank), || "the trace is not sorted".to_owned())?;
    ensure(lines.iter().all(|line| line.times[0] <= line.times[1]), || "a fate precedes its message".to_owned())?;
    if options.get("latency").is_some_and(|latency| latency.ends_with(",ordered")) {
        ensure_order_of(&lines)?;
    }
    ensure_ledger_of(&lines, report)?;
    ensure_nodes_of(&lines, &read(&nodes)?)?;
    let most = options.get("nodes").map_or(10, |nodes| nodes.parse().unwrap_or(10));
    for threads in [1, 2, 3, 5].into_iter().filter(|&threads| threads <= most) {
        let again = folder.path().join("again.csv");
        variant(&traced.with("trace", &again.to_string_lossy()).with("threads", &threads.to_string()))?;
        ensure(read(&again)? == text, || format!("the trace on {threads} threads differs"))?;
    }
    Ok(())
}

/// Checks that no message was received before one that left earlier on the same link.
fn ensure_order_of(lines: &[Line<'_>]) -> Result<(), String> {
    let mut last = BTreeMap::<_, u64>::new();
    for line in lines.iter().filter(|line| line.is_received()) {
        let before = last.insert((line.from, line.to), line.sequence).unwrap_or(0);
        ensure(before <= line.sequence, || format!("{} to {}: {before} overtaken", line.from, line.to))?;
    }
    Ok(())
}

/// The messages that left their senders, each once, whatever copies the network made of it.
fn sent<'a>(lines: &'a [Line<'a>]) -> Vec<&'a Line<'a>> {
    let mut known = BTreeSet::new();
    let left = lines.iter().filter(|line| line.fate != "uplink_dropped");
    left.filter(|line| known.insert((line.from, line.sequence))).collect()
}

/// Checks the numbers of lines by fate and kind against every entry of the ledger.
fn ensure_ledger_of(lines: &[Line<'_>], report: &Value) -> Result<(), String> {
    let of = |fates: &[&str]| lines.iter().filter(|line| fates.contains(&line.fate)).count() as i128;
    let sent = sent(lines);
    let copies = lines.len() - sent.len() - of(&["uplink_dropped"]) as usize;
    let is_control = |line: &&Line<'_>| line.kind != "payload" && !line.is_upkeep;
    let controls = |lines: &mut dyn Iterator<Item = &Line<'_>>| lines.filter(is_control).count();
    let orders_sent = sent.iter().filter(|line| line.kind == "payload").count();
    // Of what a worker received, upkeep is among the control messages.
    let received = lines.iter().filter(|line| line.is_received() && line.kind != "payload").count();
    let worker = |field: &str| count(&report["workers"][0], &format!("/{field}"));
    let control_sent = controls(&mut sent.iter().copied());
    for (found, expected, named) in [
        (sent.len() as i128, count(report, "/ledger/sent")?, "sent"),
        (copies as i128, count(report, "/ledger/model_duplicated")?, "copies"),
        (of(&["delivered", "duplicate", "expired"]), count(report, "/ledger/received")?, "received"),
        (of(&["lost", "cut", "down"]), count(report, "/ledger/model_lost")?, "lost"),
        (of(&["dropped"]), count(report, "/ledger/model_dropped")?, "dropped"),
        (of(&["uplink_dropped"]), count(report, "/ledger/uplink_dropped")?, "dropped at uplinks"),
        (of(&["under_way"]), count(report, "/ledger/in_flight_at_stop")?, "under way"),
        (of(&["duplicate"]), worker("duplicates")?, "duplicates"),
        (
            control_sent as i128,
            count(report, "/control_messages")? + parts(report, "sent"),
            "control messages and parts sent",
        ),
        (received as i128, worker("control_received")?, "control messages received"),
        (orders_sent as i128, count(report, "/messages")?, "orders sent"),
        (
            sent.iter().filter(|line| line.times[0] >= 0).map(|line| line.bytes).sum(),
            count(report, "/bytes")?,
            "bytes sent",
        ),
    ] {
        ensure(found == expected, || format!("the trace has {found} {named}, the report {expected}"))?;
    }
    Ok(())
}

/// Checks the sums of each node against its line in the nodes file.
fn ensure_nodes_of(lines: &[Line<'_>], nodes: &str) -> Result<(), String> {
    let mut sums = BTreeMap::<&str, [i128; 4]>::new();
    for line in lines.iter().filter(|line| line.is_received() && line.times[1] >= 0) {
        let sums = sums.entry(line.to).or_default();
        sums[0] += i128::from(line.kind == "payload");
        sums[2] += line.bytes;
    }
    for line in sent(lines).into_iter().filter(|line| line.times[0] >= 0) {
        let sums = sums.entry(line.from).or_default();
        sums[1] += i128::from(line.kind == "payload");
        sums[3] += line.bytes;
    }
    ensure_sums_of_nodes(sums, nodes)
}

/// Checks copies, messages sent, bytes in and bytes out of each node against its line in the nodes file.
fn ensure_sums_of_nodes(mut sums: BTreeMap<&str, [i128; 4]>, nodes: &str) -> Result<(), String> {
    for line in nodes.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let found = sums.remove(fields[0]).unwrap_or_default();
        let expected: Option<Vec<i128>> = fields[6..10].iter().map(|field| field.parse().ok()).collect();
        ensure(expected.as_deref() == Some(&found), || format!("node {}: {found:?}, {line}", fields[0]))?;
    }
    ensure(sums.is_empty(), || "the trace has a node that the nodes file has not".to_owned())
}
