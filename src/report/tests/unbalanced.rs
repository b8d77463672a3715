//! Records whose counts contradict each other are reported in every form, and never panic.

use super::*;
use crate::analysis::fixtures::record_of_everything;
use crate::record::{GroupDelays, GroupKind, GroupRecord, Ledger, UpkeepCounts};
use crate::report::write_runs_csv;
use serde_json::Value;

/// Asserts that each form of a record's report says that the ledger does not balance.
#[track_caller]
fn assert_told(record: &RunRecord, report: &Report) {
    assert!(!report.balanced(), "{:?}", record.ledger);
    let verdict = report.run.ledger.verdict_text();
    assert!(verdict.starts_with("NOT BALANCED: "), "{verdict}");
    let (brief, full) = (report.brief(200), report.to_string());
    for text in [&brief, &full] {
        assert!(text.contains(&verdict) && text.contains("Notice: The ledger does not balance"), "{text}");
    }
    let json: Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert_eq!(json["ledger"]["balanced"], false);
    assert!(json["ledger"]["verdict"].as_str().unwrap().starts_with("NOT BALANCED: "), "{json}");
    assert!(json["notice_codes"].as_array().unwrap().contains(&"ledger-unbalanced".into()), "{json}");
    let mut bytes = Vec::new();
    write_runs_csv(&report.runs.each, &mut bytes).unwrap();
    let csv = String::from_utf8(bytes).unwrap();
    let [header, row] = csv.lines().collect::<Vec<_>>()[..] else { panic!("one row\n{csv}") };
    let balanced = header.split(',').position(|column| column == "ledger.balanced").unwrap();
    assert_eq!(row.split(',').nth(balanced), Some("false"), "{csv}");
    let page = report.to_markdown();
    assert!(page.contains("THE LEDGER DOES NOT BALANCE") && page.contains("| ledger | NOT BALANCED: "), "{page}");
}

/// A record, changed, with the ledger that its workers add up to.
fn broken(change: impl FnOnce(&mut RunRecord)) -> RunRecord {
    let mut record = record_of_everything();
    change(&mut record);
    record.ledger = Ledger::of(&record.workers, record.end);
    record
}

#[test]
fn counts_that_contradict_each_other_are_reported() {
    let records = [
        // More was published than anybody had.
        broken(|record| record.workers[0].published = u64::from(u32::MAX)),
        // More control messages than messages, and more upkeep than both.
        broken(|record| {
            record.workers[0].control_sent = 1 << 40;
            record.workers[0].upkeep = UpkeepCounts { sent: 1 << 50, bytes: 1 << 50, ..UpkeepCounts::default() };
            record.workers[0].received += 1;
        }),
        // More first copies than copies.
        broken(|record| {
            record.traffic.iter_mut().for_each(|node| *node = Traffic { copies: 0, firsts: 9, ..*node });
            record.workers[0].received += 1;
        }),
        // A group in which more nodes have the order than are in it.
        broken(|record| {
            record.groups = vec![GroupRecord {
                kind: GroupKind::Region,
                name: "nowhere".to_owned(),
                nodes: 1,
                counted: 1,
                delays: GroupDelays::Each(vec![1, 2, 3]),
                duplicates: None,
                bytes_in: None,
                bytes_out: None,
            }];
            record.workers[0].received += 1;
        }),
        // Coverage counts none of the nodes that have the order.
        broken(|record| {
            record.counted = Some(vec![false; record.nodes as usize]);
            record.workers[0].received += 1;
        }),
    ];
    for record in records {
        assert_told(&record, &report(std::slice::from_ref(&record)));
    }
}

#[test]
fn an_order_that_more_nodes_have_than_are_counted_is_reported() {
    let mut record = bulk_record();
    for order in &mut record.bulk.as_mut().unwrap().orders {
        order.counted = 1;
    }
    record.workers[0].received += 1;
    record.ledger = Ledger::of(&record.workers, record.end);
    assert_told(&record, &report_of_bulk(&record));
}
