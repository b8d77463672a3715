//! A bounded queue from one worker to one other, which carries messages between cores without the kernel.
//!
//! A message is two 64-bit words, or a multiple of two if it has a tail, and each slot is two atomic words. On the
//! measured machines a Relaxed load or store is a plain one, so the queue needs no `unsafe` and costs as much as one
//! over `UnsafeCell`.
//!
//! ```text
//! head: first slot not yet taken           one cache line, written by the consumer
//! tail: first slot not yet published       one cache line, written by the producer
//! slots: | taken | published .. | written, not published .. | free |
//! ```
//!
//! Both indices only grow; a slot's position is the index modulo the number of slots. Either end keeps a copy of the
//! other's index and reads the shared one only when the copy says "full" or "empty", and the producer publishes a whole
//! batch with one store, so that a line crosses between cores once per batch and not once per message.
//!
//! Rejected: publishing each message by itself (8 to 26 ns a message instead of 1 to 6), and a queue with many
//! producers (a locked instruction per message).

use super::atomic::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;
use std::sync::Arc;

/// A message as the queue carries it.
pub type MessageWords = [u64; 2];

/// The positions of both ends.
#[derive(Default)]
struct Indices {
    head: CachePadded<AtomicU64>,
    tail: CachePadded<AtomicU64>,
}

/// The slots; their number is a power of two.
type Slots = Arc<[[AtomicU64; 2]]>;

/// The end that pushes messages.
pub struct Producer {
    slots: Slots,
    indices: Arc<Indices>,
    /// Index of the next slot to write.
    next: u64,
    /// Index up to which slots were published.
    published: u64,
    /// The consumer's index when last read.
    head: u64,
}

/// The end that takes messages.
pub struct Consumer {
    slots: Slots,
    indices: Arc<Indices>,
    /// Index of the next slot to take.
    next: u64,
}

/// Creates an empty queue with room for `slots` messages, rounded up to a power of two.
pub fn ring(slots: usize) -> (Producer, Consumer) {
    let slots = slots.max(1).next_power_of_two();
    let slots: Slots = (0..slots).map(|_| [AtomicU64::new(0), AtomicU64::new(0)]).collect();
    let indices = Arc::new(Indices::default());
    let producer =
        Producer { slots: Arc::clone(&slots), indices: Arc::clone(&indices), next: 0, published: 0, head: 0 };
    (producer, Consumer { slots, indices, next: 0 })
}

/// Returns the slot of an index.
#[inline]
fn slot(slots: &Slots, index: u64) -> &[AtomicU64; 2] {
    &slots[index as usize & (slots.len() - 1)]
}

impl Producer {
    /// Writes to every slot, so that all of them are in the caller's cache when the first message is pushed. Only for a
    /// ring that was never used.
    pub fn warm_up(&mut self) {
        debug_assert_eq!(self.next, 0);
        for slot in self.slots.iter().flatten() {
            // Ordering: Relaxed; nothing was published, so the consumer reads no slot.
            slot.store(0, Ordering::Relaxed);
        }
    }

    /// Returns true if at least `slots` more slots are free.
    pub fn has_room(&mut self, slots: usize) -> bool {
        let (all, wanted) = (self.slots.len() as u64, slots as u64);
        if self.next - self.head + wanted > all {
            // Ordering: Acquire; partner: the Release store in `take`, as in `push`.
            self.head = self.indices.head.load(Ordering::Acquire);
        }
        self.next - self.head + wanted <= all
    }

    /// Appends a message that the consumer does not see before [`publish`](Self::publish); returns false, and writes
    /// nothing, if the queue is full.
    #[inline]
    pub fn push(&mut self, [first, second]: MessageWords) -> bool {
        if self.next - self.head == self.slots.len() as u64 {
            // Ordering: Acquire; partner: the Release store in `take`. The consumer has read a slot before this writes
            // it.
            self.head = self.indices.head.load(Ordering::Acquire);
            if self.next - self.head == self.slots.len() as u64 {
                return false;
            }
        }
        let slot = slot(&self.slots, self.next);
        // Ordering: Relaxed; `publish` releases both words to the consumer, which reads neither before.
        slot[0].store(first, Ordering::Relaxed);
        // Ordering: Relaxed; as above.
        slot[1].store(second, Ordering::Relaxed);
        self.next += 1;
        true
    }

    /// Publishes all pushed messages to the consumer; returns false if there are no new ones.
    #[inline]
    pub fn publish(&mut self) -> bool {
        if self.next == self.published {
            return false;
        }
        self.published = self.next;
        // Ordering: Release; partner: the Acquire load in `take`, which thereby sees the slots written before.
        self.indices.tail.store(self.next, Ordering::Release);
        true
    }
}

impl Consumer {
    /// Returns true if there is nothing to take, as far as the producer's publications have arrived.
    pub fn is_empty(&self) -> bool {
        // Ordering: Relaxed; an answer of "not empty" only leads to `take`, which acquires for itself.
        self.indices.tail.load(Ordering::Relaxed) == self.next
    }

