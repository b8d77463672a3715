//! Tests that notices are true: what they call impossible does not happen, a fault without effect changes nothing, and
//! advised values are accepted.

use crate::support::{run, scenario, sentences};
use bulk_order_propagation::record::RunRecord;
use bulk_order_propagation::scenario::Draft;
use clap::{Args, Command, FromArgMatches};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;

/// The draft that the flags of a command line form.
fn draft(line: &str) -> Draft {
    let command = Draft::augment_args(Command::new("bulkprop").no_binary_name(true));
    let matches =
        command.try_get_matches_from(shlex::split(line).unwrap()).unwrap_or_else(|error| panic!("{line}: {error}"));
    Draft::from_arg_matches(&matches).unwrap()
}

fn simulated(line: &str) -> RunRecord {
    run(draft(&format!("--transport simulated --threads 2 {line}")))
}

/// The notices of faults and losses that had no effect.
fn unmet(record: &RunRecord) -> Vec<String> {
    let said = [" met nothing: ", " met no message: ", " lost none of ", " made a second copy of none of "];
    sentences(record).into_iter().filter(|notice| said.iter().any(|said| notice.contains(said))).collect()
}

/// A run that is over at 200 ms: four hops of 50 ms reach all nodes.
const SHORT: &str = "--nodes 400 --topology random-regular --peers 10 --seed 7 --ttl 12";

#[test]
fn faults_without_effect_are_reported_with_their_times() {
    for (line, said) in [
        (
            "--partition 50%,at=1s",
            "--partition 0.5,at=1s met no message: it would have begun at 1.000 s, and the run was over at 200.000 ms. Let it begin \
             sooner, or publish for longer with --orders.",
        ),
        (
            "--down 20%,at=30s",
            "--down 0.2,at=30s met nothing: it would have begun at 30.000 s, and the run was over at ",
        ),
        ("--down 0.01%", "--down 0.0001 met nothing: no node of this draw goes down by it, and the run was over at "),
        ("--churn up=3600s,down=1ms", "--churn up=3600s,down=1ms met nothing: the first node would have gone down at "),
        (
            "--nat 0.5%",
            "--nat 0.005 met no message: none went between two nodes behind a NAT, and the run was over at ",
        ),
        (
            "--partition 0.001%",
            "--partition 0.00001 met no message: no node of this draw is on its side, and the run was over at ",
        ),
        (
            "--partition 50%,at=1ms,heal=2ms",
            "met no message: none was sent across it between 1.000 ms and 2.000 ms, and the run was over at ",
        ),
        (
            "--adversary censor:30%,origin=5",
            "--adversary censor:0.3,origin=5 met nothing: none of its nodes had an order from node 5 to forward, and the run was over at ",
        ),
        (
            "--adversary drop:0.01%",
            "--adversary drop:0.0001 met nothing: no node of this draw has the part, and the run was over at ",
        ),
        (
            "--adversary eclipse:1%,victim=7",
            "--adversary eclipse:0.01,victim=7 met nothing: it owns no peer of node 7, and the run was over at ",
        ),
        (
            "--adversary spy:0.01%",
            "--adversary spy:0.0001 met nothing: no node of this draw has the part, and the run was over at ",
        ),
        ("--loss 0.0001%", "--loss 0.000001 lost none of "),
        ("--duplicate 0.0001%", "--duplicate 0.000001 made a second copy of none of "),
    ] {
        let record = simulated(&format!("{SHORT} {line}"));
        let notices = unmet(&record);
        assert!(notices.len() == 1 && notices[0].contains(said), "{line}: {:?}", record.notices);
    }
}

