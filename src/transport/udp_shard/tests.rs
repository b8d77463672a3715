//! Tests workers' ends on real sockets: trains sent and received, whole and apart, strays rejected, losses counted.

mod forged;

use super::*;
use crate::message::{Kind, OrderHop};
use crate::order::Order;
use crate::scenario::SocketOwner;
use crate::sync::Arena;
use crate::transport::sockets::{Quota, bind};
use crate::wire::{self, DATAGRAM_BYTES_MAX, HEADER_BYTES, Header, Stray, Token as RunToken, control_bytes};

const TOKEN: RunToken = RunToken(0x0123_4567_89AB_CDEF);
const NODES: u32 = 10;
const FAR: Nanos = Nanos::from_secs(3_600);

/// Two shards of five nodes each.
struct Bench {
    ends: Vec<Box<dyn Transport>>,
    network: Arc<UdpShardNetwork>,
    /// Duplicates of the ends' sockets, for forging their addresses.
    sockets: Vec<std::net::UdpSocket>,
}

impl Bench {
    fn new(segmentation: Segmentation, receive_buffer: Option<u32>) -> Bench {
        let bound = bind(
            Quota { owner: SocketOwner::Thread, asked: 2, count: 2, threads: 2, process: 0, processes: 1 },
            receive_buffer,
            &crate::sync::Interrupt::new(),
        )
        .unwrap();
        // Orders of one run may differ in length.
        let templates = [template(0, 0), template(1, 100), template(2, 0)].into();
        let network = Arc::new(UdpShardNetwork {
            addresses: bound.addresses.iter().copied().collect(),
            shards: ShardMap::new(NODES, 2),
            templates,
            parts: None,
            admission: Admission { token: TOKEN, nodes: NODES, orders: 3 },
            clock: Clock::start(),
            channels: ChannelCredit::new(&mut Arena::heap(), 2),
            segmentation,
            // Credit is computed from the default buffer, so that a smaller one overflows.
            receive_buffer: 212_992,
            control_bytes_max: Some(DATAGRAM_BYTES_MAX),
        });
        let sockets = bound.sockets.iter().map(|socket| socket.try_clone().unwrap()).collect();
        let ends = bound.sockets.into_iter().enumerate().map(|(shard, socket)| {
            Box::new(UdpShardBuilder { network: Arc::clone(&network), shard, socket }).build().unwrap()
        });
        Bench { ends: ends.collect(), network, sockets }
    }

    /// Sends from shard 0 and flushes what gathered.
    fn send(&mut self, messages: &[Message]) -> usize {
        let taken = self.ends[0].send(MessageBatch::bare(messages)).unwrap();
        self.ends[0].receive(Wait::No).unwrap();
        assert_eq!(self.ends[0].arrivals().len(), 0, "these tests send to the other shard");
        taken
    }

    /// Receives at shard 1 until nothing more arrives.
    fn receive_all(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            self.ends[1].receive(Wait::No).unwrap();
            if self.ends[1].arrivals().is_empty() {
                return messages;
            }
            messages.extend(self.ends[1].arrivals().iter().map(|arrival| arrival.message));
        }
    }

    /// Messages and packets that shard 1 finds missing, and packets that the kernel dropped there.
    fn missing(&mut self) -> (u64, u64, Option<u64>) {
        self.ends[1].count_drops().unwrap();
        let counts = self.ends[1].counts();
        let missing = counts.missing.unwrap();
        (missing.messages, missing.packets, counts.kernel_dropped)
    }
}

fn template(index: u32, payload_bytes: usize) -> Box<[u8]> {
    let index = OrderIndex(index);
    let order = Order::generate(1, index, payload_bytes).unwrap();
    let mut datagram = [0; DATAGRAM_BYTES_MAX];
    let message = OrderHop { order: index, ttl: 0, hop: 1 }.copy(NodeId(0), NodeId(0));
    let bytes = wire::encode(&Header { token: TOKEN, message }, &order.view(), &mut datagram).unwrap();
    datagram[..bytes].into()
}

fn message(order: u32, from: u32, to: u32) -> Message {
    OrderHop { order: OrderIndex(order), ttl: 5, hop: 1 }.copy(NodeId(from), NodeId(to))
}

