//! Losses in bursts: the share lost, the correlation of two instants, and the duration of a burst (Gilbert 1960,
//! Elliott 1963).
//!
//! A link that is good for exponential times of mean `g` and bad for those of mean `b` is bad for a share `b / (g + b)`
//! of the time. The covariance of its state at two instants `t` apart is that of a two-state Markov process, `P (1 - P)
//! exp(-t (1/g + 1/b))`. Here everything is lost while it is bad, so a loss shows the state.

use super::{Bench, Case, EarlyEnd};
use crate::analysis::Estimate;
use crate::ids::{NodeId, OrderIndex};
use crate::network::{Fate, Latency, LossSpec, Network};
use crate::time::Nanos;

const GROUP: &str = "Losses in bursts";

const GOOD_MS: u64 = 1_000;
const BAD_MS: u64 = 200;

/// Samples of a link, one a millisecond, which is shorter than the slots in which its state is drawn.
const SAMPLES: usize = 100_000;

const REPLICATES: u32 = 64;

/// Relative error of the rate at which two instants become independent. The state is drawn in slots of up to a 64th of
/// a bad period, with chances that are linear in their length, so the rate is off by half the chance of a change within
/// a slot, which is below a hundredth.
const RATE_ERROR: f64 = 0.01;

/// Relative error of the mean burst. A replicate has some eighty bursts, and a ratio of two sums over that many is
/// biased by about one eightieth of its variation.
const BURST_ERROR: f64 = 0.02;

pub(super) fn cases(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    let text = format!("gilbert-elliott:good={GOOD_MS}ms,bad={BAD_MS}ms");
    let Ok(loss) = text.parse::<LossSpec>() else { return Ok(()) };
    let states = bench.each(bench.replicates(REPLICATES), |seed, _| Ok(states(seed, &loss)))?;
    let (good, bad) = (GOOD_MS as f64, BAD_MS as f64);
    let share = bad / (good + bad);
    let judge = |case: String, form: f64, error: f64, figure: &dyn Fn(&[bool]) -> f64| {
        let figures: Vec<f64> = states.iter().map(|states| figure(states)).collect();
        bench.take(Case::new(GROUP, case, (form, error), Estimate::mean(&figures)));
    };
    judge("share of time that is bad".to_owned(), share, 0.0, &|states| {
        states.iter().filter(|&&is_bad| is_bad).count() as f64 / states.len() as f64
    });
    for lag in [10, 50, 100, 200, 400] {
        let variance = share * (1.0 - share);
        let exponent = lag as f64 * (1.0 / good + 1.0 / bad);
        let form = variance * (-exponent).exp();
        let error = form * exponent * RATE_ERROR;
        judge(format!("autocovariance after {lag} ms"), form, error, &|states| covariance(states, lag, share));
    }
    judge("mean burst, in ms".to_owned(), bad, bad * BURST_ERROR, &mean_burst);
    Ok(())
}

/// Returns the state of one link by millisecond; true if it is bad.
fn states(seed: u64, loss: &LossSpec) -> Vec<bool> {
    let network = Network::new(seed, Latency::Constant(Nanos::from_millis(1))).with_loss(loss);
    let is_bad = |sample: usize| {
        let links = network.outgoing_links(OrderIndex(0), NodeId(5)).at(Nanos::from_millis(sample as u64));
        links.fate(NodeId(6), sample as u32) == Fate::Lost
    };
    (0..SAMPLES).map(is_bad).collect()
}

/// Returns the covariance of states `lag` samples apart, about their known mean, so that it is unbiased.
fn covariance(states: &[bool], lag: usize, mean: f64) -> f64 {
    let from_mean = |is_bad: bool| f64::from(u8::from(is_bad)) - mean;
    let pairs = states.iter().zip(&states[lag..]);
    let sum: f64 = pairs.map(|(&one, &other)| from_mean(one) * from_mean(other)).sum();
    sum / (states.len() - lag) as f64
}

/// Returns the mean number of bad samples per burst. A link that was never bad had no burst.
fn mean_burst(states: &[bool]) -> f64 {
    let bad = states.iter().filter(|&&is_bad| is_bad).count();
    let ends = states.windows(2).filter(|pair| pair[0] && !pair[1]).count();
    bad as f64 / ends.max(1) as f64
}
