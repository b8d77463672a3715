//! One datagram socket per node, of any family: each hop is a datagram of its own through the kernel.
//!
//! A family of sockets says what an address is, how a socket is bound, and what the kernel does when there is no room.
//!
//! A datagram leaves from its sender's socket. It is admitted only if it bears the run's token, is addressed to the
//! node whose socket it came to, and came from the address of the node that it names as its sender.

#[cfg(test)]
mod tests;

use super::poller::Poller;
use super::sockets::{BindError, Quota, Sockets};
use super::{
    Arrival, Clock, MessageIo, ReceiveWaker, Settlement, Stateful, Transport, TransportBuilder, TransportError,
    TransportState, Wait, Wakeup,
};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Message, MessageBatch};
use crate::sync::Interrupt;
use crate::sys::{DatagramSocket, Incoming, Outgoing, ProcessWaker, SocketAddress, is_full, kernel_drops};
use crate::time::Nanos;
use crate::wire::{self, Admission, Header, OrderParts, RECEIVE_BYTES, Stray};
use mio::event::Source;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Datagrams sent before the next poll of the sockets: usually those of one forward.
const SEND_BATCH: usize = 8;

/// Datagrams at most that a worker sends with one call.
const SEND_SLOTS: usize = 64;

/// Datagrams at most in a receive batch, which bounds the resolution of a receipt's time.
const RECEIVE_SLOTS: usize = 64;

/// Datagrams taken from one socket before the next one's turn. Fewer than this many show that the socket is empty,
/// which saves the call that would only show that.
const SOCKET_TURN: usize = 4;

/// Turns of one socket in a drain at most, because a flood of strays must not keep a run from its end. The run's own
/// datagrams were there before; those behind more strays than that are found by the next drain.
const DRAIN_TURNS_MAX: usize = 16_384;

/// Readiness events taken from the kernel at a time.
const EVENTS: usize = 256;

/// A family of datagram sockets.
pub(crate) trait SocketFamily: 'static {
    /// The address of a socket.
    type Address: SocketAddress;
    /// A non-blocking socket that is bound and can cross threads.
    type Bound: Send;
    /// A socket in its worker's poll.
    type Socket: Source + DatagramSocket;

    /// Binds the sockets of one process.
    fn bind(
        quota: Quota,
        receive_buffer: Option<u32>,
        interrupt: &Interrupt,
    ) -> Result<Sockets<Self::Bound, Self::Address>, BindError>;

    /// Prepares a socket for the poll of its worker.
    fn open(bound: Self::Bound) -> Self::Socket;

    /// Returns true if the kernel had no room for a datagram now but will have some later.
    fn is_full(error: &io::Error) -> bool {
        is_full(error)
    }

    /// Returns the number of datagrams that the kernel has dropped at a socket; `None` where it does not count.
    fn drops(socket: &Self::Socket) -> io::Result<Option<u64>> {
        kernel_drops(socket)
    }
}

/// The part of the set-up that all ends of a run share.
pub(crate) struct NodeSocketNetwork<A> {
    /// The address of each node.
    pub(crate) addresses: Arc<[A]>,
    /// An encoded datagram of each order, whose header is patched for each copy.
    pub(crate) templates: Arc<[Box<[u8]>]>,
    /// The parts of the orders, if they travel in parts.
    pub(crate) parts: Option<Arc<OrderParts>>,
    /// The conditions that an admitted datagram meets.
    pub(crate) admission: Admission,
    /// The clock.
    pub(crate) clock: Clock,
}

/// One worker's end before it is set up on its thread.
pub(crate) struct NodeSocketBuilder<F: SocketFamily> {
    /// The part of the set-up that all ends share.
    pub(crate) network: Arc<NodeSocketNetwork<F::Address>>,
    /// The shard's first node.
    pub(crate) first_node: u32,
    /// The non-blocking sockets of the shard's nodes, by node.
    pub(crate) sockets: Vec<F::Bound>,
}

