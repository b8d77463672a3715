//! What many runs say together: a mean, a median or a share, and its standard error.

use serde::Serialize;

/// What was taken of the runs' figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statistic {
    /// The mean over all runs.
    Mean,
    /// The mean over the runs that did not die out.
    MeanOfSurvivors,
    /// The median over all runs.
    Median,
    /// The share of the runs in which something happened.
    Share,
}

/// A figure from many runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// What was taken of them.
    pub statistic: Statistic,
    /// How many runs went into it.
    pub runs: u32,
    /// What it comes to; not a number where there were too few.
    pub measured: f64,
    /// Its standard error.
    pub standard_error: f64,
}

impl Estimate {
    /// The mean, with the standard error of the mean. Two figures at least.
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

    /// The mean of counts of something rare, each over many nodes. The standard error is no less than Poisson's, which the
    /// form implies: where few runs saw any, their own spread would be too small.
    pub fn rare(counts: &[f64], form: f64) -> Estimate {
        let mean = Estimate::mean(counts);
        let poisson = (form / counts.len() as f64).sqrt();
        Estimate { standard_error: mean.standard_error.max(poisson), ..mean }
    }

    /// The mean over the runs that did not die out, where only these are given: the upper of two humps.
    pub fn mean_of_survivors(survivors: &[f64]) -> Estimate {
        Estimate { statistic: Statistic::MeanOfSurvivors, ..Estimate::mean(survivors) }
    }

    /// The median. Its error is half the distance between the figures whose ranks are half a root of the count away
    /// from it, one standard deviation of the binomial that counts those below: no hump or tail elsewhere matters.
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

    /// The share of hits. The standard error is the one that the form implies: the runs' own would be 0 where all
    /// agree, and a rare event that did not happen would pass for certain.
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
    fn a_mean_has_the_error_of_a_mean() {
        let Estimate { measured, standard_error, runs, .. } = Estimate::mean(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!((runs, measured), (4, 2.5));
        assert!((standard_error - (5.0_f64 / 3.0 / 4.0).sqrt()).abs() < 1e-12);
        assert!(Estimate::mean(&[1.0]).standard_error.is_nan() && Estimate::mean(&[]).measured.is_nan());
    }

    #[test]
    fn a_rare_count_errs_as_its_form_says_at_least() {
        let Estimate { measured, standard_error, .. } = Estimate::rare(&[0.0; 16], 0.25);
        assert_eq!((measured, standard_error), (0.0, 0.125));
        assert_eq!(Estimate::rare(&[0.0, 100.0], 1.0), Estimate::mean(&[0.0, 100.0]));
    }

    #[test]
    fn the_lower_hump_moves_neither_median_nor_survivors() {
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
    fn a_share_errs_as_its_form_says() {
        let Estimate { measured, standard_error, .. } = Estimate::share(&[true, false, false, false], 0.5);
        assert_eq!((measured, standard_error), (0.25, 0.25));
        assert_eq!(Estimate::share(&[true], 1.0).standard_error, 0.0);
    }
}
