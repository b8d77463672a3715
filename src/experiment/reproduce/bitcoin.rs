//! The relay of transactions that Erlay was compared with.

use super::bench::{RowBench, column, setup, tally};
use super::figure::Tolerance;
use crate::experiment::seeded_runs::EarlyEnd;
use crate::record::RunRecord;

/// Measures time and announcements of the legacy relay. There is no delay before a request to a peer that dialled the
/// node: it came later.
pub(super) fn legacy(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    let draft = setup(
        "protocol = 'lazy:bitcoin,nonpref-delay=0s'\nnodes = 20000\ntopology = 'dials:reachable=0.1'\npeers = 8\n\
         latency = 'uniform:5ms..100ms'\norders = 14\nrate = '7/s'\norigins = 'random'",
    )?;
    let runs = bench.records(&draft, 5, legacy_figures)?;
    bench.take("seconds to 95 %", (4.3, Tolerance::Percent(15.0)), &column(&runs, 0), None);
    bench.take("bytes beside one announcement", (227.0, Tolerance::Percent(10.0)), &column(&runs, 1), None);
    Ok(())
}

/// Returns the mean time to 95 % of the nodes, and the bytes of a node's announcements of an order beyond the first, of
/// 32 bytes each.
fn legacy_figures(record: &RunRecord) -> [f64; 2] {
    const IDENTIFIER: f64 = 32.0;
    let times = record.bulk.iter().flat_map(|bulk| &bulk.orders).filter_map(|order| order.time_to[1]);
    let seconds: Vec<f64> = times.map(|time| time.as_secs_f64()).collect();
    let announcements = tally(record, "orders announced") / (f64::from(record.nodes) * seconds.len() as f64);
    [seconds.iter().sum::<f64>() / seconds.len() as f64, (announcements - 1.0) * IDENTIFIER]
}
