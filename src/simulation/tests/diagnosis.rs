//! The notices of whole runs that leave their figures in doubt.

use crate::ids::NodeId;
use crate::network::Latency;
use crate::record::{Notice, RunRecord};
use crate::scenario::{Draft, TransportKind, Ttl, Until};
use crate::simulation::run;
use crate::sync::Interrupt;
use crate::time::Nanos;
use crate::topology::TopologySpec;

fn record(draft: Draft) -> RunRecord {
    let scenario = Draft { seed: Some(7), ..draft }.build().unwrap();
    run(&scenario, &Interrupt::new()).unwrap()
}

fn doubts(record: &RunRecord) -> Vec<String> {
    let doubts = record.notices.iter().filter(|notice| notice.code() == "ttl-binds");
    doubts.map(Notice::to_string).collect()
}

fn simulated(latency: Latency, ttl: u8, until: Until) -> Draft {
    Draft {
        transport: Some(TransportKind::Simulated),
        nodes: Some(5_000),
        latency: Some(latency.into()),
        ttl: Some(Ttl::Hops(ttl)),
        until: Some(until),
        ..Draft::default()
    }
}

const EQUAL: Latency = Latency::Constant(Nanos(50_000_000));
const SPREAD: Latency = Latency::Uniform { least: Nanos(10_000_000), greatest: Nanos(100_000_000) };

#[test]
fn a_ttl_that_cuts_is_named() {
    // The mean field expects the target within six hops, and with a spread of latencies many first copies take more.
    let cut = record(simulated(SPREAD, 6, Until::Quiescent));
    let last = cut.receipts.iter().filter(|receipt| receipt.is_reached() && receipt.hop == 6).count() as u64;
    let permille = last * 1_000 / cut.reached();
    let said = format!("{}.{} % of the first receipts came with hop 6", permille / 10, permille % 10);
    assert!(permille >= 10 && doubts(&cut).len() == 1 && doubts(&cut)[0].contains(&said), "{:?}", cut.notices);
    assert!(doubts(&cut)[0].ends_with("Ask for more, as --ttl 12, to see whether it does."));
    assert_eq!(doubts(&record(simulated(SPREAD, 40, Until::Quiescent))), Vec::<String>::new());
}

#[test]
fn a_target_reached_along_shortest_paths_was_not_cut() {
    let on_time = record(simulated(EQUAL, 5, Until::Target));
    let last = on_time.receipts.iter().filter(|receipt| receipt.is_reached() && receipt.hop == 5).count() as u64;
    assert!(last * 100 >= on_time.reached() && on_time.reached() < 5_000);
    assert_eq!(doubts(&on_time), Vec::<String>::new());
}

#[test]
fn a_bulk_is_looked_at_over_all_orders() {
    let bulk = Draft { orders: Some(20), ..simulated(SPREAD, 6, Until::Quiescent) };
    assert_eq!(doubts(&record(bulk)).len(), 1);
}

#[test]
fn plain_runs_and_what_was_said_before_are_left_alone() {
    for nodes in [10, 1_000] {
        let plain =
            Draft { transport: Some(TransportKind::Memory), nodes: Some(nodes), threads: Some(1), ..Draft::default() };
        assert_eq!(doubts(&record(plain)), Vec::<String>::new(), "{nodes}");
    }
    // On a ring six hops reach twelve nodes, which the forecast reports.
    let ring = Draft { topology: Some(TopologySpec::Ring), nodes: Some(100), ..simulated(EQUAL, 6, Until::Quiescent) };
    let ring = record(ring);
    assert!(
        ring.notices.iter().any(|notice| notice.to_string().starts_with("The target cannot be reached")),
        "{:?}",
        ring.notices
    );
    assert_eq!(doubts(&ring), Vec::<String>::new());
    assert!(ring.receipts.get(NodeId(6)).is_reached());
}
