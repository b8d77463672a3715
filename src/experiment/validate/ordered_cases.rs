//! The cases of groups that run side by side, told in the order of the table: those of the first group that has not
//! ended at once, those of later ones when their turn comes.

use super::Case;

/// The cases judged so far.
pub(super) struct OrderedCases<'a> {
    told: &'a mut (dyn FnMut(&Case) + Send),
    /// Cases that were told.
    cases: Vec<Case>,
    /// The first group that has not ended.
    turn: usize,
    groups: Vec<GroupCases>,
}

#[derive(Clone, Default)]
struct GroupCases {
    /// Cases judged before the group's turn.
    waiting: Vec<Case>,
    has_ended: bool,
}

impl<'a> OrderedCases<'a> {
    /// Returns no cases of this many groups.
    pub(super) fn new(groups: usize, told: &'a mut (dyn FnMut(&Case) + Send)) -> OrderedCases<'a> {
        OrderedCases { told, cases: Vec::new(), turn: 0, groups: vec![GroupCases::default(); groups] }
    }

    /// Adds a case of a group.
    pub(super) fn add(&mut self, group: usize, case: Case) {
        if group == self.turn {
            self.tell(case);
        } else {
            self.groups[group].waiting.push(case);
        }
    }

    /// Ends a group, after its last case.
    pub(super) fn end(&mut self, group: usize) {
        self.groups[group].has_ended = true;
        while self.groups.get(self.turn).is_some_and(|group| group.has_ended) {
            self.turn += 1;
            self.tell_waiting(self.turn);
        }
    }

    /// Returns all cases, also those of groups that an interrupt kept from their turn.
    pub(super) fn into_cases(mut self) -> Vec<Case> {
        (self.turn..self.groups.len()).for_each(|group| self.tell_waiting(group));
        self.cases
    }

    fn tell_waiting(&mut self, group: usize) {
        let waiting = self.groups.get_mut(group).map(|group| std::mem::take(&mut group.waiting));
        waiting.unwrap_or_default().into_iter().for_each(|case| self.tell(case));
    }

    fn tell(&mut self, case: Case) {
        (self.told)(&case);
        self.cases.push(case);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Estimate, Statistic};

    fn case(name: &str) -> Case {
        let estimate = Estimate { statistic: Statistic::Mean, runs: 1, measured: 0.0, standard_error: 0.0 };
        Case::new("group", name.to_owned(), (0.0, 0.0), estimate)
    }

    #[test]
    fn cases_are_told_in_the_order_of_the_groups() {
        let mut told = Vec::new();
        let mut tell = |case: &Case| told.push(case.case.clone());
        let mut judged = OrderedCases::new(4, &mut tell);
        for (group, name) in [(1, "b"), (0, "a"), (2, "c"), (1, "bb")] {
            judged.add(group, case(name));
        }
        judged.end(1);
        assert_eq!(judged.cases.len(), 1, "the first group has not ended");
        judged.add(0, case("aa"));
        judged.end(0);
        judged.add(2, case("cc"));
        judged.add(3, case("d"));
        let kept: Vec<String> = judged.into_cases().into_iter().map(|case| case.case).collect();
        assert_eq!(kept, ["a", "aa", "b", "bb", "c", "cc", "d"]);
        assert_eq!(told, kept);
    }
}
