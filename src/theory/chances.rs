//! Probabilities: that every node is reached, that an order dies out at its origin, that a graph is connected.

use super::{at_least_one, largest_root, not_negative, share};

/// Returns the probability that every node is reached if each forwards once to `fanout` uniform targets: `exp(-N
/// e^-f)`.
///
/// With `f = ln N + c` this is `exp(-e^-c)` (Kermarrec, Massoulié, Ganesh 2003). The form is asymptotic: use it for the
/// slope, from some 1,000 nodes up. `fanout` is the effective one. The result is 1 for a single node.
pub fn every_node_reached(nodes: u64, fanout: f64) -> f64 {
    none_of(nodes, (-not_negative(fanout)).exp())
}

/// Returns the probability that every node is reached if each is missed independently with probability `1 - coverage`:
/// `exp(-N (1 - r))`.
///
/// `coverage` is the final one, from [`super::coverage::RandomGraph`]. The same asymptotic form, for Erdős–Rényi.
pub fn every_node_reached_on_graph(nodes: u64, coverage: f64) -> f64 {
    none_of(nodes, 1.0 - share(coverage))
}

/// Returns the probability that an order dies out near its origin under loss: the smallest root of `q = (e + (1 - e)
/// q)^f`.
///
/// This is the extinction of a Galton-Watson process: the origin and each later node send `fanout` copies, each lost
/// with probability `loss`. It is 1 if `f (1 - e)` is at most 1. It is exact as the number of nodes goes to infinity,
/// before copies meet. Coverage then has two modes, this one near 0; report its share and the median, never a mean
/// alone.
pub fn die_out(fanout: f64, loss: f64) -> f64 {
    let (fanout, kept) = (not_negative(fanout), 1.0 - share(loss));
    if fanout * kept <= 1.0 {
        return 1.0;
    }
    1.0 - largest_root(|survival| at_least_one(kept * survival, fanout))
}

/// Returns the probability that an unhindered spread grows beyond `nodes` nodes, the origin included.
///
/// Each node sends `fanout` copies, each of which is lost, or meets a node that is down, with probability `loss`. The
/// formula is Otter and Dwass's: the spread has exactly `n` nodes with probability `P(Bin(n f, 1 - loss) = n - 1) / n`
/// (Dwass 1969). It is exact as the number of nodes goes to infinity; with `N` nodes up its relative error is about
/// `nodes^2 / 2N`, because copies meet. The time is quadratic in `nodes`.
pub fn outgrows(fanout: u32, loss: f64, nodes: u32) -> f64 {
    let kept = 1.0 - share(loss);
    let comes_to = |n: u32| binomial(u64::from(n) * u64::from(fanout), kept, u64::from(n) - 1) / f64::from(n);
    // Clamped, because rounding may take the sum past 1.
    share(1.0 - (1..=nodes).map(comes_to).sum::<f64>())
}

/// Returns the binomial probability of `hits` successes in `tries` trials.
fn binomial(tries: u64, chance: f64, hits: u64) -> f64 {
    if hits > tries {
        return 0.0;
    }
    // In logarithms, because the binomial coefficient overflows a double.
    let arrangements = (1..=hits).map(|hit| ((tries - hits + hit) as f64 / hit as f64).ln()).sum::<f64>();
    // 0^0 is 1, but 0 times its logarithm is not a number.
    let all = |chance: f64, times: u64| if times == 0 { 0.0 } else { times as f64 * chance.ln() };
    (arrangements + all(chance, hits) + all(1.0 - chance, tries - hits)).exp()
}

/// Returns the probability that an Erdős–Rényi graph of mean degree `degree` is connected: `exp(-N e^-d)` (Erdős, Rényi
/// 1959).
///
/// Such a graph is nearly always disconnected by a node without a peer. The relative error of the exponent is about
/// `d^2 / 2N`. The result is 1 for a single node.
pub fn connected(nodes: u64, degree: f64) -> f64 {
    none_of(nodes, (-not_negative(degree)).exp())
}

/// Returns the share of nodes that can fail at random before a spread breaks down: `1 - 1/reach`, or 0 if `reach` is
/// below 1.
///
/// `reach` is the fanout for push and the mean degree for flood. At this threshold a reached node informs, on average,
/// one node that is up; the coverage of the remaining nodes falls well before it.
pub fn removal_threshold(reach: f64) -> f64 {
    1.0 - 1.0 / not_negative(reach).max(1.0)
}

/// Returns the probability that none of `nodes` is missed, each with probability `missed`, in the Poisson limit.
fn none_of(nodes: u64, missed: f64) -> f64 {
    if nodes <= 1 { 1.0 } else { (-(nodes as f64) * missed).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_node_is_reached_just_above_the_logarithm() {
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

    /// By hand for few nodes, and the complement of extinction for many.
    #[test]
    fn spreads_that_stay_small() {
        let alone = 0.9_f64.powi(8);
        assert!((outgrows(8, 0.9, 1) - (1.0 - alone)).abs() < 1e-12);
        // Two nodes: one of eight copies arrives, and none of the next eight.
        let two = 8.0 * 0.1 * 0.9_f64.powi(7) * alone;
        assert!((outgrows(8, 0.9, 2) - (1.0 - alone - two)).abs() < 1e-12);
        assert_eq!((outgrows(8, 0.9, 0), outgrows(8, 1.0, 1), outgrows(8, 0.0, 50)), (1.0, 0.0, 1.0));
        assert!((outgrows(8, 0.6, 400) - (1.0 - die_out(8.0, 0.6))).abs() < 1e-9);
        assert!(outgrows(8, 0.9, 1_000) < 1e-9);
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
    fn edge_cases_are_numbers() {
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
