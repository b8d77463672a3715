//! The runs of a search, in the order in which they are wanted.
//!
//! Once most runs of a rate agree, its verdict is known, and so is the next rate. The remaining run then goes beside
//! the first of the next rate, so that no core waits for it. The runs that are made depend on the verdicts alone, and
//! not on how many are made at once.

use super::{Bounds, MAJORITY, SEEDS, Search};
use crate::workload::Rate;

/// A run that is wanted: a rate, and which of its seeds.
pub(super) type WantedRun = (Rate, u32);

/// The rates tried so far, and the results of their runs.
pub(super) struct Trials<R> {
    /// In the sequence in which they are tried. At most the last two lack results.
    tried: Vec<Trial<R>>,
    /// By the rates with a verdict.
    bounds: Bounds,
    /// The number of rates with a verdict.
    decided: usize,
}

/// A rate that is tried.
struct Trial<R> {
    rate: Rate,
    /// By seed.
    results: Vec<R>,
}

impl<R> Trial<R> {
    fn of(rate: Rate) -> Trial<R> {
        Trial { rate, results: Vec::new() }
    }

    /// Returns true if the rate holds, and false if it does not, as soon as further runs cannot change that.
    fn verdict(&self, holds: impl Fn(&R) -> bool) -> Option<bool> {
        let held = self.results.iter().filter(|&result| holds(result)).count();
        let failed = self.results.len() - held;
        match (held >= MAJORITY, failed > SEEDS as usize - MAJORITY) {
            (false, false) => None,
            (holds, _) => Some(holds),
        }
    }

    fn is_complete(&self) -> bool {
        self.results.len() == SEEDS as usize
    }
}

impl<R> Trials<R> {
    /// Begins a search.
    pub(super) fn of(search: &Search) -> Trials<R> {
        Trials { tried: vec![Trial::of(search.start)], bounds: Bounds::default(), decided: 0 }
    }

    /// Returns the runs that are wanted now, in sequence; none once the search has ended.
    pub(super) fn wanted(&self) -> Vec<WantedRun> {
        let of_rate = |trial: &Trial<R>| (trial.results.len() as u32..SEEDS).map(|seed| (trial.rate, seed)).collect();
        self.tried.iter().flat_map(|trial| -> Vec<WantedRun> { of_rate(trial) }).collect()
    }

    /// Adds the results of the first runs that were [wanted](Self::wanted). `holds` judges a run; `tell` receives the
    /// results of each rate that is complete by then, in the sequence of rates.
    pub(super) fn add(
        &mut self,
        search: &Search,
        results: Vec<R>,
        holds: impl Fn(&R) -> bool,
        mut tell: impl FnMut(&[R]),
    ) {
        let mut results = results.into_iter();
        for trial in self.tried.iter_mut().filter(|trial| !trial.is_complete()) {
            trial.results.extend(results.by_ref().take(SEEDS as usize - trial.results.len()));
            if trial.is_complete() {
                tell(&trial.results);
            }
        }
        let Some(trial) = self.tried.get(self.decided) else { return };
        if let Some(verdict) = trial.verdict(holds) {
            self.decided += 1;
            self.bounds.narrow(trial.rate, verdict);
            self.tried.extend(self.bounds.next(search).map(Trial::of));
        }
    }

    /// Returns the bounds of the knee.
    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Returns the bounds of the knee by the rates of which every run was made, after an interrupt.
    pub(super) fn interrupted(&self, holds: impl Fn(&R) -> bool) -> Bounds {
        let mut bounds = Bounds { interrupted: true, ..Bounds::default() };
        for trial in self.tried.iter().filter(|trial| trial.is_complete()) {
            if let Some(verdict) = trial.verdict(&holds) {
                bounds.narrow(trial.rate, verdict);
            }
        }
        bounds
    }
}
