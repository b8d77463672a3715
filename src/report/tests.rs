//! The text of whole reports: a common run in full, unusual ones in the lines that matter.

mod unbalanced;

use super::fixtures::{
    bulk_record, receipt, record, report, report_of_bulk, scenario, setting, thousand_nodes, thousand_nodes_record,
    traffic,
};
use super::*;
use crate::record::{MachineTimes, OrderOutcome, ProcessRecord, Receipt, Receipts, Traffic};
use crate::time::Nanos;
use proptest::prelude::*;

/// Returns the lines of a text that a terminal of 100 columns would break, except the replay command, which is to be
/// copied.
fn overlong(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.chars().count() > 100 && !line.starts_with("  bulkprop")).collect()
}

/// Makes a run of this many nodes in which only the origin has the order, and which ended in this way after a second.
fn origin_only(nodes: usize, end: End) -> RunRecord {
    let mut receipts = vec![Receipt::NONE; nodes];
    receipts[0] = receipt(0, 0, 0);
    let mut record = record(receipts, vec![Traffic::default(); nodes], vec![0], end);
    record.elapsed = Nanos::from_secs(1);
    record
}

#[track_caller]
fn assert_says(report: &Report, sentences: &[&str]) {
    let text = report.to_string();
    for sentence in sentences {
        assert!(text.contains(sentence), "`{sentence}` is not in\n{text}");
    }
    assert_eq!(overlong(&text), Vec::<&str>::new());
}

#[test]
fn a_name_heads_every_form() {
    let plain = Report::new(&scenario(1_000), setting(), &thousand_nodes_record(), Vec::new(), None);
    let mut values = (*scenario(1_000)).clone();
    values.run.name = Some("fanout 8".to_owned());
    let scenario = Scenario::unchecked(values);
    let named = Report::new(&scenario, setting(), &thousand_nodes_record(), Vec::new(), None);
    assert_eq!(named.to_string(), plain.to_string().replacen("Bulk Order", "fanout 8: Bulk Order", 1));
    assert_eq!(named.brief(100), plain.brief(100).replacen("Bulk Order", "fanout 8: Bulk Order", 1));
    assert_eq!(named.headline(), format!("fanout 8: {}", plain.headline()));
    assert!(named.to_markdown().starts_with("### fanout 8: "));
    let options = serde_json::to_value(&scenario).unwrap();
    assert_eq!((options["name"].as_str(), plain.options.get("name")), (Some("fanout 8"), None));
}

#[test]
fn the_whole_text() {
    assert_eq!(thousand_nodes().to_string(), include_str!("tests/thousand_nodes.txt"));
}

#[test]
fn one_node_has_reached_everyone() {
    let report = report(&[origin_only(1, End::Target)]);
    assert!(report.goal_met() && report.balanced());
    assert_eq!((report.run.rmr, report.run.ldh, report.run.time_resolution_ns), (None, Some(0), None));
    assert_says(
        &report,
        &[
            "Total nodes reached: 1/1 (100.00%)\nTime to 95% coverage: 0.000 μs",
            "Latency Distribution:\n  0.000 μs: 1 node\n",
            "  RMR                                -",
        ],
    );
}

#[test]
fn nobody_reached_has_no_figures() {
    let nobody = record(vec![Receipt::NONE; 4], vec![Traffic::default(); 4], vec![0], End::Interrupted);
    let report = report(&[RunRecord { elapsed: Nanos::ZERO, machine: MachineTimes::default(), ..nobody }]);
    assert!(!report.goal_met() && report.interrupted());
    let run = &report.run;
    assert_eq!((run.delay_ns, run.ldh, run.rmr, run.machine.messages_per_second), (None, None, None, None));
    assert_says(
        &report,
        &[
            "=== RESULTS (Captured at Interrupt, 0.00% Coverage) ===",
            "  no node was reached\n",
            "Simulation interrupted",
        ],
    );
}

