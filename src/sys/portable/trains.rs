//! Any system that mio supports: trains are unsupported, so the caller sends datagrams one by one.

use super::unsupported;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Fails: unsupported on this system.
pub(crate) fn take_trains<S>(_: &S) -> io::Result<()> {
    unsupported()
}

/// Fails: unsupported on this system.
pub(crate) fn send_train<S>(_: &S, _: SocketAddrV4, _: &[u8], _: u16) -> io::Result<()> {
    unsupported()
}

/// A train that is never received.
pub(crate) struct TrainBuffer;

impl TrainBuffer {
    /// Creates an empty train.
    pub(crate) fn new() -> TrainBuffer {
        TrainBuffer
    }

    /// Fails: unsupported on this system.
    pub(crate) fn receive<S>(&mut self, _: &S) -> io::Result<()> {
        unsupported()
    }

    /// Always 0.
    pub(crate) fn segments(&self) -> usize {
        0
    }

    /// Always empty.
    pub(crate) fn segment(&self, _: usize) -> &[u8] {
        &[]
    }

    /// Always the unspecified address.
    pub(crate) fn source(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)
    }
}