impl<F: SocketFamily> TransportBuilder for NodeSocketBuilder<F> {
    fn build(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError> {
        let poller = Poller::new(EVENTS)?;
        let mut sockets: Vec<_> = self.sockets.into_iter().map(F::open).collect();
        for (local, socket) in sockets.iter_mut().enumerate() {
            poller
                .watch(socket, local)
                .map_err(|cause| TransportError { doing: format!("registering socket {local} of a shard"), cause })?;
        }
        let nodes = sockets.len();
        Ok(Box::new(NodeSocketTransport::<F> {
            state: TransportState::new(self.network.clock, Vec::with_capacity(RECEIVE_SLOTS)),
            network: self.network,
            first_node: self.first_node,
            poller,
            sockets,
            readable: Readable { queue: VecDeque::with_capacity(nodes), queued: vec![false; nodes] },
            outgoing: Outgoing::new(SEND_SLOTS),
            templates_out: [None; SEND_SLOTS],
            incoming: Incoming::new(RECEIVE_SLOTS, RECEIVE_BYTES),
            is_blocked: false,
        }))
    }
}

/// One worker's end, set up on its thread.
struct NodeSocketTransport<F: SocketFamily> {
    network: Arc<NodeSocketNetwork<F::Address>>,
    first_node: u32,
    poller: Poller,
    sockets: Vec<F::Socket>,
    readable: Readable,
    outgoing: Outgoing,
    /// The order whose datagram is in each outgoing slot.
    templates_out: [Option<OrderIndex>; SEND_SLOTS],
    incoming: Incoming,
    /// True if the kernel had no room for the last datagram offered.
    is_blocked: bool,
    state: TransportState,
}

/// Sockets that may hold datagrams, each listed once. The kernel reports a socket when a datagram arrives, not while
/// one is there, so a socket that was not emptied must be remembered.
struct Readable {
    queue: VecDeque<u32>,
    queued: Vec<bool>,
}

impl Readable {
    fn push(&mut self, local: usize) {
        if !std::mem::replace(&mut self.queued[local], true) {
            self.queue.push_back(local as u32);
        }
    }

    fn pop(&mut self) -> Option<usize> {
        let local = self.queue.pop_front()? as usize;
        self.queued[local] = false;
        Some(local)
    }
}

impl<F: SocketFamily> Stateful for NodeSocketTransport<F> {
    fn state(&self) -> &TransportState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut TransportState {
        &mut self.state
    }
}

impl<F: SocketFamily> MessageIo for NodeSocketTransport<F> {
    fn send_batch(&self) -> usize {
        SEND_BATCH
    }

    fn send(&mut self, MessageBatch { messages, mut tails }: MessageBatch<'_>) -> Result<usize, TransportError> {
        let mut taken = 0;
        // Messages of one sender are adjacent and leave from its socket with one call.
        for run in messages.chunk_by(|a, b| a.from == b.from) {
            for part in run.chunks(self.outgoing.slots()) {
                let sent = self.send_from_one(part, &mut tails)?;
                taken += sent;
                if sent < part.len() {
                    return Ok(taken);
                }
            }
        }
        Ok(taken)
    }

    fn receive(&mut self, wait: Wait) -> Result<Nanos, TransportError> {
        self.state.received.clear();
        self.collect_events(wait)?;
        let mut filled = 0;
        while filled < self.incoming.slots() {
            let Some(local) = self.readable.pop() else { break };
            let asked = SOCKET_TURN.min(self.incoming.slots() - filled);
            let came = self.receive_at(local, filled, asked)?;
            if came == asked {
                self.readable.push(local);
            }
            for slot in filled..filled + came {
                self.admit_slot(local, slot);
            }
            filled += came;
        }
        // Room comes from a worker that reads, which may need this core.
        if self.is_blocked && filled == 0 {
            std::thread::yield_now();
        }
        Ok(self.network.clock.now())
    }

    fn body(&self, arrival: &Arrival) -> Option<&[u8]> {
        self.incoming.datagram(usize::from(arrival.slot)).get(wire::HEADER_BYTES..)
    }

    fn is_own_encoding(&self, arrival: &Arrival) -> bool {
        let template = &self.network.templates[arrival.message.order.index()];
        self.body(arrival) == template.get(wire::HEADER_BYTES..)
    }

    fn message_bytes(&self, order: OrderIndex) -> u32 {
        self.network.templates[order.index()].len() as u32
    }
}

impl<F: SocketFamily> Settlement for NodeSocketTransport<F> {
    fn drain(&mut self) -> Result<(), TransportError> {
        for local in 0..self.sockets.len() {
            for _ in 0..DRAIN_TURNS_MAX {
                let came = self.receive_at(local, 0, SOCKET_TURN)?;
                for slot in 0..came {
                    match self.admit(local, slot) {
                        Ok(_) => self.state.counts.drained += 1,
                        Err(stray) => self.state.counts.strays.add(stray),
                    }
                }
                if came < SOCKET_TURN {
                    break;
                }
            }
        }
        Ok(())
    }

    fn count_drops(&mut self) -> Result<(), TransportError> {
        let mut total = Some(0);
        for socket in &self.sockets {
            let drops = F::drops(socket).map_err(TransportError::new("reading a socket's drop counter"))?;
            total = total.zip(drops).map(|(total, drops)| total + drops);
        }
        self.state.counts.kernel_dropped = total;
        Ok(())
    }
}

impl<F: SocketFamily> Wakeup for NodeSocketTransport<F> {
    fn waker(&self) -> Arc<dyn ReceiveWaker> {
        self.poller.waker()
    }

