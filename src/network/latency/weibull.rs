//! The Weibull distribution above a minimum. Written `weibull:28ms,0.7,min=20ms`, the scale and the shape.
//!
//! Queueing delays of routers have such a tail, with shapes from 0.6 to 0.8 (Papagiannaki et al., "Measurement and
//! analysis of single-hop delay on an IP backbone network", IEEE JSAC 21(6), 2003). With the minimum least, a share of
//! exp(-((x - least) / (scale - least))^shape) lies beyond x. A shape of 1 is the exponential distribution, a smaller
//! one has a longer tail, and 3.6 is nearly symmetric.

use super::{
    Distribution, LATENCY_MAX, LatencyError, MakeCurves, Sample, ShapeParameter, in_order, read_bounds, write_bounds,
};
use crate::network::curves::Curves;
use crate::network::spec_fields::SpecFields;
use crate::random::log;
use crate::time::Nanos;
use std::fmt;
use std::sync::Arc;

/// A minimum plus a Weibull part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weibull {
    /// The scale, `least` included: 63.2 % of all draws lie below it, whatever the shape.
    pub scale: Nanos,
    /// The shape.
    pub shape: ShapeParameter,
    /// The minimum.
    pub least: Nanos,
    /// The value that higher draws are clamped to.
    pub greatest: Nanos,
}

/// A Weibull distribution that can be drawn from, in nanoseconds.
#[derive(Clone, Debug)]
pub(in crate::network) struct WeibullSampler {
    least: u64,
    /// The scale above the minimum.
    scale: u64,
    /// 1 / shape, in units of 2^-32.
    exponent: u64,
    greatest: u64,
    curves: Arc<Curves>,
}

impl Distribution for Weibull {
    const NAME: &'static str = "weibull";
    const WRITTEN: &'static str = "weibull:SCALE,SHAPE";
    type Sampler = WeibullSampler;

    fn read(fields: &mut SpecFields<'_>) -> Result<Weibull, LatencyError> {
        let scale = fields.next_span("the scale")?;
        let shape = ShapeParameter::read(fields)?;
        let (least, greatest) = read_bounds(fields)?;
        Ok(Weibull { scale, shape, least, greatest })
    }

    fn check(&self) -> Result<(), LatencyError> {
        in_order(("min", self.least), ("the scale", self.scale))?;
        in_order(("the scale", self.scale), ("max", self.greatest))
    }

    fn bounds(&self) -> (Nanos, Nanos) {
        (self.least, self.greatest)
    }

    fn sampler(&self, curves: MakeCurves<'_>) -> WeibullSampler {
        let Weibull { scale, shape, least, greatest } = *self;
        let (scale, exponent) = (scale.since(least).0, shape.inverse());
        WeibullSampler { least: least.0, scale, exponent, greatest: greatest.0, curves: curves() }
    }
}

impl fmt::Display for Weibull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.scale.written(), self.shape)?;
        write_bounds(f, self.least, self.greatest)
    }
}

