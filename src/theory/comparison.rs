//! Tests of differences between runs that share their seeds, and the correction for many such tests.
//!
//! Runs of two protocols with one seed have the same overlay, orders and network, so that their difference has less
//! chance in it than either of them. The test is therefore Student's on the differences, one for each seed.
//!
//! Refused: ranks in place of values (Wilcoxon), because with few runs they cannot become significant after the
//! correction; and the correction of Bonferroni, because Holm's rejects at least as much under the same guarantee.

use super::intervals::{RUNS_MIN, student_quantile, student_tail, wilson_bounds};
use libm::sqrt;

/// The largest probability of a chance result that counts as significant.
pub const SIGNIFICANCE: f64 = 0.05;

/// The mean of paired differences, and the chance that equal protocols differ as much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedDifference {
    /// Arithmetic mean of the differences.
    pub mean: f64,
    /// Student's 95 % interval for it.
    pub interval: [f64; 2],
    /// Probability of a mean at least this far from 0 if the true one is 0, on either side.
    pub p: f64,
}

/// Tests if the mean of differences is 0, by the paired t-test of Student 1908; `None` for fewer than
/// [`RUNS_MIN`] differences.
///
/// It assumes that the mean is nearly normal. Differences that are all equal leave no room for chance: `p` is then 1 if
/// they are 0, and 0 otherwise.
pub fn paired_difference(differences: &[f64]) -> Option<PairedDifference> {
    if differences.len() < RUNS_MIN {
        return None;
    }
    let [mean, deviation] = mean_and_deviation(differences);
    let degrees = differences.len() as u32 - 1;
    let error = deviation / sqrt(differences.len() as f64);
    let half = student_quantile(0.975, degrees) * error;
    let p = match mean {
        0.0 => 1.0,
        _ if error == 0.0 => 0.0,
        _ => two_sided(mean / error, degrees),
    };
    Some(PairedDifference { mean, interval: [mean - half, mean + half], p })
}

/// Returns the probability that Student's t is at least this far from 0, on either side. Probabilities below 1e-15 are
/// inexact, and never below 0.
pub fn two_sided(ratio: f64, degrees: u32) -> f64 {
    (2.0 * student_tail(ratio.abs(), degrees)).clamp(0.0, 1.0)
}

/// Adjusts the probabilities of several tests, so that the chance of any false rejection among all of them stays below
/// the level at which the adjusted ones are compared.
///
/// Source: Holm 1979. The k-th least of m probabilities is multiplied by m - k + 1, and none may be less than one
/// before it.
pub fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut places: Vec<usize> = (0..probabilities.len()).collect();
    places.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
    let mut adjusted = vec![1.0; probabilities.len()];
    let mut least: f64 = 0.0;
    for (rank, place) in places.into_iter().enumerate() {
        let factor = (probabilities.len() - rank) as f64;
        least = least.max((factor * probabilities[place]).min(1.0));
        adjusted[place] = least;
    }
    adjusted
}

/// Returns Wilson's 95 % interval for a share that was measured in several runs, each over many units; `None` for fewer
/// than [`RUNS_MIN`] runs. `units` counts the units of all runs together.
///
/// Units of one run are not independent: if an order dies out, all nodes miss it. The interval is that of the number of
/// independent units that would give the variance seen between runs (the design effect of Kish 1965), and at most
/// `units`.
pub fn wilson_of_runs(shares: &[f64], units: f64) -> Option<[f64; 2]> {
    if shares.len() < RUNS_MIN {
        return None;
    }
    let [mean, deviation] = mean_and_deviation(shares);
    let mean = super::share(mean);
    let variance = deviation * deviation / shares.len() as f64;
    let independent = if variance > 0.0 { mean * (1.0 - mean) / variance } else { units };
    Some(wilson_bounds(mean, independent.min(units).max(1.0)))
}

