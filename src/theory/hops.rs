//! The share of nodes reached by hop, and the TTL that follows. All hops take equal time.
//!
//! The chain is Reed and Frost's (Abbey 1952): with `S` nodes not reached and `I` reached in the last hop, the next has
//! `S' = S (1 - f/(N - 1))^I` and `I' = S - S'`. `f` is the effective fanout. The error of the coverage is up to .005
//! at the steep hops. On a sparse graph a forward may return to its sender, which hardly matters on the complete graph
//! but does with twenty peers: [`RandomGraph::coverage_by_hop`](super::coverage::RandomGraph::coverage_by_hop) has the
//! form for that. If latency varies or carriers race, a first copy may have come by a longer path, and a TTL reaches
//! fewer nodes than this form says.

use super::{at_least_one, not_negative, share};
use crate::message::TTL_MAX;
use crate::ratio::Ratio;

/// Iterates over the share of `nodes` reached within 1, 2, 3 ... hops of forward-once push, as a mean over runs that do
/// not die out.
///
/// The iterator is infinite; its values stop growing once no node is newly reached. For one node, or none, all are 1.
pub fn coverage_by_hop(nodes: u64, fanout: f64) -> impl Iterator<Item = f64> {
    let mut spread = HopChain::new(nodes, fanout);
    std::iter::repeat_with(move || {
        spread.hop();
        spread.coverage()
    })
}

/// Iterates over the share of `nodes` reached within 1, 2, 3 ... hops, if the forwards of each hop have the next of
/// these effective fanouts.
pub fn coverage_by_fanouts(nodes: u64, fanouts: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    let mut spread = HopChain::new(nodes, 0.0);
    fanouts.map(move |fanout| {
        spread.chance = HopChain::new(nodes, fanout).chance;
        spread.hop();
        spread.coverage()
    })
}

/// Returns the share of `nodes` reached within this many hops; `1/nodes`, the origin, for 0.
pub fn coverage_within(nodes: u64, fanout: f64, hops: u8) -> f64 {
    let mut spread = HopChain::new(nodes, fanout);
    (0..hops).for_each(|_| spread.hop());
    spread.coverage()
}

/// Returns the number of hops after which `target` of the nodes are expected to have an order, or `None` if no TTL
/// achieves that.
///
/// A target of all nodes counts as met once less than half a node is expected to be missing.
#[cfg(test)]
pub fn hops_to_target(nodes: u64, fanout: f64, target: Ratio) -> Option<u32> {
    let mut spread = HopChain::new(nodes, fanout);
    for hops in 0..=u32::from(TTL_MAX) {
        if spread.meets(target) {
            return Some(hops);
        }
        spread.hop();
    }
    None
}

/// Returns the number of hops after which a curve of the coverage within 0, 1, 2 ... hops meets its target, up to the
/// maximum TTL.
pub fn hops_until(nodes: u64, target: Ratio, by_hop: impl IntoIterator<Item = f64>) -> Option<u32> {
    let hops = by_hop.into_iter().take(usize::from(TTL_MAX) + 1).position(|coverage| meets(nodes, coverage, target));
    hops.map(|hops| hops as u32)
}

/// Returns true if an expected coverage meets a target, or leaves less than half a node missing.
pub fn meets(nodes: u64, coverage: f64, target: Ratio) -> bool {
    coverage >= target.as_f64() || (1.0 - coverage) * (nodes as f64) < MISSING_MAX
}

/// Returns the least coverage that [`meets`] a target; below 1.
pub fn coverage_to_meet(nodes: u64, target: Ratio) -> f64 {
    target.as_f64().min(1.0 - MISSING_MAX / nodes.max(1) as f64)
}

