//! Tests that equal protocols compare as equal, that known differences come out with their size, and that chance alone
//! is rarely significant.

use super::*;
use crate::analysis::fixtures::documented;
use crate::analysis::{COMPARED, FigureUnit};
use crate::experiment::compare::regression::LimitVerdict;
use crate::experiment::compare::summary::{change, summaries, unit_of};
use crate::theory::comparison::SIGNIFICANCE;
use crate::topology::TopologySpec;

fn draft(nodes: u32, runs: u32) -> Draft {
    Draft {
        nodes: Some(nodes),
        runs: Some(runs),
        seed: Some(5),
        threads: Some(2),
        orders: Some(6),
        topology: Some(TopologySpec::Complete),
        latency: Some("uniform:5ms..15ms".parse().unwrap()),
        ..Draft::default()
    }
}

fn fanout(fanout: u32) -> Draft {
    Draft { fanout: Some(fanout), ..Draft::default() }
}

/// Compares push of these fanouts.
fn pushes(shared: Draft, fanouts: &[u32]) -> ComparisonReport {
    let comparison = fanouts.iter().fold(Comparison::new(shared), |comparison, &peers| {
        comparison.scenario(&format!("push {peers}"), fanout(peers)).unwrap()
    });
    comparison.run().unwrap()
}

#[test]
fn every_field_and_figure_is_documented_and_every_documented_one_written() {
    let rows = Comparison::new(draft(60, 5)).protocol("push").unwrap().protocol("lazy").unwrap();
    let report: serde_json::Value = serde_json::from_str(&rows.run().unwrap().to_json().unwrap()).unwrap();
    let mut fields: Vec<String> = Vec::new();
    for (field, value) in report.as_object().unwrap() {
        match value.as_array() {
            Some(rows) => fields.extend(rows[0].as_object().unwrap().keys().map(|key| format!("{field}[].{key}"))),
            None => fields.push(field.clone()),
        }
    }
    let mut expected = documented("Fields of a comparison");
    fields.sort_unstable();
    expected.sort_unstable();
    assert_eq!(fields, expected);
    let keys: Vec<&str> = COMPARED.iter().map(|figure| figure.key).collect();
    assert_eq!(keys, documented("Figures of a comparison"));
    let known = report["rows"][1]["replicates"][0].as_object().unwrap();
    assert!(keys.iter().all(|key| known.contains_key(*key)), "{known:?}");
}

/// Makes a replicate of one figure.
fn replicate(seed: u64, key: &str, value: f64) -> ReplicateFigures {
    ReplicateFigures {
        seed,
        receipts_due: 1_000,
        is_at_rest: true,
        is_warm_exact: true,
        halves: None,
        values: [(key.to_owned(), value)].into(),
    }
}

fn replicates(key: &str, values: &[f64]) -> Vec<ReplicateFigures> {
    (0..).zip(values).map(|(seed, &value)| replicate(seed, key, value)).collect()
}

#[test]
fn a_protocol_equals_itself_in_every_figure() {
    for shared in [draft(150, 6), Draft { loss: Some("10%".parse().unwrap()), ..draft(100, 5) }] {
        let report = Comparison::new(shared).protocol("push").unwrap().protocol("push").unwrap().run().unwrap();
        let [first, second] = &report.rows[..] else { panic!("two rows") };
        assert_eq!((first.name.as_str(), second.name.as_str()), ("push", "push (2)"));
        assert_eq!(first.replicates, second.replicates);
        for (key, figure) in &second.metrics {
            assert_eq!(figure.mean, first.metrics[key].mean, "{key}");
            let Some(diff) = figure.diff else { continue };
            let zero = Some(0.0);
            assert_eq!((diff.percent, diff.low, diff.high, diff.p), (zero, zero, zero, Some(1.0)), "{key}");
            assert!(!diff.significant);
        }
        assert!(second.metrics["rmr"].diff.is_some());
    }
}

