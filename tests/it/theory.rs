//! Compares runs on real sockets with closed forms, over fixed seeds. The tolerance is four standard errors of the
//! measured mean plus the form's own error.

use crate::support::{mean_and_error, run, to_quiescence};
use bulk_order_propagation::scenario::Draft;
use bulk_order_propagation::theory::coverage::RandomGraph;
use bulk_order_propagation::theory::hops::coverage_by_hop;
use bulk_order_propagation::theory::redundancy::push_on_graph;

#[track_caller]
fn assert_agrees(what: &str, measured: &[f64], form: f64, form_error: f64) {
    let (mean, error) = mean_and_error(measured);
    let allowed = 4.0 * error + form_error;
    assert!((mean - form).abs() <= allowed, "{what}: measured {mean:.5}, form {form:.5}, allowed {allowed:.5}");
}

/// The forms are for large networks; at this size their error is about a node.
const NODES: u32 = 2_000;

#[test]
fn final_coverage_and_redundancy_are_those_of_a_random_graph() {
    for fanout in [2, 3, 8] {
        let form = RandomGraph::new(20.0, f64::from(fanout));
        let records: Vec<_> =
            (0..12).map(|seed| run(Draft { fanout: Some(fanout), ..to_quiescence(NODES, 2, seed) })).collect();
        let coverage: Vec<f64> = records.iter().map(|record| record.reached() as f64 / f64::from(NODES)).collect();
        assert_agrees(&format!("coverage, fanout {fanout}"), &coverage, form.final_coverage(), 1.5 / f64::from(NODES));
        let redundancy: Vec<f64> =
            records.iter().map(|record| record.ledger.sent as f64 / (record.reached() - 1) as f64 - 1.0).collect();
        let allowed = if fanout == 8 { 0.02 } else { 0.02 + 0.005 * f64::from(fanout) };
        assert_agrees(&format!("RMR, fanout {fanout}"), &redundancy, push_on_graph(f64::from(fanout), 20.0), allowed);
    }
}

#[test]
fn coverage_by_hop_agrees_with_the_forms_for_equal_hops() {
    assert_coverage_by_hop("complete", coverage_by_hop(1_000, 8.0));
    assert_coverage_by_hop("erdos-renyi", RandomGraph::new(20.0, 8.0).coverage_by_hop(1_000).skip(1));
}

/// Compares coverage by hop. One worker handles messages first in, first out, so hops take equal time.
fn assert_coverage_by_hop(family: &str, form: impl Iterator<Item = f64>) {
    let by_hop: Vec<Vec<f64>> = (0..24)
        .map(|seed| {
            let record = run(Draft { topology: family.parse().ok(), ..to_quiescence(1_000, 1, seed) });
            let within = |hop: u8| record.receipts.iter().filter(|receipt| receipt.hop <= hop).count();
            (1..=6).map(|hop| within(hop) as f64 / 1_000.0).collect()
        })
        .collect();
    for (hop, form) in form.take(6).enumerate() {
        let measured: Vec<f64> = by_hop.iter().map(|run| run[hop]).collect();
        assert_agrees(&format!("{family}, coverage within {} hops", hop + 1), &measured, form, 0.005);
    }
}
