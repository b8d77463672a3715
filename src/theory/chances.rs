//! Chances: that every node is reached, that an order dies at its origin, that a graph is in one piece.

use super::{at_least_one, largest_root, not_negative, share};

/// The chance that every node is reached, when each forwards once to `fanout` uniform targets: `exp(-N e^-f)`.
///
/// With `f = ln N + c` that is `exp(-e^-c)` (Kermarrec, Massoulié, Ganesh 2003). An asymptotic form: use it for the
/// slope from some 1,000 nodes up. `fanout` is the effective one. 1 for a single node.
pub fn every_node_reached(nodes: u64, fanout: f64) -> f64 {
    none_of(nodes, (-not_negative(fanout)).exp())
}

/// The chance that every node is reached, where each is missed by `1 - coverage` on its own: `exp(-N (1 - r))`.
///
/// `coverage` is the final one, from [`super::coverage::RandomGraph`]. The same asymptotic form, for Erdős–Rényi.
pub fn every_node_reached_on_graph(nodes: u64, coverage: f64) -> f64 {
    none_of(nodes, 1.0 - share(coverage))
}

/// The chance that an order dies out near its origin under loss: the least root of `q = (e + (1 - e) q)^f`.
///
/// Galton and Watson's extinction: the origin and each node after it sends `fanout` copies, each lost with the chance
/// `loss`. 1 where `f (1 - e)` is at most 1. Exact as nodes go to infinity, before the spread meets itself. Coverage has
/// two humps then, this one near 0; report its share and the median, never a mean alone.
pub fn die_out(fanout: f64, loss: f64) -> f64 {
    let (fanout, kept) = (not_negative(fanout), 1.0 - share(loss));
    if fanout * kept <= 1.0 {
        return 1.0;
    }
    1.0 - largest_root(|survival| at_least_one(kept * survival, fanout))
}

/// The chance that an Erdős–Rényi graph of mean degree `degree` is connected: `exp(-N e^-d)` (Erdős, Rényi 1959).
///
/// What cuts such a graph is nearly always a node without a peer. The exponent is off by some `d^2 / 2N` of itself. 1
/// for a single node.
pub fn connected(nodes: u64, degree: f64) -> f64 {
    none_of(nodes, (-not_negative(degree)).exp())
}

/// The share of nodes that can fail at random before a spread breaks down: `1 - 1/reach`, 0 where `reach` is below 1.
///
/// `reach` is the fanout for push and the mean degree for flood. The threshold at which a node reached informs, on
/// average, one that is up; the coverage of those left falls well before it.
pub fn removal_threshold(reach: f64) -> f64 {
    1.0 - 1.0 / not_negative(reach).max(1.0)
}

/// The chance that none of `nodes` is missed, each with the chance `missed`, in Poisson's limit.
fn none_of(nodes: u64, missed: f64) -> f64 {
    if nodes <= 1 { 1.0 } else { (-(nodes as f64) * missed).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_node_is_reached_by_the_logarithm_and_some() {
        for surplus in [-1.0, 0.0, 1.0, 3.0_f64] {
            let expected = (-(-surplus).exp()).exp();
            let form = every_node_reached(1_000_000, 1e6_f64.ln() + surplus);
            assert!((form - expected).abs() < 1e-9, "{surplus}: {form}");
        }
        let on_graph = every_node_reached_on_graph(1_000, 0.999);
        assert!((on_graph - (-1.0_f64).exp()).abs() < 1e-12);
    }

    #[test]
    fn dying_out_under_loss() {
        let printed = [0.5, 0.6].map(|loss| format!("{:.4}", die_out(8.0, loss)));
        assert_eq!(printed, ["0.0040", "0.0185"]);
        assert_eq!((die_out(8.0, 0.0), die_out(8.0, 0.875), die_out(8.0, 1.0)), (0.0, 1.0, 1.0));
    }

    #[test]
    fn connected_graphs_of_twenty_peers() {
        let printed = [1_000_000, 10_000_000].map(|nodes| format!("{:.4}", connected(nodes, 20.0)));
        assert_eq!(printed, ["0.9979", "0.9796"]);
    }

    #[test]
    fn removal_breaks_flood_later_than_push() {
        assert_eq!((removal_threshold(8.0), removal_threshold(20.0)), (0.875, 0.95));
    }

    #[test]
    fn edges_are_numbers() {
        for odd in [f64::NAN, -1.0, 0.0] {
            assert_eq!((every_node_reached(1, odd), connected(0, odd), die_out(odd, odd)), (1.0, 1.0, 1.0));
            assert_eq!(removal_threshold(odd), 0.0);
        }
        assert_eq!((die_out(f64::INFINITY, 0.5), removal_threshold(f64::INFINITY)), (0.0, 1.0));
        assert_eq!(every_node_reached(u64::MAX, f64::INFINITY), 1.0);
    }

    proptest! {
        #[test]
        fn extinction_solves_its_equation(fanout in 1.0..20.0, loss in 0.0..1.0) {
            let died = die_out(fanout, loss);
            prop_assert!((died - (loss + (1.0 - loss) * died).powf(fanout)).abs() < 1e-9);
            prop_assert!(died <= die_out(fanout, (loss + 0.1).min(1.0)) + 1e-12);
        }
    }
}
