//! Tests the messages about orders that their nodes have: counted without a call for each if a protocol ignores them,
//! they leave the same figures as messages that are handled one by one.

use crate::support::{real_carriers, scenario, to_quiescence};
use bulk_order_propagation::ids::OrderIndex;
use bulk_order_propagation::message::Message;
use bulk_order_propagation::protocol::{Context, Protocol, ProtocolState, Push, ShardView};
use bulk_order_propagation::record::{Receipt, RunRecord, WorkerRecord};
use bulk_order_propagation::scenario::{Draft, PayloadBytes, TransportKind};
use bulk_order_propagation::simulation::run_protocol;
use bulk_order_propagation::sync::Interrupt;

/// Push, which says nothing of repeats, so that each is handled.
#[derive(Clone, Copy)]
struct EachHandled;

impl Protocol for EachHandled {
    type State = EachHandled;
    type Tail = ();

    fn for_shard(&self, _: &ShardView<'_>) -> EachHandled {
        EachHandled
    }
}

impl ProtocolState for EachHandled {
    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        Push.publish(context, order, ttl);
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        Push.handle_message(context, message, tail);
    }
}

const _: () = assert!(Push::IGNORES_REPEATS && !EachHandled::IGNORES_REPEATS);

fn run(draft: &Draft, protocol: impl Protocol) -> RunRecord {
    let record = run_protocol(&scenario(draft.clone()), protocol, &Interrupt::new()).unwrap();
    assert!(record.ledger.is_balanced() && record.ledger.unaccounted() == 0, "{:?}", record.ledger);
    record
}

/// A sum over all workers.
fn sum(record: &RunRecord, count: fn(&WorkerRecord) -> u64) -> u64 {
    record.workers.iter().map(count).sum()
}

/// What does not depend on the times at which messages arrive, if all arrive.
fn counts(record: &RunRecord) -> impl PartialEq + std::fmt::Debug + use<> {
    let of_workers = [
        sum(record, |worker| worker.received),
        sum(record, |worker| worker.duplicates),
        sum(record, |worker| worker.reached),
        sum(record, |worker| worker.expired),
    ];
    let received: Option<Vec<u64>> =
        record.bulk.as_ref().map(|bulk| bulk.orders.iter().map(|order| order.received).collect());
    (record.reached(), of_workers, received, record.traffic.clone())
}

#[test]
fn repeats_count_alike_on_every_carrier() {
    for transport in real_carriers() {
        for (orders, threads) in [(1, 1), (1, 3), (40, 2)] {
            let draft = Draft {
                transport: Some(transport),
                orders: Some(orders),
                rate: (orders > 1).then(|| "10k/s".parse().unwrap()),
                payload_bytes: (orders > 1).then(|| PayloadBytes::new(0, 90).unwrap()),
                ..to_quiescence(300, threads, 11)
            };
            let (ignored, handled) = (run(&draft, Push), run(&draft, EachHandled));
            assert_eq!(counts(&ignored), counts(&handled), "{transport:?} {orders} {threads}");
            assert!(sum(&ignored, |worker| worker.duplicates) > 300, "{transport:?}");
        }
    }
}

/// On one thread rings deliver in one sequence, so that all but times is the same; in the large shard memory is
/// requested ahead.
#[test]
fn repeats_change_no_receipt() {
    for nodes in [400, 25_000] {
        let draft = Draft { transport: Some(TransportKind::Memory), ..to_quiescence(nodes, 1, 3) };
        let (ignored, handled) = (run(&draft, Push), run(&draft, EachHandled));
        assert_eq!(counts(&ignored), counts(&handled), "{nodes}");
        let without_times = |record: &RunRecord| -> Vec<_> {
            record.receipts.iter().map(|Receipt { sender, hop, .. }| (sender, hop)).collect()
        };
        assert_eq!(without_times(&ignored), without_times(&handled), "{nodes}");
    }
}
