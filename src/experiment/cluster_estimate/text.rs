//! An estimate as text.

use super::figures::{ClusterEstimate, EstimatedLink, EstimatedMemory};
use crate::quantity::{counted, grouped, rounded_bytes};
use crate::time::Nanos;
use std::fmt;

impl fmt::Display for ClusterEstimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ClusterEstimate { processes, threads, nodes, messages, windows, .. } = self;
        let bytes = |bytes: f64| rounded_bytes(bytes as u64);
        let counted_processes = if *processes == 1 { "1 process".to_owned() } else { format!("{processes} processes") };
        let counted_threads = counted(*threads as u64, "thread");
        writeln!(f, "{} over {counted_processes} of {counted_threads}", counted((*nodes).into(), "node"))?;
        if self.first_process == self.other_processes {
            writeln!(f, "  memory of each process    {}", self.first_process)?;
        } else {
            writeln!(f, "  memory of process 0       {}", self.first_process)?;
            writeln!(f, "  memory of each other      {}", self.other_processes)?;
        }
        writeln!(
            f,
            "  messages                  {} in {} windows, {} in a window",
            grouped(*messages as u64),
            grouped(*windows as u64),
            grouped(self.messages_per_window as u64),
        )?;
        let (sent, in_a_window) = (bytes(self.exchanged_bytes), bytes(self.exchanged_bytes_per_window));
        writeln!(f, "  sent by each process      {sent}, {in_a_window} in a window")?;
        if self.outcome_bytes > 0.0 {
            writeln!(f, "  figures to process 0      {}", bytes(self.outcome_bytes))?;
        }
        for (place, EstimatedLink { name, busy }) in self.links.iter().enumerate() {
            let rank = if place == 0 { "saturates first" } else { "then" };
            writeln!(f, "  {rank:<25} {name}: {:.1} % busy", busy * 100.0)?;
        }
        let times = [
            ("set-up", self.setup_ns),
            ("computing", self.compute_ns),
            ("waiting for the slowest", self.imbalance_ns),
            ("meetings", self.meetings_ns),
            ("bytes under way", self.transfer_ns),
            ("bringing together", self.closing_ns),
            ("all together", self.total_ns),
        ];
        times.into_iter().try_for_each(|(name, time)| writeln!(f, "  {name:<25} {}", Nanos(time)))
    }
}

impl fmt::Display for EstimatedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EstimatedMemory { certain_bytes, message_bytes, bytes, program_bytes: _ } = *self;
        let [certain, messages, all] = [certain_bytes, message_bytes, bytes].map(rounded_bytes);
        write!(f, "{all}: {certain} in any case, {messages} of messages at most")
    }
}
