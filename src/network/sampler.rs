//! A distribution prepared for sampling: one random word in, one time out, in integers throughout.

use super::curves::{Curves, ONE_BITS};
use super::latency::{LATENCY_MAX, Latency};
use crate::random::log;
use std::sync::Arc;

/// The 90th percentile of the standard normal distribution, 1.2815515655446004, in units of 2^-32.
const NORMAL_P90: u64 = 0x1_4813_C36E;

/// A distribution of times, in nanoseconds.
#[derive(Clone, Debug)]
pub(super) enum Sampler {
    Constant(u64),
    Uniform { least: u64, values: u64 },
    Exponential { least: u64, mean: u64, greatest: u64 },
    Normal { mean: u64, deviation: u64, least: u64, greatest: u64, curves: Arc<Curves> },
    LogNormal { least: u64, median: u64, exponent: u64, greatest: u64, curves: Arc<Curves> },
    Pareto { least: u64, exponent: u64, greatest: u64, curves: Arc<Curves> },
}

impl Sampler {
    /// Prepares a distribution. `curves` is called only for distributions that need them.
    pub(super) fn new(latency: Latency, curves: impl Fn() -> Arc<Curves>) -> Sampler {
        match latency {
            Latency::Constant(time) => Sampler::Constant(time.0),
            Latency::Uniform { least, greatest } => {
                Sampler::Uniform { least: least.0, values: greatest.since(least).0.saturating_add(1) }
            }
            Latency::Exponential { mean, least, greatest } => {
                Sampler::Exponential { least: least.0, mean: mean.since(least).0, greatest: greatest.0 }
            }
            Latency::Normal { mean, deviation, least, greatest } => Sampler::Normal {
                mean: mean.0,
                deviation: deviation.0,
                least: least.0,
                greatest: greatest.0,
                curves: curves(),
            },
            // The quantiles include the minimum; the log-normal part is the rest above it.
            Latency::LogNormal { median, p90, least, greatest } => {
                let (median, p90) = (median.since(least).0, p90.since(least).0);
                let exponent = exponent_of(median, p90);
                Sampler::LogNormal { least: least.0, median, exponent, greatest: greatest.0, curves: curves() }
            }
            Latency::Pareto { least, shape_millionths, greatest } => Sampler::Pareto {
                least: least.0,
                exponent: (1_000_000 << ONE_BITS) / shape_millionths.max(1),
                greatest: greatest.0,
                curves: curves(),
            },
        }
    }

    /// Returns the time that a random word maps to, in nanoseconds. The word must not be used for anything else.
    #[inline]
    pub(super) fn draw(&self, word: u64) -> u64 {
        match self {
            Sampler::Constant(time) => *time,
            Sampler::Uniform { least, values } => least + ((u128::from(word) * u128::from(*values)) >> 64) as u64,
            skewed => skewed.draw_skewed(word),
        }
    }

    /// Samples the less frequent distributions; separate, so that callers of the two frequent ones stay small.
    fn draw_skewed(&self, word: u64) -> u64 {
        match self {
            Sampler::Exponential { least, mean, greatest } => {
                least.saturating_add(log::exponential(*mean, word)).min(*greatest)
            }
            Sampler::Normal { mean, deviation, least, greatest, curves } => {
                let away = (i128::from(curves.normal(word)) * i128::from(*deviation)) >> ONE_BITS;
                // A quantile is below 2^4 and a deviation below 2^47, so that the product shifted back fits into an
                // i64.
                let drawn = (*mean as i64).saturating_add(away as i64).max(0) as u64;
                drawn.max(*least).min(*greatest)
            }
            Sampler::LogNormal { least, median, exponent, greatest, curves } => {
                least.saturating_add(log_normal(curves, *median, *exponent, word)).min(*greatest)
            }
            Sampler::Pareto { least, exponent, greatest, curves } => {
                pareto(curves, *least, *exponent, word).min(*greatest)
            }
            Sampler::Constant(_) | Sampler::Uniform { .. } => self.draw(word),
        }
    }
}

/// Returns the number of doublings per standard deviation of a log-normal distribution with these quantiles, in units
/// of 2^-32: log2(p90 / median) / 1.28.
pub(super) fn exponent_of(median: u64, p90: u64) -> u64 {
    // A rest without spread is constant.
    if median == 0 || p90 <= median {
        return 0;
    }
    let doublings = u128::from(log::log2(p90, median)) >> (log::ONE_BITS - ONE_BITS);
    // A ratio below 2^32 has a logarithm below 2^5.
    ((doublings << ONE_BITS) / u128::from(NORMAL_P90)) as u64
}

/// Returns the median times two to the power of a normal draw.
#[inline]
pub(super) fn log_normal(curves: &Curves, median: u64, exponent: u64, word: u64) -> u64 {
    let doublings = (i128::from(curves.normal(word)) * i128::from(exponent)) >> ONE_BITS;
    // A quantile is below 2^4 and an exponent below 2^5.
    curves.scaled(median, doublings as i64)
}

/// Returns the minimum times U^(-1 / shape), where `exponent` is 1 / shape in units of 2^-32.
#[inline]
pub(super) fn pareto(curves: &Curves, least: u64, exponent: u64, word: u64) -> u64 {
    let doublings = (u128::from(log::minus_log2(word)) * u128::from(exponent)) >> log::ONE_BITS;
    // A logarithm is at most 64 and an exponent at most 10.
    curves.scaled(least, doublings as i64).min(LATENCY_MAX.0)
}
