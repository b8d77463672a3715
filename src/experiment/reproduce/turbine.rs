//! What agave's tests and the arithmetic of its sets say of turbine.

use super::bench::{RowBench, column, setup};
use super::figure::Tolerance;
use crate::experiment::seeded_runs::EarlyEnd;
use crate::protocol::AGAVE_TREES;
use crate::record::RunRecord;

/// Counts the nodes of agave's listed trees that send to the same nodes here.
pub(super) fn trees(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    for tree in &AGAVE_TREES {
        let metric = format!("nodes with the listed children, fanout {}", tree.fanout);
        let all = tree.nodes.len() as f64;
        bench.take(&metric, (all, Tolerance::Exact), &[tree.matching() as f64], None);
    }
    Ok(())
}

/// Measures hops, messages and uploads of the largest network of three layers.
pub(super) fn layers(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    const NODES: u32 = 40_201;
    const FANOUT: f64 = 200.0;
    // One data shred, which agave's table gives 17 coding shreds.
    const SHREDS: f64 = 18.0;
    let draft =
        setup(&format!("protocol = 'turbine'\nnodes = {NODES}\nlatency = 'uniform:5ms..50ms'\npayload-bytes = 100"))?;
    let runs = bench.records(&draft, 2, |record| {
        let hops = record.receipts.iter().map(|receipt| receipt.hop).max().unwrap_or(0);
        let uploads = record.traffic.iter().skip(1).map(|traffic| traffic.bytes_out).max().unwrap_or(0);
        let origin = record.traffic.first().map_or(0, |traffic| traffic.bytes_out) as f64;
        [f64::from(hops), record.parts().sent as f64 / SHREDS, origin, uploads as f64 * SHREDS / origin]
    })?;
    let origin = f64::from(crate::wire::part_bytes(964)) * SHREDS;
    bench.take("hops from the origin, the root's included", (3.0, Tolerance::Exact), &column(&runs, 0), None);
    bench.take("messages a shred", (f64::from(NODES - 1), Tolerance::Exact), &column(&runs, 1), None);
    bench.take("bytes that the origin uploads, each shred once", (origin, Tolerance::Exact), &column(&runs, 2), None);
    let of_all = (FANOUT * SHREDS + 1.0, Tolerance::Below);
    bench.take("most shreds that a node uploads", of_all, &column(&runs, 3), None);
    Ok(())
}

/// Measures the share of nodes without an order of 32 data and 32 coding shreds, each of which a node loses with chance
/// p on its way.
pub(super) fn losses(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    const NODES: u32 = 201;
    const ORDERS: u32 = 200;
    const RUNS: u32 = 20;
    for (lost, published) in [(0.30, 2.5e-4), (0.35, 0.0048), (0.40, 0.040), (0.45, 0.176)] {
        let draft = setup(&format!(
            "protocol = 'turbine'\nnodes = {NODES}\nlatency = '5ms'\npayload-bytes = 30000\norders = {ORDERS}\n\
             rate = '10/s'\nloss = {:.12}",
            loss_of_a_message(lost, f64::from(NODES - 1))
        ))?;
        let missed = bench.records(&draft, RUNS, |record| missed(record, ORDERS))?;
        // The normal interval of 99 % of as many independent orders, because nodes share the fate of an order's roots.
        let width = 2.576 * libm::sqrt(published * (1.0 - published) / f64::from(ORDERS * RUNS));
        let metric = format!("share without the order, p = {lost:.2}");
        bench.take(&metric, (published, Tolerance::PlusMinus(significant(width))), &missed, None);
    }
    Ok(())
}

/// Returns the chance of losing a message at which a node loses a shred with chance `lost`: in one case of `others` it
/// is the root, one message away from the origin, and else two messages away.
fn loss_of_a_message(lost: f64, others: f64) -> f64 {
    let root = 1.0 / others;
    // 1 - lost = a / n + a^2 (1 - 1 / n), for the chance a that a message arrives.
    let (square, arrives) = (1.0 - root, 1.0 - lost);
    1.0 - (libm::sqrt(root * root + 4.0 * square * arrives) - root) / (2.0 * square)
}

/// Returns the share of nodes and orders that were not reached, origins left out.
fn missed(record: &RunRecord, orders: u32) -> f64 {
    let due = f64::from(record.nodes - 1) * f64::from(orders);
    (f64::from(record.nodes) * f64::from(orders) - record.reached() as f64) / due
}

/// Rounds to two significant digits.
fn significant(value: f64) -> f64 {
    let scale = libm::pow(10.0, 1.0 - libm::floor(libm::log10(value)));
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_loses_as_much_as_asked() {
        for lost in [0.0, 0.3, 0.45, 0.9] {
            let arrives = 1.0 - loss_of_a_message(lost, 200.0);
            assert!((arrives / 200.0 + arrives * arrives * 199.0 / 200.0 - (1.0 - lost)).abs() < 1e-12, "{lost}");
        }
        assert_eq!([significant(0.001_234), significant(0.155)], [0.0012, 0.16]);
    }
}
