//! Each figure over the replicates of a row, and its difference from the baseline.
//!
//! A replicate gives one value. Times and bytes are summarised on logarithms, because their ratios are what protocols
//! differ by; shares have Wilson's interval, all others Student's. Differences are paired by seed and tested by
//! Student's t, and the probabilities of one figure are adjusted over all rows by Holm's procedure.

use crate::analysis::{COMPARED, CONTROL, FigureUnit, ReplicateFigures};
use crate::theory::comparison::{
    PairedDifference, SIGNIFICANCE, holm, mean_and_deviation, paired_difference, wilson_of_runs,
};
use crate::theory::intervals::student_interval;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A figure of a row over its replicates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FigureSummary {
    /// Replicates that have the figure; of a time, those that got there.
    pub runs: u64,
    /// Mean over them: geometric for times and bytes, arithmetic for others.
    pub mean: Option<f64>,
    /// Lower end of the 95 % interval of the mean; `None` below five replicates.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Difference from the baseline; `None` for the baseline itself, and where no replicate has the figure in both
    /// rows.
    pub diff: Option<FigureChange>,
}

/// The difference of a figure from that of the baseline, over the seeds at which both have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FigureChange {
    /// Change in per cent of the baseline; `None` if the baseline is 0.
    pub percent: Option<f64>,
    /// Lower end of its 95 % interval.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Probability of a difference at least as large by chance, adjusted over all rows; `None` below five pairs.
    pub p: Option<f64>,
    /// True if `p` is below .05.
    pub significant: bool,
}

/// Returns the unit of a figure by its key.
pub(super) fn unit_of(key: &str) -> FigureUnit {
    COMPARED.iter().find(|figure| figure.key == key).map_or(FigureUnit::Number, |figure| figure.unit)
}

/// Returns the keys of all figures that any of the rows has: those of every comparison first, then those by kind.
pub(super) fn keys<'a>(rows: impl Iterator<Item = &'a [ReplicateFigures]>) -> Vec<String> {
    let found: BTreeSet<&String> = rows.flatten().flat_map(|figures| figures.values.keys()).collect();
    let common = COMPARED.iter().map(|figure| figure.key.to_owned());
    let by_kind = found.into_iter().filter(|key| COMPARED.iter().all(|figure| figure.key != key.as_str()));
    common.chain(by_kind.cloned()).collect()
}

/// Summarises the figures of all rows, the first of which is the baseline.
pub(super) fn summaries(rows: &[&[ReplicateFigures]]) -> Vec<BTreeMap<String, FigureSummary>> {
    let mut summaries = vec![BTreeMap::new(); rows.len()];
    for key in keys(rows.iter().copied()) {
        let mut column: Vec<FigureSummary> = rows.iter().map(|row| summary(row, &key)).collect();
        let Some((baseline, others)) = rows.split_first() else { return summaries };
        for (figure, row) in column.iter_mut().skip(1).zip(others) {
            figure.diff = change(baseline, row, &key);
        }
        adjust(&mut column);
        for (summaries, figure) in summaries.iter_mut().zip(column) {
            summaries.insert(key.clone(), figure);
        }
    }
    summaries
}

/// Adjusts the probabilities of a figure over all rows, and judges them.
fn adjust(column: &mut [FigureSummary]) {
    let tested = || column.iter().filter_map(|figure| figure.diff?.p);
    let adjusted = holm(&tested().collect::<Vec<f64>>());
    let changes = column.iter_mut().filter_map(|figure| figure.diff.as_mut().filter(|diff| diff.p.is_some()));
    for (change, p) in changes.zip(adjusted) {
        (change.p, change.significant) = (Some(p), p < SIGNIFICANCE);
    }
}

/// Summarises a figure over the replicates of a row.
fn summary(row: &[ReplicateFigures], key: &str) -> FigureSummary {
    let values: Vec<f64> = row.iter().filter_map(|figures| figures.value(key)).collect();
    if values.is_empty() {
        return FigureSummary::default();
    }
    let unit = unit_of(key);
    let is_log = is_logarithmic(unit, values.iter());
    let scaled: Vec<f64> = values.iter().map(|&value| if is_log { libm::log(value) } else { value }).collect();
    let [mean, deviation] = mean_and_deviation(&scaled);
    let interval = match unit {
        FigureUnit::Share => {
            let due: u64 = row.iter().filter(|row| row.value(key).is_some()).map(|row| row.receipts_due).sum();
            wilson_of_runs(&scaled, due as f64)
        }
        _ => student_interval(mean, deviation, scaled.len()),
    };
    let shown = |value: f64| if is_log { libm::exp(value) } else { value };
    FigureSummary {
        runs: values.len() as u64,
        mean: Some(shown(mean)),
        low: interval.map(|[low, _]| shown(low)),
        high: interval.map(|[_, high]| shown(high)),
        diff: None,
    }
}

/// Compares a figure of a row with that of the baseline, over the seeds at which both have it.
pub(super) fn change(baseline: &[ReplicateFigures], row: &[ReplicateFigures], key: &str) -> Option<FigureChange> {
    let before: BTreeMap<u64, f64> =
        baseline.iter().filter_map(|figures| Some((figures.seed, figures.value(key)?))).collect();
    let pairs: Vec<[f64; 2]> =
        row.iter().filter_map(|figures| Some([*before.get(&figures.seed)?, figures.value(key)?])).collect();
    if pairs.is_empty() {
        return None;
    }
    let is_log = is_logarithmic(unit_of(key), pairs.iter().flatten());
    let difference = |&[before, after]: &[f64; 2]| match is_log {
        true => libm::log(after) - libm::log(before),
        false => after - before,
    };
    let differences: Vec<f64> = pairs.iter().map(difference).collect();
    let level = pairs.iter().map(|[before, _]| before).sum::<f64>() / pairs.len() as f64;
    let percent = |difference: f64| match is_log {
        true => Some(100.0 * libm::expm1(difference)),
        false if difference == 0.0 => Some(0.0),
        false if level == 0.0 => None,
        false => Some(100.0 * difference / level.abs()),
    };
    let [mean, _] = mean_and_deviation(&differences);
    let tested = paired_difference(&differences);
    let end = |side: usize| tested.and_then(|PairedDifference { interval, .. }| percent(interval[side]));
    Some(FigureChange {
        percent: percent(mean),
        low: end(0),
        high: end(1),
        p: tested.map(|tested| tested.p),
        significant: tested.is_some_and(|tested| tested.p < SIGNIFICANCE),
    })
}

/// Returns true if a figure is summarised on logarithms: times and bytes, unless one of them is 0.
fn is_logarithmic<'a>(unit: FigureUnit, mut values: impl Iterator<Item = &'a f64>) -> bool {
    matches!(unit, FigureUnit::Time | FigureUnit::Bytes) && values.all(|&value| value > 0.0)
}

/// Returns true if a figure is shown only in the full report: counts by kind of message.
pub(super) fn is_by_kind(key: &str) -> bool {
    key.contains('.')
}

/// Returns the name of the kind that a figure counts, and true if it counts control messages.
pub(super) fn kind_of(key: &str) -> Option<(&str, bool)> {
    let (group, kind) = key.split_once('.')?;
    Some((kind, group == CONTROL))
}
