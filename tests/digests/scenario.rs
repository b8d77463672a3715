//! The definition of a scenario. `simulated.rs` and `real.rs` have the lists.

use crate::pins::Pins;

/// A command whose figures are pinned.
pub(crate) struct Scenario {
    /// Name, unique within its group.
    pub(crate) name: &'static str,
    /// The arguments.
    pub(crate) line: String,
    /// Arguments that must not change a figure; the command is run with each.
    pub(crate) variants: Vec<String>,
    /// The figures that are pinned.
    pub(crate) pins: Pins,
}

/// Scenarios with a table.
pub(crate) struct Group {
    /// Name of the table.
    pub(crate) name: &'static str,
    /// The scenarios, in the sequence of the table.
    pub(crate) scenarios: Vec<Scenario>,
}

/// The numbers of threads on which each engine computes a scenario in virtual time.
const THREADS: [u32; 3] = [1, 2, 3];

/// Engines for a constant latency.
pub(crate) const BY_HOPS: &[&str] = &["hops", "fast", "general"];

/// Engines for latency and loss only.
pub(crate) const BY_PATHS: &[&str] = &["fast", "general"];

/// Engines for all other models.
pub(crate) const BY_MESSAGES: &[&str] = &["general"];

/// A scenario in virtual time: with the default engine, and with each of these on each number of threads.
pub(crate) fn simulated(engines: &[&str], name: &'static str, options: &str) -> Scenario {
    let on = |engine: &&str| THREADS.map(|threads| format!("--engine {engine} --threads {threads}"));
    let variants = ["--threads 2".to_owned()].into_iter().chain(engines.iter().flat_map(on)).collect();
    Scenario { name, line: format!("--transport simulated {options}"), variants, pins: Pins::All }
}

/// A search for the knee in virtual time.
pub(crate) fn knee(name: &'static str, options: &str) -> Scenario {
    let variants = vec!["--threads 1".to_owned(), "--threads 2".to_owned()];
    Scenario { name, line: format!("knee --transport simulated {options}"), variants, pins: Pins::All }
}
