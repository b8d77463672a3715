//! One run at a rate, and the verdict on the rate in it.

use super::machine::Machine;
use crate::analysis::OrderTimes;
use crate::record::{End, OrderOutcome, OrderRecord, RunRecord};
use crate::scenario::Scenario;
use crate::simulation::{Program, Runner, SimulationError};
use crate::sync::Interrupt;
use crate::theory::intervals::{slope_ratio, student_tail};
use crate::time::Nanos;
use crate::transport::Clock;
use crate::workload::Rate;
use serde::Serialize;

/// Divisor of the schedule: orders due in its first part find queues that are not filled yet, and are not judged.
const WARM_UP_PARTS: u64 = 5;

/// Batch means over which the slope is computed.
const BATCHES: usize = 10;

/// Probability below which a slope counts as growth and not as chance.
const CHANCE: f64 = 0.01;

/// A rate with its limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) rate: Rate,
    pub(super) limit: Nanos,
}

/// A reason why a rate does not hold in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Messages are unaccounted for.
    Unbalanced,
    /// Orders missed their target.
    Missed,
    /// The percentile is above the limit.
    Late,
    /// The times grow: a queue is filling.
    Grows,
}

impl Fault {
    /// Returns the name in JSON and CSV.
    pub const fn name(self) -> &'static str {
        match self {
            Fault::Unbalanced => "unbalanced",
            Fault::Missed => "missed",
            Fault::Late => "late",
            Fault::Grows => "grows",
        }
    }
}

/// The slope of the orders' times over ten batch means.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Growth {
    /// Slope over its standard error; at most 10^9, which stands for a line without scatter.
    pub ratio: f64,
    /// Probability of a slope at least as great without growth.
    pub chance: f64,
}

/// The measurement of one rate with one seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Probe {
    /// Orders due per second.
    pub rate: Rate,
    /// Seed of the run.
    pub seed: u64,
    /// Orders of the schedule.
    pub orders: u64,
    /// Orders that are judged: those published after the first fifth of the schedule.
    pub judged: u64,
    /// Judged orders that missed their target.
    pub missed: u64,
    /// Percentiles, over the judged orders that reached their target, of the time to it in nanoseconds.
    pub time_to_target_ns: OrderTimes,
    /// Growth of these times; `None` if fewer than ten orders reached their target.
    pub growth: Option<Growth>,
    /// Percentiles of how late the judged orders were published, in nanoseconds. If they are not small, the publisher
    /// was the bottleneck.
    pub published_late_ns: OrderTimes,
    /// Messages handed to the carrier per second of the run's clock.
    pub messages_per_second: f64,
    /// Share of the processors that other work took meanwhile; `None` in virtual time, and if the system does not
    /// report it.
    pub others_share: Option<f64>,
    /// The reason why the rate does not hold.
    pub fault: Option<Fault>,
    /// True if the rate holds.
    pub holds: bool,
}

/// Makes a run; `None` if interrupted.
pub(super) fn make(
    scenario: &Scenario,
    load: Load,
    interrupt: &Interrupt,
    program: &Program,
) -> Result<Option<Probe>, SimulationError> {
    let measure = || {
        let clock = Clock::start();
        let runner = Runner::build(scenario, interrupt, &(), Some(program))?;
        // Read after the set-up, which is this process's own work and no part of the run.
        let before = Machine::read().filter(|_| !scenario.carrier.transport.is_virtual());
        let record = runner.run(clock)?;
        Ok((record, before.and_then(|before| Machine::read()?.others_since(&before))))
    };
    match measure() {
        Err(SimulationError::Interrupted(_)) => Ok(None),
        Err(error) => Err(error),
        Ok((record, _)) if record.end == End::Interrupted => Ok(None),
        Ok((record, others_share)) => Ok(Some(Probe { others_share, ..judge(&record, scenario.run.seed, load) })),
    }
}

/// Judges a run.
fn judge(record: &RunRecord, seed: u64, load: Load) -> Probe {
    let orders: &[OrderRecord] = record.bulk.as_ref().map_or(&[], |bulk| &bulk.orders);
    let first = orders.last().map_or(0, |last| last.due.0 / WARM_UP_PARTS);
    let is_judged = |order: &&OrderRecord| order.due.0 >= first && order.outcome != OrderOutcome::NotPublished;
    let judged: Vec<&OrderRecord> = orders.iter().filter(is_judged).collect();
    let times: Vec<u64> = judged.iter().filter_map(|order| Some(order.time_to_target()?.0)).collect();
    let missed = (judged.len() - times.len()) as u64;
    let growth = growth(&times);
    let time_to_target_ns = OrderTimes::of(times.into_iter().map(Nanos));
    let fault = if !record.ledger.is_balanced() {
        Some(Fault::Unbalanced)
    } else if missed > 0 || judged.is_empty() {
        Some(Fault::Missed)
    } else if time_to_target_ns.p99.is_none_or(|time| time > load.limit.0) {
        Some(Fault::Late)
    } else {
        growth.filter(|growth| growth.chance < CHANCE).map(|_| Fault::Grows)
    };
    Probe {
        rate: load.rate,
        seed,
        orders: orders.len() as u64,
        judged: judged.len() as u64,
        missed,
        time_to_target_ns,
        growth,
        published_late_ns: OrderTimes::of(judged.iter().filter_map(|order| order.published_late)),
        messages_per_second: record.payload_messages() as f64 / record.elapsed.as_secs_f64().max(f64::MIN_POSITIVE),
        others_share: None,
        fault,
        holds: fault.is_none(),
    }
}

