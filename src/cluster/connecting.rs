//! Brings all processes of a cluster together: a connection of each role between every two, within a limited time.
//!
//! Each process listens at its own address and dials all processes before it in the hosts file, so that either end of
//! a pair is ready at any time. Every handshake has a thread and a deadline of its own: a process that says nothing
//! delays no other. A process of this program that does not agree ends the start on both sides at once. Anything else
//! that connects is turned away, and named if a process is still missing at the end.

use super::error::ClusterError;
use super::frame_io::{ConnectionError, FrameReader};
use super::handshake::{NewConnection, OwnEnd, RefusedConnection, admit, greet};
use super::heartbeat::{HEARTBEAT_ROOM, HeartbeatConnection, LifeSign};
use super::hello::Refusal;
use super::hosts::{HostAddress, Hosts};
use super::identity::ConnectionRole;
use crate::sync::Interrupt;
use crate::sys::monotonic_ns;
use crate::threads::spawn_background;
use crate::time::Nanos;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// Longest time of one handshake; half of the time in which all must be connected, if that is shorter.
const HANDSHAKE_MAX: Nanos = Nanos(5_000_000_000);

/// Longest time of one attempt to connect, so that a host that drops packets is tried again.
const DIAL_MAX: Duration = Duration::from_secs(2);

/// Time between two attempts.
const RETRY: Duration = Duration::from_millis(50);

/// Time between two looks at the listener and at the heartbeats.
const LOOK: Duration = Duration::from_millis(5);

/// Time in which a process that gives up tells others that are about to connect.
const LAST_WORDS: Nanos = Nanos(1_000_000_000);

/// Handshakes with unknown ends at the same time, beside those that are due.
const STRANGERS_MAX: usize = 64;

/// Refused connections that an error names.
const NAMED_MAX: usize = 8;

/// All connections of this process, by the number of the other.
pub(super) struct Connections {
    pub(super) heartbeats: Vec<Option<HeartbeatConnection>>,
    pub(super) exchanges: Vec<Option<NewConnection>>,
}

/// The result of a thread that made a handshake.
enum Meeting {
    Made(NewConnection),
    /// A process that this one dialled does not agree.
    Refused(usize, Refusal),
    /// A connection from this address was refused.
    TurnedAway(SocketAddr, RefusedConnection),
    /// A process could not be reached until the deadline, with the last reason.
    Unreached(usize, String),
}

/// The state of a start.
struct Start<'a> {
    hosts: &'a Hosts,
    own: &'a OwnEnd,
    deadline: Nanos,
    /// Time from the beginning to the deadline.
    limit: Nanos,
    listener: Option<TcpListener>,
    /// Raised when the start has ended: threads that dial stop.
    over: Interrupt,
    sender: Sender<Meeting>,
    meetings: Receiver<Meeting>,
    /// Handshakes with ends that dialled this process and have not been decided.
    pending: usize,
    turned_away: Vec<String>,
    unreached: Vec<Option<String>>,
    is_ready: Vec<bool>,
    connections: Connections,
}

/// Connects this process with all others, within `limit`.
///
/// # Errors
///
/// [`ClusterError`]. The others are told of it if they are connected already.
pub(super) fn connect_all(hosts: &Hosts, own: &OwnEnd, limit: Nanos) -> Result<Connections, ClusterError> {
    let mut start = Start::new(hosts, own, limit)?;
    let met = start.dial().and_then(|()| start.meet());
    if let Err(error) = &met {
        // Still dialling, as a process that comes late has to learn the reason, too.
        start.give_up(error);
    }
    start.over.raise();
    met.map(|()| start.connections)
}

