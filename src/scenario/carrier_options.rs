//! The options of the carrier: its kind, and its processes, threads and buffers.

use super::error::ScenarioError;
use super::kinds::{Engine, Pin, Spin};
use super::protocol_spec::ProtocolSpec;
use super::transport_kind::TransportKind;
use super::{Draft, limits};
use std::num::NonZero;
use std::thread::available_parallelism;

/// The heading of this group in `--help`.
pub(super) const HEADING: &str = "Carrier";

/// Adds the options of this group to the table that [`Draft`] is declared from.
macro_rules! carrier_options {
    ($then:tt $($given:tt)*) => {
        next_group! { $then $($given)*
            [carrier_options::HEADING]

            /// The carrier of messages [default: udp].
            #[arg(help = transport_kind::short_help(), long_help = transport_kind::long_help())]
            transport: TransportKind = "CARRIER", |text: &str| choose::<TransportKind>("transport", text);

            /// With simulated, algorithm of the computation [default: auto].
            ///
            /// general passes every message to the protocol, fast only the first to each node, along shortest paths and
            /// each order by itself, and hops computes with sets of bits if every message has the same latency. All
            /// give the same bits; auto takes the fastest that can compute the run.
            #[arg(hide_short_help = true)]
            engine: Engine = "auto|general|fast|hops", |text: &str| choose::<Engine>("engine", text);

            /// Processes of --threads workers each [default: 1].
            ///
            /// For carriers with sockets, on Linux. Each process has its own descriptor limit, so several hold more
            /// sockets than one.
            #[arg(hide_short_help = true)]
            processes: u32 = "P", |text: &str| limits::PROCESSES.parse::<u32>(text);

            /// Worker threads of each process [default: the cores].
            ///
            /// Each thread owns a share of the nodes. The default is the cores that this process may use, divided among
            /// --processes, and no more than the nodes; with simulated, no more than the work of one run feeds. Fewer
            /// threads leave cores to other programs; with 1, messages travel first in, first out. Runs of --runs with
            /// simulated are made side by side, one thread each.
            #[arg(short = 't')]
            threads: u32 = "N", |text: &str| limits::THREADS.parse::<u32>(text);

            /// Assignment of workers to cores [default: spread].
            ///
            /// spread over physical cores, compact on neighbouring ones, or none. Pinning makes the figures steadier;
            /// none suits a shared machine.
            #[arg(hide_short_help = true)]
            pin: Pin = "spread|compact|none", |text: &str| choose::<Pin>("pin", text);

            /// Spinning of an idle worker before it sleeps [default: auto].
            ///
            /// auto, always or never; auto spins briefly if each worker has a core of its own. Spinning reacts sooner
            /// and keeps the core busy.
            #[arg(hide_short_help = true)]
            spin: Spin = "auto|always|never", |text: &str| choose::<Spin>("spin", text);

            /// Receive buffer of each socket [default: the system's].
            ///
            /// A small buffer shows the effect of overload, a large one absorbs bursts.
            #[arg(hide_short_help = true)]
            receive_buffer: u32 = "BYTES", |text: &str| limits::RECEIVE_BUFFER.parse_bytes::<u32>(text);

            /// With memory, encode and decode each message [default: false].
            ///
            /// This shows the cost of serialization.
            #[arg(hide_short_help = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
            charge_serialization: bool = "true|false", |text: &str| truth("charge-serialization", text);
        }
    };
}

/// The carrier of a scenario, and the workers that drive it.
#[derive(Clone, Debug, PartialEq)]
pub struct CarrierOptions {
    /// Carrier of messages.
    pub transport: TransportKind,
    /// Algorithm of virtual time.
    pub engine: Engine,
    /// Processes over which the workers are spread.
    pub processes: usize,
    /// Worker threads of each process, each with an event loop over its shard of the nodes.
    pub threads: usize,
    /// Cores that workers are pinned to.
    pub pin: Pin,
    /// Rule by which an idle worker spins before it sleeps.
    pub spin: Spin,
    /// Receive buffer asked for per socket, in bytes; `None` for the system's default.
    pub receive_buffer: Option<u32>,
    /// True if messages are encoded and decoded even though the carrier does not require it.
    pub charge_serialization: bool,
}

