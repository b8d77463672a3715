//! Measures what a connection between two processes carries on this machine, for estimates.

use super::error::ClusterError;
use super::frame::{FrameOpener, FrameSealer, Protection};
use super::frame_io::{EXCHANGE_ROOM, FrameReader, FrameWriter};
use super::noise::NoiseHandshake;
use super::process_stream::ProcessStream;
use super::secret::ClusterSecret;
use super::traffic::ClusterTraffic;
use crate::sys::monotonic_ns;
use crate::threads::WorkerThreads;
use crate::time::Nanos;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc;
use timely::communication::allocator::zero_copy::stream::Stream;

/// Bytes that are sent to measure the rate.
const RATE_BYTES: usize = 1 << 27;

/// Bytes of a write, as timely makes them.
const WRITE_BYTES: usize = 1 << 16;

/// Bytes of a message that is sent there and back.
const SMALL_BYTES: usize = 256;

/// Messages that are sent there and back.
const ROUND_TRIPS: u64 = 2_000;

/// The speed of a connection between two processes of this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConnectionSpeed {
    /// Bytes per second in one direction.
    pub bytes_per_second: f64,
    /// Time of a short message there and of another back.
    pub round_trip: Nanos,
}

/// Measures the connections of this machine, sealed ones if there is a secret. It takes about half a second.
///
/// # Errors
///
/// [`ClusterError`] if the system refuses a socket or a thread.
pub fn measure_connections(is_sealed: bool) -> Result<ConnectionSpeed, ClusterError> {
    let (one, other) = stream_pair(is_sealed)?;
    let threads = WorkerThreads { first: 0, cores: &[], give_up: &|| () };
    let times = threads.run([(one, true), (other, false)], |_, (stream, is_first)| {
        if is_first { talk(stream) } else { answer(stream).map(|()| (0, 0)) }
    })?;
    // The second end only answers.
    let (round_trips, sending) = times.into_iter().next().unwrap_or(Ok((0, 0)))?;
    let bytes_per_second = RATE_BYTES as f64 * 1e9 / sending.max(1) as f64;
    Ok(ConnectionSpeed { bytes_per_second, round_trip: Nanos(round_trips / ROUND_TRIPS) })
}

/// Sends messages there and back, then many bytes; returns the nanoseconds of each.
fn talk(mut stream: ProcessStream) -> io::Result<(u64, u64)> {
    let (mut message, bulk) = ([7; SMALL_BYTES], vec![7; WRITE_BYTES]);
    let began = monotonic_ns();
    for _ in 0..ROUND_TRIPS {
        stream.write_all(&message)?;
        stream.read_exact(&mut message)?;
    }
    let small = monotonic_ns();
    for _ in 0..RATE_BYTES / WRITE_BYTES {
        stream.write_all(&bulk)?;
    }
    // The answer comes once all has been read.
    stream.read_exact(&mut message)?;
    let end = monotonic_ns();
    Stream::shutdown(&stream, Shutdown::Write)?;
    Ok((small - began, end - small))
}

/// Answers each message, and all bytes with one more.
fn answer(mut stream: ProcessStream) -> io::Result<()> {
    let (mut message, mut bulk) = ([0; SMALL_BYTES], vec![0; 1 << 20]);
    for _ in 0..ROUND_TRIPS {
        stream.read_exact(&mut message)?;
        stream.write_all(&message)?;
    }
    let mut left = RATE_BYTES;
    while left > 0 {
        let room = bulk.len().min(left);
        left -= stream.read(&mut bulk[..room])?;
    }
    stream.write_all(&message)?;
    Stream::shutdown(&stream, Shutdown::Write)
}

/// Connects two ends of this process.
fn stream_pair(is_sealed: bool) -> Result<(ProcessStream, ProcessStream), ClusterError> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let dialled = TcpStream::connect(listener.local_addr()?)?;
    let (accepted, _) = listener.accept()?;
    let keys = if is_sealed { sealed_ends() } else { (Protection::Plain, Protection::Plain) };
    let end = |process: usize, socket: TcpStream, keys: Protection| -> io::Result<ProcessStream> {
        socket.set_nodelay(true)?;
        let reader = FrameReader::new(FrameOpener::new(keys.clone()), socket.try_clone()?, EXCHANGE_ROOM);
        let ends = (reader, FrameWriter::new(FrameSealer::new(keys), socket));
        // Nobody watches: both ends belong to this process.
        let (supervisor, _) = mpsc::channel();
        Ok(ProcessStream::new(process, ends, Arc::new(ClusterTraffic::new(2)), supervisor))
    };
    Ok((end(1, dialled, keys.0)?, end(0, accepted, keys.1)?))
}

/// Makes a handshake between two ends of this process.
fn sealed_ends() -> (Protection, Protection) {
    let (secret, prologue) = (ClusterSecret::of(&[0; 32]), [0; 32]);
    let [mut dialler, mut acceptor] =
        [true, false].map(|is_dialler| NoiseHandshake::new(&secret, &prologue, is_dialler));
    let agreed = acceptor.read(&dialler.write()).and_then(|()| dialler.read(&acceptor.write()));
    assert_eq!(agreed, Ok(()), "both ends know the same secret");
    (dialler.protection(), acceptor.protection())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_connections_have_a_speed() {
        for is_sealed in [false, true] {
            let speed = measure_connections(is_sealed).unwrap();
            assert!(speed.bytes_per_second > 1e6 && speed.round_trip > Nanos::ZERO, "{speed:?}");
        }
    }
}
