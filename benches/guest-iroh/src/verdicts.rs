//! The figures that are compared, and the verdict on each.
//!
//! Two comparisons tell the two layers apart. In the first our Plumtree runs on the overlay that the guest's own
//! nodes had found when the first order was due: the broadcast alone. In the second each implementation finds its own
//! overlay, if a membership protocol of ours is named. A difference of the second that the first does not have comes
//! from the overlays, and these differ by a rule:
//!
//! iroh-gossip looks for a neighbour in place of one that is lost, and at the answer to a SHUFFLE, each time once: if
//! the node that it asks refuses, it goes without until the next answer. Ours follows the paper, asks the next one
//! after a refusal, and asks again at each of its own SHUFFLEs while a slot is free. The guest's nodes therefore have
//! fewer neighbours. With them fall the messages that go over links outside of the tree (IHAVE), those that cut such
//! links (PRUNE, and the copies before them), and those that choose among them (GRAFT).

use crate::equivalence::{FigureDifference, Margin};
use crate::runs::RunOutcome;

/// A figure that is compared.
pub(crate) struct ComparedKey {
    pub(crate) key: &'static str,
    /// Its name and unit in the table.
    pub(crate) name: &'static str,
    /// The margin; `None` for a figure that is only printed.
    margin: Option<Margin>,
}

/// The share of our mean by which counts of messages may differ.
const SHARE: Margin = Margin::Relative(0.05);

/// Messages of a kind, for each node and order, below which a difference counts as none.
const RARE: f64 = 0.001;

/// The share of our mean by which the numbers of neighbours may differ.
const DEGREE: Margin = Margin::Relative(0.01);

/// The figures of the broadcast, then those of the membership.
pub(crate) const FIGURES: [ComparedKey; 13] = [
    ComparedKey { key: "reached", name: "delivered, share of nodes", margin: Some(Margin::Absolute(0.001)) },
    ComparedKey { key: "rmr", name: "RMR", margin: Some(Margin::Absolute(0.05)) },
    ComparedKey { key: "ldh", name: "LDH, hops", margin: Some(Margin::Absolute(1.0)) },
    ComparedKey { key: "control_messages.ihave", name: "IHAVE a node and order", margin: Some(SHARE) },
    ComparedKey { key: "control_messages.graft", name: "GRAFT a node and order", margin: Some(SHARE) },
    ComparedKey { key: "control_messages.graft-link", name: "GRAFT without an order", margin: Some(SHARE) },
    ComparedKey { key: "control_messages.prune", name: "PRUNE a node and order", margin: Some(SHARE) },
    ComparedKey { key: "broadcast_bytes", name: "bytes a node and order", margin: None },
    ComparedKey { key: DEGREE_KEY, name: "neighbours", margin: Some(DEGREE) },
    ComparedKey { key: "upkeep.shuffle", name: "SHUFFLE a node and second", margin: None },
    ComparedKey { key: "upkeep.shuffle-reply", name: "SHUFFLEREPLY a node and second", margin: None },
    ComparedKey { key: "upkeep.neighbor", name: "NEIGHBOR a node and second", margin: None },
    ComparedKey { key: "upkeep.disconnect", name: "DISCONNECT a node and second", margin: None },
];

const DEGREE_KEY: &str = "degree";

/// A verdict on a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FigureVerdict {
    /// The difference lies within the margin.
    Equivalent,
    /// The guest's nodes have fewer neighbours, by the rule above.
    FewerNeighbours,
    /// The figure is equivalent on one overlay, so that the overlays make the difference.
    FromOverlay,
    /// The interval reaches over an end of the margin: more runs are needed.
    Open,
    /// The difference is neither within the margin nor explained.
    Differs,
    /// The figure is only printed.
    Printed,
}

impl FigureVerdict {
    /// Returns true if the figure agrees, or the reason why it does not is known.
    pub(crate) fn is_accounted_for(self) -> bool {
        !matches!(self, FigureVerdict::Open | FigureVerdict::Differs)
    }

