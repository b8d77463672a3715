//! A trace is planned before its run.

use crate::scenario::{Draft, ProtocolKind, TransportKind, Ttl};
use crate::simulation::{Runner, SimulationError, TraceError, TraceRequest};
use crate::sync::Interrupt;
use std::path::Path;

fn request(folder: &Path, shares_disk: bool) -> TraceRequest {
    TraceRequest { path: "t.csv".into(), folder: folder.to_owned(), shares_disk }
}

/// Returns the lines that are expected of a draft.
fn lines(draft: Draft) -> u64 {
    let draft = Draft { transport: Some(TransportKind::Simulated), seed: Some(7), nodes: Some(500), ..draft };
    let (scenario, interrupt) = (draft.build().unwrap(), Interrupt::new());
    let runner = Runner::new(&scenario, &interrupt, &()).unwrap();
    runner.plan_trace(&request(&std::env::temp_dir(), false)).unwrap().lines
}

#[test]
fn the_lines_of_each_protocol_are_expected() {
    let of = |protocol: ProtocolKind| Draft { protocol: Some(protocol.into()), ..Draft::default() };
    assert_eq!(lines(Draft { fanout: Some(6), ..of(ProtocolKind::Push) }), 3_000);
    assert_eq!(
        lines(Draft {
            fanout: Some(6),
            orders: Some(10),
            rate: Some("1k/s".parse().unwrap()),
            ..of(ProtocolKind::Push)
        }),
        30_000
    );
    assert_eq!(
        lines(Draft { fanout: Some(6), duplicate: Some("0.5".parse().unwrap()), ..of(ProtocolKind::Push) }),
        4_500
    );
    // Announcements, and for each other node a request and the order.
    assert_eq!(lines(Draft { fanout: Some(6), ..of(ProtocolKind::Lazy) }), 3_000 + 2 * 499);
    // Two messages cross each link of a flood but those over which the order came first.
    let ring = Draft { topology: Some("ring".parse().unwrap()), ttl: Some(Ttl::Hops(255)), ..of(ProtocolKind::Flood) };
    assert_eq!(lines(ring.clone()), 501);
    // Within its TTL an order gets to ten nodes each side, and no further.
    assert_eq!(lines(Draft { ttl: Some(Ttl::Hops(10)), ..ring }), 20);
}

#[test]
fn a_trace_takes_the_memory_of_its_rows_up_to_the_buffers_of_the_merge() {
    let memory = |orders, threads| {
        let draft = Draft {
            transport: Some(TransportKind::Simulated),
            nodes: Some(500),
            fanout: Some(6),
            orders: Some(orders),
            rate: (orders > 1).then(|| "1k/s".parse().unwrap()),
            threads: Some(threads),
            ..Draft::default()
        };
        let (scenario, interrupt) = (draft.build().unwrap(), Interrupt::new());
        Runner::new(&scenario, &interrupt, &()).unwrap().trace_memory()
    };
    // 3,000 rows of 40 bytes for each order.
    assert_eq!((memory(1, 1), memory(10, 2)), (120_000, 1_200_000));
    assert_eq!(memory(1_000, 2), 64 << 20);
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_without_room_is_an_error_before_the_run() {
    let draft = Draft { transport: Some(TransportKind::Simulated), nodes: Some(100), ..Draft::default() };
    let (scenario, interrupt) = (draft.build().unwrap(), Interrupt::new());
    let runner = Runner::new(&scenario, &interrupt, &()).unwrap();
    // No file fits there.
    let planned = runner.plan_trace(&request(Path::new("/proc"), true));
    let Err(SimulationError::Trace(error @ TraceError::NoRoom { needed, left: 0, .. })) = planned else {
        panic!("{planned:?}")
    };
    assert!(needed > 100 * 40 && error.is_usage(), "{error}");
    let said = error.to_string();
    assert!(said.starts_with("--trace \"t.csv\": about ") && said.contains("name a file on another disk"), "{said}");
}
