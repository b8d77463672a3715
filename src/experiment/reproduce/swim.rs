//! What memberlist and Serf say of their gossip.

use super::bench::{RowBench, setup};
use super::figure::Tolerance;
use crate::experiment::seeded_runs::EarlyEnd;
use crate::ratio::Ratio;
use crate::record::RunRecord;

/// Counts how often a node that has an order tells it.
pub(super) fn transmissions(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    for (nodes, transmissions, replicates) in
        [(30, 8, 5), (100, 12, 5), (1_000, 16, 5), (10_000, 20, 2), (100_000, 24, 1)]
    {
        // Without probes and exchanges every message is a copy of the order.
        let draft = setup(&format!(
            "nodes = {nodes}\nlatency = '5ms'\n\
             protocol = 'swim,gossip-interval=20ms,probe-interval=0,push-pull-interval=0'"
        ))?;
        let runs = bench.records(&draft, replicates, extremes_of_told)?;
        let metric = format!("transmissions, N = {nodes}");
        bench.take(&metric, (f64::from(transmissions), Tolerance::Exact), &runs.concat(), None);
    }
    Ok(())
}

/// Returns the least and the greatest number of messages that a node sent, among those that the order reached.
fn extremes_of_told(record: &RunRecord) -> [f64; 2] {
    let reached = record.receipts.iter().zip(&record.traffic).filter(|(receipt, _)| receipt.is_reached());
    let told = reached.map(|(_, traffic)| traffic.sent as f64);
    told.fold([f64::INFINITY, f64::NEG_INFINITY], |[least, most], sent| [least.min(sent), most.max(sent)])
}

/// Rounds to 99.99 % of the nodes: those of the curve that Serf's documentation draws, and those of the gossip itself.
pub(super) fn convergence(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    let share = Ratio::new(9_999, 10_000).expect("a share");
    for (nodes, rounds, replicates) in [(30, 9, 20), (1_000, 11, 20), (10_000, 13, 8)] {
        let published = f64::from(rounds);
        let curve = rounds_of_curve(f64::from(nodes));
        bench.take(&format!("rounds of the curve, N = {nodes}"), (published, Tolerance::Exact), &[curve], None);
        let draft = setup(&format!(
            "nodes = {nodes}\nlatency = '1ms'\nprotocol = 'swim,probe-interval=0,push-pull-interval=0'"
        ))?;
        let taken = bench.records(&draft, replicates, |record| {
            record.time_to(share).map_or(f64::NAN, |time| time.as_secs_f64() / 0.2)
        })?;
        let reason = "the curve halves the fanout, so that gossip is faster than it";
        let within = (published, Tolerance::PlusMinus(2.0));
        bench.take(&format!("rounds of the gossip, N = {nodes}"), within, &taken, Some(reason));
    }
    Ok(())
}

/// Returns the first round after which x(t) = N / (1 + (N + 1) e^(-contact N t)) is at 99.99 %, where contact is
/// fanout / N, halved: the form of Serf's simulator without losses and failures.
fn rounds_of_curve(nodes: f64) -> f64 {
    const FANOUT: f64 = 3.0;
    let share = |round: f64| 1.0 / (1.0 + (nodes + 1.0) * libm::exp(-FANOUT / 2.0 * round));
    let mut round = 0.0;
    while share(round) < 0.9999 {
        round += 1.0;
    }
    round
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_curve_of_serf_takes_9_11_and_13_rounds() {
        assert_eq!([30.0, 1_000.0, 10_000.0].map(super::rounds_of_curve), [9.0, 11.0, 13.0]);
    }
}
