//! The whole experiment as one valid value: code that holds a [`Scenario`] need not check it again.
//!
//! A [`Draft`] is what a person asks for; [`Draft::build`] makes a scenario of it or says what is wrong. Running a
//! scenario is not here, and neither is the reading of arguments and files: this room turns text into values. The only
//! file read here is an edge list, because it determines the number of nodes and their ids.

#[macro_use]
mod carrier;
#[macro_use]
mod failures;
#[macro_use]
mod network;
#[macro_use]
mod overlay;
#[macro_use]
mod protocol;
#[macro_use]
mod run;
#[macro_use]
mod workload;

mod draft;
mod error;
mod file;
mod kinds;
pub mod limits;
mod options;
mod parse;
mod payload;
mod protocol_traits;
mod resolve;
mod shell;
#[cfg(all(test, feature = "cli"))]
mod tests;
mod window;

pub use draft::Draft;
pub use error::{BadValue, FileError, FileProblem, ScenarioError};
pub use kinds::{Choice, Engine, OriginsKind, Pin, ProtocolKind, Spin, TransportKind, Until};
pub use payload::PayloadBytes;
pub use protocol_traits::ProtocolTraits;
pub use shell::pasteable;

use crate::adversary::AdversarySpec;
use crate::network::{FaultSpec, NetworkSpec, Paths, RegionSpec};
use crate::ratio::Ratio;
use crate::sync::Interrupt;
use crate::time::Nanos;
use crate::topology::{EdgeList, NodeNames, Topology, TopologyError, TopologySpec};
use crate::workload::{Arrivals, Bulk, Origins, Rate, Workload};
use serde::{Serialize, Serializer};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// An experiment that can be run as it stands. Its values can be read and not set: only [`Draft::build`] and
/// [`Scenario::with`] make one, and they check it as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario(ScenarioValues);

impl Deref for Scenario {
    type Target = ScenarioValues;

    fn deref(&self) -> &ScenarioValues {
        &self.0
    }
}

/// The values of a scenario, each within its limit and consistent with all others.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioValues {
    /// Carrier of messages.
    pub transport: TransportKind,
    /// Number of nodes.
    pub nodes: u32,
    /// Worker threads of each process, each with an event loop over its shard of the nodes.
    pub threads: usize,
    /// Processes over which the workers are spread.
    pub processes: usize,
    /// Gossip protocol of every node.
    pub protocol: ProtocolKind,
    /// Time after which a node repeats a request, if the protocol makes requests.
    pub retry: Option<Nanos>,
    /// Time for which a node gathers orders before it announces them, if the protocol announces.
    pub announce_interval: Option<Nanos>,
    /// Family of the overlay.
    pub topology: TopologySpec,
    /// Edge list, read when the draft was built; `None` for an overlay that is not read from a file.
    pub edge_list: Option<EdgeList>,
    /// Peers per node, an average or an exact number depending on the family; 0 if the family decides.
    pub peers: u32,
    /// Number of peers to which a node forwards an order; the upper limit if the protocol forwards to all.
    pub fanout: u32,
    /// Maximum hops of an order.
    pub ttl: Ttl,
    /// True if forwarding skips the peer that the order came from.
    pub exclude_sender: bool,
    /// Share of all nodes to reach, which ends a run under [`Until::Target`].
    pub target: Ratio,
    /// Event that ends a run.
    pub until: Until,
    /// Time limit of each order, from its publication; `None` for no limit.
    pub timeout: Option<Nanos>,
    /// Root of every random draw.
    pub seed: u64,
    /// Nodes where orders enter.
    pub origins: Origins,
    /// Schedule of many orders; `None` for a single order at the start of the run.
    pub bulk: Option<BulkOptions>,
    /// Bytes of opaque payload in each order.
    pub payload_bytes: PayloadBytes,
    /// Cores that workers are pinned to.
    pub pin: Pin,
    /// Rule by which an idle worker spins before it sleeps.
    pub spin: Spin,
    /// Receive buffer asked for per socket, in bytes; `None` for the system's default.
    pub receive_buffer: Option<u32>,
    /// Model of the network: always present in virtual time; on a real carrier `None`, or a model in front of it.
    pub network: Option<NetworkSpec>,
    /// Failures of nodes and links.
    pub faults: FaultSpec,
    /// Nodes that do not follow the protocol.
    pub adversary: AdversarySpec,
    /// Algorithm of virtual time.
    pub engine: Engine,
    /// True if messages are encoded and decoded even though the carrier does not require it.
    pub charge_serialization: bool,
    /// Number of runs to measure, each with its own seed, counted up from `seed`.
    pub runs: u32,
    /// True if all runs have the same seed instead.
    pub same_seed: bool,
}

