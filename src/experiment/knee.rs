//! The knee: the highest rate of orders at which their 99th percentile stays under a limit and none is lost.
//!
//! Rates are doubled until one fails, or halved until one holds, and the gap is then bisected in ratio. On a shared
//! machine a single run may fail for reasons of the machine, so that a rate is judged by two runs of three.
//!
//! What was refused: raising the rate within one run, because a queue that an earlier rate has left is felt by the next.

mod text;

use crate::report::{BulkFigures, OrderTimes};
use crate::scenario::{BulkOptions, Scenario, WindowSize};
use crate::simulation::{self, Program, SimulationError};
use crate::stats::End;
use crate::sync::Interrupt;
use crate::time::Nanos;
use crate::workload::{Arrivals, Rate};
use serde::Serialize;
use std::io::{self, Write};

/// The fewest orders of a probe: a 99th percentile needs a hundred.
const ORDERS_MIN: u64 = 100;

/// Runs that a rate needs on one side to be judged.
const MAJORITY: u32 = 2;

/// What to look for.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// What carries the orders. Its rate and its number of orders are the search's to choose.
    pub scenario: Scenario,
    /// What the 99th percentile of the orders' time to their target may not exceed.
    pub limit: Nanos,
    /// The rate that is tried first.
    pub start: Rate,
    /// No lesser rate is tried.
    pub least: Rate,
    /// No greater rate is tried.
    pub most: Rate,
    /// For how long orders are published at a rate, unless that makes fewer than a hundred.
    pub span: Nanos,
    /// How near the greatest rate that holds must come to the least that fails: their ratio less 1, in hundredths.
    pub precision_percent: u32,
}

/// One rate, as it was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Probe {
    /// Orders published a second.
    pub rate: Rate,
    /// Orders published.
    pub orders: u64,
    /// Orders that missed their target.
    pub lost: u64,
    /// Percentiles of the time to the target over the orders that reached it.
    pub time_to_target_ns: OrderTimes,
    /// How late orders were published: where this is not small, the publisher was the bottleneck.
    pub published_late_ns: OrderTimes,
    /// Messages handed to the carrier per second of wall time.
    pub messages_per_second: f64,
    /// Whether the percentile stayed under the limit and no order was lost.
    pub holds: bool,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Knee {
    /// The limit that was asked for.
    pub limit_ns: u64,
    /// The highest rate that holds; `None` where none did.
    pub rate: Option<Rate>,
    /// The lowest rate above it that does not; `None` where every rate that was tried holds.
    pub fails_at: Option<Rate>,
    /// Whether an interrupt ended the search early.
    pub interrupted: bool,
    /// Every run, in the order they were made.
    pub probes: Vec<Probe>,
}

/// Looks for the knee. `program` is what several processes are started from; `told` hears of each run as it ends.
///
/// # Errors
/// [`SimulationError`] of the first run that could not be made.
pub fn find_knee(
    search: &Search,
    interrupt: &Interrupt,
    program: &Program,
    mut told: impl FnMut(&Probe),
) -> Result<Knee, SimulationError> {
    let mut probes = Vec::new();
    let mut run = |rate| -> Result<Option<bool>, SimulationError> {
        let Some(probe) = probe(search, rate, interrupt, program)? else { return Ok(None) };
        told(&probe);
        let holds = probe.holds;
        probes.push(probe);
        Ok(Some(holds))
    };
    let Bounds { holds, fails, interrupted } = bracket(search, |rate| judge(|| run(rate)))?;
    Ok(Knee { limit_ns: search.limit.0, rate: holds, fails_at: fails, interrupted, probes })
}

/// What is known of where the knee lies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bounds {
    holds: Option<Rate>,
    fails: Option<Rate>,
    interrupted: bool,
}

/// Closes in on the knee; `holds` says whether a rate does, `None` where it was interrupted.
fn bracket<E>(search: &Search, mut holds: impl FnMut(Rate) -> Result<Option<bool>, E>) -> Result<Bounds, E> {
    let mut bounds = Bounds::default();
    let mut next = Some(search.start.max(search.least).min(search.most));
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
    /// The rate to try next; `None` once the knee is known well enough.
    fn next(&self, search: &Search) -> Option<Rate> {
        match (self.holds, self.fails) {
            (None, None) => None,
            (Some(holds), None) => (holds < search.most).then(|| holds.scaled(2, 1).min(search.most)),
            (None, Some(fails)) => (fails > search.least).then(|| fails.scaled(1, 2).max(search.least)),
            (Some(holds), Some(fails)) => {
                let near = holds.scaled(100 + u64::from(search.precision_percent), 100);
                let middle = holds.between(fails);
                (fails > near && middle > holds && middle < fails).then_some(middle)
            }
        }
    }
}

/// Two verdicts of three; `None` where a run was interrupted.
fn judge<E>(mut run: impl FnMut() -> Result<Option<bool>, E>) -> Result<Option<bool>, E> {
    let (mut held, mut failed) = (0, 0);
    while held < MAJORITY && failed < MAJORITY {
        match run()? {
            Some(true) => held += 1,
            Some(false) => failed += 1,
            None => return Ok(None),
        }
    }
    Ok(Some(held == MAJORITY))
}

