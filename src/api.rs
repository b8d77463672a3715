//! The entry for programs: a scenario goes in, its outcome comes out.
//!
//! The command line uses the same parts with signals, progress and files around them. What does not live here: options
//! (`scenario`), the runs themselves (`simulation`, `experiment`), figures (`analysis`) and their text (`report`).

use crate::experiment::{Series, run_replicates};
use crate::protocol::Protocol;
use crate::record::RunRecord;
use crate::report::{Environment, Report};
use crate::scenario::Scenario;
use crate::simulation::{SimulationError, check, run_protocol};
use crate::sync::Interrupt;
use crate::time::Nanos;

/// A scenario that this machine can run.
#[derive(Debug)]
pub struct Simulation {
    scenario: Scenario,
    interrupt: Interrupt,
}

impl Simulation {
    /// Prepares a scenario.
    ///
    /// # Errors
    ///
    /// [`SimulationError`] if the scenario needs more memory than this machine has left, or more than one process,
    /// which only the command `bulkprop` starts.
    pub fn new(scenario: Scenario) -> Result<Simulation, SimulationError> {
        check(&scenario)?;
        Ok(Simulation { scenario, interrupt: Interrupt::new() })
    }

    /// Returns the scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Returns the handle by which another thread ends the runs early. They then report what was measured until then.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Makes all runs of the scenario: one, or as many as its `runs` asks for, each with a seed of its own.
    ///
    /// # Errors
    ///
    /// [`SimulationError`] if the first run cannot be made. If a later one cannot, those before it are reported, and
    /// [`Outcome::failure`] has the reason.
    pub fn run(&self) -> Result<Outcome, SimulationError> {
        let series = run_replicates(&self.scenario, &self.interrupt, &(), None, None)?;
        Ok(Outcome::of(&self.scenario, series))
    }

    /// Makes one run with a protocol of the caller's own in place of the one that the scenario names.
    ///
    /// Options that only a built-in protocol has, such as `retry`, are not read.
    ///
    /// # Errors
    ///
    /// [`SimulationError`] if the run cannot be made, if the scenario asks for several runs, or if the protocol needs
    /// peers and the overlay stores none.
    pub fn run_protocol(&self, protocol: impl Protocol) -> Result<Outcome, SimulationError> {
        let scenario = &self.scenario;
        if scenario.run.runs > 1 {
            let runs = scenario.run.runs;
            return Err(SimulationError::Protocol(format!(
                "--runs {runs}: a protocol of the caller's own is run once at a time; leave --runs out, and run it \
                 with other seeds"
            )));
        }
        let first = run_protocol(scenario, protocol, &self.interrupt)?;
        Ok(Outcome::of(scenario, Series { first, others: Vec::new(), failure: None }))
    }
}

/// The outcome of a scenario's runs.
///
/// The figures are those of the first run, times counted from its publication; [`Report::runs`] has the others.
#[derive(Debug)]
pub struct Outcome {
    report: Report,
    first: RunRecord,
    failure: Option<(u32, SimulationError)>,
}

impl Outcome {
    fn of(scenario: &Scenario, series: Series) -> Outcome {
        let Series { first, others, failure } = series;
        let said = failure.as_ref().map(|(run, error)| format!("run {run} (seed {}): {error}", scenario.seed_of(*run)));
        let report = Report::new(scenario, Environment::of(scenario, &first), &first, others, said);
        Outcome { report, first, failure }
    }

    /// Returns every figure of the first run, and all runs side by side; prints as text, or as JSON by
    /// [`Report::to_json`].
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Returns the share of the nodes that the order reached, 0 to 1; of many orders the share of all receipts due.
    pub fn coverage(&self) -> f64 {
        self.report.run.coverage
    }

    /// Returns the time from the publication until the target was reached, or `None` if it was not. With many orders it
    /// is `None` too, because each of them has a time of its own.
    pub fn time_to_target(&self) -> Option<Nanos> {
        self.report.run.time_to_target_ns.map(Nanos)
    }

    /// Returns the number of messages sent that carried an order.
    pub fn messages(&self) -> u64 {
        self.report.run.messages
    }

    /// Returns the delays of the first receipts of all nodes reached, ascending; the origin's is 0. Empty with many
    /// orders.
    pub fn delays(&self) -> Vec<Nanos> {
        let receipts = self.first.receipts.iter().filter(|receipt| receipt.is_reached());
        let mut delays: Vec<Nanos> = receipts.map(|receipt| receipt.time).collect();
        delays.sort_unstable();
        delays
    }

    /// Returns the first run that could not be made, counted from 0, and why; `None` if all were made.
    pub fn failure(&self) -> Option<&(u32, SimulationError)> {
        self.failure.as_ref()
    }
}