/// Creates `count` messages from shard 0 to shard 1, told apart by their nodes.
fn many(count: u32) -> Vec<Message> {
    (0..count).map(|i| message(0, i % 5, 5 + i / 5 % 5)).collect()
}

/// Both modes, if the kernel supports both.
fn modes() -> Vec<Segmentation> {
    let mut modes = vec![Segmentation::Apart];
    modes.extend(Some(Segmentation::probe()).filter(|&segmentation| segmentation != Segmentation::Apart));
    modes
}

#[test]
fn control_messages_and_orders_share_a_channel_in_any_sequence() {
    for segmentation in modes() {
        let mut bench = Bench::new(segmentation, None);
        let (have, want, payload) = (Kind::HAVE, Kind::WANT, Kind::PAYLOAD);
        let kinds = [payload, have, want, payload, payload, have, payload, want, want, have, payload, payload];
        let sent = kinds.map(|kind| Message { kind, ..message(0, 1, 6) });
        for _ in 0..3 {
            assert_eq!(bench.send(&sent), sent.len());
            let mut came = Vec::new();
            while came.len() < sent.len() {
                bench.ends[1].receive(Wait::Until(FAR)).unwrap();
                let order = Some(&bench.network.templates[0][HEADER_BYTES..]);
                let arrivals = bench.ends[1].arrivals();
                let orders = arrivals.iter().filter(|arrival| arrival.message.kind == payload);
                assert!(orders.clone().all(|arrival| bench.ends[1].body(arrival) == order), "{segmentation:?}");
                came.extend(arrivals.iter().map(|arrival| arrival.message));
            }
            // Orders and control messages have different lengths; each keep their own sequence.
            let ordered = |messages: &[Message]| {
                let (control, orders): (Vec<Message>, Vec<_>) = messages.iter().partition(|one| one.kind.is_control());
                [control, orders]
            };
            assert_eq!(ordered(&came), ordered(&sent), "{segmentation:?}");
        }
        // Two trains each time, which carried twelve messages and two trailers.
        assert_eq!(
            bench.ends[0].counts().kernel_datagrams,
            3 * (segmentation.packets(6) + segmentation.packets(8)),
            "{segmentation:?}"
        );
        assert_eq!(bench.missing().0, 0, "{segmentation:?}");
    }
}

#[test]
fn tails_of_any_length_cross_whole_in_either_mode() {
    for segmentation in modes() {
        let mut bench = Bench::new(segmentation, None);
        let lengths = [0, 1, 179, 3, 3, 178, 0, 2];
        let sent = lengths.map(|tail| Message { kind: Kind::HAVE, tail, ..message(0, 1, 6) });
        let words: Vec<u64> = (1..=lengths.iter().map(|&length| u64::from(length)).sum()).collect();
        assert_eq!(
            bench.ends[0].send(MessageBatch { messages: &sent, tails: &words }).unwrap(),
            sent.len(),
            "{segmentation:?}"
        );
        bench.ends[0].receive(Wait::No).unwrap();
        let mut came: Vec<Vec<u64>> = Vec::new();
        while came.len() < sent.len() {
            bench.ends[1].receive(Wait::Until(FAR)).unwrap();
            let mut tails = bench.ends[1].tails();
            for arrival in bench.ends[1].arrivals() {
                let tail = arrival.message.cut(&mut tails);
                assert_eq!((arrival.bytes as usize, arrival.message.kind), (control_bytes(tail.len()), Kind::HAVE));
                came.push(tail.to_vec());
            }
            assert!(tails.is_empty());
        }
        let mut expected: Vec<Vec<u64>> =
            MessageBatch { messages: &sent, tails: &words }.iter().map(|(_, tail)| tail.to_vec()).collect();
        came.sort_unstable();
        expected.sort_unstable();
        assert_eq!(came, expected, "{segmentation:?}");
        assert_eq!(bench.missing().0, 0, "{segmentation:?}");
    }
}

