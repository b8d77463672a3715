//! Protocols side by side: each in the same runs, with differences paired by seed.
//!
//! A row is a protocol, a scenario of its own, or a protocol of the caller's; the first row is the baseline. Replicate
//! i of every row has the same seed, and with it the same overlay, orders and network. Replicates are spread over the
//! cores as those of `--runs` are.
//!
//! | file | contents |
//! |---|---|
//! | `summary` | each figure over the replicates, and its difference from the baseline |
//! | `report` | all rows, as JSON that is also saved and read back |
//! | `marks` | the words that qualify a row |
//! | `sentence` | the differences as a person would say them |
//! | `text`, `tables` | the report for a terminal; as CSV and Markdown |
//! | `regression` | a report against a saved one, for tests that fail when a figure grows |

mod marks;
mod regression;
mod report;
mod sentence;
mod summary;
mod tables;
#[cfg(test)]
mod tests;
mod text;

pub use regression::{FigureLimit, LimitVerdict, RegressionCheck};
pub use report::{COMPARISON_SCHEMA, ComparisonReport, ReportFault, RowReport};
pub use summary::{FigureChange, FigureSummary};
pub use text::ComparisonText;

use super::replicates::{OrderedTurns, beside, in_turns};
use crate::analysis::{ReplicateFigures, WarmCounts};
use crate::protocol::Protocol;
use crate::record::{End, RunRecord};
use crate::runtime::RuntimeError;
use crate::scenario::{Choice, Draft, Pin, Scenario, ScenarioError, TransportKind, Until};
use crate::simulation::{Runner, SimulationError};
use crate::sync::{Arena, Counters, Interrupt, Interrupted};
use crate::topology::TopologySpec;
use crate::transport::Clock;
use crate::workload::Rate;
use report::MeasuredRow;

/// Runs of a row: of a scenario, with the receipts from an order on kept apart.
type RowRuns<'a> = Box<dyn Fn(&Scenario, u32, &Interrupt) -> Result<RunRecord, SimulationError> + Sync + 'a>;

/// A comparison to be made.
pub struct Comparison<'a> {
    shared: Draft,
    warm_orders: Option<u32>,
    rows: Vec<RowPlan<'a>>,
}

/// A row to be measured.
struct RowPlan<'a> {
    name: String,
    /// The protocol, as it is written.
    spec: String,
    scenario: Scenario,
    runs: RowRuns<'a>,
}

/// The reason why a comparison was not made.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A row's options form no scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A run could not be made, or an interrupt came before any had ended.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// A run could not be made, or its counts are in doubt.
    #[error("{row}, seed {seed}: {reason}")]
    Run {
        /// Name of the row.
        row: String,
        /// Seed of the run.
        seed: u64,
        /// The reason.
        reason: String,
        /// True if other options would avoid it.
        is_usage: bool,
    },
    /// The request contradicts itself.
    #[error("{0}")]
    Asked(String),
}

