//! A published figure beside this program's own, and the verdict on the two.

use crate::theory::comparison::mean_and_deviation;
use crate::theory::intervals::student_interval;
use serde::{Serialize, Serializer};
use std::fmt;

/// The deviation from a published figure that its source allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// None: every run gives the published figure.
    Exact,
    /// The figure, plus or minus this much.
    PlusMinus(f64),
    /// The figure, plus or minus this many per cent of it.
    Percent(f64),
    /// The figure is a bound: every run is below it.
    Below,
    /// The figure is a bound: every run is above it.
    Above,
    /// Every run is between these bounds; the published figure is for orientation.
    Between(f64, f64),
    /// From a tenth of the figure to ten times it, because one run with few events was published.
    Magnitude,
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tolerance::Exact => f.pad("exact"),
            Tolerance::PlusMinus(most) => f.pad(&format!("± {most}")),
            Tolerance::Percent(most) => f.pad(&format!("± {most} %")),
            Tolerance::Below => f.pad("below"),
            Tolerance::Above => f.pad("above"),
            Tolerance::Between(least, most) => f.pad(&format!("{least} to {most}")),
            Tolerance::Magnitude => f.pad("times 10"),
        }
    }
}

/// Serializes as its text.
impl Serialize for Tolerance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The verdict on a published figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// Every run gave the published figure.
    #[serde(rename = "agrees")]
    Agrees,
    /// The mean is within the tolerance and its 95 % interval is narrower than the tolerance; of a bound, every run
    /// keeps it.
    #[serde(rename = "within")]
    Within,
    /// Neither.
    #[serde(rename = "differs")]
    Differs,
    /// Nothing was measured.
    #[serde(rename = "not run")]
    NotRun,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Agrees => "agrees",
            Verdict::Within => "within",
            Verdict::Differs => "differs",
            Verdict::NotRun => "not run",
        })
    }
}

/// A published figure and what this program measured in its setup.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublishedFigure {
    /// Number of its row in docs/PUBLISHED.md.
    pub row: u8,
    /// The publication, with the commit or date of what was read.
    pub source: &'static str,
    /// The parameters of the publication.
    pub setup: &'static str,
    /// The figure, with its unit.
    pub metric: String,
    /// Its published value; `None` if nothing was run.
    pub published: Option<f64>,
    /// Mean over the runs; `None` if nothing was run.
    pub measured: Option<f64>,
    /// Lower end of the 95 % interval of the mean; `None` below five runs.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Number of runs.
    pub runs: usize,
    /// The deviation that the source allows.
    pub tolerance: Tolerance,
    /// The verdict.
    pub verdict: Verdict,
    /// A known difference between the two setups, or the reason why nothing was run.
    pub reason: Option<&'static str>,
}

impl PublishedFigure {
    /// Returns true if it differs and nothing explains it.
    pub fn is_failure(&self) -> bool {
        self.verdict == Verdict::Differs && self.reason.is_none()
    }
}

/// Judges the values of runs by a published one: mean, interval of the mean, verdict.
pub(super) fn judge(published: f64, tolerance: Tolerance, values: &[f64]) -> (f64, Option<[f64; 2]>, Verdict) {
    let [mean, deviation] = mean_and_deviation(values);
    let interval = student_interval(mean, deviation, values.len());
    let half_width = interval.map_or(f64::INFINITY, |[low, high]| 0.5 * (high - low));
    let each = |keeps: &dyn Fn(f64) -> bool| !values.is_empty() && values.iter().all(|&value| keeps(value));
    let near = |most: f64| (mean - published).abs() <= most && half_width < most;
    let is_met = match tolerance {
        Tolerance::Exact => each(&|value| (value - published).abs() <= 1e-9 * published.abs()),
        Tolerance::PlusMinus(most) => near(most),
        Tolerance::Percent(most) => near(most / 100.0 * published.abs()),
        Tolerance::Below => each(&|value| value < published),
        Tolerance::Above => each(&|value| value > published),
        Tolerance::Between(least, most) => each(&|value| (least..=most).contains(&value)),
        Tolerance::Magnitude => (published / 10.0..=published * 10.0).contains(&mean),
    };
    let verdict = match tolerance {
        _ if !is_met => Verdict::Differs,
        Tolerance::Exact => Verdict::Agrees,
        _ => Verdict::Within,
    };
    (mean, interval, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(published: f64, tolerance: Tolerance, values: &[f64]) -> Verdict {
        judge(published, tolerance, values).2
    }

    #[test]
    fn a_count_agrees_only_if_every_run_has_it() {
        assert_eq!(verdict(12.0, Tolerance::Exact, &[12.0, 12.0]), Verdict::Agrees);
        assert_eq!(verdict(12.0, Tolerance::Exact, &[11.0, 13.0]), Verdict::Differs);
        assert_eq!(verdict(12.0, Tolerance::Exact, &[]), Verdict::Differs);
    }

    #[test]
    fn a_mean_is_within_if_its_interval_is_narrower_than_the_tolerance() {
        let (close, wide) = ([9.0, 10.0, 11.0, 10.0, 10.0], [0.0, 20.0, 10.0, 5.0, 15.0]);
        assert_eq!(verdict(10.5, Tolerance::PlusMinus(1.0), &close), Verdict::Within);
        assert_eq!(verdict(10.5, Tolerance::Percent(10.0), &close), Verdict::Within);
        assert_eq!(verdict(10.5, Tolerance::PlusMinus(0.4), &close), Verdict::Differs, "too far");
        assert_eq!(verdict(10.5, Tolerance::PlusMinus(1.0), &wide), Verdict::Differs, "nobody knows");
        assert_eq!(verdict(10.5, Tolerance::PlusMinus(1.0), &close[..4]), Verdict::Differs, "too few for an interval");
        assert_eq!(verdict(10.5, Tolerance::PlusMinus(1.0), &[f64::NAN; 5]), Verdict::Differs);
    }

    #[test]
    fn bounds_hold_for_every_run() {
        assert_eq!(verdict(3.0, Tolerance::Below, &[1.0, 2.9]), Verdict::Within);
        assert_eq!(verdict(3.0, Tolerance::Below, &[1.0, 3.0]), Verdict::Differs);
        assert_eq!(verdict(3.0, Tolerance::Above, &[3.1]), Verdict::Within);
        assert_eq!(verdict(3.0, Tolerance::Above, &[f64::NAN]), Verdict::Differs);
        assert_eq!(verdict(3.0, Tolerance::Between(2.0, 4.0), &[2.0, 4.0]), Verdict::Within);
        assert_eq!(verdict(3.0, Tolerance::Between(2.0, 4.0), &[2.0, 4.1]), Verdict::Differs);
        assert_eq!(verdict(44.0, Tolerance::Magnitude, &[36.0]), Verdict::Within);
        assert_eq!(verdict(44.0, Tolerance::Magnitude, &[4.0]), Verdict::Differs);
    }

    #[test]
    fn verdicts_are_written_as_they_are_read() {
        let json = serde_json::to_string(&[Verdict::Agrees, Verdict::Within, Verdict::Differs, Verdict::NotRun]);
        assert_eq!(json.unwrap(), "[\"agrees\",\"within\",\"differs\",\"not run\"]");
        for (verdict, text) in [(Verdict::NotRun, "not run"), (Verdict::Agrees, "agrees")] {
            assert_eq!(verdict.to_string(), text);
        }
        assert_eq!(serde_json::to_string(&Tolerance::Percent(5.0)).unwrap(), "\"± 5 %\"");
    }
}
