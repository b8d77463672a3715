//! The ledger of a run, which must balance.

use super::{End, Missing, WorkerRecord};
use crate::wire::StrayCounts;
use serde::Serialize;

/// Where every message of the run went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Messages that the carrier took; where the network is modelled, those that entered it, lost ones included.
    pub sent: u64,
    /// Messages received before the stop.
    pub received: u64,
    /// Messages never handed to the carrier because the run ended first; not part of `sent`.
    pub queued_unsent: u64,
    /// Messages under way at the stop: found in the sockets after all workers had stopped sending, or held.
    pub in_flight_at_stop: u64,
    /// Of these, messages that a modelled network in front of a real carrier still held.
    pub held: u64,
    /// The kernel's own count of what it dropped; `None` where the platform has none. Where messages share packets it
    /// counts packets.
    pub kernel_dropped: Option<u64>,
    /// What the numbers on the trains say is missing; `None` where messages are not numbered.
    pub missing: Option<Missing>,
    /// Messages that a modelled network lost.
    pub model_lost: u64,
    /// Messages that found no room at the modelled line into their node.
    pub model_dropped: u64,
    /// Messages that found no room at the modelled line out of their node; not part of `sent`.
    pub uplink_dropped: u64,
    /// Second copies that a modelled network made.
    pub model_duplicated: u64,
    /// Datagrams that are not of this run, by kind; outside the sum.
    pub strays: StrayCounts,
    /// Nodes reached, less origins, plus duplicates, expired and control messages: what `received` must be.
    pub explained_receipts: u64,
    /// Whether the run ended because nothing was under way: then nothing may be found in flight or queued.
    #[serde(skip)]
    pub ended_quiet: bool,
}

impl Ledger {
    /// Adds the workers' ledger up.
    pub fn of(workers: &[WorkerRecord], end: End) -> Ledger {
        // Upkeep may be under way whenever a run ends.
        let has_upkeep = workers.iter().any(|worker| !worker.upkeep.is_none());
        let ended_quiet = end == End::Quiescent && !has_upkeep;
        let mut ledger = Ledger { kernel_dropped: Some(0), ended_quiet, ..Ledger::default() };
        for worker in workers {
            ledger.sent += worker.sent;
            ledger.received += worker.received;
            ledger.queued_unsent += worker.queued_unsent;
            ledger.in_flight_at_stop += worker.carrier.drained + worker.model.held;
            ledger.held += worker.model.held;
            ledger.model_lost += worker.model.lost;
            ledger.model_dropped += worker.model.dropped;
            ledger.uplink_dropped += worker.model.uplink_dropped;
            ledger.model_duplicated += worker.model.duplicated;
            ledger.kernel_dropped =
                ledger.kernel_dropped.zip(worker.carrier.kernel_dropped).map(|(sum, more)| sum + more);
            ledger.strays.merge(&worker.carrier.strays);
            if let Some(missing) = worker.carrier.missing {
                ledger.missing.get_or_insert_default().add(missing);
            }
            // An origin was reached, or knew its order before, without a receipt.
            let payload = worker.reached + worker.duplicates + worker.expired - worker.published;
            ledger.explained_receipts += payload + worker.control_received;
        }
        ledger
    }

    /// Messages sent, but neither received nor found nor lost by a model; negative where more came than went.
    pub fn lost(&self) -> i128 {
        i128::from(self.sent) + i128::from(self.model_duplicated)
            - i128::from(self.received)
            - i128::from(self.in_flight_at_stop)
            - i128::from(self.model_lost)
            - i128::from(self.model_dropped)
    }

    /// Lost messages that neither numbers nor a drop counter explain; 0 where none is missing.
    pub fn unaccounted(&self) -> u64 {
        let unexplained = self.lost() - i128::from(self.explained());
        u64::try_from(unexplained.max(0)).unwrap_or(u64::MAX)
    }

    /// Lost messages that are known of without counting what came: gaps in the numbers, or the kernel's drops where each
    /// is a message.
    pub fn explained(&self) -> u64 {
        self.missing.map_or(self.kernel_dropped.unwrap_or(0), |missing| missing.messages)
    }

    /// Whether every message is accounted for.
    ///
    /// What was lost must equal the gaps in the numbers, and the packets missing must equal the kernel's drops. Where
    /// nothing is numbered the drops themselves are what was lost. Where strays came, drops may be theirs, so that what is
    /// missing must not exceed them. Without a drop counter only numbers can explain a loss.
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
        losses_explained && self.received == self.explained_receipts && !(self.ended_quiet && under_way > 0)
    }
}
