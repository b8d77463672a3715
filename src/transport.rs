//! What carries messages from worker to worker. A carrier never looks inside an order, and a protocol never sees a
//! carrier: only the worker's loop sees both.
//!
//! A [`TransportBuilder`] is what crosses threads: it holds what a worker's end needs and is turned into a [`Transport`] on the
//! worker's own thread, where that stays. Calls come once per batch, so the indirect call costs nothing.

mod clock;
pub(crate) mod memory;
mod process_waker;
mod remedy;
mod system;
pub mod udp;
pub mod udp_shard;

pub use clock::Clock;
pub use process_waker::ProcessWaker;
pub use remedy::remedy;

use crate::ids::OrderIndex;
use crate::message::{Message, MessageBatch};
use crate::record::CarrierCounts;
use crate::time::Nanos;
use std::io;
use std::sync::Arc;

/// One worker's end of a carrier, before it is at its place.
pub trait TransportBuilder: Send {
    /// Sets the end up on the thread that will use it.
    fn build(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError>;
}

/// One worker's end of a carrier.
pub trait Transport {
    /// Messages best offered at a time: so few that a message is sent soon after what caused it and little is under way
    /// when the target stops the run, so many that the call costs little beside them.
    fn send_batch(&self) -> usize;

    /// Hands messages over, in order and each with its tail; says how many were taken. The rest is to be offered again after
    /// a `receive`.
    fn send(&mut self, batch: MessageBatch<'_>) -> Result<usize, TransportError>;

    /// Whether messages were taken that have not left: only a carrier that lets messages gather holds any back.
    fn holds_back(&self) -> bool {
        false
    }

    /// The messages that it holds back, without their tails.
    fn unsent(&self) -> Vec<Message> {
        Vec::new()
    }

    /// Takes in a batch of what has come, waiting for it as told, and says what time it then is.
    ///
    /// The time is read once, after the batch: no receipt lies before its cause.
    fn receive(&mut self, wait: Wait) -> Result<Nanos, TransportError>;

    /// What the last `receive` took in.
    fn arrivals(&self) -> &[Arrival];

    /// The tails of these, one behind the other.
    fn tails(&self) -> &[u64];

    /// The encoded order of an arrival, `None` where orders travel without being encoded.
    fn body(&self, arrival: &Arrival) -> Option<&[u8]>;

    /// Counts so many arrivals as strays after all, because their orders did not survive the check.
    fn refuse(&mut self, arrivals: u64);

    /// The time.
    fn now(&self) -> Nanos;

    /// Bytes that a message with this order takes on the wire, as UDP payload; 0 where nothing is encoded.
    fn message_bytes(&self, order: OrderIndex) -> u32;

    /// Ends the `receive` that this end is blocked in, from another thread.
    fn waker(&self) -> Arc<mio::Waker>;

    /// Lets an alarm, too, end the `receive` that this end is blocked in. For carriers that cross processes.
    fn listen(&self, _alarm: &ProcessWaker) -> Result<(), TransportError> {
        Ok(())
    }

    /// Takes in and counts whatever is still on its way, without handling it. All workers have stopped sending.
    fn drain(&mut self) -> Result<(), TransportError>;

    /// Reads the kernel's drop counters afresh. Costs a system call per socket.
    fn count_drops(&mut self) -> Result<(), TransportError>;

    /// What was counted so far.
    fn counts(&self) -> &CarrierCounts;
}

/// How long a `receive` may wait for something to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    No,
    /// Asleep in the kernel, until this instant at the latest. The kernel's poll may oversleep by two milliseconds.
    Until(Nanos),
}

/// A message that has come.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The message.
    pub message: Message,
    /// Bytes it took on the wire.
    pub bytes: u16,
    /// Where the carrier keeps its body until the next `receive`.
    slot: u16,
}

/// A system call that failed in a way the run cannot survive.
#[derive(Debug, thiserror::Error)]
#[error("{doing} failed: {cause}; {}. The run was stopped and nothing it measured is kept", remedy(cause))]
pub struct TransportError {
    /// What was being done, with the address or node.
    pub doing: String,
    /// What the system said.
    #[source]
    pub cause: io::Error,
}

impl TransportError {
    fn new(doing: impl Into<String>) -> impl FnOnce(io::Error) -> TransportError {
        move |cause| TransportError { doing: doing.into(), cause }
    }
}
