//! Reports of hand-built records, for the report's tests.

use super::{Environment, Host, Report};
use crate::analysis::Row;
pub(super) use crate::analysis::fixtures::*;
use crate::ids::NodeId;
use crate::ratio::Ratio;
use crate::record::RunRecord;
use crate::scenario::{
    BulkOptions, CarrierOptions, Engine, FailureOptions, OverlayOptions, PayloadBytes, Pin, ProtocolKind,
    ProtocolOptions, RunOptions, Scenario, ScenarioValues, Spin, TransportKind, Ttl, Until, WindowSize,
    WorkloadOptions,
};
use crate::time::Nanos;
use crate::topology::TopologySpec;
use crate::workload::{Arrivals, Origins, Rate};
use serde_json::json;

/// Makes a scenario of this many nodes, otherwise with the defaults for a thousand.
pub(super) fn scenario(nodes: u32) -> Scenario {
    Scenario::unchecked(ScenarioValues {
        overlay: OverlayOptions { nodes, topology: TopologySpec::ErdosRenyi, edge_list: None, peers: 20 },
        protocol: ProtocolOptions {
            spec: ProtocolKind::Push.into(),
            mix: None,
            fanout: 8,
            ttl: Ttl::Hops(6),
            exclude_sender: false,
            retry: None,
            announce_interval: None,
            stakes: None,
            warm_up: None,
        },
        membership: None,
        workload: WorkloadOptions {
            origins: Origins::One(NodeId(0)),
            bulk: None,
            payload_bytes: PayloadBytes::exactly(0),
            publications: None,
        },
        carrier: CarrierOptions {
            transport: TransportKind::Udp,
            engine: Engine::Auto,
            processes: 1,
            threads: 2,
            pin: Pin::Spread,
            spin: Spin::Auto,
            receive_buffer: None,
            charge_serialization: false,
        },
        network: None,
        failures: FailureOptions::default(),
        run: RunOptions {
            target: Ratio::new(95, 100).unwrap(),
            until: Until::Target,
            timeout: Some(Nanos::from_secs(3)),
            seed: 42,
            runs: 1,
            same_seed: false,
            name: None,
        },
    })
}

/// Makes an environment that does not depend on the machine that runs the tests.
pub(super) fn setting() -> Environment {
    Environment {
        version: "0.1.0".to_owned(),
        host: Host { kernel: "Linux 6.18.0".to_owned(), cpu: "Sample CPU @ 2.30GHz".to_owned(), cores: 2 },
        options: json!({
            "nodes": 1000, "threads": 2, "topology": "erdos-renyi", "peers": 20, "fanout": 8, "ttl": 6,
            "exclude-sender": false, "target": 0.95, "until": "target", "timeout": "3s", "seed": 42, "origin": 0,
            "payload-bytes": 0, "pin": "spread", "spin": "auto", "receive-buffer": null, "runs": 1,
        }),
        replay: "bulkprop --nodes 1000 --threads 2 --seed 42".to_owned(),
    }
}

/// Makes the report of [`bulk_record`].
pub(super) fn bulk_report() -> Report {
    report_of_bulk(&bulk_record())
}

/// Makes the report of a bulk of two orders.
pub(super) fn report_of_bulk(record: &RunRecord) -> Report {
    let rate = Rate::per_second(100);
    let bulk = BulkOptions { orders: 2, rate, arrivals: Some(Arrivals::Constant), window: WindowSize::Auto };
    let mut values = (*scenario(10)).clone();
    values.workload.bulk = Some(bulk);
    let scenario = Scenario::unchecked(values);
    Report::new(&scenario, setting(), record, Vec::new(), None)
}

/// Makes the report of these records under the sample scenario.
pub(super) fn report(records: &[RunRecord]) -> Report {
    let (first, others) = records.split_first().expect("a record to report");
    let runs = records.len() as u32;
    let mut values = (*scenario(first.nodes)).clone();
    values.run.runs = runs;
    let scenario = Scenario::unchecked(values);
    let row = |(run, record)| Row::new(run, scenario.seed_of(run), record);
    Report::new(&scenario, setting(), first, (1..).zip(others).map(row).collect(), None)
}

/// Makes the report of [`thousand_nodes_record`].
pub(super) fn thousand_nodes() -> Report {
    report(&[thousand_nodes_record()])
}

/// Makes the report of a run with everything that only some runs have: a group, access links, and spies.
pub(super) fn thousand_nodes_and_groups() -> Report {
    report(&[record_of_everything()])
}