#[test]
fn a_missed_target_is_never_claimed() {
    for (end, captured, stopped) in [
        (End::Quiescent, "Quiescence", "Gossip propagation came to rest at 12.50% coverage, after 1.000 s"),
        (End::Timeout, "Time Limit", "Time limit stopped gossip propagation at 12.50% coverage, after 1.000 s"),
        (End::Interrupted, "Interrupt", "Interrupt stopped gossip propagation at 12.50% coverage, after 1.000 s"),
    ] {
        let report = report(&[origin_only(8, end)]);
        assert!(!report.goal_met());
        let headline = format!("=== RESULTS (Captured at {captured}, 12.50% Coverage) ===");
        let missed = "95% coverage (8/8) not reached; 1 node got the order";
        assert_says(&report, &[missed, stopped, &headline, "Time to 95% coverage: not reached"]);
    }
}

#[test]
fn a_target_reached_before_rest_is_met() {
    let report = report(&[RunRecord { end: End::Quiescent, at_rest: true, ..thousand_nodes_record() }]);
    assert!(report.goal_met());
    assert_eq!((report.run.at_stop.time_ns, report.run.at_stop.reached), (1_012_345, 984));
    assert_says(
        &report,
        &[
            "95% coverage (950/1,000) reached at 751 μs",
            "=== RESULTS (Captured at Quiescence, 98.40% Coverage) ===\nTotal nodes reached: 984/1,000 (98.40%)\n",
        ],
    );
}

#[test]
fn notices_come_first_and_once_and_an_unbalanced_ledger_before_them() {
    let mut broken = thousand_nodes_record();
    broken.notices = vec![Notice::LossUnmet { loss: "10%".to_owned(), sent: 1_000 }; 2];
    broken.ledger.in_flight_at_stop -= 2;
    let report = report(&[broken]);
    assert!(!report.balanced());
    let text = report.to_string();
    assert!(text.starts_with(
        "Notice: The ledger does not balance; its figures below say where.\n\
         Notice: --loss 10% lost none of 1,000 messages.\n\nBulk Order"
    ));
    let verdict = "  NOT BALANCED: 2 messages lost, 0 drops counted by the kernel, 2 unaccounted for.\n";
    assert!(text.contains(verdict), "{text}");
    assert_eq!(report.headline(), "95% coverage (950/1,000) reached at 751 μs. THE LEDGER DOES NOT BALANCE");
}

#[test]
fn times_resolve_to_the_median_gap_of_a_worker() {
    let times = [0, 100, 100, 900, 50, 70, 110];
    let receipts: Vec<Receipt> = times.map(|time| receipt(time, 0, u8::from(time > 0))).into();
    let traffic = receipts.iter().map(|receipt| traffic(u32::from(receipt.hop), 1)).collect();
    let two = record(receipts, traffic, vec![0, 4], End::Target);
    assert_eq!(report(&[two]).run.time_resolution_ns, Some(40), "of the gaps 100 and 800, 20 and 40");
}

#[test]
fn long_paths_share_rows() {
    let receipts = (0..=255).map(|hop| receipt(u64::from(hop), 0, hop)).collect();
    let chain = record(receipts, vec![traffic(1, 1); 256], vec![0], End::Target);
    let text = report(&[chain]).to_string();
    assert!(text.contains("   0-15: 16 nodes    6.25%  ") && text.contains("240-255: 16 nodes  100.00%  "), "{text}");
}

