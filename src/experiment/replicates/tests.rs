//! Tests that results are the same on any number of threads, and the runs the same as if each were made alone.

use super::*;
use crate::scenario::{Draft, TransportKind, Until};
use serde_json::Value;

/// Makes turns that return their own number; those in `failing` fail.
fn turns(count: u32, at_once: usize, failing: &[u32]) -> (Vec<u32>, Option<u32>) {
    let make = |turn: u32, _: &Interrupt| if failing.contains(&turn) { Err(turn) } else { Ok(Some(turn)) };
    let OrderedTurns { done, failed } = in_turns(count, at_once, &Interrupt::new(), make).unwrap();
    assert!(done.iter().all(|(turn, made)| turn == made));
    (done.into_iter().map(|(turn, _)| turn).collect(), failed.map(|(turn, _)| turn))
}

#[test]
fn turns_come_in_order_and_end_at_the_first_that_fails() {
    for at_once in [1, 2, 7, 64] {
        assert_eq!(turns(40, at_once, &[]), ((0..40).collect(), None));
        assert_eq!(turns(40, at_once, &[31, 12, 20]), ((0..12).collect(), Some(12)));
        assert_eq!(turns(3, at_once, &[0, 1, 2]), (Vec::new(), Some(0)));
        assert_eq!(turns(0, at_once, &[]), (Vec::new(), None));
    }
}

#[test]
fn an_interrupt_leaves_what_is_whole() {
    for at_once in [1, 3] {
        let interrupt = Interrupt::new();
        let make = |turn: u32, inner: &Interrupt| {
            if turn == 5 {
                interrupt.raise();
            }
            Ok::<_, SimulationError>((!inner.is_raised()).then_some(turn))
        };
        let OrderedTurns { done, failed } = in_turns(1_000, at_once, &interrupt, make).unwrap();
        assert!(done.len() >= 3 && done.len() < 1_000 && done.iter().all(|&(turn, _)| turn != 5), "{}", done.len());
        assert!(failed.is_none());
    }
}

#[test]
fn a_turn_that_panics_ends_the_others_and_is_told() {
    let make = |turn: u32, inner: &Interrupt| {
        assert_ne!(turn, 3, "the fourth");
        while turn > 3 && !inner.is_raised() {
            std::thread::yield_now();
        }
        Ok::<_, SimulationError>(Some(turn))
    };
    let error = in_turns(100, 2, &Interrupt::new(), make).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("the fourth"), "{error}");
}

fn scenario(draft: Draft) -> Scenario {
    Draft { nodes: Some(400), seed: Some(9), ..draft }.build().unwrap()
}

fn series(scenario: &Scenario) -> Series {
    let program = Program { path: "none".into(), arguments: Vec::new() };
    run_replicates(scenario, &Interrupt::new(), &(), Some(&program), None).unwrap()
}

fn lossy(runs: u32) -> Draft {
    Draft {
        transport: Some(TransportKind::Simulated),
        topology: Some("complete".parse().unwrap()),
        loss: Some("0.5".parse().unwrap()),
        until: Some(Until::Quiescent),
        runs: Some(runs),
        threads: Some(3),
        ..Draft::default()
    }
}

/// Returns a row without the figures that depend on the machine's time.
fn figures(row: &Row) -> Value {
    let mut figures = serde_json::to_value(row).unwrap();
    figures.as_object_mut().unwrap().remove("machine");
    figures
}

#[test]
fn a_row_is_that_of_the_run_made_alone() {
    let many = series(&scenario(lossy(8)));
    assert_eq!(many.others.len(), 7);
    for (run, row) in (1..).zip(&many.others) {
        let alone = scenario(Draft { runs: None, ..lossy(1) });
        let alone = alone.run_of_seed(9 + u64::from(run));
        let record = series(&alone).first;
        assert_eq!(figures(row), figures(&Row::new(run, alone.run.seed, &record)), "run {run}");
    }
    let reached: std::collections::BTreeSet<String> =
        many.others.iter().map(|row| figures(row)["reached"].to_string()).collect();
    assert!(reached.len() > 2, "every run reached the same: {reached:?}");
}

#[test]
fn a_repeated_seed_repeats_every_figure() {
    let many = series(&scenario(Draft { same_seed: Some(true), ..lossy(4) }));
    let told = |row: &Row| {
        let mut figures = figures(row);
        figures["run"] = Value::Null;
        figures
    };
    assert!(many.others.len() == 3 && many.others.iter().all(|row| told(row) == told(&many.others[0])));
    let first = Row::new(0, 9, &many.first);
    assert_eq!(told(&first), told(&many.others[0]));
}

/// An observer that counts the runs with a worker of their own.
struct Counted(Counters);

impl Observer for Counted {
    fn loop_entered(&self, worker: usize) {
        if worker == 0 {
            self.0.add(0, 1);
        }
    }
}

#[test]
fn carriers_warm_up_once_and_are_run_one_after_the_other() {
    for (same_seed, seeds) in [(false, [9, 10, 11]), (true, [9, 9, 9])] {
        let draft =
            Draft { transport: Some(TransportKind::Memory), runs: Some(3), threads: Some(2), ..Draft::default() };
        let scenario = scenario(Draft { same_seed: Some(same_seed), ..draft });
        let counted = Counted(Counters::new(&mut crate::sync::Arena::heap(), 1));
        let program = Program { path: "none".into(), arguments: Vec::new() };
        let series = run_replicates(&scenario, &Interrupt::new(), &counted, Some(&program), None).unwrap();
        let of = |row: &Row| figures(row)["seed"].as_u64().unwrap();
        assert_eq!([scenario.seed_of(0), of(&series.others[0]), of(&series.others[1])], seeds);
        assert_eq!(counted.0.sum(), 4, "a warm-up and three runs");
    }
}

/// An observer of the runs that have ended.
struct Ended(Mutex<Vec<(u64, u32)>>);

impl Observer for Ended {
    fn loop_entered(&self, _: usize) {
        panic!("runs side by side would mix their reports");
    }

    fn run_made(&self, made: u64, runs: u32) {
        self.0.lock().push((made, runs));
    }
}

#[test]
fn runs_side_by_side_report_their_ends() {
    let ended = Ended(Mutex::default());
    run_replicates(&scenario(lossy(8)), &Interrupt::new(), &ended, None, None).unwrap();
    let mut ended = ended.0.into_inner();
    ended.sort_unstable();
    assert_eq!(ended, (1..=8).map(|made| (made, 8)).collect::<Vec<_>>());
}

#[test]
fn a_series_keeps_what_was_whole() {
    let draft = Draft {
        transport: Some(TransportKind::Simulated),
        runs: Some(5),
        same_seed: Some(true),
        seed: Some(9),
        nodes: Some(3_000),
        ..Draft::default()
    };
    let scenario = draft.build().unwrap();
    let mut lengths: Vec<usize> = Vec::new();
    for look in (1..).step_by(7) {
        match run_replicates(&scenario, &Interrupt::after(look), &(), None, None) {
            Ok(series) => {
                assert!(series.failure.is_none(), "{:?}", series.failure);
                assert!(series.others.iter().all(|row| row.end != End::Interrupted), "look {look}");
                assert!(series.others.is_empty() || series.first.end != End::Interrupted, "look {look}");
                lengths.push(1 + series.others.len());
                if lengths.last() == Some(&5) {
                    break;
                }
            }
            Err(SimulationError::Interrupted(Interrupted)) => assert!(lengths.is_empty(), "look {look}"),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(lengths.is_sorted() && lengths.contains(&1) && lengths.contains(&3), "{lengths:?}");
}
