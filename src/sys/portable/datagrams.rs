//! Any system that mio supports: one call per datagram, no drop counters, receive buffers left as they are.

use super::{DATAGRAM_STRIDE, RawAddress, Slab, SocketAddress, slab};
use mio::net::UdpSocket;
use std::io;
use std::net::{SocketAddr, SocketAddrV4};

/// Receive buffer in bytes that every system is assumed to grant: Windows grants 64 KiB, and the BSDs grant less only
/// if told to.
const RECEIVE_BUFFER_ASSUMED: u32 = 65_536;

/// A socket that sends and receives datagrams: of UDP, as no other family is portable.
pub(crate) trait DatagramSocket {
    /// Returns the socket.
    fn udp(&self) -> &UdpSocket;
}

impl DatagramSocket for UdpSocket {
    fn udp(&self) -> &UdpSocket {
        self
    }
}

/// Outgoing datagrams, each in a slot of its own with an address.
pub(crate) struct Outgoing {
    slab: Slab,
    addressed: Box<[(RawAddress, usize)]>,
}

impl Outgoing {
    /// Creates room for `slots` datagrams.
    pub(crate) fn new(slots: usize) -> Outgoing {
        Outgoing { slab: slab(slots), addressed: vec![(RawAddress::default(), 0); slots].into_boxed_slice() }
    }

    /// Returns the number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.slab.len()
    }

    /// Returns the buffer of a slot's datagram.
    pub(crate) fn place(&mut self, slot: usize) -> &mut [u8] {
        &mut self.slab[slot]
    }

    /// Sets a slot's destination and length in bytes.
    pub(crate) fn address(&mut self, slot: usize, to: impl SocketAddress, bytes: usize) {
        self.addressed[slot] = (to.to_raw(), bytes);
    }

    /// Sends `count` slots from `first` on through `socket`; returns how many the kernel accepted, at least one.
    pub(crate) fn send(&mut self, socket: &impl DatagramSocket, first: usize, count: usize) -> io::Result<usize> {
        for slot in first..first + count {
            let (to, bytes) = self.addressed[slot];
            let to = SocketAddr::V4(SocketAddrV4::from_raw(&to.bytes));
            match socket.udp().send_to(&self.slab[slot][..bytes], to) {
                Ok(_) => {}
                Err(error) if slot == first => return Err(error),
                Err(_) => return Ok(slot - first),
            }
        }
        Ok(count)
    }
}

/// Received datagrams, each in a slot of its own with its source.
pub(crate) struct Incoming {
    slab: Slab,
    received: Box<[(RawAddress, usize)]>,
    /// Bytes of a datagram that are received at most.
    datagram_bytes: usize,
}

impl Incoming {
    /// Creates room for `slots` datagrams, of each of which at most `datagram_bytes` are received.
    pub(crate) fn new(slots: usize, datagram_bytes: usize) -> Incoming {
        let received = vec![(RawAddress::default(), 0); slots].into_boxed_slice();
        Incoming { slab: slab(slots), received, datagram_bytes: datagram_bytes.min(DATAGRAM_STRIDE) }
    }

    /// Returns the number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.slab.len()
    }

    /// Receives up to `count` datagrams; returns their number. Fewer than `count` means that the socket is now empty.
    pub(crate) fn receive(&mut self, socket: &impl DatagramSocket, first: usize, count: usize) -> io::Result<usize> {
        let mut slot = first;
        while slot < first + count {
            match socket.udp().recv_from(&mut self.slab[slot][..self.datagram_bytes]) {
                Ok((bytes, SocketAddr::V4(source))) => self.received[slot] = (source.to_raw(), bytes),
                Ok((bytes, SocketAddr::V6(_))) => self.received[slot] = (RawAddress::default(), bytes),
                // A signal says nothing about the socket, and returning fewer than `count` would say that it is empty.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if slot == first => return Err(error),
                Err(_) => return Ok(slot - first),
            }
            slot += 1;
        }
        Ok(count)
    }

    /// Returns the datagram in a slot; one that was too long is cut to the bytes that are received.
    pub(crate) fn datagram(&self, slot: usize) -> &[u8] {
        &self.slab[slot][..self.received[slot].1]
    }

    /// Returns the source address of a slot's datagram.
    pub(crate) fn source<A: SocketAddress>(&self, slot: usize) -> A {
        A::from_raw(&self.received[slot].0.bytes)
    }
}

/// Returns `None`, because there is no portable drop counter.
pub(crate) fn kernel_drops(_: &impl DatagramSocket) -> io::Result<Option<u64>> {
    Ok(None)
}

/// Leaves the system's default, because there is no portable call for it; the returned size of 0 says so.
pub(crate) fn set_receive_buffer<S>(_: &S, _: u32) -> io::Result<u32> {
    Ok(0)
}

/// Returns the size that every system is assumed to grant, because there is no portable call for it.
pub(crate) fn receive_buffer<S>(_: &S) -> io::Result<u32> {
    Ok(RECEIVE_BUFFER_ASSUMED)
}

/// Returns true if the system had no room for a datagram now but will have some later.
pub(crate) fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