impl CarrierOptions {
    /// Resolves the options of this group. `fed` is the number of threads that the work of a run feeds.
    pub(super) fn resolve(
        draft: &Draft,
        nodes: u32,
        protocol: &ProtocolSpec,
        fed: usize,
    ) -> Result<CarrierOptions, ScenarioError> {
        let transport = transport(draft);
        if !transport.is_available() {
            return Err(ScenarioError::NotOnThisSystem { transport });
        }
        let processes = processes(draft.processes, transport)?;
        Ok(CarrierOptions {
            transport,
            engine: engine(draft.engine, transport, protocol)?,
            processes,
            threads: threads(draft.threads, processes, nodes, fed)?,
            pin: draft.pin.unwrap_or(Pin::Spread),
            spin: draft.spin.unwrap_or(Spin::Auto),
            receive_buffer: receive_buffer(draft.receive_buffer, transport)?,
            charge_serialization: charge_serialization(draft.charge_serialization, transport)?,
        })
    }

    /// Sets the options of this group in a draft.
    pub(super) fn add_to(&self, draft: &mut Draft) {
        draft.transport = Some(self.transport);
        draft.engine = self.transport.is_virtual().then_some(self.engine);
        draft.processes = u32::try_from(self.processes).ok();
        draft.threads = u32::try_from(self.threads).ok();
        draft.pin = Some(self.pin);
        draft.spin = Some(self.spin);
        draft.receive_buffer = self.receive_buffer;
        draft.charge_serialization = Some(self.charge_serialization);
    }
}

/// Resolves the carrier, on which defaults of other groups depend.
pub(super) fn transport(draft: &Draft) -> TransportKind {
    draft.transport.unwrap_or(TransportKind::Udp)
}

/// Resolves the number of processes. More than one needs sockets, and memory that Linux lets processes share.
fn processes(asked: Option<u32>, transport: TransportKind) -> Result<usize, ScenarioError> {
    let processes = limits::PROCESSES.check(asked.unwrap_or(1))? as usize;
    match transport.traits().crosses_processes {
        _ if processes == 1 => Ok(1),
        true if limits::HAS_LINUX_CALLS => Ok(processes),
        true => Err(ScenarioError::NoProcesses { processes }),
        false => Err(ScenarioError::OneProcessOnly { processes, transport }),
    }
}

/// Resolves the number of threads of each process: every worker owns a node, and their total stays within the limit.
fn threads(asked: Option<u32>, processes: usize, nodes: u32, fed: usize) -> Result<usize, ScenarioError> {
    let node_each = usize::try_from(nodes).unwrap_or(usize::MAX);
    let most = node_each.min(limits::THREADS.most as usize) / processes;
    let Some(asked) = asked else {
        if most == 0 {
            return Err(ScenarioError::IdleProcesses { processes, nodes });
        }
        let cores = available_parallelism().map_or(1, NonZero::get);
        return Ok((cores / processes).max(1).min(most).min(fed));
    };
    let threads = limits::THREADS.check(asked)? as usize;
    match threads {
        _ if threads * processes > limits::THREADS.most as usize => {
            Err(ScenarioError::TooManyWorkers { processes, threads })
        }
        _ if threads * processes <= node_each => Ok(threads),
        _ if processes > node_each => Err(ScenarioError::IdleProcesses { processes, nodes }),
        _ if processes > 1 => Err(ScenarioError::IdleWorkers { processes, threads, nodes }),
        _ => Err(ScenarioError::IdleThreads { threads, nodes }),
    }
}

/// Resolves the receive buffer, which not every carrier has.
fn receive_buffer(asked: Option<u32>, transport: TransportKind) -> Result<Option<u32>, ScenarioError> {
    let Some(bytes) = asked else { return Ok(None) };
    limits::RECEIVE_BUFFER.check(bytes)?;
    match transport.traits().no_receive_buffer {
        None => Ok(Some(bytes)),
        Some(_) => Err(ScenarioError::NoReceiveBuffer { bytes, transport }),
    }
}

/// Refuses the charge where a carrier encodes every message anyway, or where encoding takes no virtual time.
fn charge_serialization(asked: Option<bool>, transport: TransportKind) -> Result<bool, ScenarioError> {
    match asked.unwrap_or(false) {
        true if transport.traits().encodes => Err(ScenarioError::SerializesAnyway { transport }),
        true if transport.is_virtual() => Err(ScenarioError::NothingToCharge),
        asked => Ok(asked),
    }
}

/// Resolves the engine, which only virtual time has.
fn engine(asked: Option<Engine>, transport: TransportKind, protocol: &ProtocolSpec) -> Result<Engine, ScenarioError> {
    match asked {
        Some(_) if !transport.is_virtual() => Err(ScenarioError::NoModel { option: "engine".to_owned(), transport }),
        Some(Engine::Fast | Engine::Hops) if !protocol.traits().is_first_message => {
            Err(ScenarioError::NoFastProtocol { protocol: Box::new(*protocol) })
        }
        asked => Ok(asked.unwrap_or(Engine::Auto)),
    }
}
