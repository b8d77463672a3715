//! Sockets, one for every node or one for every shard: how many fit, the table of their addresses, and the binding of
//! those of UDP.

use crate::scenario::SocketOwner;
use crate::sync::{Interrupt, Interrupted, Lookout};
use crate::sys::{raise_descriptor_limit, remedy, set_receive_buffer};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

/// Descriptors other than the nodes' sockets: standard streams, files, and some to spare.
const DESCRIPTORS_SPARE: u64 = 32;

/// Descriptors of a worker's event loop: its poll and its waker.
const DESCRIPTORS_PER_WORKER: u64 = 3;

/// Work units of binding a socket, where a random draw is one.
pub(crate) const SOCKET_UNITS: u64 = 1_000;

/// Loopback addresses 127.0.0.1, 127.0.0.2, ... that are tried while ports run out. Processes share them out among
/// themselves.
const ADDRESSES_MAX: u32 = 1_024;

/// The payload of the datagram that tests the network.
const ECHO: &[u8] = b"bulkprop";

/// Time limit for that datagram: on loopback it takes microseconds, but a machine may be busy.
const ECHO_TIMEOUT: Duration = Duration::from_secs(5);

/// Bound sockets and their addresses, both by owner.
pub(crate) struct Sockets<S, A> {
    /// One non-blocking socket per owner.
    pub(crate) sockets: Vec<S>,
    /// The address of each socket.
    pub(crate) addresses: Arc<[A]>,
    /// The receive buffer that each socket was granted, in bytes as the kernel counts them, if one was requested.
    pub(crate) receive_buffer: Option<u32>,
}

/// A reason why not every owner has a socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The user interrupted the set-up.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The hard limit on descriptors is too low.
    #[error(
        "--{owner}s {asked}: each {owner} needs a socket, and the hard limit on open files leaves room for {fits} \
         with {threads} threads{}; {}raise the limit (ulimit -Hn){}",
        per_process(*processes),
        ask_for_fewer(*owner, *fits),
        or_more_processes(*owner)
    )]
    Descriptors {
        /// The kind of owner that has one socket each.
        owner: SocketOwner,
        /// Sockets requested.
        asked: u32,
        /// Sockets that fit.
        fits: u64,
        /// Workers of each process.
        threads: usize,
        /// Processes requested.
        processes: usize,
    },
    /// No free port on any loopback address tried.
    #[error(
        "socket {bound} of {asked} found no free port on {first} to {last}: {cause}; ask for fewer --{owner}s or free \
         some ports"
    )]
    Ports {
        /// The kind of owner that has one socket each.
        owner: SocketOwner,
        /// Sockets requested.
        asked: u32,
        /// Sockets bound before.
        bound: usize,
        /// The first address tried.
        first: Ipv4Addr,
        /// The last address tried.
        last: Ipv4Addr,
        /// The system's error.
        cause: io::Error,
    },
    /// A datagram did not arrive.
    #[error(
        "a datagram from {address} to itself did not arrive within {} s: a firewall drops it; allow UDP within \
         127.0.0.0/8, or choose --transport memory or --transport simulated, which need no network",
        ECHO_TIMEOUT.as_secs()
    )]
    Silent {
        /// The address tried.
        address: Ipv4Addr,
    },
    /// The system refused for another reason.
    #[error(
        "socket {} of {asked}, one for each {owner}, was refused {place}: {cause}; {}",
        bound + 1,
        remedy(cause)
    )]
    System {
        /// The kind of owner that has one socket each.
        owner: SocketOwner,
        /// Sockets requested.
        asked: u32,
        /// Sockets bound before.
        bound: usize,
        /// The place where it was to be bound, with its preposition.
        place: String,
        /// The system's error.
        cause: io::Error,
    },
}

impl BindError {
    /// Returns true if less would have worked: the user asked for too much.
    pub fn is_usage(&self) -> bool {
        matches!(self, BindError::Descriptors { .. } | BindError::Ports { .. })
    }
}

/// Adds, for several processes, that the threads are those of each.
fn per_process(processes: usize) -> String {
    if processes == 1 { String::new() } else { format!(" in each of {processes} processes") }
}

/// Suggests the number that fits, if any does.
fn ask_for_fewer(owner: SocketOwner, fits: u64) -> String {
    if fits == 0 { String::new() } else { format!("ask for at most {fits} {owner}s, or ") }
}

/// Suggests more processes where they can share the nodes of a run.
fn or_more_processes(owner: SocketOwner) -> &'static str {
    match owner {
        SocketOwner::Node if cfg!(all(target_os = "linux", not(portable))) => ", or spread them over more --processes",
        _ => "",
    }
}

/// The sockets that a process of a run is to bind, and where it begins to look for ports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    /// The kind of owner that has one socket each.
    pub(crate) owner: SocketOwner,
    /// Sockets of all processes.
    pub(crate) asked: u32,
    /// Sockets of this process.
    pub(crate) count: u32,
    /// Worker threads of this process.
    pub(crate) threads: usize,
    /// Index of the process, from 0. Each begins at a loopback address of its own, so that they do not compete for
    /// ports.
    pub(crate) process: usize,
    /// Number of processes.
    pub(crate) processes: usize,
}

