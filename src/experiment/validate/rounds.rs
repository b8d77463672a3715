//! Duration of rumour spreading in synchronous rounds of calls. No protocol here calls in rounds, so the forms are
//! compared with a simulation of the calls themselves.

use super::{Bench, Case, EarlyEnd};
use crate::analysis::Estimate;
use crate::random::{Key, Purpose, Stream};
use crate::theory::rounds;

const NODES: u32 = 10_000;
const REPLICATES: u32 = 64;

pub(super) fn cases(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    // Both forms are asymptotic: at 10^4 nodes the first is about a round short, the second hardly.
    for (name, pulls, form, error) in [
        ("push", false, rounds::push(NODES.into()), 1.1),
        ("push and pull", true, rounds::push_pull(NODES.into()), 0.5),
    ] {
        let taken =
            bench.each(bench.replicates(REPLICATES), |seed, _| Ok(f64::from(rounds_of_calls(seed, NODES, pulls))))?;
        let case = format!("{name}, {NODES} nodes");
        bench.take(Case::new("Rounds of calls", case, (form, error), Estimate::mean(&taken)));
    }
    Ok(())
}

/// Rounds until all nodes have the order, if each calls one random other node in every round.
fn rounds_of_calls(seed: u64, nodes: u32, pulls: bool) -> u32 {
    let mut has = vec![false; nodes as usize];
    if let Some(origin) = has.first_mut() {
        *origin = true;
    }
    let mut count = 1;
    let mut round = 0;
    while count < nodes {
        // Nodes are drawn for a round as targets are for an order.
        let mut stream = Key::new(seed, Purpose::Targets).with(round.into()).stream();
        let before = has.clone();
        for node in 0..nodes {
            // Only a caller with the order pushes it, and without a pull other calls have no effect.
            let called = other(&mut stream, node, nodes) as usize;
            let node = node as usize;
            let informed = match (before[node], before[called]) {
                (true, false) => called,
                (false, true) if pulls => node,
                _ => continue,
            };
            count += u32::from(!std::mem::replace(&mut has[informed], true));
        }
        round += 1;
    }
    round
}

/// Returns a random node other than `node`.
fn other(stream: &mut Stream, node: u32, nodes: u32) -> u32 {
    let drawn = stream.below(u64::from(nodes - 1)) as u32;
    drawn + u32::from(drawn >= node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_nodes_take_one_call() {
        assert_eq!((rounds_of_calls(1, 2, false), rounds_of_calls(1, 2, true), rounds_of_calls(1, 1, true)), (1, 1, 0));
    }

    #[test]
    fn a_pull_saves_the_last_rounds() {
        assert!(rounds_of_calls(3, 1_000, true) < rounds_of_calls(3, 1_000, false));
    }
}