    /// Returns the words that stand in the table.
    pub(crate) fn words(self) -> &'static str {
        match self {
            FigureVerdict::Equivalent => "equivalent",
            FigureVerdict::FewerNeighbours => "explained: asks less often",
            FigureVerdict::FromOverlay => "explained: the overlay",
            FigureVerdict::Open => "OPEN: more --runs",
            FigureVerdict::Differs => "DIFFERS",
            FigureVerdict::Printed => "",
        }
    }
}

/// A figure of both implementations with its verdict.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JudgedFigure {
    pub(crate) difference: FigureDifference,
    pub(crate) margin: Option<Margin>,
    pub(crate) verdict: FigureVerdict,
}

/// The runs of all seeds.
#[derive(Debug, Default)]
pub(crate) struct PairedRuns {
    pub(crate) guest: Vec<RunOutcome>,
    /// Ours on the guest's overlays.
    pub(crate) on_overlay: Vec<RunOutcome>,
    /// Ours over our membership protocol, on overlays of its own; empty if none was named.
    pub(crate) ours: Vec<RunOutcome>,
    /// The number of runs in which no link of the guest changed.
    pub(crate) lasting: usize,
}

impl PairedRuns {
    /// Returns the number of seeds of which every first receipt is the same on one overlay.
    pub(crate) fn equal_digests(&self) -> usize {
        self.guest.iter().zip(&self.on_overlay).filter(|(guest, ours)| guest.digest == ours.digest).count()
    }

    /// Judges a figure on the guest's overlays; `None` if there are too few runs, or one does not have it.
    pub(crate) fn on_overlay(&self, figure: &ComparedKey) -> Option<JudgedFigure> {
        let difference = difference(&self.on_overlay, &self.guest, figure.key)?;
        // The overlay is given there, and no membership runs.
        let margin =
            figure.margin.filter(|_| figure.key != DEGREE_KEY).map(|margin| widened(margin, figure, &difference));
        let verdict = margin.map_or(FigureVerdict::Printed, |margin| plain_verdict(&difference, margin));
        Some(JudgedFigure { difference, margin, verdict })
    }

    /// Judges a figure of each on an overlay of its own; `None` as above.
    pub(crate) fn each_alone(&self, figure: &ComparedKey) -> Option<JudgedFigure> {
        let difference = difference(&self.ours, &self.guest, figure.key)?;
        let margin = figure.margin.map(|margin| widened(margin, figure, &difference));
        let verdict = match margin.map(|margin| plain_verdict(&difference, margin)) {
            None => FigureVerdict::Printed,
            Some(FigureVerdict::Equivalent) => FigureVerdict::Equivalent,
            Some(other) if figure.key == DEGREE_KEY => match difference.interval[1] < 0.0 {
                true => FigureVerdict::FewerNeighbours,
                false => other,
            },
            Some(other) => match self.are_overlays_different() && self.is_equivalent_on_overlay(figure) {
                true => FigureVerdict::FromOverlay,
                false => other,
            },
        };
        Some(JudgedFigure { difference, margin, verdict })
    }

    /// Returns true if the guest's nodes certainly have fewer neighbours than ours, by more than the margin.
    fn are_overlays_different(&self) -> bool {
        let degree = difference(&self.ours, &self.guest, DEGREE_KEY);
        degree.is_some_and(|degree| !degree.is_within(DEGREE) && degree.interval[1] < 0.0)
    }

    fn is_equivalent_on_overlay(&self, figure: &ComparedKey) -> bool {
        self.on_overlay(figure).is_some_and(|judged| judged.verdict == FigureVerdict::Equivalent)
    }
}

/// Widens the margin of a kind that is rare.
fn widened(margin: Margin, figure: &ComparedKey, difference: &FigureDifference) -> Margin {
    let is_rare = figure.key.starts_with("control_messages.") && margin.at(difference.ours) < RARE;
    if is_rare { Margin::Absolute(RARE) } else { margin }
}

