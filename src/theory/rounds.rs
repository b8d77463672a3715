//! The duration of a spread if nodes act in rounds: one uniform contact per node and round on the complete graph,
//! without end.
//!
//! Both forms are asymptotic, with an error of about a round at 10^4 nodes; test them on slopes. Both give 0 for one
//! node or none.

/// Returns the rounds of push until all nodes have an order: `log2 N + ln N` (Frieze, Grimmett 1985; Pittel 1987).
///
/// The first term is the doubling; the second is the last nodes, which wait until one that has the order contacts them.
pub fn push(nodes: u64) -> f64 {
    let nodes = nodes.max(1) as f64;
    nodes.log2() + nodes.ln()
}

/// Returns the rounds of push and pull in one contact until all nodes have an order: `log3 N + log2 ln N` (Karp,
/// Schindelhauer, Shenker, Vöcking 2000).
///
/// The number of nodes with the order triples at first: each of them contacts one without it, and is contacted by
/// another. Then the share of nodes without it is squared in each round. For two nodes the second term would be
/// negative and counts as 0.
pub fn push_pull(nodes: u64) -> f64 {
    let nodes = nodes.max(1) as f64;
    nodes.ln() / 3.0_f64.ln() + nodes.ln().max(1.0).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_of_ten_thousand_nodes() {
        assert_eq!(format!("{:.1} {:.1}", push(10_000), push_pull(10_000)), "22.5 11.6");
    }

    #[test]
    fn more_nodes_take_more_rounds() {
        for form in [push, push_pull] {
            let rounds: Vec<f64> = (0..64).map(|bit| form(1 << bit)).collect();
            assert!(rounds.is_sorted());
            assert_eq!((form(0), form(1)), (0.0, 0.0));
        }
    }
}
