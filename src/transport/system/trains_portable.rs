//! Any system that mio knows: no trains. Whoever asks is told so, and sends datagrams one by one.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

fn unsupported() -> io::Error {
    io::Error::from(io::ErrorKind::Unsupported)
}

/// Not here.
pub(in crate::transport) fn take_trains<S>(_: &S) -> io::Result<()> {
    Err(unsupported())
}

/// Not here.
pub(in crate::transport) fn send_train<S>(_: &S, _: SocketAddrV4, _: &[u8], _: u16) -> io::Result<()> {
    Err(unsupported())
}

/// What never comes.
pub(in crate::transport) struct Train;

impl Train {
    /// Nothing.
    pub(in crate::transport) fn new() -> Train {
        Train
    }

    /// Not here.
    pub(in crate::transport) fn receive<S>(&mut self, _: &S) -> io::Result<()> {
        Err(unsupported())
    }

    /// None.
    pub(in crate::transport) fn segments(&self) -> usize {
        0
    }

    /// None.
    pub(in crate::transport) fn segment(&self, _: usize) -> &[u8] {
        &[]
    }

    /// Nowhere.
    pub(in crate::transport) fn source(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)
    }
}