/// Judges a difference by its margin alone.
fn plain_verdict(difference: &FigureDifference, margin: Margin) -> FigureVerdict {
    let [low, high] = difference.interval;
    let most = margin.at(difference.ours);
    match difference.is_within(margin) {
        true => FigureVerdict::Equivalent,
        false if low > most || high < -most => FigureVerdict::Differs,
        false => FigureVerdict::Open,
    }
}

/// Returns the difference of a figure. A kind that no node ever sent counts as 0.
fn difference(ours: &[RunOutcome], guest: &[RunOutcome], key: &str) -> Option<FigureDifference> {
    let values = |runs: &[RunOutcome]| -> Option<Vec<f64>> {
        let value = |run: &RunOutcome| run.figures.get(key).copied();
        runs.iter().map(value).collect()
    };
    FigureDifference::of(&values(ours)?, &values(guest)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates runs with these numbers of neighbours and of IHAVEs.
    fn runs(figures: &[[f64; 2]]) -> Vec<RunOutcome> {
        let run = |[degree, ihave]: &[f64; 2]| {
            let figures = [(DEGREE_KEY, *degree), ("control_messages.ihave", *ihave)];
            RunOutcome { figures: figures.map(|(key, value)| (key.to_owned(), value)).into(), digest: 7 }
        };
        figures.iter().map(run).collect()
    }

    fn figure(key: &str) -> &'static ComparedKey {
        FIGURES.iter().find(|figure| figure.key == key).expect("a compared figure")
    }

    /// An overlay explains a difference only if it differs, and if the figure agrees on one overlay.
    #[test]
    fn a_difference_is_explained_by_the_overlay_or_not_at_all() {
        let (fewer, as_many) = ([[4.3, 2.31], [4.3, 2.3], [4.31, 2.3]], [[4.9, 2.3], [4.9, 2.31], [4.91, 2.3]]);
        let ours = [[4.9, 2.9], [4.91, 2.9], [4.9, 2.91]];
        let verdicts = |guest: &[[f64; 2]], on_overlay: &[[f64; 2]]| {
            let all = PairedRuns { guest: runs(guest), on_overlay: runs(on_overlay), ours: runs(&ours), lasting: 0 };
            [DEGREE_KEY, "control_messages.ihave"].map(|key| all.each_alone(figure(key)).unwrap().verdict)
        };
        assert_eq!(verdicts(&fewer, &fewer), [FigureVerdict::FewerNeighbours, FigureVerdict::FromOverlay]);
        assert_eq!(verdicts(&fewer, &ours), [FigureVerdict::FewerNeighbours, FigureVerdict::Differs]);
        assert_eq!(verdicts(&as_many, &as_many), [FigureVerdict::Equivalent, FigureVerdict::Differs]);
        let more = [[5.2, 3.2], [5.2, 3.21], [5.21, 3.2]];
        assert_eq!(verdicts(&more, &more), [FigureVerdict::Differs, FigureVerdict::Differs]);
        assert_eq!(verdicts(&ours, &ours), [FigureVerdict::Equivalent; 2]);
    }

    /// An interval over an end of the margin is neither agreement nor a difference, and a rare kind has a margin of its
    /// own.
    #[test]
    fn what_chance_leaves_open_is_open() {
        let on_overlay = |guest: &[[f64; 2]], ours: &[[f64; 2]]| {
            let all = PairedRuns { guest: runs(guest), on_overlay: runs(ours), ours: Vec::new(), lasting: 0 };
            all.on_overlay(figure("control_messages.ihave")).unwrap().verdict
        };
        let ours = [[4.0, 2.0]; 3];
        assert_eq!(on_overlay(&[[4.0, 1.9], [4.0, 2.2], [4.0, 2.1]], &ours), FigureVerdict::Open);
        assert_eq!(on_overlay(&[[4.0, 2.2], [4.0, 2.21], [4.0, 2.2]], &ours), FigureVerdict::Differs);
        assert_eq!(on_overlay(&[[4.0, 0.0004]; 3], &[[4.0, 0.0]; 3]), FigureVerdict::Equivalent);
        assert!(FigureVerdict::FromOverlay.is_accounted_for() && !FigureVerdict::Open.is_accounted_for());
    }
}