/// One run at a rate; `None` where it was interrupted.
fn probe(
    search: &Search,
    rate: Rate,
    interrupt: &Interrupt,
    program: &Program,
) -> Result<Option<Probe>, SimulationError> {
    let scenario = at_rate(search, rate);
    let records = match simulation::run_with(&scenario, interrupt, &(), program) {
        Err(SimulationError::Interrupted(_)) => return Ok(None),
        records => records?,
    };
    let Some(record) = records.into_iter().next().filter(|record| record.end != End::Interrupted) else {
        return Ok(None);
    };
    let Some(bulk) = record.bulk.as_ref() else { return Ok(None) };
    let figures = BulkFigures::new(bulk, &record.names);
    let lost = figures.orders - figures.reached;
    let slow = figures.time_to_target_ns.p99.is_none_or(|time| time > search.limit.0);
    Ok(Some(Probe {
        rate,
        orders: figures.orders,
        lost,
        time_to_target_ns: figures.time_to_target_ns,
        published_late_ns: figures.published_late_ns,
        messages_per_second: record.payload_messages() as f64 / record.elapsed.as_secs_f64().max(f64::MIN_POSITIVE),
        holds: lost == 0 && !slow && record.ledger.is_balanced(),
    }))
}

impl Search {
    /// The command that runs one rate of the search again.
    pub fn replay(&self, rate: Rate) -> String {
        at_rate(self, rate).replay()
    }
}

/// The search's scenario with orders at a rate, for its span.
fn at_rate(search: &Search, rate: Rate) -> Scenario {
    let orders = (rate.as_f64() * search.span.as_secs_f64()).ceil() as u64;
    let orders = orders.clamp(ORDERS_MIN, crate::scenario::limits::ORDERS.most) as u32;
    let asked = search.scenario.bulk;
    let arrivals = asked.map_or(Arrivals::Constant, |bulk| bulk.arrivals);
    let window = match asked.map(|bulk| bulk.window) {
        Some(WindowSize::Orders(window)) => WindowSize::Orders(window.min(orders)),
        Some(WindowSize::Auto) | None => WindowSize::Auto,
    };
    let bulk = Some(BulkOptions { orders, rate, arrivals, window });
    Scenario { bulk, runs: 1, ..search.scenario.clone() }
}

/// The first line of the CSV.
const HEADER: &str = "rate_per_second,orders,lost,p50_ns,p90_ns,p99_ns,p99_9_ns,max_ns,published_late_p99_ns,\
                      messages_per_second,holds";

impl Knee {
    /// Writes every run as comma-separated values with a header, in ascending order of rates. A percentile over no orders
    /// is empty.
    ///
    /// # Errors
    /// Whatever `into` gives.
    pub fn write_csv(&self, mut into: impl Write) -> io::Result<()> {
        writeln!(into, "{HEADER}")?;
        let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
        for probe in self.ascending() {
            let Probe { rate, orders, lost, time_to_target_ns: times, messages_per_second, holds, .. } = probe;
            write!(into, "{},{orders},{lost},", rate.as_f64())?;
            for time in [times.p50, times.p90, times.p99, times.p99_9, times.max, probe.published_late_ns.p99] {
                write!(into, "{},", number(time))?;
            }
            writeln!(into, "{messages_per_second:.0},{holds}")?;
        }
        into.flush()
    }

    /// All runs by rate.
    fn ascending(&self) -> Vec<&Probe> {
        let mut probes: Vec<&Probe> = self.probes.iter().collect();
        probes.sort_by_key(|probe| probe.rate);
        probes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Draft;
    use std::convert::Infallible;

    fn search(start: u64, most: u64) -> Search {
        Search {
            scenario: Draft { seed: Some(1), ..Draft::default() }.build().unwrap(),
            limit: Nanos::from_millis(1),
            start: Rate::per_second(start),
            least: Rate::per_second(1),
            most: Rate::per_second(most),
            span: Nanos::from_secs(1),
            precision_percent: 5,
        }
    }

    /// Searches where every rate up to `knee` holds; gives the bounds and how many rates were tried.
    fn searched(start: u64, most: u64, knee: u64) -> (Bounds, u32) {
        let mut tried = 0;
        let holds = |rate: Rate| {
            tried += 1;
            Ok::<_, Infallible>(Some(rate <= Rate::per_second(knee)))
        };
        (bracket(&search(start, most), holds).unwrap(), tried)
    }

    #[test]
    fn a_knee_is_found_from_below_and_from_above() {
        for (start, knee) in [(100, 12_345), (100, 7), (1_000_000, 3_000), (5, 5)] {
            let (Bounds { holds, fails, .. }, tried) = searched(start, 10_000_000, knee);
            let (holds, fails) = (holds.unwrap().as_f64(), fails.unwrap().as_f64());
            assert!(holds <= knee as f64 && fails > knee as f64, "{knee}: {holds} to {fails}");
            assert!(fails / holds <= 1.051 && tried < 32, "{knee}: {holds} to {fails}, {tried} tried");
        }
    }

    #[test]
    fn a_search_ends_where_everything_holds_and_where_nothing_does() {
        let (bounds, _) = searched(100, 5_000, u64::MAX / 2_000_000);
        assert_eq!((bounds.holds, bounds.fails), (Some(Rate::per_second(5_000)), None));
        let (bounds, tried) = searched(100, 5_000, 0);
        assert_eq!((bounds.holds, bounds.fails), (None, Some(Rate::per_second(1))));
        assert!(tried < 10);
    }

    #[test]
    fn one_run_of_three_decides_nothing() {
        for (runs, verdict) in [
            (vec![true, true], true),
            (vec![false, true, true], true),
            (vec![true, false, false], false),
            (vec![false, false], false),
        ] {
            let mut runs = runs.into_iter();
            assert_eq!(judge(|| Ok::<_, Infallible>(runs.next())), Ok(Some(verdict)));
            assert_eq!(runs.next(), None);
        }
    }
}