/// Computes the growth of times, which are in the sequence in which their orders were due.
fn growth(times: &[u64]) -> Option<Growth> {
    if times.len() < BATCHES {
        return None;
    }
    let bound = |batch: usize| batch * times.len() / BATCHES;
    let means: [f64; BATCHES] = std::array::from_fn(|batch| {
        let batch = &times[bound(batch)..bound(batch + 1)];
        batch.iter().map(|&time| time as f64).sum::<f64>() / batch.len() as f64
    });
    let (ratio, degrees) = slope_ratio(&means)?;
    Some(Growth { ratio: ratio.clamp(-STEEPEST, STEEPEST), chance: student_tail(ratio, degrees) })
}

/// The ratio that stands for a slope without scatter.
const STEEPEST: f64 = 1e9;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::scenario::{Draft, TransportKind};

    fn order(due_ms: u64, time: Option<u64>) -> OrderRecord {
        let time_to = [time.map(Nanos); 4];
        OrderRecord {
            origin: NodeId(0),
            due: Nanos::from_millis(due_ms),
            published_late: Some(Nanos(1)),
            payload_bytes: 0,
            counted: 10,
            reached: if time.is_some() { 10 } else { 9 },
            sent: 80,
            received: 80,
            time_to,
            time_to_end: time.map(Nanos),
            outcome: if time.is_some() { OrderOutcome::Reached } else { OrderOutcome::Missed },
        }
    }

    fn judged(times: impl Iterator<Item = Option<u64>>) -> Probe {
        let orders = (0..).zip(times).map(|(due, time)| order(due * 10, time)).collect();
        judge(&run_of(orders), 7, Load { rate: Rate::per_second(100), limit: Nanos(2_000) })
    }

    /// Makes a run with these orders.
    fn run_of(orders: Vec<OrderRecord>) -> RunRecord {
        let draft = Draft { nodes: Some(2), orders: Some(2), seed: Some(1), ..Draft::default() };
        let scenario = Draft { transport: Some(TransportKind::Simulated), ..draft }.build().unwrap();
        let mut record = crate::simulation::run(&scenario, &Interrupt::new()).unwrap();
        record.bulk.as_mut().unwrap().orders = orders;
        record
    }

    /// Makes times that scatter without a trend.
    fn level(count: u64) -> impl Iterator<Item = Option<u64>> {
        (0..count).map(|order| Some(1_000 + order * 7_919 % 101))
    }

    #[test]
    fn a_rate_holds_if_times_are_level_and_under_the_limit() {
        let probe = judged(level(1_001));
        assert_eq!((probe.fault, probe.holds, probe.orders, probe.judged, probe.missed), (None, true, 1_001, 801, 0));
        assert!(probe.growth.unwrap().chance > CHANCE, "{:?}", probe.growth);
    }

    #[test]
    fn each_fault_is_named() {
        let one_in_fifty = level(1_001).zip(0..).map(|(time, order)| if order % 50 == 0 { Some(2_001) } else { time });
        assert_eq!(judged(one_in_fifty).fault, Some(Fault::Late));
        let one_in_two_hundred =
            level(1_001).zip(0..).map(|(time, order)| if order % 200 == 0 { Some(9_000) } else { time });
        assert_eq!(judged(one_in_two_hundred).fault, None, "the 99th percentile does not see it");
        let one_missed = level(1_001).zip(0..).map(|(time, order)| time.filter(|_| order != 900));
        assert_eq!(judged(one_missed).fault, Some(Fault::Missed));
        // The slope is a fiftieth of the scatter over the whole run, but the queue grows without end.
        let growing = level(1_001).zip(0..).map(|(time, order)| time.map(|time| time + order / 20));
        let probe = judged(growing);
        assert_eq!(probe.fault, Some(Fault::Grows), "{:?}", probe.growth);
        assert_eq!(judged(std::iter::empty()).fault, Some(Fault::Missed));
    }

    #[test]
    fn the_first_fifth_is_not_judged() {
        let cold = level(1_001).zip(0..).map(|(time, order)| if order < 190 { None } else { time });
        assert_eq!(judged(cold).fault, None);
    }

    #[test]
    fn unpublished_orders_are_not_judged() {
        let mut orders: Vec<OrderRecord> = (0..).zip(level(1_001)).map(|(due, time)| order(due * 10, time)).collect();
        orders[500] = OrderRecord { outcome: OrderOutcome::NotPublished, ..order(5_000, None) };
        let probe = judge(&run_of(orders), 7, Load { rate: Rate::per_second(100), limit: Nanos(2_000) });
        assert_eq!((probe.fault, probe.judged), (None, 800));
    }
}