#[test]
fn many_runs_are_told_beside_the_first() {
    let sped = |quotient: u64| {
        let mut record = thousand_nodes_record();
        let sooner = |receipt: Receipt| match receipt.is_reached() {
            true => Receipt { time: Nanos(receipt.time.0 / quotient), ..receipt },
            false => receipt,
        };
        record.receipts = Receipts::Each(record.receipts.iter().map(sooner).collect());
        record
    };
    let mut records = vec![sped(1), sped(4), sped(2), sped(3), sped(1)];
    let five = report(&records);
    assert!(five.goal_met());
    assert_eq!(five.run.time_to_target_ns, Some(751_378), "the first");
    assert_eq!((five.runs.asked, five.runs.count, five.runs.seeds()), (5, 5, [42, 46]));
    let headline = "95% coverage (950/1,000) reached at 751 μs. Goal met in 5 of 5 runs, median 376 μs";
    assert_eq!(five.headline(), headline);
    assert_says(
        &five,
        &[
            "Runs (5, seeds 42 to 46):\n  goal met in  5 of 5, 100.0% (95% interval 56.6% to 100.0%)\n",
            "  time to 95%           5      376      188      751      463                126 to 800\n",
            "  coverage              5  0.98400  0.98400  0.98400  0.98400        0.98400 to 0.98400\n",
        ],
    );

    records.push(origin_only(1_000, End::Timeout));
    records[1].ledger.strays.add(crate::wire::Stray::Oversized);
    records[2].ledger.in_flight_at_stop -= 2;
    records[3].notices = vec![Notice::LossUnmet { loss: "10%".to_owned(), sent: 125 }];
    records[4].notices = vec![Notice::LossUnmet { loss: "10%".to_owned(), sent: 3 }];
    let six = report(&records);
    assert!(!six.goal_met() && !six.balanced());
    // Four in each run but the last, and one more in one run.
    assert_eq!((six.runs.strays, six.runs.unbalanced, six.runs.lost), (21, 1, 2));
    assert_eq!((six.runs.goal_met.runs, six.runs.each.len()), (5, 6));
    assert_says(
        &six,
        &[
            "Notice: The ledger of 1 of 6 runs does not balance.\n\
             Notice: --loss 10% lost none of 125 messages. (2 of 6 runs.)\n",
            "  goal met in  5 of 6, 83.3% (95% interval 43.6% to 97.0%)\n",
            "  time to 95%           5      376      188        -  ",
        ],
    );
}

#[test]
fn a_series_that_ended_early_says_so() {
    let row = |run, record| Row::new(run, 42 + u64::from(run), record);
    let of = |first: &RunRecord, others, failure| {
        let mut values = (*scenario(1_000)).clone();
        values.run.runs = 9;
        let nine = Scenario::unchecked(values);
        Report::new(&nine, setting(), first, others, failure)
    };
    let whole = thousand_nodes_record();
    let failed = of(&whole, vec![row(1, &whole)], Some("run 2 (seed 44): no room".to_owned()));
    assert!(!failed.interrupted() && failed.runs.count == 2);
    assert_says(&failed, &["Notice: The series ended early, with 2 of 9 runs: run 2 (seed 44): no room.\n"]);
    let stopped = of(&whole, vec![row(1, &whole)], None);
    assert!(stopped.interrupted());
    assert_says(&stopped, &["Notice: The series was interrupted: 2 of 9 runs were measured.\n"]);
    // The interrupted run is shown as far as it came, and only the others count in the statistics.
    let cut = of(&origin_only(1_000, End::Interrupted), vec![row(1, &whole)], None);
    assert_eq!((cut.runs.goal_met.runs, cut.runs.goal_met.share, cut.goal_met()), (1, 1.0, false));
}

