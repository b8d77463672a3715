//! Shared memory inside one process: a ring per ordered pair of workers, each worker with itself included.
//!
//! Nothing is encoded and no kernel is called while workers are awake: a message is two 64-bit words, and the order
//! itself is shared by `Arc`. A worker sleeps in mio's poll and is woken by the worker that publishes a message for it.
//! A full ring accepts nothing until its consumer has read on, so nothing is ever lost.
//!
//! Rejected: a plain queue for messages that stay in their shard. Whether a message stays is as good as random, so a
//! branch on it is mispredicted for every other message, at 5 ns each; a ring from a worker to itself never leaves the
//! worker's first-level cache and needs no branch.

mod serialization;
#[cfg(test)]
mod tests;

pub(crate) use serialization::SerializationCharge;

use super::poller::Poller;
use super::{
    Arrival, Clock, MessageIo, ReceiveBatch, ReceiveWaker, Settlement, Stateful, Transport, TransportBuilder,
    TransportError, TransportState, Wait, Wakeup,
};
use crate::ids::OrderIndex;
use crate::message::{Message, MessageBatch, TAIL_WORDS_MAX};
use crate::record::CarrierCounts;
use crate::sync::{Consumer, Producer, SleepFlag, after_publishing, ring};
use crate::sys::{raise_descriptor_limit, touched_room};
use crate::threads::ShardMap;
use crate::time::Nanos;
use std::sync::Arc;
use std::time::Duration;

/// Messages best handed over at a time, and taken from one ring before the next one's turn: enough that the publication
/// costs little per message.
const BATCH: usize = 256;

/// The same in a shard of this many nodes or more: longer loops then have more cache misses under way at once, while in
/// a small one the other workers would wait for their messages.
const LARGE_BATCH: usize = 512;
const LARGE_SHARD: usize = 20_000;

/// Messages that a worker's ring to itself holds. It is emptied at every `receive`.
const OWN_SLOTS: usize = 2 * LARGE_BATCH;

/// Slots of a ring at most: 128 KiB, which stays in a second-level cache.
const RING_SLOTS_MAX: usize = 8_192;

/// Slots of a ring at least, between so many workers that longer rings would take too much memory. A ring is longer
/// still if one message takes more slots.
const RING_SLOTS_MIN: usize = 16;

/// Slots of all rings together: 64 MiB.
const SLOTS_MAX: usize = 1 << 22;

/// Descriptors of one worker: its event queue and its waker, and some to spare.
const DESCRIPTORS_PER_WORKER: u64 = 4;

/// One worker's end before it is set up on its thread.
pub(crate) struct MemoryBuilder {
    shards: ShardMap,
    clock: Clock,
    poller: Poller,
    index: usize,
    /// Channels to all workers, by worker.
    channels: Vec<Channel>,
    incoming: Vec<Consumer>,
    sleep_flag: Arc<SleepFlag>,
    serialization: Option<SerializationCharge>,
    /// True if a message can have a tail. If none can, the faster path without tails is taken.
    has_tails: bool,
    /// Messages best handed over at a time, and taken from one ring before the next one's turn.
    batch: usize,
}

/// The sending side to one worker.
struct Channel {
    ring: Producer,
    sleep_flag: Arc<SleepFlag>,
    waker: Arc<dyn ReceiveWaker>,
}

