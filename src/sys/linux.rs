//! Implements the names of `sys` with Linux's own system calls.

pub(super) mod child_process;
pub(super) mod clock;
pub(super) mod datagrams;
pub(super) mod process_waker;
pub(super) mod shared_memory;
pub(super) mod trains;

use super::socket_address::ADDRESS_BYTES;
use super::{DATAGRAM_STRIDE, RawAddress, Slab, SocketAddress, check, slab};
