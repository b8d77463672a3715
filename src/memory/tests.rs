//! Tests needs computed by hand, limits in Linux's format, and the error if one exceeds the other. `tests/it/memory.rs`
//! compares the sums with the measured memory of the binary.

use super::*;
use crate::ids::NodeId;
use crate::record::Traffic;
use crate::scenario::{Draft, Engine, ProtocolKind, TransportKind};
use crate::sync::Interrupt;
use crate::topology::TopologySpec;
use crate::workload::Rate;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn bulk(nodes: u32, orders: u32, threads: u32) -> Scenario {
    let draft = Draft {
        transport: Some(TransportKind::Simulated),
        nodes: Some(nodes),
        orders: Some(orders),
        rate: Some(Rate::per_second(1_000_000)),
        threads: Some(threads),
        engine: Some(Engine::General),
        ..Draft::default()
    };
    draft.build().unwrap()
}

#[test]
fn a_receipt_for_each_node_and_order_is_most_of_it() {
    let need = MemoryNeed::of(&bulk(10_000, 1_000_000, 1));
    assert_eq!(need.greatest(), (MemoryPart::Receipts, 160_000_000_000));
    assert!((160_000_000_000..175_000_000_000).contains(&need.bytes()), "{need:?}");
    // Combined from two shards, they exist twice.
    assert_eq!(MemoryNeed::of(&bulk(10_000, 1_000_000, 2)).greatest(), (MemoryPart::Receipts, 320_000_000_000));
}

#[test]
#[cfg(all(target_os = "linux", not(portable)))]
fn each_process_has_an_overlay_and_so_has_the_parent() {
    let overlay = |processes| {
        let draft = Draft { nodes: Some(1_000_000), processes: Some(processes), threads: Some(1), ..Draft::default() };
        let transport = Some(TransportKind::UdpShard);
        let need = MemoryNeed::of(&Draft { transport, ..draft }.build().unwrap());
        need.parts.iter().find(|part| part.0 == MemoryPart::Overlay).unwrap().1
    };
    assert_eq!((overlay(1), overlay(4)), (84_000_004, 5 * 84_000_004));
}

/// Bytes of a part in the greatest phase.
fn part(need: &MemoryNeed, part: MemoryPart) -> u64 {
    need.parts.iter().filter(|(of, _)| *of == part).map(|(_, bytes)| bytes).sum()
}

#[test]
fn a_computed_overlay_is_stored_for_a_protocol_whose_nodes_know_their_peers() {
    let draft = Draft {
        transport: Some(TransportKind::Memory),
        topology: Some(TopologySpec::RegularImplicit),
        nodes: Some(10_000),
        peers: Some(12),
        threads: Some(1),
        ..Draft::default()
    };
    let scenario = draft.build().unwrap();
    assert_eq!(part(&MemoryNeed::of(&scenario), MemoryPart::Overlay), 0);
    let knowing = ProtocolTraits { needs_peers: true, ..scenario.protocol.kind().traits() };
    let interrupt = Interrupt::new();
    let stored = scenario.overlay_unless(&interrupt).unwrap().materialized(&interrupt).unwrap().unwrap();
    let entries: u64 = (0..10_000).map(|node| u64::from(stored.degree(NodeId(node)))).sum();
    let need = part(&MemoryNeed::under(&scenario, &knowing), MemoryPart::Overlay);
    // Pairs that the family draws twice are stored once.
    let taken = 4 * entries + 4 * 10_001;
    assert!((taken..taken + taken / 500).contains(&need), "{need} for {taken}");
}

