//! The share of nodes reached in the end, if each node forwards an order once and no TTL stops it.

use super::{at_least_one, at_least_one_after, effective_fanout, largest_root, not_negative, poisson, share};

/// Returns the share of nodes that an order reaches if each node forwards it once to `fanout` uniformly random nodes.
///
/// This is the positive root of `1 - r = exp(-f r)`: the giant component of a random directed graph (Karp 1990;
/// Eugster, Guerraoui, Kermarrec, Massoulié 2004). `fanout` is the effective one; up to 1 the share is 0. It holds if
/// the order does not die out early ([`super::chances::die_out`]). Its error is at most .0003 from 10^4 nodes up, and
/// about `1/nodes` below.
pub fn final_coverage(fanout: f64) -> f64 {
    let fanout = not_negative(fanout);
    if fanout <= 1.0 { 0.0 } else { largest_root(|reached| -(-fanout * reached).exp_m1()) }
}

/// Returns the effective fanout that reaches a share of nodes: `-ln(1 - r) / r`, the inverse of [`final_coverage`].
///
/// It is 1 for a share of 0, the threshold, and infinite for all nodes, because no finite fanout reaches all with
/// certainty.
pub fn fanout_for(coverage: f64) -> f64 {
    match share(coverage) {
        // The limit of the formula as the share goes to 0.
        0.0 => 1.0,
        reached => -(-reached).ln_1p() / reached,
    }
}

/// The distribution of degrees of a random graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Degrees {
    /// Poisson, as on an Erdős–Rényi graph.
    Poisson,
    /// The same degree for all nodes, as on a random regular graph.
    Equal,
}

/// Forward-once push on a random graph; targets are peers, drawn without replacement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomGraph {
    /// The distribution of degrees.
    pub degrees: Degrees,
    /// Mean number of peers. Values above a million count as a million, where the form equals the uniform one.
    pub degree: f64,
    /// Peers that a node forwards to; all if it has fewer.
    pub fanout: f64,
    /// Share of datagrams lost.
    pub loss: f64,
    /// Share of nodes that are down. Coverage is a share of the others.
    pub failed: f64,
}

impl RandomGraph {
    /// Creates an Erdős–Rényi graph without loss or failures, whose nodes draw their targets regardless of the sender.
    /// Coverage is the same with the copy to the sender sent or suppressed.
    pub const fn new(degree: f64, fanout: f64) -> RandomGraph {
        let degrees = Degrees::Poisson;
        RandomGraph { degrees, degree, fanout, loss: 0.0, failed: 0.0 }
    }

    /// Creates a random regular graph without loss or failures, whose nodes draw their targets regardless of the
    /// sender.
    pub const fn regular(degree: f64, fanout: f64) -> RandomGraph {
        RandomGraph { degrees: Degrees::Equal, ..RandomGraph::new(degree, fanout) }
    }

    /// Returns the share of nodes that an order reaches.
    ///
    /// `q = sum over m of Pois(m; d) [1 - (1 - q)^m] min(1, f/(m + 1)) (1 - loss)(1 - failed)` is the probability that
    /// a node receives the order over a given link: that its neighbour, which has `m` further links, is up, is reached
    /// over one of them, and draws this one. Then `r = 1 - exp(-d q)`. The source is branching processes on random
    /// graphs (Newman 2002), directed by the draw. The error is at most .0003 from 10^4 nodes up.
    ///
    /// If all nodes have `d` peers, `m` is `d - 1`: `q = min(1, f/d) [1 - (1 - q)^(d - 1)]` without loss, and `r = 1 -
    /// (1 - q)^d` (the same source, with one degree). With three peers or more and a fanout of all of them the result
    /// is 1, because such a graph is nearly always connected.
    pub fn final_coverage(&self) -> f64 {
        self.reached_over(largest_root(self.gain()))
    }

    /// Returns true if an order reaches at least this share of nodes, which is below 1: what
    /// [`final_coverage`](Self::final_coverage) says, in a fiftieth of its time.
    pub fn covers(&self, share: f64) -> bool {
        let degree = poisson::mean_degree(self.degree);
        // With this probability over each link so many are reached.
        let link = match self.degrees {
            Degrees::Poisson => -(-share).ln_1p() / degree,
            Degrees::Equal => at_least_one(share, 1.0 / degree),
        };
        // The gain lies above this probability before the root, and below it afterwards.
        share <= 0.0 || link <= 1.0 && self.gain()(link) >= link
    }

    /// Returns the probability that a node receives the order over a link, as a function of the same for its
    /// neighbour's links.
    fn gain(&self) -> impl Fn(f64) -> f64 + use<> {
        let terms = self.terms();
        move |link| {
            let reached = at_least_one_after(link);
            terms.iter().map(|term| term.drawn * reached(term.links)).sum()
        }
    }

    /// Returns the probability that a node is reached, if each of its links delivers with probability `link`.
    pub(super) fn reached_over(&self, link: f64) -> f64 {
        let degree = poisson::mean_degree(self.degree);
        match self.degrees {
            Degrees::Poisson => -(-degree * link).exp_m1(),
            Degrees::Equal => at_least_one(link, degree),
        }
    }

