//! The test of equivalence: two implementations agree on a figure if the difference certainly lies within a margin.
//!
//! That a difference is not significant says nothing, because few runs show none. Here the mean of the differences,
//! paired by seed, passes two one-sided t-tests (Schuirmann 1987), one for each end of the margin, at 5 % each; that is
//! the same as its 90 % interval lying within the margin.

use bulk_order_propagation::theory::comparison::mean_and_deviation;
use bulk_order_propagation::theory::intervals::student_quantile;
use std::fmt;

/// The greatest difference that counts as none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Margin {
    /// In the unit of the figure.
    Absolute(f64),
    /// As a share of our mean.
    Relative(f64),
}

impl Margin {
    /// Returns the margin in the unit of the figure.
    pub(crate) fn at(self, ours: f64) -> f64 {
        match self {
            Margin::Absolute(margin) => margin,
            Margin::Relative(share) => share * ours.abs(),
        }
    }
}

impl fmt::Display for Margin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Margin::Absolute(margin) => f.pad(&margin.to_string()),
            Margin::Relative(share) => f.pad(&format!("{} %", 100.0 * share)),
        }
    }
}

/// A figure of both, and the difference between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FigureDifference {
    /// Mean of ours.
    pub(crate) ours: f64,
    /// Mean of the guest's.
    pub(crate) guest: f64,
    /// The 90 % interval of the guest's figure less ours, in the unit of the figure.
    pub(crate) interval: [f64; 2],
}

impl FigureDifference {
    /// Compares the values of equally many runs, at least two, paired by their places; `None` for fewer.
    pub(crate) fn of(ours: &[f64], guest: &[f64]) -> Option<FigureDifference> {
        if ours.len() != guest.len() || ours.len() < 2 {
            return None;
        }
        let differences: Vec<f64> = guest.iter().zip(ours).map(|(guest, ours)| guest - ours).collect();
        let [mean, deviation] = mean_and_deviation(&differences);
        let quantile = student_quantile(0.95, differences.len() as u32 - 1);
        let half = quantile * deviation / (differences.len() as f64).sqrt();
        Some(FigureDifference {
            ours: mean_and_deviation(ours)[0],
            guest: mean_and_deviation(guest)[0],
            interval: [mean - half, mean + half],
        })
    }

    /// Returns true if the difference certainly lies within the margin.
    pub(crate) fn is_within(&self, margin: Margin) -> bool {
        let margin = margin.at(self.ours);
        self.interval[0] >= -margin && self.interval[1] <= margin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The additional hours of sleep of ten patients under two drugs (Student 1908): mean 1.58, standard deviation
    /// 1.23, and the quantile of t with 9 degrees of freedom 1.833.
    #[test]
    fn the_interval_is_students() {
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let difference = FigureDifference::of(&first, &second).unwrap();
        assert!((difference.ours - 0.75).abs() < 1e-12 && (difference.guest - 2.33).abs() < 1e-12);
        let half = 1.833 * 1.229_995 / 10_f64.sqrt();
        for (bound, expected) in difference.interval.into_iter().zip([1.58 - half, 1.58 + half]) {
            assert!((bound - expected).abs() < 1e-3, "{bound} {expected}");
        }
        assert!(difference.is_within(Margin::Absolute(2.3)) && !difference.is_within(Margin::Absolute(2.2)));
        assert!(difference.is_within(Margin::Relative(3.1)) && !difference.is_within(Margin::Relative(2.9)));
    }

    /// Equal means with much chance in them are no agreement, and a small difference that is certain is.
    #[test]
    fn chance_is_no_agreement() {
        let scattered = FigureDifference::of(&[1.0, 9.0, 5.0], &[9.0, 1.0, 5.0]).unwrap();
        assert!(!scattered.is_within(Margin::Absolute(1.0)));
        let certain = FigureDifference::of(&[1.0, 2.0, 3.0], &[1.1, 2.1, 3.1]).unwrap();
        assert!(certain.is_within(Margin::Absolute(0.2)) && !certain.is_within(Margin::Absolute(0.05)));
        assert_eq!((FigureDifference::of(&[1.0], &[1.0]), FigureDifference::of(&[1.0; 3], &[1.0; 2])), (None, None));
    }
}
