//! Any system that mio supports: trains are unsupported, so the caller sends datagrams one by one.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

fn unsupported() -> io::Error {
    io::Error::from(io::ErrorKind::Unsupported)
}

/// Fails: unsupported on this system.
pub(in crate::transport) fn take_trains<S>(_: &S) -> io::Result<()> {
    Err(unsupported())
}

/// Fails: unsupported on this system.
pub(in crate::transport) fn send_train<S>(_: &S, _: SocketAddrV4, _: &[u8], _: u16) -> io::Result<()> {
    Err(unsupported())
}

/// A train that is never received.
pub(in crate::transport) struct Train;

impl Train {
    /// Creates an empty train.
    pub(in crate::transport) fn new() -> Train {
        Train
    }

    /// Fails: unsupported on this system.
    pub(in crate::transport) fn receive<S>(&mut self, _: &S) -> io::Result<()> {
        Err(unsupported())
    }

    /// Always 0.
    pub(in crate::transport) fn segments(&self) -> usize {
        0
    }

    /// Always empty.
    pub(in crate::transport) fn segment(&self, _: usize) -> &[u8] {
        &[]
    }

    /// Always the unspecified address.
    pub(in crate::transport) fn source(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)
    }
}
