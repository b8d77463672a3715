//! The Poisson distribution of the degrees of an Erdős–Rényi graph.

use super::not_negative;

/// The largest mean degree that is distinguished. Far above it, the forms on a graph equal the uniform ones.
const DEGREE_MAX: f64 = 1e6;

/// Clamps a mean degree to the domain of [`about`]: from 0 to a million.
pub(super) fn mean_degree(degree: f64) -> f64 {
    not_negative(degree).min(DEGREE_MAX)
}

/// Iterates over the integers within twelve standard deviations of `mean`, with their probabilities.
///
/// The total probability of the others is below 10^-30. The weights are built as ratios from the mode, so that none
/// that matters underflows, and divided by their sum, so that no factorial is needed. `mean` comes from
/// [`mean_degree`].
pub(super) fn about(mean: f64) -> impl Iterator<Item = (f64, f64)> {
    let reach = (12.0 * mean.sqrt()).ceil() as u64 + 40;
    // The largest weight is at the mode, so all ratios away from it are at most 1.
    let mode = mean as u64;
    let first = mode.saturating_sub(reach);
    let mut weights = vec![1.0];
    weights.extend(running_product((first + 1..=mode).rev().map(|value| value as f64 / mean)));
    weights.reverse();
    weights.extend(running_product((mode + 1..=mode + reach).map(|value| mean / value as f64)));
    let total: f64 = weights.iter().sum();
    (first..).zip(weights).map(move |(value, weight)| (value as f64, weight / total))
}

/// Returns the mean of `value` over the Poisson distribution with this mean.
pub(super) fn mean_of(mean: f64, value: impl Fn(f64) -> f64) -> f64 {
    about(mean).map(|(count, chance)| chance * value(count)).sum()
}

fn running_product(ratios: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    ratios.scan(1.0, |product, ratio| {
        *product *= ratio;
        Some(*product)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_are_a_distribution() {
        for mean in [0.0, 0.3, 1.0, 20.0, 1e4] {
            let total = mean_of(mean, |_| 1.0);
            let first = mean_of(mean, |value| value);
            let spread = mean_of(mean, |value| (value - mean).powi(2));
            assert!((total - 1.0).abs() < 1e-12, "{mean}: {total}");
            assert!((first - mean).abs() < 1e-9 * (1.0 + mean), "{mean}: {first}");
            assert!((spread - mean).abs() < 1e-9 * (1.0 + mean), "{mean}: {spread}");
            assert!(about(mean).last().unwrap().1 < 1e-30);
        }
    }

    #[test]
    fn the_chance_of_no_peer_is_exact() {
        let (value, chance) = about(20.0).next().unwrap();
        assert_eq!(value, 0.0);
        assert!((chance / (-20.0_f64).exp() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_degree_is_brought_into_its_domain() {
        assert_eq!([f64::NAN, -1.0, 20.0, f64::INFINITY].map(mean_degree), [0.0, 0.0, 20.0, DEGREE_MAX]);
    }
}
