//! The ledger of a run, which must balance.

use super::carrier::both;
use super::{CarrierCounts, End, Missing, ModelCounts, PartCounts, WorkerRecord};
use crate::wire::StrayCounts;
use serde::Serialize;

/// The account of all messages of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Messages accepted by the carrier; where the network is modelled, messages that entered the model, lost ones
    /// included.
    pub sent: u64,
    /// Messages received before the stop.
    pub received: u64,
    /// Messages never handed to the carrier because the run ended first; not part of `sent`.
    pub queued_unsent: u64,
    /// Messages under way at the stop: found in the sockets after all workers had stopped sending, or held.
    pub in_flight_at_stop: u64,
    /// Messages that a modelled network in front of a real carrier still held at the stop; part of `in_flight_at_stop`.
    pub held: u64,
    /// Drops counted by the kernel; `None` where the platform has no counter. Where messages share packets it counts
    /// packets.
    pub kernel_dropped: Option<u64>,
    /// Messages missing by the sequence numbers of the trains; `None` where messages are not numbered.
    pub missing: Option<Missing>,
    /// Messages lost by a modelled network.
    pub model_lost: u64,
    /// Messages dropped at a modelled downlink that had no room.
    pub model_dropped: u64,
    /// Messages dropped at a modelled uplink that had no room; not part of `sent`.
    pub uplink_dropped: u64,
    /// Second copies made by a modelled network.
    pub model_duplicated: u64,
    /// Datagrams that do not belong to this run, by kind; outside the sum.
    pub strays: StrayCounts,
    /// Messages that carried parts of orders, which are among the others; `None` where there were none. Those received
    /// must equal the useful and the late ones together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<PartCounts>,
    /// Nodes reached, less origins and orders put together from parts, plus duplicates, expired, control messages and
    /// useful and late parts; must equal `received`. Negative if more was published than that.
    pub explained_receipts: i64,
    /// True if the run ended because nothing was under way: then no message may be in flight or queued.
    #[serde(skip)]
    pub ended_quiet: bool,
}

impl Ledger {
    /// Sums the counts of the workers into a ledger.
    #[doc(hidden)]
    pub fn of(workers: &[WorkerRecord], end: End) -> Ledger {
        // Upkeep may be under way whenever a run ends.
        let has_upkeep = workers.iter().any(|worker| !worker.upkeep.is_none());
        let ended_quiet = end == End::Quiescent && !has_upkeep;
        let mut ledger = Ledger { kernel_dropped: Some(0), ended_quiet, ..Ledger::default() };
        let mut explained = 0_i128;
        for worker in workers {
            explained += ledger.add(worker);
        }
        ledger.explained_receipts = i64::try_from(explained).unwrap_or(if explained < 0 { i64::MIN } else { i64::MAX });
        ledger
    }

    /// Adds the counts of one worker and returns the receipts that they explain.
    fn add(&mut self, worker: &WorkerRecord) -> i128 {
        // Without `..`, so that a new count does not compile until it is decided whether the sum needs it.
        let &WorkerRecord {
            nodes: _,
            core: _,
            sent,
            received,
            control_sent: _,
            control_bytes: _,
            control_received,
            sent_by_kind: _,
            upkeep: _,
            ref parts,
            tally: _,
            duplicates,
            reached,
            expired,
            expired_behind_max: _,
            expired_first: _,
            published,
            spared: _,
            queued_unsent,
            batches: _,
            turns: _,
            sleeps: _,
            model: ModelCounts { lost, dropped, uplink_dropped, duplicated, held },
            carrier:
                CarrierCounts {
                    kernel_datagrams: _,
                    kernel_dropped,
                    missing,
                    drained,
                    ref strays,
                    send_blocked: _,
                    send_calls: _,
                    receive_calls: _,
                },
        } = worker;
        self.sent += sent;
        self.received += received;
        self.queued_unsent += queued_unsent;
        self.in_flight_at_stop += drained + held;
        self.held += held;
        self.model_lost += lost;
        self.model_dropped += dropped;
        self.uplink_dropped += uplink_dropped;
        self.model_duplicated += duplicated;
        self.kernel_dropped = both(self.kernel_dropped, kernel_dropped);
        self.strays.merge(strays);
        if !parts.is_none() {
            self.parts.get_or_insert_default().merge(parts);
        }
        if let Some(missing) = missing {
            self.missing.get_or_insert_default().merge(missing);
        }
        // An origin counts as reached, or as a duplicate if it knew its order before, without a received message. The
        // sum is signed because wrong counts must come out as a ledger that does not balance.
        let explained = [reached, duplicates, expired, control_received, parts.useful, parts.late].map(i128::from);
        let otherwise = [published, parts.received, parts.recovered].map(i128::from);
        explained.iter().sum::<i128>() - otherwise.iter().sum::<i128>()
    }

    /// Returns the number of messages sent, but neither received nor found nor lost by a model; negative if more
    /// arrived than were sent.
    pub fn lost(&self) -> i128 {
        i128::from(self.sent) + i128::from(self.model_duplicated)
            - i128::from(self.received)
            - i128::from(self.in_flight_at_stop)
            - i128::from(self.model_lost)
            - i128::from(self.model_dropped)
    }

    /// Returns the number of lost messages that neither sequence numbers nor a drop counter explain; 0 if none is
    /// missing.
    pub fn unaccounted(&self) -> u64 {
        let unexplained = self.lost() - i128::from(self.explained());
        u64::try_from(unexplained.max(0)).unwrap_or(u64::MAX)
    }

    /// Returns the number of lost messages known without counting arrivals: gaps in the sequence numbers, or the
    /// kernel's drops where each is a message.
    pub fn explained(&self) -> u64 {
        self.missing.map_or(self.kernel_dropped.unwrap_or(0), |missing| missing.messages)
    }

    /// Returns true if every message is accounted for.
    ///
    /// Losses must equal the gaps in the sequence numbers, and the missing packets must equal the kernel's drops. Where
    /// nothing is numbered, the drops themselves are the losses. Where strays came, some drops may be theirs, so the
    /// missing packets must only not exceed the drops. Without a drop counter only sequence numbers can explain a loss.
    pub fn is_balanced(&self) -> bool {
        let lost = self.lost();
        let is_within = |missing: i128, dropped: i128| match self.strays.total() {
            0 => missing == dropped,
            _ => missing >= 0 && missing <= dropped,
        };
        let losses_explained = match (self.missing, self.kernel_dropped) {
            (None, dropped) => is_within(lost, i128::from(dropped.unwrap_or(0))),
            (Some(missing), None) => lost == i128::from(missing.messages),
            (Some(missing), Some(dropped)) => {
                lost == i128::from(missing.messages) && is_within(i128::from(missing.packets), i128::from(dropped))
            }
        };
        let under_way = self.in_flight_at_stop + self.queued_unsent;
        losses_explained
            && i128::from(self.received) == i128::from(self.explained_receipts)
            && self.parts.is_none_or(|parts| parts.received == parts.useful + parts.late)
            && !(self.ended_quiet && under_way > 0)
    }
}
