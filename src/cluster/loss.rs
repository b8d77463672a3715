//! The reasons for which a run loses a process.

use super::frame_io::ConnectionError;
use super::hosts::HostAddress;
use crate::escape::escaped;
use crate::quantity::grouped;
use crate::time::Nanos;

/// Silence after which a process counts as dead, and longest time for which announced bytes may not come.
pub const SILENCE_MAX: Nanos = Nanos(3_000_000_000);

/// A process that the run has lost, which no other can stand in for.
#[derive(Debug, thiserror::Error)]
#[error("process {process} ({address}): {cause}; {after} after the start{}", exchanged(.cause, *.sent, *.received))]
pub struct ProcessLoss {
    /// The number of the process; this one's own if it was stopped.
    pub process: usize,
    /// Its line in the hosts file.
    pub address: HostAddress,
    /// The reason.
    pub cause: LossCause,
    /// Time since all processes were connected.
    pub after: Nanos,
    /// Bytes of the exchange sent to it.
    pub sent: u64,
    /// Bytes of the exchange received from it.
    pub received: u64,
}

/// Returns the end of the sentence: what was exchanged with the process, unless it is this one, and what to do.
fn exchanged(cause: &LossCause, sent: u64, received: u64) -> String {
    let exchanged = match cause {
        LossCause::OwnStop { .. } => String::new(),
        _ => format!(", with {} bytes of the exchange sent to it and {} received", grouped(sent), grouped(received)),
    };
    exchanged + "; all processes end, start the run again"
}

/// The reason for which a process counts as lost.
#[derive(Debug, thiserror::Error)]
pub enum LossCause {
    /// A connection to it ended or failed.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// It ended its heartbeat before its exchange.
    #[error("it left before the end of the run; its own output says why")]
    Left,
    /// It said that it gives up.
    #[error("it gave up: {}", escaped(.said))]
    Failed {
        /// Its own words.
        said: String,
    },
    /// No heartbeat came.
    #[error("nothing was heard from it for {since}; its machine or the network is down, or the process was stopped")]
    Silent {
        /// Time since the last heartbeat.
        since: Nanos,
    },
    /// Heartbeats came, and the exchange did not.
    #[error(
        "its heartbeats come, but {} bytes that it has sent have not come for {since}; something between the two \
         machines holds one connection up",
        grouped(*.missing)
    )]
    Stalled {
        /// Bytes announced and not received.
        missing: u64,
        /// Time since the last byte came.
        since: Nanos,
    },
    /// This process itself did not run.
    #[error("it was stopped for {since}, and the others take a process that is silent for {SILENCE_MAX} for dead")]
    OwnStop {
        /// Time for which it did not run.
        since: Nanos,
    },
}
