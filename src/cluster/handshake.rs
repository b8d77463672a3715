//! The handshake on one new connection, from both ends.
//!
//! ```text
//! dialler                                  acceptor
//! hello                     ------->
//!                           <-------       hello
//!                       sealed connections alone:
//! first Noise message       ------->
//!                           <-------       verdict (1 byte), second Noise message
//!                     both kinds of connections:
//! frame `Confirmed`         ------->
//! ```
//!
//! Both ends check the other's hello and refuse it for the same reasons, so that each can name them. The last frame
//! shows the acceptor that the first Noise message was no recording. All of it has one deadline, however slowly the
//! bytes come.

use super::frame::{FrameHeader, FrameKind, FrameOpener, FrameSealer, Protection};
use super::hello::{HELLO_BYTES, Hello, MAGIC, Refusal};
use super::identity::{ClusterIdentity, ConnectionRole};
use super::noise::{HANDSHAKE_BYTES, NoiseHandshake};
use super::secret::ClusterSecret;
use crate::sys::monotonic_ns;
use crate::time::Nanos;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The verdict of an acceptor on a first Noise message from a holder of the secret.
const AUTHENTIC: u8 = 1;

/// Room for the frame `Confirmed`.
const CONFIRMATION_ROOM: usize = 64;

/// The facts with which a process meets all others.
#[derive(Clone)]
pub(super) struct OwnEnd {
    pub(super) identity: ClusterIdentity,
    pub(super) secret: Option<ClusterSecret>,
    /// The number of this process.
    pub(super) index: usize,
    /// The number of all processes.
    pub(super) processes: usize,
}

/// A connection on which both ends have shown who they are.
pub(super) struct NewConnection {
    /// The other process.
    pub(super) process: usize,
    pub(super) role: ConnectionRole,
    pub(super) socket: TcpStream,
    pub(super) sealer: FrameSealer,
    pub(super) opener: FrameOpener,
}

/// A connection that is not made, with the number that the other end said it has.
#[derive(Debug)]
pub(super) struct RefusedConnection {
    pub(super) process: Option<usize>,
    pub(super) refusal: Refusal,
}

/// A socket whose reads and writes end at a deadline.
struct TimedSocket<'a> {
    socket: &'a TcpStream,
    deadline: Nanos,
}

/// Makes the handshake on a connection that this process has dialled, until `deadline`.
pub(super) fn greet(
    own: &OwnEnd,
    process: usize,
    role: ConnectionRole,
    socket: TcpStream,
    deadline: Nanos,
) -> Result<NewConnection, Refusal> {
    let timed = &mut TimedSocket { socket: &socket, deadline };
    let hello = Hello::new(&own.identity, own.secret.is_some(), role, (own.index, process));
    timed.put(&hello.to_bytes())?;
    hello.check(&timed.take_hello()?)?;
    let protection = match &own.secret {
        None => Protection::Plain,
        Some(secret) => {
            let prologue = own.identity.prologue(own.index, process, role);
            let mut noise = NoiseHandshake::new(secret, &prologue, true);
            timed.put(&noise.write())?;
            let [verdict] = timed.take()?;
            let answer = timed.take::<HANDSHAKE_BYTES>()?;
            if verdict != AUTHENTIC || noise.read(&answer).is_err() {
                return Err(Refusal::Secret);
            }
            noise.protection()
        }
    };
    let (mut sealer, opener) = (FrameSealer::new(protection.clone()), FrameOpener::new(protection));
    let mut frame = [0; CONFIRMATION_ROOM];
    let size = sealer.seal(FrameKind::Confirmed, &[], &mut frame);
    timed.put(&frame[..size])?;
    Ok(NewConnection { process, role, socket, sealer, opener })
}