/// Returns the size of the largest network in which `target` of the nodes are expected to have an order within this
/// many hops.
///
/// The result is at most 2^48, which means unbounded, and at least 1, because an origin alone is covered.
pub fn nodes_within(hops: u8, fanout: f64, target: Ratio) -> u64 {
    let meets = |nodes: u64| {
        let mut spread = HopChain::new(nodes, fanout);
        (0..hops).for_each(|_| spread.hop());
        spread.meets(target)
    };
    // Doubling brackets the answer, which may be anything up to 2^48, before the bisection.
    let (mut fits, mut too_many) = (1, 2);
    while meets(too_many) {
        if too_many >= NODES_MAX {
            return NODES_MAX;
        }
        (fits, too_many) = (too_many, too_many * 2);
    }
    while too_many - fits > 1 {
        let middle = fits + (too_many - fits) / 2;
        if meets(middle) {
            fits = middle;
        } else {
            too_many = middle;
        }
    }
    fits
}

/// Returns the TTL of `--ttl auto`: twice the hops to the target plus 2, at most [`TTL_MAX`], which is also the result
/// if no number of hops suffices. If latencies are uneven, one more than ten times another, it is four times the hops
/// plus 2.
///
/// The factor is two because a first copy may have come by a longer path, and the 2 leaves room if there are few hops.
/// It is four with uneven latencies because many short hops are then faster than few long ones: on the regions of
/// `aws33` one first copy in fourteen came with the last hop of a TTL of twice the hops. A larger TTL costs nothing,
/// because a node does not forward an order that it already has.
pub fn auto_ttl(hops: Option<u32>, is_uneven: bool) -> u8 {
    let times = if is_uneven { 4 } else { 2 };
    let ttl = hops.and_then(|hops| hops.checked_mul(times)?.checked_add(2));
    ttl.and_then(|ttl| u8::try_from(ttl).ok()).unwrap_or(TTL_MAX)
}

const NODES_MAX: u64 = 1 << 48;

/// Fewer missing nodes than this, on average, count as none.
const MISSING_MAX: f64 = 0.5;

/// The state of the chain, in expected numbers of nodes.
struct HopChain {
    nodes: f64,
    /// Probability that a node's forward goes to a given other node.
    chance: f64,
    missing: f64,
    newest: f64,
}

impl HopChain {
    fn new(nodes: u64, fanout: f64) -> HopChain {
        let nodes = nodes.max(1) as f64;
        let others = nodes - 1.0;
        // A node forwards to others only, so a target is one of N - 1.
        HopChain { nodes, chance: share(not_negative(fanout) / others.max(1.0)), missing: others, newest: 1.0 }
    }

    fn hop(&mut self) {
        self.newest = self.missing * at_least_one(self.chance, self.newest);
        self.missing -= self.newest;
    }

    fn coverage(&self) -> f64 {
        (self.nodes - self.missing) / self.nodes
    }

