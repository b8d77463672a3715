//! The connections of a run over several machines: who takes part, and what happens if one of them is lost.
//!
//! | file | contents |
//! |---|---|
//! | `hosts` | the hosts file, a line for each process |
//! | `secret` | the secret that all processes share |
//! | `identity` | the facts on which all must agree: version, scenario, hosts |
//! | `connecting` | dials and accepts until every two processes are connected, or says who is missing |
//! | `handshake`, `hello`, `noise` | one new connection: who is it, does it agree, does it know the secret |
//! | `frame`, `frame_io` | the bytes on a connection, sealed unless all processes share one machine |
//! | `process_stream` | the connection that timely is given; it never ends unexpectedly |
//! | `heartbeat`, `liveness`, `supervisor` | signs of life, and the end of a process that has lost another |
//! | `loss`, `error` | the sentences for a lost process and for a start that fails |
//! | `speed` | what a connection carries on this machine, for estimates |
//! | `word_exchange` | words that processes tell each other before the run |
//! | `traffic`, `digest` | bytes exchanged; SHA-256 |
//!
//! Timely's own start-up prints to standard output, tries for ever and trusts any program that connects. Its threads
//! panic when a connection ends early. So this room connects, and hands timely connections that do not end early.

mod connecting;
mod digest;
mod error;
#[cfg(test)]
mod fixtures;
mod frame;
mod frame_io;
mod handshake;
mod heartbeat;
mod hello;
mod hosts;
mod identity;
mod liveness;
mod loss;
mod noise;
mod process_stream;
mod secret;
mod speed;
mod supervisor;
mod traffic;
mod word_exchange;

pub use error::ClusterError;
pub use frame::FrameError;
pub use frame_io::ConnectionError;
pub use hello::Refusal;
pub use hosts::{CLUSTER_PROCESSES_MAX, HostAddress, Hosts, HostsError, HostsFault};
pub use identity::ClusterIdentity;
pub use loss::{LossCause, ProcessLoss, SILENCE_MAX};
pub use process_stream::ProcessStream;
pub use secret::{ClusterSecret, SECRET_BYTES_MIN, SecretError, SecretFault};
pub use speed::{ConnectionSpeed, measure_connections};
pub use supervisor::Supervisor;
pub use word_exchange::WordExchange;

use crate::time::Nanos;
use connecting::connect_all;
use frame_io::{EXCHANGE_ROOM, FrameReader, FrameWriter};
use handshake::{NewConnection, OwnEnd};
use std::sync::Arc;
use traffic::ClusterTraffic;

/// Time in which all processes must be connected, unless the user gives another.
pub const START_LIMIT: Nanos = Nanos(10_000_000_000);

/// The place of this process in a cluster.
pub struct ClusterPlace<'a> {
    /// The processes.
    pub hosts: &'a Hosts,
    /// The number of this process.
    pub index: usize,
    /// The facts on which all must agree.
    pub identity: &'a ClusterIdentity,
    /// The secret, which is required outside loopback.
    pub secret: Option<&'a ClusterSecret>,
    /// Time in which all must be connected.
    pub limit: Nanos,
}

/// The connections of this process with all others, alive and watched.
pub struct Mesh {
    /// The exchange with each process; `None` for this one.
    pub streams: Vec<Option<ProcessStream>>,
    /// The watch over all other processes.
    pub supervisor: Supervisor,
}

/// Connects this process with all others.
///
/// From then on, if another process is lost, `on_loss` is called once, on a thread of its own. It must end the process:
/// threads that wait for the lost process wait for ever.
///
/// # Errors
///
/// [`ClusterError`], with the process at fault and what to do. It takes no longer than the given limit.
pub fn connect(
    place: &ClusterPlace<'_>,
    on_loss: impl FnOnce(&ProcessLoss) + Send + 'static,
) -> Result<Mesh, ClusterError> {
    let ClusterPlace { hosts, index, identity, secret, limit } = *place;
    let processes = hosts.len();
    if index >= processes {
        return Err(ClusterError::Index { index, processes });
    }
    if let (Some(address), None) = (hosts.beyond_loopback(), secret) {
        return Err(ClusterError::SecretRequired { address: address.clone() });
    }
    let own = OwnEnd { identity: identity.clone(), secret: secret.cloned(), index, processes };
    let connections = connect_all(hosts, &own, limit)?;
    let traffic = Arc::new(ClusterTraffic::new(processes));
    let supervisor = Supervisor::start(hosts, index, connections.heartbeats, Arc::clone(&traffic), Box::new(on_loss))?;
    let stream = |connection: NewConnection| {
        let NewConnection { process, socket, sealer, opener, .. } = connection;
        let reader = FrameReader::new(opener, socket.try_clone()?, EXCHANGE_ROOM);
        let ends = (reader, FrameWriter::new(sealer, socket));
        Ok(ProcessStream::new(process, ends, Arc::clone(&traffic), supervisor.events()))
    };
    let streams = connections.exchanges.into_iter().map(|connection| connection.map(stream).transpose());
    let streams = streams.collect::<Result<Vec<_>, ClusterError>>()?;
    Ok(Mesh { streams, supervisor })
}

#[cfg(test)]
mod tests;
