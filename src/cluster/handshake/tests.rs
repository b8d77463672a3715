//! Tests of the handshake on one connection.

use super::*;
use crate::cluster::fixtures::socket_pair;
use crate::cluster::hosts::Hosts;
use std::thread;

fn own(index: usize, secret: Option<u8>) -> OwnEnd {
    let hosts = Hosts::parse("", "node0:1\nnode1:1\nnode2:1").unwrap();
    let secret = secret.map(|byte| ClusterSecret::of(&[byte; 32]));
    OwnEnd { identity: ClusterIdentity::new("1.0", "nodes = 5", &hosts), secret, index, processes: 3 }
}

fn within(millis: u64) -> Nanos {
    Nanos(monotonic_ns() + millis * 1_000_000)
}

/// Lets process `dialler` dial process `acceptor`, which it takes for `dialled`.
fn meet(
    dialler: &OwnEnd,
    dialled: usize,
    acceptor: &OwnEnd,
) -> (Result<NewConnection, Refusal>, Result<NewConnection, RefusedConnection>) {
    let (one, other) = socket_pair();
    thread::scope(|scope| {
        let admitted = scope.spawn(|| admit(acceptor, other, within(3_000)));
        let greeted = greet(dialler, dialled, ConnectionRole::Heartbeat, one, within(3_000));
        (greeted, admitted.join().unwrap())
    })
}

#[test]
fn both_ends_know_each_other_afterwards() {
    for secret in [None, Some(3)] {
        let (greeted, admitted) = meet(&own(2, secret), 0, &own(0, secret));
        let (mut greeted, mut admitted) = (greeted.ok().unwrap(), admitted.ok().unwrap());
        assert_eq!((greeted.process, greeted.role), (0, ConnectionRole::Heartbeat));
        assert_eq!((admitted.process, admitted.role), (2, ConnectionRole::Heartbeat));
        // The keys of both directions agree, and the counters stand where the handshake left them.
        let pass = |sealer: &mut FrameSealer, opener: &mut FrameOpener| {
            let mut frame = [0; 64];
            let size = sealer.seal(FrameKind::Ready, &[], &mut frame);
            assert_eq!(opener.open_header(&frame[..size]), Ok(FrameHeader { kind: FrameKind::Ready, length: 0 }));
        };
        pass(&mut greeted.sealer, &mut admitted.opener);
        pass(&mut admitted.sealer, &mut greeted.opener);
    }
}

#[test]
fn a_process_that_is_not_the_one_meant_is_refused_on_both_sides() {
    for (dialler, dialled, acceptor) in [(2, 0, 1), (1, 1, 1), (0, 1, 1), (7, 0, 0)] {
        let (greeted, admitted) = meet(&own(dialler, Some(3)), dialled, &own(acceptor, Some(3)));
        let refused = admitted.err().unwrap();
        assert!(matches!(refused.refusal, Refusal::WrongEnd { .. }), "{refused:?}");
        assert_eq!(refused.process, Some(dialler));
        let refusal = greeted.err().unwrap();
        assert!(matches!(refusal, Refusal::WrongEnd { .. } | Refusal::Ended), "{refusal:?}");
    }
}

#[test]
fn a_recorded_handshake_is_of_no_use() {
    let (dialler, acceptor) = (own(1, Some(3)), own(0, Some(3)));
    // The dialler's bytes are recorded on their path.
    let ((near, path), (forth, far)) = (socket_pair(), socket_pair());
    let recorded = thread::scope(|scope| {
        let admitted = scope.spawn(|| admit(&acceptor, far, within(3_000)));
        scope.spawn(|| std::io::copy(&mut &forth, &mut &path));
        let recorder = scope.spawn(|| {
            let mut bytes = vec![0; HELLO_BYTES + HANDSHAKE_BYTES + 20];
            for part in
                [0..HELLO_BYTES, HELLO_BYTES..HELLO_BYTES + HANDSHAKE_BYTES, HELLO_BYTES + HANDSHAKE_BYTES..bytes.len()]
            {
                (&path).read_exact(&mut bytes[part.clone()]).unwrap();
                (&forth).write_all(&bytes[part]).unwrap();
            }
            bytes
        });
        greet(&dialler, 0, ConnectionRole::Exchange, near, within(3_000)).ok().unwrap();
        admitted.join().unwrap().ok().unwrap();
        recorder.join().unwrap()
    });
    // Sent again to the same process, they bear the secret and agree with everything but the key that is new.
    let (mut again, end) = socket_pair();
    again.write_all(&recorded).unwrap();
    let refused = admit(&acceptor, end, within(3_000)).err().unwrap();
    assert!(matches!(refused.refusal, Refusal::Secret), "{refused:?}");
}

#[test]
fn a_byte_at_a_time_does_not_move_the_deadline() {
    let (mut slow, end) = socket_pair();
    let begun = monotonic_ns();
    let writer = thread::spawn(move || {
        for byte in b"bulkprop".iter().chain(&[1; 120]) {
            if slow.write_all(&[*byte]).is_err() {
                return;
            }
            thread::park_timeout(std::time::Duration::from_millis(20));
        }
    });
    let refused = admit(&own(0, Some(3)), end, within(300)).err().unwrap();
    assert!(matches!(refused, RefusedConnection { process: None, refusal: Refusal::Silent }), "{refused:?}");
    assert!(monotonic_ns() - begun < 1_500_000_000);
    writer.join().unwrap();
}

#[test]
fn an_end_in_the_handshake_is_told_from_silence() {
    let hello = Hello::new(&own(1, Some(3)).identity, true, ConnectionRole::Exchange, (1, 0)).to_bytes();
    for sent in [0, 4, HELLO_BYTES - 1, HELLO_BYTES] {
        let (mut one, other) = socket_pair();
        one.write_all(&hello[..sent]).unwrap();
        one.shutdown(std::net::Shutdown::Write).unwrap();
        let refused = admit(&own(0, Some(3)), other, within(3_000)).err().unwrap();
        assert!(matches!(refused.refusal, Refusal::Ended), "{sent}: {refused:?}");
    }
}
