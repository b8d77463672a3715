//! iroh-gossip beside our Plumtree: one network, the same knobs and the same seeds, and a test of
//! equivalence for each figure.
//!
//! `cargo run --release -- [--runs R] [--senders one|random] [--latency LATENCY] [--settle TIME] [--membership
//! NAME:PRESET] [--connections once|simulator] [--threads T] [nodes...]` prints tables, and exits with 1 if a
//! difference is neither within its margin nor explained. `--digest SEED` prints the digests of the guest's first
//! receipts instead, which are the same in every process.

mod equivalence;
mod guest;
mod guest_node;
mod runs;
mod settled_overlay;
#[cfg(test)]
mod tests;
mod translation;
mod verdicts;

use bulk_order_propagation::Nanos;
use guest::ConnectionRule;
use runs::{Senders, Setting};
use std::error::Error;
use std::process::ExitCode;
use verdicts::{ComparedKey, FIGURES, JudgedFigure, PairedRuns};

/// The request of the command line.
struct Request {
    runs: u64,
    senders: Vec<Senders>,
    latency: String,
    settle_time: Nanos,
    /// Our membership protocol for the comparison with overlays of one's own.
    membership: Option<String>,
    connections: ConnectionRule,
    threads: u32,
    digest: Option<u64>,
    nodes: Vec<u32>,
}

impl Default for Request {
    fn default() -> Request {
        Request {
            runs: 10,
            senders: vec![Senders::One, Senders::Random],
            // As iroh-gossip's own simulator has it.
            latency: "link:uniform:10ms..100ms".to_owned(),
            // Two shuffles.
            settle_time: Nanos::from_secs(120),
            membership: None,
            connections: ConnectionRule::Once,
            threads: 1,
            digest: None,
            nodes: Vec::new(),
        }
    }
}

impl Request {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Request, String> {
        let mut request = Request::default();
        while let Some(word) = words.next() {
            if !word.starts_with("--") {
                request.nodes.push(number(&word, "nodes")?);
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{word}: a value must follow"))?;
            match word.as_str() {
                "--runs" => request.runs = number(&value, &word)?,
                "--threads" => request.threads = number(&value, &word)?,
                "--digest" => request.digest = Some(number(&value, &word)?),
                "--latency" if keeps_order(&value) => request.latency = value,
                "--latency" => {
                    return Err(format!(
                        "--latency {value}: messages would overtake each other, and connections keep their order; \
                         write link:{value} or {value},ordered"
                    ));
                }
                "--settle" => {
                    request.settle_time =
                        value.parse().map_err(|_| format!("--settle {value}: write 120s or 20min"))?;
                }
                "--membership" => request.membership = Some(value),
                "--connections" => {
                    request.connections = match value.as_str() {
                        "once" => ConnectionRule::Once,
                        "simulator" => ConnectionRule::Simulator,
                        _ => return Err(format!("--connections {value}: write once or simulator")),
                    }
                }
                "--senders" => {
                    request.senders = match value.as_str() {
                        "one" => vec![Senders::One],
                        "random" => vec![Senders::Random],
                        _ => return Err(format!("--senders {value}: write one or random, or leave it out for both")),
                    }
                }
                _ => {
                    return Err(format!(
                        "{word}: there are --runs, --senders, --latency, --settle, --membership, --connections, \
                         --threads and --digest"
                    ));
                }
            }
        }
        if request.runs < 2 {
            return Err(format!("--runs {}: an interval needs at least 2 runs", request.runs));
        }
        if request.nodes.is_empty() {
            request.nodes = vec![100, 1_000];
        }
        Ok(request)
    }

    fn settings(&self) -> impl Iterator<Item = Setting> {
        let of = |nodes: u32, senders: Senders| Setting {
            nodes,
            senders,
            latency: self.latency.clone(),
            settle_time: self.settle_time,
            connections: self.connections,
            threads: self.threads,
        };
        self.nodes.iter().flat_map(move |&nodes| self.senders.iter().map(move |&senders| of(nodes, senders)))
    }
}

/// Returns true if no message of this latency overtakes an earlier one on its link.
fn keeps_order(latency: &str) -> bool {
    let is_fixed = |part: &str| {
        part.starts_with("link:") || part.starts_with("constant:") || part.starts_with(|c: char| c.is_ascii_digit())
    };
    latency.ends_with("ordered") || latency.split('+').all(is_fixed)
}

fn number<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{what} {text}: write a whole number"))
}

fn main() -> ExitCode {
    let request = match Request::read(std::env::args().skip(1)) {
        Ok(request) => request,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match answer(&request) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            println!("A difference is neither within its margin nor explained.");
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(3)
        }
    }
}

/// Makes the runs of all settings, and prints them. Returns true if every difference is accounted for.
fn answer(request: &Request) -> Result<bool, Box<dyn Error>> {
    let mut is_accounted_for = true;
    for setting in request.settings() {
        if let Some(seed) = request.digest {
            let (outcome, _) = setting.run_guest(seed)?;
            println!("{} nodes, {}: {:016X}", setting.nodes, setting.senders, outcome.digest);
        } else {
            is_accounted_for &= compare(&setting, request)?;
        }
    }
    Ok(is_accounted_for)
}

/// Compares both implementations in a setting, and prints the figures.
fn compare(setting: &Setting, request: &Request) -> Result<bool, Box<dyn Error>> {
    let runs = request.runs;
    let mut all = PairedRuns::default();
    for seed in 1..=runs {
        let (guest, overlay) = setting.run_guest(seed)?;
        all.on_overlay.push(setting.run_on_overlay(&overlay, seed)?);
        all.lasting += usize::from(overlay.is_lasting());
        if let Some(membership) = &request.membership {
            all.ours.push(setting.run_ours(membership, seed)?);
        }
        all.guest.push(guest);
    }
    let Setting { nodes, senders, latency, settle_time, .. } = setting;
    println!("{nodes} nodes, {senders}, 30 orders, {latency}, {settle_time} to settle, seeds 1 to {runs}\n");
    let (equal, lasting) = (all.equal_digests(), all.lasting);
    println!("on the overlay that the guest's nodes had found: {equal} of {runs} runs agree in every first receipt,");
    println!("and no link changed in {lasting}");
    let mut is_accounted_for = print(FIGURES.iter().map(|figure| (figure, all.on_overlay(figure))));
    if let Some(membership) = &request.membership {
        println!("ours over {membership}, each on an overlay of its own");
        is_accounted_for &= print(FIGURES.iter().map(|figure| (figure, all.each_alone(figure))));
    }
    Ok(is_accounted_for)
}

/// Prints a table, without figures that a run does not have. Returns true if every figure is accounted for.
fn print<'a>(rows: impl Iterator<Item = (&'a ComparedKey, Option<JudgedFigure>)>) -> bool {
    let mut is_accounted_for = true;
    println!("{:<32}{:>10}{:>10}  {:<22}{:>7}  verdict", "", "ours", "guest", "90 % of guest - ours", "margin");
    for (figure, judged) in rows {
        let Some(JudgedFigure { difference, margin, verdict }) = judged else { continue };
        is_accounted_for &= verdict.is_accounted_for();
        let [low, high] = difference.interval;
        let interval = format!("{low:+.4} .. {high:+.4}");
        let margin = margin.map(|margin| margin.to_string()).unwrap_or_default();
        let (ours, guest, words) = (difference.ours, difference.guest, verdict.words());
        println!("{:<32}{ours:>10.4}{guest:>10.4}  {interval:<22}{margin:>7}  {words}", figure.name);
    }
    println!();
    is_accounted_for
}