/// Makes the handshake on a connection that came to this process, until `deadline`.
pub(super) fn admit(own: &OwnEnd, socket: TcpStream, deadline: Nanos) -> Result<NewConnection, RefusedConnection> {
    let timed = &mut TimedSocket { socket: &socket, deadline };
    let theirs = timed.take_hello().map_err(|refusal| RefusedConnection { process: None, refusal })?;
    let (process, role) = (usize::from(theirs.from), theirs.role);
    let answered = answer(own, &theirs, timed);
    let (sealer, opener) = answered.map_err(|refusal| RefusedConnection { process: Some(process), refusal })?;
    Ok(NewConnection { process, role, socket, sealer, opener })
}

/// Answers a hello, and returns the ends of the frames if the other end holds the secret.
fn answer(own: &OwnEnd, theirs: &Hello, timed: &mut TimedSocket<'_>) -> Result<(FrameSealer, FrameOpener), Refusal> {
    let process = usize::from(theirs.from);
    let hello = Hello::new(&own.identity, own.secret.is_some(), theirs.role, (own.index, process));
    timed.put(&hello.to_bytes())?;
    hello.check(theirs)?;
    if process <= own.index || process >= own.processes {
        // Each process dials those below it.
        return Err(Refusal::WrongEnd { from: process, to: theirs.to.into() });
    }
    let protection = match &own.secret {
        None => Protection::Plain,
        Some(secret) => {
            let prologue = own.identity.prologue(process, own.index, theirs.role);
            let mut noise = NoiseHandshake::new(secret, &prologue, false);
            if noise.read(&timed.take()?).is_err() {
                // The whole answer, so that the dialler's read does not wait for the rest.
                timed.put(&[0; 1 + HANDSHAKE_BYTES])?;
                return Err(Refusal::Secret);
            }
            timed.put(&[AUTHENTIC])?;
            timed.put(&noise.write())?;
            noise.protection()
        }
    };
    let (sealer, mut opener) = (FrameSealer::new(protection.clone()), FrameOpener::new(protection));
    let mut frame = [0; CONFIRMATION_ROOM];
    let frame = &mut frame[..opener.header_bytes()];
    timed.fill(frame)?;
    match opener.open_header(frame) {
        Ok(FrameHeader { kind: FrameKind::Confirmed, length: 0 }) => Ok((sealer, opener)),
        _ => Err(Refusal::Secret),
    }
}

impl TimedSocket<'_> {
    /// Returns the time left, as the system takes it.
    fn left(&self) -> Result<Duration, Refusal> {
        let left = self.deadline.0.saturating_sub(monotonic_ns());
        if left == 0 { Err(Refusal::Silent) } else { Ok(Duration::from_nanos(left)) }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let left = self.left()?;
        // What is written before the other end reads fits into the socket's buffer.
        let written = self.socket.set_write_timeout(Some(left)).and_then(|()| (&mut &*self.socket).write_all(bytes));
        written.map_err(|_| Refusal::Ended)
    }

    fn fill(&mut self, mut out: &mut [u8]) -> Result<(), Refusal> {
        while !out.is_empty() {
            let left = self.left()?;
            let read = self.socket.set_read_timeout(Some(left)).and_then(|()| (&mut &*self.socket).read(out));
            match read {
                Ok(0) => return Err(Refusal::Ended),
                Ok(size) => out = &mut out[size..],
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Err(Refusal::Silent),
                    _ => return Err(Refusal::Ended),
                },
            }
        }
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads a hello. Bytes of another program are refused as soon as they come, because it may send no more.
    fn take_hello(&mut self) -> Result<Hello, Refusal> {
        let mut bytes = [0; HELLO_BYTES];
        for at in 0..MAGIC.len() {
            self.fill(&mut bytes[at..=at])?;
            if bytes[at] != MAGIC[at] {
                return Err(Refusal::Stranger);
            }
        }
        self.fill(&mut bytes[MAGIC.len()..])?;
        Hello::from_bytes(&bytes)
    }
}

#[cfg(test)]
mod tests;