/// Creates an end for each worker. No message has a tail of more than `tail_words_max` 64-bit words.
pub(crate) fn connect(
    shards: &ShardMap,
    clock: Clock,
    serialization: Option<&SerializationCharge>,
    tail_words_max: usize,
) -> Result<Vec<MemoryBuilder>, TransportError> {
    let workers = shards.workers();
    // If the limit cannot be raised, opening the first event queue beyond it fails with a better error.
    let _ = raise_descriptor_limit(DESCRIPTORS_PER_WORKER * (workers as u64 + 8));
    let mut ends = (0..workers)
        .map(|index| {
            Ok(MemoryBuilder {
                index,
                shards: shards.clone(),
                clock,
                // The waker is the only source of events.
                poller: Poller::new(1)?,
                channels: Vec::with_capacity(workers),
                incoming: Vec::with_capacity(workers),
                sleep_flag: Arc::new(SleepFlag::new()),
                serialization: serialization.cloned(),
                has_tails: tail_words_max > 0,
                batch: if shards.shard(index).len() < LARGE_SHARD { BATCH } else { LARGE_BATCH },
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let slots = ring_slots(workers, slots_of(tail_words_max));
    for from in 0..ends.len() {
        for to in 0..ends.len() {
            let (producer, consumer) = ring(if from == to { OWN_SLOTS } else { slots });
            let end = &mut ends[to];
            end.incoming.push(consumer);
            let channel =
                Channel { ring: producer, sleep_flag: Arc::clone(&end.sleep_flag), waker: end.poller.waker() };
            ends[from].channels.push(channel);
        }
    }
    Ok(ends)
}

/// Slots of each ring between `workers` workers if a message takes up to `longest` slots.
fn ring_slots(workers: usize, longest: usize) -> usize {
    (SLOTS_MAX / (workers * workers)).clamp(RING_SLOTS_MIN.max(longest), RING_SLOTS_MAX)
}

/// Slots of a message whose tail has `tail` 64-bit words.
#[inline]
const fn slots_of(tail: usize) -> usize {
    1 + tail.div_ceil(2)
}

const _: () = assert!(slots_of(TAIL_WORDS_MAX) <= OWN_SLOTS, "every message fits every ring");

impl TransportBuilder for MemoryBuilder {
    fn build(mut self: Box<Self>) -> Result<Box<dyn Transport>, TransportError> {
        self.channels.iter_mut().for_each(|channel| channel.ring.warm_up());
        let nothing = Arrival { message: Message::from_words([0; 2]), bytes: 0, slot: 0 };
        Ok(Box::new(MemoryTransport {
            state: TransportState {
                counts: CarrierCounts { kernel_dropped: Some(0), ..CarrierCounts::default() },
                ..TransportState::new(self.clock, touched_room(self.incoming.len() * self.batch, nothing))
            },
            end: *self,
        }))
    }
}

/// One worker's end, set up on its thread.
struct MemoryTransport {
    end: MemoryBuilder,
    state: TransportState,
}

impl Stateful for MemoryTransport {
    fn state(&self) -> &TransportState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut TransportState {
        &mut self.state
    }
}

impl MessageIo for MemoryTransport {
    fn send_batch(&self) -> usize {
        self.end.batch
    }

    fn send(&mut self, batch: MessageBatch<'_>) -> Result<usize, TransportError> {
        self.state.counts.send_calls += 1;
        let taken = if self.end.has_tails {
            batch.iter().position(|(message, tail)| !self.put_whole(message, tail))
        } else {
            batch.messages.iter().position(|message| !self.put(message))
        };
        let taken = taken.unwrap_or(batch.messages.len());
        if taken < batch.messages.len() {
            self.state.counts.send_blocked += 1;
        }
        if let Some(serialization) = &mut self.end.serialization {
            batch.iter().take(taken).for_each(|(message, tail)| serialization.encode(message, tail));
        }
        // Once per batch, so that the cache line of an index crosses between cores once.
        self.publish()?;
        Ok(taken)
    }

    fn receive(&mut self, wait: Wait) -> Result<Nanos, TransportError> {
        self.state.counts.receive_calls += 1;
        self.collect();
        if let Wait::Until(deadline) = wait
            && self.state.received.arrivals.is_empty()
        {
            self.sleep(deadline)?;
            self.collect();
        }
        Ok(self.end.clock.now())
    }

    fn body(&self, arrival: &Arrival) -> Option<&[u8]> {
        // Parts are read where their publisher wrote them, and have no bytes of their own.
        let serialization = self.end.serialization.as_ref().filter(|_| !arrival.message.kind.is_part());
        serialization.map(|serialization| serialization.body(arrival.message.order))
    }

    fn message_bytes(&self, order: OrderIndex) -> u32 {
        self.end.serialization.as_ref().map_or(0, |serialization| serialization.message_bytes(order))
    }
}

impl Settlement for MemoryTransport {
    fn drain(&mut self) -> Result<(), TransportError> {
        let mut found = 0;
        for ring in &mut self.end.incoming {
            let mut missing = 0;
            ring.take(usize::MAX, |words| {
                // The slots of a tail are not messages.
                if missing > 0 {
                    missing -= 1;
                } else {
                    missing = slots_of(Message::from_words(words).tail.into()) - 1;
                    found += 1;
                }
                0
            });
        }
        self.state.counts.drained += found;
        Ok(())
    }

    fn count_drops(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}

impl Wakeup for MemoryTransport {
    fn waker(&self) -> Arc<dyn ReceiveWaker> {
        self.end.poller.waker()
    }
}

/// Returns the arrival of a message that is not encoded.
#[inline(always)]
fn unweighed(message: Message) -> Arrival {
    Arrival { message, bytes: 0, slot: 0 }
}

impl MemoryTransport {
    /// Pushes a message without publishing it; returns false if there is no room.
    #[inline]
    fn put(&mut self, message: &Message) -> bool {
        let owner = self.end.shards.owner(message.to);
        self.end.channels[owner].ring.push(message.to_words())
    }

    /// Pushes a message and its tail without publishing them; returns false, and pushes neither, if there is no room.
    fn put_whole(&mut self, message: &Message, tail: &[u64]) -> bool {
        let owner = self.end.shards.owner(message.to);
        let ring = &mut self.end.channels[owner].ring;
        if !ring.has_room(slots_of(tail.len())) {
            return false;
        }
        ring.push(message.to_words());
        for pair in tail.chunks(2) {
            ring.push([pair[0], pair.get(1).copied().unwrap_or_default()]);
        }
        true
    }

    /// Publishes all pushed messages to their workers, and wakes those that sleep.
    fn publish(&mut self) -> Result<(), TransportError> {
        let mut others = false;
        for (worker, channel) in self.end.channels.iter_mut().enumerate() {
            // A worker that publishes for itself is awake.
            others |= channel.ring.publish() && worker != self.end.index;
        }
        if others {
            after_publishing();
            for channel in self.end.channels.iter().filter(|channel| channel.sleep_flag.take_wake()) {
                channel.waker.wake().map_err(TransportError::new("waking a worker"))?;
            }
        }
        Ok(())
    }

    /// Takes up to a turn's messages from each ring.
    fn collect(&mut self) {
        let MemoryTransport { end, state, .. } = self;
        let ReceiveBatch { arrivals, tails } = &mut state.received;
        let bytes =
            |message: &Message| end.serialization.as_ref().map_or(0, |serialization| serialization.bytes(message));
        let arrival = |message: Message| Arrival { bytes: bytes(&message), message, slot: 0 };
        arrivals.clear();
        tails.clear();
        for ring in &mut end.incoming {
            if !end.has_tails {
                match &end.serialization {
                    // The usual case, in which the loop has no more to do than to copy.
                    None => ring.take_into(end.batch, arrivals, |words| unweighed(Message::from_words(words))),
                    Some(_) => ring.take_into(end.batch, arrivals, |words| arrival(Message::from_words(words))),
                };
                continue;
            }
            let mut missing = 0;
            ring.take(end.batch, |words| {
                if missing > 0 {
                    let more = missing.min(words.len());
                    tails.extend_from_slice(&words[..more]);
                    missing -= more;
                    return 0;
                }
                let message = Message::from_words(words);
                arrivals.push(arrival(message));
                missing = usize::from(message.tail);
                missing.div_ceil(2)
            });
        }
        if let Some(serialization) = &mut end.serialization {
            let mut tails = &tails[..];
            for Arrival { message, .. } in arrivals {
                *message = serialization.decode(message, message.cut(&mut tails));
            }
        }
    }

    /// Sleeps until another worker wakes this one, or until the deadline.
    fn sleep(&mut self, deadline: Nanos) -> Result<(), TransportError> {
        self.end.sleep_flag.prepare_sleep();
        // A message published before the flag was set has woken nobody, so the rings are checked once more.
        let slept = if self.end.incoming.iter().all(Consumer::is_empty) {
            let timeout = Duration::from_nanos(deadline.since(self.end.clock.now()).0);
            self.end.poller.wait(timeout, "waiting for messages")
        } else {
            Ok(true)
        };
        self.end.sleep_flag.cancel_sleep();
        slept.map(|_| ())
    }
}
