//! A trace sums to the ledger, line by line, and has the same rows on any number of threads, in windows or one event
//! after another.

use super::*;
use crate::engine::shard_outcome::RunTotals;
use crate::ids::OrderIndex;
use crate::message::Kind;
use crate::record::{ModelCounts, Traffic, WorkerRecord};
use crate::trace::{MessageFate, TraceSpool, TracedMessage};
use std::collections::BTreeSet;

/// A traced run and its rows.
fn traced<P: Protocol>(
    case: &Case,
    threads: usize,
    protocol: &P,
    is_windowed: bool,
) -> (EngineOutcome, Vec<TracedMessage>) {
    let folder = tempfile::tempdir().unwrap();
    let spool = TraceSpool::new(folder.path());
    let ended = case.with(threads, |setup| {
        let setup = &EngineSetup { trace: Some(&spool), ..*setup };
        match is_windowed {
            true => windowed::run_traced(setup, protocol, &LocalExchange::new(threads)).unwrap(),
            false => event_by_event::run_traced(setup, protocol),
        }
    });
    let rows = spool.finish().unwrap().rows().unwrap().map(Result::unwrap).collect();
    (case.outcome(ended), rows)
}

/// Checks every figure of an outcome that rows add up to.
fn check_sums(outcome: &EngineOutcome, rows: &[TracedMessage]) -> Result<(), TestCaseError> {
    let count = |of: &dyn Fn(&TracedMessage) -> bool| rows.iter().filter(|row| of(row)).count() as u64;
    let of_fate = |fate: MessageFate| count(&|row| row.fate == fate);
    let is_received = |row: &TracedMessage| {
        matches!(row.fate, MessageFate::Delivered | MessageFate::Duplicate | MessageFate::Expired)
    };
    // The second copy of a message has its number.
    let left = || rows.iter().filter(|row| row.fate != MessageFate::UplinkDropped);
    let sent: BTreeSet<_> = left().map(|row| (row.from, row.sequence, row.kind, row.order, row.bytes)).collect();
    let RunTotals { record, by_order, .. } = &outcome.totals;
    let WorkerRecord { model, .. } = record;
    let &ModelCounts { lost, dropped, uplink_dropped, duplicated, .. } = model;
    prop_assert_eq!(sent.len() as u64, record.sent);
    prop_assert_eq!(left().count() as u64, record.sent + duplicated);
    prop_assert_eq!(count(&is_received), record.received);
    prop_assert_eq!(count(&|row| is_received(row) && row.kind.is_control()), record.control_received);
    prop_assert_eq!(sent.iter().filter(|sent| sent.2.is_control()).count() as u64, record.control_sent);
    prop_assert_eq!(count(&|row| row.fate == MessageFate::Delivered && !row.kind.is_control()), firsts(outcome));
    prop_assert_eq!(
        (of_fate(MessageFate::Duplicate), of_fate(MessageFate::Expired)),
        (record.duplicates, record.expired)
    );
    let missed = of_fate(MessageFate::Lost) + of_fate(MessageFate::Cut) + of_fate(MessageFate::Down);
    prop_assert_eq!((missed, of_fate(MessageFate::Dropped)), (lost, dropped));
    prop_assert_eq!(of_fate(MessageFate::UplinkDropped), uplink_dropped);
    prop_assert_eq!(of_fate(MessageFate::UnderWay), record.carrier.drained);
    for (order, traffic) in (0..).map(OrderIndex).zip(by_order) {
        let payload = |row: &TracedMessage| row.order == order && row.kind == Kind::PAYLOAD;
        prop_assert_eq!(
            sent.iter().filter(|sent| sent.2 == Kind::PAYLOAD && sent.3 == order).count() as u64,
            traffic.sent
        );
        prop_assert_eq!(count(&|row| payload(row) && is_received(row)), traffic.received);
        prop_assert_eq!(count(&|row| payload(row) && row.fate == MessageFate::UnderWay), traffic.under_way);
        prop_assert_eq!(count(&|row| payload(row) && row.fate == MessageFate::Dropped), traffic.dropped);
        prop_assert_eq!(count(&|row| payload(row) && row.fate == MessageFate::Expired), traffic.expired);
    }
    for (node, traffic) in (0..).map(NodeId).zip(&outcome.traffic) {
        let &Traffic { copies, sent: messages, bytes_in, bytes_out, .. } = traffic;
        let received = || rows.iter().filter(|row| row.to == node && is_received(row));
        prop_assert_eq!(received().filter(|row| !row.kind.is_control()).count() as u64, copies);
        prop_assert_eq!(received().map(|row| u64::from(row.bytes)).sum::<u64>(), bytes_in);
        let own = || sent.range((node, 0, Kind(0), OrderIndex(0), 0)..).take_while(|sent| sent.0 == node);
        prop_assert_eq!(own().filter(|sent| !sent.2.is_control()).count() as u64, messages);
        prop_assert_eq!(own().map(|sent| u64::from(sent.4)).sum::<u64>(), bytes_out);
    }
    check_times(outcome, rows)
}