#[test]
fn a_train_arrives_as_it_left_in_either_mode() {
    for segmentation in modes() {
        let mut bench = Bench::new(segmentation, None);
        let sent = many(20);
        assert_eq!(bench.send(&sent), 20);
        bench.ends[1].receive(Wait::No).unwrap();
        let arrivals = bench.ends[1].arrivals().to_vec();
        assert_eq!(arrivals.iter().map(|arrival| arrival.message).collect::<Vec<_>>(), sent, "{segmentation:?}");
        for arrival in arrivals {
            assert_eq!(bench.ends[1].body(&arrival), Some(&bench.network.templates[0][HEADER_BYTES..]));
            assert_eq!(arrival.bytes as usize, bench.network.templates[0].len());
            assert!(bench.ends[1].is_own_encoding(&arrival));
            // Order 2 is encoded in as many bytes, which differ.
            let other = Arrival { message: Message { order: OrderIndex(2), ..arrival.message }, ..arrival };
            assert!(!bench.ends[1].is_own_encoding(&other));
        }
        assert_eq!(bench.ends[0].counts().kernel_datagrams, segmentation.packets(21));
        assert_eq!(bench.missing().0, 0);
    }
}

#[test]
fn orders_of_different_lengths_take_different_trains() {
    for segmentation in modes() {
        let mut bench = Bench::new(segmentation, None);
        let sent = [message(0, 0, 5), message(0, 1, 6), message(1, 1, 7), message(0, 2, 8)];
        bench.send(&sent);
        assert_eq!(bench.receive_all(), [sent[0], sent[1], sent[3], sent[2]], "each length keeps its order");
        assert_eq!(bench.ends[0].counts().send_calls, 2, "a train for each");
    }
}

#[test]
fn orders_of_one_length_share_trains_and_keep_their_bytes() {
    let mut bench = Bench::new(Segmentation::probe(), None);
    // The third order's datagram is as long as the first one's.
    for orders in [[0, 2, 2, 0], [2, 2, 2, 2], [0, 0, 2, 0], [0, 0, 0, 0]] {
        let sent: Vec<Message> = orders.iter().zip(5..).map(|(&order, to)| message(order, to - 5, to)).collect();
        bench.send(&sent);
        bench.ends[1].receive(Wait::No).unwrap();
        let arrivals = bench.ends[1].arrivals();
        assert_eq!(arrivals.iter().map(|arrival| arrival.message).collect::<Vec<_>>(), sent);
        for arrival in arrivals {
            let template = &bench.network.templates[arrival.message.order.index()];
            assert_eq!(bench.ends[1].body(arrival), Some(&template[HEADER_BYTES..]), "{orders:?}");
        }
    }
}

#[test]
fn messages_to_the_own_shard_come_back_through_the_socket() {
    let mut bench = Bench::new(Segmentation::probe(), None);
    let own = [message(0, 0, 1), message(0, 1, 0)];
    bench.ends[0].send(MessageBatch::bare(&own)).unwrap();
    bench.ends[0].receive(Wait::No).unwrap();
    bench.ends[0].receive(Wait::No).unwrap();
    assert_eq!(bench.ends[0].arrivals().iter().map(|arrival| arrival.message).collect::<Vec<_>>(), own);
}

#[test]
fn a_sender_without_credit_holds_back_and_nothing_is_dropped() {
    for segmentation in modes() {
        let mut bench = Bench::new(segmentation, None);
        let messages = many(20_000);
        let (mut taken, mut received) = (0, Vec::new());
        while received.len() < messages.len() {
            taken += bench.send(&messages[taken..]);
            assert!(taken < messages.len() || !received.is_empty(), "an unread socket takes no 20,000 messages");
            received.extend(bench.receive_all());
        }
        assert_eq!(received, messages);
        assert!(bench.ends[0].counts().send_blocked > 0);
        let (messages, packets, dropped) = bench.missing();
        assert_eq!((messages, packets, dropped.unwrap_or(0)), (0, 0, 0), "{segmentation:?}");
    }
}

#[test]
fn messages_taken_and_not_sent_are_known() {
    let mut bench = Bench::new(Segmentation::probe(), None);
    let messages = many(20_000);
    let taken = bench.send(&messages);
    let received = bench.receive_all();
    let unsent = bench.ends[0].unsent();
    assert!(!unsent.is_empty() && !received.is_empty());
    assert_eq!([received, unsent].concat(), messages[..taken]);
}

