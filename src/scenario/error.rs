//! The contradictions within a draft that does not make a scenario. Every message names the options, the requested
//! values, the limit, and what to do.

use super::bad_value::{BadValue, shown};
use super::kinds::{Choice, ProtocolKind};
use super::limits::{self, THREADS};
use super::membership_mismatch::MembershipMismatch;
use super::payload::PayloadBytes;
use super::protocol_mismatch::ProtocolMismatch;
use super::protocol_spec::ProtocolSpec;
use super::transport_kind::{TransportKind, carriers_that};
use super::until::Until;
use crate::network::{BandwidthUseError, LatencySpec, LinkFault, PlaceFault, RegionSpec};
use crate::protocol::StakeFault;
use crate::table::TableError;
use crate::time::Nanos;
use crate::topology::{TopologyError, TopologySpec};
use crate::workload::{PublicationFault, Rate};

/// The reason why a draft cannot be run as it stands.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// One value is outside its limit.
    #[error(transparent)]
    BadValue(#[from] BadValue),

    /// A run cannot end at an instant and by a time limit.
    #[error(
        "--timeout {} with --until {until}: the run ends at that instant, whatever has become of its orders; leave \
         --timeout out",
        timeout.written()
    )]
    TwoEnds {
        /// The instant asked for.
        until: Until,
        /// The time limit asked for.
        timeout: Nanos,
    },

    /// Some workers would own no node.
    #[error("--threads {threads} with --nodes {nodes}: each worker needs a node; ask for at most --threads {nodes}")]
    IdleThreads {
        /// The threads asked for.
        threads: usize,
        /// The number of nodes.
        nodes: u32,
    },

    /// Some processes would own no node.
    #[error(
        "--processes {processes} with --nodes {nodes}: each process needs a node; ask for at most --processes {nodes}"
    )]
    IdleProcesses {
        /// The processes asked for.
        processes: usize,
        /// The number of nodes.
        nodes: u32,
    },

    /// Some workers of the processes would own no node.
    #[error(
        "--processes {processes} with --threads {threads} and --nodes {nodes}: each of the {} workers needs a node; \
         ask for at most --threads {}",
        processes * threads,
        *nodes as usize / processes
    )]
    IdleWorkers {
        /// The processes asked for.
        processes: usize,
        /// The threads asked for.
        threads: usize,
        /// The number of nodes.
        nodes: u32,
    },

    /// More workers than a run takes.
    #[error(
        "--processes {processes} with --threads {threads}: a run takes at most {} worker threads, and these are {}; \
         ask for at most --threads {}",
        THREADS.most,
        processes * threads,
        THREADS.most as usize / processes
    )]
    TooManyWorkers {
        /// The processes asked for.
        processes: usize,
        /// The threads asked for.
        threads: usize,
    },

    /// The carrier stays within one process.
    #[error(
        "--processes {processes} with --transport {}: this carrier stays within one process; leave --processes out or \
         choose --transport {}",
        transport.name(),
        carriers_that(|traits| traits.crosses_processes)
    )]
    OneProcessOnly {
        /// The processes asked for.
        processes: usize,
        /// The carrier asked for.
        transport: TransportKind,
    },

    /// This system lacks the calls that the carrier needs.
    #[error(
        "--transport {}: it needs calls that only Linux has, and this is another system, or a portable build; choose \
         another --transport",
        transport.name()
    )]
    NotOnThisSystem {
        /// The carrier asked for.
        transport: TransportKind,
    },

    /// This system lacks the shared memory that several processes need.
    #[error(
        "--processes {processes}: several processes share memory as Linux lets them, and this is another system, or a \
         portable build; leave --processes out"
    )]
    NoProcesses {
        /// The processes asked for.
        processes: usize,
    },

    /// A single run has no other run to share its seed with.
    #[error("--same-seed with --runs 1: it repeats one seed over many runs; ask for 2 --runs or more, or leave it out")]
    NothingToRepeat,

    /// The last runs would have no seed.
    #[error(
        "--seed {seed} with --runs {runs}: run i has the seed {seed} + i, and no seed is above {}; ask for at most \
         --seed {}, for fewer --runs, or for --same-seed",
        u64::MAX,
        u64::MAX - u64::from(runs - 1)
    )]
    SeedsExhausted {
        /// The seed of the first run.
        seed: u64,
        /// The number of requested runs.
        runs: u32,
    },

    /// The order would enter at a node that does not exist.
    #[error("--origin {origin} with --nodes {nodes}: {advice}")]
    NoSuchOrigin {
        /// The origin asked for.
        origin: u64,
        /// The number of nodes.
        nodes: u32,
        /// Advice that names the origins that exist.
        advice: String,
    },

    /// An origin is given although each order enters at a random node.
    #[error("--origin {origin} with --origins random: each order has an origin of its own; leave one of them out")]
    OriginNotTaken {
        /// The origin asked for.
        origin: u64,
    },

    /// The option has no meaning for a single order.
    #[error(
        "--{option} with one order: there is nothing to spread over time or tell apart; ask for at least --orders 2"
    )]
    OneOrder {
        /// The option, without dashes.
        option: &'static str,
    },

    /// A file lists the orders, so nothing is left for the option to decide.
    #[error("--{option} with --publications: the file says what is published, when and where; leave one of them out")]
    ListedAnyway {
        /// The option asked for.
        option: String,
    },

    /// Nodes are placed in regions, and there are none.
    #[error("--place without --network: there are no regions to place nodes in; leave --place out or choose --network")]
    NoRegionsToPlace,

    /// A file gives nodes lines or processing times, which only virtual time models.
    #[error(
        "--place with --transport {}: only virtual time has the column {column}; leave it out of the file or choose \
         --transport simulated",
        transport.name()
    )]
    NoPlaceModel {
        /// The column that a line fills.
        column: &'static str,
        /// The carrier asked for.
        transport: TransportKind,
    },

    /// The places of nodes cannot be read.
    #[error(transparent)]
    Place(#[from] TableError<PlaceFault>),

    /// The stakes of nodes cannot be read.
    #[error(transparent)]
    Stakes(#[from] TableError<StakeFault>),

    /// The carrier does not carry orders of this size.
    #[error(
        "--payload-bytes {bytes} with --transport {}: {}; ask for at most --payload-bytes {}, or choose {}",
        transport.name(),
        longest_order(*transport, *protocol),
        transport.traits().payload_bytes_max_for(&protocol.traits()),
        carried_by(bytes.most(), *transport)
    )]
    PayloadNotCarried {
        /// The payload asked for.
        bytes: PayloadBytes,
        /// The carrier asked for.
        transport: TransportKind,
        /// The protocol asked for.
        protocol: ProtocolKind,
    },

    /// The links with figures of their own cannot be read.
    #[error(transparent)]
    Links(#[from] TableError<LinkFault>),

    /// The list of publications cannot be read.
    #[error(transparent)]
    Publications(#[from] TableError<PublicationFault>),

    /// The orders are so far apart that the schedule is too long.
    #[error(
        "--orders {orders} with --rate {rate}: the last one would be due after {:.0} years, and a schedule lasts at \
         most {} years; ask for a greater --rate, or for at most --orders {}",
        f64::from(orders - 1) / rate.as_f64() / limits::YEAR_SECS as f64,
        limits::SCHEDULE_SECS / limits::YEAR_SECS,
        (limits::SCHEDULE_SECS as f64 * rate.as_f64()) as u64
    )]
    ScheduleTooLong {
        /// The orders asked for.
        orders: u32,
        /// The rate asked for.
        rate: Rate,
    },

    /// The nodes' windows take too much memory.
    #[error(
        "--nodes {nodes} with --orders {orders} and --window {window}: telling orders apart takes more than {} GiB; \
         ask for {}fewer nodes", limits::WINDOW_BITS >> 33, narrower(*nodes, *orders)
    )]
    WindowTooWide {
        /// The window asked for, or the number of orders if that is less.
        window: u32,
        /// The orders asked for.
        orders: u32,
        /// The number of nodes.
        nodes: u32,
    },

    /// The overlay family itself determines the number of peers of a node.
    #[error(
        "--peers {peers} with --topology {}: its shape decides how many peers a node has; leave --peers out or choose \
         a topology that takes it, such as erdos-renyi or random-regular",
        shown(&topology.to_string())
    )]
    PeersNotTaken {
        /// The peers asked for.
        peers: u32,
        /// The topology asked for.
        topology: TopologySpec,
    },

    /// The carrier has no sockets.
    #[error(
        "--receive-buffer {bytes} with --transport {}: {}; leave --receive-buffer out or choose --transport udp",
        transport.name(),
        transport.traits().no_receive_buffer.unwrap_or_default()
    )]
    NoReceiveBuffer {
        /// The bytes asked for.
        bytes: u32,
        /// The carrier asked for.
        transport: TransportKind,
    },

    /// The carrier encodes every message anyway.
    #[error(
        "--charge-serialization with --transport {}: every datagram is encoded and decoded anyway; leave \
         --charge-serialization out or choose --transport memory",
        transport.name()
    )]
    SerializesAnyway {
        /// The carrier asked for.
        transport: TransportKind,
    },

    /// Encoding a message takes no virtual time.
    #[error(
        "--charge-serialization with --transport simulated: what it costs takes no virtual time; leave \
         --charge-serialization out or choose --transport memory"
    )]
    NothingToCharge,

    /// The engine handles first messages only, and the protocol depends on others.
    #[error(
        "--engine fast or hops with --protocol {}: what its nodes do hangs on more than first messages; leave \
         --engine out or choose --protocol push or flood",
        shown(&protocol.to_string())
    )]
    NoFastProtocol {
        /// The protocol asked for.
        protocol: Box<ProtocolSpec>,
    },

    /// Only virtual time models this option; a real carrier does not.
    #[error(
        "--{option} with --transport {}: only virtual time has it, and of the model a real carrier takes --network, \
         --place, --latency, --loss, --links and --duplicate; leave --{option} out or choose --transport simulated",
        transport.name()
    )]
    NoModel {
        /// The option asked for.
        option: String,
        /// The carrier asked for.
        transport: TransportKind,
    },

    /// Both the option and the regions define the latencies.
    #[error(
        "--latency {latency} with --network {}: the regions have latencies of their own; leave one of them out",
        shown(&network.to_string())
    )]
    TwoLatencies {
        /// The latency asked for.
        latency: Box<LatencySpec>,
        /// The regions asked for.
        network: RegionSpec,
    },

    /// A part of the bandwidth has nothing to be about.
    #[error(transparent)]
    BandwidthUse(#[from] BandwidthUseError),

    /// An option contradicts the protocol, or its knobs cannot be what they are.
    #[error(transparent)]
    Protocol(#[from] ProtocolMismatch),

    /// An option contradicts a membership protocol, or the lack of one.
    #[error(transparent)]
    Membership(#[from] MembershipMismatch),

    /// No node fails.
    #[error("--detect without --down or --churn: no node fails; leave --detect out or say which nodes do")]
    NothingToDetect,

    /// The topology cannot have this size.
    #[error(transparent)]
    Topology(#[from] TopologyError),

    /// The operating system gave no random bits.
    #[error("the operating system gives no random bits for a seed ({cause}); choose one with --seed")]
    NoEntropy {
        /// The system's own message.
        cause: String,
    },
}

/// Returns the reason why a carrier of datagrams does not carry a longer payload for a protocol, as a clause.
pub(super) fn longest_order(transport: TransportKind, protocol: ProtocolKind) -> String {
    let most = transport.traits().payload_bytes_max_for(&protocol.traits());
    match protocol.traits().cuts_orders {
        true => format!("there the parts of an order carry at most {most} bytes of payload"),
        false => format!(
            "there {} sends an order in one datagram, which leaves {most} bytes to its payload",
            protocol.name()
        ),
    }
}

/// Returns what carries a payload of this size: `--transport memory or simulated`, and before it the protocols that do
/// on this carrier.
pub(super) fn carried_by(payload_bytes: u32, transport: TransportKind) -> String {
    let carriers = format!("--transport {}", carriers_that(|traits| traits.payload_bytes_max >= payload_bytes));
    let carries = |kind: &&ProtocolKind| {
        let traits = kind.traits();
        traits.cuts_orders && transport.traits().payload_bytes_max_for(&traits) >= payload_bytes
    };
    match ProtocolKind::ALL.iter().find(carries) {
        Some(kind) => format!("--protocol {}, which cuts orders into parts, or {carriers}", kind.name()),
        None => carriers,
    }
}

/// Returns the advice to use a narrower window, or an empty text if even the narrowest does not fit.
fn narrower(nodes: u32, orders: u32) -> String {
    match limits::widest_window(nodes, orders) {
        0 => String::new(),
        widest => format!("a --window of at most {widest}, or "),
    }
}
