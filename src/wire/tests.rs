//! Tests the datagram against its pinned bytes, against postcard's own encoding, and against arbitrary bytes.

mod page;

use super::*;
use crate::order::{DATAGRAM_PAYLOAD_BYTES_MAX, GENERATED_BYTES, Order, OrderId, Side, Symbol, generated_bytes};
use crate::time::Nanos;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// The header as a structure that postcard encodes itself.
#[derive(Serialize, Deserialize)]
struct PostcardHeader {
    version: u8,
    kind: u8,
    ttl: u8,
    hop: u8,
    #[serde(with = "postcard::fixint::le")]
    to: u32,
    #[serde(with = "postcard::fixint::le")]
    from: u32,
    #[serde(with = "postcard::fixint::le")]
    order: u32,
    #[serde(with = "postcard::fixint::le")]
    token: u64,
}

const ADMISSION: Admission = Admission { token: Token(7), nodes: 10, orders: 2 };

fn example_header() -> Header {
    let message = Message {
        to: NodeId(0x0102_0304),
        from: NodeId(5),
        order: OrderIndex(6),
        ttl: 4,
        hop: 2,
        kind: Kind::PAYLOAD,
        tail: 0,
    };
    Header { token: Token(0x1122_3344_5566_7788), message }
}

fn example_order(payload: &[u8]) -> OrderRef<'_> {
    OrderRef {
        id: OrderId(300),
        symbol: "BTC-USD".parse().unwrap(),
        side: Side::Sell,
        price_ticks: -2,
        quantity: 5,
        published_at: Nanos(0x0A0B),
        payload,
    }
}

fn encoded(header: &Header, order: &OrderRef<'_>) -> Vec<u8> {
    let mut buffer = [0xEE; DATAGRAM_BYTES_MAX];
    let bytes = encode(header, order, &mut buffer).unwrap();
    buffer[..bytes].to_vec()
}

/// A message to node 3 from node 1 that [`ADMISSION`] admits.
fn admitted() -> Header {
    let message = Message { to: NodeId(3), from: NodeId(1), order: OrderIndex(1), ..example_header().message };
    Header { token: ADMISSION.token, message }
}

fn any_header() -> impl Strategy<Value = Header> {
    let fields = (any::<u64>(), any::<[u32; 3]>(), (1u8..).prop_flat_map(|hop| (0..=TTL_MAX - hop, Just(hop))));
    fields.prop_map(|(token, [to, from, order], (ttl, hop))| {
        let (to, from, order) = (NodeId(to), NodeId(from), OrderIndex(order));
        Header { token: Token(token), message: Message { to, from, order, ttl, hop, kind: Kind::PAYLOAD, tail: 0 } }
    })
}

prop_compose! {
    fn any_order()(
        (id, price_ticks, quantity, at) in any::<(u64, i64, u64, u64)>(),
        symbol in "[!-~]{1,8}",
        sell in any::<bool>(),
        payload in proptest::collection::vec(any::<u8>(), 0..=DATAGRAM_PAYLOAD_BYTES_MAX),
    ) -> Order {
        let (id, published_at) = (OrderId(id), Nanos(at));
        let symbol: Symbol = symbol.parse().unwrap();
        let side = if sell { Side::Sell } else { Side::Buy };
        Order::new(OrderRef { id, symbol, side, price_ticks, quantity, published_at, payload: &payload }).unwrap()
    }
}

/// Runs every decoder: each must return, with a value or an error, and must not panic.
fn decode_all(bytes: &[u8]) -> Result<(Header, Order), WireError> {
    let _ = ADMISSION.admit(bytes, |_| true);
    let _ = decode_order(bytes);
    let (header, body) = decode_header(bytes)?;
    Ok((header, Order::new(decode_order(body)?).expect("a decoded payload fits")))
}

