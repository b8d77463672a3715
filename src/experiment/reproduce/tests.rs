//! Tests the list of rows, and that a row is measured, judged and told.

use super::*;

fn plan(rows: &[u8]) -> ReproductionPlan {
    ReproductionPlan { seed: 1, threads: 2, rows: rows.to_vec() }
}

#[test]
fn rows_have_numbers_of_their_own_in_order() {
    assert!(PUBLISHED_ROWS.is_sorted_by(|one, next| one.number < next.number));
    assert!(PUBLISHED_ROWS.iter().all(|row| !row.source.is_empty() && !row.setup.is_empty()));
}

#[test]
fn the_rows_of_a_plan_are_measured_in_sequence() {
    let mut told = 0;
    let Reproduction { rows, interrupted, .. } = reproduce(&plan(&[8]), &Interrupt::new(), |_| told += 1).unwrap();
    assert_eq!((rows.len(), told, interrupted), (3, 3, false));
    assert!(rows.iter().all(|figure| (figure.row, figure.verdict) == (8, Verdict::Agrees)), "{rows:?}");
    assert_eq!((rows[0].published, rows[0].measured, rows[0].runs), (Some(19_001.0), Some(19_001.0), 5));
}

#[test]
fn an_interrupt_leaves_what_was_measured() {
    let interrupt = Interrupt::new();
    let raise = |_: &PublishedFigure| interrupt.raise();
    let Reproduction { rows, interrupted, .. } = reproduce(&plan(&[8]), &interrupt, raise).unwrap();
    assert_eq!((rows.len(), interrupted), (1, true));
}

#[test]
fn only_what_nothing_explains_is_a_failure() {
    let row = &PUBLISHED_ROWS[0];
    let mut figures = Vec::new();
    let interrupt = Interrupt::new();
    let runs = SeededRuns { first_seed: 1, threads: 1, interrupt: &interrupt };
    let mut bench = RowBench { row, runs, told: &mut |_| {}, figures: &mut figures };
    bench.take("one", (1.0, Tolerance::Exact), &[2.0], None);
    bench.take("two", (1.0, Tolerance::Exact), &[2.0], Some("known"));
    bench.take("three", (1.0, Tolerance::Exact), &[1.0], Some("known"));
    bench.leave_out("four", "unknown");
    let verdicts: Vec<_> = figures.iter().map(|figure| (figure.verdict, figure.is_failure())).collect();
    let expected =
        [(Verdict::Differs, true), (Verdict::Differs, false), (Verdict::Agrees, false), (Verdict::NotRun, false)];
    assert_eq!(verdicts, expected);
    assert_eq!((figures[1].reason, figures[2].reason), (Some("known"), None));
}
