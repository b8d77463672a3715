//! Sockets on loopback, one for every node or one for every shard, and the table of their addresses.

use crate::sync::{Interrupt, Interrupted, Lookout};
use crate::transport::remedy;
use crate::transport::system::{raise_descriptor_limit, set_receive_buffer};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

/// Descriptors beside the nodes' sockets: standard streams, files, and some to spare.
const DESCRIPTORS_SPARE: u64 = 32;

/// Descriptors that a worker's event loop takes: its poll and its waker.
const DESCRIPTORS_PER_WORKER: u64 = 3;

/// The work that it is to bind a socket, where a draw is one.
const SOCKET_UNITS: u64 = 1_000;

/// Further addresses 127.0.0.2, 127.0.0.3, ... are tried while ports run out. Processes share them out among themselves.
const ADDRESSES_MAX: u32 = 1_024;

/// What a network is tried with.
const ECHO: &[u8] = b"bulkprop";

/// How long it has for it: on loopback it takes microseconds, and a machine may be busy.
const ECHO_TIMEOUT: Duration = Duration::from_secs(5);

/// Bound sockets and where each is, both by owner.
pub(crate) struct Sockets {
    /// One socket each, non-blocking.
    pub(crate) sockets: Vec<UdpSocket>,
    /// Where each is.
    pub(crate) addresses: Arc<[SocketAddrV4]>,
    /// The receive buffer that each socket was granted, in bytes as the kernel counts them, where one was asked for.
    pub(crate) receive_buffer: Option<u32>,
}

/// Who has a socket each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owners {
    /// Every node.
    Nodes,
    /// Every worker thread, for its shard.
    Threads,
}

/// One of them, as the option that counts them begins.
impl fmt::Display for Owners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Owners::Nodes => "node",
            Owners::Threads => "thread",
        })
    }
}

/// Why not everyone has a socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The user did not wait for all of them.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The hard limit on descriptors is too low.
    #[error(
        "--{owners}s {asked}: each {owners} needs a socket, and the hard limit on open files leaves room for {fits} with \
         {threads} threads{}; {}raise the limit (ulimit -Hn){}",
        in_each(*processes),
        ask_for_fewer(*owners, *fits),
        or_spread(*owners)
    )]
    Descriptors {
        /// Who has a socket each.
        owners: Owners,
        /// Sockets asked for.
        asked: u32,
        /// Sockets that fit.
        fits: u64,
        /// Workers of each process.
        threads: usize,
        /// Processes asked for.
        processes: usize,
    },
    /// No free port on any loopback address tried.
    #[error(
        "socket {bound} of {asked} found no free port on {first} to {last}: {cause}; ask for fewer --{owners}s or free some ports"
    )]
    Ports {
        /// Who has a socket each.
        owners: Owners,
        /// Sockets asked for.
        asked: u32,
        /// Sockets bound before.
        bound: usize,
        /// The first address tried.
        first: Ipv4Addr,
        /// The last address tried.
        last: Ipv4Addr,
        /// What the system said.
        cause: io::Error,
    },
    /// A datagram does not come through.
    #[error(
        "a datagram from {address} to itself did not arrive within {} s: a firewall drops it; allow UDP within 127.0.0.0/8, or \
         choose --transport memory or --transport simulated, which need no network",
        ECHO_TIMEOUT.as_secs()
    )]
    Silent {
        /// The address tried.
        address: Ipv4Addr,
    },
    /// The system refused for another reason.
    #[error(
        "socket {} of {asked}, one for each {owners}, was refused on {address}: {cause}; {}",
        bound + 1,
        remedy(cause)
    )]
    System {
        /// Who has a socket each.
        owners: Owners,
        /// Sockets asked for.
        asked: u32,
        /// Sockets bound before.
        bound: usize,
        /// The address tried.
        address: Ipv4Addr,
        /// What the system said.
        cause: io::Error,
    },
}

impl BindError {
    /// Whether less would have worked: the user asked for too much.
    pub fn is_usage(&self) -> bool {
        matches!(self, BindError::Descriptors { .. } | BindError::Ports { .. })
    }
}

