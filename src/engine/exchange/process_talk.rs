//! Bytes of any length, in parcels, between the first shards of all processes when their meetings are over.

use super::ExchangeBroken;
use super::cluster_member::ClusterMember;
use super::connections::{ShardChannel, ShardConnections};
use super::packet::Parcel;
use std::collections::VecDeque;

/// The bytes of a parcel, without its head.
const PARCEL_BYTES: usize = 1 << 19;

/// One shard's end of the channel for parcels.
pub(super) struct ProcessTalk {
    parcels: ShardChannel<Parcel>,
    /// By process, what it has told this one.
    told: Vec<ToldBytes>,
}

/// Bytes from one process, in the order in which it sent them: a process may be ahead.
#[derive(Default)]
struct ToldBytes {
    whole: VecDeque<Vec<u8>>,
    /// The parts so far of the next.
    begun: Vec<u8>,
}

impl ProcessTalk {
    pub(super) fn new(parcels: ShardChannel<Parcel>, processes: usize) -> ProcessTalk {
        ProcessTalk { parcels, told: (0..processes).map(|_| ToldBytes::default()).collect() }
    }

    /// Tells process 0 something; returns there what every process has told it, by process, and elsewhere nothing. The
    /// first shards of all processes call this together, after their last meeting.
    pub(super) fn collect(
        &mut self,
        member: &ClusterMember,
        connections: &mut ShardConnections,
        bytes: Vec<u8>,
    ) -> Result<Vec<Vec<u8>>, ExchangeBroken> {
        if member.process != 0 {
            self.tell(member, connections, 0, &bytes);
            return Ok(Vec::new());
        }
        let mut told = vec![bytes];
        for process in 1..member.processes {
            told.push(self.hear(member, connections, process)?);
        }
        Ok(told)
    }

    /// Replaces counts by their sums over all processes. The first shards of all processes call this together, after
    /// their last meeting, with as many counts.
    pub(super) fn add_up(
        &mut self,
        member: &ClusterMember,
        connections: &mut ShardConnections,
        counts: &mut [u64],
    ) -> Result<(), ExchangeBroken> {
        let written = |counts: &[u64]| counts.iter().flat_map(|count| count.to_le_bytes()).collect::<Vec<u8>>();
        let told = self.collect(member, connections, written(counts))?;
        for of_process in told.iter().skip(1) {
            read_counts(of_process, counts, |sum, count| *sum = sum.wrapping_add(count))?;
        }
        if member.process == 0 {
            let sums = written(counts);
            (1..member.processes).for_each(|process| self.tell(member, connections, process, &sums));
            return Ok(());
        }
        read_counts(&self.hear(member, connections, 0)?, counts, |sum, count| *sum = count)
    }

    /// Sends bytes to the first shard of another process.
    fn tell(&mut self, member: &ClusterMember, connections: &mut ShardConnections, process: usize, bytes: &[u8]) {
        let to = &mut self.parcels.to[process * member.threads];
        let mut parts = bytes.chunks(PARCEL_BYTES).peekable();
        loop {
            let part = parts.next().unwrap_or_default();
            let is_last = parts.peek().is_none();
            let from = (member.process as u32).to_le_bytes();
            to.send(Parcel([&[u8::from(is_last)][..], &from, part].concat()));
            to.done();
            connections.release();
            if is_last {
                return;
            }
        }
    }

    /// Waits until another process has told this one something, and returns the first that it has told.
    fn hear(
        &mut self,
        member: &ClusterMember,
        connections: &mut ShardConnections,
        process: usize,
    ) -> Result<Vec<u8>, ExchangeBroken> {
        let (parcels, told) = (&mut self.parcels.from, &mut self.told);
        connections.poll(member, || {
            while let Some(Parcel(part)) = parcels.recv() {
                let (&[is_last, ref from @ ..], part) = part.split_first_chunk::<5>().ok_or(ExchangeBroken)?;
                let from = from.first_chunk::<4>().ok_or(ExchangeBroken)?;
                let of_process = told.get_mut(u32::from_le_bytes(*from) as usize).ok_or(ExchangeBroken)?;
                of_process.begun.extend_from_slice(part);
                if is_last == 1 {
                    of_process.whole.push_back(std::mem::take(&mut of_process.begun));
                }
            }
            Ok(!told[process].whole.is_empty())
        })?;
        self.told[process].whole.pop_front().ok_or(ExchangeBroken)
    }
}

/// Reads as many counts as there are sums, and adds each to its sum by `add`.
fn read_counts(bytes: &[u8], sums: &mut [u64], add: impl Fn(&mut u64, u64)) -> Result<(), ExchangeBroken> {
    let (counts, []) = bytes.as_chunks::<8>() else { return Err(ExchangeBroken) };
    if counts.len() != sums.len() {
        return Err(ExchangeBroken);
    }
    sums.iter_mut().zip(counts).for_each(|(sum, count)| add(sum, u64::from_le_bytes(*count)));
    Ok(())
}
