//! Hand-built records for the tests of figures and reports, and the document that they are compared with.

use crate::ids::NodeId;
use crate::ratio::Ratio;
use crate::record::{
    AccessLinkRecord, BulkRecord, CarrierCounts, ClusterProcessRecord, DelayHistogram, DepartureDelays, End,
    GroupDelays, GroupKind, GroupRecord, Ledger, LinkSideRecord, LinkUse, MachineTimes, NodePlaces, OrderOutcome,
    OrderRecord, OverlayFacts, ProcessRecord, ProtocolSource, Receipt, Receipts, RunRecord, SpyRecord, Traffic,
    WorkerRecord,
};
use crate::time::Nanos;
use crate::topology::NodeNames;
use crate::wire::{Stray, StrayCounts};

/// The document that describes every field and column.
pub(crate) const DOCUMENT: &str = include_str!("../../docs/REPORT.md");

/// Bytes of one sample datagram.
const DATAGRAM_BYTES: u32 = 60;

/// Returns the names in the first column of the tables under a heading of the document.
pub(crate) fn documented(heading: &str) -> Vec<&'static str> {
    let section =
        DOCUMENT.split("\n## ").find(|section| section.starts_with(heading)).expect("a heading of the document");
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

/// Makes a bulk of two orders on ten nodes: one reached its target, one missed it.
pub(crate) fn bulk_record() -> RunRecord {
    let traffic = vec![Traffic { copies: 10, firsts: 1, sent: 10, bytes_in: 600, bytes_out: 600 }; 10];
    let mut record = record(vec![Receipt::NONE; 10], traffic, vec![0, 5], End::Quiescent);
    let time_to = [10_000, 20_000, 25_000, 20_000].map(|time| Some(Nanos(time)));
    let target = OrderRecord {
        origin: NodeId(4),
        due: Nanos(0),
        published_late: Some(Nanos(1_000)),
        payload_bytes: 16,
        counted: 10,
        reached: 10,
        sent: 80,
        received: 80,
        time_to,
        time_to_end: Some(Nanos(30_000)),
        outcome: OrderOutcome::Reached,
    };
    let missed = OrderRecord {
        origin: NodeId(5),
        due: Nanos::from_millis(10),
        published_late: Some(Nanos(2_000)),
        payload_bytes: 0,
        counted: 10,
        reached: 3,
        sent: 24,
        received: 24,
        time_to: [None; 4],
        time_to_end: Some(Nanos(9_000)),
        outcome: OrderOutcome::Missed,
    };
    let mut delays = DelayHistogram::new();
    (1..=13).for_each(|delay| delays.record(Nanos(delay * 1_000)));
    record.receipts = Receipts::Each(Vec::new());
    record.bulk = Some(BulkRecord { orders: vec![target, missed], delays, hops: vec![2, 8, 3], window: 2 });
    record
}

/// Makes a chain of three nodes on two shards: node 1 forwards to one of its peers, back to node 0, so node 2 is not
/// reached.
pub(crate) fn three_nodes() -> RunRecord {
    let receipts = vec![receipt(0, 0, 0), receipt(1_500, 0, 1), Receipt::NONE];
    let traffic = vec![traffic(1, 1), traffic(1, 1), traffic(0, 0)];
    let mut record = record(receipts, traffic, vec![0, 2], End::Quiescent);
    record.degrees = vec![1, 2, 1];
    record
}

/// Makes a run whose latency distribution is that of the project's first example: 984 of 1000 nodes, 95 % at the 950th.
pub(crate) fn thousand_nodes_record() -> RunRecord {
    const BINS: [u64; 10] = [95, 229, 191, 149, 115, 74, 55, 39, 24, 13];
    const BIN_NS: u64 = 92_954;
    let bins = BINS.iter().zip(0..);
    let times = bins.flat_map(|(&count, bin)| (0..count).map(move |i| bin * BIN_NS + BIN_NS * i / (count - bin / 9)));
    let mut receipts = vec![Receipt::NONE; 1_000];
    let mut traffic_by_node = vec![Traffic::default(); 1_000];
    for (rank, time) in (0_u32..).zip(times) {
        // 387 has no factor in common with 1000, so the ranks fall on different nodes, spread over both shards.
        let node = (rank * 387 % 1_000) as usize;
        receipts[node] = receipt(time, rank / 8 * 387 % 1_000, hop_of(rank));
        traffic_by_node[node] = traffic(u32::from(rank > 0) + rank * 5 % 14, if rank < 930 { 8 } else { 0 });
    }
    let mut record = record(receipts, traffic_by_node, vec![0, 500], End::Target);
    record.ledger.strays.add(Stray::BadVersion);
    (0..3).for_each(|_| record.ledger.strays.add(Stray::WrongToken));
    record.ledger.queued_unsent = 432;
    record.workers[1].queued_unsent = 432;
    record
}

