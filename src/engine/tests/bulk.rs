//! A bulk whose orders are computed one by one has the outcome of one whose orders are computed together.

use super::*;
use crate::ids::OrderIndex;
use crate::record::CompactReceipt;
use parking_lot::Mutex;

/// Keeps the receipts of all orders, as the general engine does.
struct Kept {
    nodes: usize,
    receipts: Mutex<Vec<Receipt>>,
}

impl OrderReceipts for Kept {
    fn take(&self, _: usize, order: OrderIndex, receipts: &[CompactReceipt]) {
        assert_eq!(receipts.len(), self.nodes);
        let mut kept = self.receipts.lock();
        let of_order = &mut kept[order.index() * self.nodes..][..self.nodes];
        assert!(of_order.iter().all(|receipt| !receipt.is_reached()), "an order is handed over once");
        of_order.iter_mut().zip(receipts).for_each(|(kept, &receipt)| *kept = receipt.into());
    }
}

impl Case {
    /// The outcome of the orders one by one, in the form that all others have; `None` if they depend on each other.
    fn one_by_one(&self, threads: usize) -> Option<EngineOutcome> {
        let nodes = self.nodes as usize;
        let kept = Kept { nodes, receipts: Mutex::new(vec![Receipt::NONE; nodes * self.workload.orders() as usize]) };
        let outcome = self.with(threads, |setup| shortest_path::bulk::run(setup, &Push, &kept).unwrap())?;
        let receipts = kept.receipts.into_inner();
        let mut outcome = EngineOutcome { receipts: Receipts::Each(receipts), ..outcome };
        for (node, traffic) in outcome.traffic.iter_mut().enumerate() {
            let firsts = outcome.receipts.iter().skip(node).step_by(nodes);
            let firsts = firsts.filter(|receipt| receipt.is_reached() && receipt.hop > 0).count();
            assert_eq!(std::mem::take(&mut traffic.firsts) as usize, firsts, "node {node}");
        }
        outcome.totals.bulk_receipts = self.with(1, |setup| shard_outcome::bulk_receipts(setup, nodes, outcome.each()));
        Some(self.with(1, |setup| setup.ended_as_asked(outcome)))
    }
}

fn bulks() -> impl Strategy<Value = Case> {
    let workload =
        (any::<u64>(), 2..40u32, 0..3_000u64, prop::sample::select(vec![Arrivals::Constant, Arrivals::Burst]));
    (cases(), workload).prop_map(|(case, (seed, orders, interval, arrivals))| {
        let rate = Rate::per_second(1_000_000_000 / interval.max(1));
        let workload = Workload::bulk(seed, case.nodes, Bulk { orders, rate, arrivals, origins: Origins::Random });
        Case { workload, window: if case.window > 3 { orders } else { 3 * case.window }, ..case }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 128 } else { 512 }))]

    #[test]
    fn orders_one_by_one_are_as_all_together(case in bulks(), threads in 1..4usize) {
        if let Some(outcome) = case.one_by_one(threads) {
            prop_assert_eq!(&outcome, &case.general(threads));
            prop_assert_eq!(Some(outcome), case.one_by_one(5));
        } else {
            prop_assert!(case.workload.orders() > case.window);
            prop_assert_eq!(case.one_by_one(5), None);
        }
    }
}

/// The last copy of an order comes at a known time after it was due: orders published just later are independent.
#[test]
fn orders_depend_on_each_other_from_the_instant_at_which_a_copy_may_be_too_old() {
    let mut case = bulks().new_tree(&mut proptest::test_runner::TestRunner::deterministic()).unwrap().current();
    (case.latency, case.loss, case.ttl, case.window) = (Latency::Constant(Nanos(1_000)), LossSpec::NONE, 200, 1);
    (case.ends_at_target, case.timeout, case.exclude_sender) = (false, None, false);
    let alone = Case { workload: Workload::single(NodeId(7)), ..case.clone() };
    let lasts = alone.general(1).ended_at;
    assert!(lasts > Nanos(2_000), "{lasts}");
    for (second, is_free) in [(lasts + Nanos(1), true), (lasts, false), (lasts - Nanos(1), false)] {
        let case = Case { workload: Workload::at(NodeId(7), &[Nanos::ZERO, second]), ..case.clone() };
        assert_eq!(case.one_by_one(2).is_some(), is_free, "{second} and {lasts}");
        let taken =
            Kept { nodes: case.nodes as usize, receipts: Mutex::new(vec![Receipt::NONE; 2 * case.nodes as usize]) };
        // Whoever asks has the figures either way.
        let outcome =
            case.with(2, |setup| run_first(&EngineSetup { order_receipts: Some(&taken), ..*setup }, &Push).unwrap());
        let general = case.general(2);
        assert_eq!((outcome.end, outcome.ended_at), (general.end, general.ended_at));
        assert_eq!((&outcome.totals.record, outcome.totals.digest), (&general.totals.record, general.totals.digest));
        assert_eq!(outcome.totals.by_order, general.totals.by_order);
    }
}
