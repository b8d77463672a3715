//! Confidence intervals over runs: Student's for a mean, Wilson's for a share.
//!
//! For few runs the normal quantile promises too much: for five runs Student's is 2.78 and the normal one 1.96.
//! Student's distribution is a finite sum for integer degrees of freedom, so that bisection gives the quantile to the
//! last digits without a crate of distributions.

use libm::{atan, cos, sin, sqrt, tan};
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// The minimum number of runs for an interval: with fewer it would be too wide to be useful.
pub const RUNS_MIN: usize = 5;

/// The largest rise, relative to the mean, that is attributed to rounding.
const LEVEL: f64 = 1e-12;

/// The 97.5 % quantile of the normal distribution.
const NORMAL_975: f64 = 1.959_963_984_540_054;

/// Returns the value that Student's t with this many degrees of freedom, at least one, exceeds with probability 1 -
/// `probability`, which lies in 0.5..1.
///
/// The sum is from Abramowitz and Stegun, 26.7.3 and 26.7.4. Only the last digits are inexact.
pub fn student_quantile(probability: f64, degrees: u32) -> f64 {
    let within = (2.0 * super::share(probability) - 1.0).max(0.0);
    let degrees = degrees.max(1);
    // The bisection runs over the angle, which is bounded where the quantile is not.
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..super::BISECTIONS {
        let middle = 0.5 * (low + high);
        if student_within(middle, degrees) < within {
            low = middle;
        } else {
            high = middle;
        }
    }
    sqrt(f64::from(degrees)) * tan(0.5 * (low + high))
}

/// Returns the probability that Student's t lies within `sqrt(degrees) tan(angle)` of 0, on either side.
fn student_within(angle: f64, degrees: u32) -> f64 {
    let (sine, cosine) = (sin(angle), cos(angle));
    let is_odd = degrees % 2 == 1;
    // The formula has no sum for one degree of freedom.
    if degrees == 1 {
        return FRAC_2_PI * angle;
    }
    let mut term = if is_odd { cosine } else { 1.0 };
    let (mut sum, first) = (term, if is_odd { 2 } else { 1 });
    // The factors are 2/3, 4/5 ... for odd degrees of freedom, and 1/2, 3/4 ... for even ones.
    for number in (first..degrees - 2).step_by(2) {
        let number = f64::from(number);
        term *= number / (number + 1.0) * cosine * cosine;
        sum += term;
    }
    if is_odd { FRAC_2_PI * (angle + sine * sum) } else { sine * sum }
}

/// Returns Student's two-sided 95 % interval for the mean of `count` values with this standard deviation, or `None` for
/// fewer than [`RUNS_MIN`].
pub fn student_interval(mean: f64, standard_deviation: f64, count: usize) -> Option<[f64; 2]> {
    if count < RUNS_MIN {
        return None;
    }
    let half = student_quantile(0.975, count as u32 - 1) * standard_deviation / sqrt(count as f64);
    Some([mean - half, mean + half])
}

/// Returns Wilson's 95 % interval for the probability of an event that occurred in `hits` of `count` runs, or `None`
/// for fewer than [`RUNS_MIN`].
///
/// Source: Wilson 1927. It stays within 0 and 1, and is not a point if all runs agree.
pub fn wilson_interval(hits: usize, count: usize) -> Option<[f64; 2]> {
    if count < RUNS_MIN {
        return None;
    }
    Some(wilson_bounds((hits as f64 / count as f64).min(1.0), count as f64))
}

/// Returns Wilson's 95 % interval for a probability that was estimated as `share`, in 0..=1, by `count` independent
/// events.
pub fn wilson_bounds(share: f64, count: f64) -> [f64; 2] {
    let square = NORMAL_975 * NORMAL_975;
    let middle = share + square / (2.0 * count);
    let half = NORMAL_975 * sqrt(share * (1.0 - share) / count + square / (4.0 * count * count));
    let bound = |bound: f64| bound / (1.0 + square / count);
    // If all events agree, the last digits of the formula are inexact.
    [if share == 0.0 { 0.0 } else { bound(middle - half) }, if share == 1.0 { 1.0 } else { bound(middle + half) }]
}

/// Returns the slope of `values` over their positions 0, 1, 2 ... divided by its standard error, and its degrees of
/// freedom; `None` for fewer than three values. If they lie exactly on a line, the ratio is infinite with the sign of
/// the slope, or 0 for a level line.
pub fn slope_ratio(values: &[f64]) -> Option<(f64, u32)> {
    let degrees = values.len().checked_sub(2).filter(|&degrees| degrees > 0)?;
    let count = values.len() as f64;
    let (place, mean) = ((count - 1.0) / 2.0, values.iter().sum::<f64>() / count);
    let placed = || (0..).map(|at: u32| f64::from(at) - place).zip(values);
    let spread: f64 = placed().map(|(at, _)| at * at).sum();
    let slope = placed().map(|(at, value)| at * (value - mean)).sum::<f64>() / spread;
    let residue: f64 = placed().map(|(at, value)| (value - mean - slope * at).powi(2)).sum();
    let error = sqrt(residue / degrees as f64 / spread);
    // A slope from rounding alone counts as 0.
    let is_level = slope.abs() * count <= LEVEL * mean.abs();
    let ratio = if is_level { 0.0 } else { slope / error };
    Some((ratio, degrees as u32))
}

