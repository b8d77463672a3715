//! Runs scenarios for the other modules.

use bulk_order_propagation::record::RunRecord;
use bulk_order_propagation::scenario::{Choice, Draft, Scenario, TransportKind, Ttl, Until};
use bulk_order_propagation::simulation;
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::time::Nanos;

/// A scenario without a TTL limit that runs to quiescence, on `threads` threads.
pub(crate) fn to_quiescence(nodes: u32, threads: u32, seed: u64) -> Draft {
    Draft {
        nodes: Some(nodes),
        threads: Some(threads),
        seed: Some(seed),
        ttl: Some(Ttl::Hops(255)),
        until: Some(Until::Quiescent),
        // Only a run that hangs needs it.
        timeout: Some(Nanos::from_secs(600)),
        ..Draft::default()
    }
}

/// Every carrier that this system has, virtual time included.
pub(crate) fn carriers() -> impl Iterator<Item = TransportKind> + Clone {
    TransportKind::ALL.iter().copied().filter(|transport| transport.is_available())
}

/// Every carrier on a real clock.
pub(crate) fn real_carriers() -> impl Iterator<Item = TransportKind> + Clone {
    carriers().filter(|transport| !transport.is_virtual())
}

/// Every carrier that can join processes.
#[cfg(all(target_os = "linux", not(portable)))]
pub(crate) fn carriers_across_processes() -> impl Iterator<Item = TransportKind> + Clone {
    carriers().filter(|transport| transport.traits().crosses_processes)
}

/// The scenario of a draft.
pub(crate) fn scenario(draft: Draft) -> Scenario {
    draft.build().unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a draft's scenario once, and asserts that its ledger balances.
pub(crate) fn run(draft: Draft) -> RunRecord {
    let scenario = scenario(draft);
    let record = simulation::run(&scenario, &Interrupt::new()).unwrap_or_else(|error| panic!("{error}"));
    assert!(record.ledger.is_balanced(), "{:?}", record.ledger);
    assert_eq!(record.ledger.unaccounted(), 0);
    record
}

/// True for each node that was reached.
pub(crate) fn covered(record: &RunRecord) -> Vec<bool> {
    record.receipts.iter().map(|receipt| receipt.is_reached()).collect()
}

/// Messages that each node sent.
pub(crate) fn sent(record: &RunRecord) -> Vec<u64> {
    record.traffic.iter().map(|traffic| traffic.sent).collect()
}

/// The mean of some figures and the standard error of that mean.
pub(crate) fn mean_and_error(figures: &[f64]) -> (f64, f64) {
    let count = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / count;
    let variance = figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

/// The sentences of a record's notices.
pub(crate) fn sentences(record: &RunRecord) -> Vec<String> {
    record.notices.iter().map(ToString::to_string).collect()
}
