//! Builds and searches poll for an interrupt often enough, counted by the work between two polls.

use super::*;
use crate::sync::{Interrupt, Interrupted};
use std::io::Write;

#[test]
fn builds_and_searches_stop_when_interrupted() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    (1..20_000).for_each(|node| writeln!(file, "{} {node}", node / 2).unwrap());
    let file = format!("file:{}", file.path().display());
    // A poll precedes each unit of work, strip or bucket of rows; `looks` is a lower bound on the number of polls.
    for (text, nodes, peers, looks) in [
        ("erdos-renyi", 20_000, 20, 3),
        ("random-regular", 20_000, 20, 300),
        // The complement of a sparse one.
        ("random-regular", 400, 390, 40),
        ("watts-strogatz", 20_000, 20, 300),
        ("barabasi-albert", 20_000, 20, 150),
        ("ring", 20_000, 0, 30),
        ("grid", 20_000, 0, 30),
        ("star", 20_000, 0, 30),
        (file.as_str(), 20_000, 0, 500),
    ] {
        let spec: TopologySpec = text.parse().unwrap();
        let whole = spec.build(nodes, peers, 1).unwrap();
        for look in [1, looks / 2, looks] {
            let built = spec.build_unless(nodes, peers, 1, &Interrupt::after(look));
            assert!(matches!(built, Err(TopologyError::Interrupted(Interrupted))), "{text}: {look} of {looks}");
        }
        assert_eq!(spec.build_unless(nodes, peers, 1, &Interrupt::after(u64::MAX)).unwrap(), whole);
        for look in [1, u64::from(nodes) / (1 << 10)].into_iter().filter(|&look| look > 0) {
            assert_eq!(reach_unless(&whole, NodeId(0), &Interrupt::after(look)), Err(Interrupted), "{text}: {look}");
        }
        assert_eq!(reach_unless(&whole, NodeId(0), &Interrupt::new()), Ok(reach(&whole, NodeId(0))));
    }
}
