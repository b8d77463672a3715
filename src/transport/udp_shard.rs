//! One real UDP socket per shard: messages for the same shard share a send, and nodes are told apart by the ids in their
//! headers.
//!
//! Each message is a datagram with its own header and token. What leaves together for one shard is a *train*: datagrams
//! of one size, and a mark that numbers them. Where the kernel can (`UDP_SEGMENT`, `UDP_GRO`), a train crosses loopback as
//! one packet; elsewhere its datagrams go one by one, many with one call. So `messages` and `kernel_datagrams` are two
//! figures. Messages within one shard travel through its socket as well.
//!
//! | file | what it holds |
//! |---|---|
//! | `outbox` | lanes on which trains gather, and the credit that keeps receive buffers from overflowing |
//! | `inbox` | who is let in, and what the marks say is missing |
//! | `segmentation` | how a train crosses the kernel |
//!
//! What was refused: a length of the train in its first datagram (the kernel says where a train ends), and credit by
//! messages (a buffer holds ten times as many in full trains as it holds one by one).

mod inbox;
mod outbox;
mod segmentation;
#[cfg(all(test, not(loom)))]
mod tests;

pub use segmentation::Segmentation;

use super::system::{kernel_drops, receive_buffer, take_trains};
use super::{Arrival, Clock, ProcessWaker, Transport, TransportBuilder, TransportError, Wait};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Message, MessageBatch};
use crate::record::CarrierCounts;
use crate::sync::ChannelCredit;
use crate::time::Nanos;
use crate::wire::{Admission, Stray};
use inbox::TrainInbox;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use outbox::TrainOutbox;
use std::io;
use std::net::SocketAddrV4;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Messages a worker may offer between two looks at what has come: several full trains, so that those leave full. The
/// look itself is one system call, and what waits on the lanes leaves as soon as it finds nothing.
const SEND_BATCH: usize = 512;

/// Packets without a message (bare marks, strays) read in a row at most, so that a flood does not keep a worker busy.
const IDLE_PACKETS_MAX: usize = 16;

/// Looks of one drain at most: a flood of strays must not keep a run from its end. What is of the run was there before, and is
/// found by the next drain where more lay in front of it.
const DRAIN_LOOKS_MAX: usize = 65_536;

/// The most messages of one packet: no segment is shorter than a header.
const ARRIVALS_MAX: usize = 65_536 / crate::wire::HEADER_BYTES;

/// The token of the waker.
const WAKER: Token = Token(1);

/// The token of the socket.
const SOCKET: Token = Token(0);

/// What all ends of a run share.
pub struct UdpShardNetwork {
    /// Where each shard is.
    pub addresses: Box<[SocketAddrV4]>,
    /// The first node of each shard, then the number of nodes.
    pub starts: Box<[u32]>,
    /// An encoded datagram of each order, to be readdressed for each copy.
    pub templates: Arc<[Box<[u8]>]>,
    /// What a datagram must agree with to be let in.
    pub admission: Admission,
    /// The clock.
    pub clock: Clock,
    /// What the ends tell each other beside the datagrams.
    pub lanes: ChannelCredit,
    /// How trains cross the kernel.
    pub segmentation: Segmentation,
    /// The receive buffer of every socket, in bytes as the kernel counts them.
    pub receive_buffer: u32,
    /// Bytes of the longest control message; `None` where there are none.
    pub control_bytes_max: Option<usize>,
}

impl UdpShardNetwork {
    /// The shard of a node that exists.
    #[inline]
    fn shard_of(&self, node: NodeId) -> usize {
        let ends = &self.starts[1..];
        ends.partition_point(|&end| end <= node.0)
    }

    fn nodes_of(&self, shard: usize) -> Range<u32> {
        self.starts[shard]..self.starts[shard + 1]
    }
}

/// The least receive buffer that any of these sockets has, in bytes as the kernel counts them.
pub(crate) fn granted_buffer(sockets: &[std::net::UdpSocket]) -> Result<u32, TransportError> {
    let least =
        sockets.iter().map(receive_buffer).try_fold(u32::MAX, |least, bytes| bytes.map(|bytes| least.min(bytes)));
    least.map_err(TransportError::new("reading the size of a receive buffer"))
}

/// One worker's end before it is set up.
pub struct UdpShardBuilder {
    /// What all ends share.
    pub network: Arc<UdpShardNetwork>,
    /// Which shard it is.
    pub shard: usize,
    /// The shard's socket, non-blocking.
    pub socket: std::net::UdpSocket,
}

impl TransportBuilder for UdpShardBuilder {
    fn build(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError> {
        let UdpShardBuilder { network, shard, socket } = *self;
        if matches!(network.segmentation, Segmentation::Whole { .. }) {
            take_trains(&socket).map_err(TransportError::new("asking a socket for whole trains"))?;
        }
        let poll = Poll::new().map_err(TransportError::new("opening the event queue"))?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(TransportError::new("opening the waker"))?;
        let mut socket = UdpSocket::from_std(socket);
        let registered = poll.registry().register(&mut socket, SOCKET, Interest::READABLE);
        registered.map_err(TransportError::new("registering a shard's socket"))?;
        Ok(Box::new(UdpShardTransport {
            outbox: TrainOutbox::new(&network),
            inbox: TrainInbox::new(&network, shard),
            network,
            shard,
            poll,
            waker: Arc::new(waker),
            events: Events::with_capacity(2),
            socket,
            arrivals: Vec::with_capacity(ARRIVALS_MAX),
            tails: Vec::new(),
            counts: CarrierCounts::default(),
        }))
    }
}

/// One worker's end, at its place.
struct UdpShardTransport {
    network: Arc<UdpShardNetwork>,
    shard: usize,
    poll: Poll,
    waker: Arc<Waker>,
    events: Events,
    socket: UdpSocket,
    outbox: TrainOutbox,
    inbox: TrainInbox,
    arrivals: Vec<Arrival>,
    /// The words behind them.
    tails: Vec<u64>,
    counts: CarrierCounts,
}

/// What the ways out and in have in common.
struct Endpoint<'a> {
    network: &'a UdpShardNetwork,
    shard: usize,
    socket: &'a UdpSocket,
    counts: &'a mut CarrierCounts,
}

