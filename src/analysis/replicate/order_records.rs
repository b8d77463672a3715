//! The orders of a run as records, that of a run with one order made from its counts.

use super::share;
use crate::ids::NodeId;
use crate::record::{OrderOutcome, OrderRecord, Receipts, RunRecord, WorkerRecord};
use crate::time::Nanos;
use crate::wire::message_bytes;

/// Returns each order of a run.
pub(super) fn orders_of(record: &RunRecord) -> Vec<OrderRecord> {
    if let Some(bulk) = &record.bulk {
        return bulk.orders.clone();
    }
    let origin = match &record.receipts {
        Receipts::ByHop(by_hop) => by_hop.origin,
        receipts => {
            let origin = receipts.iter().position(|receipt| receipt.is_reached() && receipt.hop == 0);
            NodeId(origin.unwrap_or(0) as u32)
        }
    };
    let counted = record.counted_receipts();
    let last = counted.iter().filter(|receipt| receipt.is_reached()).map(|receipt| receipt.time).max();
    let of_payload = |worker: &WorkerRecord| worker.received.saturating_sub(worker.control_received);
    let at = |parts| record.time_to(share(parts, 100));
    vec![OrderRecord {
        origin,
        due: Nanos::ZERO,
        published_late: Some(Nanos::ZERO),
        payload_bytes: payload_of_only(record),
        counted: record.counted(),
        reached: record.reached(),
        sent: record.payload_messages(),
        received: record.workers.iter().map(of_payload).sum(),
        time_to: [at(50), at(95), at(99), record.time_to(record.target)],
        time_to_end: last,
        outcome: record.order_outcome().unwrap_or(OrderOutcome::NotPublished),
    }]
}

/// Returns the bytes of payload of the only order of a run, all of whose payload messages have the same size.
fn payload_of_only(record: &RunRecord) -> u32 {
    // Some carriers have no datagrams.
    let sent: u64 = record.traffic.iter().map(|traffic| traffic.bytes_out).sum();
    let others = record.control_bytes() + record.upkeep().bytes + record.parts().bytes;
    let of_payload = sent.saturating_sub(others);
    let size = match record.traffic.is_empty() {
        true => record.datagram_bytes,
        false => of_payload.checked_div(record.payload_messages()).map_or(0, |bytes| bytes as u32),
    };
    // The header grows by some bytes with the length of the payload.
    let most = size.saturating_sub(message_bytes(0));
    let header_growth = message_bytes(most).saturating_sub(size);
    (most.saturating_sub(header_growth)..=most).find(|&bytes| message_bytes(bytes) == size).unwrap_or(most)
}