/// Makes the same record with everything that only some runs have: a group, access links, and spies.
pub(crate) fn record_of_everything() -> RunRecord {
    let group = GroupRecord {
        kind: GroupKind::Region,
        name: "europe".to_owned(),
        nodes: 400,
        counted: 390,
        delays: GroupDelays::Each(vec![1_000; 380]),
        duplicates: Some(400),
        bytes_in: Some(60_000),
        bytes_out: Some(50_000),
    };
    let spies = Some(SpyRecord { nodes: 50, orders: 1, seen: 1, right: 1 });
    let side = LinkSideRecord {
        queue_bytes: 88_000,
        queue_drains_in: Nanos::from_millis(88),
        offered_bytes: 88_000,
        busiest: Nanos(506_172),
        used: vec![LinkUse { bytes: 506, busy: Nanos(506_172) }, LinkUse { bytes: 88, busy: Nanos(88_000) }],
        spread: None,
    };
    let access_links = AccessLinkRecord { up: Some(side.clone()), down: Some(side) };
    let mut departures = DepartureDelays { entered: 3, held: 3_000_000, ..DepartureDelays::default() };
    [0, 1_000, 5_000].into_iter().for_each(|late| departures.late.record(Nanos(late)));
    let departures = Some(departures);
    let process = ClusterProcessRecord {
        pid: 4_711,
        workers: 2,
        nodes: 1_000,
        busy: Nanos::from_millis(5),
        waited: Nanos::from_millis(1),
        peak_memory_bytes: Some(12 << 20),
        meetings: 40,
        events_sent: 3_960,
        bytes_sent: 95_040,
        settling_meetings: 2,
        settled_events: 1_980,
        waiting_bytes: 1 << 20,
        crossing_bytes: 190_080,
    };
    let cluster = vec![process];
    RunRecord { groups: vec![group], spies, departures, access_links, cluster, ..thousand_nodes_record() }
}

fn hop_of(rank: u32) -> u8 {
    [1, 9, 71, 435, 970].partition_point(|&first| first <= rank) as u8
}

/// Makes a receipt at `time` from `sender`.
pub(crate) fn receipt(time: u64, sender: u32, hop: u8) -> Receipt {
    Receipt { time: Nanos(time), sender: NodeId(sender), hop }
}

/// Makes the traffic of a node that received `copies` messages and sent `sent`.
pub(crate) fn traffic(copies: u32, sent: u32) -> Traffic {
    let bytes = |messages: u32| u64::from(messages) * u64::from(DATAGRAM_BYTES);
    Traffic {
        copies: copies.into(),
        firsts: copies.min(1),
        sent: sent.into(),
        bytes_in: bytes(copies),
        bytes_out: bytes(sent),
    }
}

/// Makes a record whose counts by worker and ledger follow from those by node: messages that did not arrive are in
/// flight.
pub(crate) fn record(receipts: Vec<Receipt>, traffic: Vec<Traffic>, shard_starts: Vec<u32>, end: End) -> RunRecord {
    let nodes = receipts.len();
    let bounds: Vec<usize> = shard_starts.iter().map(|&start| start as usize).chain([nodes]).collect();
    let shards = bounds.windows(2).enumerate();
    let workers: Vec<WorkerRecord> = shards
        .map(|(core, bounds)| worker(core, &receipts[bounds[0]..bounds[1]], &traffic[bounds[0]..bounds[1]]))
        .collect();
    RunRecord {
        end,
        at_rest: end == End::Quiescent,
        nodes: nodes as u32,
        names: NodeNames::default(),
        places: NodePlaces::default(),
        protocol: ProtocolSource::Scenario,
        elapsed: Nanos(1_012_345),
        is_virtual: false,
        machine: MachineTimes { wall: Nanos(1_012_345), setup: Nanos(12_345_678) },
        overlay: OverlayFacts {
            mean_degree: 19.968,
            max_degree: 36,
            origin: 0,
            reachable: Some(nodes as u32),
            depth: Some(4),
        },
        target: Ratio::new(95, 100).unwrap(),
        overloaded: false,
        ttl: 6,
        datagram_bytes: DATAGRAM_BYTES,
        receipts: Receipts::Each(receipts),
        counted: None,
        curve: None,
        departures: None,
        bulk: None,
        traffic,
        degrees: vec![20; nodes],
        shard_starts,
        tallies: Vec::new(),
        kinds: Vec::new(),
        measured: None,
        ledger: ledger(&workers),
        cluster: Vec::new(),
        traffic_summary: None,
        processes: vec![ProcessRecord { pid: 4_711, workers: workers.len() as u32 }],
        workers,
        digest: None,
        access_links: AccessLinkRecord::default(),
        spies: None,
        groups: Vec::new(),
        trace: None,
        notices: Vec::new(),
    }
}

fn worker(core: usize, receipts: &[Receipt], traffic: &[Traffic]) -> WorkerRecord {
    let sent = traffic.iter().map(|node| node.sent).sum();
    let received = traffic.iter().map(|node| node.copies).sum();
    let reached = receipts.iter().filter(|receipt| receipt.is_reached()).count() as u64;
    let origins = receipts.iter().filter(|receipt| receipt.is_reached() && receipt.hop == 0).count() as u64;
    WorkerRecord {
        nodes: receipts.len() as u32,
        core: Some(core),
        sent,
        received,
        duplicates: received - (reached - origins),
        reached,
        published: origins,
        batches: received / 20,
        turns: received / 16,
        sleeps: 3,
        carrier: CarrierCounts { kernel_datagrams: sent, kernel_dropped: Some(0), ..CarrierCounts::default() },
        ..WorkerRecord::default()
    }
}

fn ledger(workers: &[WorkerRecord]) -> Ledger {
    let sum = |count: fn(&WorkerRecord) -> u64| workers.iter().map(count).sum::<u64>();
    let (sent, received) = (sum(|worker| worker.sent), sum(|worker| worker.received));
    Ledger {
        sent,
        received,
        queued_unsent: 0,
        in_flight_at_stop: sent - received,
        kernel_dropped: Some(0),
        missing: None,
        held: 0,
        model_lost: 0,
        model_dropped: 0,
        uplink_dropped: 0,
        model_duplicated: 0,
        strays: StrayCounts::default(),
        parts: None,
        explained_receipts: received as i64,
        ended_quiet: false,
    }
}
