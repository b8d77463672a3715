//! The Poisson distribution: how many peers a node of an Erdős–Rényi graph has.

use super::not_negative;

/// The largest mean degree that is told from a larger one. Far above it, forms on a graph have met the uniform ones.
const DEGREE_MAX: f64 = 1e6;

/// A mean degree that [`about`] takes: from 0 up to a million.
pub(super) fn mean_degree(degree: f64) -> f64 {
    not_negative(degree).min(DEGREE_MAX)
}

/// Each whole number within twelve standard deviations of `mean`, and its chance.
///
/// What is left out is below 10^-30. The weights are built by ratios from the mode, so that none underflows where it
/// matters, and divided by their sum, so that no factorial is needed. `mean` is one of [`mean_degree`].
pub(super) fn about(mean: f64) -> impl Iterator<Item = (f64, f64)> {
    let reach = (12.0 * mean.sqrt()).ceil() as u64 + 40;
    let mode = mean as u64;
    let first = mode.saturating_sub(reach);
    let mut weights = vec![1.0];
    weights.extend(running_product((first + 1..=mode).rev().map(|value| value as f64 / mean)));
    weights.reverse();
    weights.extend(running_product((mode + 1..=mode + reach).map(|value| mean / value as f64)));
    let total: f64 = weights.iter().sum();
    (first..).zip(weights).map(move |(value, weight)| (value as f64, weight / total))
}

/// The mean of `value` over the distribution about `mean`.
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