/// The options of a run of many orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkOptions {
    /// Number of orders, at least two.
    pub orders: u32,
    /// Orders per second.
    pub rate: Rate,
    /// Distribution over time.
    pub arrivals: Arrivals,
    /// Number of orders that a node tells apart, up to the newest it has seen.
    pub window: WindowSize,
}

/// The number of orders that a node tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowSize {
    /// This number, at most all.
    Orders(u32),
    /// All orders in virtual time; on real carriers the number that may be in flight at a time.
    Auto,
}

impl Scenario {
    /// Returns the number of orders that a run publishes.
    pub fn orders(&self) -> u32 {
        self.bulk.map_or(1, |bulk| bulk.orders)
    }

    /// Builds the overlay.
    ///
    /// # Errors
    ///
    /// `TopologyError` if it cannot be drawn or stored.
    pub fn overlay(&self) -> Result<Arc<Topology>, TopologyError> {
        self.overlay_unless(&Interrupt::new())
    }

    /// Builds the overlay, unless the user interrupts it meanwhile.
    ///
    /// # Errors
    ///
    /// Those of [`overlay`](Self::overlay), and `TopologyError::Interrupted`.
    pub fn overlay_unless(&self, interrupt: &Interrupt) -> Result<Arc<Topology>, TopologyError> {
        match &self.edge_list {
            Some(list) => Ok(list.overlay(self.nodes)?),
            None => self.topology.build_unless(self.nodes, self.peers, self.seed, interrupt).map(Arc::new),
        }
    }

    /// Returns the ids of the nodes.
    pub fn names(&self) -> NodeNames {
        self.edge_list.as_ref().map_or_else(NodeNames::default, |list| list.names().clone())
    }

    /// Draws which order enters where, and when.
    pub fn workload(&self) -> Workload {
        let one = BulkOptions {
            orders: 1,
            rate: Rate::per_second(1),
            arrivals: Arrivals::Constant,
            window: WindowSize::Auto,
        };
        let BulkOptions { orders, rate, arrivals, .. } = self.bulk.unwrap_or(one);
        Workload::bulk(self.seed, self.nodes, Bulk { orders, rate, arrivals, origins: self.origins })
    }

    /// Lists the files that the scenario is read from, each with the option that names it.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let topology = match &self.topology {
            TopologySpec::File { path } => Some(("topology", Path::new(path))),
            _ => None,
        };
        let network = match self.network.as_ref().map(|network| &network.paths) {
            Some(Paths::Regions(RegionSpec::File { path })) => Some(("network", Path::new(path))),
            _ => None,
        };
        topology.into_iter().chain(network)
    }

    /// Returns the seed of a run, counted from 0.
    pub fn seed_of(&self, run: u32) -> u64 {
        // A sum within `runs` does not overflow, because the draft refuses more runs than there are seeds.
        if self.same_seed { self.seed } else { self.seed.saturating_add(u64::from(run)) }
    }

    /// Returns the single run of this scenario that has this seed.
    pub fn run_of_seed(&self, seed: u64) -> Scenario {
        Scenario(ScenarioValues { seed, runs: 1, same_seed: false, ..self.0.clone() })
    }

    /// Returns the scenario on at most `threads` of its threads, and at least one, pinned as `pin` says.
    pub fn on_fewer_threads(&self, threads: usize, pin: Pin) -> Scenario {
        Scenario(ScenarioValues { threads: threads.clamp(1, self.threads), pin, ..self.0.clone() })
    }

    /// Makes a scenario of values that no draft may give, for tests of the code that takes a scenario.
    #[cfg(test)]
    pub(crate) fn unchecked(values: ScenarioValues) -> Scenario {
        Scenario(values)
    }

    /// Returns the number of worker threads of all processes together.
    pub fn workers(&self) -> usize {
        self.threads * self.processes
    }
}

/// The maximum hops of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// This number of hops.
    Hops(u8),
    /// Twice the hops to the target plus 2, at most 255.
    Auto,
}

/// Serializes as a whole number, or as the text `auto`.
impl Serialize for Ttl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Ttl::Hops(hops) => serializer.serialize_u8(*hops),
            Ttl::Auto => serializer.serialize_str("auto"),
        }
    }
}

/// Serializes as a whole number, or as the text `auto`.
impl Serialize for WindowSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            WindowSize::Orders(orders) => serializer.serialize_u32(*orders),
            WindowSize::Auto => serializer.serialize_str("auto"),
        }
    }
}
