//! The cost of trains alone: one socket per thread, as many trains of as many datagrams as a run sent, the same bound
//! on what is under way, and no protocol.

#![allow(unsafe_code)]

use bulk_order_propagation::transport::Clock;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::Duration;

/// Bytes of a datagram.
const DATAGRAM_BYTES: usize = 56;

/// Datagrams of a train at most.
const TRAIN_MAX: usize = 128;

/// The bytes sent and received; their content does not matter.
const BUFFER: [u8; TRAIN_MAX * DATAGRAM_BYTES] = [0; TRAIN_MAX * DATAGRAM_BYTES];

/// Bytes of receive buffer that all threads together may fill at one socket, computed as in a run.
const CREDIT_BYTES: usize = 212_992 * 60 / 100;

/// Bytes that a train costs beside its own.
const OVERHEAD_BYTES: usize = 1_100;

/// Time to move `trains` trains of `datagrams` datagrams each between `threads` pinned threads.
pub(crate) fn time(threads: usize, trains: u64, datagrams: usize) -> Duration {
    let sockets: Vec<UdpSocket> = (0..threads).map(|_| socket()).collect();
    let addresses: Vec<SocketAddr> = sockets.iter().map(|socket| socket.local_addr().unwrap()).collect();
    let bytes = datagrams.clamp(1, TRAIN_MAX) * DATAGRAM_BYTES;
    let credit = (CREDIT_BYTES / threads / (bytes + OVERHEAD_BYTES)).max(1) as u64;
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    // Trains received, by sender and receiver.
    let taken: Vec<AtomicU64> = (0..threads * threads).map(|_| AtomicU64::new(0)).collect();
    let received = AtomicU64::new(0);
    let start = Barrier::new(threads);
    let ended = Mutex::new(Duration::ZERO);
    std::thread::scope(|scope| {
        for (thread, socket) in sockets.iter().enumerate() {
            let core = cores.get(thread % cores.len().max(1)).copied();
            let shared = Shared { addresses: &addresses, taken: &taken, received: &received, bytes, credit };
            let (start, ended, crowded) = (&start, &ended, threads > cores.len());
            scope.spawn(move || {
                core.map(core_affinity::set_for_current);
                let mut end = End { thread, socket, shared, sent: vec![0; threads], next: thread, buffer: BUFFER };
                let mut left = (thread as u64 + 1) * trains / threads as u64 - thread as u64 * trains / threads as u64;
                start.wait();
                let began = Clock::start();
                // Ordering: Relaxed; a count of trains that publishes nothing else.
                while end.shared.received.load(Ordering::Relaxed) < trains {
                    left -= u64::from(left > 0 && end.send());
                    if !end.receive() && crowded {
                        std::thread::yield_now();
                    }
                }
                let mut ended = ended.lock().unwrap();
                *ended = ended.max(Duration::from_nanos(began.now().0));
            });
        }
    });
    ended.into_inner().unwrap()
}

#[derive(Clone, Copy)]
struct Shared<'a> {
    addresses: &'a [SocketAddr],
    taken: &'a [AtomicU64],
    received: &'a AtomicU64,
    bytes: usize,
    credit: u64,
}

/// One thread's socket.
struct End<'a> {
    thread: usize,
    socket: &'a UdpSocket,
    shared: Shared<'a>,
    sent: Vec<u64>,
    next: usize,
    buffer: [u8; TRAIN_MAX * DATAGRAM_BYTES],
}

impl End<'_> {
    /// Sends a train to the next thread, unless too many are under way there.
    fn send(&mut self) -> bool {
        let threads = self.sent.len();
        self.next = (self.next + 1) % threads;
        let to = self.next;
        // Ordering: Relaxed; it only means free room, and publishes no memory.
        let taken = self.shared.taken[self.thread * threads + to].load(Ordering::Relaxed);
        if self.sent[to] - taken >= self.shared.credit {
            return false;
        }
        self.socket.send_to(&self.buffer[..self.shared.bytes], self.shared.addresses[to]).unwrap();
        self.sent[to] += 1;
        true
    }

    /// Receives a train; returns true if there was one.
    fn receive(&mut self) -> bool {
        let Ok((_, source)) = self.socket.recv_from(&mut self.buffer) else { return false };
        let threads = self.sent.len();
        let from = self.shared.addresses.iter().position(|&address| address == source).unwrap();
        // Ordering: Relaxed; as in `send`.
        self.shared.taken[from * threads + self.thread].fetch_add(1, Ordering::Relaxed);
        // Ordering: Relaxed; a count of trains that publishes nothing else.
        self.shared.received.fetch_add(1, Ordering::Relaxed);
        true
    }
}

/// Creates a socket that cuts all it sends into datagrams, and receives them whole.
fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    for (option, value) in [(libc::UDP_SEGMENT, DATAGRAM_BYTES as libc::c_int), (libc::UDP_GRO, 1)] {
        let (value, bytes) = (&raw const value, size_of::<libc::c_int>() as libc::socklen_t);
        // SAFETY: `value` is a readable `int` and its size is passed.
        let result = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_UDP, option, value.cast(), bytes) };
        assert_eq!(result, 0, "the kernel takes trains");
    }
    socket
}