/// A computed overlay of many slots is not searched, whoever stores its rows.
#[test]
fn a_large_computed_overlay_takes_no_search() {
    let searched = |nodes: u32| {
        let draft = Draft {
            transport: Some(TransportKind::Simulated),
            topology: Some(TopologySpec::RegularImplicit),
            nodes: Some(nodes),
            peers: Some(16),
            ..Draft::default()
        };
        let scenario = draft.build().unwrap();
        let overlay = scenario.overlay_unless(&Interrupt::new()).unwrap();
        let is_searched = scenario.overlay.topology.is_searched(nodes, 16);
        assert_eq!(crate::topology::reach(&overlay, NodeId(0)).is_some(), is_searched, "{nodes} nodes");
        is_searched
    };
    assert_eq!([1 << 18, (1 << 18) + 1].map(searched), [true, false]);
}

#[test]
fn each_access_link_and_each_queue_for_processing_is_counted() {
    let nodes = |bandwidth: Option<&str>, processing: Option<&str>| {
        let draft = Draft {
            transport: Some(TransportKind::Simulated),
            engine: Some(Engine::General),
            nodes: Some(10_000),
            threads: Some(1),
            bandwidth: bandwidth.map(|bandwidth| bandwidth.parse().unwrap()),
            processing: processing.map(|time| time.parse().unwrap()),
            ..Draft::default()
        };
        part(&MemoryNeed::of(&draft.build().unwrap()), MemoryPart::Nodes) / 10_000
    };
    // A link has the times until it is free, and beside them the bytes that it carried and the time that they took;
    // where links take more than the second copies of these and of the traffic, which are made once links are gone,
    // they are the greatest.
    for (bandwidth, processing, links, used) in [
        (None, None, 0, 0),
        (Some("up=1Mbit"), None, 16, 16),
        (Some("up=1Mbit,down=9Mbit"), None, 32, 32),
        (None, Some("1ms"), 16, 0),
        (Some("up=1Mbit,down=9Mbit"), Some("1ms"), 48, 32),
        (Some("up=1Mbit,down=9Mbit,share=fair"), Some("1ms"), 52, 32),
    ] {
        let traffic = size_of::<Traffic>() as u64;
        // A sequence number and two counts stay all the time; the ranks of the report come to what is left at the end.
        let (running, closing) = (4 + 8 + used + links.max(traffic + used), traffic + used + 20);
        let expected = running.max(closing);
        assert_eq!(nodes(bandwidth, processing), expected, "{bandwidth:?} {processing:?}");
    }
}

#[test]
fn a_protocol_that_requests_has_a_slot_a_node_and_a_byte_for_what_each_sends_again() {
    let parts = |protocol: ProtocolKind| {
        let scenario = bulk(10_000, 30, 2).with(Draft { protocol: Some(protocol.into()), ..Draft::default() });
        let need = MemoryNeed::of(&scenario.unwrap());
        [part(&need, MemoryPart::Nodes), part(&need, MemoryPart::Window)]
    };
    let ([push_nodes, push_window], [nodes, window]) = (parts(ProtocolKind::Push), parts(ProtocolKind::Lazy));
    // The bytes of its control messages do not follow from the number of orders.
    assert_eq!((nodes - push_nodes, window - push_window), (4 * 16_384 + 16 * 10_000, 30 * 10_000));
}

#[test]
fn too_great_a_need_is_refused_with_flag_need_and_available_memory() {
    let there = AvailableMemory { bytes: 24_000_000_000, bound: MemoryBound::Machine, shared_by: 1 };
    let error = fits(MemoryNeed::of(&bulk(10_000, 1_000_000, 1)), there).unwrap_err().to_string();
    let start = "--nodes 10000 with --orders 1000000: the run takes at least 16";
    assert!(error.starts_with(start), "{error}");
    for said in ["160.0 GB of it for first receipts", "this machine has available 24.0 GB", "fewer --orders or --nodes"]
    {
        assert!(error.contains(said), "{error}");
    }
    assert!(fits(MemoryNeed::of(&bulk(10_000, 1_000, 1)), there).is_ok());
}