/// Each of the nodes reached sends as many messages as it has targets, so that at complete coverage of N nodes the
/// redundancies of two fanouts differ by their difference times N / (N - 1).
#[test]
fn two_fanouts_differ_by_their_messages() {
    let report = pushes(draft(200, 8), &[6, 8]);
    let [six, eight] = &report.rows[..] else { panic!("two rows") };
    let [before, after] = [six, eight].map(|row| row.metrics["rmr"].mean.unwrap());
    assert!((after - before - 2.0 * 200.0 / 199.0).abs() < 1e-3, "{before} {after}");
    let rmr = eight.metrics["rmr"].diff.unwrap();
    assert!(rmr.significant && rmr.percent.unwrap() > 0.0 && rmr.low.unwrap() > 0.0);
    let time = eight.metrics["time_to_95"].diff.unwrap();
    assert!(time.significant && time.high.unwrap() < 0.0, "more copies are faster: {time:?}");
    let bytes = eight.metrics["bytes"].diff.unwrap().percent.unwrap();
    assert!((bytes - 100.0 * 2.0 / 6.0).abs() < 0.5, "{bytes}");
    assert!(report.sentence.starts_with("From push 6 to push 8 takes "), "{}", report.sentence);
}

#[test]
fn no_figure_depends_on_threads_or_on_later_rows() {
    let on = |threads: u32, fanouts: &[u32]| pushes(Draft { threads: Some(threads), ..draft(120, 5) }, fanouts);
    let report = on(1, &[4, 6]);
    assert_eq!(report, on(3, &[4, 6]));
    assert_eq!(report.rows[1].replicates, on(2, &[4, 6, 8]).rows[1].replicates);
}

/// Over 40 blocks of seeds: the interval of a block holds the mean difference over all seeds in 95 % of the cases, up
/// to four standard errors of the binomial; and among blocks of one protocol, a family has a significant difference in
/// at most 5 %, within the same margin.
#[test]
fn intervals_and_significance_keep_their_promise_over_many_seeds() {
    let (blocks, size) = (40, 10);
    let shared = Draft { orders: Some(2), ..draft(60, blocks * size) };
    let report = pushes(shared, &[3, 4]);
    let [three, four] = [0, 1].map(|row: usize| report.rows[row].replicates.chunks(size as usize));
    for key in ["rmr", "reached", "delay_p50", "bytes"] {
        let whole = report.rows[1].metrics[key].diff.unwrap().percent.unwrap();
        let hits = three.clone().zip(four.clone()).filter(|(before, after)| {
            let change = change(before, after, key).unwrap();
            (change.low.unwrap()..=change.high.unwrap()).contains(&whole)
        });
        let missed = 1.0 - hits.count() as f64 / f64::from(blocks);
        assert!(missed <= 0.05 + 4.0 * (0.05_f64 * 0.95 / f64::from(blocks)).sqrt(), "{key}: {missed}");
    }
    // Blocks of other seeds, under the seeds of the first.
    let relabelled = |block: &[ReplicateFigures]| -> Vec<ReplicateFigures> {
        (0..).zip(block).map(|(seed, figures)| ReplicateFigures { seed, ..figures.clone() }).collect()
    };
    let all: Vec<Vec<ReplicateFigures>> = three.map(relabelled).collect();
    let families: Vec<_> = all.chunks(4).map(|rows| summaries(&[&rows[0], &rows[1], &rows[2], &rows[3]])).collect();
    for key in ["rmr", "reached", "delay_p50", "bytes"] {
        let is_false = |family: &&Vec<_>| {
            let family: &[std::collections::BTreeMap<String, FigureSummary>] = family;
            family.iter().any(|row| row[key].diff.is_some_and(|diff| diff.significant))
        };
        let share = families.iter().filter(is_false).count() as f64 / families.len() as f64;
        assert!(share <= 0.05 + 4.0 * (0.05_f64 * 0.95 / families.len() as f64).sqrt(), "{key}: {share}");
    }
}