#[test]
fn faults_with_an_effect_are_not_reported() {
    for line in [
        "--loss 0",
        "--duplicate 0",
        "--nat 0",
        "--partition 50%,at=60ms",
        "--down 20%",
        "--down 20%,at=120ms",
        "--churn up=1s,down=100ms",
        "--nat 30%",
        "--adversary censor:30%,origin=0",
        "--adversary drop:30%",
        "--adversary delay:30%,by=10ms",
        "--adversary flood:10%,times=2",
        "--adversary spy:10%",
        "--adversary eclipse:100%,victim=7 --until quiescent",
        "--adversary spy:10%+drop:10%+flood:10%,times=2",
        "--loss 10%",
        "--duplicate 10%",
    ] {
        let record = simulated(&format!("{SHORT} {line} --target 0.5"));
        assert_eq!(unmet(&record), Vec::<&str>::new(), "{line}");
    }
}

/// The flags with a value that a notice names.
fn flags(notice: &str) -> Vec<String> {
    let mut words = notice.split(' ').peekable();
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        if let Some(name) = word.strip_prefix("--")
            && let Some(value) = words.peek()
            && value.starts_with(|first: char| first.is_ascii_digit() || *value == "auto")
        {
            found.push(format!("--{name}={}", value.trim_end_matches([',', ';', '.', ':'])));
        }
    }
    found
}

/// The percentage that follows some words.
fn percentage(notice: &str, words: &str) -> Option<f64> {
    notice.split_once(words)?.1.split_once(" %")?.0.parse().ok()
}

/// Runs of all kinds that end soon.
fn lines() -> impl Strategy<Value = String> {
    let topologies = prop::sample::select(vec![
        "erdos-renyi --peers 2",
        "erdos-renyi --peers 4",
        "erdos-renyi --peers 12",
        "erdos-renyi --peers 99",
        "random-regular --peers 3",
        "random-regular --peers 10",
        "regular-implicit --peers 2",
        "regular-implicit --peers 8",
        "watts-strogatz --peers 4",
        "barabasi-albert --peers 4",
        "ring",
        "grid",
        "star",
        "complete",
    ]);
    let nodes = prop_oneof![Just(100u32), 101..400u32];
    let latencies =
        prop::sample::select(vec!["", "--latency uniform:5ms..80ms", "--latency exponential:20ms", "--latency 0ms"]);
    let losses =
        prop::sample::select(vec!["", "", "--loss 0.1%", "--loss 20%", "--loss 60%", "--loss 95%", "--loss 100%"]);
    let faults = prop::sample::select(vec![
        "",
        "",
        "",
        "--down 30%",
        "--down 20%,at=400ms",
        "--down 0.2%,at=40ms",
        "--churn up=20s,down=1s",
        "--churn up=3600s,down=1s",
        "--partition 50%,at=130ms",
        "--partition 0.3%,at=130ms,heal=170ms",
        "--partition 40%,at=250ms,one-way",
        "--nat 3%",
        "--nat 40%",
        "--adversary drop:1%",
        "--adversary censor:20%,origin=3",
        "--adversary delay:1%,by=300ms",
        "--adversary flood:1%,times=3",
        "--adversary eclipse:20%,victim=9",
        "--adversary eclipse:20%,victim=0",
        "--adversary spy:1%",
    ]);
    let protocols = prop_oneof![
        3 => prop::sample::select(vec![1u32, 2, 3, 5, 8, 40, 500]).prop_map(|fanout| format!("--fanout {fanout}")),
        1 => prop::sample::select(vec![2u32, 8]).prop_map(|fanout| format!("--protocol lazy --fanout {fanout}")),
        1 => Just("--protocol flood".to_owned()),
    ];
    let ttls = prop_oneof![2 => Just("auto".to_owned()), 1 => (1..12u32).prop_map(|ttl| ttl.to_string()), 1 => Just("255".to_owned())];
    let targets = prop::sample::select(vec!["0.05", "0.5", "0.95", "0.999", "1"]);
    let ends = prop::sample::select(vec!["", "--until quiescent", "--timeout 200ms", "--timeout 0"]);
    let bulks = prop::sample::select(vec![
        "",
        "",
        "--orders 5 --rate 100/s",
        "--orders 3 --origins random",
        "--origins random",
    ]);
    let network = (topologies, nodes, latencies, losses, faults);
    (network, protocols, ttls, targets, ends, bulks, any::<u32>()).prop_map(
        |((topology, nodes, latency, loss, fault), protocol, ttl, target, end, bulk, seed)| {
            format!(
                "--nodes {nodes} --topology {topology} {latency} {loss} {fault} {protocol} --ttl {ttl} --target {target} {end} \
                 {bulk} --seed {seed}"
            )
        },
    )
}

