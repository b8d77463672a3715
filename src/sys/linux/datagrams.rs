//! Linux: datagrams in batches, receive buffers, drop counters.

#![allow(unsafe_code)]

use super::{ADDRESS_BYTES, DATAGRAM_STRIDE, RawAddress, Slab, SocketAddress, check, slab};
use libc::{c_int, c_void, iovec, mmsghdr, msghdr, socklen_t};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;

/// A socket that sends and receives datagrams.
pub(crate) trait DatagramSocket: AsRawFd {}

impl<S: AsRawFd> DatagramSocket for S {}

/// The arrays that `sendmmsg` and `recvmmsg` work on. Each header points to the vector, address and datagram of its
/// slot.
///
/// The pointers stay valid because every array is boxed and never grows. They make the type not `Send`, which is right,
/// because it stays with the worker that made it.
struct DatagramBatch {
    slab: Slab,
    addresses: Box<[RawAddress]>,
    vectors: Box<[iovec]>,
    headers: Box<[mmsghdr]>,
}

impl DatagramBatch {
    fn new(slots: usize, datagram_bytes: usize) -> DatagramBatch {
        let mut slab = slab(slots);
        let mut addresses = vec![RawAddress::default(); slots].into_boxed_slice();
        let mut vectors: Box<[iovec]> = slab
            .iter_mut()
            .map(|place| iovec {
                iov_base: place.as_mut_ptr().cast::<c_void>(),
                iov_len: datagram_bytes.min(DATAGRAM_STRIDE),
            })
            .collect();
        let headers = vectors.iter_mut().zip(&mut addresses).map(|(vector, address)| header(vector, address)).collect();
        DatagramBatch { slab, addresses, vectors, headers }
    }
}

fn header(vector: &mut iovec, address: &mut RawAddress) -> mmsghdr {
    // SAFETY: `msghdr` is a C structure of integers and pointers, for which all zeros is a value; some C libraries give
    // it private padding, so a literal cannot be written.
    let mut header: msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = address.bytes.as_mut_ptr().cast::<c_void>();
    header.msg_namelen = ADDRESS_BYTES as socklen_t;
    header.msg_iov = vector;
    header.msg_iovlen = 1;
    mmsghdr { msg_hdr: header, msg_len: 0 }
}

/// Outgoing datagrams, each in a slot of its own with an address.
pub(crate) struct Outgoing {
    batch: DatagramBatch,
}

impl Outgoing {
    /// Creates room for `slots` datagrams.
    pub(crate) fn new(slots: usize) -> Outgoing {
        Outgoing { batch: DatagramBatch::new(slots, 0) }
    }

    /// Returns the number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.batch.headers.len()
    }

    /// Returns the buffer of a slot's datagram.
    pub(crate) fn place(&mut self, slot: usize) -> &mut [u8] {
        &mut self.batch.slab[slot]
    }

    /// Sets a slot's destination and length in bytes, at most the buffer's length.
    pub(crate) fn address(&mut self, slot: usize, to: impl SocketAddress, bytes: usize) {
        let address = to.to_raw();
        self.batch.addresses[slot] = address;
        self.batch.headers[slot].msg_hdr.msg_namelen = address.length;
        self.batch.vectors[slot].iov_len = bytes.min(DATAGRAM_STRIDE);
    }

    /// Sends `count` slots from `first` on through `socket`; returns how many the kernel accepted, at least one.
    pub(crate) fn send(&mut self, socket: &impl DatagramSocket, first: usize, count: usize) -> io::Result<usize> {
        let headers = &mut self.batch.headers[first..first + count];
        // SAFETY: the headers are `count` long, and each points to a vector, an address and a buffer that live as long
        // as `self`, whose lengths are within those objects.
        let sent =
            unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count as u32, libc::MSG_DONTWAIT) };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

/// Received datagrams, each in a slot of its own with its source.
pub(crate) struct Incoming {
    batch: DatagramBatch,
}

