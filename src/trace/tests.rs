//! Rows come back as they were written, in one sequence, however they were spread over workers and sorted runs.

use super::writer::CHUNK_ROWS;
use super::*;
use crate::ids::{NodeId, OrderIndex};
use crate::message::Kind;
use crate::time::Nanos;
use proptest::prelude::*;

fn rows() -> impl Strategy<Value = TracedMessage> {
    let numbers = any::<[u32; 2]>();
    (0..40_u64, 0..40_u64, 0..4_u32, 0..4_u32, 0..3_u32, numbers, any::<[u8; 2]>(), 0..MessageFate::ALL.len()).prop_map(
        |(decided, sent, to, from, sequence, [order, bytes], [kind, hop], fate)| TracedMessage {
            decided: Nanos(decided),
            to: NodeId(to),
            from: NodeId(from),
            sequence,
            sent: Nanos(sent),
            order: OrderIndex(order),
            bytes,
            kind: Kind(kind),
            hop,
            fate: MessageFate::ALL[fate],
        },
    )
}

/// The rows that a spool reads back, where each was put by one of the workers.
fn read_back(rows: &[TracedMessage], workers: usize, losses_until: Nanos) -> Vec<TracedMessage> {
    let folder = tempfile::tempdir().unwrap();
    let spool = TraceSpool::new(folder.path());
    let mut writers: Vec<TraceWriter> = (0..workers).map(|_| spool.writer()).collect();
    for (place, &row) in rows.iter().enumerate() {
        writers[place % workers].put(row, false);
    }
    writers.into_iter().for_each(|writer| spool.collect(writer, losses_until));
    let log = spool.finish().unwrap();
    // Nothing has a name.
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    log.rows().unwrap().map(Result::unwrap).collect()
}

proptest! {
    #[test]
    fn a_row_comes_out_of_its_bytes(row in rows()) {
        prop_assert_eq!(TracedMessage::from_bytes(&row.to_bytes()), Some(row));
    }

    #[test]
    fn rows_come_back_in_sequence(rows in prop::collection::vec(rows(), 0..5 * CHUNK_ROWS), workers in 1..4_usize) {
        let mut sorted = rows.clone();
        sorted.sort_unstable();
        prop_assert_eq!(&read_back(&rows, workers, Nanos::MAX), &sorted);
        // Ascending rows make one sorted run of each worker, and losses after the end are left out.
        let end = Nanos(20);
        let counted = |row: &TracedMessage| !row.fate.is_loss() || row.decided <= end;
        let expected: Vec<_> = sorted.iter().copied().filter(counted).collect();
        prop_assert_eq!(read_back(&sorted, workers, end), expected);
    }

    /// Of tentative rows, those up to the end stay; messages that were sent by then and arrive later are under way.
    #[test]
    fn tentative_rows_are_cut_at_the_end(rows in prop::collection::vec(rows(), 0..3 * CHUNK_ROWS), end in 0..40_u64) {
        let folder = tempfile::tempdir().unwrap();
        let (spool, end) = (TraceSpool::new(folder.path()), Nanos(end));
        let mut writer = spool.writer();
        rows.iter().for_each(|&row| writer.put(row, true));
        prop_assert_eq!(writer.tentative_bytes(), (rows.len() * size_of::<TracedMessage>()) as u64);
        writer.settle(end, end);
        prop_assert_eq!(writer.tentative_bytes(), 0);
        spool.collect(writer, end);
        let log = spool.finish().unwrap();
        let read: Vec<TracedMessage> = log.rows().unwrap().map(Result::unwrap).collect();
        let settled = |row: &TracedMessage| match row.decided {
            decided if decided <= end => Some(*row),
            _ if row.fate.is_at_receiver() && row.sent <= end => {
                Some(TracedMessage { decided: end, fate: MessageFate::UnderWay, ..*row })
            }
            _ => None,
        };
        let mut expected: Vec<_> = rows.iter().filter_map(settled).collect();
        expected.sort_unstable();
        prop_assert_eq!(read, expected);
    }
}

#[test]
fn a_chunk_that_follows_the_last_one_continues_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let spool = TraceSpool::new(folder.path());
    let row = |decided| TracedMessage {
        decided: Nanos(decided),
        to: NodeId(0),
        from: NodeId(1),
        sequence: 0,
        sent: Nanos(0),
        order: OrderIndex(0),
        bytes: 60,
        kind: Kind::PAYLOAD,
        hop: 1,
        fate: MessageFate::Delivered,
    };
    let mut writer = spool.writer();
    (0..10 * CHUNK_ROWS as u64).for_each(|time| writer.put(row(time), false));
    spool.collect(writer, Nanos::MAX);
    let mut writer = spool.writer();
    (0..3 * CHUNK_ROWS as u64).rev().for_each(|time| writer.put(row(time), false));
    spool.collect(writer, Nanos::MAX);
    let log = spool.finish().unwrap();
    let runs: Vec<usize> = log.parts.iter().map(|part| part.runs.len()).collect();
    assert_eq!(runs, [1, 3]);
}

#[test]
fn a_row_that_cannot_be_written_fails_the_trace() {
    let spool = TraceSpool::new(std::path::Path::new("/dev/null/no-folder"));
    let writer = spool.writer();
    assert!(writer.has_failed());
    spool.collect(writer, Nanos::MAX);
    assert!(spool.finish().is_err());
    // A run that is made again begins without the failure of the one before.
    spool.collect(spool.writer(), Nanos::MAX);
    spool.restart(Nanos(5));
    assert_eq!(spool.finish().unwrap().written_time(Nanos(3)), -2);
}