#[test]
fn times_and_bytes_are_compared_by_their_ratio() {
    let before = replicates("delay_p99", &[10.0, 20.0, 40.0, 80.0, 160.0]);
    let after = replicates("delay_p99", &[20.0, 40.0, 80.0, 160.0, 320.0]);
    let summary = &summaries(&[&before, &after])[1]["delay_p99"];
    assert!((summary.mean.unwrap() - 80.0).abs() < 1e-9, "geometric: {summary:?}");
    let diff = summary.diff.unwrap();
    assert!([diff.percent, diff.low, diff.high].iter().all(|end| (end.unwrap() - 100.0).abs() < 1e-9), "{diff:?}");
    assert!(diff.significant && unit_of("delay_p99") == FigureUnit::Time);
    // A number is compared by its difference, in per cent of the baseline's mean.
    let [before, after] =
        [[1.0, 2.0, 3.0, 2.0, 2.0], [2.0, 3.0, 4.0, 3.0, 3.0]].map(|values| replicates("rmr", &values));
    let diff = change(&before, &after, "rmr").unwrap();
    assert_eq!((diff.percent, diff.p), (Some(50.0), Some(0.0)));
    // Nothing is divided by 0.
    let none = replicates("rmr", &[0.0; 5]);
    assert_eq!(change(&none, &after, "rmr").unwrap().percent, None);
    assert_eq!(change(&none, &none, "rmr").unwrap().percent, Some(0.0));
}

#[test]
fn four_replicates_have_no_interval_and_only_shared_seeds_are_paired() {
    let before = replicates("rmr", &[1.0, 2.0, 3.0, 4.0]);
    let diff = change(&before, &before, "rmr").unwrap();
    assert_eq!((diff.percent, diff.low, diff.p, diff.significant), (Some(0.0), None, None, false));
    let other: Vec<ReplicateFigures> = (2..9).map(|seed| replicate(seed, "rmr", 5.0)).collect();
    assert_eq!(change(&before, &other, "rmr").unwrap().percent, Some(100.0 * 1.5 / 3.5));
    let apart: Vec<ReplicateFigures> = (7..9).map(|seed| replicate(seed, "rmr", 5.0)).collect();
    assert_eq!(change(&before, &apart, "rmr"), None);
    assert_eq!(summaries(&[&before, &apart])[1]["time_to_50"], FigureSummary::default());
}

/// A dot says that a difference was tested.
#[test]
fn four_replicates_show_no_difference_and_say_why() {
    let said = |runs: u32| pushes(draft(50, runs), &[3, 6]).to_string();
    let differences = |text: &str| -> String { text.lines().filter(|line| line.contains("difference ")).collect() };
    let (few, enough) = (said(4), said(5));
    let why = "4 replicates cannot tell a difference from chance, so that none is shown: give --runs 5 or";
    let words = few.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(why) && words.contains("(4 replicates cannot tell)"), "{few}");
    assert!(!words.contains("got there)") && !differences(&few).contains(['·', '%']), "{few}");
    assert!(!enough.contains("cannot tell") && differences(&enough).contains('%'), "{enough}");
}

#[test]
fn the_probabilities_of_a_figure_are_adjusted_over_all_rows() {
    let baseline = replicates("rmr", &[1.0, 1.2, 0.9, 1.1, 1.0, 1.05]);
    // Alone this is significant; beside nine rows without a difference it is not.
    let row = replicates("rmr", &[1.1, 1.25, 1.0, 1.3, 1.02, 1.14]);
    let alone = summaries(&[&baseline, &row])[1]["rmr"].diff.unwrap();
    assert!(alone.significant && alone.p.unwrap() > SIGNIFICANCE / 9.0, "{alone:?}");
    let mut rows: Vec<&[ReplicateFigures]> = vec![&baseline; 10];
    rows[4] = &row;
    let among = summaries(&rows)[4]["rmr"].diff.unwrap();
    assert!((among.p.unwrap() - 9.0 * alone.p.unwrap()).abs() < 1e-12 && !among.significant, "{among:?}");
}

