//! The reasons why a cluster cannot compute a scenario, as far as the scenario tells.

use crate::scenario::{Choice, TransportKind};

/// The reason why a cluster cannot compute a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterScenarioError {
    /// Real carriers have processes of their own.
    #[error(
        "--cluster with --transport {}: a cluster computes virtual time; choose --transport simulated",
        transport.name()
    )]
    NotVirtual {
        /// The carrier asked for.
        transport: TransportKind,
    },
    /// The hosts file says how many processes there are.
    #[error(
        "--cluster beside --processes {processes}: the hosts file has a line for each process; leave --processes out"
    )]
    Processes {
        /// The processes asked for.
        processes: usize,
    },
    /// The connections last for one run.
    #[error("--cluster with --runs {runs}: the processes of a cluster make one run; start them again with other seeds")]
    Runs {
        /// The runs asked for.
        runs: u32,
    },
    /// Some workers would have no node.
    #[error(
        "--cluster with {processes} processes of {threads} threads: {nodes} nodes leave some of them without any; ask \
         for fewer --threads or more --nodes"
    )]
    IdleWorkers {
        /// The processes of the hosts file.
        processes: usize,
        /// The threads of each.
        threads: usize,
        /// The nodes asked for.
        nodes: u32,
    },
}
