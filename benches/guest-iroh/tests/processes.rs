//! The program as a user runs it: in several processes, and with the verdict as its exit code.

use std::process::{Command, Output};

fn guest_iroh(words: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bulk-order-propagation-guest-iroh")).args(words.split(' ')).output().unwrap()
}

/// iroh-gossip has hash tables with a seed of their own in every process; none of them decides anything.
#[test]
fn digests_are_equal_in_two_processes() {
    let digests = |words: &str| {
        let output = guest_iroh(words);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let first = digests("--digest 7 100");
    assert_eq!(first.lines().count(), 2, "{first}");
    assert_eq!(first, digests("--digest 7 100"));
    assert_eq!(first, digests("--digest 7 --threads 2 100"));
    assert_ne!(first, digests("--digest 8 100"));
}

#[test]
fn a_hundred_nodes_are_accounted_for() {
    let output = guest_iroh("100");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("equivalent") && !text.contains("DIFFERS"), "{text}");
}

#[test]
fn bad_input_is_refused() {
    for (words, remedy) in [
        ("--runs 1", "at least 2 runs"),
        ("--runs many", "write a whole number"),
        ("--senders two", "one or random"),
        ("--peers 5", "there are --runs"),
        ("--settle never", "write 120s"),
        ("--settle", "a value must follow"),
        ("--latency uniform:10ms..100ms", "write link:uniform:10ms..100ms"),
        ("--latency link:uniform:10ms..100ms+exponential:5ms", "overtake"),
        ("ten", "write a whole number"),
    ] {
        let output = guest_iroh(words);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && text.contains(remedy), "{words}: {text}");
    }
}
