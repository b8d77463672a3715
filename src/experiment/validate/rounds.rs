//! How long calls in rounds take. No protocol here calls in rounds, so the forms are held to a draw of the calls
//! themselves.

use super::{Bench, Case, EarlyEnd};
use crate::analysis::Estimate;
use crate::random::{Key, Purpose, Stream};
use crate::theory::rounds;

const NODES: u32 = 10_000;
const REPLICATES: u32 = 64;

pub(super) fn cases<T: FnMut(&Case)>(bench: &mut Bench<'_, T>) -> Result<(), EarlyEnd> {
    // Both forms are asymptotic: at 10^4 nodes the first is a round or so short, the second hardly.
    for (name, pulls, form, error) in [
        ("push", false, rounds::push(NODES.into()), 1.1),
        ("push and pull", true, rounds::push_pull(NODES.into()), 0.5),
    ] {
        let taken = bench.each(bench.replicates(REPLICATES), |seed, _| Ok(f64::from(called(seed, NODES, pulls))))?;
        let case = format!("{name}, {NODES} nodes");
        bench.take(Case::new("Rounds of calls", case, (form, error), Estimate::mean(&taken)));
    }
    Ok(())
}

/// Rounds until all have the order, where everyone calls one other at random in each.
fn called(seed: u64, nodes: u32, pulls: bool) -> u32 {
    let mut has = vec![false; nodes as usize];
    if let Some(origin) = has.first_mut() {
        *origin = true;
    }
    let mut count = 1;
    let mut round = 0;
    while count < nodes {
        // Nodes are drawn for the round as they are for an order.
        let mut stream = Key::new(seed, Purpose::Targets).with(round.into()).stream();
        let before = has.clone();
        for node in 0..nodes {
            // Only a caller with the order pushes it, and without a pull nobody else need call.
            let called = other(&mut stream, node, nodes) as usize;
            let node = node as usize;
            let told = match (before[node], before[called]) {
                (true, false) => called,
                (false, true) if pulls => node,
                _ => continue,
            };
            count += u32::from(!std::mem::replace(&mut has[told], true));
        }
        round += 1;
    }
    round
}

/// A node other than this one.
fn other(stream: &mut Stream, node: u32, nodes: u32) -> u32 {
    let drawn = stream.below(u64::from(nodes - 1)) as u32;
    drawn + u32::from(drawn >= node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_nodes_take_one_call() {
        assert_eq!((called(1, 2, false), called(1, 2, true), called(1, 1, true)), (1, 1, 0));
    }

    #[test]
    fn a_pull_saves_the_last_rounds() {
        assert!(called(3, 1_000, true) < called(3, 1_000, false));
    }
}
