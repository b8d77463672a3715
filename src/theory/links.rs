//! The share of nodes reached by hop on a random graph, link by link. All hops take equal time.
//!
//! The chain of [`super::hops`] draws targets among all nodes, and so never reaches some that a graph does reach: a
//! node with three peers that all forward to all of theirs is not missed. Here the probability `q` that a node receives
//! the order over a given link grows hop by hop, `q' = sum over m of P(m) [1 - (1 - 1/N)(1 - q)^m] min(1, f/(m + 1))`,
//! up to the root that [`RandomGraph::final_coverage`] returns. These are edge-based compartments (Volz 2008; Miller,
//! Slim, Volz 2012), in whole hops. The origin enters as a share of 1/N of every node, which is inaccurate in the first
//! hop if the fanout is near the number of nodes: use the chain there.

use super::at_least_one_after;
use super::coverage::RandomGraph;

impl RandomGraph {
    /// Iterates over the share of `nodes` reached within 0, 1, 2 ... hops, as a mean over runs that do not die out. The
    /// iterator is infinite.
    pub fn coverage_by_hop(&self, nodes: u64) -> impl Iterator<Item = f64> + use<> {
        let (graph, terms) = (*self, self.terms());
        let origin = 1.0 / nodes.max(1) as f64;
        // A node is the origin with probability 1/N, and then has the order from the start.
        let or_origin = move |reached: f64| origin + (1.0 - origin) * reached;
        let after = move |link: f64| {
            let reached = at_least_one_after(link);
            terms.iter().map(|term| term.drawn * or_origin(reached(term.links))).sum::<f64>()
        };
        // From the hop on that changes nothing all are alike, and a curve may be read to its 255th.
        let further = move |&(link, rests): &(f64, bool)| {
            let next = if rests { link } else { after(link) };
            Some((next, next == link))
        };
        std::iter::successors(Some((0.0, false)), further).map(move |(link, _)| or_origin(graph.reached_over(link)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::hops;
    use proptest::prelude::*;

    fn within(graph: RandomGraph, nodes: u64, hops: usize) -> f64 {
        graph.coverage_by_hop(nodes).nth(hops).unwrap()
    }

    #[test]
    fn few_equal_peers_reach_all_nodes_eventually() {
        let three = RandomGraph::regular(3.0, 8.0);
        let printed = [0, 1, 2, 6, 10, 11].map(|hops| format!("{:.4}", within(three, 1_000, hops)));
        assert_eq!(printed, ["0.0010", "0.0040", "0.0100", "0.1731", "0.9537", "0.9979"]);
    }

    /// Within .005 of measured runs; see the table of `validate`. A hop branches 7.6-fold, because one copy in twenty
    /// goes back, and the third hop covers .40 of 1,000 nodes where the complete graph has .43.
    #[test]
    fn twenty_peers_branch_less_than_uniform_targets() {
        let printed =
            |nodes| [1, 2, 3, 4, 5, 6].map(|hop| format!("{:.4}", within(RandomGraph::new(20.0, 8.0), nodes, hop)));
        assert_eq!(printed(1_000), ["0.0090", "0.0671", "0.4010", "0.9542", "0.9995", "0.9997"]);
        assert_eq!(printed(10_000), ["0.0009", "0.0070", "0.0516", "0.3248", "0.9171", "0.9993"]);
    }

    #[test]
    fn many_equal_peers_are_uniform_targets() {
        let chain = hops::coverage_by_hop(100_000, 8.0);
        for (link, node) in RandomGraph::regular(99_999.0, 8.0).coverage_by_hop(100_000).skip(1).zip(chain).take(9) {
            assert!((link - node).abs() < 1e-3, "{link} {node}");
        }
    }

    #[test]
    fn edge_cases_are_numbers() {
        for odd in [f64::NAN, -1.0, 0.0] {
            assert_eq!(within(RandomGraph::regular(odd, odd), 10, 255), 0.1);
            assert_eq!(within(RandomGraph::new(odd, odd), 0, 255), 1.0);
        }
        assert_eq!(within(RandomGraph::regular(3.0, f64::INFINITY), 10, 255), 1.0);
    }

    proptest! {
        #[test]
        fn coverage_rises_to_the_final_one(degree in 2.5..30.0, fanout in 2.0..10.0, equal: bool) {
            let graph = if equal { RandomGraph::regular(degree, fanout) } else { RandomGraph::new(degree, fanout) };
            let curve: Vec<f64> = graph.coverage_by_hop(1_000_000).take(256).collect();
            prop_assert!(curve.windows(2).all(|next| next[0] <= next[1] + 1e-12));
            let (end, root) = (curve[255], graph.final_coverage());
            prop_assert!((end - root).abs() < 0.001, "{end} {root}");
        }
    }
}
