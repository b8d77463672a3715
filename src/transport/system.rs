//! System calls that the standard library and mio do not wrap safely, and the only `unsafe` code of the socket
//! carriers.
//!
//! On Linux a batch of datagrams passes to or from the kernel in one call (`sendmmsg`, `recvmmsg`), or crosses the
//! kernel itself as one packet (`UDP_SEGMENT`, `UDP_GRO`), and each socket reports what it dropped. On other systems,
//! or under `--cfg portable`, mio's plain calls implement the same names, and drops are unknown.

#[cfg(all(target_os = "linux", not(portable)))]
#[path = "system/linux.rs"]
mod platform;

#[cfg(not(all(target_os = "linux", not(portable))))]
#[path = "system/portable.rs"]
mod platform;

mod descriptors;

#[cfg(all(target_os = "linux", not(portable)))]
#[path = "system/trains_linux.rs"]
mod trains;

#[cfg(not(all(target_os = "linux", not(portable))))]
#[path = "system/trains_portable.rs"]
mod trains;

pub(super) use descriptors::raise_descriptor_limit;
pub(super) use platform::{Incoming, Outgoing, is_full, kernel_drops};
pub(super) use platform::{receive_buffer, set_receive_buffer};
pub(super) use trains::{Train, send_train, take_trains};

/// Bytes from one datagram's slot in a slab to the next: a whole number of cache lines with room for the longest
/// datagram and for the one byte more that reveals a longer one.
const STRIDE: usize = 1_536;

const _: () = assert!(STRIDE >= crate::wire::RECEIVE_BYTES);

/// Slots for datagrams.
type Slab = Box<[[u8; STRIDE]]>;

fn slab(slots: usize) -> Slab {
    vec![[0; STRIDE]; slots].into_boxed_slice()
}
