//! Tests that a stranger who floods every port of a run changes nothing but the counters. In a binary of its own,
//! because it finds the ports of every socket in its process.

use bulk_order_propagation::record::RunRecord;
use bulk_order_propagation::scenario::{Draft, TransportKind, Ttl, Until};
use bulk_order_propagation::simulation;
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::threads::Observer;
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::wire::{DATAGRAM_BYTES_MAX, Stray};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const NODES: u32 = 300;

/// Rounds over all ports before the order is published, so that the run finds strays in every socket.
const ROUNDS_BEFORE: usize = 5;

/// An observer that holds the first worker at the start of its loop until the flood has begun.
struct HeldStart {
    is_released: AtomicBool,
}

/// Ends the flood when dropped, even if the run fails.
#[cfg(target_os = "linux")]
struct Over<'a>(&'a AtomicBool);

#[cfg(target_os = "linux")]
impl Drop for Over<'_> {
    fn drop(&mut self) {
        // Ordering: Relaxed; it only ends the flood.
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Observer for HeldStart {
    fn loop_entered(&self, worker: usize) {
        // Ordering: Relaxed; it only starts the run.
        while worker == 0 && !self.is_released.load(Ordering::Relaxed) {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

/// Number of workers, and on `udp-shard` of sockets.
const THREADS: u32 = 2;

fn scenario(transport: TransportKind) -> Draft {
    Draft {
        transport: Some(transport),
        nodes: Some(NODES),
        threads: Some(THREADS),
        fanout: Some(4),
        ttl: Some(Ttl::Hops(255)),
        until: Some(Until::Quiescent),
        seed: Some(9),
        timeout: Some(Nanos::from_secs(60)),
        ..Draft::default()
    }
}

fn run(transport: TransportKind, observer: &dyn Observer) -> RunRecord {
    simulation::run_observed(&scenario(transport).build().unwrap(), &Interrupt::new(), observer).unwrap()
}

/// The loopback ports of this process's sockets, other than `own`.
#[cfg(target_os = "linux")]
fn bound_ports(own: u16) -> Vec<SocketAddr> {
    let ours: Vec<String> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let table = std::fs::read_to_string("/proc/net/udp").unwrap();
    let port = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (host, port) = fields.get(1)?.split_once(':')?;
        // 127.0.0.1 in the byte order of this machine's kernel table; the tenth field is the socket's inode.
        let is_loopback = u32::from_str_radix(host, 16).ok()?.to_ne_bytes() == [127, 0, 0, 1];
        let is_ours = ours.iter().any(|inode| Some(&inode.as_str()) == fields.get(9));
        (is_loopback && is_ours).then(|| u16::from_str_radix(port, 16).ok())?
    };
    let ports = table.lines().skip(1).filter_map(port).filter(|&port| port != own);
    ports.map(|port| ([127, 0, 0, 1], port).into()).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_flood_of_strays_changes_nothing_but_the_counters() {
    // One after the other, because each finds its ports among those of the process.
    for (transport, sockets) in [(TransportKind::Udp, NODES), (TransportKind::UdpShard, THREADS)] {
        assert_flood_changes_only_counters(transport, sockets as usize);
    }
}

#[cfg(target_os = "linux")]
fn assert_flood_changes_only_counters(transport: TransportKind, sockets: usize) {
    let quiet = run(transport, &());
    let start = HeldStart { is_released: AtomicBool::new(false) };
    let (over, record) = (AtomicBool::new(false), Mutex::new(None));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _over = Over(&over);
            *record.lock().unwrap() = Some(run(transport, &start));
        });
        flood(&start, &over, sockets);
    });
    let flooded = record.into_inner().unwrap().unwrap();
    assert!(flooded.ledger.strays.total() >= ((ROUNDS_BEFORE - 1) * sockets) as u64, "{:?}", flooded.ledger);
    for kind in [Stray::BadVersion, Stray::Truncated, Stray::Oversized, Stray::WrongToken] {
        assert!(flooded.ledger.strays.of(kind) > 0, "no {} among {:?}", kind.name(), flooded.ledger);
    }
    assert!(flooded.ledger.is_balanced(), "{:?}", flooded.ledger);
    assert_eq!((flooded.reached(), flooded.ledger.sent), (quiet.reached(), quiet.ledger.sent));
    assert_eq!(flooded.ledger.received, quiet.ledger.received);
    let nodes = |record: &RunRecord| record.traffic.clone();
    assert_eq!(nodes(&flooded), nodes(&quiet), "what each node received and sent");
}

/// Sends strays of four kinds to every bound port: a few rounds before the run starts, and on until it is over. It
/// pauses between rounds, because more than a socket's buffer holds would drop the run's own datagrams, and rightly.
#[cfg(target_os = "linux")]
fn flood(start: &HeldStart, over: &AtomicBool, sockets: usize) {
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let own = stranger.local_addr().unwrap().port();
    let mut ports = bound_ports(own);
    // Ordering: Relaxed; it only ends the flood.
    while ports.len() < sockets && !over.load(Ordering::Relaxed) {
        std::thread::park_timeout(Duration::from_millis(1));
        ports = bound_ports(own);
    }
    let strays = [vec![], vec![9; 60], vec![1; 60], vec![1; DATAGRAM_BYTES_MAX + 200]];
    // Ordering: Relaxed; it only ends the flood.
    for round in (0..).take_while(|_| !over.load(Ordering::Relaxed)) {
        for (at, port) in ports.iter().enumerate() {
            // A port that closes meanwhile is not a failure.
            let _ = stranger.send_to(&strays[(at + round) % strays.len()], port);
        }
        if round + 1 == ROUNDS_BEFORE {
            // Ordering: Relaxed; it only starts the run.
            start.is_released.store(true, Ordering::Relaxed);
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
