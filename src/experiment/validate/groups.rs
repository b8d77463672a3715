//! The groups of cases by name, in the order of the table.

use super::{Bench, EarlyEnd};
use super::{bursts, carriers, chances, cost, coverage, failures, hops, queues, rounds, spies, spread, windows};

/// A group of cases of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CaseGroup(usize);

type Cases = fn(&Bench<'_>) -> Result<(), EarlyEnd>;

const GROUPS: [(&str, Cases); 13] = [
    ("coverage", coverage::cases),
    ("failures", failures::cases),
    ("hops", hops::cases),
    ("cost", cost::cases),
    ("chances", chances::cases),
    ("thresholds", failures::thresholds),
    ("carriers", carriers::cases),
    ("rounds", rounds::cases),
    ("queues", queues::cases),
    ("windows", windows::cases),
    ("bursts", bursts::cases),
    ("spies", spies::cases),
    ("spread", spread::cases),
];

impl CaseGroup {
    /// Iterates over all groups, in the order of the table.
    pub fn all() -> impl ExactSizeIterator<Item = CaseGroup> {
        (0..GROUPS.len()).map(CaseGroup)
    }

    /// Returns the group of this name.
    pub fn named(name: &str) -> Option<CaseGroup> {
        CaseGroup::all().find(|group| group.name() == name)
    }

    /// Returns the name of the group.
    pub fn name(self) -> &'static str {
        GROUPS[self.0].0
    }

    /// Runs and judges the cases of the group.
    pub(super) fn run(self, bench: &Bench<'_>) -> Result<(), EarlyEnd> {
        GROUPS[self.0].1(bench)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_names_of_their_own() {
        for group in CaseGroup::all() {
            assert_eq!(CaseGroup::named(group.name()), Some(group));
        }
        assert_eq!(CaseGroup::named("Coverage"), None);
    }
}