/// Binds the UDP sockets of one process, on loopback.
pub(crate) fn bind(
    quota: Quota,
    receive_buffer: Option<u32>,
    interrupt: &Interrupt,
) -> Result<Sockets<UdpSocket, SocketAddrV4>, BindError> {
    let Quota { owner, count, process, processes, .. } = quota;
    make_room(quota)?;
    let first = u32::from(Ipv4Addr::LOCALHOST) + process as u32 * (ADDRESSES_MAX / processes as u32);
    check_loopback(quota, first.into())?;
    let mut sockets = Vec::with_capacity(count as usize);
    let mut addresses = Vec::with_capacity(count as usize);
    let mut granted = None;
    let hosts = ADDRESSES_MAX / processes as u32;
    let mut host = 0;
    let mut lookout = Lookout::new(interrupt);
    while sockets.len() < count as usize {
        lookout.work(SOCKET_UNITS)?;
        let ip = Ipv4Addr::from(first + host);
        match bind_one(ip, receive_buffer) {
            Ok((socket, address, bytes)) => {
                sockets.push(socket);
                addresses.push(address);
                granted = bytes.or(granted);
            }
            Err(cause) if cause.kind() == io::ErrorKind::AddrInUse && host + 1 < hosts => host += 1,
            // Ports ran out, and the system has no further address.
            Err(cause) if host > 0 && cause.kind() == io::ErrorKind::AddrNotAvailable => {
                let (first, last) = (first.into(), Ipv4Addr::from(first + host - 1));
                return Err(BindError::Ports { owner, asked: count, bound: sockets.len(), first, last, cause });
            }
            Err(cause) => return Err(refusal(owner, count, sockets.len(), [first.into(), ip], cause)),
        }
    }
    Ok(Sockets { sockets, addresses: addresses.into(), receive_buffer: granted })
}

/// Raises the descriptor limit as far as the hard limit allows, and fails if the sockets do not fit.
pub(crate) fn make_room(quota: Quota) -> Result<(), BindError> {
    let Quota { owner, asked, count, threads, processes, .. } = quota;
    let others = DESCRIPTORS_SPARE + DESCRIPTORS_PER_WORKER * threads as u64;
    // If the limit cannot be read, binding itself will fail.
    let allowed = raise_descriptor_limit(u64::from(count) + others).unwrap_or(u64::MAX);
    let fits = allowed.saturating_sub(others);
    if u64::from(count) > fits {
        let fits = fits.saturating_mul(processes as u64);
        return Err(BindError::Descriptors { owner, asked, fits, threads, processes });
    }
    Ok(())
}

/// Sends a datagram to its own socket, to find out before any set-up that a network carries none: sockets can be bound
/// where nothing can be sent.
fn check_loopback(quota: Quota, address: Ipv4Addr) -> Result<(), BindError> {
    let Quota { owner, asked, .. } = quota;
    let echo = || -> io::Result<usize> {
        let socket = UdpSocket::bind((address, 0))?;
        socket.set_read_timeout(Some(ECHO_TIMEOUT))?;
        socket.send_to(ECHO, socket.local_addr()?)?;
        // A stranger's datagram that arrives first shows just as well that the network carries datagrams.
        socket.recv_from(&mut [0; ECHO.len()]).map(|(bytes, _)| bytes)
    };
    match echo() {
        Ok(_) => Ok(()),
        Err(cause) if matches!(cause.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Err(BindError::Silent { address })
        }
        Err(cause) => Err(refusal(owner, asked, 0, [address, address], cause)),
    }
}

fn bind_one(ip: Ipv4Addr, receive_buffer: Option<u32>) -> io::Result<(UdpSocket, SocketAddrV4, Option<u32>)> {
    let socket = UdpSocket::bind((ip, 0))?;
    socket.set_nonblocking(true)?;
    let granted = receive_buffer.map(|bytes| set_receive_buffer(&socket, bytes)).transpose()?;
    match socket.local_addr()? {
        SocketAddr::V4(address) => Ok((socket, address, granted)),
        SocketAddr::V6(_) => Err(io::Error::other("an IPv4 socket has an IPv6 address")),
    }
}

fn refusal(owner: SocketOwner, asked: u32, bound: usize, tried: [Ipv4Addr; 2], cause: io::Error) -> BindError {
    let [first, last] = tried;
    match cause.kind() {
        io::ErrorKind::AddrInUse => BindError::Ports { owner, asked, bound, first, last, cause },
        _ => BindError::System { owner, asked, bound, place: format!("on {last}"), cause },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: u32) -> Quota {
        Quota { owner: SocketOwner::Node, asked: count, count, threads: 2, process: 0, processes: 1 }
    }

    #[test]
    fn processes_bind_on_addresses_of_their_own() {
        let bound =
            bind(Quota { asked: 128, process: 63, processes: 64, ..nodes(2) }, None, &Interrupt::new()).unwrap();
        assert!(bound.addresses.iter().all(|address| *address.ip() == Ipv4Addr::new(127, 0, 3, 241)));
    }

    #[test]
    fn every_node_has_an_address_of_its_own() {
        let bound = bind(nodes(50), Some(100_000), &Interrupt::new()).unwrap();
        let mut addresses = bound.addresses.to_vec();
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), 50);
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
        assert!(bound.receive_buffer.is_some());
    }

    #[test]
    fn too_many_sockets_are_refused_with_the_number_that_fits() {
        let Err(BindError::Descriptors { asked, fits, .. }) =
            bind(nodes(u32::MAX), None, &Interrupt::new()).map(|_| ())
        else {
            panic!("four billion sockets fit nowhere")
        };
        assert!(asked == u32::MAX && fits < u64::from(asked));
    }
}
