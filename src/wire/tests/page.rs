//! Tests that the examples of `docs/WIRE.md` are the bytes that this room writes.

use super::*;

/// The bytes of each example: lines of two-digit numbers, indented by four.
fn examples() -> Vec<Vec<u8>> {
    let page = include_str!("../../../docs/WIRE.md");
    let is_example = |line: &&str| line.starts_with("    ");
    let lines: Vec<&str> = page.lines().collect();
    let blocks =
        lines.chunk_by(|one, other| is_example(one) == is_example(other)).filter(|block| is_example(&block[0]));
    let byte = |number: &str| u8::from_str_radix(number, 16).unwrap();
    blocks.map(|block| block.iter().flat_map(|line| line.split_whitespace().map(byte)).collect()).collect()
}

#[test]
fn the_pages_examples_are_the_bytes_written() {
    let [order, control, part, trailer] = examples().try_into().expect("four examples");
    assert_eq!(order, encoded(&example_header(), &example_order(&[0xAA, 0xBB])));

    let token = example_header().token;
    let message = Message { kind: Kind::HAVE, ttl: 0, hop: 1, tail: 1, ..admitted().message };
    let mut bytes = [0xEE; control_bytes(1)];
    encode_control(&Header { token, message }, &[7], &mut bytes);
    assert_eq!(control, bytes);

    let message = Message { kind: Kind(64), ttl: 0, hop: 1, tail: 1, ..admitted().message };
    let mut bytes = [0xEE; part_bytes(4) as usize];
    encode_part(&Header { token, message }, &[33 | 2 << 8 | 5 << 32], &[0xAB; 4], &mut bytes);
    assert_eq!(part, bytes);

    let written = TrainTrailer { from: 1, to: 2, messages: 300, charge: 42_352 };
    assert_eq!(trailer, written.bytes(token));
}

#[test]
fn the_pages_limits_are_those_of_the_code() {
    let page = include_str!("../../../docs/WIRE.md");
    let grouped = |bytes: usize| format!("{},{:03}", bytes / 1_000, bytes % 1_000);
    let fields = DATAGRAM_ORDER_BYTES_MAX - DATAGRAM_PAYLOAD_BYTES_MAX;
    for said in [
        format!("at most {} bytes, Ethernet's", grouped(DATAGRAM_BYTES_MAX)),
        format!("The limit of the payload, {} bytes", grouped(DATAGRAM_PAYLOAD_BYTES_MAX)),
        format!("{} - {HEADER_BYTES} - {fields}.", grouped(DATAGRAM_BYTES_MAX)),
        format!("0 to {TAIL_WORDS_MAX} words"),
        format!("equally long: {} bytes without a\npayload", HEADER_BYTES + GENERATED_BYTES + 1),
    ] {
        assert!(page.contains(&said), "{said}");
    }
    for stray in Stray::ALL {
        assert!(page.contains(&format!("`{}`", stray.name())), "{}", stray.name());
    }
}
