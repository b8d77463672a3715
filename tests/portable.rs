//! Tests the calls that every system has, on Linux, in a build that leaves out Linux's own: the integration tests of
//! the carriers, and what such a build refuses. Tests that fill a socket's buffer are left out, because only Linux says
//! how many datagrams it dropped. Run by `BULKPROP_PORTABLE=1 cargo test --no-default-features --test
//! portable`; the whole test suite under that setting is `just portable`.

#[path = "it/agreement.rs"]
mod agreement;
#[path = "it/bulk.rs"]
mod bulk;
#[path = "it/real_sockets.rs"]
mod real_sockets;
#[path = "it/repeats.rs"]
mod repeats;
#[path = "it/support.rs"]
mod support;

use bulk_order_propagation::scenario::{Choice, Draft, TransportKind};

/// The message with which a draft is refused.
fn refusal(draft: Draft) -> String {
    draft.build().unwrap_err().to_string()
}

#[test]
fn this_build_has_no_calls_of_linux() {
    let carriers: Vec<&str> = support::carriers().map(Choice::name).collect();
    assert!(!carriers.contains(&"unix"), "set BULKPROP_PORTABLE=1, or this tests what the other tests do");
}

#[test]
fn what_needs_them_is_refused_in_words() {
    for (draft, option) in [
        (Draft { processes: Some(2), ..Draft::default() }, "--processes 2: "),
        (Draft { transport: Some(TransportKind::Unix), ..Draft::default() }, "--transport unix: "),
    ] {
        let said = refusal(draft);
        assert!(said.starts_with(option) && said.contains("another system, or a portable build"), "{said}");
    }
}
