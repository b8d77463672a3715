//! Nodes learn of the failures of their peers after `--detect`, once for each change and pair, in either engine and on
//! any number of threads; without the flag nobody is told.

use crate::command::{bulkprop, output};
use crate::support::{scenario, to_quiescence};
use bulk_order_propagation::ids::{NodeId, OrderIndex};
use bulk_order_propagation::message::Message;
use bulk_order_propagation::network::{Faults, Latency, Network};
use bulk_order_propagation::protocol::{Context, Protocol, ProtocolState, ShardView};
use bulk_order_propagation::record::{End, RunRecord};
use bulk_order_propagation::scenario::{Draft, TransportKind};
use bulk_order_propagation::simulation::run_protocol;
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::time::Nanos;

/// Counts what each node learns of its peers until a time.
struct Watcher {
    until: Nanos,
    warm_up: Nanos,
    /// The earliest and the latest time of a discovery.
    discoveries: [Nanos; 2],
}

struct WatcherState {
    watcher: [Nanos; 3],
    waiting: u64,
    /// By link: what was learned last.
    is_up: Vec<bool>,
}

const DOWN: u8 = 0;
const UP: u8 = 1;
/// The sum of the times of all discoveries in microseconds, and of the numbers of their peers.
const SUM: u8 = 2;

impl Protocol for Watcher {
    type State = WatcherState;
    type Tail = ();

    const NEEDS_PEERS: bool = true;
    const STARTS: bool = true;
    const WATCHES_PEERS: bool = true;
    const TALLIES: &'static [&'static str] = &["down", "up", "sum"];

    fn warm_up(&self) -> Nanos {
        self.warm_up
    }

    fn for_shard(&self, view: &ShardView<'_>) -> WatcherState {
        let watcher = [self.until, self.discoveries[0], self.discoveries[1]];
        WatcherState { watcher, waiting: view.size() as u64, is_up: vec![true; view.links()] }
    }
}

impl ProtocolState for WatcherState {
    fn start<C: Context>(&mut self, context: &mut C) {
        context.wake_at(self.watcher[0], 7);
    }

    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, _: u8) {
        context.deliver(order);
    }

    fn handle_message<C: Context>(&mut self, _: &mut C, _: &Message, _: &[u64]) {}

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        assert_eq!((token, context.now()), (7, self.watcher[0]), "a timer is no discovery");
        self.waiting -= 1;
    }

    fn handle_peer<C: Context>(&mut self, context: &mut C, peer: NodeId, is_up: bool) {
        let [until, least, greatest] = self.watcher;
        // An idle node does nothing of its own accord that counts.
        if context.now() > until {
            return;
        }
        assert!((least..=greatest).contains(&context.now()), "{}", context.now());
        let known = &mut self.is_up[context.link_of(peer).expect("only of peers") as usize];
        assert_ne!(std::mem::replace(known, is_up), is_up, "each change once, and in its order");
        context.tally(if is_up { UP } else { DOWN }, 1);
        context.tally(SUM, context.now().0 / 1_000 + u64::from(peer.0));
    }

    fn awaited(&self) -> u64 {
        self.waiting
    }
}

fn draft(faults: &str, threads: u32) -> Draft {
    let faults = Draft::from_toml(faults).unwrap();
    Draft {
        transport: Some(TransportKind::Simulated),
        topology: Some("random-regular".parse().unwrap()),
        peers: Some(6),
        nodes: Some(300),
        ..to_quiescence(300, threads, 7)
    }
    .or(faults)
}

fn counts(draft: &Draft, watcher: Watcher) -> ([u64; 3], RunRecord) {
    let record = run_protocol(&scenario(draft.clone()), watcher, &Interrupt::new()).unwrap();
    assert_eq!(record.end, End::Quiescent);
    ([0, 1, 2].map(|tally| record.tallies[tally].1), record)
}

/// The faults of a draft.
fn faults(draft: &Draft) -> Faults {
    let scenario = scenario(draft.clone());
    let network = Network::new(7, Latency::Constant(Nanos(1)));
    let spec = &scenario.failures.faults;
    Faults::new(spec, 7, 300, &network, |_| 6, Some(NodeId(0)), &Interrupt::new()).unwrap()
}

#[test]
fn each_failure_is_learned_of_once_by_each_peer() {
    let text = "down = '30%,at=1s'\n detect = '2s..8s'";
    let watcher = |warm_up: Nanos| {
        let since = |time: u64| warm_up + Nanos::from_secs(time);
        Watcher { until: since(10), warm_up, discoveries: [since(3), since(9)] }
    };
    for warm_up in [Nanos::ZERO, Nanos::from_secs(3)] {
        let failed = (0..300).map(NodeId).filter(|&node| faults(&draft(text, 1)).fails_at(node) < Nanos::MAX).count();
        let (one, _) = counts(&draft(text, 1), watcher(warm_up));
        assert_eq!(one[..2], [6 * failed as u64, 0], "every peer of a failed node learns of it");
        for threads in [2, 3] {
            assert_eq!(counts(&draft(text, threads), watcher(warm_up)).0, one, "{threads} threads");
        }
        let unmodelled = Draft { latency: Some("0".parse().unwrap()), ..draft(text, 2) };
        assert_eq!(counts(&unmodelled, watcher(warm_up)).0, one, "one event after another");
    }
    assert_eq!(counts(&draft("down = '30%,at=1s'", 2), watcher(Nanos::ZERO)).0, [0; 3], "nobody is told");
}

#[test]
fn nodes_that_come_and_go_are_learned_of_in_their_order() {
    let text = "churn = 'up=2s,down=1s'\n detect = '0s..3s'";
    let watcher =
        || Watcher { until: Nanos::from_secs(20), warm_up: Nanos::ZERO, discoveries: [Nanos::ZERO, Nanos::MAX] };
    let (one, _) = counts(&draft(text, 1), watcher());
    let absent = (0..300).filter(|&node| !faults(&draft(text, 1)).is_up(NodeId(node), Nanos::ZERO)).count() as u64;
    assert!(one[0] > 6 * absent && one[1] > 6 * absent && one[0].abs_diff(one[1]) < 6 * 300, "{one:?}");
    for threads in [2, 3] {
        assert_eq!(counts(&draft(text, threads), watcher()).0, one, "{threads} threads");
    }
    let unmodelled = Draft { latency: Some("0".parse().unwrap()), ..draft(text, 2) };
    assert_eq!(counts(&unmodelled, watcher()).0, one, "one event after another");
}

#[test]
fn on_a_real_carrier_no_node_fails_and_none_is_detected() {
    let line = "--transport memory --nodes 10 --down 10% --detect 2s";
    let (code, _, stderr) = output(&mut bulkprop(line.split(' ')));
    assert_eq!(code, Some(2), "{stderr}");
}
