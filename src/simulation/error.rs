//! The reasons why a scenario cannot be run to its end.

use super::processes::ProcessesError;
use super::trace_request::TraceError;
use crate::adversary::AdversaryError;
use crate::engine::EngineError;
use crate::memory::MemoryError;
use crate::network::{FaultError, NetworkError};
use crate::runtime::RuntimeError;
use crate::sync::Interrupted;
use crate::time::Nanos;
#[cfg(feature = "cluster")]
use crate::topology::OverlayPartError;
use crate::topology::TopologyError;
use crate::transport::{BindError, TransportError};
use std::io;

/// The reason why a scenario could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The user ended it before anything could be measured.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The overlay cannot be built.
    #[error(transparent)]
    Topology(TopologyError),
    /// The network cannot be modelled.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The target of an adversary does not exist.
    #[error(transparent)]
    Adversary(#[from] AdversaryError),
    /// A node or a group that is to fail does not exist.
    #[error(transparent)]
    Faults(FaultError),
    /// The sockets cannot be opened.
    #[error(transparent)]
    Bind(BindError),
    /// The carrier cannot be set up.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The order cannot be made or encoded.
    #[error("the order cannot be made: {0}")]
    Order(String),
    /// The engine cannot compute this, or failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The run would end before its last order.
    #[error(
        "--until {}: the last of {orders} orders is due at {}, and this run ends before; ask for --until {} or later, \
         or for orders that are due by then",
        until.written(),
        last_due.written(),
        last_due.written()
    )]
    EndsEarly {
        /// The instant asked for.
        until: Nanos,
        /// The number of orders.
        orders: u32,
        /// The time at which the last one is due.
        last_due: Nanos,
    },
    /// The protocol cannot be run in this way.
    #[error("{0}")]
    Protocol(String),
    /// The operating system gave no random token.
    #[error("the operating system gave no random bytes for the run's token: {0}")]
    Entropy(io::Error),
    /// A worker failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The run would take more memory than there is.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The run cannot be traced.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The processes of a cluster could not put the overlay together.
    #[cfg(feature = "cluster")]
    #[error(transparent)]
    OverlayPart(OverlayPartError),
    /// A cluster cannot compute the scenario.
    #[cfg(feature = "cluster")]
    #[error(transparent)]
    Cluster(#[from] super::cluster_scenario::ClusterScenarioError),
    /// The run over several processes failed.
    #[error(transparent)]
    Processes(#[from] ProcessesError),
}

impl SimulationError {
    /// Returns true if the user asked for something impossible, false if something failed.
    pub fn is_usage(&self) -> bool {
        match self {
            SimulationError::Topology(_) | SimulationError::Network(_) | SimulationError::Order(_) => true,
            SimulationError::Adversary(_) | SimulationError::Faults(_) => true,
            SimulationError::Engine(error) => error.is_usage(),
            SimulationError::Protocol(_) | SimulationError::EndsEarly { .. } => true,
            #[cfg(feature = "cluster")]
            SimulationError::Cluster(_) => true,
            SimulationError::Bind(error) => error.is_usage(),
            SimulationError::Processes(error) => error.is_usage(),
            SimulationError::Transport(_) | SimulationError::Entropy(_) | SimulationError::Runtime(_) => false,
            SimulationError::Memory(_) => true,
            SimulationError::Trace(error) => error.is_usage(),
            SimulationError::Interrupted(_) => false,
            #[cfg(feature = "cluster")]
            SimulationError::OverlayPart(_) => false,
        }
    }
}

impl From<TopologyError> for SimulationError {
    fn from(error: TopologyError) -> SimulationError {
        match error {
            TopologyError::Interrupted(interrupted) => SimulationError::Interrupted(interrupted),
            error => SimulationError::Topology(error),
        }
    }
}

#[cfg(feature = "cluster")]
impl From<OverlayPartError> for SimulationError {
    fn from(error: OverlayPartError) -> SimulationError {
        match error {
            OverlayPartError::Topology(error) => error.into(),
            OverlayPartError::Interrupted(interrupted) => SimulationError::Interrupted(interrupted),
            error @ OverlayPartError::Exchange(_) => SimulationError::OverlayPart(error),
        }
    }
}

impl From<BindError> for SimulationError {
    fn from(error: BindError) -> SimulationError {
        match error {
            BindError::Interrupted(interrupted) => SimulationError::Interrupted(interrupted),
            error => SimulationError::Bind(error),
        }
    }
}

impl From<FaultError> for SimulationError {
    fn from(error: FaultError) -> SimulationError {
        match error {
            FaultError::Interrupted(interrupted) => SimulationError::Interrupted(interrupted),
            error => SimulationError::Faults(error),
        }
    }
}
