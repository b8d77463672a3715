//! What the standard library and mio offer on any system, under the names that `linux` has.

pub(super) mod child_process;
pub(super) mod clock;
pub(super) mod datagrams;
pub(super) mod process_waker;
pub(super) mod shared_memory;
pub(super) mod trains;

use super::{DATAGRAM_STRIDE, Slab, slab};
use std::io;

/// The refusal of what only Linux has.
fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
