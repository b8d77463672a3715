//! Every system call that the standard library and mio do not wrap safely, and nearly all of the crate's `unsafe`.
//!
//! | file | contents |
//! |---|---|
//! | `datagrams` | batches of datagrams in one call (`sendmmsg`, `recvmmsg`), receive buffers, drop counters |
//! | `trains` | many datagrams as one packet through the kernel (`UDP_SEGMENT`, `UDP_GRO`) |
//! | `clock` | the monotonic clock that all processes of a machine share |
//! | `process_waker` | a counter that wakes the workers of all processes (`eventfd`) |
//! | `shared_memory` | memory that several processes map (`memfd_create`, `mmap`) |
//! | `child_process` | a child's inheritance, its end with its parent, and the wait for its end |
//! | `pages` | memory faulted in before the run, on huge pages where possible (`madvise`) |
//! | `descriptors` | the limit on open files (`setrlimit`) |
//! | `disk_room` | room left on a disk (`statvfs`) |
//! | `input` | input files, `-` being standard input |
//! | `signals` | signals that the process was started to ignore (`sigaction`) |
//! | `available_memory` | memory left by machine, control group and address space, from `/proc` and `/sys` |
//! | `peak_memory` | the most memory that this process has held, from `/proc` |
//! | `socket_address` | addresses of sockets in the kernel's layout |
//! | `remedy` | remedies for errors of the system |
//!
//! The first six differ by system: `linux/` has the calls; `portable/` serves other systems, and builds made
//! under `BULKPROP_PORTABLE=1`, with the means of the standard library and mio, and fails with
//! [`Unsupported`](std::io::ErrorKind::Unsupported) where those have none. The rooms above see the same names on both
//! sides.
//!
//! Rejected: the crates `nix` and `rustix`, because neither wraps `UDP_GRO` together with `recvmmsg` into memory that
//! is reused from call to call, and without that every batch would allocate.

mod available_memory;
mod descriptors;
mod disk_room;
mod input;
#[cfg(all(target_os = "linux", not(portable)))]
mod linux;
mod pages;
#[cfg(feature = "cluster")]
mod peak_memory;
#[cfg(not(all(target_os = "linux", not(portable))))]
mod portable;
mod remedy;
#[cfg(unix)]
mod signals;
mod socket_address;

#[cfg(all(target_os = "linux", not(portable)))]
use linux as platform;
#[cfg(not(all(target_os = "linux", not(portable))))]
use portable as platform;

pub use available_memory::{AvailableMemory, MemoryBound};
pub(crate) use descriptors::{descriptor_of, raise_descriptor_limit};
pub use disk_room::disk_room;
pub use input::{is_standard_input, open_input};
pub(crate) use pages::prefer_huge;
pub use pages::{touched, touched_room};
#[cfg(feature = "cluster")]
pub use peak_memory::peak_memory_bytes;
pub use platform::child_process::inherited;
pub(crate) use platform::child_process::{ExitWatch, prepare_child, sleep_until_exit};
pub(crate) use platform::clock::monotonic_ns;
pub(crate) use platform::datagrams::{
    DatagramSocket, Incoming, Outgoing, is_full, kernel_drops, receive_buffer, set_receive_buffer,
};
pub use platform::process_waker::ProcessWaker;
pub use platform::shared_memory::{SharedMemory, file_in_memory};
pub(crate) use platform::trains::{TrainBuffer, send_train, take_trains};
pub use remedy::remedy;
#[cfg(unix)]
pub use signals::is_signal_ignored;
pub(crate) use socket_address::{RawAddress, SocketAddress};

/// Bytes from one datagram's slot in a slab to the next: a whole number of cache lines, and the longest datagram that
/// can be received whole.
pub(crate) const DATAGRAM_STRIDE: usize = 1_536;

/// Slots for datagrams.
type Slab = Box<[[u8; DATAGRAM_STRIDE]]>;

fn slab(slots: usize) -> Slab {
    vec![[0; DATAGRAM_STRIDE]; slots].into_boxed_slice()
}

/// Converts the negative result of a failed call to the system's last error.
#[cfg(unix)]
fn check(result: libc::c_int) -> std::io::Result<()> {
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}