/// Returns the one-sided probability that chance alone gives a slope of at least this many standard errors.
pub fn student_tail(ratio: f64, degrees: u32) -> f64 {
    let degrees = degrees.max(1);
    let within = student_within(atan(ratio.abs() / sqrt(f64::from(degrees))), degrees);
    0.5 * if ratio < 0.0 { 1.0 + within } else { 1.0 - within }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// To the precision of printed tables.
    #[test]
    fn quantiles_agree_with_tables() {
        for (probability, degrees, quantile) in [
            (0.975, 1, 12.7062),
            (0.975, 2, 4.3027),
            (0.975, 3, 3.1824),
            (0.975, 4, 2.7764),
            (0.975, 5, 2.5706),
            (0.975, 9, 2.2622),
            (0.975, 10, 2.2281),
            (0.975, 19, 2.0930),
            (0.975, 30, 2.0423),
            (0.975, 120, 1.9799),
            (0.975, 9_999, 1.9602),
            (0.99, 8, 2.8965),
            (0.995, 10, 3.1693),
            (0.9995, 1, 636.6192),
            (0.9, 7, 1.4149),
        ] {
            let found = student_quantile(probability, degrees);
            assert!((found - quantile).abs() < 5e-5 * quantile.max(1.0), "{probability} {degrees}: {found}");
        }
        assert!(student_quantile(0.5, 6) < 1e-9);
    }

    #[test]
    fn tails_complement_quantiles() {
        for (ratio, degrees, tail) in [(2.8965, 8, 0.01), (0.0, 8, 0.5), (-2.8965, 8, 0.99), (12.7062, 1, 0.025)] {
            assert!((student_tail(ratio, degrees) - tail).abs() < 1e-5, "{ratio}");
        }
        assert_eq!((student_tail(f64::INFINITY, 8), student_tail(f64::NEG_INFINITY, 8)), (0.0, 1.0));
    }

    /// The first from the tables of Agresti and Coull 1998, the others from the formula by hand.
    #[test]
    fn shares_have_the_interval_of_wilson() {
        for (hits, count, interval) in
            [(0, 10, [0.0, 0.2775]), (10, 10, [0.7225, 1.0]), (5, 10, [0.2366, 0.7634]), (19, 20, [0.7639, 0.9911])]
        {
            let found = wilson_interval(hits, count).unwrap();
            assert!(found.iter().zip(interval).all(|(a, b)| (a - b).abs() < 5e-5), "{hits}/{count}: {found:?}");
        }
        assert_eq!((wilson_interval(4, 4), student_interval(1.0, 0.1, 4)), (None, None));
    }

    #[test]
    fn five_figures_have_an_interval() {
        let [low, high] = student_interval(10.0, 2.0, 5).unwrap();
        assert!((low - 7.5167).abs() < 1e-3 && (high - 12.4833).abs() < 1e-3, "{low} {high}");
        assert_eq!(student_interval(3.0, 0.0, 7), Some([3.0, 3.0]));
    }

    #[test]
    fn a_slope_is_compared_with_its_error() {
        assert_eq!(slope_ratio(&[1.0, 2.0]), None);
        assert_eq!(slope_ratio(&[3.0; 10]), Some((0.0, 8)));
        assert_eq!(slope_ratio(&[1.0, 2.0, 3.0]), Some((f64::INFINITY, 1)));
        assert_eq!(slope_ratio(&[0.1; 10]), Some((0.0, 8)));
        // By hand: slope 0.9, residuals -0.2, 0.4, -0.2, with a sum of squares of 5 and two degrees of freedom.
        let (ratio, degrees) = slope_ratio(&[1.0, 2.0, 3.5, 3.5]).unwrap();
        assert!((ratio - 0.9 / (0.45_f64 / 2.0 / 5.0).sqrt()).abs() < 1e-9, "{ratio}");
        assert_eq!(degrees, 2);
    }

    proptest! {
        #[test]
        fn intervals_contain_their_estimate(hits in 0usize..60, more in 5usize..60, spread in 0.0..1e9f64) {
            let count = hits + more;
            let [low, high] = wilson_interval(hits, count).unwrap();
            let share = hits as f64 / count as f64;
            prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
            let [low, high] = student_interval(1.0, spread, count).unwrap();
            prop_assert!(low <= 1.0 && high >= 1.0);
        }
    }
}