/// Returns the arithmetic mean of at least two values, and their sample standard deviation, which is exactly 0 if all
/// are equal.
pub fn mean_and_deviation(values: &[f64]) -> [f64; 2] {
    let (count, first) = (values.len().max(1) as f64, values.first().copied().unwrap_or(0.0));
    // Sums are taken from the first value on, so that equal values have a mean without rounding.
    let mean = first + values.iter().map(|value| value - first).sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    [mean, sqrt(squares / (count - 1.0).max(1.0))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose};
    use crate::theory::intervals::wilson_interval;
    use proptest::prelude::*;

    /// The additional hours of sleep of ten patients under two drugs, in the paper that the test is from: Student 1908,
    /// "The Probable Error of a Mean". The further digits are those of R's documentation (`t.test` on `sleep`).
    #[test]
    fn students_own_example_is_reproduced() {
        let differences = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
        let PairedDifference { mean, interval: [low, high], p } = paired_difference(&differences).unwrap();
        assert!((mean - 1.58).abs() < 1e-12, "{mean}");
        assert!((p - 0.002833).abs() < 5e-7, "{p}");
        assert!((low - 0.700_114_2).abs() < 1e-6 && (high - 2.459_885_8).abs() < 1e-6, "{low} {high}");
    }

    /// Percentage points of Student's t, two-sided: Abramowitz and Stegun, table 26.10.
    #[test]
    fn two_sided_probabilities_agree_with_tables() {
        for (ratio, degrees, p) in [
            (12.706, 1, 0.05),
            (63.657, 1, 0.01),
            (4.303, 2, 0.05),
            (2.776, 4, 0.05),
            (4.604, 4, 0.01),
            (1.833, 9, 0.10),
            (3.250, 9, 0.01),
            (2.093, 19, 0.05),
            (2.861, 19, 0.01),
            (3.883, 19, 0.001),
            (1.980, 120, 0.05),
        ] {
            for ratio in [ratio, -ratio] {
                assert!((two_sided(ratio, degrees) / p - 1.0).abs() < 2e-3, "{ratio} {degrees}");
            }
        }
        assert_eq!((two_sided(0.0, 7), two_sided(f64::INFINITY, 7)), (1.0, 0.0));
    }

    /// By hand from the definition, and the first as R's `p.adjust(p, "holm")` has it.
    #[test]
    fn probabilities_are_adjusted_as_holm_says() {
        let agrees = |given: &[f64], expected: &[f64]| {
            let adjusted = holm(given);
            assert!(adjusted.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{given:?}: {adjusted:?}");
            assert_eq!(adjusted.len(), expected.len());
        };
        agrees(&[0.01, 0.02, 0.03, 0.04, 0.05], &[0.05, 0.08, 0.09, 0.09, 0.09]);
        agrees(&[0.03, 0.01, 0.04], &[0.06, 0.03, 0.06]);
        agrees(&[0.9, 0.6], &[1.0, 1.0]);
        agrees(&[0.2], &[0.2]);
        agrees(&[], &[]);
    }

    #[test]
    fn equal_differences_leave_no_room_for_chance() {
        let level = paired_difference(&[0.0; 5]).unwrap();
        assert_eq!((level.mean, level.interval, level.p), (0.0, [0.0; 2], 1.0));
        let raised = paired_difference(&[0.1; 7]).unwrap();
        assert_eq!((raised.mean, raised.interval, raised.p), (0.1, [0.1; 2], 0.0));
        assert_eq!(paired_difference(&[1.0; 4]), None);
    }

    #[test]
    fn units_that_are_independent_have_the_interval_of_their_number() {
        // Ten runs of 100 units each whose shares vary as those of independent units do: variance p(1-p)/100.
        let step = (0.2_f64 * 0.8 / 100.0 * 9.0 / 10.0).sqrt();
        let shares: Vec<f64> = (0..10).map(|run| if run % 2 == 0 { 0.2 - step } else { 0.2 + step }).collect();
        let [low, high] = wilson_of_runs(&shares, 1e9).unwrap();
        let of_thousand = wilson_interval(200, 1_000).unwrap();
        assert!((low - of_thousand[0]).abs() < 1e-6 && (high - of_thousand[1]).abs() < 1e-6, "{low} {high}");
        // All agree: the number of units is the limit.
        assert_eq!(wilson_of_runs(&[1.0; 6], 600.0), wilson_interval(600, 600));
        // All nodes or none: a run is a unit, but for the one degree of freedom of the mean.
        let [low, high] = wilson_of_runs(&[1.0, 0.0, 1.0, 0.0, 1.0, 0.0], 600.0).unwrap();
        let of_five = wilson_bounds(0.5, 5.0);
        assert!((low - of_five[0]).abs() < 1e-12 && (high - of_five[1]).abs() < 1e-12, "{low} {high}");
        assert_eq!(wilson_of_runs(&[0.5; 4], 400.0), None);
    }

    /// Draws a value that is nearly normal: the sum of twelve uniform ones, less six.
    fn normal(key: Key, number: u64) -> f64 {
        let mut stream = key.with(number).stream();
        (0..12).map(|_| stream.below(1 << 32) as f64 / (1_u64 << 32) as f64).sum::<f64>() - 6.0
    }

    /// Families of nine tests without a difference: at most 5 % of them may have a rejection, up to four standard
    /// errors of the binomial; intervals miss the true mean in 5 % of the cases, within the same margin.
    #[test]
    fn chance_alone_is_rarely_significant() {
        let (families, tests, runs) = (4_000_u64, 9_u64, 8_u64);
        let key = Key::new(3, Purpose::Workload);
        let (mut rejected, mut missed) = (0.0, 0.0);
        for family in 0..families {
            let differences = |test: u64| -> Vec<f64> {
                (0..runs).map(|run| 2.0 + normal(key, (family * tests + test) * runs + run)).collect()
            };
            let level = |test: u64| differences(test).iter().map(|value| value - 2.0).collect::<Vec<f64>>();
            let chances: Vec<f64> = (0..tests).map(|test| paired_difference(&level(test)).unwrap().p).collect();
            rejected += f64::from(u8::from(holm(&chances).iter().any(|&p| p < SIGNIFICANCE)));
            let [low, high] = paired_difference(&differences(0)).unwrap().interval;
            missed += f64::from(u8::from(!(low..=high).contains(&2.0)));
        }
        let margin = 4.0 * (0.05_f64 * 0.95 / families as f64).sqrt();
        assert!(rejected / families as f64 <= 0.05 + margin, "{rejected}");
        assert!((missed / families as f64 - 0.05).abs() <= margin, "{missed}");
    }

    proptest! {
        #[test]
        fn adjusted_probabilities_keep_their_order(given in prop::collection::vec(0.0..=1.0_f64, 1..12)) {
            let adjusted = holm(&given);
            for (a, b) in given.iter().zip(&adjusted) {
                prop_assert!(b >= a && *b <= 1.0_f64.min(a * given.len() as f64).max(*b));
            }
            for i in 0..given.len() {
                for j in 0..given.len() {
                    prop_assert!(given[i] > given[j] || adjusted[i] <= adjusted[j]);
                }
            }
        }

        #[test]
        fn a_difference_is_significant_if_its_interval_excludes_zero(
            values in prop::collection::vec(-10.0..10.0_f64, 5..40),
        ) {
            let PairedDifference { interval: [low, high], p, .. } = paired_difference(&values).unwrap();
            // Next to the boundary the quantile's last digits decide.
            prop_assume!((p - 0.05).abs() > 1e-9);
            prop_assert_eq!(p < 0.05, low > 0.0 || high < 0.0);
        }
    }
}
