//! `bulkprop knee`: the highest rate of orders that a network carries in time.

use super::signals::SignalWatch;
use super::{Exit, Failure, Format, IN_AND_OUT, config, files, input, print, this_program, warn};
use crate::escape::escaped_lines;
use crate::experiment::{Fault, KneeQuestion, Probe, find_knee};
use crate::quantity;
use crate::scenario::{BadValue, Draft, pasteable};
use crate::time::Nanos;
use crate::workload::Rate;
use clap::Args;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Find the highest rate of orders that a network carries in time.
///
/// Runs the scenario at one rate after another: first doubling until a rate fails, then bisecting. A rate holds if, of
/// the orders after the first fifth, 99 % reach their target within the limit, none misses it, and their times do not
/// grow, with two seeds of three. The search begins at --rate. docs/KNEE.md has every rule.
#[derive(Debug, Args)]
pub(super) struct KneeArguments {
    #[command(flatten)]
    draft: Draft,

    /// Limit of the 99th percentile, over orders, of the time to the target.
    #[arg(long, value_name = "TIME", default_value = "50ms", allow_hyphen_values = true, help_heading = SEARCH)]
    limit: Nanos,

    /// Time for which orders are published at each rate, or for 1000 orders if those take longer [default: 10s, or ten
    /// times the limit if that is more]. A longer one finds queues that grow more slowly.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = SEARCH)]
    span: Option<Nanos>,

    /// Lowest rate to try [default: 10/s]. A thousand orders at a low rate take long.
    #[arg(long, value_name = "R/s", allow_hyphen_values = true, help_heading = SEARCH)]
    least: Option<Rate>,

    /// Highest rate to try [default: the rate that makes 1000000 orders].
    #[arg(long, value_name = "R/s", allow_hyphen_values = true, help_heading = SEARCH)]
    most: Option<Rate>,

    /// Greatest gap, in percent, between the rate that holds and the one that fails.
    #[arg(long, value_name = "PERCENT", default_value_t = 5, help_heading = SEARCH, value_parser = percent)]
    precision: u32,

    /// Read options from a TOML file, - for standard input.
    ///
    /// One `option = value` per line, with the names of the flags without their dashes; flags override the file.
    #[arg(short, long, value_name = "FILE", help_heading = IN_AND_OUT)]
    config: Option<PathBuf>,

    /// Form of the result: text for people, json for programs.
    #[arg(long, value_name = "text|json", default_value_t = Format::Text, hide_possible_values = true)]
    #[arg(value_enum, help_heading = IN_AND_OUT)]
    format: Format,

    /// Write a line for each run to this file, which is replaced once all are written. An interrupted search leaves it
    /// as it is, and writes FILE.partial.
    #[arg(long, value_name = "FILE", help_heading = IN_AND_OUT)]
    csv: Option<PathBuf>,
}

const SEARCH: &str = "Search";

/// The precisions of a search, in percent.
const PERCENT: RangeInclusive<u64> = 1..=100;

/// Reads a whole number of percent, with its sign or without.
fn percent(text: &str) -> Result<u32, BadValue> {
    let number = quantity::count(text.strip_suffix('%').unwrap_or(text)).ok();
    let percent = number.filter(|percent| PERCENT.contains(percent)).and_then(|percent| percent.try_into().ok());
    percent.ok_or_else(|| {
        let rule = "a search closes in to 1 to 100 percent, in whole numbers; write 5 or 5%".to_owned();
        BadValue { option: "precision".to_owned(), value: text.to_owned(), rule }
    })
}

/// Finds the knee and prints it.
pub(super) fn run(arguments: KneeArguments, watch: &SignalWatch) -> Result<Exit, Failure> {
    let config = arguments.config.as_deref().map(config::read).transpose()?;
    let draft = arguments.draft.or(config.unwrap_or_default());
    input::check(&draft, arguments.config.as_deref(), true)?;
    let asked = KneeQuestion {
        draft,
        limit: arguments.limit,
        span: arguments.span,
        least: arguments.least,
        most: arguments.most,
        precision_percent: arguments.precision,
    };
    let search = asked.prepare()?;
    let read_from = input::inputs(search.scenario(), arguments.config.as_deref());
    let [csv] = files::prepare(&read_from, [("csv", arguments.csv.as_deref())])?;
    let knee = find_knee(&search, &watch.interrupt, &this_program(), print_probe)?;
    let shown = knee.rate.or(knee.fails_at).unwrap_or(search.start());
    print(&match arguments.format {
        Format::Json => serde_json::to_string_pretty(&knee)? + "\n",
        Format::Text => {
            let replay = search.replay(shown)?;
            escaped_lines(&format!("{knee}\nReplay of {shown}:\n  {}\n", pasteable(&replay))).into_owned()
        }
    })?;
    let filled = csv.map(|file| file.fill(!knee.interrupted, |into| knee.write_csv(into))).transpose()?;
    if let Some(said) = filled.flatten() {
        warn(&said);
    }
    Ok(match knee.rate {
        _ if knee.interrupted => watch.exit(),
        Some(_) => Exit::GoalMet,
        None => Exit::GoalMissed,
    })
}

/// Prints the outcome of one rate to standard error.
fn print_probe(probe: &Probe) {
    let delay = probe.time_to_target_ns.p99.map_or_else(|| "never".to_owned(), |delay| Nanos(delay).to_string());
    let verdict = probe.fault.map_or("holds", Fault::name);
    // A failure to show progress is no reason to stop.
    let _ = writeln!(io::stderr(), "{}: p99 {delay}, {} missed, {verdict}", probe.rate, probe.missed);
}
