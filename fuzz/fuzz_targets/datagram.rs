//! Any bytes as a datagram: they give a value or an error, and a value can be sent on and reads back the same.
//!
//! `cargo +nightly fuzz run datagram`

#![no_main]

use bulk_order_propagation::order::Order;
use bulk_order_propagation::wire::{self, DATAGRAM_BYTES_MAX, Gate};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok((header, body)) = wire::decode_header(bytes) else { return Corpus::Keep };
    let gate = Gate { token: header.token, nodes: u32::MAX, orders: u32::MAX };
    if let Ok((message, admitted)) = gate.admit(bytes, |_| true) {
        assert_eq!((message, admitted), (header.message, body));
    }
    let Ok(view) = wire::decode_order(body) else { return Corpus::Keep };
    let order = Order::new(view).expect("a decoded payload is short enough");
    let mut again = [0; DATAGRAM_BYTES_MAX];
    let length = wire::encode(&header, &order.view(), &mut again).expect("a decoded order fits one datagram");
    assert!(length <= bytes.len());
    let (header_again, body_again) = wire::decode_header(&again[..length]).expect("our own header");
    assert_eq!((header_again, wire::decode_order(body_again)), (header, Ok(view)));
    Corpus::Keep
});