#[test]
fn rows_are_marked_with_what_qualifies_them() {
    let marks = |report: &ComparisonReport| report.rows[0].marks.clone();
    let shared = Draft { topology: None, ..draft(100, 5) };
    assert_eq!(marks(&pushes(Draft { orders: Some(1), ..shared.clone() }, &[5])), ["cold"]);
    assert_eq!(marks(&pushes(shared.clone(), &[5])), Vec::<String>::new());
    assert_eq!(marks(&pushes(draft(100, 5), &[5])), ["full membership"]);
    let short = Draft { timeout: Some("1ms".parse().unwrap()), ..shared };
    assert_eq!(marks(&pushes(short, &[5])), ["warm orders overlap", "cut off"]);
    let drifting = |second: f64| -> Vec<ReplicateFigures> {
        (0..8).map(|seed| ReplicateFigures { halves: Some([4.0, second]), ..replicate(seed, "rmr", 3.0) }).collect()
    };
    assert_eq!(marks::of(&drifting(3.0), 10, false), ["unsettled"]);
    assert!(marks::of(&drifting(3.99), 10, false).is_empty(), "too small to matter");
    assert_eq!(marks::of(&drifting(3.0), 0, true), ["cold", "full membership"]);
    let late = ReplicateFigures { is_warm_exact: false, ..replicate(1, "rmr", 3.0) };
    assert_eq!(marks::of(&[late], 10, false), ["warm orders overlap"]);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let refused = |made: Result<ComparisonReport, CompareError>, parts: &[&str]| {
        let said = made.unwrap_err().to_string();
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    };
    let until = Draft { until: Some(Until::Target), ..draft(50, 5) };
    refused(Comparison::new(until).protocol("push").and_then(|rows| rows.run()), &["--until target", "leave"]);
    let same = Draft { same_seed: Some(true), ..draft(50, 5) };
    refused(Comparison::new(same).protocol("push").and_then(|rows| rows.run()), &["--same-seed"]);
    refused(Comparison::new(draft(50, 5)).run(), &["name the protocols"]);
    let push = || Comparison::new(draft(50, 5)).protocol("push").unwrap();
    refused(push().warm_orders(6).run(), &["--warm-orders 6 of --orders 6", "fewer"]);
    refused(push().protocol("shout").and_then(|rows| rows.run()), &["shout"]);
    let memory = Draft { transport: Some(TransportKind::Memory), ..draft(50, 5) };
    let memory = Comparison::new(memory).protocol("push").unwrap();
    refused(memory.warm_orders(1).run(), &["--warm-orders 1 with --transport memory", "--warm-orders 0"]);
    let rows = Comparison::new(Draft { runs: None, ..draft(50, 5) }).scenario("a", draft(50, 4)).unwrap();
    refused(rows.scenario("b", draft(50, 3)).and_then(|rows| rows.run()), &["--runs 4 and 3"]);
}

#[test]
fn a_real_carrier_is_compared_without_warm_orders() {
    let shared = Draft {
        transport: Some(TransportKind::Memory),
        topology: None,
        orders: Some(3),
        rate: Some(Rate::per_second(200)),
        ..draft(60, 2)
    };
    let report = pushes(shared, &[60, 60]);
    assert_eq!((report.warm_orders, report.rows[0].marks.join(" ")), (0, "cold".to_owned()));
    for row in &report.rows {
        for key in ["reached", "rmr", "delay_p99", "hops_mean", "payload_bytes_p50", "origin_upload", "wasted_bytes"] {
            assert_eq!(row.metrics[key].runs, 2, "{key}");
        }
        assert_eq!(row.metrics["reached"].mean, Some(1.0));
    }
}