/// The command line without faults and adversaries.
fn without_faults(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    let options = ["--down", "--churn", "--partition", "--nat", "--adversary"];
    while let Some(place) = words.iter().position(|word| options.contains(word)) {
        words.drain(place..place + 2);
    }
    words.join(" ")
}

#[test]
fn notices_are_true_of_random_runs() {
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 250, failure_persistence: None, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    // Number of bounds, flags and faults checked: a test that checks none would always pass.
    let [bounds, advised, empty] = [const { Cell::new(0_u32) }; 3];
    let count = |counter: &Cell<u32>| counter.set(counter.get() + 1);
    let outcome = runner.run(&lines(), |line| {
        let line = format!("--transport simulated --threads 2 {line}");
        let asked = draft(&line);
        let Ok(scenario) = asked.clone().build() else { return Ok(()) };
        let record = run(asked);
        for notice in &sentences(&record) {
            if notice.contains("cannot be reached") {
                count(&bounds);
            }
            prop_assert!(
                !(notice.contains("cannot be reached") && record.is_goal_met()),
                "{line}\n{notice}\nThe target was reached."
            );
            for flag in flags(notice) {
                count(&advised);
                let changed = draft(&shlex::try_quote(&flag).unwrap()).or(Draft::from(&scenario));
                prop_assert!(changed.build().is_ok(), "{line}\n{notice}\n{flag} is refused");
            }
            if let (Some(now), Some(most)) =
                (percentage(notice, "reach about "), percentage(notice, "no TTL makes it more than "))
            {
                prop_assert!(most >= now, "{line}\n{notice}");
            }
            prop_assert!(!notice.contains("NaN") && !notice.contains("inf"), "{line}\n{notice}");
        }
        let is_plain = scenario.network.as_ref().is_none_or(|network| network.loss.mean() == 0.0);
        if is_plain && !unmet(&record).is_empty() {
            count(&empty);
            let without = run(draft(&without_faults(&line)));
            prop_assert!(
                without.digest == record.digest,
                "{line}\n{:?}\nbut without it the run is another",
                record.notices
            );
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let looked_at = [bounds.get(), advised.get(), empty.get()];
    assert!(looked_at.iter().all(|&times| times >= 10), "{looked_at:?}");
}

/// Following the advice lets a run reach its target, if nothing is left to chance.
#[test]
fn following_the_advice_reaches_the_target() {
    for line in [
        "--nodes 60 --topology ring --ttl 6 --protocol flood --seed 1",
        "--nodes 60 --topology grid --ttl 3 --protocol flood --seed 1",
        "--nodes 700 --topology ring --ttl 255 --protocol flood --seed 1",
        "--nodes 300 --topology erdos-renyi --peers 2 --ttl 100 --protocol flood --seed 1",
        "--nodes 60 --topology ring --ttl 60 --timeout 200ms --protocol flood --seed 1",
    ] {
        let record = simulated(line);
        let notice = sentences(&record).into_iter().find(|notice| notice.contains("cannot be reached")).unwrap();
        assert!(!record.is_goal_met(), "{line}");
        let flag = flags(&notice).into_iter().next().unwrap_or_else(|| panic!("{notice}"));
        let asked = draft(&format!("--transport simulated --threads 2 {line}"));
        let mut changed = draft(&shlex::try_quote(&flag).unwrap()).or(asked);
        // Slightly more than that time is needed.
        changed.timeout = changed.timeout.map(|time| time + bulk_order_propagation::time::Nanos::from_millis(1));
        assert!(scenario(changed.clone()).run.seed == 1 && run(changed).is_goal_met(), "{line}: {notice}");
    }
}
