//! `bulkprop validate`: compares runs with closed forms, and prints the table.

use super::signals::SignalWatch;
use super::{Exit, Failure, Format, IN_AND_OUT, print};
use crate::experiment::{Case, CaseGroup, CasePlan, Effort, SEED_MAX, header, validate};
use crate::scenario::{BadValue, limits};
use clap::Args;
use std::num::NonZero;
use std::thread::available_parallelism;

/// Run cases whose outcome is known in closed form, and compare the measurements with it.
///
/// A case agrees if |measured - form| is at most four standard errors over its runs, plus the error of the form itself.
/// Exit code 1 if one does not agree.
#[derive(Debug, Args)]
pub(super) struct ValidateArguments {
    /// Groups of cases to run: coverage, failures, hops, cost, chances, thresholds, carriers, rounds, queues, windows,
    /// bursts, spies, spread [default: all].
    #[arg(value_name = "GROUP", value_parser = group)]
    groups: Vec<CaseGroup>,

    /// Seed of every draw. The default gives the same table everywhere; other seeds try other networks.
    #[arg(short, long, value_name = "N", default_value_t = 1, allow_hyphen_values = true, value_parser = seed)]
    seed: u64,

    /// Runs made simultaneously [default: the cores this process may use].
    #[arg(short, long, value_name = "N", value_parser = |text: &str| limits::THREADS.parse::<u32>(text))]
    threads: Option<u32>,

    /// Make fewer runs, and none above ten thousand nodes: a few seconds, and wider tolerances.
    #[arg(long)]
    quick: bool,

    /// Form of the table: text for people, json for programs.
    #[arg(long, value_name = "text|json", default_value_t = Format::Text, hide_possible_values = true)]
    #[arg(value_enum, help_heading = IN_AND_OUT)]
    format: Format,
}

/// Parses a seed that leaves room for those of the replicates.
pub(super) fn seed(text: &str) -> Result<u64, BadValue> {
    let seed = limits::SEED.parse::<u64>(text).ok().filter(|&seed| seed <= SEED_MAX);
    let rule = || format!("a seed of the table is a whole number from 0 to {SEED_MAX}; write one of them");
    seed.ok_or_else(|| BadValue { option: "seed".to_owned(), value: text.to_owned(), rule: rule() })
}

/// Reads the name of a group of cases.
fn group(text: &str) -> Result<CaseGroup, String> {
    CaseGroup::named(text).ok_or_else(|| {
        let names: Vec<&str> = CaseGroup::all().map(CaseGroup::name).collect();
        format!("no group of cases has this name; choose among {}", names.join(", "))
    })
}

/// Runs the table and prints it; as text, each line when its case has been judged.
pub(super) fn run(arguments: &ValidateArguments, watch: &SignalWatch) -> Result<Exit, Failure> {
    let cores = || available_parallelism().map_or(1, NonZero::get);
    let plan = CasePlan {
        seed: arguments.seed,
        threads: arguments.threads.map_or_else(cores, |threads| threads as usize),
        effort: if arguments.quick { Effort::Quick } else { Effort::Whole },
    };
    let is_text = arguments.format == Format::Text;
    let mut printed = if is_text { print(&format!("{}\n", header())) } else { Ok(()) };
    let mut group = "";
    let show = |case: &Case| {
        if !is_text || printed.is_err() {
            return;
        }
        let heading = if case.group == group { String::new() } else { format!("{}\n", case.group) };
        group = case.group;
        printed = print(&format!("{heading}{case}\n"));
    };
    let all: Vec<CaseGroup> = CaseGroup::all().collect();
    let groups = if arguments.groups.is_empty() { &all } else { &arguments.groups };
    let table = validate(plan, groups, &watch.interrupt, show)?;
    printed?;
    print(&match arguments.format {
        Format::Json => serde_json::to_string_pretty(&table)? + "\n",
        Format::Text => format!("\n{}\n", table.summary()),
    })?;
    Ok(match table.failed {
        _ if table.interrupted => watch.exit(),
        0 => Exit::GoalMet,
        _ => Exit::GoalMissed,
    })
}