impl<'a> Comparison<'a> {
    /// Creates a comparison whose rows share these options. Where they are silent, it takes virtual time, 1,000 nodes,
    /// 20 replicates, and 30 orders at 1/s, and runs end at rest.
    pub fn new(shared: Draft) -> Comparison<'a> {
        Comparison { shared, warm_orders: None, rows: Vec::new() }
    }

    /// Leaves the first `orders` orders out of every figure. The default is 10, or a third of fewer than 30; on real
    /// carriers 0.
    #[must_use]
    pub fn warm_orders(mut self, orders: u32) -> Comparison<'a> {
        self.warm_orders = Some(orders);
        self
    }

    /// Adds a protocol, as `--protocol` names it, or a mix of two: `PROTOCOL+SHARE:PROTOCOL`.
    ///
    /// # Errors
    ///
    /// [`CompareError`] if there is no such protocol, or if it contradicts the shared options.
    pub fn protocol(self, spec: &str) -> Result<Comparison<'a>, CompareError> {
        let own = Comparison::options_of_row(spec)?;
        if let (Some(shared), Some(_)) = (self.shared.mix, own.mix) {
            return Err(CompareError::Asked(format!(
                "--mix {shared} with {spec}: the row has a mix of its own; leave one of the two out"
            )));
        }
        self.scenario(spec, own)
    }

    /// Reads the protocol of a row, and its mix.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] if they are none.
    pub(crate) fn options_of_row(spec: &str) -> Result<Draft, ScenarioError> {
        let (protocol, mix) = spec.split_once('+').map_or((spec, None), |(protocol, mix)| (protocol, Some(mix)));
        let mix = mix.map(|mix| Draft::from_option("mix", mix)).transpose()?.unwrap_or_default();
        Ok(Draft::from_option("protocol", protocol)?.or(mix))
    }

    /// Adds a scenario under a name. The shared options override its own.
    ///
    /// # Errors
    ///
    /// [`CompareError`] if the options form no scenario that can be compared.
    pub fn scenario(self, name: &str, own: Draft) -> Result<Comparison<'a>, CompareError> {
        let scenario = self.build(own)?;
        let runs: RowRuns<'a> = Box::new(|scenario, first, interrupt| {
            Runner::build(scenario, interrupt, &(), None)?.measuring_from(first).run(Clock::start())
        });
        let spec = report::spec_of(&scenario);
        Ok(self.with_row(RowPlan { name: name.to_owned(), spec, scenario, runs }))
    }

    /// Adds a protocol of the caller's own under a name; `protocol` makes it for each run.
    ///
    /// # Errors
    ///
    /// [`CompareError`] if the shared options form no scenario that can be compared.
    pub fn own_protocol<P: Protocol + 'a>(
        self,
        name: &str,
        protocol: impl Fn() -> P + Sync + 'a,
    ) -> Result<Comparison<'a>, CompareError> {
        let scenario = self.build(Draft::default())?;
        let runs: RowRuns<'a> = Box::new(move |scenario, first, interrupt| {
            let runner = Runner::with_protocol(scenario, interrupt, &(), protocol())?;
            runner.measuring_from(first).run(Clock::start())
        });
        Ok(self.with_row(RowPlan { name: name.to_owned(), spec: name.to_owned(), scenario, runs }))
    }

    /// Builds the scenario of a row, which has the seed of the rows before it.
    fn build(&self, own: Draft) -> Result<Scenario, CompareError> {
        let seed = self.rows.first().map(|row| row.scenario.run.seed);
        let scenario = self.shared.clone().or(own).or(Draft { seed, ..Draft::default() });
        let scenario = with_defaults(scenario).build()?;
        if scenario.run.until == Until::Target {
            return Err(CompareError::Asked(
                "--until target ends a run while messages are under way, and what they cost is then not counted; leave \
                 --until out"
                    .to_owned(),
            ));
        }
        if scenario.run.same_seed {
            return Err(CompareError::Asked(
                "--same-seed makes all replicates equal, and nothing can be said of chance; leave it out".to_owned(),
            ));
        }
        let first = self.rows.first().map(|row| &row.scenario);
        if let Some(first) = first.filter(|first| first.run.runs != scenario.run.runs) {
            return Err(CompareError::Asked(format!(
                "--runs {} and {}: replicates are paired, so that all rows have equally many; give --runs once",
                first.run.runs, scenario.run.runs
            )));
        }
        Ok(scenario)
    }

    /// Adds a row; a second one of the same name is numbered.
    fn with_row(mut self, mut row: RowPlan<'a>) -> Comparison<'a> {
        let is_taken = |name: &str, rows: &[RowPlan<'_>]| rows.iter().any(|row| row.name == name);
        let plain = row.name.clone();
        let mut number = 2;
        while is_taken(&row.name, &self.rows) {
            row.name = format!("{plain} ({number})");
            number += 1;
        }
        self.rows.push(row);
        self
    }

    /// Makes all runs, and compares them.
    ///
    /// # Errors
    ///
    /// [`CompareError`] if no row was added, if no order is left to measure, or if a run fails.
    pub fn run(&self) -> Result<ComparisonReport, CompareError> {
        self.run_watched(&Interrupt::new(), &|_, _| {})
    }

    /// Does the same as [`run`](Self::run) until `interrupt` is raised, after which the replicates that have ended are
    /// compared. `ended` hears how many of how many runs have ended.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run).
    pub fn run_watched(
        &self,
        interrupt: &Interrupt,
        ended: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<ComparisonReport, CompareError> {
        let warm_orders = self.rows.iter().map(|row| self.warm_orders_of(row)).collect::<Result<Vec<u32>, _>>()?;
        let Some(first) = self.rows.first() else {
            return Err(CompareError::Asked("compare: name the protocols, as in `compare push lazy`".to_owned()));
        };
        let (rows, runs) = (self.rows.len() as u32, first.scenario.run.runs);
        let turns = rows.checked_mul(runs).ok_or_else(|| {
            CompareError::Asked(format!("--runs {runs} of {rows} rows: these are too many runs; make --runs smaller"))
        })?;
        let at_once = self.rows.iter().map(|row| beside(&row.scenario, turns)).min().unwrap_or(1);
        let count = Counters::new(&mut Arena::heap(), 1);
        let make = |turn: u32, interrupt: &Interrupt| {
            let (row, replicate) = ((turn % rows) as usize, turn / rows);
            let made = self.rows[row].replicate(replicate, warm_orders[row], at_once, interrupt);
            ended(count.add(0, 1) + 1, turns.into());
            made
        };
        let OrderedTurns { done, failed } = in_turns(turns, at_once, interrupt, make)
            .map_err(|error| SimulationError::from(RuntimeError::from(error)))?;
        if let Some((_, error)) = failed {
            return Err(error);
        }
        if done.is_empty() {
            return Err(SimulationError::from(Interrupted).into());
        }
        let interrupted = done.len() < turns as usize;
        let mut measured: Vec<MeasuredRow> = self.rows.iter().map(|row| row.unmeasured()).collect();
        for (turn, (figures, degree)) in done {
            let row = &mut measured[(turn % rows) as usize];
            row.replicates.push(figures);
            row.degree = degree;
        }
        let warm_orders = warm_orders.iter().copied().max().unwrap_or(0);
        Ok(ComparisonReport::new(warm_orders, measured, interrupted))
    }

    /// Returns the number of a row's orders that are left out of its figures.
    fn warm_orders_of(&self, row: &RowPlan<'_>) -> Result<u32, CompareError> {
        let (orders, is_virtual) = (row.scenario.orders(), row.scenario.carrier.transport.is_virtual());
        match self.warm_orders {
            None if is_virtual => Ok(WARM_ORDERS_DEFAULT.min(orders / 3)),
            None => Ok(0),
            Some(warm) if warm > 0 && !is_virtual => Err(CompareError::Asked(format!(
                "--warm-orders {warm} with --transport {}: no two runs on a real carrier are the same, and the cost of \
                 warm orders is not known; take --warm-orders 0, or --transport simulated",
                row.scenario.carrier.transport.name()
            ))),
            Some(warm) if warm >= orders => Err(CompareError::Asked(format!(
                "--warm-orders {warm} of --orders {orders}: no order is left to measure; give fewer warm orders, or \
                 more orders"
            ))),
            Some(warm) => Ok(warm),
        }
    }
}

impl RowPlan<'_> {
    fn unmeasured(&self) -> MeasuredRow {
        MeasuredRow::new(self.name.clone(), self.spec.clone(), &self.scenario)
    }

    /// Makes a replicate, and returns its figures with the mean degree of its overlay; `None` if an interrupt came.
    fn replicate(
        &self,
        replicate: u32,
        warm_orders: u32,
        at_once: usize,
        interrupt: &Interrupt,
    ) -> Result<Option<(ReplicateFigures, f64)>, CompareError> {
        let seed = self.scenario.seed_of(replicate);
        let mut scenario = self.scenario.run_of_seed(seed);
        if scenario.carrier.transport.is_virtual() {
            // Pinned, all runs would be on the first core.
            scenario = scenario.on_fewer_threads(scenario.carrier.threads / at_once, Pin::None);
        }
        let warm = match warm_orders {
            0 => WarmCounts::default(),
            orders => match self.record(&scenario.with_first_orders(orders), 0, interrupt)? {
                Some(record) => WarmCounts::of(record),
                None => return Ok(None),
            },
        };
        let record = self.record(&scenario, warm_orders, interrupt)?;
        Ok(record.map(|record| (ReplicateFigures::new(seed, &record, &warm), record.overlay.mean_degree)))
    }

    /// Makes a run; `None` if an interrupt came before its end.
    fn record(
        &self,
        scenario: &Scenario,
        first: u32,
        interrupt: &Interrupt,
    ) -> Result<Option<RunRecord>, CompareError> {
        let failed = |reason: String, is_usage: bool| {
            Err(CompareError::Run { row: self.name.clone(), seed: scenario.run.seed, reason, is_usage })
        };
        match (self.runs)(scenario, first, interrupt) {
            Ok(record) if record.end == End::Interrupted => Ok(None),
            Ok(record) if record.end == End::OutOfMemory => {
                failed("messages under way used up the memory; take fewer --nodes or --threads".to_owned(), false)
            }
            Ok(record) if !record.ledger.is_balanced() => {
                failed(format!("{} messages are unaccounted for", record.ledger.unaccounted()), false)
            }
            Ok(record) => Ok(Some(record)),
            Err(SimulationError::Interrupted(_)) => Ok(None),
            Err(error) => failed(error.to_string(), error.is_usage()),
        }
    }
}

/// Fills in the defaults of a comparison where they differ from those of a run.
fn with_defaults(draft: Draft) -> Draft {
    let is_listed = draft.publications.is_some();
    // A list of edges has its own number of nodes.
    let has_edges = matches!(draft.topology, Some(TopologySpec::File { .. }));
    let orders = draft.orders.or((!is_listed).then_some(ORDERS_DEFAULT));
    let rate = (!is_listed && orders != Some(1)).then_some(RATE_DEFAULT);
    draft.or(Draft {
        nodes: (!has_edges).then_some(NODES_DEFAULT),
        transport: Some(TransportKind::Simulated),
        runs: Some(RUNS_DEFAULT),
        until: Some(Until::Quiescent),
        orders,
        rate,
        ..Draft::default()
    })
}

const NODES_DEFAULT: u32 = 1_000;

const RUNS_DEFAULT: u32 = 20;

const ORDERS_DEFAULT: u32 = 30;

const RATE_DEFAULT: Rate = Rate::per_second(1);

const WARM_ORDERS_DEFAULT: u32 = 10;
