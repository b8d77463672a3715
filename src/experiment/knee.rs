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
mod text;

pub use probe::{Fault, Growth, Probe};

use super::replicates::{OrderedTurns, beside, in_turns};
use crate::runtime::RuntimeError;
use crate::scenario::{BadValue, Draft, Pin, Scenario, ScenarioError, limits};
use crate::simulation::{Program, SimulationError};
use crate::sync::Interrupt;
use crate::time::Nanos;
use crate::workload::Rate;
use probe::Load;
use serde::Serialize;
use std::io::{self, Write};

/// Orders of a probe at least.
const ORDERS_MIN: u64 = 1_000;

/// Duration of a probe at least, on the run's clock. The limit may require a longer one.
const SPAN_MIN: Nanos = Nanos::from_secs(10);

/// Duration of a probe at least, in limits.
const LIMITS_IN_SPAN: u64 = 10;

/// Runs that judge a rate, each with a seed of its own.
const SEEDS: u32 = 3;
/// Runs that must hold for the rate to hold.
const MAJORITY: usize = 2;

/// The parameters of a search. Every field is as the user gave it; [`KneeQuestion::prepare`] fills in the missing ones.
#[derive(Clone, Debug, PartialEq)]
pub struct KneeQuestion {
    /// The network and its workload. Its rate is the first one tried.
    pub draft: Draft,
    /// Limit of the 99th percentile, over orders, of the time to the target.
    pub limit: Nanos,
    /// Time for which orders are published at each rate.
    pub span: Option<Nanos>,
    /// The least rate tried.
    pub least: Option<Rate>,
    /// The greatest rate tried.
    pub most: Option<Rate>,
    /// Precision: the ratio of the least rate that fails to the greatest that holds, less 1, in percent.
    pub precision_percent: u32,
}

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
    /// The lowest rate above it that does not; `None` if every rate tried holds.
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

impl KneeQuestion {
    /// Validates the parameters and fills in the missing ones. Given values are kept; defaults adapt to them.
    ///
    /// # Errors
    /// [`KneeError`] if two parameters contradict each other, or if they form no scenario.
    pub fn prepare(self) -> Result<Search, KneeError> {
        let refuse = |text: String| Err(KneeError::Asked(text));
        let KneeQuestion { draft, limit, .. } = &self;
        for (option, is_asked) in [("orders", draft.orders), ("runs", draft.runs)] {
            if is_asked.is_some() {
                let why = if option == "orders" {
                    "how many there are follows from rate and span"
                } else {
                    "each rate has three"
                };
                return refuse(format!("--{option} with knee: {why}; leave --{option} out"));
            }
        }
        if draft.same_seed.is_some() {
            return refuse("--same-seed with knee: each rate has three seeds; leave --same-seed out".to_owned());
        }
        for (option, span) in [("limit", Some(*limit)), ("span", self.span)] {
            if span == Some(Nanos::ZERO) {
                let rule = "it takes more than no time; write 50ms or 1s".to_owned();
                return Err(
                    ScenarioError::from(BadValue { option: option.to_owned(), value: "0".to_owned(), rule }).into()
                );
            }
        }
        let shortest = SPAN_MIN.max(Nanos(limit.0.saturating_mul(LIMITS_IN_SPAN)));
        let span = self.span.unwrap_or(shortest);
        if span < shortest {
            return refuse(format!(
                "--span {} with --limit {}: a queue that grows shows only with time, and a rate is tried for 10s and \
                 {LIMITS_IN_SPAN} times the limit at least; ask for --span {} or more",
                span.written(),
                limit.written(),
                shortest.written()
            ));
        }
        self.check_timeout()?;
        let [least, start, most] = self.rates(span)?;
        // The most orders that any rate takes, so that a requested window is kept.
        let orders = ((most.as_f64() * span.as_secs_f64()).ceil() as u64).clamp(ORDERS_MIN, limits::ORDERS.most);
        // With as many runs as seeds, the seeds are validated, too.
        let draft = Draft { orders: Some(orders as u32), rate: None, runs: Some(SEEDS), ..self.draft };
        let has_timeout = draft.timeout.is_some();
        // Built only once, because an overlay may come from a source that can be read only once.
        let mut scenario = draft.build()?;
        // Without a limit nothing is late.
        if let Some(default) = scenario.timeout.filter(|_| !has_timeout) {
            let twice = Nanos(self.limit.0.saturating_mul(2));
            scenario = scenario.with(Draft { timeout: Some(default.max(twice)), ..Draft::default() })?;
        }
        Ok(Search { scenario, limit: self.limit, span, start, least, most, precision_percent: self.precision_percent })
    }

    /// Rejects a time limit per order that is not beyond the limit of the search.
    fn check_timeout(&self) -> Result<(), KneeError> {
        let (limit, twice) = (self.limit, Nanos(self.limit.0.saturating_mul(2)));
        match self.draft.timeout {
            Some(timeout) if timeout != Nanos::ZERO && timeout <= limit => Err(KneeError::Asked(format!(
                "--timeout {} with --limit {}: an order would be given up before it is late; ask for --timeout {}, or leave it out",
                timeout.written(),
                limit.written(),
                twice.written()
            ))),
            _ => Ok(()),
        }
    }