/// Where there are several processes, that the threads are those of one.
fn in_each(processes: usize) -> String {
    if processes == 1 { String::new() } else { format!(" in each of {processes} processes") }
}

/// Where any fit, that fewer would.
fn ask_for_fewer(owners: Owners, fits: u64) -> String {
    if fits == 0 { String::new() } else { format!("ask for at most {fits} {owners}s, or ") }
}

/// Where processes can share a run, that more of them hold more nodes.
fn or_spread(owners: Owners) -> &'static str {
    match owners {
        Owners::Nodes if cfg!(all(target_os = "linux", not(portable))) => ", or spread them over more --processes",
        _ => "",
    }
}

/// How many sockets a process of a run is to bind, and where it begins to look for ports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    /// Who has a socket each.
    pub(crate) owners: Owners,
    /// The sockets of all processes.
    pub(crate) asked: u32,
    /// The sockets of this process.
    pub(crate) count: u32,
    /// Its workers.
    pub(crate) threads: usize,
    /// The process, counted from 0. Each begins at a loopback address of its own, so that they do not compete for ports.
    pub(crate) process: usize,
    /// How many processes there are.
    pub(crate) processes: usize,
}

/// Binds sockets.
pub(crate) fn bind(quota: Quota, receive_buffer: Option<u32>, interrupt: &Interrupt) -> Result<Sockets, BindError> {
    let Quota { owners, count, process, processes, .. } = quota;
    make_room(quota)?;
    let first = u32::from(Ipv4Addr::LOCALHOST) + process as u32 * (ADDRESSES_MAX / processes as u32);
    hear_an_echo(quota, first.into())?;
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
                return Err(BindError::Ports { owners, asked: count, bound: sockets.len(), first, last, cause });
            }
            Err(cause) => return Err(refusal(owners, count, sockets.len(), [first.into(), ip], cause)),
        }
    }
    Ok(Sockets { sockets, addresses: addresses.into(), receive_buffer: granted })
}

/// Raises the descriptor limit as far as the hard limit lets it, and refuses what does not fit under it.
pub(crate) fn make_room(quota: Quota) -> Result<(), BindError> {
    let Quota { owners, asked, count, threads, processes, .. } = quota;
    let others = DESCRIPTORS_SPARE + DESCRIPTORS_PER_WORKER * threads as u64;
    // Where the limit cannot be read, binding itself will tell.
    let allowed = raise_descriptor_limit(u64::from(count) + others).unwrap_or(u64::MAX);
    let fits = allowed.saturating_sub(others);
    if u64::from(count) > fits {
        let fits = fits.saturating_mul(processes as u64);
        return Err(BindError::Descriptors { owners, asked, fits, threads, processes });
    }
    Ok(())
}

/// Sends a datagram to itself, so that a network which carries none is told before anything is set up: sockets can be bound
/// where nothing can be sent.
fn hear_an_echo(quota: Quota, address: Ipv4Addr) -> Result<(), BindError> {
    let Quota { owners, asked, .. } = quota;
    let heard = || -> io::Result<usize> {
        let socket = UdpSocket::bind((address, 0))?;
        socket.set_read_timeout(Some(ECHO_TIMEOUT))?;
        socket.send_to(ECHO, socket.local_addr()?)?;
        // What a stranger sent meanwhile has been carried, too.
        socket.recv_from(&mut [0; ECHO.len()]).map(|(bytes, _)| bytes)
    };
    match heard() {
        Ok(_) => Ok(()),
        Err(cause) if matches!(cause.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Err(BindError::Silent { address })
        }
        Err(cause) => Err(refusal(owners, asked, 0, [address, address], cause)),
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

fn refusal(owners: Owners, asked: u32, bound: usize, tried: [Ipv4Addr; 2], cause: io::Error) -> BindError {
    let [first, last] = tried;
    match cause.kind() {
        io::ErrorKind::AddrInUse => BindError::Ports { owners, asked, bound, first, last, cause },
        _ => BindError::System { owners, asked, bound, address: last, cause },
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn nodes(count: u32) -> Quota {
        Quota { owners: Owners::Nodes, asked: count, count, threads: 2, process: 0, processes: 1 }
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
