//! Tests the criterion of the table, the sequence of its replicates, and that a case can fail.

use super::*;
use crate::analysis::Statistic;
use crate::threads::ThreadError;

fn with_bench<R>(effort: Effort, threads: usize, interrupt: &Interrupt, act: impl FnOnce(&Bench<'_>) -> R) -> R {
    let plan = CasePlan { seed: 3, threads, effort };
    act(&Bench { plan, interrupt, permits: &RunPermits::new(threads), judged: &|_| () })
}

fn all() -> Vec<CaseGroup> {
    CaseGroup::all().collect()
}

fn estimate(measured: f64, standard_error: f64) -> Estimate {
    Estimate { statistic: Statistic::Mean, runs: 10, measured, standard_error }
}

#[test]
fn the_limit_is_four_standard_errors_plus_the_forms_own() {
    let agrees = |measured, error| Case::new("group", String::new(), (1.0, 0.25), estimate(measured, error)).agrees;
    assert!(agrees(1.25, 0.0) && !agrees(1.26, 0.0) && agrees(0.25, 0.125) && !agrees(0.2, 0.125));
    assert!(!agrees(f64::NAN, 0.1) && !agrees(1.0, f64::NAN));
}

#[test]
fn replicates_keep_the_sequence_of_their_seeds_on_any_number_of_threads() {
    let interrupt = Interrupt::new();
    for threads in [1, 2, 3, 8] {
        let seeds = with_bench(Effort::Whole, threads, &interrupt, |bench| bench.each(7, |seed, _| Ok(seed)));
        assert_eq!(seeds.ok(), Some((300_000..300_007).collect::<Vec<u64>>()), "{threads}");
    }
}

/// A case can fail: runs with one fanout do not agree with the form of another.
#[test]
fn the_wrong_form_does_not_agree() {
    use crate::theory::coverage::final_coverage;
    let interrupt = Interrupt::new();
    let draft = simulated(TopologySpec::Complete, 5_000, 3);
    let shares = with_bench(Effort::Whole, 2, &interrupt, |bench| bench.runs(&draft, 12, reached));
    let estimate = Estimate::mean(&shares.ok().unwrap());
    let agrees = |fanout| Case::new("", String::new(), (final_coverage(fanout), 0.000_3), estimate).agrees;
    assert!(agrees(3.0) && !agrees(2.9) && !agrees(3.1) && !agrees(4.0), "{estimate:?}");
}

#[test]
fn an_interrupt_keeps_what_was_judged() {
    let interrupt = Interrupt::new();
    let raised = interrupt.clone();
    let plan = CasePlan { seed: 1, threads: 1, effort: Effort::Quick };
    let table = validate(plan, &all(), &interrupt, |_| raised.raise()).unwrap();
    assert!(table.interrupted && table.failed == 0);
    assert_eq!(table.cases.len(), 1);
    assert!(table.summary().contains("Interrupted"));
}

#[test]
fn the_table_is_the_same_with_groups_side_by_side() {
    let names = |threads| {
        let mut told = Vec::new();
        let plan = CasePlan { seed: 1, threads, effort: Effort::Quick };
        let interrupt = Interrupt::new();
        let ends_early = interrupt.clone();
        let table = validate(plan, &all(), &interrupt, |case| {
            told.push(case.clone());
            if told.len() == 12 {
                ends_early.raise();
            }
        });
        assert_eq!(told, table.unwrap().cases);
        told.truncate(12);
        told
    };
    assert_eq!(names(1), names(3));
}

#[test]
fn groups_alone_have_the_cases_that_they_have_in_the_table() {
    let plan = CasePlan { seed: 1, threads: 2, effort: Effort::Quick };
    let [rounds, cost] = ["rounds", "cost"].map(|name| CaseGroup::named(name).unwrap());
    let cases_of = |groups: &[CaseGroup]| validate(plan, groups, &Interrupt::new(), |_| ()).unwrap();
    let both = cases_of(&[rounds, cost, rounds]);
    assert_eq!(both.groups, ["cost", "rounds"]);
    assert_eq!(both.cases, [cases_of(&[cost]).cases, cases_of(&[rounds]).cases].concat());
    let summary = both.summary();
    assert!(summary.contains(&format!("All {} cases of cost, rounds agree", both.cases.len())), "{summary}");
}

#[test]
fn a_refused_thread_or_a_panic_ends_the_table_with_its_cause() {
    use crate::threads::refusing_from;
    let interrupt = Interrupt::new();
    let waits = |_, interrupt: &Interrupt| {
        // Without end, unless the other threads are told to stop.
        while !interrupt.is_raised() {
            std::thread::yield_now();
        }
        Err::<u64, EarlyEnd>(EarlyEnd::Interrupted)
    };
    let refused = with_bench(Effort::Whole, 3, &interrupt, |bench| refusing_from(2, || bench.each(7, waits)));
    let Err(EarlyEnd::Failed(RunFault::Threads(ThreadError::Refused { thread: 2, .. }))) = refused else { panic!() };
    let panics = |seed, interrupt: &Interrupt| if seed == 300_001 { panic!("here") } else { waits(seed, interrupt) };
    let panicked = with_bench(Effort::Whole, 3, &interrupt, |bench| bench.each(7, panics));
    let Err(EarlyEnd::Failed(RunFault::Threads(ThreadError::Panic { .. }))) = panicked else { panic!() };
    assert!(!interrupt.is_raised(), "the user's own wish is not touched");
}
