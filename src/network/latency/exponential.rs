//! The exponential distribution above a minimum. Written `exponential:30ms,min=5ms`.

use super::{Distribution, LatencyError, MakeCurves, Sample, in_order, read_bounds, write_bounds};
use crate::network::spec_fields::SpecFields;
use crate::random::log;
use crate::time::Nanos;
use std::fmt;

/// A minimum plus an exponential part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exponential {
    /// The mean, `least` included.
    pub mean: Nanos,
    /// The minimum.
    pub least: Nanos,
    /// The value that higher draws are clamped to.
    pub greatest: Nanos,
}

/// An exponential distribution that can be drawn from, in nanoseconds.
#[derive(Clone, Debug)]
pub(in crate::network) struct ExponentialSampler {
    least: u64,
    /// The mean above the minimum.
    mean: u64,
    greatest: u64,
}

impl Distribution for Exponential {
    const NAME: &'static str = "exponential";
    const WRITTEN: &'static str = "exponential:MEAN";
    type Sampler = ExponentialSampler;

    fn read(fields: &mut SpecFields<'_>) -> Result<Exponential, LatencyError> {
        let mean = fields.next_span("the mean")?;
        let (least, greatest) = read_bounds(fields)?;
        Ok(Exponential { mean, least, greatest })
    }

    fn check(&self) -> Result<(), LatencyError> {
        in_order(("min", self.least), ("the mean", self.mean))?;
        in_order(("the mean", self.mean), ("max", self.greatest))
    }

    fn bounds(&self) -> (Nanos, Nanos) {
        (self.least, self.greatest)
    }

    fn sampler(&self, _: MakeCurves<'_>) -> ExponentialSampler {
        let Exponential { mean, least, greatest } = *self;
        ExponentialSampler { least: least.0, mean: mean.since(least).0, greatest: greatest.0 }
    }
}

impl fmt::Display for Exponential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mean.written().fmt(f)?;
        write_bounds(f, self.least, self.greatest)
    }
}

impl Sample for ExponentialSampler {
    #[inline]
    fn draw(&self, word: u64) -> u64 {
        self.least.saturating_add(log::exponential(self.mean, word)).min(self.greatest)
    }
}
