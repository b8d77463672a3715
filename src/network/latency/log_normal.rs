//! The log-normal distribution above a minimum: skewed to the right. Written `lognormal:p50=40ms,p90=90ms,min=10ms`.

use super::{Distribution, LatencyError, MakeCurves, Sample, in_order, read_bounds, write_bounds};
use crate::network::curves::{Curves, ONE_BITS};
use crate::network::spec_fields::SpecFields;
use crate::random::log;
use crate::time::Nanos;
use std::fmt;
use std::sync::Arc;

/// The largest ratio of p90 to p50, both counted from the minimum: the logarithm of a larger one does not fit its type.
const SKEW_MAX: u64 = 1_000_000;

/// The 90th percentile of the standard normal distribution, 1.2815515655446004, in units of 2^-32.
const NORMAL_P90: u64 = 0x1_4813_C36E;

/// A minimum plus a log-normal part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogNormal {
    /// The median, `least` included.
    pub median: Nanos,
    /// The 90th percentile, `least` included.
    pub p90: Nanos,
    /// The minimum.
    pub least: Nanos,
    /// The value that higher draws are clamped to.
    pub greatest: Nanos,
}

/// A log-normal distribution that can be drawn from, in nanoseconds.
#[derive(Clone, Debug)]
pub(in crate::network) struct LogNormalSampler {
    pub(super) least: u64,
    /// The median above the minimum.
    pub(super) median: u64,
    /// Doublings per standard deviation, in units of 2^-32.
    pub(super) exponent: u64,
    pub(super) greatest: u64,
    pub(super) curves: Arc<Curves>,
}

impl Distribution for LogNormal {
    const NAME: &'static str = "lognormal";
    const WRITTEN: &'static str = "lognormal:p50=TIME,p90=TIME";
    type Sampler = LogNormalSampler;

    fn read(fields: &mut SpecFields<'_>) -> Result<LogNormal, LatencyError> {
        let missing = |figure| LatencyError::Missing { figure };
        let median = fields.named_span("p50")?.ok_or(missing("p50=TIME"))?;
        let p90 = fields.named_span("p90")?.ok_or(missing("p90=TIME"))?;
        let (least, greatest) = read_bounds(fields)?;
        Ok(LogNormal { median, p90, least, greatest })
    }

    fn check(&self) -> Result<(), LatencyError> {
        let LogNormal { median, p90, least, greatest } = *self;
        in_order(("p50", median), ("p90", p90))?;
        in_order(("p90", p90), ("max", greatest))?;
        // Equal quantiles mean a constant latency, which needs nothing above its minimum.
        if least >= median && least != p90 {
            let (least, median) = (least.written(), median.written());
            return Err(LatencyError::Figures(format!(
                "min of {least} leaves nothing below p50 of {median}; take a smaller min, or write constant:{median}"
            )));
        }
        if p90.since(least).0 / median.since(least).0.max(1) > SKEW_MAX {
            return Err(LatencyError::Figures(format!(
                "p90 of {} lies more than a million times as far above min as p50 of {}; bring them nearer together",
                p90.written(),
                median.written()
            )));
        }
        Ok(())
    }

    fn bounds(&self) -> (Nanos, Nanos) {
        (self.least, self.greatest)
    }

    fn sampler(&self, curves: MakeCurves<'_>) -> LogNormalSampler {
        // The quantiles include the minimum; the log-normal part is the rest above it.
        let (median, p90) = (self.median.since(self.least).0, self.p90.since(self.least).0);
        let exponent = exponent_of(median, p90);
        LogNormalSampler { least: self.least.0, median, exponent, greatest: self.greatest.0, curves: curves() }
    }
}

impl fmt::Display for LogNormal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50={},p90={}", self.median.written(), self.p90.written())?;
        write_bounds(f, self.least, self.greatest)
    }
}

impl Sample for LogNormalSampler {
    #[inline]
    fn draw(&self, word: u64) -> u64 {
        let doublings = (i128::from(self.curves.normal(word)) * i128::from(self.exponent)) >> ONE_BITS;
        // A quantile is below 2^4 and an exponent below 2^5.
        let above = self.curves.scaled(self.median, doublings as i64);
        self.least.saturating_add(above).min(self.greatest)
    }
}

/// Returns the number of doublings per standard deviation of a log-normal distribution with these quantiles, in units
/// of 2^-32: log2(p90 / median) / 1.28.
fn exponent_of(median: u64, p90: u64) -> u64 {
    // A rest without spread is constant.
    if median == 0 || p90 <= median {
        return 0;
    }
    let doublings = u128::from(log::log2(p90, median)) >> (log::ONE_BITS - ONE_BITS);
    // A ratio below 2^32 has a logarithm below 2^5.
    ((doublings << ONE_BITS) / u128::from(NORMAL_P90)) as u64
}
