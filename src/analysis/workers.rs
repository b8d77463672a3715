//! The counts of each worker, under the names that the report uses.

use crate::record::{CarrierCounts, Missing, ModelCounts, WorkerRecord};
use crate::wire::StrayCounts;
use serde::Serialize;

/// One worker's counts, as described at [`WorkerRecord`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the record has them, under the same names but for the model's")]
pub struct WorkerFigures {
    pub nodes: u32,
    pub core: Option<usize>,
    pub sent: u64,
    pub received: u64,
    pub control_sent: u64,
    pub control_bytes: u64,
    pub control_received: u64,
    pub duplicates: u64,
    pub reached: u64,
    pub expired: u64,
    pub expired_behind_max: u32,
    pub expired_first: Option<u64>,
    pub published: u64,
    pub spared: u64,
    pub queued_unsent: u64,
    pub batches: u64,
    pub turns: u64,
    pub sleeps: u64,
    pub model_lost: u64,
    pub model_dropped: u64,
    pub uplink_dropped: u64,
    pub model_duplicated: u64,
    pub held: u64,
    pub kernel_datagrams: u64,
    pub kernel_dropped: Option<u64>,
    pub missing: Option<Missing>,
    pub drained: u64,
    pub strays: StrayCounts,
    pub send_blocked: u64,
    pub send_calls: u64,
    pub receive_calls: u64,
}

impl From<&WorkerRecord> for WorkerFigures {
    fn from(record: &WorkerRecord) -> WorkerFigures {
        // Without `..`, so that a new count is shown or left out on purpose.
        let &WorkerRecord {
            nodes,
            core,
            sent,
            received,
            control_sent,
            control_bytes,
            control_received,
            upkeep: _, // Shown for the whole run, as the tally is.
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
            carrier:
                CarrierCounts {
                    kernel_datagrams,
                    kernel_dropped,
                    missing,
                    drained,
                    strays,
                    send_blocked,
                    send_calls,
                    receive_calls,
                },
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
            kernel_datagrams,
            kernel_dropped,
            missing,
            drained,
            strays,
            send_blocked,
            send_calls,
            receive_calls,
        }
    }
}
