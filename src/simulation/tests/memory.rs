//! Runs whose messages under way exceed the memory left for them: they end with the figures so far, in every engine and
//! on carriers.

use crate::network::Latency;
use crate::record::{End, RunRecord};
use crate::scenario::{Draft, Engine, ProtocolKind, TransportKind, Until};
use crate::simulation::Runner;
use crate::sync::Interrupt;
use crate::time::Nanos;
use crate::topology::TopologySpec;
use crate::transport::Clock;
use crate::workload::Rate;

/// Makes a run with this many bytes for messages under way.
fn run(draft: &Draft, memory_left: u64) -> RunRecord {
    let (scenario, interrupt) = (draft.clone().build().unwrap(), Interrupt::new());
    let runner = Runner { memory_left, ..Runner::new(&scenario, &interrupt, &()).unwrap() };
    runner.run(Clock::start()).unwrap()
}

fn assert_ends(draft: &Draft, memory_left: u64) {
    let record = run(draft, memory_left);
    assert_eq!(record.end, End::OutOfMemory, "{:?} {:?}", draft.transport, draft.engine);
    assert!(record.ledger.is_balanced(), "{:?}", record.ledger);
    let said = record.notices.first().unwrap().to_string();
    assert!(said.starts_with("The memory that was left for messages under way was used up ("), "{said}");
    assert_eq!(record.digest, None);
}

#[test]
fn every_engine_that_stores_messages_ends_where_they_have_no_room() {
    let flood = Draft {
        transport: Some(TransportKind::Simulated),
        engine: Some(Engine::General),
        nodes: Some(200),
        threads: Some(2),
        topology: Some(TopologySpec::Complete),
        protocol: Some(ProtocolKind::Flood.into()),
        until: Some(Until::Quiescent),
        ..Draft::default()
    };
    let varies = Latency::Uniform { least: Nanos::from_millis(10), greatest: Nanos::from_millis(11) };
    let floorless = Latency::Uniform { least: Nanos::ZERO, greatest: Nanos::from_millis(1) };
    for draft in [
        flood.clone(),
        Draft { latency: Some(varies.into()), ..flood.clone() },
        Draft { latency: Some(floorless.into()), ..flood.clone() },
    ] {
        // 40,000 messages are under way, of 24 bytes at least.
        assert_ends(&draft, 600_000);
        assert_eq!(run(&draft, u64::MAX).end, End::Quiescent);
    }
    // 30,000 messages wait for the uplinks of their origins, behind which they are lost: none is under way.
    let waiting = Draft {
        protocol: None,
        orders: Some(10_000),
        rate: Some(Rate::per_second(1_000_000)),
        loss: Some("100%".parse().unwrap()),
        bandwidth: Some("up=1Mbit".parse().unwrap()),
        ..flood.clone()
    };
    for latency in [varies, floorless] {
        let draft = Draft { latency: Some(latency.into()), ..waiting.clone() };
        assert_ends(&draft, 500_000);
        assert_eq!(run(&draft, u64::MAX).end, End::Quiescent);
    }
    // Memory for messages that shards exchange, before they know each other's nodes.
    let fast =
        Draft { engine: Some(Engine::Fast), nodes: Some(4_000), topology: None, latency: Some(varies.into()), ..flood };
    assert_ends(&fast, 10_000);
    assert_eq!(run(&fast, u64::MAX).end, End::Quiescent);
}

#[test]
fn carriers_end_where_what_waits_has_no_room() {
    let draft = Draft {
        transport: Some(TransportKind::Memory),
        nodes: Some(500),
        threads: Some(2),
        orders: Some(2_000),
        rate: Some(Rate::per_second(1_000_000)),
        latency: Some(Latency::Constant(Nanos::from_secs(1)).into()),
        until: Some(Until::Quiescent),
        timeout: Some(Nanos::from_secs(60)),
        ..Draft::default()
    };
    // All orders are under way for a second, with at least eight messages each.
    assert_ends(&draft, 100_000);
}
