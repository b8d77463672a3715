//! Tests datagrams with the right token from the right address that no sender sent, as an attacker can make them who
//! reads the wire and forges addresses. They are strays, the channel keeps working, and what is missing stays missing.

use super::*;
use crate::sys::send_train;
use crate::transport::udp_shard::outbox::charge;
use crate::wire::{StrayCounts, TrainTrailer};

impl Bench {
    /// Sends a forged datagram, or train, from shard 0's address to shard 1.
    fn forge(&self, datagrams: &[u8], segment_bytes: usize) {
        let (socket, to) = (&self.sockets[0], self.network.addresses[1]);
        match self.network.segmentation {
            Segmentation::Whole { .. } => send_train(socket, to, datagrams, segment_bytes as u16).unwrap(),
            Segmentation::Apart => datagrams.chunks(segment_bytes).for_each(|datagram| {
                socket.send_to(datagram, to).unwrap();
            }),
        }
    }

    fn forge_trailer(&self, messages: u64, charge: u64) {
        self.forge(&TrainTrailer { from: 0, to: 1, messages, charge }.bytes(TOKEN), wire::TRAILER_BYTES);
    }

    /// The train of these messages, all of the first order, as shard 0's first train.
    fn first_train(&self, messages: &[Message]) -> (Vec<u8>, usize, TrainTrailer) {
        let template = &self.network.templates[0];
        let charge = charge(self.network.segmentation, messages.len(), template.len());
        let trailer = TrainTrailer { from: 0, to: 1, messages: messages.len() as u64, charge };
        let mut bytes = Vec::new();
        for message in messages {
            let mut datagram = template.to_vec();
            wire::patch(datagram.first_chunk_mut().unwrap(), message);
            bytes.extend(datagram);
        }
        bytes.extend(trailer.bytes(TOKEN));
        (bytes, template.len(), trailer)
    }

    fn strays(&self) -> StrayCounts {
        self.ends[1].counts().strays
    }

    /// Asserts that the channel still carries everything: more than its credit allows at once.
    fn assert_keeps_working(&mut self) {
        let (blocked, messages) = (self.ends[0].counts().send_blocked, many(20_000));
        let (mut taken, mut received) = (0, 0);
        while received < messages.len() {
            taken += self.send(&messages[taken..]);
            received += self.receive_all().len();
        }
        assert!(self.ends[0].counts().send_blocked > blocked, "credit was asked for");
        assert_eq!((received, self.missing().0), (messages.len(), 0));
    }
}

#[test]
fn a_trailer_that_claims_more_than_was_sent_is_forged_and_returns_no_credit() {
    for segmentation in modes() {
        let mut bench = Bench::new(segmentation, None);
        bench.send(&many(20));
        assert_eq!(bench.receive_all().len(), 20);
        let given_back = bench.network.channels.consumed(0, 1);
        bench.forge_trailer(20, given_back + 1);
        bench.forge_trailer(21, given_back);
        bench.forge_trailer(u64::MAX, u64::MAX);
        assert_eq!(bench.receive_all(), []);
        assert_eq!((bench.strays().of(Stray::Forged), bench.strays().total()), (3, 3), "{segmentation:?}");
        assert_eq!((bench.network.channels.consumed(0, 1), bench.missing().0), (given_back, 0), "{segmentation:?}");
        bench.assert_keeps_working();
        assert_eq!(bench.strays().total(), 3, "{segmentation:?}");
    }
}

#[test]
fn a_trailer_that_came_before_is_a_replay_and_returns_no_credit() {
    for segmentation in modes() {
        let mut bench = Bench::new(segmentation, None);
        let (_, _, trailer) = bench.first_train(&many(20));
        bench.send(&many(20));
        assert_eq!(bench.receive_all().len(), 20);
        assert_eq!(bench.network.channels.consumed(0, 1), trailer.charge, "{segmentation:?}: the trailer as it came");
        bench.forge_trailer(trailer.messages, trailer.charge);
        assert_eq!(bench.receive_all(), []);
        bench.assert_keeps_working();
        bench.forge_trailer(trailer.messages, trailer.charge);
        assert_eq!(bench.receive_all(), []);
        assert_eq!((bench.strays().of(Stray::Replayed), bench.strays().total()), (2, 2), "{segmentation:?}");
        bench.assert_keeps_working();
    }
}

#[test]
fn messages_without_a_sender_are_forged() {
    for segmentation in modes() {
        let mut bench = Bench::new(segmentation, None);
        let mut datagram = bench.network.templates[0].to_vec();
        wire::patch(datagram.first_chunk_mut().unwrap(), &message(0, 1, 6));
        let segment_bytes = datagram.len();
        for _ in 0..3 {
            bench.forge(&datagram, segment_bytes);
            bench.send(&many(20));
            bench.forge(&datagram, segment_bytes);
            bench.receive_all();
        }
        // Sent one by one, the first forged message takes the place of a real one, so the sender's own becomes the one
        // too many.
        let received = bench.ends[1].counts();
        assert_eq!((received.strays.of(Stray::Forged), received.strays.total()), (6, 6), "{segmentation:?}");
        assert_eq!(bench.missing().0, 0, "{segmentation:?}: as many as were sent");
        bench.assert_keeps_working();
    }
}

#[test]
fn a_replayed_train_brings_no_message() {
    for segmentation in modes() {
        let mut bench = Bench::new(segmentation, None);
        let sent = many(20);
        let (train, segment_bytes, _) = bench.first_train(&sent);
        bench.send(&sent);
        assert_eq!(bench.receive_all(), sent);
        bench.forge(&train, segment_bytes);
        assert_eq!(bench.receive_all(), [], "{segmentation:?}");
        let strays = bench.strays();
        let expected = if segmentation == Segmentation::Apart { (20, 1) } else { (0, 21) };
        assert_eq!((strays.of(Stray::Forged), strays.of(Stray::Replayed)), expected, "{segmentation:?}");
        bench.assert_keeps_working();
    }
}

/// Lost trains leave room for forged messages, but not for a train that has come before.
#[cfg(all(target_os = "linux", not(portable)))]
#[test]
fn a_replay_does_not_replace_lost_messages() {
    let segmentation = Segmentation::probe();
    if segmentation == Segmentation::Apart {
        return;
    }
    let mut bench = Bench::new(segmentation, Some(1_152));
    let sent = many(20);
    let (train, segment_bytes, _) = bench.first_train(&sent);
    assert_eq!(bench.send(&sent), 20);
    let mut received = bench.receive_all().len() as u64;
    let mut total = 20;
    while bench.missing().0 == 0 {
        total += bench.send(&many(500)) as u64;
        bench.send(&[]);
        received += bench.receive_all().len() as u64;
    }
    let (missing, packets, _) = bench.missing();
    for _ in 0..5 {
        bench.forge(&train, segment_bytes);
        assert_eq!(bench.receive_all(), []);
    }
    assert_eq!(bench.strays().of(Stray::Replayed), 5 * 21);
    let (still_missing, still_packets, _) = bench.missing();
    assert_eq!((still_missing, still_packets), (missing, packets));
    let unsent = bench.ends[0].unsent().len() as u64;
    assert_eq!(received + missing + unsent, total);
}
