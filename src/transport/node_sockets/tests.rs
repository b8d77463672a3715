//! Tests a worker's end on real sockets: datagrams carried, strays rejected, drops of the kernel counted.

use super::*;
use crate::message::{Kind, OrderHop};
use crate::order::Order;
use crate::scenario::SocketOwner;
use crate::transport::udp::Udp;
use crate::wire::{DATAGRAM_BYTES_MAX, HEADER_BYTES, Header, Token as RunToken};

const TOKEN: RunToken = RunToken(0x0123_4567_89AB_CDEF);
const NODES: u32 = 4;

/// One end with four nodes.
struct Bench<F: SocketFamily> {
    end: Box<dyn Transport>,
    addresses: Arc<[F::Address]>,
    template: Box<[u8]>,
}

impl<F: SocketFamily> Bench<F> {
    fn new(receive_buffer: Option<u32>) -> Bench<F> {
        let bound = F::bind(quota(NODES), receive_buffer, &Interrupt::new()).unwrap();
        let order = Order::generate(1, OrderIndex(0), 0).unwrap();
        let mut datagram = [0; DATAGRAM_BYTES_MAX];
        let header = Header { token: TOKEN, message: message(0, 1) };
        let bytes = wire::encode(&header, &order.view(), &mut datagram).unwrap();
        let template: Box<[u8]> = datagram[..bytes].into();
        let network = Arc::new(NodeSocketNetwork {
            addresses: Arc::clone(&bound.addresses),
            templates: [template.clone()].into(),
            parts: None,
            admission: Admission { token: TOKEN, nodes: NODES, orders: 1 },
            clock: Clock::start(),
        });
        let end = Box::new(NodeSocketBuilder::<F> { network, first_node: 0, sockets: bound.sockets }).build().unwrap();
        Bench { end, addresses: bound.addresses, template }
    }

    /// Receives until nothing more arrives.
    fn receive_all(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            self.end.receive(Wait::No).unwrap();
            if self.end.arrivals().is_empty() && self.end.receive(Wait::No).is_ok() && self.end.arrivals().is_empty() {
                return messages;
            }
            messages.extend(self.end.arrivals().iter().map(|arrival| arrival.message));
        }
    }

    /// Sends a datagram from a foreign socket to node 1; returns the kind of stray it was counted as.
    fn stray_of(&mut self, datagram: &[u8]) -> Stray {
        self.send_as_stranger(datagram);
        let before = self.end.counts().strays;
        assert_eq!(self.receive_all(), []);
        let after = self.end.counts().strays;
        Stray::ALL.into_iter().find(|&stray| after.of(stray) == before.of(stray) + 1).expect("counted")
    }

    /// Sends a datagram from a foreign socket to node 1.
    fn send_as_stranger(&self, datagram: &[u8]) {
        let stranger = F::bind(quota(1), None, &Interrupt::new()).unwrap().sockets.pop().unwrap();
        let mut outgoing = Outgoing::new(1);
        outgoing.place(0)[..datagram.len()].copy_from_slice(datagram);
        outgoing.address(0, self.addresses[1], datagram.len());
        assert_eq!(outgoing.send(&F::open(stranger), 0, 1).unwrap(), 1);
    }

    /// A datagram of the run, modified by `change`.
    fn datagram(&self, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut datagram = self.template.to_vec();
        change(&mut datagram);
        datagram
    }
}

/// Runs the tests that hold for every family of sockets.
macro_rules! tests_of {
    ($Family:ty: $($test:ident),+ $(,)?) => {
        $(
            #[test]
            fn $test() {
                super::$test::<$Family>();
            }
        )+
    };
    (every $Family:ty) => {
        tests_of! {
            $Family:
            tails_cross_whole,
            messages_arrive_as_they_were_sent_with_their_order_behind_them,
            every_kind_of_stray_is_told_apart,
            a_drain_counts_unreceived_messages_and_strays_apart,
            a_sleeping_end_is_woken,
        }
    };
}

mod on_udp {
    use super::*;

    tests_of!(every Udp);
}

#[cfg(all(target_os = "linux", not(portable)))]
mod on_unix {
    use super::*;
    use crate::transport::unix::Unix;

    tests_of!(every Unix);

    /// A queue of `net.unix.max_dgram_qlen` datagrams and one more; what it does not take is offered again.
    #[test]
    fn a_full_queue_drops_nothing_and_shows_as_blocked() {
        let mut bench = Bench::<Unix>::new(None);
        let many = [message(0, 1); 2_000];
        let (mut sent, mut received) = (0, 0);
        while received < many.len() {
            sent += bench.end.send(MessageBatch::bare(&many[sent..])).unwrap();
            bench.end.receive(Wait::No).unwrap();
            received += bench.end.arrivals().len();
        }
        bench.end.count_drops().unwrap();
        let counts = bench.end.counts();
        assert_eq!((sent, counts.kernel_datagrams, counts.kernel_dropped), (2_000, 2_000, Some(0)));
        assert!(counts.send_blocked > 0);
    }
}

fn quota(count: u32) -> Quota {
    Quota { owner: SocketOwner::Node, asked: count, count, threads: 1, process: 0, processes: 1 }
}

fn message(from: u32, to: u32) -> Message {
    OrderHop { order: OrderIndex(0), ttl: 5, hop: 1 }.copy(NodeId(from), NodeId(to))
}

