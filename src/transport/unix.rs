//! One Unix datagram socket per node: each hop is a datagram through the kernel, as on `udp`, but not through IP.
//!
//! A socket's name is in the abstract namespace, is chosen by the kernel, and ends with the socket, so that no run
//! leaves a file behind. The kernel drops nothing: while the queue of a receiver is full (`net.unix.max_dgram_qlen`
//! datagrams, 10 by default) a sender keeps what it has, offers it again after its next `receive`, and counts that as
//! blocked.
//!
//! Rejected: one socket per worker. Queues of ten datagrams would make workers wait for each other, and the difference
//! to `udp`, hop by hop, would not be that of IP.

use super::BindError;
use super::node_sockets::SocketFamily;
use super::sockets::{Quota, SOCKET_UNITS, Sockets, make_room};
use crate::sync::{Interrupt, Lookout};
use crate::sys::{RawAddress, SocketAddress, is_full};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::UnixDatagram;

/// Length in bytes of the names that the kernel chooses: five hexadecimal digits.
const NAME_BYTES: usize = 5;

/// Length in bytes of an address with such a name: the family, the zero byte of the abstract namespace, the name.
const NAMED_BYTES: usize = 2 + 1 + NAME_BYTES;

/// The payload of the datagram that tests the sockets.
const ECHO: &[u8] = b"bulkprop";

/// Unix datagram sockets with abstract names.
pub(crate) struct Unix;

/// A name that the kernel chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AbstractName([u8; NAME_BYTES]);

impl SocketAddress for AbstractName {
    #[inline]
    fn to_raw(self) -> RawAddress {
        let mut raw = RawAddress { length: NAMED_BYTES as u32, ..RawAddress::default() };
        raw.bytes[..2].copy_from_slice(&(libc::AF_UNIX as u16).to_ne_bytes());
        raw.bytes[3..NAMED_BYTES].copy_from_slice(&self.0);
        raw
    }

    #[inline]
    fn from_raw(bytes: &[u8]) -> AbstractName {
        // A socket without a name has a shorter address, and one that was named otherwise a longer one.
        let bytes: Option<&[u8; NAMED_BYTES]> = bytes.try_into().ok();
        AbstractName(bytes.map_or([0; NAME_BYTES], |&[_, _, _, a, b, c, d, e]| [a, b, c, d, e]))
    }

    fn to_number(self) -> u64 {
        let [a, b, c, d, e] = self.0;
        u64::from_be_bytes([0, 0, 0, a, b, c, d, e])
    }

    fn from_number(number: u64) -> AbstractName {
        let [_, _, _, name @ ..] = number.to_be_bytes();
        AbstractName(name)
    }
}

impl SocketFamily for Unix {
    type Address = AbstractName;
    type Bound = UnixDatagram;
    type Socket = mio::net::UnixDatagram;

    /// Binds the sockets. The scenario has refused a receive buffer, because a queue is bounded by datagrams.
    fn bind(
        quota: Quota,
        _: Option<u32>,
        interrupt: &Interrupt,
    ) -> Result<Sockets<UnixDatagram, AbstractName>, BindError> {
        let Quota { owner, asked, count, .. } = quota;
        make_room(quota)?;
        let (mut sockets, mut addresses) = (Vec::with_capacity(count as usize), Vec::with_capacity(count as usize));
        let mut lookout = Lookout::new(interrupt);
        let refused = |bound: usize, cause| {
            let place = "in the abstract namespace".to_owned();
            BindError::System { owner, asked, bound, place, cause }
        };
        check_echo().map_err(|cause| refused(0, cause))?;
        while sockets.len() < count as usize {
            lookout.work(SOCKET_UNITS)?;
            let (socket, address) = bind_one().map_err(|cause| refused(sockets.len(), cause))?;
            sockets.push(socket);
            addresses.push(address);
        }
        Ok(Sockets { sockets, addresses: addresses.into(), receive_buffer: None })
    }

    fn open(bound: UnixDatagram) -> mio::net::UnixDatagram {
        mio::net::UnixDatagram::from_std(bound)
    }

    fn is_full(error: &io::Error) -> bool {
        // A worker that fails closes its sockets before the others learn of it. They keep what they have for that
        // moment, so that the run ends with its error and not with theirs.
        is_full(error) || error.kind() == io::ErrorKind::ConnectionRefused
    }

    /// Returns 0: the kernel refuses a datagram that it has no room for, and keeps one that it has accepted.
    fn drops(_: &mio::net::UnixDatagram) -> io::Result<Option<u64>> {
        Ok(Some(0))
    }
}

/// Sends a datagram from a socket to itself, to find out before any set-up that a sandbox forbids it.
fn check_echo() -> io::Result<()> {
    let (socket, _) = bind_one()?;
    socket.send_to_addr(ECHO, &socket.local_addr()?)?;
    socket.recv(&mut [0; ECHO.len()]).map(|_| ())
}

/// Binds a non-blocking socket to a name that the kernel chooses.
fn bind_one() -> io::Result<(UnixDatagram, AbstractName)> {
    // An empty path asks for such a name: unix(7), "Autobind feature".
    let socket = UnixDatagram::bind("").map_err(|error| match error.raw_os_error() {
        Some(libc::ENOSPC) => io::Error::other("all 1,048,576 names that the kernel chooses from are taken"),
        _ => error,
    })?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    match address.as_abstract_name().map(TryInto::try_into) {
        Some(Ok(name)) => Ok((socket, AbstractName(name))),
        _ => Err(io::Error::other("the kernel gave a socket no abstract name of five digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::SocketOwner;

    #[test]
    fn every_socket_has_a_name_of_its_own_that_reads_back() {
        let quota = Quota { owner: SocketOwner::Node, asked: 50, count: 50, threads: 2, process: 0, processes: 1 };
        let bound = Unix::bind(quota, None, &Interrupt::new()).unwrap();
        let mut names: Vec<_> = bound.addresses.iter().map(|name| name.to_number()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 50);
        for &name in &*bound.addresses {
            let RawAddress { bytes, length } = name.to_raw();
            assert_eq!(AbstractName::from_raw(&bytes[..length as usize]), name);
            assert_eq!(AbstractName::from_number(name.to_number()), name);
        }
    }

    #[test]
    fn a_name_ends_with_its_socket() {
        let (socket, name) = bind_one().unwrap();
        let address = socket.local_addr().unwrap();
        let (sender, _) = bind_one().unwrap();
        assert_eq!(sender.send_to_addr(ECHO, &address).unwrap(), ECHO.len());
        drop(socket);
        let refused = sender.send_to_addr(ECHO, &address).unwrap_err();
        assert!(Unix::is_full(&refused), "{refused} at {name:?}");
    }
}
