//! The cost of a spread in messages.

use super::{not_negative, poisson};

/// Returns the relative message redundancy as Solana's gossip simulator defines it: `messages / (reached - 1) - 1`.
///
/// `messages` counts payload messages handed to the carrier, and `reached` includes the origin. 0 means a spanning
/// tree, in which each message reaches a new node; `None` means that only the origin was reached.
pub fn rmr(messages: u64, reached: u64) -> Option<f64> {
    match reached {
        0 | 1 => None,
        _ => Some(messages as f64 / (reached - 1) as f64 - 1.0),
    }
}

/// Returns the redundancy of forward-once push, where each node reached sends `fanout` messages: `fanout - 1`.
///
/// `fanout` is the one sent, not the effective one, because a lost message was sent too. The error is `fanout /
/// reached`, which is below .02 at a fanout of 8 from 400 nodes up.
pub fn push(fanout: f64) -> f64 {
    not_negative(fanout) - 1.0
}

/// Returns the redundancy of push on an Erdős–Rényi graph, where a node with fewer peers than the fanout sends to all
/// of them.
///
/// This is the mean of `min(f, m)`, less 1, for a Poisson number `m` of peers with mean `degree`. It is accurate if
/// nearly all nodes are reached; if few are, they have more peers than the mean.
pub fn push_on_graph(fanout: f64, degree: f64) -> f64 {
    let fanout = not_negative(fanout);
    poisson::mean_of(poisson::mean_degree(degree), |peers| fanout.min(peers)) - 1.0
}

/// Returns the redundancy of push on an Erdős–Rényi graph if the copy to the sender of the first copy is suppressed and
/// not replaced.
///
/// The sender is one of `m` peers, and is drawn with probability `min(1, f/m)`. Like [`push_on_graph`] this is accurate
/// if nearly all nodes are reached; a simulation of 20,000 nodes agrees within .005.
pub fn push_sparing_the_sender(fanout: f64, degree: f64) -> f64 {
    let (fanout, degree) = (not_negative(fanout), poisson::mean_degree(degree));
    // A node without peers has no sender to suppress.
    let spared = poisson::mean_of(degree, |peers| if peers == 0.0 { 0.0 } else { (fanout / peers).min(1.0) });
    push_on_graph(fanout, degree) - spared
}

/// Returns the probability that a node receives exactly this many copies of an order, given the mean: a Poisson
/// distribution.
///
/// With uniform targets each forward goes to a node with the same small probability, so that the number of copies is
/// Poisson with mean `f r`, the messages sent per node; its variance equals the mean. The error is about `f^2 / nodes`.
pub fn copies_chance(mean: f64, copies: u32) -> f64 {
    let copies = f64::from(copies);
    poisson::about(poisson::mean_degree(mean))
        .find_map(|(value, chance)| (value == copies).then_some(chance))
        .unwrap_or(0.0)
}

/// Returns the number of messages of a forward-once flood that does not send back to the sender: `2 edges - (nodes -
/// 1)`.
///
/// Exact on every connected simple graph and for every timing, without loss or TTL: the origin sends to all of its
/// peers, and each other node to all but one.
pub fn flood_messages(edges: u64, nodes: u64) -> u64 {
    edges.saturating_mul(2).saturating_sub(nodes.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redundancy_of_push() {
        assert_eq!(format!("{:.3}", push(8.0)), "7.000");
        assert_eq!(format!("{:.3}", push_on_graph(8.0, 20.0)), "6.999");
        // A thousand nodes that each send eight: seven redundant copies for each node that is reached, and those of the
        // origin.
        assert_eq!(format!("{:.3}", rmr(8_000, 1_000).unwrap()), "7.008");
    }

    #[test]
    fn redundancy_without_the_senders_copy() {
        // Simulated at 20,000 nodes: 6.579 and 6.581 at fanout 8, 10.335 and 10.331 at fanout 12.
        let printed = [8.0, 12.0].map(|fanout| format!("{:.3}", push_sparing_the_sender(fanout, 20.0)));
        assert_eq!(printed, ["6.577", "10.330"]);
    }

    #[test]
    fn copies_are_poisson() {
        let printed = [0, 4, 8, 20].map(|copies| format!("{:.5}", copies_chance(8.0, copies)));
        assert_eq!(printed, ["0.00034", "0.05725", "0.13959", "0.00016"]);
        assert_eq!((copies_chance(0.0, 0), copies_chance(8.0, u32::MAX), copies_chance(f64::NAN, 1)), (1.0, 0.0, 0.0));
    }

    #[test]
    fn a_tree_has_no_redundancy() {
        assert_eq!(rmr(999, 1_000), Some(0.0));
        assert_eq!(rmr(flood_messages(999, 1_000), 1_000), Some(0.0));
    }

    #[test]
    fn a_flood_crosses_each_edge_twice_but_a_tree_of_them() {
        // A triangle: the origin sends two, each of the others one.
        assert_eq!(flood_messages(3, 3), 4);
        assert_eq!((flood_messages(0, 1), flood_messages(0, 0), flood_messages(0, 9)), (0, 0, 0));
    }

    #[test]
    fn edge_cases_are_numbers() {
        assert_eq!((rmr(5, 0), rmr(5, 1)), (None, None));
        assert_eq!((push(f64::NAN), push(-3.0)), (-1.0, -1.0));
        assert_eq!(push_sparing_the_sender(0.0, 0.0), -1.0);
        assert_eq!(push_sparing_the_sender(f64::INFINITY, f64::NAN), -1.0);
        // All peers but the sender, as in a flood.
        assert!((push_sparing_the_sender(f64::INFINITY, 20.0) - 18.0).abs() < 1e-6);
    }
}
