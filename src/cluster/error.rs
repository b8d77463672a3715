//! The reasons for which the processes of a cluster do not come together.

use super::hello::Refusal;
use super::hosts::{HostAddress, HostsError};
use super::secret::SecretError;
use crate::escape::escaped;
use crate::threads::ThreadError;
use crate::time::Nanos;
use std::io;

/// A reason for which the processes of a cluster do not come together. All are found at the start.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A hosts file that cannot be used.
    #[error(transparent)]
    Hosts(#[from] HostsError),
    /// A secret that cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A process that the hosts file does not name.
    #[error(
        "--process {index}: the hosts file names {processes} processes, 0 to {}; take one of them",
        .processes - 1
    )]
    Index {
        /// The number given.
        index: usize,
        /// Number of processes.
        processes: usize,
    },
    /// A cluster over a network without a secret.
    #[error(
        "--cluster names {address}, which is not on this machine's loopback, and there is no --secret-file: whoever \
         reaches the ports could join the run; give every process the same secret of at least 32 bytes"
    )]
    SecretRequired {
        /// The first address outside loopback.
        address: HostAddress,
    },
    /// An address at which this process cannot be reached.
    #[error(
        "--process {index} is {address} in the hosts file, and cannot listen there ({cause}); {}",
        to_listen(.cause)
    )]
    Listen {
        /// This process.
        index: usize,
        /// Its line.
        address: HostAddress,
        /// The system's error.
        #[source]
        cause: io::Error,
    },
    /// A process that must not take part.
    #[error("process {process} ({place}): {refusal}")]
    Refused {
        /// The process, as far as it says.
        process: usize,
        /// Its line in the hosts file, or the address that it came from.
        place: String,
        /// The reason.
        refusal: Refusal,
    },
    /// Processes that did not come.
    #[error(
        "after {waited} these processes are not connected: {missing}{turned_away}; start them all within this time"
    )]
    Missing {
        /// Time waited.
        waited: Nanos,
        /// Their numbers and lines, with the last error of each.
        missing: String,
        /// Connections that were refused meanwhile, with the reasons.
        turned_away: String,
    },
    /// A process that gave up during the start.
    #[error("process {process} ({address}) gave up at the start: {}", escaped(.said))]
    GaveUp {
        /// The process.
        process: usize,
        /// Its line.
        address: HostAddress,
        /// Its own words.
        said: String,
    },
    /// A refused thread.
    #[error(transparent)]
    Thread(#[from] ThreadError),
    /// A failure of the system on a new connection.
    #[error("a connection of the cluster cannot be set up: {0}")]
    System(#[from] io::Error),
}

impl ClusterError {
    /// Returns true if another command line would avoid the error.
    pub fn is_usage(&self) -> bool {
        match self {
            ClusterError::Hosts(_)
            | ClusterError::Secret(_)
            | ClusterError::Index { .. }
            | ClusterError::SecretRequired { .. }
            | ClusterError::Refused { .. } => true,
            ClusterError::Listen { .. }
            | ClusterError::Missing { .. }
            | ClusterError::GaveUp { .. }
            | ClusterError::Thread(_)
            | ClusterError::System(_) => false,
        }
    }
}

/// Returns the remedy for an address at which nothing can listen.
fn to_listen(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::AddrInUse => "another program has the port: choose another, or end an earlier run",
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::NotFound => {
            "start the process on the machine that its line names, by an address of that machine"
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 are the system's: choose one above",
        _ => "choose another address or port",
    }
}