#[test]
fn the_bytes_are_pinned() {
    let expected = [
        &[1, 0, 4, 2][..],                                 // version, kind, TTL, hop
        &[0x04, 0x03, 0x02, 0x01],                         // destination
        &[5, 0, 0, 0],                                     // sender
        &[6, 0, 0, 0],                                     // order index
        &[0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11], // token
        &[0xAC, 0x02],                                     // id 300
        b"BTC-USD\0",                                      // symbol
        &[1],                                              // sell
        &[3],                                              // price -2, zigzag
        &[5],                                              // quantity
        &[0x0B, 0x0A, 0, 0, 0, 0, 0, 0],                   // published
        &[2, 0xAA, 0xBB],                                  // payload
    ];
    assert_eq!(encoded(&example_header(), &example_order(&[0xAA, 0xBB])), expected.concat());
}

#[test]
fn a_control_message_is_a_header_zeros_and_its_tail() {
    for (kind, number) in [(Kind::HAVE, 2), (Kind::WANT, 3), (Kind(9), 9), (Kind(255), 255)] {
        for words in [&[][..], &[7, u64::MAX - 1]] {
            let message = Message { kind, tail: words.len() as u8, ..admitted().message };
            let mut bytes = vec![0xEE; control_bytes(words.len())];
            assert_eq!(encode_control(&Header { message, ..admitted() }, words, &mut bytes), bytes.len());
            assert_eq!((bytes[KIND_AT], &bytes[HEADER_BYTES..CONTROL_BYTES]), (number, &[0; 16][..]));
            let (back, body) = ADMISSION.admit(&bytes, |_| true).unwrap();
            assert_eq!((back, tail(kind, body).collect::<Vec<_>>()), (message, words.to_vec()));
            assert_eq!(ADMISSION.admit(&bytes[..bytes.len() - 1], |_| true), Err(Stray::Malformed), "one byte short");
            assert_eq!(ADMISSION.admit(&[&bytes[..], &[0]].concat(), |_| true), Err(Stray::Malformed), "one too many");
            bytes[CONTROL_BYTES - 1] = 1;
            assert_eq!(ADMISSION.admit(&bytes, |_| true), Err(Stray::Malformed), "a zero that is not zero");
        }
    }
}

#[test]
fn a_part_is_a_header_its_name_and_its_body() {
    let message = Message { kind: Kind(64), tail: 1, ..admitted().message };
    let (name, body) = ([0x0102_0304_0506_0708], [0xAB; 20]);
    let mut bytes = vec![0xEE; part_bytes(20) as usize];
    assert_eq!(encode_part(&Header { message, ..admitted() }, &name, &body, &mut bytes), bytes.len());
    assert_eq!((bytes[KIND_AT], &bytes[HEADER_BYTES..PART_HEADER_BYTES]), (64, &[8, 7, 6, 5, 4, 3, 2, 1][..]));
    let (back, behind) = ADMISSION.admit(&bytes, |_| true).unwrap();
    assert_eq!((back, tail(message.kind, behind).collect::<Vec<_>>()), (message, name.to_vec()));
    assert_eq!(behind[WORD_BYTES..], body);
    assert_eq!(ADMISSION.admit(&bytes[..PART_HEADER_BYTES], |_| true).map(|admitted| admitted.0), Ok(message));
    assert_eq!(ADMISSION.admit(&bytes[..PART_HEADER_BYTES - 1], |_| true), Err(Stray::Truncated));
    let mut short = [0; PART_HEADER_BYTES + 3];
    assert_eq!(encode_part(&Header { message, ..admitted() }, &name, &body, &mut short), bytes.len());
    assert_eq!(short, bytes[..short.len()]);
    assert_eq!(part_bytes(1_440) as usize, DATAGRAM_BYTES_MAX);
}

