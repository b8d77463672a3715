//! One real UDP socket per shard: messages for the same shard share a send, and the ids in their headers tell nodes
//! apart.
//!
//! Each message is a datagram with its own header and token. The datagrams that leave together for one shard are a
//! *train*: all have one size, and a trailer numbers them. If the kernel can (`UDP_SEGMENT`, `UDP_GRO`), a train
//! crosses loopback as one packet; otherwise its datagrams go one by one, many with one call. `messages` and
//! `kernel_datagrams` are therefore two figures. Messages within one shard travel through its socket as well.
//!
//! | file | contents |
//! |---|---|
//! | `outbox` | channels on which trains gather, and the credit that keeps receive buffers from overflowing |
//! | `inbox` | admission of datagrams, and what the trailers show to be missing |
//! | `segmentation` | passing a train through the kernel |
//!
//! Rejected: a train's length in its first datagram (the kernel reports where a train ends), and credit by messages (a
//! buffer holds ten times as many in full trains as one by one).

mod inbox;
mod outbox;
mod segmentation;
#[cfg(test)]
mod tests;

pub use segmentation::Segmentation;

use super::poller::Poller;
use super::{
    Arrival, Clock, MessageIo, ReceiveBatch, ReceiveWaker, Settlement, Stateful, Transport, TransportBuilder,
    TransportError, TransportState, Wait, Wakeup,
};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Message, MessageBatch};
use crate::record::CarrierCounts;
use crate::sync::ChannelCredit;
use crate::sys::{ProcessWaker, kernel_drops, receive_buffer, take_trains};
use crate::threads::ShardMap;
use crate::time::Nanos;
use crate::wire::{Admission, HEADER_BYTES, OrderParts};
use inbox::TrainInbox;
use mio::net::UdpSocket;
use outbox::TrainOutbox;
use std::net::SocketAddrV4;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Messages a worker may offer between two polls of its socket: several full trains, so that those leave full. The poll
/// itself is one system call, and messages waiting on the channels leave as soon as it finds nothing.
const SEND_BATCH: usize = 512;

/// Packets without a message (bare trailers, strays) read in a row at most, so that a flood does not keep a worker
/// busy.
const IDLE_PACKETS_MAX: usize = 16;

/// Polls of one drain at most, because a flood of strays must not keep a run from its end. The run's own datagrams were
/// there before; those behind more strays than that are found by the next drain.
const DRAIN_POLLS_MAX: usize = 65_536;

/// Messages of one packet at most: no segment is shorter than a header.
const ARRIVALS_MAX: usize = 65_536 / HEADER_BYTES;

/// The part of the set-up that all ends of a run share.
pub struct UdpShardNetwork {
    /// The address of each shard.
    pub addresses: Box<[SocketAddrV4]>,
    /// The nodes of each shard.
    pub shards: ShardMap,
    /// An encoded datagram of each order, whose header is patched for each copy.
    pub templates: Arc<[Box<[u8]>]>,
    /// The parts of the orders, if they travel in parts.
    pub parts: Option<Arc<OrderParts>>,
    /// The conditions that an admitted datagram meets.
    pub admission: Admission,
    /// The clock.
    pub clock: Clock,
    /// The counts that the ends exchange beside the datagrams.
    pub channels: ChannelCredit,
    /// The mode in which trains cross the kernel.
    pub segmentation: Segmentation,
    /// The receive buffer of every socket, in bytes as the kernel counts them.
    pub receive_buffer: u32,
    /// Bytes of the longest control message; `None` if the protocol sends none.
    pub control_bytes_max: Option<usize>,
}

impl UdpShardNetwork {
    /// Returns the shard of an existing node.
    #[inline]
    fn shard_of(&self, node: NodeId) -> usize {
        self.shards.owner(node)
    }

    fn nodes_of(&self, shard: usize) -> Range<u32> {
        self.shards.shard(shard)
    }
}

/// Returns the smallest receive buffer of these sockets, in bytes as the kernel counts them.
pub(crate) fn granted_buffer(sockets: &[std::net::UdpSocket]) -> Result<u32, TransportError> {
    let least =
        sockets.iter().map(receive_buffer).try_fold(u32::MAX, |least, bytes| bytes.map(|bytes| least.min(bytes)));
    least.map_err(TransportError::new("reading the size of a receive buffer"))
}

/// One worker's end before it is set up on its thread.
pub struct UdpShardBuilder {
    /// The part of the set-up that all ends share.
    pub network: Arc<UdpShardNetwork>,
    /// Index of the shard.
    pub shard: usize,
    /// The shard's non-blocking socket.
    pub socket: std::net::UdpSocket,
}

