//! Published figures beside this program's own: each in the setup of its source, with the tolerance that the source
//! allows, and a verdict.
//!
//! A row is one publication. Its setup is a scenario with the published parameters, run with several seeds; what the
//! source leaves open is stated in the setup. A figure that cannot be matched stays in the table with the reason.
//!
//! | file | contents |
//! |---|---|
//! | `figure` | a figure, its tolerance, and the verdict |
//! | `bench` | the runs of a row, and the figures taken from them |
//! | `flood`, `swim`, `gossipsub`, `plumtree`, `bitcoin`, `turbine` | the rows, by protocol |

mod bench;
mod bitcoin;
mod figure;
mod flood;
mod gossipsub;
mod plumtree;
mod swim;
#[cfg(test)]
mod tests;
mod turbine;

pub use figure::{PublishedFigure, Tolerance, Verdict};

use super::seeded_runs::{EarlyEnd, RunFault, SeededRuns};
use crate::sync::Interrupt;
use bench::RowBench;
use serde::Serialize;

/// A publication whose figures are reproduced.
pub struct PublishedRow {
    /// Its number in docs/PUBLISHED.md.
    pub number: u8,
    /// The publication, with the commit or date of what was read.
    pub source: &'static str,
    /// Its parameters.
    pub setup: &'static str,
    measure: fn(&mut RowBench<'_>) -> Result<(), EarlyEnd>,
}

/// Every row, by number.
pub static PUBLISHED_ROWS: &[PublishedRow] = &[
    PublishedRow {
        number: 1,
        source: "hashicorp/memberlist @1b4c746, util.go and queue.go",
        setup: "one order, gossip alone, no loss; the least and the most that a node with the order sent",
        measure: swim::transmissions,
    },
    PublishedRow {
        number: 2,
        source: "hashicorp/serf @a24f620, convergence simulator of its documentation",
        setup: "3 nodes every 0.2 s, no loss; N = 30, 1,000, 10,000",
        measure: swim::convergence,
    },
    PublishedRow {
        number: 3,
        source: "anza-xyz/agave @03b251f, turbine/src/cluster_nodes.rs, its tests",
        setup: "whole trees of 20 and 36 nodes",
        measure: turbine::trees,
    },
    PublishedRow {
        number: 4,
        source: "anza-xyz/agave @03b251f, turbine/src/cluster_nodes.rs",
        setup: "fanout 200, 40,201 nodes, one order of one data shred, no loss",
        measure: turbine::layers,
    },
    PublishedRow {
        number: 5,
        source: "anza-xyz/agave @03b251f, sets of 32 data and 32 coding shreds, and the binomial distribution",
        setup: "201 nodes; each shred is lost with chance p on the whole way to a node",
        measure: turbine::losses,
    },
    PublishedRow {
        number: 8,
        source: "arithmetic of flooding (Maelstrom's broadcast among others)",
        setup: "N nodes, E links, one order: 2E - (N - 1) copies",
        measure: flood::copies,
    },
    PublishedRow {
        number: 10,
        source: "vyzo/gerbil-simsub @781cca6, README",
        setup: "100 nodes that dial 20 each, 10 orders at 1/s, 10 to 150 ms a pair, jitter; D 6, 4 to 12",
        measure: gossipsub::simsub,
    },
    PublishedRow {
        number: 11,
        source: "Sobral's EpidemicSimulationModels @2ac078b, Plumtree over HyParView",
        setup: "views of ceil(log10 N) + 1 and six times that, joins in 200 s, 1 ms a hop, timers of one hop and half",
        measure: plumtree::sobral,
    },
    PublishedRow {
        number: 12,
        source: "iroh-gossip @2ce78af, tests/sim.rs",
        setup: "100 peers that join one, views of 5, 10 to 100 ms a pair, 30 orders; timers of 80, 40 and 5 ms",
        measure: plumtree::iroh_guards,
    },
    PublishedRow {
        number: 13,
        source: "superfly/corrosion @0d0dd7a6, crates/plum-foca/tests/sim.rs",
        setup: "19 regions by weight, round trips of 4 ms + km / 75; every node sends once, 200/s; 5 peers eager",
        measure: plumtree::corrosion_guards,
    },
    PublishedRow {
        number: 14,
        source: "waku-org/research @3a7dc9e, rln-delay-simulations",
        setup: "1,000 nodes that dial 50 each, D 6, 4 to 12; 100 ms, 12 ms to validate, 83/38 Mbit/s; 150 ms to prove",
        measure: gossipsub::waku,
    },
    PublishedRow {
        number: 15,
        source: "naumenkogs/txrelaysim @944e73c, results of the legacy relay",
        setup: "2,000 reachable of 20,000 nodes, 8 dials each, 7 orders a second, 5 to 100 ms a message",
        measure: bitcoin::legacy,
    },
    PublishedRow {
        number: 16,
        source: "vac.dev, research log of 2025-08-12",
        setup: "3,000 and 12,000 nodes, D 8, 6 to 12, 7 of 8 announced, 150 kB; 40 to 130 ms, 40 to 200 Mbit/s",
        measure: gossipsub::announcing,
    },
    PublishedRow {
        number: 20,
        source: "ProbeLab, ethresear.ch 19921 and 21561",
        setup: "1,000 nodes with 8 peers each, all of them in the mesh, without IDONTWANT",
        measure: gossipsub::duplicates,
    },
];

/// The parameters of a reproduction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReproductionPlan {
    /// Seed of the first run of each setup.
    pub seed: u64,
    /// Number of runs at a time, at least one; each runs on one thread.
    pub threads: usize,
    /// Numbers of the rows; empty for all.
    pub rows: Vec<u8>,
}

/// The whole table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reproduction {
    /// The requested seed.
    pub seed: u64,
    /// True if an interrupt ended it early.
    pub interrupted: bool,
    /// Every figure, in sequence.
    pub rows: Vec<PublishedFigure>,
}

/// Measures the rows of a plan, and passes each figure to `told` once it is judged.
///
/// # Errors
/// [`RunFault`] of the first run that failed, was cut off or does not balance.
pub fn reproduce(
    plan: &ReproductionPlan,
    interrupt: &Interrupt,
    mut told: impl FnMut(&PublishedFigure),
) -> Result<Reproduction, RunFault> {
    let runs = SeededRuns { first_seed: plan.seed, threads: plan.threads, interrupt };
    let mut figures = Vec::new();
    for row in PUBLISHED_ROWS.iter().filter(|row| plan.rows.is_empty() || plan.rows.contains(&row.number)) {
        let mut bench = RowBench { row, runs, told: &mut told, figures: &mut figures };
        match (row.measure)(&mut bench) {
            Ok(()) => {}
            Err(EarlyEnd::Interrupted) => {
                return Ok(Reproduction { seed: plan.seed, interrupted: true, rows: figures });
            }
            Err(EarlyEnd::Failed(fault)) => return Err(fault),
        }
    }
    Ok(Reproduction { seed: plan.seed, interrupted: false, rows: figures })
}
