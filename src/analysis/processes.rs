//! The figures of each process of a run: the sums of its workers' counts.

use crate::record::{ProcessRecord, RunRecord, WorkerRecord};
use serde::Serialize;

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ProcessFigures {
    /// Process id in the operating system.
    pub pid: u32,
    /// Number of its workers, which follow those of the processes before it.
    pub workers: u64,
    /// Nodes of these workers.
    pub nodes: u64,
    /// Nodes of these workers that have the order.
    pub reached: u64,
    /// Messages that their carriers accepted.
    pub sent: u64,
    /// Messages that they received before the stop.
    pub received: u64,
    /// Messages that waited unsent at the stop.
    pub queued_unsent: u64,
    /// Datagrams to their nodes that the kernel dropped; `None` where it does not count.
    pub kernel_dropped: Option<u64>,
}

impl ProcessFigures {
    /// Computes the figures of a run's processes, in the sequence of their workers.
    pub(crate) fn all(record: &RunRecord) -> Vec<ProcessFigures> {
        let mut rest = record.workers.as_slice();
        let of = |process: &ProcessRecord| {
            let (own, others) = rest.split_at(rest.len().min(process.workers as usize));
            rest = others;
            ProcessFigures::of(process.pid, own)
        };
        record.processes.iter().map(of).collect()
    }

    fn of(pid: u32, workers: &[WorkerRecord]) -> ProcessFigures {
        let sum = |count: fn(&WorkerRecord) -> u64| workers.iter().map(count).sum();
        ProcessFigures {
            pid,
            workers: workers.len() as u64,
            nodes: sum(|worker| worker.nodes.into()),
            reached: sum(|worker| worker.reached),
            sent: sum(|worker| worker.sent),
            received: sum(|worker| worker.received),
            queued_unsent: sum(|worker| worker.queued_unsent),
            kernel_dropped: workers.iter().map(|worker| worker.carrier.kernel_dropped).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::analysis::fixtures;
    use crate::record::ProcessRecord;

    #[test]
    fn processes_have_the_sums_of_their_workers_in_order() {
        let mut record = fixtures::thousand_nodes_record();
        record.processes = [11, 12].map(|pid| ProcessRecord { pid, workers: 1 }).into();
        record.workers[1].carrier.kernel_dropped = None;
        let [first, second] = super::ProcessFigures::all(&record).try_into().unwrap();
        assert_eq!((first.pid, first.workers, first.nodes, first.kernel_dropped), (11, 1, 500, Some(0)));
        assert_eq!((second.pid, second.queued_unsent, second.kernel_dropped), (12, 432, None));
        assert_eq!(first.sent + second.sent, record.ledger.sent);
        assert_eq!(first.reached + second.reached, record.reached());
    }
}