impl TransportBuilder for UdpShardBuilder {
    fn build(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError> {
        let UdpShardBuilder { network, shard, socket } = *self;
        if matches!(network.segmentation, Segmentation::Whole { .. }) {
            take_trains(&socket).map_err(TransportError::new("asking a socket for whole trains"))?;
        }
        // The events are those of the socket and of the waker.
        let poller = Poller::new(2)?;
        let mut socket = UdpSocket::from_std(socket);
        poller.watch(&mut socket, 0).map_err(TransportError::new("registering a shard's socket"))?;
        Ok(Box::new(UdpShardTransport {
            outbox: TrainOutbox::new(&network),
            inbox: TrainInbox::new(&network, shard),
            state: TransportState::new(network.clock, Vec::with_capacity(ARRIVALS_MAX)),
            network,
            shard,
            poller,
            socket,
        }))
    }
}

/// One worker's end, set up on its thread.
struct UdpShardTransport {
    network: Arc<UdpShardNetwork>,
    shard: usize,
    poller: Poller,
    socket: UdpSocket,
    outbox: TrainOutbox,
    inbox: TrainInbox,
    state: TransportState,
}

/// The parts of an end that its outbox and its inbox both use.
struct Endpoint<'a> {
    network: &'a UdpShardNetwork,
    shard: usize,
    socket: &'a UdpSocket,
    counts: &'a mut CarrierCounts,
}

impl Stateful for UdpShardTransport {
    fn state(&self) -> &TransportState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut TransportState {
        &mut self.state
    }
}

impl MessageIo for UdpShardTransport {
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
        self.state.received.clear();
        let is_empty = self.receive_trains()?;
        let has_come = !self.state.received.arrivals.is_empty();
        let (outbox, _, _, mut end) = self.parts();
        if has_come {
            outbox.flush_at_intervals(&mut end)?;
        } else {
            outbox.flush(&mut end)?;
            match wait {
                // Credit returns without an event, from a worker that may need this core.
                Wait::Until(_) if outbox.waiting() > 0 => std::thread::yield_now(),
                Wait::Until(deadline) if is_empty => self.sleep(deadline)?,
                _ => {}
            }
        }
        Ok(self.network.clock.now())
    }

    fn body(&self, arrival: &Arrival) -> Option<&[u8]> {
        self.inbox.body(arrival.slot)
    }

    fn is_own_encoding(&self, arrival: &Arrival) -> bool {
        self.body(arrival) == self.network.templates[arrival.message.order.index()].get(HEADER_BYTES..)
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
}

impl Settlement for UdpShardTransport {
    fn drain(&mut self) -> Result<(), TransportError> {
        for _ in 0..DRAIN_POLLS_MAX {
            self.state.received.clear();
            let is_empty = self.receive_trains()?;
            self.state.counts.drained += self.state.received.arrivals.len() as u64;
            if is_empty {
                break;
            }
        }
        self.state.received.clear();
        Ok(())
    }

    fn count_drops(&mut self) -> Result<(), TransportError> {
        let drops = kernel_drops(&self.socket);
        self.state.counts.kernel_dropped = drops.map_err(TransportError::new("reading a socket's drop counter"))?;
        let (_, inbox, _, end) = self.parts();
        let missing = inbox.missing(&end);
        self.state.counts.missing = Some(missing);
        Ok(())
    }
}

impl Wakeup for UdpShardTransport {
    fn waker(&self) -> Arc<dyn ReceiveWaker> {
        self.poller.waker()
    }

    fn listen(&self, process_waker: &ProcessWaker) -> Result<(), TransportError> {
        self.poller.listen(process_waker)
    }
}

impl UdpShardTransport {
    fn parts(&mut self) -> (&mut TrainOutbox, &mut TrainInbox, &mut ReceiveBatch, Endpoint<'_>) {
        let TransportState { received, counts, .. } = &mut self.state;
        let end = Endpoint { network: &self.network, shard: self.shard, socket: &self.socket, counts };
        (&mut self.outbox, &mut self.inbox, received, end)
    }

    /// Receives the next packet that holds a message; returns true if the socket is empty.
    fn receive_trains(&mut self) -> Result<bool, TransportError> {
        let (_, inbox, came, mut end) = self.parts();
        for _ in 0..IDLE_PACKETS_MAX {
            if !inbox.receive(&mut end, came)? {
                return Ok(true);
            }
            if !came.arrivals.is_empty() {
                break;
            }
        }
        Ok(false)
    }

    /// Sleeps in the kernel until a packet arrives, and receives it.
    fn sleep(&mut self, deadline: Nanos) -> Result<(), TransportError> {
        let timeout = Duration::from_nanos(deadline.since(self.network.clock.now()).0);
        if self.poller.wait(timeout, "waiting for datagrams")? {
            self.receive_trains()?;
        }
        Ok(())
    }
}
