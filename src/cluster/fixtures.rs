//! Connections for tests, on loopback.

use super::frame::{FrameOpener, FrameSealer, Protection};
use super::frame_io::FrameReader;
use super::heartbeat::{HEARTBEAT_ROOM, HeartbeatConnection};
use super::noise::fixtures::sealed_pair;
use super::{ClusterError, ClusterIdentity, ClusterPlace, ClusterSecret, Hosts, Mesh, connect};
use crate::time::Nanos;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// The options with which a process of a test joins its cluster.
#[derive(Clone, Debug)]
pub(in crate::cluster) struct Joining {
    pub(in crate::cluster) hosts: Hosts,
    pub(in crate::cluster) index: usize,
    pub(in crate::cluster) version: &'static str,
    pub(in crate::cluster) scenario: &'static str,
    /// The byte of which the secret is made, if there is one.
    pub(in crate::cluster) secret: Option<u8>,
    pub(in crate::cluster) limit: Nanos,
}

/// A process of a cluster, and the losses that it was told of.
pub(in crate::cluster) type Joined = Result<(Mesh, Receiver<String>), ClusterError>;

impl Joining {
    pub(in crate::cluster) fn new(hosts: &Hosts, index: usize, is_sealed: bool) -> Joining {
        let (hosts, secret) = (hosts.clone(), is_sealed.then_some(7));
        Joining { hosts, index, version: "1.0", scenario: "nodes = 5", secret, limit: Nanos(8_000_000_000) }
    }

    /// Joins on this thread.
    pub(in crate::cluster) fn join(&self) -> Joined {
        let identity = ClusterIdentity::new(self.version, self.scenario, &self.hosts);
        let secret = self.secret.map(|byte| ClusterSecret::of(&[byte; 32]));
        let (hosts, index, limit) = (&self.hosts, self.index, self.limit);
        let place = ClusterPlace { hosts, index, identity: &identity, secret: secret.as_ref(), limit };
        let (losses, lost) = mpsc::channel();
        connect(&place, move |loss| losses.send(loss.to_string()).unwrap()).map(|mesh| (mesh, lost))
    }
}

/// Returns a hosts file of loopback addresses that are free.
pub(in crate::cluster) fn free_hosts(processes: usize) -> Hosts {
    let address = loopback();
    let listeners: Vec<TcpListener> = (0..processes).map(|_| TcpListener::bind((address, 0)).unwrap()).collect();
    let lines: Vec<String> = listeners.iter().map(|it| it.local_addr().unwrap().to_string()).collect();
    Hosts::parse("hosts.txt", &lines.join("\n")).unwrap()
}

/// Returns a loopback address of this process. A free port of 127.0.0.1 could go to a connection from there, before the
/// process of a cluster listens at it.
fn loopback() -> Ipv4Addr {
    if cfg!(not(target_os = "linux")) {
        return Ipv4Addr::LOCALHOST;
    }
    let [_, _, high, low] = std::process::id().to_be_bytes();
    // 127.0.x.y stays with programs that use 127.0.0.1.
    Ipv4Addr::new(127, high.max(1), low, 1)
}

/// Joins all processes at once, each on a thread of its own, and passes their results to `act` there.
pub(in crate::cluster) fn join_all<R: Send>(joinings: &[Joining], act: impl Fn(usize, Joined) -> R + Sync) -> Vec<R> {
    let act = &act;
    thread::scope(|scope| {
        let spawn = |joining: &Joining| {
            let joining = joining.clone();
            scope.spawn(move || act(joining.index, joining.join()))
        };
        let threads: Vec<_> = joinings.iter().map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Returns both ends of a connection.
pub(in crate::cluster) fn socket_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let dialled = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    [&dialled, &accepted].into_iter().for_each(|socket| socket.set_nodelay(true).unwrap());
    (dialled, accepted)
}

/// Returns the keys of both ends of a connection.
pub(in crate::cluster) fn protections(is_sealed: bool) -> (Protection, Protection) {
    if is_sealed { sealed_pair() } else { (Protection::Plain, Protection::Plain) }
}

/// Returns both ends of a heartbeat.
pub(in crate::cluster) fn heartbeat_pair(is_sealed: bool) -> (HeartbeatConnection, HeartbeatConnection) {
    let (one, other) = socket_pair();
    let keys = protections(is_sealed);
    let end = |socket: TcpStream, keys: Protection| {
        socket.set_nonblocking(true).unwrap();
        let reader = FrameReader::new(FrameOpener::new(keys.clone()), socket.try_clone().unwrap(), HEARTBEAT_ROOM);
        HeartbeatConnection::new(socket, reader, FrameSealer::new(keys))
    };
    (end(one, keys.0), end(other, keys.1))
}
