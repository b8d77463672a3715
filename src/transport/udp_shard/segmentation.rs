//! Passes a train through the kernel: whole, as one packet, or, if the kernel cannot do that, as one datagram per
//! segment, many with one call.

use crate::sys::{Incoming, Outgoing, TrainBuffer, send_train, take_trains};
use crate::wire::RECEIVE_BYTES;
use mio::net::UdpSocket;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

/// Segments tried in one packet, the most first: the limit of Linux since 6.9, and the one before.
const SEGMENTS_TRIED: [usize; 2] = [128, 64];

/// Datagrams sent or received with one call if they go one by one.
const SLOTS: usize = 64;

/// Time limit for a trial train to arrive.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The mode in which trains of a run cross the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segmentation {
    /// Whole: one packet of up to `segments` segments.
    Whole {
        /// The limit, the trailer included.
        segments: usize,
    },
    /// One by one: each segment is a datagram.
    Apart,
}

impl Segmentation {
    /// Finds out what this kernel supports, with two sockets of its own.
    pub fn probe() -> Segmentation {
        let whole = SEGMENTS_TRIED.into_iter().find(|&segments| arrives_whole(segments).unwrap_or(false));
        whole.map_or(Segmentation::Apart, |segments| Segmentation::Whole { segments })
    }

    /// Returns the mode as a number: 0 for `Apart`, the segments for `Whole`.
    pub fn number(self) -> u64 {
        match self {
            Segmentation::Whole { segments } => segments as u64,
            Segmentation::Apart => 0,
        }
    }

    /// Returns the mode from a number that [`Segmentation::number`] returned.
    pub fn of_number(number: u64) -> Segmentation {
        if number == 0 { Segmentation::Apart } else { Segmentation::Whole { segments: number as usize } }
    }

    /// Segments of one train at most, the trailer included.
    pub(super) fn segments_max(self) -> usize {
        match self {
            Segmentation::Whole { segments } => segments,
            Segmentation::Apart => SLOTS,
        }
    }

    /// Returns the number of packets that the kernel counts for a train of `segments` segments.
    #[inline]
    pub(super) fn packets(self, segments: usize) -> u64 {
        match self {
            Segmentation::Whole { .. } => 1,
            Segmentation::Apart => segments as u64,
        }
    }
}

/// Returns true if a train of `segments` segments arrives as it was sent.
fn arrives_whole(segments: usize) -> io::Result<bool> {
    const BYTES: usize = 16;
    let (from, to) =
        (std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?, std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?);
    take_trains(&to)?;
    let SocketAddr::V4(address) = to.local_addr()? else { return Ok(false) };
    send_train(&from, address, &vec![0; segments * BYTES - 1], BYTES as u16)?;
    // On a busy machine the kernel may deliver it a moment later.
    to.set_read_timeout(Some(PROBE_TIMEOUT))?;
    to.peek_from(&mut [0])?;
    let mut train = TrainBuffer::new();
    train.receive(&to)?;
    Ok(train.segments() == segments && train.segment(0).len() == BYTES)
}

/// The sending side.
pub(super) enum TrainSender {
    Whole,
    Apart(Outgoing),
}

/// The receiving side, with the segments received last.
pub(super) enum TrainReceiver {
    Whole(TrainBuffer),
    Apart(Incoming, usize),
}

impl TrainSender {
    pub(super) fn new(segmentation: Segmentation) -> TrainSender {
        match segmentation {
            Segmentation::Whole { .. } => TrainSender::Whole,
            Segmentation::Apart => TrainSender::Apart(Outgoing::new(SLOTS)),
        }
    }

    /// Sends the segments of a train from `first` on; returns how many the kernel accepted, at least one.
    pub(super) fn send(
        &mut self,
        socket: &UdpSocket,
        to: SocketAddrV4,
        train: &[u8],
        segment_bytes: usize,
        first: usize,
    ) -> io::Result<usize> {
        let bytes = &train[first * segment_bytes..];
        let segments = bytes.len().div_ceil(segment_bytes);
        match self {
            TrainSender::Whole => send_train(socket, to, bytes, segment_bytes as u16).map(|()| segments),
            TrainSender::Apart(outgoing) => {
                let count = segments.min(outgoing.slots());
                for (slot, segment) in bytes.chunks(segment_bytes).take(count).enumerate() {
                    outgoing.place(slot)[..segment.len()].copy_from_slice(segment);
                    outgoing.address(slot, to, segment.len());
                }
                outgoing.send(socket, 0, count)
            }
        }
    }
}

impl TrainReceiver {
    pub(super) fn new(segmentation: Segmentation) -> TrainReceiver {
        match segmentation {
            Segmentation::Whole { .. } => TrainReceiver::Whole(TrainBuffer::new()),
            Segmentation::Apart => TrainReceiver::Apart(Incoming::new(SLOTS, RECEIVE_BYTES), 0),
        }
    }

    /// Receives the next train, or the next datagrams; `WouldBlock` if there are none.
    pub(super) fn receive(&mut self, socket: &UdpSocket) -> io::Result<()> {
        match self {
            TrainReceiver::Whole(train) => train.receive(socket),
            TrainReceiver::Apart(incoming, count) => {
                *count = 0;
                *count = incoming.receive(socket, 0, incoming.slots())?;
                Ok(())
            }
        }
    }

    /// Returns the number of segments received.
    pub(super) fn segments(&self) -> usize {
        match self {
            TrainReceiver::Whole(train) => train.segments(),
            TrainReceiver::Apart(_, count) => *count,
        }
    }

    /// Returns the segment at `index`.
    #[inline]
    pub(super) fn segment(&self, index: usize) -> &[u8] {
        match self {
            TrainReceiver::Whole(train) => train.segment(index),
            TrainReceiver::Apart(incoming, _) => incoming.datagram(index),
        }
    }

    /// Returns the source of the segment at `first`, and the end of the run of segments from the same source.
    pub(super) fn source(&self, first: usize) -> (SocketAddrV4, usize) {
        match self {
            TrainReceiver::Whole(train) => (train.source(), train.segments()),
            TrainReceiver::Apart(incoming, count) => {
                let source = incoming.source(first);
                let end = (first..*count).find(|&index| incoming.source::<SocketAddrV4>(index) != source);
                (source, end.unwrap_or(*count))
            }
        }
    }
}