#[test]
fn the_longest_tail_fills_one_datagram() {
    let message = Message { kind: Kind::HAVE, tail: TAIL_WORDS_MAX as u8, ..admitted().message };
    let mut bytes = [0; DATAGRAM_BYTES_MAX];
    let length = encode_control(&Header { message, ..admitted() }, &[u64::MAX; TAIL_WORDS_MAX], &mut bytes);
    assert_eq!(length, DATAGRAM_BYTES_MAX);
    assert_eq!(ADMISSION.admit(&bytes, |_| true).map(|admitted| admitted.0), Ok(message));
}

#[test]
fn the_longest_order_fills_one_datagram() {
    let payload = [0xFF; DATAGRAM_PAYLOAD_BYTES_MAX];
    let (id, published_at) = (OrderId(u64::MAX), Nanos(u64::MAX));
    let order = OrderRef { id, price_ticks: i64::MIN, quantity: u64::MAX, published_at, ..example_order(&payload) };
    let datagram = encoded(&example_header(), &order);
    assert_eq!(datagram.len(), DATAGRAM_BYTES_MAX);
    assert_eq!(decode_order(&datagram[HEADER_BYTES..]), Ok(order));

    let longer = [0; DATAGRAM_PAYLOAD_BYTES_MAX + 1];
    let no_room = encode(&example_header(), &OrderRef { payload: &longer, ..order }, &mut [0; 2_000]).unwrap_err();
    assert_eq!(no_room, NoRoom { room_bytes: 2_000, payload_bytes: DATAGRAM_PAYLOAD_BYTES_MAX + 1 });
}

#[test]
fn a_buffer_that_is_too_short_is_an_error() {
    let order = example_order(&[1, 2, 3]);
    let bytes = encoded(&example_header(), &order).len();
    for room_bytes in 0..bytes {
        let refused = encode(&example_header(), &order, &mut vec![0; room_bytes]);
        assert_eq!(refused, Err(NoRoom { room_bytes, payload_bytes: 3 }));
    }
    assert_eq!(encode(&example_header(), &order, &mut vec![0; bytes]), Ok(bytes));
}

#[test]
fn generated_orders_of_one_run_are_equally_long() {
    for (payload_bytes, length_bytes) in [(0, 1), (127, 1), (128, 2), (DATAGRAM_PAYLOAD_BYTES_MAX, 2)] {
        for index in 0..200 {
            let mut order = Order::generate(3, OrderIndex(index), payload_bytes).unwrap();
            order.published_at = Nanos(u64::from(index).pow(4));
            let datagram = encoded(&example_header(), &order.view());
            assert_eq!(datagram.len(), HEADER_BYTES + GENERATED_BYTES + length_bytes + payload_bytes);
        }
    }
}

#[test]
fn an_order_that_no_datagram_holds_has_one_header_and_the_length_counted_for_it() {
    // The varint of the length grows at 2^7, 2^14 and 2^21.
    let edges = [7, 14, 21].map(|bits| [(1 << bits) - 1, 1 << bits]).into_iter().flatten();
    for payload_bytes in edges.chain([0, DATAGRAM_PAYLOAD_BYTES_MAX, DATAGRAM_PAYLOAD_BYTES_MAX + 1, 16 << 20]) {
        let order = Order::generate(3, OrderIndex(1), payload_bytes).unwrap();
        let mut message = vec![0xEE; HEADER_BYTES + generated_bytes(payload_bytes)];
        assert_eq!(encode_unbounded(&example_header(), &order.view(), &mut message), Ok(message.len()));
        assert_eq!(decode_order_unbounded(&message[HEADER_BYTES..]), Ok(order.view()));
        let is_too_long = encode(&example_header(), &order.view(), &mut message).is_err();
        assert_eq!(is_too_long, payload_bytes > DATAGRAM_PAYLOAD_BYTES_MAX, "{payload_bytes}");
        message.pop();
        let no_room = NoRoom { room_bytes: message.len(), payload_bytes };
        assert_eq!(encode_unbounded(&example_header(), &order.view(), &mut message), Err(no_room));
    }
}

