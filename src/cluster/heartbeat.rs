//! The connection of a pair of processes that carries signs of life, and the reason if one of them gives up.
//!
//! It never waits: a look takes what has come. Heartbeats that the other end does not read are left out once a few of
//! them wait, so that nothing grows.

use super::frame::{FrameError, FrameKind, FrameSealer};
use super::frame_io::{ConnectionError, FrameReader};
use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};

/// Room for received bytes, and so the longest frame.
pub(super) const HEARTBEAT_ROOM: usize = 4_096;

/// Bytes waiting to be sent above which a heartbeat is left out.
const BACKLOG_MAX: usize = 4_096;

/// The maximum length of the reason that a process gives, in bytes.
const REASON_BYTES_MAX: usize = 1_024;

/// The heartbeat connection to one other process.
pub(super) struct HeartbeatConnection {
    socket: TcpStream,
    reader: FrameReader<TcpStream>,
    sealer: FrameSealer,
    /// Sealed frames that are not sent yet.
    backlog: Vec<u8>,
}

/// A sign from the other process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LifeSign {
    /// It has a connection to every other process.
    Ready,
    /// It lives, and has written this many bytes to the exchange.
    Beat { announced: u64 },
    /// It has done its part, and sends no more.
    Finished,
    /// It gives up, for this reason.
    Failed { said: String },
}

impl HeartbeatConnection {
    /// Creates the end of a connection whose socket does not block.
    pub(super) fn new(socket: TcpStream, reader: FrameReader<TcpStream>, sealer: FrameSealer) -> HeartbeatConnection {
        HeartbeatConnection { socket, reader, sealer, backlog: Vec::new() }
    }

    /// Sends what waits, and nothing after it.
    pub(super) fn end_sending(&mut self) {
        self.flush();
        // An end that is gone already has nothing to hear.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Returns the next sign that has come, if any.
    pub(super) fn next_sign(&mut self) -> Result<Option<LifeSign>, ConnectionError> {
        let Some((kind, payload)) = self.reader.next_frame()? else { return Ok(None) };
        let sign = match kind {
            FrameKind::Ready if payload.is_empty() => Some(LifeSign::Ready),
            FrameKind::Finished if payload.is_empty() => Some(LifeSign::Finished),
            FrameKind::Beat => {
                payload.try_into().ok().map(|bytes| LifeSign::Beat { announced: u64::from_le_bytes(bytes) })
            }
            FrameKind::Failed => Some(LifeSign::Failed { said: String::from_utf8_lossy(&payload).into_owned() }),
            _ => None,
        };
        sign.map_or(Err(FrameError::Malformed.into()), |sign| Ok(Some(sign)))
    }

    /// Sends a sign as far as the connection takes it. The other end's state is for [`next_sign`](Self::next_sign) to
    /// tell, so that a failure here is none.
    pub(super) fn send(&mut self, sign: &LifeSign) {
        let (kind, payload) = match sign {
            LifeSign::Ready => (FrameKind::Ready, Vec::new()),
            LifeSign::Finished => (FrameKind::Finished, Vec::new()),
            LifeSign::Beat { .. } if self.backlog.len() > BACKLOG_MAX => return self.flush(),
            LifeSign::Beat { announced } => (FrameKind::Beat, announced.to_le_bytes().to_vec()),
            LifeSign::Failed { said } => (FrameKind::Failed, shortened(said).as_bytes().to_vec()),
        };
        let mut frame = [0; HEARTBEAT_ROOM];
        let size = self.sealer.seal(kind, &payload, &mut frame);
        self.backlog.extend_from_slice(&frame[..size]);
        self.flush();
    }

    fn flush(&mut self) {
        while !self.backlog.is_empty() {
            match self.socket.write(&self.backlog) {
                Ok(0) => return,
                Ok(sent) => {
                    self.backlog.drain(..sent);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

/// Returns the beginning of a text that fits a frame.
fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(REASON_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::fixtures::heartbeat_pair;

    #[test]
    fn signs_come_as_they_were_sent() {
        for is_sealed in [false, true] {
            let (mut one, mut other) = heartbeat_pair(is_sealed);
            let long = "ä".repeat(1_000);
            let signs = [
                LifeSign::Ready,
                LifeSign::Beat { announced: 1 << 40 },
                LifeSign::Failed { said: "no memory".to_owned() },
                LifeSign::Failed { said: long.clone() },
                LifeSign::Finished,
            ];
            assert_eq!(other.next_sign().unwrap(), None);
            signs.iter().for_each(|sign| one.send(sign));
            let come: Vec<LifeSign> = std::iter::from_fn(|| other.next_sign().unwrap()).collect();
            assert_eq!(come.len(), signs.len());
            assert_eq!(come[3], LifeSign::Failed { said: "ä".repeat(512) });
            assert_eq!(come[..3], signs[..3]);
            drop(one);
            assert!(matches!(other.next_sign(), Err(ConnectionError::Closed)));
        }
    }

    #[test]
    fn heartbeats_that_nobody_reads_do_not_grow() {
        let (mut one, _other) = heartbeat_pair(false);
        let mut longest = 0;
        for announced in 0..1_000_000 {
            one.send(&LifeSign::Beat { announced });
            longest = longest.max(one.backlog.len());
        }
        assert!(longest <= BACKLOG_MAX + HEARTBEAT_ROOM, "{longest}");
        // A full socket takes some more after a while, so that nothing may wait at the end.
        assert!(longest > BACKLOG_MAX, "the socket took everything");
    }
}
