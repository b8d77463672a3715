//! Figures from a run's records: percentiles, outcomes, and notices that cast doubt on them.
//!
//! A number has three lives: a worker counts it (`record`), this room merges it into a figure, and `report` shows it.
//! Nothing here runs a scenario, and nothing lays out a page.

mod access_links;
mod across_runs;
mod bulk;
mod bulk_collector;
mod cluster;
mod context;
mod delays;
mod diagnosis;
mod estimate;
mod forecast;
mod group_figures;
mod groups;
mod ledger;
mod orders;
mod percentiles;
mod population;
mod processes;
mod replicate;
mod row;
mod run;
mod runs;
mod spies;
mod traffic;
mod workers;

#[cfg(test)]
pub(crate) mod fixtures;

pub use access_links::{AccessLinkFigures, LinkSideFigures, LinkUseSpread};
pub use across_runs::{AcrossRuns, DistributionPart};
pub use bulk::{BulkFigures, OrderTimes, WorstOrder};
pub(crate) use bulk_collector::BulkCollector;
pub use cluster::ClusterProcessFigures;
pub(crate) use context::RunContext;
pub use delays::{BINS, Bin, DelayFigures, TimeTo};
pub(crate) use diagnosis::{UnmetFaults, lateness};
pub use estimate::{Estimate, Statistic};
pub(crate) use forecast::Forecast;
pub use group_figures::GroupFigures;
pub(crate) use groups::Groups;
pub use ledger::LedgerFigures;
#[cfg(feature = "cluster")]
pub(crate) use orders::CollectedBulk;
pub use percentiles::Summary;
pub(crate) use population::Population;
pub use processes::ProcessFigures;
pub use replicate::{COMPARED, CONTROL, ComparedFigure, FigureUnit, ReplicateFigures, UPKEEP, WarmCounts};
pub(crate) use row::Cell;
pub use row::{COLUMNS, Row};
pub use run::{AtStop, Goal, Lateness, MachineFigures, RunFigures};
pub use runs::Runs;
pub use traffic::BytesPerNode;
pub use workers::WorkerFigures;