#[test]
fn figures_by_node_that_were_not_kept_are_missing_and_not_0() {
    let RunRecord { traffic, .. } = thousand_nodes_record();
    let sent: u64 = traffic.iter().map(|node| node.bytes_out).sum();
    let left_out = report(&[RunRecord { traffic: Vec::new(), degrees: Vec::new(), ..thousand_nodes_record() }]);
    let json: serde_json::Value = serde_json::from_str(&left_out.to_json().unwrap()).unwrap();
    assert_eq!(
        (&json["duplicates_per_node"], &json["bytes_per_node"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    assert_eq!(json["bytes"], sent);
    let text = left_out.to_string();
    for row in ["duplicates", "bytes in", "bytes out"] {
        let line =
            text.split("Per Node:").nth(1).unwrap().lines().find(|line| line.trim_start().starts_with(row)).unwrap();
        let figures: Vec<&str> = line.trim_start()[row.len()..].split_whitespace().collect();
        assert_eq!(figures, ["-"; 5], "{line}");
    }
    assert_eq!(overlong(&text), Vec::<&str>::new());
}

/// An order that was not published counts in no share, and a goal without a published order is not met.
#[test]
fn coverage_is_of_what_was_published() {
    let with = |outcomes: [OrderOutcome; 2]| {
        let mut record = bulk_record();
        let bulk = record.bulk.as_mut().unwrap();
        for (order, outcome) in bulk.orders.iter_mut().zip(outcomes) {
            order.outcome = outcome;
        }
        report_of_bulk(&record)
    };
    use OrderOutcome::{Missed, NotPublished, Reached};
    let both = with([Reached, Missed]);
    assert!(!both.goal_met() && both.run.order_outcome.is_none());
    assert_eq!((both.run.reached, both.run.counted, both.run.residue), (13, 20, 7));
    assert_says(&both, &["Orders at 95% coverage: 1/2, 1 missed it\nTotal receipts: 13/20 (65.00%)"]);
    let mut record = bulk_record();
    let bulk = record.bulk.as_mut().unwrap();
    (bulk.orders[1].outcome, bulk.orders[1].reached) = (NotPublished, 0);
    bulk.delays = crate::record::DelayHistogram::new();
    (1..=10).for_each(|delay| bulk.delays.record(Nanos(delay * 1_000)));
    let one = report_of_bulk(&record);
    assert!(one.goal_met());
    assert_eq!((one.run.reached, one.run.counted, one.run.coverage, one.run.residue), (10, 10, 1.0, 0));
    assert_eq!(
        one.headline(),
        "1 of 1 order reached 95% coverage (10/10), 99% of them within 20.000 μs; 1 not published"
    );
    assert_says(&one, &["Orders at 95% coverage: 1/1, 1 not published\nTotal receipts: 10/10 (100.00%)"]);
    let mut record = bulk_record();
    let bulk = record.bulk.as_mut().unwrap();
    bulk.orders.iter_mut().for_each(|order| (order.outcome, order.reached) = (NotPublished, 0));
    bulk.delays = crate::record::DelayHistogram::new();
    let none = report_of_bulk(&record);
    assert!(!none.goal_met() && none.run.coverage == 0.0);
    assert_eq!(none.headline(), "None of 2 orders was published");
}

#[test]
fn what_became_of_an_order_is_said() {
    let reach = |reached: usize, end| {
        let mut receipts = vec![Receipt::NONE; 100];
        receipts[..reached].fill(receipt(1_000, 0, 1));
        receipts[0] = receipt(0, 0, 0);
        report(&[record(receipts, vec![traffic(1, 1); 100], vec![0], end)])
    };
    for (reached, end, outcome, said) in [
        (9, End::Quiescent, OrderOutcome::DiedOut, "not reached; 9 nodes got the order before it died out"),
        (90, End::Quiescent, OrderOutcome::Missed, "not reached; 90 nodes got the order before it came to rest"),
        (90, End::Timeout, OrderOutcome::UnderWay, "not reached; 90 nodes got the order, which was still under way"),
        (95, End::Timeout, OrderOutcome::Reached, "95% coverage (95/100) reached at 1 μs"),
    ] {
        let report = reach(reached, end);
        assert_eq!(report.run.order_outcome, Some(outcome));
        assert_says(&report, &[said]);
    }
}

#[test]
fn processes_have_a_table_of_their_own() {
    let mut record = thousand_nodes_record();
    record.processes = [11, 12].map(|pid| ProcessRecord { pid, workers: 1 }).into();
    assert_says(&report(&[record]), &["on 2 workers in 2 processes, pinned...\n", "\nProcess  pid  workers"]);
}

/// The decisive lines fit on one screen: the end of the report on a terminal of 24 rows.
#[test]
fn the_brief_report_fits_one_screen() {
    let mut doubtful = thousand_nodes_record();
    doubtful.ledger.in_flight_at_stop -= 2;
    doubtful.notices = (0..9)
        .map(|at| Notice::EdgeListRead { sentence: format!("Line {at} is a sentence of some length.") })
        .collect();
    let doubtful = report(&[doubtful]);
    let many = report(&vec![thousand_nodes_record(); 5]);
    for (report, width) in [
        (&thousand_nodes(), 100),
        (&thousand_nodes(), 80),
        (&doubtful, 80),
        (&many, 80),
        (&report_of_bulk(&bulk_record()), 80),
    ] {
        let text = report.brief(width);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() <= LINES_MAX, "{} lines\n{text}", lines.len());
        let wide = lines.iter().filter(|line| line.chars().count() > width && !line.starts_with("  bulkprop"));
        assert_eq!(wide.count(), 0, "{text}");
        let end = lines[lines.len() - 12..].join("\n");
        for said in ["Ledger: ", "Coverage ", "Replay (", "  bulkprop "] {
            assert!(end.contains(said), "{said}\n{text}");
        }
        assert_eq!(end.contains("Notice: The ledger does not balance"), !report.balanced(), "{text}");
        assert_eq!(end.contains("NOT BALANCED"), !report.balanced(), "{text}");
    }
}

#[test]
fn the_whole_brief_text() {
    assert_eq!(thousand_nodes().brief(100), include_str!("tests/thousand_nodes_brief.txt"));
}

#[test]
fn what_times_have_in_common_is_written_once_and_a_number_keeps_its_unit() {
    for width in 60..=100 {
        let brief = report_of_bulk(&bulk_record()).brief(width);
        assert_eq!(brief.matches("orders to 95%: p50 ").count(), 1, "{brief}");
        assert_eq!(brief.matches("orders to 95%").count(), 1, "{brief}");
        let units = ["ns", "μs", "ms", "s"];
        let parted =
            |line: &str| units.contains(&line.split_whitespace().next().unwrap_or("").trim_end_matches([',', ';']));
        assert!(!brief.lines().any(parted), "{width} columns:\n{brief}");
    }
    let nobody = report(&[origin_only(1_000, End::Quiescent)]).brief(80);
    assert!(nobody.contains("Coverage 0.10% (1/1,000), time to 50% not reached\n"), "{nobody}");
}

fn any_record() -> impl Strategy<Value = RunRecord> {
    let time = prop_oneof![Just(0), Just(u64::MAX), 0..2_000_000_u64, any::<u64>()];
    let node = (time, 0..=255_u8, 1..100_u32, 0..100_u32);
    let end = prop_oneof![Just(End::Target), Just(End::Quiescent), Just(End::Timeout), Just(End::Interrupted)];
    (prop::collection::vec(node, 1..200), end, any::<u64>()).prop_map(|(nodes, end, elapsed)| {
        let receipts = nodes.iter().map(|&(time, hop, ..)| receipt(time, 0, hop)).collect();
        let traffic = nodes.iter().map(|&(_, _, copies, sent)| traffic(copies, sent.max(copies))).collect();
        RunRecord { elapsed: Nanos(elapsed), ..record(receipts, traffic, vec![0], end) }
    })
}

proptest! {
    #[test]
    fn any_run_is_reported(record in any_record()) {
        let report = report(std::slice::from_ref(&record));
        let run = &report.run;
        prop_assert_eq!(run.delay_bins.iter().map(|bin| bin.nodes).sum::<u64>(), run.reached);
        prop_assert_eq!(run.hops.iter().sum::<u64>(), run.reached);
        prop_assert_eq!(run.rmr.is_some(), run.reached > 1);
        prop_assert!(run.rmr.is_none_or(f64::is_finite));
        prop_assert_eq!(run.time_to_target_ns, record.time_to(run.target.share).map(|time| time.0));
        let to = run.time_to_ns;
        let times = [to.half, to.percent_90, to.percent_95, to.percent_99, to.all].map(|time| time.unwrap_or(u64::MAX));
        prop_assert!(times.is_sorted());
        prop_assert!(report.to_json().is_ok());
        let text = report.to_string();
        prop_assert_eq!(overlong(&text), Vec::<&str>::new());
        let brief = report.brief(80);
        prop_assert!(brief.lines().count() <= LINES_MAX, "{}", brief);
    }
}
