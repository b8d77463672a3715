//! Frames: the only bytes on a connection once both ends know each other.
//!
//! ```text
//! plain    kind (1)  length (3)                payload (length)
//! sealed   kind (1)  length (3)  tag (16)      payload (length)  tag (16)     both parts AES-256-GCM
//! ```
//!
//! A sealed frame is two messages of the Noise transport, the header and, unless it is empty, the payload. Neither has
//! a nonce on the wire: each end counts the messages of each direction. A message that was altered, left out, repeated
//! or moved therefore fails its authentication, and nothing after it is read. The header is sealed by itself because a
//! forged length would otherwise make the receiver wait for bytes that never come.

use snow::StatelessTransportState;
use std::sync::Arc;

/// Bytes of a header.
const HEADER_BYTES: usize = 4;

/// Bytes of the tag by which a message is authenticated.
pub(super) const TAG_BYTES: usize = 16;

/// The maximum payload of a frame: with its tag, the longest message that Noise permits.
pub(super) const PAYLOAD_BYTES_MAX: usize = 65_535 - TAG_BYTES;

/// The maximum size of a frame on the wire.
pub(super) const FRAME_BYTES_MAX: usize = HEADER_BYTES + TAG_BYTES + PAYLOAD_BYTES_MAX + TAG_BYTES;

/// The kinds of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// Bytes of the workers' exchange.
    Data = 1,
    /// The end of the exchange, or of the heartbeat. Nothing follows.
    Finished = 2,
    /// The dialler holds the key: it is no recording of an earlier run.
    Confirmed = 3,
    /// The sender has a connection to every other process.
    Ready = 4,
    /// A sign of life, with the bytes that the sender has written to the exchange.
    Beat = 5,
    /// The sender gives up, with the reason as text.
    Failed = 6,
}

/// The first part of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) kind: FrameKind,
    /// Bytes of the payload, without its tag.
    pub(super) length: usize,
}

/// The reason why a frame is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A sealed message fails its authentication.
    #[error("a frame was altered, repeated or left out on its path; nothing after it can be trusted")]
    Forged,
    /// A header that no process of this version writes.
    #[error("a frame has a header that no process writes; another program sends to this connection")]
    Malformed,
}

/// The protection of both directions of a connection.
#[derive(Clone)]
pub(super) enum Protection {
    /// None: whoever can write to the connection can write frames.
    Plain,
    /// The keys of a finished handshake.
    Sealed(Arc<StatelessTransportState>),
}

/// Writes the frames of one direction.
pub(super) struct FrameSealer {
    protection: Protection,
    /// Messages sealed so far.
    nonce: u64,
}

/// Reads the frames of one direction.
pub(super) struct FrameOpener {
    protection: Protection,
    /// Messages opened so far.
    nonce: u64,
}

impl FrameKind {
    const ALL: [FrameKind; 6] = [
        FrameKind::Data,
        FrameKind::Finished,
        FrameKind::Confirmed,
        FrameKind::Ready,
        FrameKind::Beat,
        FrameKind::Failed,
    ];
}

impl FrameHeader {
    fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let [first, second, third, _] = (self.length as u32).to_le_bytes();
        [self.kind as u8, first, second, third]
    }

    fn from_bytes(bytes: [u8; HEADER_BYTES]) -> Result<FrameHeader, FrameError> {
        let [kind, first, second, third] = bytes;
        let kind = FrameKind::ALL.into_iter().find(|known| *known as u8 == kind);
        let length = u32::from_le_bytes([first, second, third, 0]) as usize;
        let header = kind.map(|kind| FrameHeader { kind, length });
        header.filter(|header| header.length <= PAYLOAD_BYTES_MAX).ok_or(FrameError::Malformed)
    }
}

impl FrameSealer {
    pub(super) fn new(protection: Protection) -> FrameSealer {
        FrameSealer { protection, nonce: 0 }
    }

    /// Returns true if payloads go out as they are.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.protection, Protection::Plain)
    }

    /// Returns the header of a plain frame, whose payload the caller writes behind it.
    pub(super) fn plain_header(kind: FrameKind, length: usize) -> [u8; HEADER_BYTES] {
        debug_assert!(length <= PAYLOAD_BYTES_MAX);
        FrameHeader { kind, length }.to_bytes()
    }

    /// Writes a frame to the beginning of `out`, which has [`FRAME_BYTES_MAX`] bytes; returns the frame's size.
    pub(super) fn seal(&mut self, kind: FrameKind, payload: &[u8], out: &mut [u8]) -> usize {
        let header = Self::plain_header(kind, payload.len());
        let mut size = self.message(&header, out);
        if !payload.is_empty() {
            size += self.message(payload, &mut out[size..]);
        }
        size
    }

    fn message(&mut self, message: &[u8], out: &mut [u8]) -> usize {
        match &self.protection {
            Protection::Plain => {
                out[..message.len()].copy_from_slice(message);
                message.len()
            }
            Protection::Sealed(keys) => {
                let sealed = keys.write_message(self.nonce, message, out);
                self.nonce += 1;
                // The length is limited above, and 2^64 messages take longer than any run.
                sealed.expect("a message within the limits can be sealed")
            }
        }
    }
}

impl FrameOpener {
    pub(super) fn new(protection: Protection) -> FrameOpener {
        FrameOpener { protection, nonce: 0 }
    }

    /// Returns true if payloads come as they are.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.protection, Protection::Plain)
    }

    /// Returns the size of a header on the wire.
    pub(super) fn header_bytes(&self) -> usize {
        if self.is_plain() { HEADER_BYTES } else { HEADER_BYTES + TAG_BYTES }
    }

    /// Returns the size of a header's payload on the wire.
    pub(super) fn payload_bytes(&self, header: FrameHeader) -> usize {
        if self.is_plain() || header.length == 0 { header.length } else { header.length + TAG_BYTES }
    }

    /// Reads a header from its bytes on the wire.
    pub(super) fn open_header(&mut self, wire: &[u8]) -> Result<FrameHeader, FrameError> {
        let mut header = [0; HEADER_BYTES + TAG_BYTES];
        self.message(wire, &mut header)?;
        let [kind, first, second, third, ..] = header;
        FrameHeader::from_bytes([kind, first, second, third])
    }

    /// Reads a payload from its bytes on the wire into the beginning of `out`, which has room for these bytes.
    pub(super) fn open_payload(&mut self, wire: &[u8], out: &mut [u8]) -> Result<(), FrameError> {
        if wire.is_empty() { Ok(()) } else { self.message(wire, out) }
    }

    fn message(&mut self, wire: &[u8], out: &mut [u8]) -> Result<(), FrameError> {
        match &self.protection {
            Protection::Plain => out[..wire.len()].copy_from_slice(wire),
            Protection::Sealed(keys) => {
                keys.read_message(self.nonce, wire, out).map_err(|_| FrameError::Forged)?;
                self.nonce += 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
