//! Log-normal latencies in the form from which SIMD lanes draw: a table of distributions, one for each pair of regions.
//!
//! Lanes have products of 64 bits only, so the figures have limits, far beyond any network; a table with a distribution
//! outside them is drawn from message by message. Both ways give the same bits.

use super::{LATENCY_MAX, Sampler};
use crate::network::curves::{CurveLanes, Curves, ONE_BITS};
use crate::simd::Lookup;
use std::sync::Arc;

/// The first median, counted from the minimum, whose product with a power of two may not fit into 64 bits.
const MEDIAN_END: u64 = 1 << 31;

/// The most doublings per standard deviation, in units of 2^-32: no draw is more than 28 doublings from the median.
const EXPONENT_MAX: u64 = 3 << ONE_BITS;

/// The lower half of a word.
const LOWER: u64 = (1 << 32) - 1;

/// Log-normal distributions with one maximum, and constants below it.
#[derive(Clone, Debug)]
pub(in crate::network) struct LogNormalCells {
    cells: Vec<LogNormalCell>,
    greatest: u64,
    curves: Arc<Curves>,
}

/// A log-normal distribution, in nanoseconds; a constant is one without spread.
#[derive(Clone, Copy, Debug)]
struct LogNormalCell {
    least: u64,
    /// The median above the minimum.
    median: u64,
    /// Doublings per standard deviation, in units of 2^-32.
    exponent: u64,
}

/// The distributions as SIMD lanes read them.
#[derive(Clone, Copy, Debug)]
pub(in crate::network) struct LogNormalLanes<'a> {
    cells: Lookup<'a, LogNormalCell>,
    greatest: u64,
    curves: CurveLanes<'a>,
}

impl LogNormalCells {
    /// Makes the table of some latencies; `None` if lanes cannot draw from one of them, or if no curve is needed.
    pub(in crate::network) fn new(samplers: &[Sampler]) -> Option<LogNormalCells> {
        let mut log_normals = samplers.iter().filter_map(|sampler| match sampler {
            Sampler::LogNormal(sampler) => Some(sampler),
            _ => None,
        });
        let first = log_normals.next()?;
        let cell = |sampler: &Sampler| match sampler {
            Sampler::Constant(time) if *time <= first.greatest => {
                Some(LogNormalCell { least: *time, median: 0, exponent: 0 })
            }
            Sampler::LogNormal(sampler) if sampler.greatest == first.greatest => {
                let cell = LogNormalCell { least: sampler.least, median: sampler.median, exponent: sampler.exponent };
                (cell.median < MEDIAN_END && cell.exponent <= EXPONENT_MAX).then_some(cell)
            }
            _ => None,
        };
        let cells = samplers.iter().map(cell).collect::<Option<Vec<LogNormalCell>>>()?;
        debug_assert!(first.greatest <= LATENCY_MAX.0, "so that a minimum and a draw above it fit into a word");
        Some(LogNormalCells { cells, greatest: first.greatest, curves: Arc::clone(&first.curves) })
    }

    /// Returns the table as SIMD lanes read it.
    #[inline]
    pub(in crate::network) fn lanes(&self) -> Option<LogNormalLanes<'_>> {
        Some(LogNormalLanes { cells: Lookup::new(&self.cells)?, greatest: self.greatest, curves: self.curves.lanes() })
    }
}

