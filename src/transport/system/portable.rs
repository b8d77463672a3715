//! Any system that mio knows: one call per datagram, no drop counters, receive buffers left as they are.

use super::{Slab, slab};
use crate::wire::RECEIVE_BYTES;
use mio::net::UdpSocket;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// Windows grants 64 KiB, the BSDs less than that only where told to.
const RECEIVE_BUFFER_ASSUMED: u32 = 65_536;

const NOWHERE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

/// Datagrams on their way out, each in a slot of its own with an address.
pub(in crate::transport) struct Outgoing {
    slab: Slab,
    addressed: Box<[(SocketAddrV4, usize)]>,
}

impl Outgoing {
    /// Room for `slots` datagrams.
    pub(in crate::transport) fn new(slots: usize) -> Outgoing {
        Outgoing { slab: slab(slots), addressed: vec![(NOWHERE, 0); slots].into_boxed_slice() }
    }

    /// How many datagrams fit.
    pub(in crate::transport) fn slots(&self) -> usize {
        self.slab.len()
    }

    /// The place of a slot's datagram.
    pub(in crate::transport) fn place(&mut self, slot: usize) -> &mut [u8] {
        &mut self.slab[slot]
    }

    /// Says where a slot's datagram goes and how long it is.
    pub(in crate::transport) fn address(&mut self, slot: usize, to: SocketAddrV4, bytes: usize) {
        self.addressed[slot] = (to, bytes);
    }

    /// Sends slots from `socket`; says how many the kernel took, at least one.
    pub(in crate::transport) fn send(&mut self, socket: &UdpSocket, first: usize, count: usize) -> io::Result<usize> {
        for slot in first..first + count {
            let (to, bytes) = self.addressed[slot];
            match socket.send_to(&self.slab[slot][..bytes], SocketAddr::V4(to)) {
                Ok(_) => {}
                Err(error) if slot == first => return Err(error),
                Err(_) => return Ok(slot - first),
            }
        }
        Ok(count)
    }
}

/// Datagrams that have come, each in a slot of its own with its source.
pub(in crate::transport) struct Incoming {
    slab: Slab,
    received: Box<[(SocketAddrV4, usize)]>,
}

impl Incoming {
    /// Room for `slots` datagrams.
    pub(in crate::transport) fn new(slots: usize) -> Incoming {
        Incoming { slab: slab(slots), received: vec![(NOWHERE, 0); slots].into_boxed_slice() }
    }

    /// How many datagrams fit.
    pub(in crate::transport) fn slots(&self) -> usize {
        self.slab.len()
    }

    /// Receives up to `count` datagrams; fewer mean that the socket is empty.
    pub(in crate::transport) fn receive(
        &mut self,
        socket: &UdpSocket,
        first: usize,
        count: usize,
    ) -> io::Result<usize> {
        let mut slot = first;
        while slot < first + count {
            match socket.recv_from(&mut self.slab[slot][..RECEIVE_BYTES]) {
                Ok((bytes, SocketAddr::V4(source))) => self.received[slot] = (source, bytes),
                Ok((bytes, SocketAddr::V6(_))) => self.received[slot] = (NOWHERE, bytes),
                // A signal says nothing about the socket, and fewer than `count` would say that it is empty.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if slot == first => return Err(error),
                Err(_) => return Ok(slot - first),
            }
            slot += 1;
        }
        Ok(count)
    }

    /// The datagram in a slot; one that was too long fills [`RECEIVE_BYTES`].
    pub(in crate::transport) fn datagram(&self, slot: usize) -> &[u8] {
        &self.slab[slot][..self.received[slot].1]
    }

    /// Where a slot's datagram came from.
    pub(in crate::transport) fn source(&self, slot: usize) -> SocketAddrV4 {
        self.received[slot].0
    }
}

/// No drop counter here.
pub(in crate::transport) fn kernel_drops(_: &UdpSocket) -> io::Result<Option<u64>> {
    Ok(None)
}

/// No portable name for it: the system's default stays, which a granted size of 0 says.
pub(in crate::transport) fn set_receive_buffer<S>(_: &S, _: u32) -> io::Result<u32> {
    Ok(0)
}

/// No portable name for it: what every system grants at least.
pub(in crate::transport) fn receive_buffer<S>(_: &S) -> io::Result<u32> {
    Ok(RECEIVE_BUFFER_ASSUMED)
}

/// Whether the system had no room for a datagram and will have some later.
pub(in crate::transport) fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