fn tails_cross_whole<F: SocketFamily>() {
    let mut bench = Bench::<F>::new(None);
    let sent = [(0, 1, 3), (0, 2, 0), (0, 1, 179), (2, 1, 1)].map(|(from, to, tail)| Message {
        kind: Kind::HAVE,
        tail,
        ..message(from, to)
    });
    let words: Vec<u64> = (1..=183).collect();
    assert_eq!(bench.end.send(MessageBatch { messages: &sent, tails: &words }).unwrap(), 4);
    let mut came = Vec::new();
    while came.len() < sent.len() {
        bench.end.receive(Wait::Until(bench.end.now() + Nanos::from_secs(60))).unwrap();
        let mut tails = bench.end.tails();
        for Arrival { message, bytes, .. } in bench.end.arrivals() {
            assert_eq!(*bytes as usize, wire::control_bytes(message.tail.into()));
            came.push((*message, message.cut(&mut tails).to_vec()));
        }
    }
    let mut expected: Vec<_> =
        MessageBatch { messages: &sent, tails: &words }.iter().map(|(m, t)| (*m, t.to_vec())).collect();
    came.sort_by_key(|(message, tail)| (message.to, message.tail, tail.clone()));
    expected.sort_by_key(|(message, tail)| (message.to, message.tail, tail.clone()));
    assert_eq!(came, expected);
}

fn messages_arrive_as_they_were_sent_with_their_order_behind_them<F: SocketFamily>() {
    let mut bench = Bench::<F>::new(None);
    let sent = [message(0, 1), message(0, 2), message(3, 2), message(2, 2)];
    assert_eq!(bench.end.send(MessageBatch::bare(&sent)).unwrap(), 4);
    bench.end.receive(Wait::No).unwrap();
    let mut arrived: Vec<Message> = bench.end.arrivals().iter().map(|arrival| arrival.message).collect();
    arrived.sort_by_key(|message| (message.to, message.from));
    assert_eq!(arrived, [sent[0], sent[1], sent[3], sent[2]]);
    for arrival in bench.end.arrivals() {
        assert_eq!(bench.end.body(arrival), Some(&bench.template[HEADER_BYTES..]));
        assert_eq!(arrival.bytes as usize, bench.template.len());
    }
    assert_eq!(bench.end.counts().kernel_datagrams, 4);
}

#[test]
fn a_socket_with_more_than_its_turn_is_read_to_its_end_without_a_new_event() {
    let mut bench = Bench::<Udp>::new(None);
    let many = vec![message(0, 1); 3 * RECEIVE_SLOTS];
    assert_eq!(bench.end.send(MessageBatch::bare(&many)).unwrap(), many.len());
    assert_eq!(bench.receive_all().len(), many.len());
}

fn every_kind_of_stray_is_told_apart<F: SocketFamily>() {
    let mut bench = Bench::<F>::new(None);
    let version = bench.datagram(|bytes| bytes[0] = 99);
    let token = bench.datagram(|bytes| bytes[16] ^= 1);
    let sender = bench.datagram(|bytes| bytes[8] = NODES as u8);
    let misdirected = bench.datagram(|bytes| bytes[4] = 2);
    let kind = bench.datagram(|bytes| bytes[1] = 7);
    let cut = bench.datagram(|bytes| bytes.truncate(HEADER_BYTES - 1));
    let long = bench.datagram(|bytes| bytes.resize(DATAGRAM_BYTES_MAX + 1, 0));
    let forged = bench.datagram(|_| {});
    for (datagram, stray) in [
        (version, Stray::BadVersion),
        (token, Stray::WrongToken),
        (sender, Stray::UnknownNode),
        (misdirected, Stray::UnknownNode),
        (kind, Stray::Malformed),
        (cut, Stray::Truncated),
        (long, Stray::Oversized),
        (forged, Stray::WrongSource),
        (Vec::new(), Stray::Truncated),
    ] {
        assert_eq!(bench.stray_of(&datagram), stray);
    }
}

fn a_drain_counts_unreceived_messages_and_strays_apart<F: SocketFamily>() {
    let mut bench = Bench::<F>::new(None);
    bench.end.send(MessageBatch::bare(&[message(0, 1); 10])).unwrap();
    bench.send_as_stranger(b"hello");
    bench.end.drain().unwrap();
    assert_eq!((bench.end.counts().drained, bench.end.counts().strays.total()), (10, 1));
}

#[cfg(all(target_os = "linux", not(portable)))]
#[test]
fn a_full_receive_buffer_shows_as_kernel_drops() {
    let mut bench = Bench::<Udp>::new(Some(1));
    let many = vec![message(0, 1); 500];
    assert_eq!(bench.end.send(MessageBatch::bare(&many)).unwrap(), 500);
    let received = bench.receive_all().len() as u64;
    bench.end.count_drops().unwrap();
    let dropped = bench.end.counts().kernel_dropped.unwrap();
    assert!(dropped > 0);
    assert_eq!(received + dropped, 500);
}

fn a_sleeping_end_is_woken<F: SocketFamily>() {
    let mut bench = Bench::<F>::new(None);
    let waker = bench.end.waker();
    let far = bench.end.now() + Nanos::from_secs(3_600);
    std::thread::spawn(move || waker.wake());
    bench.end.receive(Wait::Until(far)).unwrap();
    assert!(bench.end.arrivals().is_empty());
}