impl Start<'_> {
    fn new<'a>(hosts: &'a Hosts, own: &'a OwnEnd, limit: Nanos) -> Result<Start<'a>, ClusterError> {
        let (sender, meetings) = mpsc::channel();
        let count = hosts.len();
        // The last process only dials.
        let listener = (own.index + 1 < count).then(|| listen(hosts, own.index)).transpose()?;
        let connections = Connections {
            heartbeats: (0..count).map(|_| None).collect(),
            exchanges: (0..count).map(|_| None).collect(),
        };
        Ok(Start {
            hosts,
            own,
            deadline: Nanos(monotonic_ns().saturating_add(limit.0)),
            limit,
            listener,
            over: Interrupt::new(),
            sender,
            meetings,
            pending: 0,
            turned_away: Vec::new(),
            unreached: vec![None; count],
            is_ready: vec![false; count],
            connections,
        })
    }

    /// Starts to dial all processes before this one.
    fn dial(&self) -> Result<(), ClusterError> {
        for process in 0..self.own.index {
            for role in ConnectionRole::ALL {
                let (own, address) = (self.own.clone(), self.hosts.address(process).clone());
                let (sender, over) = (self.sender.clone(), self.over.clone());
                let times = (self.deadline, self.handshake_max());
                spawn_background("dial", move || {
                    let met = dial(&own, process, &address, role, times, &over);
                    // The start may have ended.
                    let _ = sender.send(met);
                })?;
            }
        }
        Ok(())
    }

    /// Waits until every process is connected with every other.
    fn meet(&mut self) -> Result<(), ClusterError> {
        let mut has_said = false;
        loop {
            self.accept()?;
            match self.meetings.recv_timeout(LOOK) {
                Ok(meeting) => self.note(meeting)?,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            self.hear()?;
            let is_connected = self.missing().next().is_none();
            if is_connected && !has_said {
                has_said = true;
                self.connections.heartbeats.iter_mut().flatten().for_each(|it| it.send(&LifeSign::Ready));
            }
            if has_said && self.others().all(|process| self.is_ready[process]) {
                return Ok(());
            }
            if monotonic_ns() >= self.deadline.0 {
                return Err(self.late(is_connected));
            }
        }
    }

    fn handshake_max(&self) -> Nanos {
        Nanos(HANDSHAKE_MAX.0.min(self.limit.0 / 2))
    }

    /// Tells all others that this process gives up, also those whose connections are about to be made: they would find
    /// an end without a reason.
    fn give_up(&mut self, error: &ClusterError) {
        let said = LifeSign::Failed { said: error.to_string() };
        let mut told = vec![false; self.hosts.len()];
        let until = monotonic_ns().saturating_add(LAST_WORDS.0);
        while monotonic_ns() < until && !self.others().all(|process| told[process]) {
            for (heartbeat, told) in self.connections.heartbeats.iter_mut().zip(&mut told) {
                if let Some(heartbeat) = heartbeat.as_mut().filter(|_| !std::mem::replace(told, true)) {
                    heartbeat.send(&said);
                }
            }
            // Further failures change nothing.
            let _ = self.accept();
            if let Ok(meeting) = self.meetings.recv_timeout(LOOK) {
                let _ = self.note(meeting);
            }
        }
        // A connection that is closed with bytes unread is reset, and the last words on it are lost.
        let mut open: Vec<_> = self.connections.heartbeats.iter_mut().flatten().collect();
        open.iter_mut().for_each(|heartbeat| heartbeat.end_sending());
        while monotonic_ns() < until && !open.is_empty() {
            open.retain_mut(|heartbeat| heartbeat.next_sign().is_ok());
            let _ = self.meetings.recv_timeout(LOOK);
        }
    }

    /// Takes all connections that have come, and starts a handshake on each.
    fn accept(&mut self) -> Result<(), ClusterError> {
        let Some(listener) = &self.listener else { return Ok(()) };
        loop {
            let (socket, place) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // The other end has given up meanwhile.
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => continue,
                Err(error) => return Err(error.into()),
            };
            if self.pending >= STRANGERS_MAX + 2 * self.hosts.len() {
                // Closed at once: its end will dial again if it belongs to the run.
                continue;
            }
            socket.set_nonblocking(false)?;
            socket.set_nodelay(true)?;
            let (own, sender) = (self.own.clone(), self.sender.clone());
            let deadline = Nanos(monotonic_ns().saturating_add(self.handshake_max().0));
            spawn_background("admit", move || {
                let met = admit(&own, socket, deadline);
                // The start may have ended.
                let _ = sender.send(met.map_or_else(|refused| Meeting::TurnedAway(place, refused), Meeting::Made));
            })?;
            self.pending += 1;
        }
    }

    /// Takes in the result of a handshake.
    fn note(&mut self, meeting: Meeting) -> Result<(), ClusterError> {
        match meeting {
            Meeting::Made(connection) => {
                self.pending -= usize::from(connection.process > self.own.index);
                self.keep(connection)
            }
            Meeting::Refused(process, refusal) => {
                let place = self.hosts.address(process).to_string();
                Err(ClusterError::Refused { process, place, refusal })
            }
            Meeting::TurnedAway(place, RefusedConnection { process, refusal }) => {
                self.pending -= 1;
                match (process, refusal) {
                    (Some(process), refusal) if !matches!(refusal, Refusal::Ended | Refusal::Silent) => {
                        Err(ClusterError::Refused { process, place: place.to_string(), refusal })
                    }
                    (_, refusal) => {
                        self.turned_away.push(format!("{place}: {refusal}"));
                        self.turned_away.truncate(NAMED_MAX);
                        Ok(())
                    }
                }
            }
            Meeting::Unreached(process, cause) => {
                self.unreached[process] = Some(cause);
                Ok(())
            }
        }
    }

    fn keep(&mut self, connection: NewConnection) -> Result<(), ClusterError> {
        let process = connection.process;
        connection.socket.set_read_timeout(None)?;
        connection.socket.set_write_timeout(None)?;
        let is_new = match connection.role {
            ConnectionRole::Exchange => self.connections.exchanges[process].is_none(),
            ConnectionRole::Heartbeat => self.connections.heartbeats[process].is_none(),
        };
        if !is_new {
            let place = self.hosts.address(process).to_string();
            return Err(ClusterError::Refused { process, place, refusal: Refusal::Twice });
        }
        match connection.role {
            ConnectionRole::Exchange => self.connections.exchanges[process] = Some(connection),
            ConnectionRole::Heartbeat => {
                let NewConnection { socket, sealer, opener, .. } = connection;
                let reader = FrameReader::new(opener, socket.try_clone()?, HEARTBEAT_ROOM);
                socket.set_nonblocking(true)?;
                self.connections.heartbeats[process] = Some(HeartbeatConnection::new(socket, reader, sealer));
            }
        }
        Ok(())
    }

    /// Takes in what the processes that are connected already say.
    fn hear(&mut self) -> Result<(), ClusterError> {
        for (process, heartbeat) in self.connections.heartbeats.iter_mut().enumerate() {
            // One sign of each look is enough: before the run a process says that it is ready, or that it gives up.
            let Some(heartbeat) = heartbeat.as_mut().filter(|_| !self.is_ready[process]) else { continue };
            let said = match heartbeat.next_sign() {
                Ok(None) => continue,
                Ok(Some(LifeSign::Ready)) => {
                    self.is_ready[process] = true;
                    continue;
                }
                Ok(Some(LifeSign::Failed { said })) => said,
                Ok(Some(LifeSign::Beat { .. } | LifeSign::Finished)) => "it began before all were ready".to_owned(),
                Err(error @ ConnectionError::Closed) => format!("{error}, or that gives up"),
                Err(error) => error.to_string(),
            };
            return Err(ClusterError::GaveUp { process, address: self.hosts.address(process).clone(), said });
        }
        Ok(())
    }

    /// Returns all processes but this one.
    fn others(&self) -> impl Iterator<Item = usize> {
        let own = self.own.index;
        (0..self.hosts.len()).filter(move |&process| process != own)
    }

    /// Returns the processes that lack a connection.
    fn missing(&self) -> impl Iterator<Item = usize> {
        let Connections { heartbeats, exchanges } = &self.connections;
        self.others().filter(|&process| heartbeats[process].is_none() || exchanges[process].is_none())
    }

    /// Returns the error of a start that took too long.
    fn late(&mut self, is_connected: bool) -> ClusterError {
        let unready = self.others().filter(|&process| !self.is_ready[process]);
        let missing: Vec<usize> = if is_connected { unready.collect() } else { self.missing().collect() };
        let named = missing.iter().take(NAMED_MAX).map(|&process| {
            let cause = match &self.unreached[process] {
                Some(cause) => cause.as_str(),
                None if is_connected => "it waits for others",
                None if process > self.own.index => "it did not connect",
                None => "no answer",
            };
            format!("{process} ({}: {cause})", self.hosts.address(process))
        });
        let mut text = named.collect::<Vec<_>>().join(", ");
        if missing.len() > NAMED_MAX {
            text += &format!(" and {} more", missing.len() - NAMED_MAX);
        }
        let turned_away = match self.turned_away.join("; ") {
            none if none.is_empty() => none,
            some => format!("; turned away: {some}"),
        };
        ClusterError::Missing { waited: self.limit, missing: text, turned_away }
    }
}

