//! The counts of each worker, under the names that the report uses.

use crate::record::{CarrierCounts, Missing, ModelCounts, WorkerRecord};
use crate::wire::StrayCounts;
use serde::Serialize;

/// One worker's counts, as `docs/REPORT.md` describes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WorkerFigures {
    /// Nodes of its shard.
    pub nodes: u32,
    /// The core that it was pinned to; `None` where it was not pinned.
    pub core: Option<usize>,
    /// Messages accepted by its carrier; where the network is modelled, messages that entered the model.
    pub sent: u64,
    /// Messages of this run received before the stop.
    pub received: u64,
    /// Messages sent that carry no whole order: control messages, upkeep and parts included.
    pub control_sent: u64,
    /// Bytes of the control messages sent, as UDP payload.
    pub control_bytes: u64,
    /// Messages received that carry no whole order, upkeep and parts included.
    pub control_received: u64,
    /// Received messages whose node had the order already.
    pub duplicates: u64,
    /// First receipts of this worker's nodes, those of origins included; with many orders the sum over all.
    pub reached: u64,
    /// Received messages whose order was older than its node's window.
    pub expired: u64,
    /// Greatest number of orders by which an expired one lay behind the newest that its node had seen; 0 if none
    /// expired.
    pub expired_behind_max: u32,
    /// Orders that expired at nodes that never had them, counted once per node: deliveries that the window prevented.
    /// `None` on real carriers, which do not remember orders that have left the window.
    pub expired_first: Option<u64>,
    /// Orders published by this worker's nodes.
    pub published: u64,
    /// Copies not sent because of `--exclude-sender`.
    pub spared: u64,
    /// Messages unsent at the stop: the fan-out of every forward still queued; in virtual time messages that had not
    /// left their node's uplink, or had left it only in part.
    pub queued_unsent: u64,
    /// Receive batches that brought at least one message.
    pub batches: u64,
    /// Iterations of the loop.
    pub turns: u64,
    /// Times that it slept in the kernel because it had nothing to do.
    pub sleeps: u64,
    /// Messages lost by the model.
    pub model_lost: u64,
    /// Messages dropped because the downlink of their receiver had no room.
    pub model_dropped: u64,
    /// Messages dropped because the uplink of their sender had no room: never sent, and outside the sum.
    pub uplink_dropped: u64,
    /// Second copies made by the model.
    pub model_duplicated: u64,
    /// Messages held back at the stop in front of a real carrier: not yet due, or not yet sent by the carrier.
    pub held: u64,
    /// Datagrams handed to the kernel; 0 for carriers that use none.
    pub kernel_datagrams: u64,
    /// Datagrams of this run dropped by the kernel, strays included if there were any; `None` where the platform has no
    /// such counter. A train that crosses the kernel whole counts as one.
    pub kernel_dropped: Option<u64>,
    /// Messages missing by the sequence numbers of the trains; `None` where messages are not numbered.
    pub missing: Option<Missing>,
    /// Messages of this run found in the sockets after every worker had stopped.
    pub drained: u64,
    /// Datagrams that do not belong to this run, by kind.
    pub strays: StrayCounts,
    /// Times that the kernel had no room for a datagram, which then waited.
    pub send_blocked: u64,
    /// System calls that sent.
    pub send_calls: u64,
    /// System calls that received.
    pub receive_calls: u64,
}

impl From<&WorkerRecord> for WorkerFigures {
    // Without `..`, so that a new count is shown or left out on purpose.
    fn from(record: &WorkerRecord) -> WorkerFigures {
        let &WorkerRecord {
            nodes,
            core,
            sent,
            received,
            control_sent,
            control_bytes,
            control_received,
            sent_by_kind: _,
            upkeep: _, // Shown for the whole run, as parts and the tally are.
            parts: _,
            tally: _,
            duplicates,
            reached,
            expired,
            expired_behind_max,
            expired_first,
            published,
            spared,
            queued_unsent,
            batches,
            turns,
            sleeps,
            model: ModelCounts { lost, dropped, uplink_dropped, duplicated, held },
            ref carrier,
        } = record;
        WorkerFigures {
            nodes,
            core,
            sent,
            received,
            control_sent,
            control_bytes,
            control_received,
            duplicates,
            reached,
            expired,
            expired_behind_max,
            expired_first,
            published,
            spared,
            queued_unsent,
            batches,
            turns,
            sleeps,
            model_lost: lost,
            model_dropped: dropped,
            uplink_dropped,
            model_duplicated: duplicated,
            held,
            ..WorkerFigures::of_carrier(carrier)
        }
    }
}

impl WorkerFigures {
    /// Shows the counts of a carrier; the others are 0.
    fn of_carrier(carrier: &CarrierCounts) -> WorkerFigures {
        let &CarrierCounts {
            kernel_datagrams,
            kernel_dropped,
            missing,
            drained,
            strays,
            send_blocked,
            send_calls,
            receive_calls,
        } = carrier;
        WorkerFigures {
            kernel_datagrams,
            kernel_dropped,
            missing,
            drained,
            strays,
            send_blocked,
            send_calls,
            receive_calls,
            ..WorkerFigures::default()
        }
    }
}
