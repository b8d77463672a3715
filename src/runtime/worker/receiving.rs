//! The third step of a worker's turn: the protocol handles the messages that have come.
//!
//! Most messages repeat an order that their node has, and which ones do is as good as random: a branch on it is
//! mispredicted for every other message, and everything that was begun behind it is lost. If repeats have no effect,
//! they are therefore counted in a pass without such a branch, which lists the places of the others, and only those are
//! handled.

use super::Worker;
use crate::protocol::{Protocol, ProtocolState};
use crate::runtime::recorder::Recorder;
use crate::runtime::shard::RealtimeShard;
use crate::time::Nanos;
use crate::transport::Arrival;

/// Messages among which repeats are set aside at a time.
const REPEATS_AT_A_TIME: usize = 512;

impl<P: Protocol, C: Recorder> Worker<'_, P, C> {
    /// 3. Lets the protocol handle the batch, and publishes the coverage.
    pub(super) fn handle(&mut self, now: Nanos) {
        if self.carrier.arrivals().is_empty() {
            return;
        }
        if self.began.is_none() {
            // These messages were sent after the beginning of the schedule, which this worker may not have seen yet.
            self.publish_due();
        }
        if self.has_order_arrivals() {
            self.be_busy();
        }
        self.shard.record.batches += 1;
        let refused = match self.shard.is_traced() {
            true => self.handle_each(now, handle_logged::<P, C>),
            false if P::IGNORES_REPEATS && !self.shard.forgets() => self.handle_first_copies(now),
            false => self.handle_each(now, handle_one::<P, C>),
        };
        self.carrier.refuse(refused);
        self.be_busy_unless_upkeep();
        self.publish_marks();
    }

    /// Lets the protocol handle every message; returns the number of messages refused.
    #[inline(always)]
    fn handle_each(
        &mut self,
        now: Nanos,
        handle: impl Fn(&mut P::State, &mut RealtimeShard<'_, C>, &Arrival, &[u64], Nanos),
    ) -> u64 {
        let arrivals = self.carrier.arrivals();
        let (mut refused, mut tails) = (0, self.carrier.tails());
        let mut soon = self.shard.look_ahead(arrivals).iter();
        for arrival in arrivals {
            if let Some(soon) = soon.next() {
                self.shard.prefetch(&soon.message);
            }
            let tail = if P::HAS_CONTROL { arrival.message.cut(&mut tails) } else { &[] };
            // Before the protocol sees it, so that a forged message changes no state.
            if self.shard.is_encoded() && !self.is_sound(arrival, tail) {
                refused += 1;
                continue;
            }
            handle(&mut self.state, &mut self.shard, arrival, tail, now);
        }
        refused
    }

    /// Counts the repeats, which have no effect, and lets the protocol handle the other messages; returns the number of
    /// messages refused.
    fn handle_first_copies(&mut self, now: Nanos) -> u64 {
        let mut to_handle = [0; REPEATS_AT_A_TIME];
        let (mut refused, mut tails) = (0, self.carrier.tails());
        for arrivals in self.carrier.arrivals().chunks(REPEATS_AT_A_TIME) {
            let listed = self.shard.set_repeats_aside(arrivals, &mut to_handle);
            for &place in &to_handle[..listed] {
                let arrival = &arrivals[usize::from(place)];
                // Only control messages have tails, and all of them are listed.
                let tail = if P::HAS_CONTROL { arrival.message.cut(&mut tails) } else { &[] };
                if self.shard.is_encoded() && !self.is_sound(arrival, tail) {
                    refused += 1;
                    continue;
                }
                handle_one::<P, C>(&mut self.state, &mut self.shard, arrival, tail, now);
            }
        }
        refused
    }

    /// Returns true if an encoded arrival is sound: a first copy of an order must decode to the order that was sent,
    /// and a control message must be one of the protocol's.
    #[inline]
    fn is_sound(&self, arrival: &Arrival, tail: &[u64]) -> bool {
        let message = &arrival.message;
        if message.kind.is_control() {
            return P::HAS_CONTROL
                && self.protocol.admits(message, tail, self.shared.plan.workload.orders())
                && (!P::HAS_PARTS || !message.kind.is_part() || self.is_sound_part(arrival, tail));
        }
        // Nearly every order is encoded as this carrier does it, which takes a comparison to find out.
        !self.shard.must_decode(message)
            || self.carrier.is_own_encoding(arrival)
            || self.carrier.body(arrival).is_none_or(|body| self.shard.is_sound(message, body))
    }

    /// Returns true if an arrival carries the bytes of the part that it names.
    fn is_sound_part(&self, arrival: &Arrival, tail: &[u64]) -> bool {
        self.carrier.body(arrival).is_none_or(|body| self.shard.is_sound_part(&arrival.message, tail, body))
    }
}

/// Lets the protocol handle a message.
#[inline(always)]
fn handle_one<P: Protocol, C: Recorder>(
    state: &mut P::State,
    shard: &mut RealtimeShard<'_, C>,
    arrival: &Arrival,
    tail: &[u64],
    now: Nanos,
) {
    state.handle_message(&mut shard.receipt::<P>(arrival, now), &arrival.message, tail);
}

/// Lets the protocol handle a message of a traced run, and logs its fate.
#[cold]
fn handle_logged<P: Protocol, C: Recorder>(
    state: &mut P::State,
    shard: &mut RealtimeShard<'_, C>,
    arrival: &Arrival,
    tail: &[u64],
    now: Nanos,
) {
    let before = shard.receipts_before();
    handle_one::<P, C>(state, shard, arrival, tail, now);
    shard.log_receipt(arrival, now, before);
}
