//! A figure from many runs: a mean, a median or a share, with its standard error.

use serde::Serialize;

/// The statistic computed from the runs' figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statistic {
    /// The mean over all runs.
    Mean,
    /// The mean over the runs that did not die out.
    MeanOfSurvivors,
    /// The median over all runs.
    Median,
    /// The share of the runs in which an event happened.
    Share,
}

/// A figure from many runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The statistic.
    pub statistic: Statistic,
    /// Number of runs in it.
    pub runs: u32,
    /// Value; NaN if there were too few runs.
    pub measured: f64,
    /// Standard error of the value.
    pub standard_error: f64,
}

impl Estimate {
    /// Computes the mean and its standard error, from at least two figures.
    pub fn mean(figures: &[f64]) -> Estimate {
        let count = figures.len() as f64;
        let mean = figures.iter().sum::<f64>() / count;
        let variance = figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Estimate {
            statistic: Statistic::Mean,
            runs: figures.len() as u32,
            measured: mean,
            standard_error: (variance / count).sqrt(),
        }
    }

    /// Computes the mean of counts of a rare event, each over many nodes. The standard error is at least Poisson's,
    /// which the form implies, because the scatter of the runs alone would be too small if few of them saw any event.
    pub fn rare(counts: &[f64], form: f64) -> Estimate {
        let mean = Estimate::mean(counts);
        let poisson = (form / counts.len() as f64).sqrt();
        Estimate { standard_error: mean.standard_error.max(poisson), ..mean }
    }

    /// Computes the mean over the given runs, which must be those that did not die out: the upper of two modes.
    pub fn mean_of_survivors(survivors: &[f64]) -> Estimate {
        Estimate { statistic: Statistic::MeanOfSurvivors, ..Estimate::mean(survivors) }
    }

    /// Computes the median. Its error is half the distance between the figures whose ranks are sqrt(count) / 2 away
    /// from it, one standard deviation of the binomial that counts those below. Modes and tails elsewhere do not affect
    /// it.
    pub fn median(figures: &[f64]) -> Estimate {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (count, half) = (sorted.len(), sorted.len() / 2);
        let at = |rank: usize| sorted.get(rank.min(count.saturating_sub(1))).copied().unwrap_or(f64::NAN);
        let measured = if count % 2 == 1 { at(half) } else { 0.5 * (at(half.saturating_sub(1)) + at(half)) };
        let away = (0.5 * (count as f64).sqrt()).ceil() as usize;
        let standard_error = 0.5 * (at(half + away) - at(half.saturating_sub(away)));
        Estimate { statistic: Statistic::Median, runs: count as u32, measured, standard_error }
    }

    /// Computes the share of hits. The standard error is the one that the form implies: the runs' own would be 0 if all
    /// agree, and a rare event that did not happen would pass for an impossible one.
    pub fn share(hits: &[bool], form: f64) -> Estimate {
        let count = hits.len() as f64;
        let measured = hits.iter().filter(|&&hit| hit).count() as f64 / count;
        let standard_error = (form * (1.0 - form) / count).sqrt();
        Estimate { statistic: Statistic::Share, runs: hits.len() as u32, measured, standard_error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_has_the_standard_error_of_a_mean() {
        let Estimate { measured, standard_error, runs, .. } = Estimate::mean(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!((runs, measured), (4, 2.5));
        assert!((standard_error - (5.0_f64 / 3.0 / 4.0).sqrt()).abs() < 1e-12);
        assert!(Estimate::mean(&[1.0]).standard_error.is_nan() && Estimate::mean(&[]).measured.is_nan());
    }

    #[test]
    fn a_rare_count_has_at_least_the_error_of_its_form() {
        let Estimate { measured, standard_error, .. } = Estimate::rare(&[0.0; 16], 0.25);
        assert_eq!((measured, standard_error), (0.0, 0.125));
        assert_eq!(Estimate::rare(&[0.0, 100.0], 1.0), Estimate::mean(&[0.0, 100.0]));
    }

    #[test]
    fn the_lower_mode_moves_neither_median_nor_survivors() {
        let mut figures = vec![0.001; 5];
        figures.extend((0..95).map(|i| 0.98 + 1e-5 * f64::from(i)));
        let median = Estimate::median(&figures);
        assert!((median.measured - 0.98045).abs() < 1e-4 && median.standard_error < 1e-4, "{median:?}");
        let survivors: Vec<f64> = figures.iter().copied().filter(|&share| share >= 0.095).collect();
        let survivors = Estimate::mean_of_survivors(&survivors);
        assert_eq!(survivors.runs, 95);
        assert!(survivors.standard_error < 1e-4 && Estimate::mean(&figures).standard_error > 0.01);
    }

    #[test]
    fn medians_of_few() {
        assert_eq!(Estimate::median(&[3.0, 1.0, 2.0]).measured, 2.0);
        assert_eq!(Estimate::median(&[4.0, 1.0]).measured, 2.5);
        assert!(Estimate::median(&[]).measured.is_nan());
    }

    #[test]
    fn a_share_has_the_error_of_its_form() {
        let Estimate { measured, standard_error, .. } = Estimate::share(&[true, false, false, false], 0.5);
        assert_eq!((measured, standard_error), (0.25, 0.25));
        assert_eq!(Estimate::share(&[true], 1.0).standard_error, 0.0);
    }
}
