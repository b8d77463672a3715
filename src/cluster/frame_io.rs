//! Reads and writes frames on a connection.
//!
//! Copies: a plain payload goes from the caller's buffer to the socket and, but for what arrives together with another
//! frame's end, from the socket to the caller's buffer. A sealed one is sealed into a buffer of four frames, which one
//! call sends, and opened from the buffer of what was received into the caller's.

use super::frame::{
    FRAME_BYTES_MAX, FrameError, FrameHeader, FrameKind, FrameOpener, FrameSealer, PAYLOAD_BYTES_MAX, TAG_BYTES,
};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};

/// Frames that are sent with one call.
const WRITE_FRAMES: usize = 4;

/// Room for what one call receives of an exchange.
pub(super) const EXCHANGE_ROOM: usize = WRITE_FRAMES * FRAME_BYTES_MAX;

/// The reason why a connection carries no more.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The other end closed it, or its process ended.
    #[error("it closed the connection without notice, as a process does that is killed or crashes")]
    Closed,
    /// The operating system failed.
    #[error("the connection broke: {0}")]
    System(#[from] io::Error),
    /// A frame that no process of the run sent.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Writes frames to a connection.
pub(super) struct FrameWriter<W> {
    sealer: FrameSealer,
    /// Sealed frames; empty if frames are plain.
    sealed: Box<[u8]>,
    output: W,
}

/// Reads frames from a connection.
pub(super) struct FrameReader<R> {
    opener: FrameOpener,
    input: R,
    /// Bytes that were received and are not read yet, between `start` and `end`.
    received: Box<[u8]>,
    start: usize,
    end: usize,
    /// The frame whose payload is not read yet.
    header: Option<FrameHeader>,
    /// Bytes of a plain payload that were read already.
    taken: usize,
    /// A payload for which the caller's buffer had no room, and the bytes of it that were read already.
    opened: (Vec<u8>, usize),
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn new(sealer: FrameSealer, output: W) -> FrameWriter<W> {
        let room = if sealer.is_plain() { 0 } else { WRITE_FRAMES * FRAME_BYTES_MAX };
        FrameWriter { sealer, sealed: vec![0; room].into_boxed_slice(), output }
    }

    /// Writes data in as few frames as possible; returns the number of bytes written, which may be less than all.
    pub(super) fn write_data(&mut self, data: &[u8]) -> io::Result<usize> {
        let chunks = data.chunks(PAYLOAD_BYTES_MAX).take(WRITE_FRAMES);
        if self.sealer.is_plain() {
            let headers = chunks.clone().map(|chunk| FrameSealer::plain_header(FrameKind::Data, chunk.len()));
            let headers: [[u8; 4]; WRITE_FRAMES] = padded(headers);
            let pairs = headers.iter().zip(chunks.clone()).flat_map(|(header, chunk)| [&header[..], chunk]);
            let mut slices: [IoSlice<'_>; 2 * WRITE_FRAMES] = [IoSlice::new(&[]); 2 * WRITE_FRAMES];
            slices.iter_mut().zip(pairs).for_each(|(slice, bytes)| *slice = IoSlice::new(bytes));
            write_all(&mut self.output, &mut slices)?;
        } else {
            let mut filled = 0;
            for chunk in chunks.clone() {
                filled += self.sealer.seal(FrameKind::Data, chunk, &mut self.sealed[filled..]);
            }
            self.output.write_all(&self.sealed[..filled])?;
        }
        Ok(chunks.map(<[u8]>::len).sum())
    }

    /// Writes a frame without a payload.
    pub(super) fn write_bare(&mut self, kind: FrameKind) -> io::Result<()> {
        let mut frame = [0; 64];
        let size = self.sealer.seal(kind, &[], &mut frame);
        self.output.write_all(&frame[..size])
    }
}

impl<R: Read> FrameReader<R> {
    /// Creates a reader that receives up to `room` bytes at once, and refuses longer frames.
    pub(super) fn new(opener: FrameOpener, input: R, room: usize) -> FrameReader<R> {
        let received = vec![0; room].into_boxed_slice();
        FrameReader { opener, input, received, start: 0, end: 0, header: None, taken: 0, opened: (Vec::new(), 0) }
    }

    /// Reads a part of the data into `out`, which is not empty; returns its size, and 0 once all data have come.
    ///
    /// # Errors
    ///
    /// [`ConnectionError`]; an end without the frame that announces it is one, too.
    pub(super) fn read_data(&mut self, out: &mut [u8]) -> Result<usize, ConnectionError> {
        loop {
            let (opened, read) = &mut self.opened;
            if *read < opened.len() {
                let size = out.len().min(opened.len() - *read);
                out[..size].copy_from_slice(&opened[*read..*read + size]);
                *read += size;
                return Ok(size);
            }
            let Some(header) = self.next_header()? else { return Err(would_block()) };
            match header.kind {
                FrameKind::Finished if header.length == 0 => return Ok(0),
                FrameKind::Data if header.length == 0 => self.header = None,
                FrameKind::Data if self.opener.is_plain() => return self.read_plain(header, out),
                FrameKind::Data => {
                    if let Some(size) = self.open(header, out)? {
                        return Ok(size);
                    }
                }
                _ => return Err(FrameError::Malformed.into()),
            }
        }
    }

    /// Reads the next frame whole; returns `None` if the socket would block, and can be called again.
    pub(super) fn next_frame(&mut self) -> Result<Option<(FrameKind, Vec<u8>)>, ConnectionError> {
        let Some(header) = self.next_header()? else { return Ok(None) };
        let wire = self.opener.payload_bytes(header);
        if !self.gather(wire)? {
            return Ok(None);
        }
        let mut payload = vec![0; wire];
        self.opener.open_payload(&self.received[self.start..self.start + wire], &mut payload)?;
        payload.truncate(header.length);
        self.start += wire;
        self.header = None;
        Ok(Some((header.kind, payload)))
    }

    /// Opens a sealed payload into `out` if it has room, and returns its size; or else into a buffer of its own.
    fn open(&mut self, header: FrameHeader, out: &mut [u8]) -> Result<Option<usize>, ConnectionError> {
        let wire = self.opener.payload_bytes(header);
        if !self.gather(wire)? {
            return Err(would_block());
        }
        let sealed = &self.received[self.start..self.start + wire];
        let fits = out.len() >= wire;
        if fits {
            self.opener.open_payload(sealed, out)?;
        } else {
            let (opened, read) = &mut self.opened;
            // The tag needs room while the payload is opened, and is no part of it.
            opened.resize(header.length + TAG_BYTES, 0);
            self.opener.open_payload(sealed, opened)?;
            opened.truncate(header.length);
            *read = 0;
        }
        self.start += wire;
        self.header = None;
        Ok(fits.then_some(header.length))
    }

    /// Reads a part of a plain payload: what has been received already, or else directly from the connection.
    fn read_plain(&mut self, header: FrameHeader, out: &mut [u8]) -> Result<usize, ConnectionError> {
        let left = header.length - self.taken;
        let room = out.len().min(left);
        let here = self.end - self.start;
        let size = if here > 0 {
            let size = room.min(here);
            out[..size].copy_from_slice(&self.received[self.start..self.start + size]);
            self.start += size;
            size
        } else {
            // The next frames' bytes follow this payload only if all of it was asked for.
            let behind = if room == left { self.received.len() } else { 0 };
            (self.start, self.end) = (0, 0);
            let mut buffers = [IoSliceMut::new(&mut out[..room]), IoSliceMut::new(&mut self.received[..behind])];
            let got = receive(|| self.input.read_vectored(&mut buffers))?.ok_or_else(would_block)?;
            self.end = got.saturating_sub(room);
            got.min(room)
        };
        self.taken += size;
        if self.taken == header.length {
            (self.header, self.taken) = (None, 0);
        }
        Ok(size)
    }

    /// Returns the header of the frame that is next, `None` if the socket would block.
    fn next_header(&mut self) -> Result<Option<FrameHeader>, ConnectionError> {
        if self.header.is_none() {
            let wire = self.opener.header_bytes();
            if !self.gather(wire)? {
                return Ok(None);
            }
            self.header = Some(self.opener.open_header(&self.received[self.start..self.start + wire])?);
            self.start += wire;
        }
        Ok(self.header)
    }

    /// Receives until this many bytes are there; returns false if the socket would block before.
    fn gather(&mut self, bytes: usize) -> Result<bool, ConnectionError> {
        if bytes > self.received.len() {
            return Err(FrameError::Malformed.into());
        }
        while self.end - self.start < bytes {
            if self.start == self.end {
                (self.start, self.end) = (0, 0);
            } else if self.received.len() - self.start < bytes {
                self.received.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            }
            let Some(got) = receive(|| self.input.read(&mut self.received[self.end..]))? else { return Ok(false) };
            self.end += got;
        }
        Ok(true)
    }
}

/// Returns the first `N` items of an iterator, and default values in place of missing ones.
fn padded<T: Default + Copy, const N: usize>(items: impl Iterator<Item = T>) -> [T; N] {
    let mut array = [T::default(); N];
    array.iter_mut().zip(items).for_each(|(place, item)| *place = item);
    array
}

/// Returns the error of a read that cannot wait, on a connection that should.
fn would_block() -> ConnectionError {
    ConnectionError::System(ErrorKind::WouldBlock.into())
}

/// Receives at least a byte; returns `None` if the socket would block.
fn receive(mut read: impl FnMut() -> io::Result<usize>) -> Result<Option<usize>, ConnectionError> {
    loop {
        match read() {
            Ok(0) => return Err(ConnectionError::Closed),
            Ok(got) => return Ok(Some(got)),
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::WouldBlock => return Ok(None),
                // A process that ends with unread bytes resets its connections.
                ErrorKind::ConnectionReset => return Err(ConnectionError::Closed),
                _ => return Err(error.into()),
            },
        }
    }
}

/// Writes all slices.
fn write_all(output: &mut impl Write, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    // Skips empty slices at the beginning, too.
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match output.write_vectored(slices) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::frame::Protection;
    use crate::cluster::noise::fixtures::sealed_pair;

    /// A connection that gives and takes few bytes at a time.
    struct Trickle<'a> {
        bytes: &'a [u8],
        step: usize,
        /// True if each read is preceded by one that would block.
        blocks: bool,
        is_due: bool,
    }

    impl Read for Trickle<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.is_due = !self.is_due;
            if self.blocks && self.is_due {
                return Err(ErrorKind::WouldBlock.into());
            }
            let size = self.step.min(out.len()).min(self.bytes.len());
            let (now, later) = self.bytes.split_at(size);
            out[..size].copy_from_slice(now);
            self.bytes = later;
            Ok(size)
        }
    }

    fn data() -> Vec<u8> {
        (0..400_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    }

    /// Writes data in pieces of these sizes, and their end.
    fn written(protection: Protection, data: &[u8], piece: usize) -> Vec<u8> {
        let mut wire = Vec::new();
        let mut writer = FrameWriter::new(FrameSealer::new(protection), &mut wire);
        for mut piece in data.chunks(piece) {
            while !piece.is_empty() {
                let size = writer.write_data(piece).unwrap();
                piece = &piece[size..];
            }
        }
        writer.write_bare(FrameKind::Finished).unwrap();
        wire
    }

    #[test]
    fn data_come_whole_through_any_buffers() {
        let data = data();
        let plain = || (Protection::Plain, Protection::Plain);
        for piece in [1_000, 65_536, 400_000] {
            for (step, room) in [(7_001, 900), (100_000, 65_536), (1 << 20, 1 << 20)] {
                for (from, to) in [plain(), sealed_pair()] {
                    let wire = written(from, &data, piece);
                    let input = Trickle { bytes: &wire, step, blocks: false, is_due: false };
                    let mut reader = FrameReader::new(FrameOpener::new(to), input, EXCHANGE_ROOM);
                    let (mut out, mut all) = (vec![0; room], Vec::new());
                    loop {
                        match reader.read_data(&mut out).unwrap() {
                            0 => break,
                            size => all.extend_from_slice(&out[..size]),
                        }
                    }
                    assert!(all == data, "{piece} {step} {room}");
                    assert_eq!(reader.read_data(&mut out).unwrap(), 0, "the end stays");
                }
            }
        }
    }

    #[test]
    fn an_end_without_its_frame_is_an_error() {
        for (from, to) in [(Protection::Plain, Protection::Plain), sealed_pair()] {
            let wire = written(from, &[1; 100], 100);
            for cut in 0..wire.len() {
                let mut reader = FrameReader::new(FrameOpener::new(to.clone()), &wire[..cut], EXCHANGE_ROOM);
                let mut out = [0; 256];
                let end = std::iter::repeat_with(|| reader.read_data(&mut out)).find(|read| !matches!(read, Ok(1..)));
                assert!(matches!(end, Some(Err(ConnectionError::Closed))), "{cut}: {end:?}");
            }
        }
    }

    #[test]
    fn a_frame_is_put_together_over_reads_that_block() {
        for (from, to) in [(Protection::Plain, Protection::Plain), sealed_pair()] {
            let (mut sealer, mut frame, mut wire) = (FrameSealer::new(from), [0; 128], Vec::new());
            for payload in [&b"ok"[..], b"", b"a longer one"] {
                let size = sealer.seal(FrameKind::Failed, payload, &mut frame);
                wire.extend_from_slice(&frame[..size]);
            }
            let input = Trickle { bytes: &wire, step: 3, blocks: true, is_due: false };
            let (mut reader, mut frames) = (FrameReader::new(FrameOpener::new(to), input, 64), Vec::new());
            while frames.len() < 3 {
                frames.extend(reader.next_frame().unwrap());
            }
            let expected = [&b"ok"[..], b"", b"a longer one"].map(|payload| (FrameKind::Failed, payload.to_vec()));
            assert_eq!(frames, expected);
        }
    }

    #[test]
    fn frames_that_have_no_place_are_refused() {
        let mut wire = FrameSealer::plain_header(FrameKind::Beat, 0).to_vec();
        let mut reader = FrameReader::new(FrameOpener::new(Protection::Plain), &wire[..], 64);
        assert!(matches!(reader.read_data(&mut [0; 9]), Err(ConnectionError::Frame(FrameError::Malformed))));
        wire = FrameSealer::plain_header(FrameKind::Failed, 65).to_vec();
        let mut reader = FrameReader::new(FrameOpener::new(Protection::Plain), &wire[..], 64);
        assert!(matches!(reader.next_frame(), Err(ConnectionError::Frame(FrameError::Malformed))));
    }
}
