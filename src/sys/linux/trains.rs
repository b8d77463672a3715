//! Linux: sends many datagrams of one size to one address as one packet (`UDP_SEGMENT`), and receives them as one
//! (`UDP_GRO`).
//!
//! A train crosses loopback whole, is queued whole and is dropped whole. A kernel without these options refuses them,
//! and the caller then sends datagrams one by one.

#![allow(unsafe_code)]

use super::datagrams::set_option_at;
use super::{ADDRESS_BYTES, RawAddress, SocketAddress};
use libc::{c_int, c_void, iovec, msghdr, socklen_t};
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::AsRawFd;

/// Bytes of the longest UDP payload over IPv4, and so of the longest train.
const TRAIN_BYTES_MAX: usize = 65_507;

/// A buffer for control messages with the alignment of their headers, with room for the one that gives the segment
/// size.
#[repr(C, align(8))]
struct ControlBuffer([u8; 64]);

// SAFETY: the macro only computes, from a length that is given.
const SEGMENT_SPACE: usize = unsafe { libc::CMSG_SPACE(size_of::<u16>() as u32) } as usize;
// SAFETY: the macro only computes, from a length that is given.
const SEGMENT_LENGTH: usize = unsafe { libc::CMSG_LEN(size_of::<u16>() as u32) } as usize;

/// Enables a socket to receive trains whole.
pub(crate) fn take_trains(socket: &impl AsRawFd) -> io::Result<()> {
    set_option_at(socket.as_raw_fd(), libc::SOL_UDP, libc::UDP_GRO, 1)
}

/// Sends `bytes` as one packet of datagrams of `segment_bytes` each, of which the last may be shorter.
pub(crate) fn send_train(socket: &impl AsRawFd, to: SocketAddrV4, bytes: &[u8], segment_bytes: u16) -> io::Result<()> {
    let mut address = to.to_raw();
    let mut vector = iovec { iov_base: bytes.as_ptr().cast_mut().cast::<c_void>(), iov_len: bytes.len() };
    let mut control = ControlBuffer([0; 64]);
    let mut header = header(&mut address, &mut vector);
    if bytes.len() > usize::from(segment_bytes) {
        header.msg_control = control.0.as_mut_ptr().cast::<c_void>();
        header.msg_controllen = SEGMENT_SPACE as _;
        // SAFETY: `control` is aligned for a header, longer than one with two bytes behind it, and all zeros.
        unsafe {
            let message = libc::CMSG_FIRSTHDR(&header);
            (*message).cmsg_len = SEGMENT_LENGTH as _;
            (*message).cmsg_level = libc::SOL_UDP;
            (*message).cmsg_type = libc::UDP_SEGMENT;
            libc::CMSG_DATA(message).cast::<u16>().write_unaligned(segment_bytes);
        }
    }
    // SAFETY: the header points to an address, a vector, bytes and control bytes that live until the call returns, with
    // their own lengths; the kernel only reads them.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &header, libc::MSG_DONTWAIT) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A received train, or a single datagram.
pub(crate) struct TrainBuffer {
    buffer: Box<[u8]>,
    bytes: usize,
    segment_bytes: usize,
    source: SocketAddrV4,
}

impl TrainBuffer {
    /// Creates a buffer for the longest train.
    pub(crate) fn new() -> TrainBuffer {
        let nowhere = SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, 0);
        TrainBuffer { buffer: vec![0; TRAIN_BYTES_MAX].into(), bytes: 0, segment_bytes: 1, source: nowhere }
    }

    /// Receives the next train in place of the last; `WouldBlock` if there is none.
    pub(crate) fn receive(&mut self, socket: &impl AsRawFd) -> io::Result<()> {
        let mut address = RawAddress { length: ADDRESS_BYTES as u32, ..RawAddress::default() };
        let base = self.buffer.as_mut_ptr().cast::<c_void>();
        let mut vector = iovec { iov_base: base, iov_len: self.buffer.len() };
        let mut control = ControlBuffer([0; 64]);
        let mut header = header(&mut address, &mut vector);
        header.msg_control = control.0.as_mut_ptr().cast::<c_void>();
        header.msg_controllen = control.0.len() as _;
        // SAFETY: the header points to an address, a vector, a buffer and control bytes that live until the call
        // returns and are the caller's to write, with their own lengths.
        let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut header, libc::MSG_DONTWAIT) };
        self.bytes = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
        // A datagram that came alone has no control message: it is one segment.
        self.segment_bytes = segment_bytes(&header).unwrap_or(self.bytes).max(1);
        let length = header.msg_namelen as usize;
        self.source = SocketAddrV4::from_raw(&address.bytes[..length.min(ADDRESS_BYTES)]);
        Ok(())
    }

    /// Returns the number of datagrams, at least one: an empty datagram counts, too.
    pub(crate) fn segments(&self) -> usize {
        self.bytes.div_ceil(self.segment_bytes).max(1)
    }

    /// Returns the datagram at `index`.
    #[inline]
    pub(crate) fn segment(&self, index: usize) -> &[u8] {
        let bytes = &self.buffer[..self.bytes];
        let rest = bytes.get(index * self.segment_bytes..).unwrap_or_default();
        &rest[..rest.len().min(self.segment_bytes)]
    }

    /// Returns the source address.
    pub(crate) fn source(&self) -> SocketAddrV4 {
        self.source
    }
}

/// Returns the segment size in bytes that the kernel reports; `None` for a single datagram.
fn segment_bytes(header: &msghdr) -> Option<usize> {
    // SAFETY: the control bytes that the header points to are alive, and the kernel has written their length into it;
    // the macros stay within that length. The kernel writes an `int` behind a header of this kind.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while let Some(found) = message.as_ref() {
            if found.cmsg_level == libc::SOL_UDP && found.cmsg_type == libc::UDP_GRO {
                let bytes = libc::CMSG_DATA(message).cast::<c_int>().read_unaligned();
                return usize::try_from(bytes).ok();
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    None
}

fn header(address: &mut RawAddress, vector: &mut iovec) -> msghdr {
    // SAFETY: `msghdr` is a C structure of integers and pointers, for which all zeros is a value; some C libraries give
    // it private padding, so a literal cannot be written.
    let mut header: msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = address.bytes.as_mut_ptr().cast::<c_void>();
    header.msg_namelen = address.length as socklen_t;
    header.msg_iov = vector;
    header.msg_iovlen = 1;
    header
}
