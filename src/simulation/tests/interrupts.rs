//! Interrupts at any time: before the first order is published they end a run with an error that says so, later with a
//! record whose ledger balances. Interrupts are raised at every check of the interrupt, or at checks further and
//! further apart.

use crate::network::Latency;
use crate::record::{End, RunRecord};
use crate::scenario::{Choice, Draft, Engine, ProtocolKind, TransportKind, Ttl, Until};
use crate::simulation::{SimulationError, run};
use crate::sync::{Interrupt, Interrupted};
use crate::time::Nanos;
use crate::topology::TopologySpec;
use crate::workload::Rate;

/// Interrupts one run at check number `look`; `None` if nothing was published by then.
fn interrupted_at(draft: &Draft, look: u64) -> Option<RunRecord> {
    let scenario = draft.clone().build().unwrap();
    match run(&scenario, &Interrupt::after(look)) {
        Ok(record) => Some(record),
        Err(error @ SimulationError::Interrupted(Interrupted)) => {
            assert!(!error.is_usage());
            assert_eq!(error.to_string(), "interrupted before the first order was published");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

/// Interrupts runs at checks further and further apart until one comes to its own end; returns the number of runs that
/// ended before and after the first publication.
fn try_all(draft: &Draft) -> (u32, u32) {
    let (mut before, mut within, mut look) = (0, 0, 1);
    loop {
        match interrupted_at(draft, look) {
            None => before += 1,
            Some(record) => {
                assert!(record.ledger.is_balanced(), "look {look}: {:?}", record.ledger);
                if record.end != End::Interrupted {
                    return (before, within);
                }
                assert_eq!(record.digest, None);
                assert!(record.bulk.is_some() || record.receipts.reached() >= 1);
                within += 1;
            }
        }
        look += 1 + look / 6;
    }
}

/// Makes a flood of a complete overlay, in which one hop is nearly all of the run.
fn wide(engine: Engine, latency: Latency, nodes: u32) -> Draft {
    Draft {
        transport: Some(TransportKind::Simulated),
        engine: Some(engine),
        nodes: Some(nodes),
        threads: Some(2),
        topology: Some(TopologySpec::Complete),
        protocol: Some(ProtocolKind::Flood.into()),
        latency: Some(latency.into()),
        until: Some(Until::Quiescent),
        ..Draft::default()
    }
}

#[test]
fn the_widest_window_is_left_in_its_midst_by_every_engine() {
    let constant = Latency::Constant(Nanos::from_millis(50));
    let varies = Latency::Uniform { least: Nanos::from_millis(10), greatest: Nanos::from_millis(11) };
    let floorless = Latency::Uniform { least: Nanos::ZERO, greatest: Nanos::from_millis(1) };
    for (draft, least) in [
        (wide(Engine::Hops, constant, 300), 8),
        (Draft { until: Some(Until::Target), ..wide(Engine::Hops, constant, 300) }, 1),
        (wide(Engine::Fast, varies, 300), 8),
        (wide(Engine::General, constant, 150), 8),
        (wide(Engine::General, varies, 150), 8),
        (wide(Engine::General, floorless, 150), 8),
    ] {
        let (_, within) = try_all(&draft);
        assert!(within >= least, "{within} looks in {:?}", draft.engine);
    }
}

#[test]
fn set_up_run_and_ledger_are_left_wherever_they_are() {
    let draft = Draft {
        transport: Some(TransportKind::Simulated),
        nodes: Some(3_000),
        threads: Some(2),
        down: Some("10%,by=degree".parse().unwrap()),
        ttl: Some(Ttl::Auto),
        orders: Some(4),
        rate: Some(Rate::per_second(100)),
        ..Draft::default()
    };
    let (before, within) = try_all(&draft);
    assert!(before >= 10 && within >= 3, "{before} {within}");
    let plain = Draft { down: None, orders: None, rate: None, ..draft };
    let varies = Latency::Uniform { least: Nanos::from_millis(10), greatest: Nanos::from_millis(90) };
    for draft in [plain.clone(), Draft { latency: Some(varies.into()), ..plain }] {
        let (before, within) = try_all(&draft);
        assert!(before >= 10 && within >= 3, "{before} {within}");
    }
}

#[test]
fn on_carriers_too() {
    let real = |transport: &TransportKind| transport.is_available() && !transport.is_virtual();
    for transport in TransportKind::ALL.iter().copied().filter(real) {
        let draft = Draft { transport: Some(transport), nodes: Some(500), threads: Some(2), ..Draft::default() };
        assert!(interrupted_at(&draft, 1).is_none());
        // The overlay, the search and the sockets come first.
        let first = (1..).find_map(|look| interrupted_at(&draft, look)).unwrap();
        assert!(first.end == End::Interrupted && first.ledger.is_balanced(), "{:?}", first.ledger);
    }
}