    fn listen(&self, process_waker: &ProcessWaker) -> Result<(), TransportError> {
        self.poller.listen(process_waker)
    }
}

impl<F: SocketFamily> NodeSocketTransport<F> {
    /// Sends up to a slab of messages of one sender, and consumes their tails; returns how many the kernel accepted.
    fn send_from_one(&mut self, messages: &[Message], tails: &mut &[u64]) -> Result<usize, TransportError> {
        for (slot, message) in messages.iter().enumerate() {
            self.write_datagram(slot, message, message.cut(tails));
        }
        let socket = &self.sockets[(messages[0].from.0 - self.first_node) as usize];
        let mut sent = 0;
        self.is_blocked = false;
        while sent < messages.len() {
            self.state.counts.send_calls += 1;
            match self.outgoing.send(socket, sent, messages.len() - sent) {
                Ok(more) => sent += more,
                Err(error) if F::is_full(&error) => {
                    self.state.counts.send_blocked += 1;
                    self.is_blocked = true;
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    let Message { from, to, .. } = messages[sent];
                    return Err(TransportError { doing: format!("sending from node {from} to node {to}"), cause });
                }
            }
        }
        self.state.counts.kernel_datagrams += sent as u64;
        Ok(sent)
    }

    /// Writes a message's datagram into a slot: its order's template, unless that is there already, and its own fields.
    fn write_datagram(&mut self, slot: usize, message: &Message, tail: &[u64]) {
        if message.kind.is_control() {
            self.write_control(slot, message, tail);
            return;
        }
        let template = &self.network.templates[message.order.index()];
        let place = self.outgoing.place(slot);
        if self.templates_out[slot] != Some(message.order) {
            place[..template.len()].copy_from_slice(template);
            self.templates_out[slot] = Some(message.order);
        }
        if let Some(header) = place.first_chunk_mut() {
            wire::patch(header, message);
        }
        self.outgoing.address(slot, self.network.addresses[message.to.index()], template.len());
    }

    /// Writes the datagram of a control message or of a part into a slot.
    fn write_control(&mut self, slot: usize, message: &Message, tail: &[u64]) {
        let header = Header { token: self.network.admission.token, message: *message };
        let place = self.outgoing.place(slot);
        let bytes = match self.network.parts.as_ref().filter(|_| message.kind.is_part()) {
            Some(parts) => wire::encode_part(&header, tail, parts.body_of(message.order, tail), place),
            None => wire::encode_control(&header, tail, place),
        };
        // The next order in this slot must copy its whole template again.
        self.templates_out[slot] = None;
        self.outgoing.address(slot, self.network.addresses[message.to.index()], bytes);
    }

    /// Asks the kernel which sockets are readable.
    fn collect_events(&mut self, wait: Wait) -> Result<(), TransportError> {
        let timeout = match wait {
            Wait::Until(deadline) if self.readable.queue.is_empty() => {
                Duration::from_nanos(deadline.since(self.network.clock.now()).0)
            }
            _ => Duration::ZERO,
        };
        if self.poller.wait(timeout, "waiting for datagrams")? {
            self.poller.ready().for_each(|local| self.readable.push(local));
        }
        Ok(())
    }

    /// Receives from one socket into the slots from `first` on; returns 0 if it was empty.
    fn receive_at(&mut self, local: usize, first: usize, count: usize) -> Result<usize, TransportError> {
        loop {
            self.state.counts.receive_calls += 1;
            return match self.incoming.receive(&self.sockets[local], first, count) {
                Ok(came) => Ok(came),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => {
                    let node = self.first_node + local as u32;
                    Err(TransportError { doing: format!("receiving for node {node}"), cause })
                }
            };
        }
    }

    /// Adds a slot's datagram to the arrivals, or counts it as a stray.
    #[inline]
    fn admit_slot(&mut self, local: usize, slot: usize) {
        match self.admit(local, slot) {
            Ok(arrival) => {
                if arrival.message.tail > 0 {
                    let body = &self.incoming.datagram(slot)[wire::HEADER_BYTES..];
                    self.state.received.tails.extend(wire::tail(arrival.message.kind, body));
                }
                self.state.received.arrivals.push(arrival);
            }
            Err(stray) => self.state.counts.strays.add(stray),
        }
    }

    #[inline]
    fn admit(&self, local: usize, slot: usize) -> Result<Arrival, Stray> {
        let datagram = self.incoming.datagram(slot);
        let here = NodeId(self.first_node + local as u32);
        let (message, _) = self.network.admission.admit(datagram, |to| to == here)?;
        if self.incoming.source::<F::Address>(slot) != self.network.addresses[message.from.index()] {
            return Err(Stray::WrongSource);
        }
        Ok(Arrival { message, bytes: datagram.len() as u32, slot: slot as u16 })
    }
}