#[cfg(all(target_os = "linux", not(portable)))]
#[test]
fn lost_trains_are_counted_exactly_and_the_sender_continues() {
    for segmentation in modes() {
        let mut bench = Bench::new(segmentation, Some(1_152));
        let messages = many(3_000);
        let (mut taken, mut received) = (0, 0);
        let silence = bench.network.clock.now() + Nanos::from_secs(10);
        while (taken < messages.len() || !bench.ends[0].unsent().is_empty()) && bench.network.clock.now() < silence {
            taken += bench.send(&messages[taken..]);
            received += bench.receive_all().len();
        }
        assert_eq!(taken, messages.len(), "credit of dropped trains comes back");
        let (missing, packets, dropped) = bench.missing();
        assert!(missing > 0);
        assert_eq!(received as u64 + missing, messages.len() as u64, "{segmentation:?}");
        assert_eq!(Some(packets), dropped, "{segmentation:?}");
        assert_eq!(bench.ends[1].counts().lost(), missing);
    }
}

#[test]
fn strays_among_trains_are_told_apart_and_have_no_effect() {
    for segmentation in modes() {
        let mut bench = Bench::new(segmentation, None);
        let sent = many(50);
        bench.send(&sent[..20]);
        let stranger = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut datagram = bench.network.templates[0].to_vec();
        datagram[4] = 5;
        let changed = |change: fn(&mut Vec<u8>)| {
            let mut datagram = datagram.clone();
            change(&mut datagram);
            datagram
        };
        let trailer = wire::TrainTrailer { from: 0, to: 1, messages: 1_000, charge: 1 };
        let strays = [
            (changed(|bytes| bytes[0] = 99), Stray::BadVersion),
            (changed(|bytes| bytes[16] ^= 1), Stray::WrongToken),
            (changed(|bytes| bytes[4] = 1), Stray::UnknownNode),
            (changed(|bytes| bytes[8] = NODES as u8), Stray::UnknownNode),
            (changed(|bytes| bytes.truncate(HEADER_BYTES - 1)), Stray::Truncated),
            (changed(|bytes| bytes.resize(DATAGRAM_BYTES_MAX + 1, 0)), Stray::Oversized),
            (changed(|bytes| bytes[12] = 9), Stray::Malformed),
            (changed(|_| {}), Stray::WrongSource),
            (trailer.bytes(TOKEN).to_vec(), Stray::WrongSource),
            (trailer.bytes(RunToken(0)).to_vec(), Stray::WrongToken),
            (Vec::new(), Stray::Truncated),
        ];
        for (datagram, _) in &strays {
            stranger.send_to(datagram, bench.network.addresses[1]).unwrap();
        }
        bench.send(&sent[20..]);
        assert_eq!(bench.receive_all(), sent);
        for stray in Stray::ALL {
            let expected = strays.iter().filter(|(_, kind)| *kind == stray).count() as u64;
            assert_eq!(bench.ends[1].counts().strays.of(stray), expected, "{stray:?}");
        }
        assert_eq!(bench.missing().0, 0);
    }
}

/// The number sent depends on the credit, which single datagrams use up sooner than trains. A drain finds all that was
/// sent.
#[test]
fn a_drain_counts_unreceived_messages() {
    for segmentation in modes() {
        let mut bench = Bench::new(segmentation, None);
        let taken = bench.send(&many(300));
        let left = (taken - bench.ends[0].unsent().len()) as u64;
        assert!(left > 50, "{segmentation:?}: the credit is for more than {left}");
        bench.ends[1].drain().unwrap();
        assert_eq!(bench.ends[1].counts().drained, left, "{segmentation:?}");
        assert!(bench.ends[1].arrivals().is_empty());
        assert_eq!(bench.missing().0, 0, "{segmentation:?}");
        // The drain returned the credit, so the rest is sent and found by the next drain.
        let mut taken = taken;
        while taken < 300 || !bench.ends[0].unsent().is_empty() {
            taken += bench.send(&many(300)[taken..]);
            bench.ends[1].drain().unwrap();
        }
        assert_eq!(bench.ends[1].counts().drained, 300, "{segmentation:?}");
    }
}

#[test]
fn a_sleeping_end_is_woken_by_a_train_and_by_its_waker() {
    let mut bench = Bench::new(Segmentation::probe(), None);
    bench.send(&many(1));
    bench.ends[1].receive(Wait::Until(FAR)).unwrap();
    assert_eq!(bench.ends[1].arrivals().len(), 1);
    let waker = bench.ends[1].waker();
    std::thread::spawn(move || waker.wake());
    bench.ends[1].receive(Wait::Until(FAR)).unwrap();
    assert!(bench.ends[1].arrivals().is_empty());
}