#[test]
fn each_cut_of_a_datagram_is_an_error() {
    let datagram = encoded(&example_header(), &example_order(b"payload"));
    for bytes in 0..datagram.len() {
        let expected = match bytes.checked_sub(HEADER_BYTES) {
            None => WireError::HeaderCut { bytes },
            Some(bytes) => WireError::OrderCut { bytes },
        };
        assert_eq!(decode_all(&datagram[..bytes]), Err(expected));
        assert_eq!(Stray::from(expected), Stray::Truncated);
    }
}

#[test]
fn bytes_after_an_order_are_an_error() {
    let mut datagram = encoded(&example_header(), &example_order(b"payload"));
    datagram.push(0);
    assert_eq!(decode_all(&datagram), Err(WireError::TrailingBytes { bytes: 1 }));
    datagram.resize(DATAGRAM_BYTES_MAX, 0);
    assert!(matches!(decode_all(&datagram), Err(WireError::TrailingBytes { .. })));
    datagram.push(0);
    assert_eq!(decode_all(&datagram), Err(WireError::Oversized { bytes: RECEIVE_BYTES }));
}

#[test]
fn a_payload_too_long_to_forward_is_an_error() {
    let mut order = example_order(&[]);
    order.id = OrderId(0);
    let mut body = [0; DATAGRAM_ORDER_BYTES_MAX];
    let encoded = encoded(&example_header(), &order);
    let length_at = encoded.len() - HEADER_BYTES - 1;
    body[..length_at].copy_from_slice(&encoded[HEADER_BYTES..][..length_at]);
    for (payload_bytes, fits) in [(DATAGRAM_PAYLOAD_BYTES_MAX, true), (DATAGRAM_PAYLOAD_BYTES_MAX + 1, false)] {
        postcard::to_slice(&payload_bytes, &mut body[length_at..]).unwrap();
        let decoded = decode_order(&body[..length_at + 2 + payload_bytes]);
        assert_eq!(
            decoded.map(|order| order.payload.len()),
            if fits { Ok(payload_bytes) } else { Err(WireError::BadOrder) }
        );
    }
}

#[test]
fn each_changed_byte_decodes_or_errs() {
    let datagram = encoded(&admitted(), &example_order(b"payload"));
    for at in 0..datagram.len() {
        for byte in 0..=255 {
            let mut changed = datagram.clone();
            changed[at] = byte;
            if let Ok((header, order)) = decode_all(&changed) {
                let again = encoded(&header, &order.view());
                assert!(again.len() <= changed.len(), "byte {at} = {byte}");
                assert_eq!(decode_all(&again), Ok((header, order)));
            }
        }
    }
}

#[test]
fn impossible_fields_are_errors() {
    let (header, order) = (admitted(), example_order(b""));
    let bytes = encoded(&header, &order).len();
    let cases: [(usize, u8, WireError, Stray); 8] = [
        (VERSION_AT, 2, WireError::BadVersion { found: 2 }, Stray::BadVersion),
        (KIND_AT, 1, WireError::BadKind { found: 1 }, Stray::Malformed),
        (KIND_AT, 2, WireError::BadControl { bytes }, Stray::Malformed),
        (HOP_AT, 0, WireError::BadHops { ttl: 4, hop: 0 }, Stray::Malformed),
        (HOP_AT, 252, WireError::BadHops { ttl: 4, hop: 252 }, Stray::Malformed),
        (TTL_AT, 254, WireError::BadHops { ttl: 254, hop: 2 }, Stray::Malformed),
        (HEADER_BYTES + 2, b' ', WireError::BadOrder, Stray::Malformed),
        (HEADER_BYTES + 10, 2, WireError::BadOrder, Stray::Malformed),
    ];
    for (at, byte, error, stray) in cases {
        let mut datagram = encoded(&header, &order);
        datagram[at] = byte;
        assert_eq!(decode_all(&datagram), Err(error));
        assert_eq!(Stray::from(error), stray);
    }
}

