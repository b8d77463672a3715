//! The knee: the highest rate of orders that a network carries in time, with no order missed and no queue growing.
//!
//! Rates are doubled until one fails, then the least is tried, and the gap is bisected geometrically. Three runs, which
//! differ in their seeds alone, judge a rate. `docs/KNEE.md` has every rule.
//!
//! Rejected: raising the rate within one run, because a queue that an earlier rate has left affects the next; and
//! judging a rate by its delay alone, because a queue that grows by a thousandth of its load stays below any limit for
//! a while.

mod diagnosis;
mod machine;
mod probe;
mod question;
mod text;
mod trials;

pub use probe::{Fault, Growth, Probe};
pub use question::KneeQuestion;

use super::replicates::{OrderedTurns, beside, in_turns};
use crate::runtime::RuntimeError;
use crate::scenario::{Draft, Pin, Scenario, ScenarioError, limits};
use crate::simulation::{Program, SimulationError};
use crate::sync::Interrupt;
use crate::time::Nanos;
use crate::workload::Rate;
use probe::Load;
use serde::Serialize;
use std::io::{self, Write};
use trials::{Trials, WantedRun};

/// Orders of a probe at least.
const ORDERS_MIN: u64 = 1_000;

/// Runs that judge a rate, each with a seed of its own.
const SEEDS: u32 = 3;
/// Runs that must hold for the rate to hold.
const MAJORITY: usize = 2;

/// A validated search.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The scenario that all probes share, except for the rate.
    scenario: Scenario,
    limit: Nanos,
    span: Nanos,
    start: Rate,
    least: Rate,
    most: Rate,
    precision_percent: u32,
}

/// A reason why no knee can be found.
#[derive(Debug, thiserror::Error)]
pub enum KneeError {
    /// The options form no scenario at some rate.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A run failed.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// The search would have to change the requested options.
    #[error("{0}")]
    Asked(String),
}

/// The result of a search.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Knee {
    /// The requested limit in nanoseconds.
    pub limit_ns: u64,
    /// Time in nanoseconds for which orders were published at each rate, at least.
    pub span_ns: u64,
    /// The highest rate that holds with most seeds; `None` if none does.
    pub rate: Option<Rate>,
    /// The lowest rate above it that does not hold; `None` if every rate tried holds.
    pub fails_at: Option<Rate>,
    /// The highest rate that holds with the seed that fails first, and with the one that fails last; `None` if none
    /// holds.
    pub over_seeds: [Option<Rate>; 2],
    /// Median time to the target in nanoseconds at the least rate, without queues; `None` if half of the orders missed
    /// it.
    pub unloaded_p50_ns: Option<u64>,
    /// Greatest share of the processors that other work took during a run; `None` in virtual time, and if the system
    /// does not report it.
    pub others_share: Option<f64>,
    /// True if that share was so great that the figures may be the machine's.
    pub busy: bool,
    /// One sentence each on why no rate holds, and on a busy machine.
    pub notices: Vec<String>,
    /// True if an interrupt ended the search early.
    pub interrupted: bool,
    /// Every run, in the sequence of rates tried, by seed.
    pub probes: Vec<Probe>,
}

impl Search {
    /// Returns the command that repeats the first run of a rate.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] if the rate contradicts the rest of the scenario.
    pub fn replay(&self, rate: Rate) -> Result<String, ScenarioError> {
        Ok(self.at_rate(rate, 0)?.replay())
    }

    /// Returns the scenario that all probes share, except for the rate.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Returns the first rate tried.
    pub fn start(&self) -> Rate {
        self.start
    }

    /// Returns the scenario at a rate, for the search's span, with the seed of a run.
    fn at_rate(&self, rate: Rate, run: u32) -> Result<Scenario, ScenarioError> {
        let orders = (rate.as_f64() * self.span.as_secs_f64()).ceil() as u64;
        self.with_orders(rate, orders.clamp(ORDERS_MIN, limits::ORDERS.most), run)
    }

    fn with_orders(&self, rate: Rate, orders: u64, run: u32) -> Result<Scenario, ScenarioError> {
        let orders = u32::try_from(orders).ok();
        let one = self.scenario.run_of_seed(self.scenario.seed_of(run));
        one.with(Draft { orders, rate: Some(rate), ..Draft::default() })
    }
}