    /// The least, the first and the greatest rate of the search.
    fn rates(&self, span: Nanos) -> Result<[Rate; 3], KneeError> {
        let refuse = |text: String| Err(KneeError::Asked(text));
        // The rate at which a run's greatest number of orders fills the span.
        let greatest = Rate::per_second(1).scaled((limits::ORDERS.most as f64 / span.as_secs_f64()) as u64, 1);
        let (asked, least, most) = (self.draft.rate, self.least, self.most);
        for (option, rate) in [("most", most), ("rate", asked), ("least", least)] {
            if let Some(rate) = rate.filter(|&rate| rate > greatest) {
                return refuse(format!(
                    "--{option} {rate}: a rate is tried for {}, and a run takes {} orders at most; ask for at most {greatest}",
                    span.written(),
                    limits::ORDERS.most
                ));
            }
        }
        let top = most.unwrap_or(greatest);
        let bottom = least.unwrap_or_else(|| LEAST.min(asked.unwrap_or(LEAST)).min(top));
        if bottom > top {
            return refuse(format!(
                "--least {bottom} with --most {top}: no rate lies between; ask for less or for more"
            ));
        }
        match asked {
            Some(rate) if rate < bottom => refuse(format!(
                "--rate {rate} with --least {bottom}: the search begins at --rate; ask for a lower --least"
            )),
            Some(rate) if rate > top => {
                refuse(format!("--rate {rate} with --most {top}: the search begins at --rate; ask for a higher --most"))
            }
            asked => Ok([bottom, asked.unwrap_or(START).clamp(bottom, top), top]),
        }
    }
}

/// The least rate tried by default.
const LEAST: Rate = Rate::per_second(10);
/// The first rate tried by default.
const START: Rate = Rate::per_second(100);

impl Search {
    /// The command that repeats the first run of a rate.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] where the rate cannot stand beside the rest of the scenario.
    pub fn replay(&self, rate: Rate) -> Result<String, ScenarioError> {
        Ok(self.at_rate(rate, 0)?.replay())
    }

    /// The scenario that all probes share, except for the rate.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The first rate tried.
    pub fn start(&self) -> Rate {
        self.start
    }

    /// The scenario at a rate, for the search's span, with the seed of a run.
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
    let Bounds { holds, fails, interrupted } = bracket(search, |rate| {
        let Some(probes) = probe_rate(search, rate, interrupt, program)? else { return Ok::<_, KneeError>(None) };
        probes.iter().for_each(&mut told);
        let held = probes.iter().filter(|probe| probe.holds).count();
        knee.probes.extend(probes);
        Ok(Some(held >= MAJORITY))
    })?;
    (knee.rate, knee.fails_at, knee.interrupted) = (holds, fails, interrupted);
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

/// Runs a rate with each seed; `None` if interrupted.
fn probe_rate(
    search: &Search,
    rate: Rate,
    interrupt: &Interrupt,
    program: &Program,
) -> Result<Option<Vec<Probe>>, KneeError> {
    let at_once = beside(&search.at_rate(rate, 0)?, SEEDS);
    let make = |run: u32, interrupt: &Interrupt| -> Result<Option<Probe>, KneeError> {
        let scenario = search.at_rate(rate, run)?;
        let pin = if at_once > 1 { Pin::None } else { scenario.pin };
        let scenario = scenario.on_fewer_threads(scenario.threads / at_once, pin);
        Ok(probe::make(&scenario, Load { rate, limit: search.limit }, interrupt, program)?)
    };
    let turns =
        in_turns(SEEDS, at_once, interrupt, make).map_err(|error| SimulationError::from(RuntimeError::from(error)))?;
    let OrderedTurns { done, failed } = turns;
    match failed {
        Some((_, error)) => Err(error),
        None => Ok((done.len() == SEEDS as usize).then(|| done.into_iter().map(|(_, probe)| probe).collect())),
    }
}

/// The highest rate that holds with the seed that fails first, and with the one that fails last. For each seed, only
/// rates below the lowest that fails count.
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

/// Narrows the bounds of the knee. `holds` tries a rate; it returns `None` if interrupted.
fn bracket<E>(search: &Search, mut holds: impl FnMut(Rate) -> Result<Option<bool>, E>) -> Result<Bounds, E> {
    let mut bounds = Bounds::default();
    let mut next = Some(search.start);
    while let Some(rate) = next {
        match holds(rate)? {
            None => return Ok(Bounds { interrupted: true, ..bounds }),
            Some(true) => bounds.holds = Some(rate),
            Some(false) => bounds.fails = Some(rate),
        }
        next = bounds.next(search);
    }
    Ok(bounds)
}

impl Bounds {
    /// The rate to try next; `None` once the knee is known to the requested precision.
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

/// The first line of the CSV.
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

    /// All runs by rate, then by seed.
    fn ascending(&self) -> Vec<&Probe> {
        let mut probes: Vec<&Probe> = self.probes.iter().collect();
        probes.sort_by_key(|probe| (probe.rate, probe.seed));
        probes
    }
}

#[cfg(test)]
mod tests;