#[test]
fn admission_tells_kinds_apart() {
    let with = |change: fn(&mut Header)| {
        let mut header = admitted();
        change(&mut header);
        let datagram = encoded(&header, &example_order(b"x"));
        ADMISSION.admit(&datagram, |node| node == NodeId(3)).map(|(message, body)| (message, body.len()))
    };
    assert_eq!(with(|_| ()), Ok((admitted().message, 23)));
    assert_eq!(with(|header| header.token.0 += 1), Err(Stray::WrongToken));
    assert_eq!(with(|header| header.message.from.0 = 10), Err(Stray::UnknownNode));
    assert_eq!(with(|header| header.message.to.0 = 10), Err(Stray::UnknownNode));
    assert_eq!(with(|header| header.message.to.0 = 4), Err(Stray::UnknownNode));
    assert_eq!(with(|header| header.message.order.0 = 2), Err(Stray::Malformed));
    assert_eq!(with(|header| header.message.hop = 0), Err(Stray::Malformed));
    assert_eq!(ADMISSION.admit(&[], |_| true), Err(Stray::Truncated));
    assert_eq!(ADMISSION.admit(&[0; HEADER_BYTES], |_| true), Err(Stray::BadVersion));
    assert_eq!(ADMISSION.admit(&[0; RECEIVE_BYTES], |_| true), Err(Stray::Oversized));
}

#[test]
fn counts_are_written_by_name() {
    let mut counts = StrayCounts::default();
    for (times, stray) in Stray::ALL.into_iter().enumerate() {
        assert_eq!(stray.index(), times);
        (0..times).for_each(|_| counts.add(stray));
    }
    counts.merge(&counts.clone());
    assert_eq!((counts.of(Stray::Malformed), counts.total()), (12, 72));
    assert_eq!(
        serde_json::to_string(&counts).unwrap(),
        concat!(
            r#"{"bad_version":0,"wrong_token":2,"unknown_node":4,"wrong_source":6,"truncated":8,"#,
            r#""oversized":10,"malformed":12,"forged":14,"replayed":16}"#
        )
    );
}

proptest! {
    #[test]
    fn a_datagram_reads_back(header in any_header(), order in any_order()) {
        prop_assert_eq!(decode_all(&encoded(&header, &order.view())), Ok((header, order)));
    }

    #[test]
    fn the_header_equals_postcards_encoding(header in any_header()) {
        let Header { token, message } = header;
        let kind = [Kind::PAYLOAD, Kind::HAVE, Kind::WANT][token.0 as usize % 3];
        let header = Header { message: Message { kind, ..message }, token };
        let twin = PostcardHeader {
            version: VERSION,
            kind: kind.0,
            ttl: message.ttl,
            hop: message.hop,
            to: message.to.0,
            from: message.from.0,
            order: message.order.0,
            token: token.0,
        };
        let (mut ours, mut postcards) = ([0; HEADER_BYTES], [0; HEADER_BYTES]);
        encode_header(&header, &mut ours);
        prop_assert_eq!(postcard::to_slice(&twin, &mut postcards).unwrap().len(), HEADER_BYTES);
        prop_assert_eq!(ours, postcards);
    }

    #[test]
    fn a_patched_copy_equals_a_new_encoding(first in any_header(), copy in any_header(), order in any_order()) {
        let message = Message { order: first.message.order, kind: first.message.kind, ..copy.message };
        let mut datagram = encoded(&first, &order.view());
        patch(datagram.first_chunk_mut().unwrap(), &message);
        prop_assert_eq!(datagram, encoded(&Header { token: first.token, message }, &order.view()));
    }

    #[test]
    fn any_bytes_give_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..1_600)) {
        let _ = decode_all(&bytes);
    }

    #[test]
    fn any_body_after_a_good_header_gives_a_value_or_an_error(body in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut datagram = vec![0; HEADER_BYTES];
        encode_header(&admitted(), datagram.first_chunk_mut().unwrap());
        datagram.extend(&body);
        let _ = decode_all(&datagram);
    }
}