impl LogNormalLanes<'_> {
    /// Returns the time that a random word maps to under the latency at an index, in nanoseconds: that of the sampler
    /// from which the cell was made.
    #[inline(always)]
    pub(in crate::network) fn draw(self, index: u64, word: u64) -> u64 {
        let LogNormalCell { least, median, exponent } = self.cells.at(index);
        // Distance times exponent, shifted right by 32, from partial products: the distance has 36 bits and the
        // exponent 34.
        let distance = self.curves.distance(word);
        let lowest = (distance & LOWER) * (exponent & LOWER);
        let above = (distance >> 32) * exponent + (distance & LOWER) * (exponent >> 32) + (lowest >> 32);
        // A shift rounds down, so that a draw below the median takes one more if bits were lost.
        let below = 0u64.wrapping_sub(above + u64::from(lowest & LOWER != 0));
        let doublings = if word >> 63 == 1 { above } else { below } as i64;
        // At most 28 doublings either way, so the shift is from 4 to 60.
        let shift = (i64::from(ONE_BITS) - (doublings >> ONE_BITS)) as u32;
        let product = median * self.curves.power(doublings);
        (least + (product >> (shift % u64::BITS))).min(self.greatest)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Distribution, Latency, LogNormal, Sample};
    use super::*;
    use crate::time::Nanos;
    use proptest::prelude::*;

    /// Returns samplers of these latencies, which share their curves.
    fn samplers(latencies: &[Latency]) -> Vec<Sampler> {
        let curves = Arc::new(Curves::new());
        latencies.iter().map(|&latency| Sampler::new(latency, &|| Arc::clone(&curves))).collect()
    }

    fn log_normal(text: &str) -> Latency {
        text.parse().unwrap()
    }

    /// The words at which a shift or a sign changes, and all words near the ends of the quantiles.
    fn edges() -> impl Iterator<Item = u64> {
        let ends = (0..64).flat_map(|bit| [1u64 << bit, (1 << bit) - 1, !(1 << bit), u64::MAX << bit]);
        ends.chain((0..128).map(|part| part << 57)).chain([0, 1, u64::MAX, 1 << 63, (1 << 63) - 1])
    }

    #[test]
    fn lanes_draw_what_the_samplers_draw_at_every_edge() {
        let samplers = samplers(&[
            log_normal("lognormal:p50=40ms,p90=90ms,min=10ms"),
            log_normal("10ms"),
            log_normal("lognormal:p50=2.1s,p90=2.2s"),
            log_normal("lognormal:p50=1us,p90=14us"),
            log_normal("lognormal:p50=1ns,p90=14ns"),
            log_normal("lognormal:p50=5ms,p90=5ms"),
            log_normal("lognormal:p50=5ms,p90=5ms,min=5ms"),
        ]);
        let cells = LogNormalCells::new(&samplers).unwrap();
        let lanes = cells.lanes().unwrap();
        for word in edges() {
            for (index, sampler) in samplers.iter().enumerate() {
                assert_eq!(lanes.draw(index as u64, word), sampler.draw(word), "latency {index}, word {word:#x}");
            }
        }
    }

    proptest! {
        #[test]
        fn lanes_draw_what_the_sampler_draws(
            (median, spread, least) in (1..MEDIAN_END, 0u64..13_000, 0u64..1 << 46),
            words in prop::array::uniform32(any::<u64>()),
        ) {
            let p90 = median + (u128::from(median) * u128::from(spread) / 1_000) as u64;
            let [median, p90, greatest] = [least + median, least + p90, 2 * least + p90].map(Nanos);
            let sampler = LogNormal { median, p90, least: Nanos(least), greatest }.sampler(&|| Arc::new(Curves::new()));
            prop_assume!(greatest <= LATENCY_MAX);
            let table = [Sampler::LogNormal(sampler.clone())];
            let cells = LogNormalCells::new(&table).expect("within the limits");
            let lanes = cells.lanes().unwrap();
            for word in words {
                prop_assert_eq!(lanes.draw(0, word), sampler.draw(word));
            }
        }
    }

    #[test]
    fn a_table_outside_the_limits_is_not_drawn_from_in_lanes() {
        let drawn = |texts: &[&str]| {
            let latencies: Vec<Latency> = texts.iter().map(|text| text.parse().unwrap()).collect();
            LogNormalCells::new(&samplers(&latencies)).is_some()
        };
        let plain = "lognormal:p50=40ms,p90=90ms,min=10ms";
        assert!(drawn(&[plain, "1h"]));
        assert!(!drawn(&["50ms"]), "nothing is skewed");
        assert!(!drawn(&[plain, "uniform:1ms..2ms"]));
        assert!(!drawn(&[plain, "lognormal:p50=40ms,p90=90ms,max=1s"]), "another maximum");
        assert!(!drawn(&["lognormal:p50=40ms,p90=90ms,max=1s", "2s"]), "a constant above the maximum");
        assert!(!drawn(&["lognormal:p50=3s,p90=4s"]), "a median of 2^31 ns and more");
        assert!(!drawn(&["lognormal:p50=1ms,p90=1s"]), "8 doublings per standard deviation");
    }
}
