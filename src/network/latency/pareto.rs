//! The Pareto distribution, whose tail is heavy: a share of (least / x)^shape lies beyond x. Written `pareto:10ms,1.5`,
//! the minimum and the shape. For a shape of 1 or less only the clamping limits the mean.

use super::{Distribution, LATENCY_MAX, LatencyError, MakeCurves, Sample, ShapeParameter, write_bounds};
use crate::network::curves::Curves;
use crate::network::spec_fields::SpecFields;
use crate::random::log;
use crate::time::Nanos;
use std::fmt;
use std::sync::Arc;

/// A Pareto distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pareto {
    /// The minimum, which is also the scale.
    pub least: Nanos,
    /// The shape.
    pub shape: ShapeParameter,
    /// The value that higher draws are clamped to.
    pub greatest: Nanos,
}

/// A Pareto distribution that can be drawn from, in nanoseconds.
#[derive(Clone, Debug)]
pub(in crate::network) struct ParetoSampler {
    least: u64,
    /// 1 / shape, in units of 2^-32.
    exponent: u64,
    greatest: u64,
    curves: Arc<Curves>,
}

impl Distribution for Pareto {
    const NAME: &'static str = "pareto";
    const WRITTEN: &'static str = "pareto:LEAST,SHAPE";
    type Sampler = ParetoSampler;

    fn read(fields: &mut SpecFields<'_>) -> Result<Pareto, LatencyError> {
        let least = fields.next_span("the least")?;
        let shape = ShapeParameter::read(fields)?;
        let greatest = fields.named_span("max")?.unwrap_or(LATENCY_MAX);
        Ok(Pareto { least, shape, greatest })
    }

    fn check(&self) -> Result<(), LatencyError> {
        if self.least > Nanos::ZERO {
            return Ok(());
        }
        let said = "the least is 0, and every draw of a Pareto distribution is a multiple of it; ask for more than 0";
        Err(LatencyError::Figures(said.to_owned()))
    }

    fn bounds(&self) -> (Nanos, Nanos) {
        (self.least, self.greatest)
    }

    fn sampler(&self, curves: MakeCurves<'_>) -> ParetoSampler {
        let Pareto { least, shape, greatest } = *self;
        ParetoSampler { least: least.0, exponent: shape.inverse(), greatest: greatest.0, curves: curves() }
    }
}

impl fmt::Display for Pareto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.least.written(), self.shape)?;
        write_bounds(f, Nanos::ZERO, self.greatest)
    }
}

impl Sample for ParetoSampler {
    /// Returns the minimum times U^(-1 / shape).
    #[inline]
    fn draw(&self, word: u64) -> u64 {
        let doublings = (u128::from(log::minus_log2(word)) * u128::from(self.exponent)) >> log::ONE_BITS;
        // A logarithm is at most 64 and an exponent at most 10.
        self.curves.scaled(self.least, doublings as i64).min(LATENCY_MAX.0).min(self.greatest)
    }
}