/// The number of nodes that got an order from another, over all orders.
fn firsts(outcome: &EngineOutcome) -> u64 {
    outcome.receipts.iter().filter(|receipt| receipt.is_reached() && receipt.hop > 0).count() as u64
}

fn check_times(outcome: &EngineOutcome, rows: &[TracedMessage]) -> Result<(), TestCaseError> {
    prop_assert!(rows.is_sorted());
    for row in rows {
        prop_assert!(row.sent <= row.decided && row.decided <= outcome.ended_at, "{row:?}");
        match row.fate {
            MessageFate::Lost | MessageFate::Cut | MessageFate::UplinkDropped => prop_assert_eq!(row.sent, row.decided),
            MessageFate::UnderWay => prop_assert_eq!(row.decided, outcome.ended_at),
            _ => {}
        }
    }
    Ok(())
}

/// Checks the trace of a case under a protocol.
fn check<P: Protocol>(case: &Case, protocol: &P) -> Result<(), TestCaseError> {
    let (outcome, rows) = traced(case, 1, protocol, true);
    prop_assert_eq!(&outcome, &case.general_of(1, protocol));
    check_sums(&outcome, &rows)?;
    for threads in [2, 3, 5] {
        prop_assert_eq!(
            &traced(case, threads, protocol, true),
            &(outcome.clone(), rows.clone()),
            "{} threads",
            threads
        );
    }
    prop_assert_eq!(&traced(case, 1, protocol, false), &(outcome, rows));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_trace_sums_to_the_ledger(
        plain in cases(), faults in faults(), bandwidth in prop::option::of(bandwidths()), adversary in adversaries(),
        percent in 0..60u64, processing in 0..40u64, interval in intervals(), protocol in 0..3,
    ) {
        let duplicate = share(percent);
        let case = Case { faults, bandwidth, adversary, duplicate, processing: Nanos(processing), ..plain };
        match protocol {
            0 => check(&case, &Push)?,
            1 => check(&case, &Flood)?,
            _ => check(&case, &Lazy::waiting(Nanos(300_000_000), interval))?,
        }
    }

    /// Without anything else that can happen to a message forwards would be drawn together.
    #[test]
    fn a_plain_run_is_traced_too(case in cases()) {
        check(&case, &Push)?;
    }
}

/// Every fate occurs, and each in its own place.
#[test]
fn every_fate_occurs() {
    let mut seen = BTreeSet::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = (cases(), faults(), bandwidths(), 5..60u64);
    for _ in 0..400 {
        let (plain, faults, bandwidth, percent) = strategy.new_tree(&mut runner).unwrap().current();
        let case = Case { faults, bandwidth: Some(bandwidth), duplicate: share(percent), fanout: 6, ..plain };
        seen.extend(traced(&case, 2, &Push, true).1.iter().map(|row| row.fate));
    }
    let of_engines = MessageFate::ALL.into_iter().filter(|fate| !fate.is_of_sends());
    assert!(seen.iter().copied().eq(of_engines), "{seen:?}");
}
