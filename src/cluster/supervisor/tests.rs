//! Tests of the watch over one other process, whose ends of the connections the test holds.

use super::*;
use crate::cluster::fixtures::{heartbeat_pair, protections, socket_pair};
use crate::cluster::frame::{FRAME_BYTES_MAX, FrameKind, FrameOpener, FrameSealer};
use crate::cluster::frame_io::{EXCHANGE_ROOM, FrameReader, FrameWriter};
use crate::cluster::process_stream::ProcessStream;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::{self, JoinHandle};
use timely::communication::allocator::zero_copy::stream::Stream;

/// Time in which the end of a connection must be told of, on a machine with much else to do.
const PROMPTLY: Duration = Duration::from_secs(4);

/// A change of the frames on their path, given those before and the next.
type Change = fn(&mut Vec<u8>, Vec<u8>);

/// A process under watch: process 0 is watched by process 1.
struct Watched {
    /// The ends of process 0.
    heartbeat: HeartbeatConnection,
    socket: TcpStream,
    sealer: FrameSealer,
    /// The ends of process 1.
    supervisor: Supervisor,
    stream: ProcessStream,
    losses: Receiver<String>,
}

impl Watched {
    fn new(is_sealed: bool) -> Watched {
        let hosts = Hosts::parse("", "node0:2101\nnode1:2101").unwrap();
        let (heartbeat, watched) = heartbeat_pair(is_sealed);
        let (socket, own) = socket_pair();
        let (theirs, ours) = protections(is_sealed);
        let (traffic, (tell, losses)) = (Arc::new(ClusterTraffic::new(2)), mpsc::channel());
        let on_loss = Box::new(move |loss: &ProcessLoss| tell.send(loss.to_string()).unwrap());
        let heartbeats = vec![Some(watched), None];
        let supervisor = Supervisor::start(&hosts, 1, heartbeats, Arc::clone(&traffic), on_loss).unwrap();
        let reader = FrameReader::new(FrameOpener::new(ours.clone()), own.try_clone().unwrap(), EXCHANGE_ROOM);
        let ends = (reader, FrameWriter::new(FrameSealer::new(ours), own));
        let stream = ProcessStream::new(0, ends, traffic, supervisor.events());
        Watched { heartbeat, socket, sealer: FrameSealer::new(theirs), supervisor, stream, losses }
    }

    /// Seals a frame of the exchange.
    fn frame(&mut self, kind: FrameKind, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; FRAME_BYTES_MAX];
        let size = self.sealer.seal(kind, payload, &mut frame);
        frame.truncate(size);
        frame
    }

    /// Reads all of the exchange on a thread of its own, as timely does.
    fn read(&self) -> JoinHandle<Vec<u8>> {
        let mut stream = self.stream.try_clone().unwrap();
        thread::spawn(move || {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            all
        })
    }

    /// Returns the sentence for the loss, which must come within a time.
    fn loss(&self, within: Duration) -> String {
        let loss = self.losses.recv_timeout(within).expect("the loss is told of");
        assert!(loss.starts_with("process 0 (node0:2101): "), "{loss}");
        loss
    }
}

#[test]
fn a_forged_frame_is_a_loss_and_its_reader_sleeps() {
    let changes: [Change; 3] = [
        |frames, next| frames.extend(next.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == 25))),
        |frames, next| frames.extend([&next[..], &next].concat()),
        |frames, next| drop(frames.splice(0..0, next)),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut watched = Watched::new(true);
        let reader = watched.read();
        let mut frames = watched.frame(FrameKind::Data, b"first");
        let next = watched.frame(FrameKind::Data, b"other");
        change(&mut frames, next);
        watched.socket.write_all(&frames).unwrap();
        let loss = watched.loss(PROMPTLY);
        assert!(loss.contains("a frame was altered, repeated or left out"), "change {number}: {loss}");
        assert!(!reader.is_finished(), "timely saw an end");
    }
}

#[test]
fn a_process_that_is_killed_is_lost_at_once() {
    for is_sealed in [false, true] {
        let mut watched = Watched::new(is_sealed);
        let reader = watched.read();
        let frame = watched.frame(FrameKind::Data, &[5; 1_000]);
        watched.socket.write_all(&frame).unwrap();
        let (heartbeat, other) = heartbeat_pair(false);
        drop(other);
        drop(std::mem::replace(&mut watched.heartbeat, heartbeat));
        watched.socket.shutdown(Shutdown::Both).unwrap();
        let loss = watched.loss(PROMPTLY);
        assert!(loss.contains("closed the connection without notice"), "{loss}");
        assert!(loss.contains("0 bytes of the exchange sent to it and 1,000 received"), "{loss}");
        assert!(!reader.is_finished(), "timely saw an end");
    }
}