    /// Passes up to `most` slots to `take`, oldest first; returns their number. `take` returns how many further slots
    /// belong to the message whose first slot it was given; those are passed too, even beyond `most`.
    #[inline]
    pub fn take(&mut self, most: usize, mut take: impl FnMut(MessageWords) -> usize) -> usize {
        // Ordering: Acquire; partner: the Release store in `publish`.
        let tail = self.indices.tail.load(Ordering::Acquire);
        let (first, mut next) = (self.next, self.next);
        let mut end = first + (tail - first).min(most as u64);
        if end == first {
            return 0;
        }
        while next < end {
            let slot = slot(&self.slots, next);
            // Ordering: Relaxed; written before the publication that was acquired above.
            let more = take([slot[0].load(Ordering::Relaxed), slot[1].load(Ordering::Relaxed)]);
            next += 1;
            end = end.max((next + more as u64).min(tail));
        }
        self.next = next;
        // Ordering: Release; partner: the Acquire load in `push`, which writes these slots only after they were read.
        self.indices.head.store(self.next, Ordering::Release);
        (end - first) as usize
    }
}

impl Consumer {
    /// Appends up to `most` slots to `into`, oldest first, each converted; returns their number. Only for messages of
    /// one slot. Two runs of slots at most are read, without a check for each.
    #[inline]
    pub fn take_into<T>(&mut self, most: usize, into: &mut Vec<T>, convert: impl Fn(MessageWords) -> T) -> usize {
        // Ordering: Acquire; partner: the Release store in `publish`.
        let tail = self.indices.tail.load(Ordering::Acquire);
        let count = (tail - self.next).min(most as u64) as usize;
        if count == 0 {
            return 0;
        }
        let first = self.next as usize & (self.slots.len() - 1);
        let (before, after) = self.slots.split_at(first);
        let (front, back) = (&after[..count.min(after.len())], &before[..count.saturating_sub(after.len())]);
        // Ordering: Relaxed; written before the publication that was acquired above.
        let words = |slot: &[AtomicU64; 2]| [slot[0].load(Ordering::Relaxed), slot[1].load(Ordering::Relaxed)];
        into.extend(front.iter().chain(back).map(|slot| convert(words(slot))));
        self.next += count as u64;
        // Ordering: Release; partner: the Acquire load in `push`, which writes these slots only after they were read.
        self.indices.head.store(self.next, Ordering::Release);
        count
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::thread;

    /// Takes slots one by one from one ring and in runs from another, which must agree.
    #[test]
    fn slots_are_taken_alike_in_runs_and_one_by_one() {
        let [(mut one, mut by_one), (mut other, mut in_runs)] = [ring(8), ring(8)];
        let mut word = 0;
        for (pushed, most) in [(5, 3), (6, 9), (0, 1), (8, 8), (7, 2), (1, 9), (8, 3), (3, 9)] {
            for _ in 0..pushed {
                assert_eq!(one.push([word, !word]), other.push([word, !word]));
                word += 1;
            }
            one.publish();
            other.publish();
            let mut taken = vec![[7, 7]];
            let count = in_runs.take_into(most, &mut taken, |words| words);
            assert_eq!(taken[1..], all(&mut by_one, most));
            assert_eq!((count, in_runs.is_empty()), (taken.len() - 1, by_one.is_empty()));
        }
    }

    fn all(consumer: &mut Consumer, most: usize) -> Vec<MessageWords> {
        let mut taken = Vec::new();
        let count = consumer.take(most, |words| {
            taken.push(words);
            0
        });
        assert_eq!(count, taken.len());
        taken
    }

    #[test]
    fn nothing_is_seen_before_it_is_published() {
        let (mut producer, mut consumer) = ring(4);
        assert!(producer.push([1, 10]));
        assert!(consumer.is_empty());
        assert!(all(&mut consumer, 9).is_empty());
        assert!(producer.publish());
        assert!(!producer.publish(), "nothing new");
        assert!(!consumer.is_empty());
        assert_eq!(all(&mut consumer, 9), [[1, 10]]);
    }

    #[test]
    fn a_full_ring_refuses_until_something_was_taken() {
        let (mut producer, mut consumer) = ring(3);
        assert!((0..4).all(|word| producer.push([word, 0])), "three slots are rounded up to four");
        assert!(!producer.push([9, 0]));
        producer.publish();
        assert_eq!(all(&mut consumer, 1), [[0, 0]]);
        assert!(producer.push([4, 0]));
        assert!(!producer.push([9, 0]));
        producer.publish();
        assert_eq!(all(&mut consumer, 9), [[1, 0], [2, 0], [3, 0], [4, 0]]);
    }

    #[test]
    fn a_message_of_several_slots_is_taken_whole() {
        let (mut producer, mut consumer) = ring(8);
        assert!(producer.has_room(8) && !producer.has_room(9));
        assert!((0..6).all(|word| producer.push([word, 0])));
        assert!(producer.has_room(2) && !producer.has_room(3));
        producer.publish();
        let mut taken = Vec::new();
        let mut take = |most| {
            consumer.take(most, |[word, _]| {
                taken.push(word);
                if word == 1 { 3 } else { 0 }
            })
        };
        assert_eq!((take(2), take(9)), (5, 1), "1 has three more, which come with it");
        assert_eq!(taken, [0, 1, 2, 3, 4, 5]);
        assert!(producer.has_room(8));
    }

    #[test]
    fn messages_cross_threads_whole_and_in_order() {
        const COUNT: u64 = 200_000;
        let (mut producer, mut consumer) = ring(64);
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut word = 0;
                while word < COUNT {
                    let batch = (word..COUNT).take(7).take_while(|&word| producer.push([word, !word])).count() as u64;
                    word += batch;
                    producer.publish();
                    if batch == 0 {
                        thread::yield_now();
                    }
                }
            });
            let mut expected = 0;
            while expected < COUNT {
                let came = consumer.take(16, |words| {
                    assert_eq!(words, [expected, !expected]);
                    expected += 1;
                    0
                });
                if came == 0 {
                    thread::yield_now();
                }
            }
        });
    }
}
