//! The copies of a flood: one over each direction of each link, but none back to where a node had its first copy from.

use super::bench::{RowBench, setup};
use super::figure::Tolerance;
use crate::experiment::seeded_runs::EarlyEnd;

/// Copies on a regular overlay, on a complete one, and on one whose number of links a run reports.
pub(super) fn copies(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    for (overlay, nodes, peers) in
        [("random-regular", 1_000, 20), ("random-regular", 10_000, 20), ("complete", 100, 99)]
    {
        let draft = setup(&format!(
            "protocol = 'flood'\nnodes = {nodes}\ntopology = '{overlay}'\nlatency = 'uniform:1ms..100ms'"
        ))?;
        let sent = bench.records(&draft, 5, |record| record.payload_messages() as f64)?;
        let expected = nodes * peers - (nodes - 1);
        bench.take(&format!("copies, {overlay}, N = {nodes}"), (f64::from(expected), Tolerance::Exact), &sent, None);
    }
    Ok(())
}
