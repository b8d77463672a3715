//! Figures by node that a large run does not keep: they are missing, not 0, and every sum equals that of a run that
//! keeps them.

use super::*;
use crate::scenario::{Draft, Engine, TransportKind, Ttl};
use crate::sync::Interrupt;

/// Makes a run of 200 nodes that keeps no figures by node from `node_figures_end` nodes on.
fn run(draft: &Draft, node_figures_end: u32) -> RunRecord {
    let scenario = Draft {
        transport: Some(TransportKind::Simulated),
        nodes: Some(200),
        seed: Some(5),
        ttl: Some(Ttl::Auto),
        until: Some(Until::Quiescent),
        ..draft.clone()
    };
    let (scenario, interrupt) = (scenario.build().unwrap(), Interrupt::new());
    let runner = Runner { node_figures_end, ..Runner::new(&scenario, &interrupt, &()).unwrap() };
    runner.run(Clock::start()).unwrap()
}

fn says(record: &RunRecord, start: &str) -> bool {
    record.notices.iter().any(|notice| notice.to_string().starts_with(start))
}

#[test]
fn beyond_the_limit_figures_by_node_are_missing_and_sums_are_whole() {
    let regions = Draft { network: Some("bitcoin6".parse().unwrap()), ..Draft::default() };
    for draft in [Draft::default(), Draft { engine: Some(Engine::Fast), ..Draft::default() }, regions] {
        let (kept, left_out) = (run(&draft, 201), run(&draft, 200));
        assert_eq!((kept.traffic.len(), kept.degrees.len()), (200, 200));
        assert_eq!((left_out.traffic.len(), left_out.degrees.len()), (0, 0));
        assert!(says(&left_out, "From 200 nodes on the traffic of each node is not kept") && !says(&kept, "From "));
        assert_eq!((left_out.ledger.sent, left_out.elapsed), (kept.ledger.sent, kept.elapsed));
        // By hops no senders are recorded then, and the digest is one without them.
        let has_senders = !matches!(left_out.receipts, Receipts::ByHop(_));
        assert_eq!(left_out.digest == kept.digest, has_senders);
        assert_eq!((left_out.reached(), &left_out.workers), (kept.reached(), &kept.workers));
        assert_eq!(left_out.groups.len(), kept.groups.len());
        for (left_out, kept) in left_out.groups.iter().zip(&kept.groups) {
            assert_eq!((left_out.bytes_in, left_out.bytes_out), (None, None));
            assert!(kept.bytes_in.is_some() && kept.bytes_out.is_some());
            assert_eq!((left_out.nodes, &left_out.delays), (kept.nodes, &kept.delays));
        }
    }
}

#[test]
fn the_general_path_keeps_them_in_any_case() {
    let general = Draft { engine: Some(Engine::General), ..Draft::default() };
    let (small, large) = (run(&general, 201), run(&general, 1));
    assert_eq!((&large.traffic, &large.degrees, &large.notices), (&small.traffic, &small.degrees, &small.notices));
}