/// Searches for the knee. `program` is the executable of a run's processes; `told` receives each run.
///
/// # Errors
/// [`KneeError`] of the first run that failed.
pub fn find_knee(
    search: &Search,
    interrupt: &Interrupt,
    program: &Program,
    mut told: impl FnMut(&Probe),
) -> Result<Knee, KneeError> {
    let mut knee = Knee {
        limit_ns: search.limit.0,
        span_ns: search.span.0,
        rate: None,
        fails_at: None,
        over_seeds: [None; 2],
        unloaded_p50_ns: None,
        others_share: None,
        busy: false,
        notices: Vec::new(),
        interrupted: false,
        probes: Vec::new(),
    };
    let Some(unloaded) = unloaded(search, interrupt, program)? else {
        return Ok(Knee { interrupted: true, ..knee });
    };
    knee.unloaded_p50_ns = unloaded.time_to_target_ns.p50;
    if let Some(notice) = diagnosis::unloaded(search.least, search.limit, &unloaded) {
        knee.notices.push(notice);
        return Ok(knee);
    }
    let mut trials = Trials::of(search);
    let holds = |probe: &Probe| probe.holds;
    let bounds = loop {
        let mut runs = trials.wanted();
        if runs.is_empty() {
            break trials.bounds();
        }
        let at_once = together(search, &runs)?;
        runs.truncate(at_once);
        let probes = probe_runs(search, &runs, at_once, interrupt, program)?;
        let is_interrupted = probes.len() < runs.len();
        trials.add(search, probes, holds, |probes| {
            probes.iter().for_each(&mut told);
            knee.probes.extend_from_slice(probes);
        });
        if is_interrupted {
            break trials.interrupted(holds);
        }
    };
    (knee.rate, knee.fails_at, knee.interrupted) = (bounds.holds, bounds.fails, bounds.interrupted);
    knee.over_seeds = over_seeds(&knee.probes);
    diagnosis::conclude(search, &mut knee);
    Ok(knee)
}

/// Measures the orders' times at the least rate, without queues; `None` if interrupted. It is the warm-up, too.
fn unloaded(search: &Search, interrupt: &Interrupt, program: &Program) -> Result<Option<Probe>, KneeError> {
    let orders = (search.least.as_f64() * UNLOADED_SPAN.as_secs_f64()).clamp(5.0, 20.0) as u64;
    let scenario = search.with_orders(search.least, orders, 0)?;
    let load = Load { rate: search.least, limit: search.limit };
    probe::make(&scenario, load, interrupt, program).map_err(KneeError::from)
}

/// Approximate duration of that measurement.
const UNLOADED_SPAN: Nanos = Nanos::from_secs(2);

/// Returns how many of these runs are made side by side: as many as every rate among them allows.
fn together(search: &Search, runs: &[WantedRun]) -> Result<usize, KneeError> {
    let mut at_once = SEEDS as usize;
    for &(rate, _) in runs {
        at_once = at_once.min(beside(&search.at_rate(rate, 0)?, SEEDS));
    }
    Ok(at_once.max(1))
}

/// Makes these runs, all at once; fewer of them if interrupted.
fn probe_runs(
    search: &Search,
    runs: &[WantedRun],
    at_once: usize,
    interrupt: &Interrupt,
    program: &Program,
) -> Result<Vec<Probe>, KneeError> {
    let make = |turn: u32, interrupt: &Interrupt| -> Result<Option<Probe>, KneeError> {
        let (rate, seed) = runs[turn as usize];
        let scenario = search.at_rate(rate, seed)?;
        let pin = if at_once > 1 { Pin::None } else { scenario.carrier.pin };
        let scenario = scenario.on_fewer_threads(scenario.carrier.threads / at_once, pin);
        Ok(probe::make(&scenario, Load { rate, limit: search.limit }, interrupt, program)?)
    };
    let OrderedTurns { done, failed } = in_turns(runs.len() as u32, at_once, interrupt, make)
        .map_err(|error| SimulationError::from(RuntimeError::from(error)))?;
    if let Some((_, error)) = failed {
        return Err(error);
    }
    // Of runs that follow one that was interrupted, none counts.
    let in_sequence = (0..).zip(done).take_while(|(place, (turn, _))| place == turn);
    Ok(in_sequence.map(|(_, (_, probe))| probe).collect())
}

