//! The cost of datagrams alone: the same sockets, threads and datagram count as a run, and no protocol. A run is
//! compared with this floor in the same process.

#![allow(unsafe_code)]

pub(crate) mod rings;
pub(crate) mod trains;

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use std::net::SocketAddrV4;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

/// Datagrams that leave one socket with one call, as those of a forward do.
const FAN_OUT: usize = 8;

/// Datagrams taken from one socket with one call.
const TURN: usize = 4;

/// Bytes of a datagram.
const DATAGRAM_BYTES: usize = 60;

/// Time to move `datagrams` between `nodes` sockets on `threads` pinned threads.
pub(crate) fn time(nodes: usize, threads: usize, datagrams: u64) -> Duration {
    let sockets: Vec<_> = (0..nodes).map(|_| std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: Vec<SocketAddrV4> = sockets
        .iter()
        .map(|socket| match socket.local_addr().unwrap() {
            std::net::SocketAddr::V4(address) => address,
            std::net::SocketAddr::V6(address) => panic!("{address} is not IPv4"),
        })
        .collect();
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let received = AtomicU64::new(0);
    let start = Barrier::new(threads);
    let ended = Mutex::new(Duration::ZERO);
    let mut sockets = sockets.into_iter();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let share = (thread + 1) * nodes / threads - thread * nodes / threads;
            let own: Vec<_> = sockets.by_ref().take(share).collect();
            let quota = (thread as u64 + 1) * datagrams / threads as u64 - thread as u64 * datagrams / threads as u64;
            let core = cores.get(thread % cores.len().max(1)).copied();
            let (addresses, cores, received, start, ended) = (&addresses, &cores, &received, &start, &ended);
            scope.spawn(move || {
                core.map(core_affinity::set_for_current);
                let mut end = End::new(own, addresses);
                start.wait();
                #[expect(clippy::disallowed_methods, reason = "the floor has a clock of its own")]
                let began = Instant::now();
                let mut left = quota;
                // Ordering: Relaxed; a count of datagrams that publishes nothing else.
                while received.load(Ordering::Relaxed) < datagrams {
                    left -= end.send(left.min(FAN_OUT as u64) as usize);
                    received.fetch_add(end.receive(), Ordering::Relaxed);
                    if left == 0 && threads > cores.len() {
                        std::thread::yield_now();
                    }
                }
                let took = began.elapsed();
                let mut ended = ended.lock().unwrap();
                *ended = ended.max(took);
            });
        }
    });
    ended.into_inner().unwrap()
}

/// One thread's sockets.
struct End<'a> {
    poll: Poll,
    events: Events,
    sockets: Vec<UdpSocket>,
    addresses: &'a [SocketAddrV4],
    next: usize,
    random: u64,
}

impl<'a> End<'a> {
    fn new(sockets: Vec<std::net::UdpSocket>, addresses: &'a [SocketAddrV4]) -> End<'a> {
        let poll = Poll::new().unwrap();
        let register = |(index, socket): (usize, std::net::UdpSocket)| {
            socket.set_nonblocking(true).unwrap();
            let mut socket = UdpSocket::from_std(socket);
            poll.registry().register(&mut socket, Token(index), Interest::READABLE).unwrap();
            socket
        };
        let sockets = sockets.into_iter().enumerate().map(register).collect();
        End { poll, events: Events::with_capacity(256), sockets, addresses, next: 0, random: 1 }
    }

    /// Sends `count` datagrams from the next socket to random ones; returns how many the kernel accepted.
    fn send(&mut self, count: usize) -> u64 {
        if count == 0 {
            return 0;
        }
        let datagram = [0u8; DATAGRAM_BYTES];
        let mut to = [raw(self.addresses[0]); FAN_OUT];
        let mut vector = libc::iovec { iov_base: datagram.as_ptr().cast_mut().cast(), iov_len: DATAGRAM_BYTES };
        // SAFETY: `mmsghdr` is a C structure of integers and pointers, for which all zeros is a value.
        let mut headers: [libc::mmsghdr; FAN_OUT] = unsafe { std::mem::zeroed() };
        for (header, to) in headers.iter_mut().zip(&mut to) {
            self.random = self.random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            *to = raw(self.addresses[(self.random >> 33) as usize % self.addresses.len()]);
            header.msg_hdr.msg_name = std::ptr::from_mut(to).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            header.msg_hdr.msg_iov = &mut vector;
            header.msg_hdr.msg_iovlen = 1;
        }
        self.next = (self.next + 1) % self.sockets.len();
        let socket = self.sockets[self.next].as_raw_fd();
        // SAFETY: `count` is at most the headers' length, and all they point to lives until the call returns.
        let sent = unsafe { libc::sendmmsg(socket, headers.as_mut_ptr(), count as u32, libc::MSG_DONTWAIT) };
        sent.max(0) as u64
    }

    /// Receives all available datagrams, as a worker does: up to four per call, where fewer show that the socket is
    /// empty.
    fn receive(&mut self) -> u64 {
        let mut buffers = [[0u8; 2_048]; TURN];
        let mut vectors =
            buffers.each_mut().map(|buffer| libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: 2_048 });
        let mut from = [raw(self.addresses[0]); TURN];
        // SAFETY: `mmsghdr` is a C structure of integers and pointers, for which all zeros is a value.
        let mut headers: [libc::mmsghdr; TURN] = unsafe { std::mem::zeroed() };
        for ((header, vector), from) in headers.iter_mut().zip(&mut vectors).zip(&mut from) {
            header.msg_hdr.msg_name = std::ptr::from_mut(from).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
        }
        self.poll.poll(&mut self.events, Some(Duration::ZERO)).unwrap();
        let mut count = 0;
        for event in &self.events {
            let socket = self.sockets[event.token().0].as_raw_fd();
            loop {
                let (headers, flags) = (headers.as_mut_ptr(), libc::MSG_DONTWAIT);
                // SAFETY: the headers are `TURN` long, and all they point to lives until the call returns.
                let came = unsafe { libc::recvmmsg(socket, headers, TURN as u32, flags, std::ptr::null_mut()) };
                count += came.max(0) as u64;
                if came < TURN as i32 {
                    break;
                }
            }
        }
        count
    }
}

fn raw(address: SocketAddrV4) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(*address.ip()).to_be() },
        sin_zero: [0; 8],
    }
}
