//! Carries messages from worker to worker. A carrier never looks inside an order, and a protocol never sees a carrier:
//! only the worker's loop sees both.
//!
//! A [`TransportBuilder`] crosses threads: it holds what a worker's end needs and is turned into a [`Transport`] on the
//! worker's own thread, where that stays. Calls come once per batch, so dynamic dispatch costs next to nothing.
//!
//! A transport does three things, each a trait of its own: [`MessageIo`] moves messages while the run lasts,
//! [`Settlement`] accounts for every one of them, and [`Wakeup`] lets other threads end a wait. What a carrier waits in
//! is its own affair: those here share mio's poll (`poller`), and no trait names it.

mod clock;
pub(crate) mod memory;
pub(crate) mod node_sockets;
mod poller;
pub(crate) mod sockets;
pub(crate) mod udp;
pub mod udp_shard;
#[cfg(all(target_os = "linux", not(portable)))]
pub(crate) mod unix;

pub use clock::Clock;
pub use sockets::BindError;

// A datagram longer than any of ours shows by filling the bytes received, which must therefore fit their slot.
const _: () = assert!(crate::sys::DATAGRAM_STRIDE >= crate::wire::RECEIVE_BYTES);

use crate::ids::OrderIndex;
use crate::message::{Message, MessageBatch};
use crate::record::CarrierCounts;
use crate::sys::{ProcessWaker, remedy};
use crate::time::Nanos;
use crate::wire::Stray;
use std::io;
use std::sync::Arc;

/// One worker's end of a carrier, before it is set up on its thread.
pub trait TransportBuilder: Send {
    /// Sets the end up on the thread that will use it.
    fn build(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError>;
}

/// One worker's end of a carrier.
pub trait Transport: MessageIo + Settlement + Wakeup {}

impl<T: MessageIo + Settlement + Wakeup> Transport for T {}

/// The state that every end has: its clock, the messages that it received last, and its counts.
pub struct TransportState {
    clock: Clock,
    received: ReceiveBatch,
    counts: CarrierCounts,
}

/// The messages of one `receive`.
#[derive(Default)]
struct ReceiveBatch {
    arrivals: Vec<Arrival>,
    /// The tails of the arrivals, one after the other.
    tails: Vec<u64>,
}

impl TransportState {
    /// Creates the state before anything was received or counted, with room for the messages of one `receive`.
    fn new(clock: Clock, arrivals: Vec<Arrival>) -> TransportState {
        let received = ReceiveBatch { arrivals, tails: Vec::new() };
        TransportState { clock, received, counts: CarrierCounts::default() }
    }
}

impl ReceiveBatch {
    fn clear(&mut self) {
        self.arrivals.clear();
        self.tails.clear();
    }
}

/// Gives access to the state that every end has.
pub trait Stateful {
    /// Returns the state.
    fn state(&self) -> &TransportState;

    /// Returns the state for modification.
    fn state_mut(&mut self) -> &mut TransportState;
}

/// Moves messages: sends and receives them in batches.
pub trait MessageIo: Stateful {
    /// Returns the number of messages that are best offered at a time: few enough that a message is sent soon after its
    /// cause and little is under way when the target stops the run, many enough that the call costs little per message.
    fn send_batch(&self) -> usize;

    /// Hands messages over in sequence, each with its tail; returns how many were accepted. The caller offers the rest
    /// again after a `receive`.
    fn send(&mut self, batch: MessageBatch<'_>) -> Result<usize, TransportError>;

    /// Returns true if accepted messages have not been sent yet. Only a carrier that gathers messages holds any back.
    fn holds_back(&self) -> bool {
        false
    }

    /// Returns the messages that it holds back, without their tails.
    fn unsent(&self) -> Vec<Message> {
        Vec::new()
    }

    /// Receives a batch of messages, waiting for it as `wait` says, and returns the time after it.
    ///
    /// The clock is read once, after the batch, so that no receipt lies before its cause.
    fn receive(&mut self, wait: Wait) -> Result<Nanos, TransportError>;

    /// Returns the messages of the last `receive`.
    fn arrivals(&self) -> &[Arrival] {
        &self.state().received.arrivals
    }

    /// Returns the tails of these messages, one after the other.
    fn tails(&self) -> &[u64] {
        &self.state().received.tails
    }

    /// Returns the encoded order of an arrival; `None` if the carrier does not encode orders.
    fn body(&self, arrival: &Arrival) -> Option<&[u8]>;

    /// Returns true if the encoded order of an arrival is byte for byte the one that this carrier sends, so that it
    /// decodes to the same order. Other encodings may do so as well.
    fn is_own_encoding(&self, _arrival: &Arrival) -> bool {
        false
    }

    /// Returns the present time.
    fn now(&self) -> Nanos {
        self.state().clock.now()
    }

    /// Returns the bytes that a message with this order takes on the wire, as UDP payload; 0 if nothing is encoded.
    fn message_bytes(&self, order: OrderIndex) -> u32;
}

/// Accounts for every message: which were received, and what became of the others.
pub trait Settlement: Stateful {
    /// Counts `arrivals` as strays after all, because their orders failed the check.
    fn refuse(&mut self, arrivals: u64) {
        self.state_mut().counts.strays.add_many(Stray::Malformed, arrivals);
    }

    /// Receives and counts all messages still under way, without handling them. All workers have stopped sending.
    fn drain(&mut self) -> Result<(), TransportError>;

    /// Reads the kernel's drop counters again. Costs a system call per socket.
    fn count_drops(&mut self) -> Result<(), TransportError>;

    /// Returns the counts so far.
    fn counts(&self) -> &CarrierCounts {
        &self.state().counts
    }
}

/// Lets other threads end a blocked `receive` of this end.
pub trait Wakeup {
    /// Returns a waker for the threads of this process.
    fn waker(&self) -> Arc<dyn ReceiveWaker>;

    /// Makes a blocked `receive` end on a process waker, too. For carriers that cross processes.
    fn listen(&self, _process_waker: &ProcessWaker) -> Result<(), TransportError> {
        Ok(())
    }
}

/// Ends a blocked `receive` of one end, from any thread.
pub trait ReceiveWaker: Send + Sync {
    /// Ends the `receive` that is blocked now, or the next one that would block.
    fn wake(&self) -> io::Result<()>;
}

/// The longest time a `receive` may wait for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Does not wait.
    No,
    /// Sleeps in the kernel, until this instant at the latest. The kernel's poll may oversleep by two milliseconds.
    Until(Nanos),
}

/// A message that was received.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The message.
    pub message: Message,
    /// Bytes it took on the wire.
    pub bytes: u32,
    /// Slot in which the carrier keeps its body until the next `receive`.
    slot: u16,
}

/// A failed system call that the run cannot survive.
#[derive(Debug, thiserror::Error)]
#[error("{doing} failed: {cause}; {}. The run was stopped and nothing it measured is kept", remedy(cause))]
pub struct TransportError {
    /// The operation that failed, with its address or node.
    pub doing: String,
    /// The system's error.
    #[source]
    pub cause: io::Error,
}

impl TransportError {
    fn new(doing: impl Into<String>) -> impl FnOnce(io::Error) -> TransportError {
        move |cause| TransportError { doing: doing.into(), cause }
    }
}