/// Returns the highest rate that holds with the seed that fails first, and with the one that fails last. For each seed,
/// only rates below the lowest that fails count.
fn over_seeds(probes: &[Probe]) -> [Option<Rate>; 2] {
    let mut seeds: Vec<u64> = probes.iter().map(|probe| probe.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let mut highest: Vec<Option<Rate>> = Vec::new();
    for seed in seeds {
        let of_seed = || probes.iter().filter(move |probe| probe.seed == seed);
        let fails = of_seed().filter(|probe| !probe.holds).map(|probe| probe.rate).min();
        let holding = of_seed().filter(|probe| probe.holds && fails.is_none_or(|fails| probe.rate < fails));
        highest.push(holding.map(|probe| probe.rate).max());
    }
    [highest.iter().copied().min().flatten(), highest.iter().copied().max().flatten()]
}

/// The bounds of the knee found so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bounds {
    holds: Option<Rate>,
    fails: Option<Rate>,
    interrupted: bool,
}

impl Bounds {
    /// Adds the verdict on a rate between them.
    fn narrow(&mut self, rate: Rate, is_held: bool) {
        *if is_held { &mut self.holds } else { &mut self.fails } = Some(rate);
    }

    /// Returns the rate to try next; `None` once the knee is known to the requested precision.
    fn next(&self, search: &Search) -> Option<Rate> {
        match (self.holds, self.fails) {
            (None, None) => None,
            (Some(holds), None) => (holds < search.most).then(|| holds.scaled(2, 1).min(search.most)),
            // If the least rate fails, no other needs to be tried.
            (None, Some(fails)) => (fails > search.least).then_some(search.least),
            (Some(holds), Some(fails)) => {
                let near = holds.scaled(100 + u64::from(search.precision_percent), 100);
                let middle = holds.between(fails);
                (fails > near && middle > holds && middle < fails).then_some(middle)
            }
        }
    }
}

/// The header of the CSV.
const HEADER: &str = "rate_per_second,seed,orders,judged,missed,p50_ns,p90_ns,p99_ns,p99_9_ns,max_ns,growth_ratio,\
                      growth_chance,published_late_p99_ns,messages_per_second,others_share,fault,holds";

impl Knee {
    /// Writes every run as comma-separated values with a header, in ascending sequence of rates. Missing values are
    /// empty.
    ///
    /// # Errors
    /// Any error of `into`.
    pub fn write_csv(&self, mut into: impl Write) -> io::Result<()> {
        writeln!(into, "{HEADER}")?;
        let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
        for probe in self.ascending() {
            let Probe { rate, seed, orders, judged, missed, time_to_target_ns: times, .. } = probe;
            write!(into, "{},{seed},{orders},{judged},{missed},", rate.as_f64())?;
            for time in [times.p50, times.p90, times.p99, times.p99_9, times.max] {
                write!(into, "{},", number(time))?;
            }
            let growth =
                |part: fn(Growth) -> f64| probe.growth.map_or_else(String::new, |growth| part(growth).to_string());
            write!(into, "{},{},", growth(|growth| growth.ratio), growth(|growth| growth.chance))?;
            let others = probe.others_share.map_or_else(String::new, |share| format!("{share:.3}"));
            let fault = probe.fault.map_or("", Fault::name);
            let late = number(probe.published_late_ns.p99);
            writeln!(into, "{late},{:.0},{others},{fault},{}", probe.messages_per_second, probe.holds)?;
        }
        into.flush()
    }

    /// Lists all runs by rate, then by seed.
    fn ascending(&self) -> Vec<&Probe> {
        let mut probes: Vec<&Probe> = self.probes.iter().collect();
        probes.sort_by_key(|probe| (probe.rate, probe.seed));
        probes
    }
}

#[cfg(test)]
mod tests;