    fn meets(&self, target: Ratio) -> bool {
        // Not derived from the coverage, whose precision ends before half a node in the largest networks.
        self.coverage() >= target.as_f64() || self.missing < MISSING_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TARGET: Ratio = Ratio::new(19, 20).unwrap();

    #[test]
    fn coverage_of_the_first_six_hops() {
        let printed =
            |nodes| coverage_by_hop(nodes, 8.0).take(6).map(|share| format!("{share:.4}")).collect::<Vec<_>>();
        assert_eq!(printed(1_000), ["0.0090", "0.0707", "0.4343", "0.9696", "0.9996", "0.9997"]);
        assert_eq!(printed(10_000), ["0.0009", "0.0073", "0.0567", "0.3647", "0.9460", "0.9995"]);
        let sixth = [100_000, 1_000_000, 10_000_000].map(|nodes| format!("{:.4}", coverage_within(nodes, 8.0, 6)));
        assert_eq!(sixth, ["0.9133", "0.2542", "0.0295"]);
    }

    #[test]
    fn the_largest_networks_of_six_hops() {
        let largest = [6.0, 8.0, 12.0].map(|fanout| nodes_within(6, fanout, TARGET));
        assert_eq!(largest, [12_567, 77_156, 932_803]);
    }

    #[test]
    fn hops_and_the_ttl_that_follows() {
        let both = |nodes| hops_to_target(nodes, 8.0, TARGET).map(|hops| (hops, auto_ttl(Some(hops), false)));
        assert_eq!([1_000, 10_000, 1_000_000].map(both), [Some((4, 10)), Some((6, 14)), Some((8, 18))]);
        assert_eq!(hops_to_target(77_156, 8.0, TARGET), Some(6));
        assert_eq!(hops_to_target(77_157, 8.0, TARGET), Some(7));
        let hops = [Some(0), Some(63), Some(64), Some(126), Some(127), Some(u32::MAX), None];
        assert_eq!(hops.map(|hops| auto_ttl(hops, false)), [2, 128, 130, 254, 255, 255, 255]);
        assert_eq!(hops.map(|hops| auto_ttl(hops, true)), [2, 254, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn less_than_half_a_node_counts_as_none() {
        let all = Ratio::new(1, 1).unwrap();
        assert!(meets(150, 0.9997, all) && !meets(2_000, 0.9997, all));
        assert!(meets(2_000, 0.95, TARGET) && !meets(2_000, 0.9499, TARGET));
        assert!(meets(2_000, coverage_to_meet(2_000, TARGET), TARGET) && coverage_to_meet(2_000, all) == 0.999_75);
        assert_eq!(hops_until(150, all, [0.1, 0.5, 0.9997]), Some(2));
        assert_eq!(hops_until(150, all, [0.5; 300]), None);
    }

    #[test]
    fn a_target_out_of_reach_is_none() {
        assert_eq!(hops_to_target(1_000, 3.0, TARGET), None);
        assert_eq!(hops_to_target(1_000_000, 8.0, Ratio::new(1, 1).unwrap()), None);
        assert_eq!(hops_to_target(100, 8.0, Ratio::new(1, 1).unwrap()), Some(4));
    }

    #[test]
    fn edge_cases_are_numbers() {
        for fanout in [f64::NAN, -1.0, 0.0, f64::INFINITY] {
            assert_eq!(hops_to_target(0, fanout, TARGET), Some(0));
            assert_eq!(hops_to_target(1, fanout, TARGET), Some(0));
            assert_eq!(coverage_within(1, fanout, 255), 1.0);
        }
        assert_eq!(hops_to_target(2, 0.0, TARGET), None);
        assert_eq!(hops_to_target(u64::MAX, f64::INFINITY, TARGET), Some(1));
        assert_eq!(coverage_within(10, 0.0, 255), 0.1);
        assert_eq!((nodes_within(0, 8.0, TARGET), nodes_within(255, 0.0, TARGET)), (1, 1));
        assert_eq!(nodes_within(255, 8.0, TARGET), NODES_MAX);
    }

    proptest! {
        #[test]
        fn coverage_never_falls(nodes in 1u64..1_000_000_000, fanout in 0.0..30.0) {
            let curve: Vec<f64> = coverage_by_hop(nodes, fanout).take(300).collect();
            prop_assert!(curve.is_sorted() && curve.iter().all(|share| (0.0..=1.0).contains(share)));
        }

        #[test]
        fn more_fanout_needs_no_more_hops(nodes in 2u64..1_000_000_000, fanout in 3.5..30.0) {
            let (few, many) = (hops_to_target(nodes, fanout, TARGET), hops_to_target(nodes, fanout + 1.0, TARGET));
            prop_assert!(many.unwrap() <= few.unwrap());
        }

        #[test]
        fn a_long_chain_ends_at_the_final_coverage(fanout in 2.0..10.0) {
            let end = coverage_within(10_000_000, fanout, 255);
            prop_assert!((end - crate::theory::coverage::final_coverage(fanout)).abs() < 0.005, "{end}");
        }
    }
}