#[test]
fn a_saved_comparison_is_read_back_and_checked() {
    let shared = || draft(100, 6);
    let saved = pushes(shared(), &[4]);
    let read = ComparisonReport::from_json(&saved.to_json().unwrap()).unwrap();
    assert_eq!((&read, read.seed()), (&saved, Some(5)));
    let verdicts = |saved: &ComparisonReport, limit: &str| {
        let checks = read.check_against(saved, &[limit.parse().unwrap()]).unwrap();
        (checks[0].verdict, checks[0].to_string())
    };
    assert_eq!(verdicts(&saved, "delay_p99>5%").0, LimitVerdict::Holds);
    assert_eq!(verdicts(&saved, "delay_p99>-1%").0, LimitVerdict::Fails);
    assert_eq!(verdicts(&saved, "reached<1%").0, LimitVerdict::Fails);
    assert_eq!(verdicts(&saved, "reached<-1%").0, LimitVerdict::Holds);
    let mut noisy = saved.clone();
    for (place, figures) in noisy.rows[0].replicates.iter_mut().enumerate() {
        *figures.values.get_mut("delay_p99").unwrap() *= if place % 2 == 0 { 0.9 } else { 1.1 };
    }
    let (verdict, said) = verdicts(&noisy, "delay_p99>1%");
    assert_eq!(verdict, LimitVerdict::Undecided);
    assert!(said.starts_with("delay_p99>1% of push 4: ") && said.ends_with("undecided"), "{said}");
    let other = pushes(Draft { loss: Some("1%".parse().unwrap()), ..shared() }, &[4]);
    let fault = read.check_against(&other, &[]).unwrap_err().to_string();
    assert!(fault.contains("another scenario: `loss` is"), "{fault}");
    let fault = pushes(shared(), &[4, 5]).check_against(&saved, &[]).unwrap_err().to_string();
    assert!(fault.contains("no row `push 5`"), "{fault}");
    assert_eq!(saved.unknown_key(&["speed>1%".parse().unwrap()]).unwrap().0, "speed");
    for (text, part) in [("{}", "no `schema`"), ("push", "not a saved comparison"), ("{\"schema\": 9}", "version 9")] {
        let fault = ComparisonReport::from_json(text).unwrap_err().to_string();
        assert!(fault.contains(part), "{fault}");
    }
    for wrong in ["delay_p99", "delay_p99>5", ">5%", "delay_p99>x%"] {
        assert!(wrong.parse::<FigureLimit>().unwrap_err().contains("delay_p99>5%"), "{wrong}");
    }
}

#[test]
fn every_line_fits_eighty_columns_and_no_figure_is_left_out() {
    let long = "a protocol with a name that no column is wide enough for, in words and words and words";
    let rows = Comparison::new(draft(300, 6)).protocol("push").unwrap().protocol("lazy").unwrap();
    let report = rows.scenario(long, fanout(3)).unwrap().run().unwrap();
    let [brief, full] = [false, true].map(|is_full| ComparisonText { report: &report, is_full }.to_string());
    for text in [&brief, &full] {
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("membership]"), "{text}");
    }
    assert!(!brief.contains("\n  from") && full.contains("\n  from") && full.contains("by kind"), "{full}");
    for figure in COMPARED {
        assert!(brief.contains(figure.title), "{}", figure.key);
        assert!(report.to_markdown(false).contains(&format!("| `{}` |", figure.key)), "{}", figure.key);
        assert!(report.to_csv().contains(&format!(",{},", figure.key)), "{}", figure.key);
    }
    assert!(report.to_markdown(true).contains("| `control_messages.have` |") && full.contains("have"));
    let csv = report.to_csv();
    let columns = csv.lines().next().unwrap().split(',').count();
    assert!(csv.lines().filter(|line| line.starts_with("push,")).all(|line| line.split(',').count() == columns));
}

#[test]
fn the_sentence_is_what_a_person_would_write() {
    let mut report = pushes(draft(200, 8), &[6, 8]);
    let mut set = |key: &str, percent: f64, significant: bool| {
        let figure = report.rows[1].metrics.get_mut(key).unwrap();
        let p = Some(if significant { 0.001 } else { 0.4 });
        figure.diff = Some(FigureChange { percent: Some(percent), p, significant, ..FigureChange::default() });
        figure.mean = if key == "reached" { Some(0.99987) } else { figure.mean };
    };
    set("reached", 0.0, false);
    set("time_to_99", -12.34, true);
    set("bytes", 33.4, true);
    let said = "From push 6 to push 8 takes 12 % off the time to 99 % and adds 33 % bytes, at coverage 99.99 %, \
                N = 200, D = 199, 0 bytes.";
    assert_eq!(report.in_words(), said);
    let mut set = |key: &str, change: FigureChange| {
        report.rows[1].metrics.get_mut(key).unwrap().diff = Some(change);
    };
    set("time_to_99", FigureChange { percent: Some(0.4), p: Some(0.3), ..FigureChange::default() });
    set("bytes", FigureChange { percent: Some(-0.5), p: Some(0.0), significant: true, ..FigureChange::default() });
    let said = report.in_words();
    assert!(said.contains("does not change the time to 99 % significantly and takes 0.50 % off the bytes"), "{said}");
}
