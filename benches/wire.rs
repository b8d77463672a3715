//! Cost of a datagram: encoded once per order, patched per copy, its header decoded per copy, its order once per node.
//!
//! Each figure has its floor in the same run: copying as many bytes. The header's rival is postcard on a structure of
//! fixed-width fields, which gives the same bytes.

use bulk_order_propagation::ids::{NodeId, OrderIndex};
use bulk_order_propagation::message::{Kind, Message};
use bulk_order_propagation::order::Order;
use bulk_order_propagation::wire::{self, Admission, DATAGRAM_BYTES_MAX, HEADER_BYTES, Header, Token};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};
use std::hint::black_box;

/// Payload bytes: none, some, and the most that fits the datagram of a generated order.
const PAYLOADS_BYTES: [usize; 3] = [0, 256, 1_399];

const HEADER: Header = Header {
    token: Token(0x1122_3344_5566_7788),
    message: Message {
        to: NodeId(17),
        from: NodeId(4),
        order: OrderIndex(0),
        ttl: 4,
        hop: 2,
        kind: Kind::PAYLOAD,
        tail: 0,
    },
};

/// A datagram in a buffer, and its length.
fn datagram(payload_bytes: usize) -> ([u8; DATAGRAM_BYTES_MAX], usize) {
    let order = Order::generate(42, OrderIndex(0), payload_bytes).expect("the payload fits");
    let mut buffer = [0; DATAGRAM_BYTES_MAX];
    let bytes = wire::encode(&HEADER, &order.view(), &mut buffer).expect("the order fits");
    (buffer, bytes)
}

fn whole(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire/datagram");
    for payload_bytes in PAYLOADS_BYTES {
        let order = Order::generate(42, OrderIndex(0), payload_bytes).expect("the payload fits");
        let (source, bytes) = datagram(payload_bytes);
        let mut into = [0; DATAGRAM_BYTES_MAX];
        group.bench_function(BenchmarkId::new("encode", payload_bytes), |bencher| {
            bencher.iter(|| wire::encode(black_box(&HEADER), &black_box(&order).view(), black_box(&mut into)));
        });
        group.bench_function(BenchmarkId::new("decode", payload_bytes), |bencher| {
            bencher.iter(|| {
                let (header, body) = wire::decode_header(black_box(&source[..bytes]))?;
                wire::decode_order(body).map(|order| black_box((header, order)))
            });
        });
        group.bench_function(BenchmarkId::new("floor_copy", payload_bytes), |bencher| {
            bencher.iter(|| black_box(&mut into)[..bytes].copy_from_slice(black_box(&source[..bytes])));
        });
    }
}

fn order(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire/order");
    for payload_bytes in PAYLOADS_BYTES {
        let (source, bytes) = datagram(payload_bytes);
        group.bench_function(BenchmarkId::new("decode", payload_bytes), |bencher| {
            bencher.iter(|| wire::decode_order(black_box(&source[HEADER_BYTES..bytes])));
        });
    }
}

fn header(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire/header");
    let (source, bytes) = datagram(0);
    let mut into = [0; HEADER_BYTES];
    let admission = Admission { token: HEADER.token, nodes: 1_000, orders: 1 };
    group.bench_function("encode", |bencher| {
        bencher.iter(|| wire::encode_header(black_box(&HEADER), black_box(&mut into)));
    });
    group.bench_function("patch", |bencher| {
        bencher.iter(|| wire::patch(black_box(&mut into), black_box(&HEADER.message)));
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| wire::decode_header(black_box(&source[..bytes])));
    });
    group.bench_function("admit", |bencher| {
        bencher.iter(|| black_box(&admission).admit(black_box(&source[..bytes]), |node| node == black_box(NodeId(17))));
    });
    group.bench_function("floor_copy", |bencher| {
        bencher.iter(|| *black_box(&mut into) = *black_box(&source).first_chunk().expect("the header is there"));
    });
    rival(&mut group, &source[..bytes]);
}

/// The header as a structure that postcard encodes.
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

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn rival(group: &mut Group<'_>, source: &[u8]) {
    let header: PostcardHeader = postcard::from_bytes(source).expect("the layouts agree");
    let mut into = [0; HEADER_BYTES];
    group.bench_function("rival_postcard_encode", |bencher| {
        bencher.iter(|| postcard::to_slice(black_box(&header), black_box(&mut into)).map(|bytes| bytes.len()));
    });
    group.bench_function("rival_postcard_decode", |bencher| {
        bencher.iter(|| postcard::take_from_bytes::<PostcardHeader>(black_box(source)));
    });
}

criterion_group!(benches, whole, order, header);
criterion_main!(benches);
