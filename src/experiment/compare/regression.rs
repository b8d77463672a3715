//! A comparison against a saved one: does a figure of a row grow by more than a limit?
//!
//! The change is paired by seed, and its 95 % interval decides: it fails if the whole interval is beyond the limit, and
//! is undecided if the limit lies within.

use super::report::{ComparisonReport, ReportFault, check_options, check_warm_orders};
use super::summary::{FigureChange, change, keys};
use crate::analysis::ReplicateFigures;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// A limit for the change of a figure: `delay_p99>5%` fails if it grows by more, `reached<-1%` if it falls by more.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureLimit {
    key: String,
    /// True if the change may not be above the limit, false if it may not be below.
    is_upper: bool,
    percent: f64,
}

/// The judgement of a change against its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitVerdict {
    /// The whole interval is within the limit.
    Holds,
    /// The limit lies in the interval, or there is no interval.
    Undecided,
    /// The whole interval is beyond the limit.
    Fails,
}

/// A figure of a row against the same row of a saved comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct RegressionCheck {
    /// Name of the row.
    pub row: String,
    /// The limit.
    pub limit: FigureLimit,
    /// The change, in per cent of the saved figure; `None` where no replicate has the figure in both.
    pub change: Option<FigureChange>,
    /// The judgement.
    pub verdict: LimitVerdict,
}

impl FromStr for FigureLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<FigureLimit, String> {
        let rule = "a limit is a key of the JSON, > or <, and a change in per cent; write 'delay_p99>5%' or \
                    'reached<-1%'";
        let place = text.find(['>', '<']).ok_or(rule)?;
        let (key, rest) = text.split_at(place);
        let number = rest[1..].trim().strip_suffix('%').ok_or(rule)?;
        let percent: f64 = number.trim().parse().map_err(|_| rule)?;
        if key.trim().is_empty() || !percent.is_finite() {
            return Err(rule.to_owned());
        }
        Ok(FigureLimit { key: key.trim().to_owned(), is_upper: rest.starts_with('>'), percent })
    }
}

impl FigureLimit {
    /// Judges a change.
    fn judge(&self, change: Option<FigureChange>) -> LimitVerdict {
        let Some((low, high)) = change.and_then(|change| change.low.zip(change.high)) else {
            return LimitVerdict::Undecided;
        };
        let (is_beyond, is_within) = match self.is_upper {
            true => (low > self.percent, high <= self.percent),
            false => (high < self.percent, low >= self.percent),
        };
        match (is_beyond, is_within) {
            (true, _) => LimitVerdict::Fails,
            (_, true) => LimitVerdict::Holds,
            _ => LimitVerdict::Undecided,
        }
    }
}

impl ComparisonReport {
    /// Checks every row against the row of the same name in a saved comparison.
    ///
    /// # Errors
    ///
    /// [`ReportFault`] if the saved one is of another scenario or lacks a row.
    pub fn check_against(
        &self,
        saved: &ComparisonReport,
        limits: &[FigureLimit],
    ) -> Result<Vec<RegressionCheck>, ReportFault> {
        check_warm_orders(saved, self)?;
        let mut checks = Vec::new();
        for row in &self.rows {
            let before = saved.rows.iter().find(|before| before.name == row.name);
            let before = before.ok_or_else(|| ReportFault::Row(row.name.clone()))?;
            check_options(&before.all_options(saved), &row.all_options(self))?;
            for limit in limits {
                let change = change(&before.replicates, &row.replicates, &limit.key);
                let verdict = limit.judge(change);
                checks.push(RegressionCheck { row: row.name.clone(), limit: limit.clone(), change, verdict });
            }
        }
        Ok(checks)
    }

    /// Returns the key of a limit that no comparison has, if there is one, and all keys that this one has.
    pub fn unknown_key(&self, limits: &[FigureLimit]) -> Option<(String, Vec<String>)> {
        let rows: Vec<&[ReplicateFigures]> = self.rows.iter().map(|row| &row.replicates[..]).collect();
        let known = keys(rows.into_iter());
        let unknown = limits.iter().find(|limit| !known.contains(&limit.key))?;
        Some((unknown.key.clone(), known))
    }
}

impl fmt::Display for FigureLimit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}{}%", self.key, if self.is_upper { '>' } else { '<' }, self.percent)
    }
}

impl fmt::Display for RegressionCheck {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            LimitVerdict::Holds => "holds",
            LimitVerdict::Undecided => "undecided",
            LimitVerdict::Fails => "FAILS",
        };
        write!(out, "{} of {}: ", self.limit, self.row)?;
        match self.change {
            Some(FigureChange { percent: Some(percent), low: Some(low), high: Some(high), .. }) => {
                write!(out, "{percent:+.2} % ({low:+.2} to {high:+.2} %), {verdict}")
            }
            Some(FigureChange { percent: Some(percent), .. }) => {
                write!(out, "{percent:+.2} % (too few replicates for an interval), {verdict}")
            }
            _ => write!(out, "no change can be given, {verdict}"),
        }
    }
}