#[test]
fn a_connection_that_ends_alone_is_a_loss_after_a_while() {
    let watched = Watched::new(true);
    let _reader = watched.read();
    watched.socket.shutdown(Shutdown::Both).unwrap();
    assert!(watched.loss(PROMPTLY).contains("closed the connection without notice"));

    let mut watched = Watched::new(true);
    watched.heartbeat.send(&LifeSign::Finished);
    assert!(watched.loss(PROMPTLY).contains("it left before the end of the run"));
}

#[test]
fn a_writer_to_a_process_that_is_gone_sleeps_too() {
    let watched = Watched::new(false);
    watched.socket.shutdown(Shutdown::Both).unwrap();
    let mut stream = watched.stream.try_clone().unwrap();
    let writer = thread::spawn(move || {
        loop {
            stream.write_all(&[0; 100_000]).unwrap();
        }
    });
    watched.loss(PROMPTLY);
    assert!(!writer.is_finished(), "timely saw an error");
}

#[test]
fn the_reason_of_a_process_that_gives_up_is_passed_on() {
    let mut watched = Watched::new(true);
    let _reader = watched.read();
    // The exchange ends first, and the reason comes while its process is suspected.
    watched.socket.shutdown(Shutdown::Both).unwrap();
    thread::park_timeout(Duration::from_millis(50));
    watched.heartbeat.send(&LifeSign::Failed { said: "process 7 (node7:2101): no memory\u{1b}".to_owned() });
    let loss = watched.loss(PROMPTLY);
    assert!(loss.contains("it gave up: process 7 (node7:2101): no memory\\u{1b}"), "{loss}");
}

#[test]
fn the_end_of_a_process_that_has_done_its_part_is_no_loss() {
    for is_sealed in [false, true] {
        let mut watched = Watched::new(is_sealed);
        let reader = watched.read();
        let frames = [watched.frame(FrameKind::Data, b"all"), watched.frame(FrameKind::Finished, &[])].concat();
        watched.socket.write_all(&frames).unwrap();
        assert_eq!(reader.join().unwrap(), b"all");
        watched.heartbeat.send(&LifeSign::Finished);
        Stream::shutdown(&watched.stream, Shutdown::Write).unwrap();
        let (heartbeat, _other) = heartbeat_pair(false);
        drop(std::mem::replace(&mut watched.heartbeat, heartbeat));
        watched.socket.shutdown(Shutdown::Both).unwrap();
        assert!(watched.losses.recv_timeout(Duration::from_millis(800)).is_err());
        watched.supervisor.finish();
    }
}

#[test]
fn the_other_end_is_told_of_an_end_and_of_a_failure() {
    let end = |supervisor: Supervisor, mut heartbeat: HeartbeatConnection| {
        drop(supervisor);
        let signs = std::iter::from_fn(|| heartbeat.next_sign().ok().flatten());
        signs.filter(|sign| !matches!(sign, LifeSign::Beat { .. })).collect::<Vec<_>>()
    };
    let Watched { supervisor, heartbeat, .. } = Watched::new(true);
    supervisor.finish();
    assert_eq!(end(supervisor, heartbeat), [LifeSign::Finished]);

    let Watched { supervisor, heartbeat, .. } = Watched::new(true);
    supervisor.fail("worker 3 panicked");
    assert_eq!(end(supervisor, heartbeat), [LifeSign::Failed { said: "worker 3 panicked".to_owned() }]);

    let Watched { supervisor, heartbeat, .. } = Watched::new(true);
    assert!(
        matches!(&end(supervisor, heartbeat)[..], [LifeSign::Failed { said }] if said.contains("without a result"))
    );
}

#[test]
fn silence_and_a_standstill_are_losses_and_a_slow_process_is_none() {
    let (silent, mut stalled, mut slow) = (Watched::new(true), Watched::new(true), Watched::new(true));
    let _readers = [&silent, &stalled, &slow].map(Watched::read);
    for beat in 0..9 {
        stalled.heartbeat.send(&LifeSign::Beat { announced: 100 });
        slow.heartbeat.send(&LifeSign::Beat { announced: 100 });
        if beat % 4 == 0 {
            let frame = slow.frame(FrameKind::Data, &[0; 10]);
            slow.socket.write_all(&frame).unwrap();
        }
        thread::park_timeout(Duration::from_millis(450));
    }
    let loss = silent.loss(PROMPTLY);
    assert!(loss.contains("nothing was heard from it for 3."), "{loss}");
    let loss = stalled.loss(PROMPTLY);
    assert!(loss.contains("but 100 bytes that it has sent have not come for 3."), "{loss}");
    assert!(slow.losses.try_recv().is_err());
}
