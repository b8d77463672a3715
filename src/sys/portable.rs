//! Implements the names of `linux` with the standard library and mio, for any system.

pub(super) mod child_process;
pub(super) mod clock;
pub(super) mod datagrams;
pub(super) mod process_waker;
pub(super) mod shared_memory;
pub(super) mod trains;

use super::{DATAGRAM_STRIDE, RawAddress, Slab, SocketAddress, slab};
use std::io;

/// Fails, because only Linux supports the call.
fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