/// Where the way in puts what came.
struct Received<'a> {
    arrivals: &'a mut Vec<Arrival>,
    tails: &'a mut Vec<u64>,
}

impl Transport for UdpShardTransport {
    fn send(&mut self, batch: MessageBatch<'_>) -> Result<usize, TransportError> {
        let (outbox, _, _, mut end) = self.parts();
        for (taken, (message, tail)) in batch.iter().enumerate() {
            if !outbox.push(message, tail, &mut end)? {
                return Ok(taken);
            }
        }
        Ok(batch.messages.len())
    }

    fn receive(&mut self, wait: Wait) -> Result<Nanos, TransportError> {
        self.clear();
        let is_empty = self.receive_trains()?;
        let has_come = !self.arrivals.is_empty();
        let (outbox, _, _, mut end) = self.parts();
        if has_come {
            outbox.flush_the_rare(&mut end)?;
        } else {
            outbox.flush(&mut end)?;
            match wait {
                // Credit comes back without an event, from a worker that may need this core.
                Wait::Until(_) if outbox.waiting() > 0 => std::thread::yield_now(),
                Wait::Until(deadline) if is_empty => self.sleep(deadline)?,
                _ => {}
            }
        }
        Ok(self.network.clock.now())
    }

    fn arrivals(&self) -> &[Arrival] {
        &self.arrivals
    }

    fn tails(&self) -> &[u64] {
        &self.tails
    }

    fn body(&self, arrival: &Arrival) -> Option<&[u8]> {
        self.inbox.body(arrival.slot)
    }

    fn refuse(&mut self, arrivals: u64) {
        self.counts.strays.add_many(Stray::Malformed, arrivals);
    }

    fn now(&self) -> Nanos {
        self.network.clock.now()
    }

    fn message_bytes(&self, order: OrderIndex) -> u32 {
        self.network.templates[order.index()].len() as u32
    }

    fn send_batch(&self) -> usize {
        SEND_BATCH
    }

    fn holds_back(&self) -> bool {
        self.outbox.waiting() > 0
    }

    fn unsent(&self) -> Vec<Message> {
        self.outbox.messages(&self.network.admission).collect()
    }

    fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    fn listen(&self, process_waker: &ProcessWaker) -> Result<(), TransportError> {
        process_waker.register(self.poll.registry(), WAKER).map_err(TransportError::new("listening to the alarm"))
    }

    fn drain(&mut self) -> Result<(), TransportError> {
        for _ in 0..DRAIN_LOOKS_MAX {
            self.clear();
            let is_empty = self.receive_trains()?;
            self.counts.drained += self.arrivals.len() as u64;
            if is_empty {
                break;
            }
        }
        self.clear();
        Ok(())
    }

    fn count_drops(&mut self) -> Result<(), TransportError> {
        let drops = kernel_drops(&self.socket);
        self.counts.kernel_dropped = drops.map_err(TransportError::new("reading a socket's drop counter"))?;
        let (_, inbox, _, end) = self.parts();
        let missing = inbox.missing(&end);
        self.counts.missing = Some(missing);
        Ok(())
    }

    fn counts(&self) -> &CarrierCounts {
        &self.counts
    }
}

impl UdpShardTransport {
    fn parts(&mut self) -> (&mut TrainOutbox, &mut TrainInbox, Received<'_>, Endpoint<'_>) {
        let end =
            Endpoint { network: &self.network, shard: self.shard, socket: &self.socket, counts: &mut self.counts };
        (&mut self.outbox, &mut self.inbox, Received { arrivals: &mut self.arrivals, tails: &mut self.tails }, end)
    }

    /// Forgets what came.
    fn clear(&mut self) {
        self.arrivals.clear();
        self.tails.clear();
    }

    /// Takes in the next packet that holds a message; true where the socket is empty.
    fn receive_trains(&mut self) -> Result<bool, TransportError> {
        let (_, inbox, mut came, mut end) = self.parts();
        for _ in 0..IDLE_PACKETS_MAX {
            if !inbox.receive(&mut end, &mut came)? {
                return Ok(true);
            }
            if !came.arrivals.is_empty() {
                break;
            }
        }
        Ok(false)
    }

    /// Sleeps in the kernel until something comes, and takes it in.
    fn sleep(&mut self, deadline: Nanos) -> Result<(), TransportError> {
        let timeout = Duration::from_nanos(deadline.since(self.network.clock.now()).0);
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Ok(()) => self.receive_trains().map(|_| ()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(cause) => Err(TransportError { doing: "waiting for datagrams".to_owned(), cause }),
        }
    }
}