    /// Returns the terms of the sum, one for each number of further links that a neighbour may have.
    pub(super) fn terms(&self) -> Vec<Term> {
        let degree = poisson::mean_degree(self.degree);
        // Of a fanout of 1, the effective one is the share of copies that arrive.
        let kept = effective_fanout(1.0, self.loss, self.failed);
        let fanout = not_negative(self.fanout);
        let drawn = |links: f64| share(fanout / (links + 1.0));
        let term = |(links, chance)| Term { links, drawn: chance * drawn(links) * kept };
        match self.degrees {
            // A neighbour is found in proportion to its degree, so its further links are again Poisson with the same
            // mean.
            Degrees::Poisson => poisson::about(degree).map(term).collect(),
            Degrees::Equal => vec![term(((degree - 1.0).max(0.0), 1.0))],
        }
    }
}

/// A number of further links that a neighbour may have.
pub(super) struct Term {
    pub(super) links: f64,
    /// The probability that it has this number, is up, and draws the given link.
    pub(super) drawn: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn coverage_of_uniform_targets() {
        let printed = [2, 3, 4, 5, 6, 8, 10].map(|fanout| format!("{:.6}", final_coverage(fanout.into())));
        assert_eq!(printed, ["0.796812", "0.940480", "0.980173", "0.993023", "0.997484", "0.999664", "0.999955"]);
    }

    #[test]
    fn fanout_for_a_coverage() {
        let printed = [0.9, 0.95, 0.99, 0.999].map(|coverage| format!("{:.4}", fanout_for(coverage)));
        assert_eq!(printed, ["2.5584", "3.1534", "4.6517", "6.9147"]);
    }

    #[test]
    fn coverage_on_a_random_graph() {
        let printed = [0.0, 0.3, 0.5].map(|loss| {
            let graph = RandomGraph { loss, ..RandomGraph::new(20.0, 8.0) };
            format!("{:.5}", graph.final_coverage())
        });
        assert_eq!(printed, ["0.99966", "0.99619", "0.97974"]);
    }

    #[test]
    fn coverage_with_equal_degrees() {
        let covered = |(degree, fanout)| format!("{:.5}", RandomGraph::regular(degree, fanout).final_coverage());
        assert_eq!([(3.0, 8.0), (3.0, 3.0), (4.0, 4.0), (2.0, 2.0)].map(covered), ["1.00000"; 4]);
        assert_eq!([(1.0, 8.0), (2.0, 1.0), (9.0, 0.0)].map(covered), ["0.00000"; 3]);
        // By hand: q = (2/3)(2q - q^2) has the root 1/2, and seven of eight nodes are reached over one of three links.
        assert_eq!(covered((3.0, 2.0)), "0.87500");
        assert_eq!(covered((1e6, 3.0)), format!("{:.5}", final_coverage(3.0)));
    }

    #[test]
    fn failed_nodes_count_as_lost_messages() {
        let lossy = RandomGraph { loss: 0.3, ..RandomGraph::new(20.0, 8.0) };
        let failing = RandomGraph { failed: 0.3, ..RandomGraph::new(20.0, 8.0) };
        assert_eq!(lossy.final_coverage(), failing.final_coverage());
    }

    #[test]
    fn a_dense_graph_is_like_uniform_targets() {
        let dense = RandomGraph::new(1e4, 3.0).final_coverage();
        assert!((dense - final_coverage(3.0)).abs() < 1e-4, "{dense}");
    }

    #[test]
    fn edge_cases_are_numbers() {
        for odd in [f64::NAN, f64::NEG_INFINITY, -1.0, 0.0, 1.0] {
            assert_eq!(final_coverage(odd), 0.0);
            assert_eq!(RandomGraph::new(odd, odd).final_coverage(), 0.0);
            assert_eq!(RandomGraph::regular(odd, odd).final_coverage(), 0.0);
        }
        assert_eq!(final_coverage(f64::INFINITY), 1.0);
        assert_eq!((fanout_for(0.0), fanout_for(f64::NAN), fanout_for(1.0)), (1.0, 1.0, f64::INFINITY));
    }

    proptest! {
        #[test]
        fn more_fanout_reaches_more(fanout in 0.0..20.0, more in 0.0..5.0) {
            prop_assert!(final_coverage(fanout) <= final_coverage(fanout + more));
            let on_graph = |fanout| RandomGraph::new(20.0, fanout).final_coverage();
            prop_assert!(on_graph(fanout) <= on_graph(fanout + more) + 1e-12);
        }

        #[test]
        fn the_inverse_inverts(coverage in 0.01..0.9999) {
            prop_assert!((final_coverage(fanout_for(coverage)) - coverage).abs() < 1e-9);
        }

        #[test]
        fn a_graph_covers_what_it_reaches(
            degree in 1.0..40.0, fanout in 0.0..40.0, loss in 0.0..0.9, share in 0.001..0.999_9, are_equal: bool,
        ) {
            let degrees = if are_equal { Degrees::Equal } else { Degrees::Poisson };
            let graph = RandomGraph { degrees, loss, ..RandomGraph::new(degree, fanout) };
            let reached = graph.final_coverage();
            prop_assert!(graph.covers(share) == (reached >= share) || (reached - share).abs() < 1e-9, "{reached}");
        }

        #[test]
        fn more_loss_reaches_less(loss in 0.0..1.0, more in 0.0..1.0) {
            let covered = |loss| RandomGraph { loss, ..RandomGraph::new(20.0, 8.0) }.final_coverage();
            prop_assert!(covered(loss) >= covered(loss + more) - 1e-12);
        }
    }
}
