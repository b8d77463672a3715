//! The normal distribution: symmetric around a mean. Written `normal:50ms,10ms,min=20ms,max=90ms`.

use super::{Distribution, LATENCY_MAX, LatencyError, MakeCurves, Sample, in_order, read_bounds, write_bounds};
use crate::network::curves::{Curves, ONE_BITS};
use crate::network::spec_fields::SpecFields;
use crate::time::Nanos;
use std::fmt;
use std::sync::Arc;

/// A normal distribution, clamped at both ends because it has no minimum of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Normal {
    /// The mean, before clamping.
    pub mean: Nanos,
    /// The standard deviation, before clamping.
    pub deviation: Nanos,
    /// The value that lower draws are clamped to.
    pub least: Nanos,
    /// The value that higher draws are clamped to.
    pub greatest: Nanos,
}

/// A normal distribution that can be drawn from, in nanoseconds.
#[derive(Clone, Debug)]
pub(in crate::network) struct NormalSampler {
    mean: u64,
    deviation: u64,
    least: u64,
    greatest: u64,
    curves: Arc<Curves>,
}

impl Distribution for Normal {
    const NAME: &'static str = "normal";
    const WRITTEN: &'static str = "normal:MEAN,DEVIATION";
    type Sampler = NormalSampler;

    fn read(fields: &mut SpecFields<'_>) -> Result<Normal, LatencyError> {
        let (mean, deviation) = (fields.next_span("the mean")?, fields.next_span("the deviation")?);
        let (least, greatest) = read_bounds(fields)?;
        Ok(Normal { mean, deviation, least, greatest })
    }

    fn check(&self) -> Result<(), LatencyError> {
        in_order(("min", self.least), ("the mean", self.mean))?;
        in_order(("the mean", self.mean), ("max", self.greatest))?;
        in_order(("the deviation", self.deviation), ("the longest latency", LATENCY_MAX))
    }

    fn bounds(&self) -> (Nanos, Nanos) {
        (self.least, self.greatest)
    }

    fn sampler(&self, curves: MakeCurves<'_>) -> NormalSampler {
        let Normal { mean, deviation, least, greatest } = *self;
        NormalSampler { mean: mean.0, deviation: deviation.0, least: least.0, greatest: greatest.0, curves: curves() }
    }
}

impl fmt::Display for Normal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.mean.written(), self.deviation.written())?;
        write_bounds(f, self.least, self.greatest)
    }
}

impl Sample for NormalSampler {
    #[inline]
    fn draw(&self, word: u64) -> u64 {
        let away = (i128::from(self.curves.normal(word)) * i128::from(self.deviation)) >> ONE_BITS;
        // A quantile is below 2^4 and a deviation below 2^47, so that the product shifted back fits into an i64.
        let drawn = (self.mean as i64).saturating_add(away as i64).max(0) as u64;
        drawn.max(self.least).min(self.greatest)
    }
}