/// Binds the address of this process.
fn listen(hosts: &Hosts, index: usize) -> Result<TcpListener, ClusterError> {
    let address = hosts.address(index);
    let bound = address.resolve().and_then(|found| {
        let listener = TcpListener::bind(&found[..])?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|cause| ClusterError::Listen { index, address: address.clone(), cause })
}

/// Dials a process until it answers, the deadline passes or the start is over.
fn dial(
    own: &OwnEnd,
    process: usize,
    address: &HostAddress,
    role: ConnectionRole,
    (deadline, handshake_max): (Nanos, Nanos),
    over: &Interrupt,
) -> Meeting {
    let mut cause = "no answer".to_owned();
    loop {
        let now = monotonic_ns();
        if now >= deadline.0 || over.is_raised() {
            return Meeting::Unreached(process, cause);
        }
        match reach(address, Duration::from_nanos(deadline.0 - now)) {
            Err(error) => cause = error.to_string(),
            Ok(socket) => {
                let deadline = Nanos(deadline.0.min(monotonic_ns().saturating_add(handshake_max.0)));
                match greet(own, process, role, socket, deadline) {
                    Ok(connection) => return Meeting::Made(connection),
                    // An end of a run before this one may have been reached.
                    Err(refusal @ Refusal::Ended) => cause = refusal.to_string(),
                    Err(refusal) => return Meeting::Refused(process, refusal),
                }
            }
        }
        thread::park_timeout(RETRY);
    }
}

/// Connects to the first address of a host that answers.
fn reach(address: &HostAddress, left: Duration) -> io::Result<TcpStream> {
    let mut last = None;
    for place in address.resolve()? {
        match TcpStream::connect_timeout(&place, left.min(DIAL_MAX)) {
            // A socket that dials a free port of its own machine can be given that port, and reach itself.
            Ok(socket) if socket.local_addr()? == place => {}
            Ok(socket) => {
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| ErrorKind::ConnectionRefused.into()))
}
