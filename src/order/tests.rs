//! Orders at their limits: symbols, payloads, and generation from a seed.

use super::*;

#[test]
fn a_generated_order_is_pinned() {
    let order = Order::generate(42, OrderIndex(0), 4).unwrap();
    let said = format!("{} {order} {:02x?}", order.id, order.payload());
    assert_eq!(said, "0x32b0075db89cf6a2 buy 13761 DOT-USDT at 99263 [2d, 4c, 7e, 78]");
}

#[test]
fn index_and_seed_both_matter() {
    let order = |seed, index| Order::generate(seed, OrderIndex(index), 16).unwrap();
    assert_eq!(order(1, 2), order(1, 2));
    assert_ne!(order(1, 2).id, order(1, 3).id);
    assert_ne!(order(1, 2).id, order(2, 2).id);
    assert_ne!(order(1, 2).payload(), order(1, 3).payload());
}

#[test]
fn a_longer_payload_changes_nothing_else() {
    let short = Order::generate(9, OrderIndex(5), 3).unwrap();
    let long = Order::generate(9, OrderIndex(5), 1_000).unwrap();
    assert_eq!(short.view().payload, &long.payload()[..3]);
    assert_eq!(OrderRef { payload: &[], ..short.view() }, OrderRef { payload: &[], ..long.view() });
}

#[test]
fn a_payload_past_the_limit_is_refused() {
    assert!(Order::generate(1, OrderIndex(0), PAYLOAD_BYTES_MAX).is_ok());
    let refused = Order::generate(1, OrderIndex(0), PAYLOAD_BYTES_MAX + 1).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a payload of 16777217 bytes is too long: an order carries at most 16777216; attach fewer bytes, or their \
         digest"
    );
    let order = Order::generate(1, OrderIndex(0), 0).unwrap();
    let payload = vec![0; PAYLOAD_BYTES_MAX + 1];
    let view = OrderRef { payload: &payload, ..order.view() };
    assert_eq!(Order::new(view), Err(PayloadTooLong { asked_bytes: PAYLOAD_BYTES_MAX + 1 }));
    assert_eq!(Order::new(order.view()), Ok(order));
}

#[test]
fn symbols_are_one_to_eight_printable_characters() {
    for text in ["A", "BTC-USDT", "7", "a/b"] {
        assert_eq!(text.parse::<Symbol>().unwrap().to_string(), text);
    }
    for text in ["", "NINECHARS", "A B", "é", "A\0", "\0A", "tab\t"] {
        assert!(text.parse::<Symbol>().is_err(), "{text:?}");
    }
    assert_eq!(Symbol::from_bytes(*b"AB\0\0\0\0\0C"), None);
    assert_eq!(Symbol::from_bytes([0; 8]), None);
    assert_eq!(Symbol::from_bytes([0xC3; 8]), None);
}

#[test]
fn varint_lengths_agree_with_postcard() {
    let mut buffer = [0; 10];
    for value in (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit]).chain([u64::MAX]) {
        assert_eq!(varint_bytes(value), postcard::to_slice(&value, &mut buffer).unwrap().len(), "{value}");
    }
}
