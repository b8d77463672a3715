//! Tests two ends joined by rings: messages carried, messages held back, sleepers woken.

use super::*;
use crate::ids::NodeId;
use crate::message::{Kind, OrderHop};
use crate::order::Order;
use crate::wire::{Admission, DATAGRAM_BYTES_MAX, Header, Token as RunToken, encode};

const NODES: u32 = 6;

/// Creates two ends that own nodes 0 to 2 and 3 to 5.
fn ends(serialization: Option<&SerializationCharge>) -> [Box<dyn Transport>; 2] {
    let carriers = connect(&ShardMap::new(NODES, 2), Clock::start(), serialization, TAIL_WORDS_MAX).unwrap();
    let ends: Vec<_> = carriers.into_iter().map(|carrier| Box::new(carrier).build().unwrap()).collect();
    <[_; 2]>::try_from(ends).ok().expect("two ends")
}

fn message(from: u32, to: u32) -> Message {
    OrderHop { order: OrderIndex(0), ttl: 5, hop: 1 }.copy(NodeId(from), NodeId(to))
}

fn received(end: &mut dyn Transport) -> Vec<Message> {
    end.receive(Wait::No).unwrap();
    end.arrivals().iter().map(|arrival| arrival.message).collect()
}

fn serialization() -> (SerializationCharge, usize) {
    let order = Order::generate(1, OrderIndex(0), 10).unwrap();
    let token = RunToken(5);
    let mut datagram = [0; DATAGRAM_BYTES_MAX];
    let bytes = encode(&Header { token, message: message(0, 1) }, &order.view(), &mut datagram).unwrap();
    let templates = [datagram[..bytes].into()].into();
    (SerializationCharge::new(templates, 0, Admission { token, nodes: NODES, orders: 1 }), bytes)
}

#[test]
fn messages_reach_their_shard_in_the_sequence_sent() {
    let [mut here, mut there] = ends(None);
    let sent = [message(0, 1), message(0, 3), message(1, 5), message(1, 0)];
    assert_eq!(here.send(MessageBatch::bare(&sent)).unwrap(), 4);
    assert_eq!(received(&mut *here), [sent[0], sent[3]]);
    assert_eq!(received(&mut *there), [sent[1], sent[2]]);
    assert_eq!((received(&mut *here), received(&mut *there)), (vec![], vec![]));
    assert_eq!((here.message_bytes(OrderIndex(0)), here.counts().kernel_dropped), (0, Some(0)));
}

#[test]
fn tails_cross_whole_on_a_full_ring() {
    for serialization in [None, Some(serialization().0)] {
        let [mut here, mut there] = ends(serialization.as_ref());
        let lengths = [0, 1, 179, 3, 2].repeat(200);
        let of_tail = |tail| Message { kind: Kind::HAVE, tail, ..message(0, 4) };
        let sent: Vec<Message> = lengths.iter().map(|&tail| of_tail(tail)).collect();
        let words: Vec<u64> = (1..=lengths.iter().map(|&length| u64::from(length)).sum()).collect();
        let (mut rest, mut came, mut tails) = (MessageBatch { messages: &sent, tails: &words }, Vec::new(), Vec::new());
        let mut was_full = false;
        while came.len() < sent.len() {
            let taken = here.send(rest).unwrap();
            was_full |= taken < rest.messages.len();
            for message in &rest.messages[..taken] {
                message.cut(&mut rest.tails);
            }
            rest.messages = &rest.messages[taken..];
            came.extend(received(&mut *there));
            tails.extend(there.tails());
        }
        assert!(was_full, "the ring was never full");
        assert_eq!((came, tails), (sent, words));
    }
}

#[test]
fn a_drain_counts_messages_and_not_their_slots() {
    let [mut here, mut there] = ends(None);
    let sent = [5, 0, 2].map(|tail| Message { kind: Kind::HAVE, tail, ..message(0, 4) });
    here.send(MessageBatch { messages: &sent, tails: &[9; 7] }).unwrap();
    there.drain().unwrap();
    assert_eq!(there.counts().drained, 3);
}

#[test]
fn a_full_ring_takes_the_rest_after_its_worker_has_read_on() {
    let [mut here, mut there] = ends(None);
    let slots = ring_slots(2, 1);
    let many = vec![message(0, 4); slots + 5];
    assert_eq!(here.send(MessageBatch::bare(&many)).unwrap(), slots);
    assert_eq!(here.counts().send_blocked, 1);
    assert_eq!(received(&mut *there).len(), BATCH);
    assert_eq!(here.send(MessageBatch::bare(&many[slots..])).unwrap(), 5);
    there.drain().unwrap();
    assert_eq!(there.counts().drained as usize, slots + 5 - BATCH);
}

#[test]
fn a_drain_counts_messages_within_the_shard_too() {
    let [mut here, mut there] = ends(None);
    here.send(MessageBatch::bare(&[message(0, 1), message(0, 4)])).unwrap();
    here.drain().unwrap();
    there.drain().unwrap();
    assert_eq!((here.counts().drained, there.counts().drained), (1, 1));
}

#[test]
fn serialization_can_be_charged_and_changes_nothing() {
    let (serialization, bytes) = serialization();
    let [mut here, mut there] = ends(Some(&serialization));
    let sent = [message(2, 1), message(2, 4)];
    here.send(MessageBatch::bare(&sent)).unwrap();
    assert_eq!(received(&mut *here), sent[..1]);
    assert_eq!(received(&mut *there), sent[1..]);
    let arrival = &there.arrivals()[0];
    assert_eq!(arrival.bytes as usize, bytes);
    assert_eq!(there.body(arrival).map(<[u8]>::len), Some(bytes - crate::wire::HEADER_BYTES));
    assert_eq!(there.message_bytes(OrderIndex(0)) as usize, bytes);
}

#[test]
fn a_sleeper_is_woken_and_does_not_sleep_beside_a_message() {
    let [here, there] =
        <[_; 2]>::try_from(connect(&ShardMap::new(NODES, 2), Clock::start(), None, 0).unwrap()).ok().unwrap();
    let sender = std::thread::spawn(|| {
        let mut here = Box::new(here).build().unwrap();
        std::thread::park_timeout(Duration::from_millis(20));
        here.send(MessageBatch::bare(&[message(0, 4)])).unwrap();
        here.send(MessageBatch::bare(&[message(0, 5)])).unwrap();
    });
    let mut there = Box::new(there).build().unwrap();
    let far = there.now() + Nanos::from_secs(3_600);
    there.receive(Wait::Until(far)).unwrap();
    assert!(!there.arrivals().is_empty());
    if there.arrivals().len() == 1 {
        there.receive(Wait::Until(far)).unwrap();
    }
    sender.join().unwrap();
}

#[test]
fn rings_between_many_workers_are_short() {
    assert_eq!([1, 8, 64, 1_024].map(|workers| ring_slots(workers, 1)), [8_192, 8_192, 1_024, 16]);
}
