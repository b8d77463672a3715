//! `bulkprop cluster-estimate`: estimates what a run over several machines takes, from small runs on this one.

use super::signals::SignalWatch;
use super::{Exit, Failure, Format, IN_AND_OUT, config, input, print, warn};
use crate::cluster::CLUSTER_PROCESSES_MAX;
use crate::experiment::{ClusterPlan, estimate_cluster};
use crate::quantity;
use crate::scenario::{BadValue, Draft, TransportKind};
use crate::sys::AvailableMemory;
use crate::time::Nanos;
use clap::Args;
use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;

/// Estimate what a run over several machines takes.
///
/// Prints the memory of each process, the bytes that cross, the link that saturates first, and the time. Makes small
/// runs of the scenario on this machine, which take some seconds, and computes the rest from them. The machines are
/// taken to be like this one. --threads are those of each process. docs/CLUSTER.md has the method.
#[derive(Debug, Args)]
pub(super) struct EstimateArguments {
    #[command(flatten)]
    draft: Draft,

    /// Number of processes, each on a machine of its own.
    #[arg(long, value_name = "N", default_value_t = 2, help_heading = CLUSTER, value_parser = hosts)]
    hosts: usize,

    /// Rate of each machine's link, in each direction.
    #[arg(long, value_name = "RATE", default_value = "10Gbit", help_heading = CLUSTER, value_parser = rate)]
    link: u64,

    /// Time of a short message from one machine to another and of its answer.
    #[arg(long, value_name = "TIME", default_value = "100us", help_heading = CLUSTER)]
    round_trip: Nanos,

    /// All processes run on this machine, without a secret.
    #[arg(long, help_heading = CLUSTER)]
    here: bool,

    /// Read options from a TOML file, - for standard input.
    ///
    /// One `option = value` per line, with the names of the flags without their dashes; flags override the file.
    #[arg(short, long, value_name = "FILE", help_heading = IN_AND_OUT)]
    config: Option<PathBuf>,

    /// Form of the estimate: text for people, json for programs.
    #[arg(long, value_name = "text|json", default_value_t = Format::Text, hide_possible_values = true)]
    #[arg(value_enum, help_heading = IN_AND_OUT)]
    format: Format,
}

const CLUSTER: &str = "Cluster";

/// Reads a number of processes.
fn hosts(text: &str) -> Result<usize, BadValue> {
    let number = quantity::count(text).ok().and_then(|number| usize::try_from(number).ok());
    number.filter(|number| (1..=CLUSTER_PROCESSES_MAX).contains(number)).ok_or_else(|| {
        let rule = format!("a cluster has 1 to {CLUSTER_PROCESSES_MAX} processes; write one of them");
        BadValue { option: "hosts".to_owned(), value: text.to_owned(), rule }
    })
}

/// Reads the rate of a link.
fn rate(text: &str) -> Result<u64, BadValue> {
    let rate = quantity::bits_per_second(text).ok().filter(|&rate| rate > 0);
    rate.ok_or_else(|| {
        let rule = "write a rate in bits per second with its unit, such as 25Gbit".to_owned();
        BadValue { option: "link".to_owned(), value: text.to_owned(), rule }
    })
}

/// Makes the estimate and prints it.
pub(super) fn run(arguments: EstimateArguments, watch: &SignalWatch) -> Result<Exit, Failure> {
    let config = arguments.config.as_deref().map(config::read).transpose()?;
    let virtual_time = Draft { transport: Some(TransportKind::Simulated), ..Draft::default() };
    let draft = arguments.draft.or(config.unwrap_or_default()).or(virtual_time);
    input::check(&draft, arguments.config.as_deref(), true)?;
    let scenario = draft.build()?;
    let plan = ClusterPlan {
        processes: arguments.hosts,
        link_bits: arguments.link,
        round_trip: if arguments.here { Nanos::ZERO } else { arguments.round_trip },
        is_sealed: !arguments.here,
        shared_cores: arguments.here.then(|| available_parallelism().map_or(1, NonZero::get)),
    };
    let estimate = estimate_cluster(&scenario, &plan, &watch.interrupt)?;
    print(&match arguments.format {
        Format::Json => serde_json::to_string_pretty(&estimate)? + "\n",
        Format::Text => estimate.to_string(),
    })?;
    if let Some(there) = AvailableMemory::now(scenario.carrier.threads)
        && let Some(said) = estimate.shortage(there.bytes, plan.shared_cores.is_some())
    {
        warn(&said);
    }
    Ok(Exit::GoalMet)
}