/// Processes of a cluster on one machine begin to take its memory together; an address space is each one's own.
#[test]
fn processes_of_one_machine_share_its_memory() {
    let there = AvailableMemory { bytes: 24_000_000_000, bound: MemoryBound::Machine, shared_by: 1 };
    assert_eq!(there.shared_by(3).bytes, 8_000_000_000);
    let error = fits(MemoryNeed::of(&bulk(10_000, 100_000, 1)), there.shared_by(3)).unwrap_err().to_string();
    assert!(error.contains("for each of 3 processes this machine has available 8.0 GB"), "{error}");
    let own = AvailableMemory { bound: MemoryBound::AddressSpace, ..there };
    assert_eq!(own.shared_by(3), own);
}

#[test]
fn a_trace_takes_memory_beside_its_run() {
    let need = MemoryNeed::of(&bulk(100, 2, 2));
    let traced = need.clone().with_trace(64 << 20);
    assert_eq!((traced.bytes() - need.bytes(), traced.greatest()), (64 << 20, (MemoryPart::Trace, 64 << 20)));
    let there = AvailableMemory { bytes: 32 << 20, bound: MemoryBound::Machine, shared_by: 1 };
    let error = fits(traced, there).unwrap_err().to_string();
    for said in ["67.1 MB of it for the rows of the trace", "ask for no --trace, or for fewer --threads"] {
        assert!(error.contains(said), "{error}");
    }
    assert!(fits(need, there).is_ok());
}

#[test]
fn runs_side_by_side_have_room_for_their_messages() {
    assert_eq!([at_once(1_000, 8_000), at_once(1_000, 1), at_once(0, 5)], [4, 1, 5]);
}

/// Creates the files of a machine.
fn machine(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal:  100 kB\nMemAvailable:     5000000 kB\n");

fn there(root: &Path) -> (u64, MemoryBound) {
    let there = AvailableMemory::under(root, 1).unwrap();
    (there.bytes, there.bound)
}

#[test]
fn the_machine_bounds_where_nothing_else_does() {
    let root = machine(&[MEMINFO, ("proc/self/limits", "Max address space  unlimited  unlimited  bytes\n")]);
    assert_eq!(there(root.path()), (5_000_000 * 1_024, MemoryBound::Machine));
    assert_eq!(AvailableMemory::under(machine(&[]).path(), 1), None);
}

#[test]
fn the_lowest_limit_of_all_ancestor_groups_bounds() {
    let root = machine(&[
        MEMINFO,
        ("proc/self/cgroup", "0::/a/b\n"),
        ("sys/fs/cgroup/a/b/memory.max", "max\n"),
        ("sys/fs/cgroup/a/memory.max", "4000000000\n"),
        ("sys/fs/cgroup/a/memory.current", "1500000000\n"),
        ("sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file 500000000\n"),
    ]);
    assert_eq!(there(root.path()), (3_000_000_000, MemoryBound::ControlGroup));
}

#[test]
fn version_1_groups_bound_too_and_a_container_sees_its_own_as_the_root() {
    let root = machine(&[
        MEMINFO,
        ("proc/self/cgroup", "5:cpu,cpuacct:/x\n9:memory:/docker/0123\n"),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000000\n"),
        ("sys/fs/cgroup/memory/memory.usage_in_bytes", "500000000\n"),
        ("sys/fs/cgroup/memory/memory.stat", "cache 9\ntotal_inactive_file 100000000\n"),
    ]);
    assert_eq!(there(root.path()), (1_600_000_000, MemoryBound::ControlGroup));
}

#[test]
fn the_address_space_bounds() {
    let root = machine(&[
        MEMINFO,
        ("proc/self/limits", "Max cpu time  unlimited\nMax address space         1000000000  unlimited  bytes\n"),
        ("proc/self/status", "Name: x\nVmSize:\t  100000 kB\n"),
    ]);
    assert_eq!(there(root.path()), ((1_000_000_000 - 102_400_000 - (66 << 20)) / 4 * 3, MemoryBound::AddressSpace));
}