impl Incoming {
    /// Creates room for `slots` datagrams, of each of which at most `datagram_bytes` are received.
    pub(crate) fn new(slots: usize, datagram_bytes: usize) -> Incoming {
        Incoming { batch: DatagramBatch::new(slots, datagram_bytes) }
    }

    /// Returns the number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.batch.headers.len()
    }

    /// Receives up to `count` datagrams from `socket` into the slots from `first` on; returns their number.
    ///
    /// Fewer than `count` means that the socket is now empty; `WouldBlock` that it was empty from the start.
    pub(crate) fn receive(&mut self, socket: &impl DatagramSocket, first: usize, count: usize) -> io::Result<usize> {
        let headers = &mut self.batch.headers[first..first + count];
        // The kernel overwrites the length with that of the address it wrote.
        for header in headers.iter_mut() {
            header.msg_hdr.msg_namelen = ADDRESS_BYTES as socklen_t;
        }
        // SAFETY: the headers are `count` long, and each points to a vector, an address and a buffer that live as long
        // as `self`, whose lengths are within those objects. No timeout is passed.
        let received = unsafe {
            let flags = libc::MSG_DONTWAIT;
            libc::recvmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count as u32, flags, ptr::null_mut())
        };
        usize::try_from(received).map_err(|_| io::Error::last_os_error())
    }

    /// Returns the datagram in a slot; one that was too long is cut to the bytes that are received.
    #[inline]
    pub(crate) fn datagram(&self, slot: usize) -> &[u8] {
        let bytes = self.batch.headers[slot].msg_len as usize;
        &self.batch.slab[slot][..bytes.min(DATAGRAM_STRIDE)]
    }

    /// Returns the source address of a slot's datagram.
    #[inline]
    pub(crate) fn source<A: SocketAddress>(&self, slot: usize) -> A {
        let length = self.batch.headers[slot].msg_hdr.msg_namelen as usize;
        A::from_raw(&self.batch.addresses[slot].bytes[..length.min(ADDRESS_BYTES)])
    }
}

/// Returns true if the kernel had no room for a datagram now but will have some later.
pub(crate) fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(libc::ENOBUFS)
}

/// Returns the number of datagrams that the kernel has dropped at this socket because its buffer was full.
pub(crate) fn kernel_drops(socket: &impl DatagramSocket) -> io::Result<Option<u64>> {
    let mut info = [0u32; libc::SK_MEMINFO_DROPS as usize + 1];
    let mut bytes = size_of_val(&info) as socklen_t;
    // SAFETY: `info` is writable and `bytes` says its length; the kernel writes at most that much.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            info.as_mut_ptr().cast::<c_void>(),
            &mut bytes,
        )
    };
    check(result)?;
    Ok(Some(u64::from(info[libc::SK_MEMINFO_DROPS as usize])))
}

/// Requests a receive buffer of `bytes`; returns the granted bytes, the kernel's overhead included.
pub(crate) fn set_receive_buffer(socket: &impl AsRawFd, bytes: u32) -> io::Result<u32> {
    let asked = c_int::try_from(bytes).unwrap_or(c_int::MAX);
    set_option_at(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVBUF, asked)?;
    receive_buffer(socket)
}

/// Returns a socket's receive buffer in bytes as the kernel counts them, its overhead included.
pub(crate) fn receive_buffer(socket: &impl AsRawFd) -> io::Result<u32> {
    let mut granted: c_int = 0;
    let mut length = size_of::<c_int>() as socklen_t;
    // SAFETY: `granted` is a writable `int` and `length` is its size.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVBUF,
            ptr::from_mut(&mut granted).cast::<c_void>(),
            &mut length,
        )
    };
    check(result)?;
    Ok(u32::try_from(granted).unwrap_or(0))
}

/// Sets an option whose value is an `int`.
pub(super) fn set_option_at(descriptor: RawFd, level: c_int, option: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: `value` is a readable `int` and its size is passed.
    let result = unsafe {
        libc::setsockopt(
            descriptor,
            level,
            option,
            ptr::from_ref(&value).cast::<c_void>(),
            size_of::<c_int>() as socklen_t,
        )
    };
    check(result)
}