impl Sample for WeibullSampler {
    /// Returns the minimum plus the scale times (-ln U)^(1 / shape).
    #[inline]
    fn draw(&self, word: u64) -> u64 {
        // An exponential draw of mean 1 with 57 digits after the point: its logarithm is that of a fraction of 2^64,
        // from which 7 digits before the point are missing.
        let exponential = log::exponential(1 << log::ONE_BITS, word);
        let whole_bits = i128::from(u64::BITS - log::ONE_BITS);
        let logarithm = (whole_bits << log::ONE_BITS) - i128::from(log::minus_log2(exponential));
        // A logarithm is from -57 to 6 and an exponent at most 10.
        let doublings = (logarithm * i128::from(self.exponent)) >> log::ONE_BITS;
        let above = self.curves.scaled(self.scale, doublings as i64).min(LATENCY_MAX.0);
        self.least.saturating_add(above).min(self.greatest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{NodeId, OrderIndex};
    use crate::network::{Fate, LatencySpec, Network};

    /// Returns the latencies, in nanoseconds, of order 3 from node 5 to this many nodes.
    fn draws(text: &str, nodes: u32) -> Vec<u64> {
        let network = Network::new(7, text.parse::<LatencySpec>().unwrap());
        let links = network.outgoing_links(OrderIndex(3), NodeId(5));
        let fates = (0..nodes).map(|to| links.fate(NodeId(to), 0));
        fates.map(|fate| if let Fate::Arrives(time) = fate { time.0 } else { panic!("nothing is lost") }).collect()
    }

    #[test]
    fn every_quantile_is_that_of_the_closed_form() {
        for (shape, text) in [(0.1, "0.1"), (0.7, "0.7"), (1.0, "1"), (3.6, "3.6"), (1000.0, "1000")] {
            let shape_read = ShapeParameter::read(&mut SpecFields::new(text)).unwrap();
            let (scale, least) = (Nanos::from_millis(10), Nanos::from_millis(2));
            let weibull = Weibull { scale, shape: shape_read, least, greatest: LATENCY_MAX };
            let sampler = weibull.sampler(&|| Arc::new(Curves::new()));
            for tail in [0.999_9, 0.9, 0.5, 0.367_879_441_171_442_3, 0.1, 0.01, 1e-6, 1e-12] {
                let word = (tail * 2f64.powi(64)) as u64;
                let exact = (2e6 + 8e6 * (-f64::ln(tail)).powf(1.0 / shape)).min(8.64e13);
                let error = (sampler.draw(word) as f64 - exact).abs();
                assert!(error <= 1.0 + 1e-6 * exact, "shape {shape}, tail {tail}: off by {error} of {exact}");
            }
        }
    }

    /// The mean is least + s Γ(1 + 1/k) and the variance s^2 (Γ(1 + 2/k) - Γ(1 + 1/k)^2), with s above the minimum.
    #[test]
    fn means_are_those_of_the_closed_form() {
        const DRAWS: u32 = 200_000;
        for (shape, text) in [
            (0.7, "weibull:10ms,0.7,min=2ms"),
            (1.0, "weibull:10ms,1,min=2ms"),
            (1.5, "weibull:10ms,1.5,min=2ms"),
            (3.6, "weibull:10ms,3.6,min=2ms"),
        ] {
            let measured = draws(text, DRAWS).iter().map(|&time| time as f64 / 1e6).sum::<f64>() / f64::from(DRAWS);
            let moment = |power: f64| libm::tgamma(1.0 + power / shape);
            let (mean, deviation) = (2.0 + 8.0 * moment(1.0), 8.0 * (moment(2.0) - moment(1.0).powi(2)).sqrt());
            let error = deviation / f64::from(DRAWS).sqrt();
            assert!((measured - mean).abs() <= 5.0 * error, "{text}: mean {measured}, not {mean}");
        }
    }

    #[test]
    fn draws_stay_within_the_bounds_and_a_shape_of_1_is_exponential() {
        let clamped = draws("weibull:10ms,0.3,min=2ms,max=50ms", 20_000);
        assert!(clamped.iter().all(|time| (2_000_000..=50_000_000).contains(time)));
        assert!(clamped.contains(&50_000_000));
        let pairs = draws("weibull:10ms,1,min=2ms", 1_000).into_iter().zip(draws("exponential:10ms,min=2ms", 1_000));
        assert!(pairs.into_iter().all(|(one, other)| one.abs_diff(other) <= 1 + other / 1_000_000));
        assert_eq!(draws("weibull:10ms,2,min=10ms", 3), [10_000_000; 3]);
    }

    /// The vector in `docs/DETERMINISM.md`.
    #[test]
    fn draws_are_pinned() {
        assert_eq!(draws("weibull:10ms,0.7,min=2ms", 4), [6_229_467, 2_032_208, 2_014_263, 2_315_361]);
    }

    #[test]
    fn the_notation_reads_back_and_bad_figures_are_refused() {
        for (text, written) in [
            ("weibull:10ms,1.50", "weibull:10ms,1.5"),
            ("weibull:10ms, 0.7, max=1s, min=2ms", "weibull:10ms,0.7,min=2ms,max=1s"),
            ("link:weibull:10ms,2+1ms", "link:weibull:10ms,2+constant:1ms"),
        ] {
            assert_eq!(text.parse::<LatencySpec>().unwrap().to_string(), written);
            assert_eq!(written.parse::<LatencySpec>().unwrap(), text.parse().unwrap());
        }
        for (text, said) in [
            ("weibull:10ms", "the shape is missing"),
            ("weibull:10ms,0", "the shape is `0`; write a decimal from 0.1 to 1000"),
            ("weibull:10ms,1,min=11ms", "min of 11ms is above the scale of 10ms"),
            ("weibull:10ms,1,max=9ms", "the scale of 10ms is above max of 9ms"),
            ("weibull:10,1", "the scale is `10`, which is no time"),
            ("gauss:5ms", "pareto:LEAST,SHAPE, weibull:SCALE,SHAPE; all but"),
        ] {
            let error = text.parse::<LatencySpec>().expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
