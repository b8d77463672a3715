//! Tests the shared types under every interleaving that loom can find: `just loom`.

use super::*;
use loom::sync::Arc;
use loom::thread;

/// Leaks one bitmap per execution, because loom has no scoped threads.
fn leaked_sections(shard_bits: [usize; 2]) -> (BitmapView<'static>, Vec<Section<'static>>) {
    Box::leak(Box::new(OwnedBitmap::new(&mut Arena::heap(), shard_bits))).split()
}

/// Two workers mark two nodes each; the goal is the third mark. Exactly one of the four additions reaches it and raises
/// the stop flag.
#[test]
fn exactly_one_mark_trips_the_stop() {
    loom::model(|| {
        let shared = Arc::new((Threshold::new(&mut Arena::heap(), 3), Stop::new(&mut Arena::heap())));
        let (view, sections) = leaked_sections([2, 2]);
        let workers: Vec<_> = sections
            .into_iter()
            .map(|mut section| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let mut tripped = 0;
                    for local in 0..2 {
                        assert!(section.mark(local));
                        if shared.0.add(1) {
                            tripped += 1;
                            assert!(shared.1.raise(1));
                        }
                    }
                    tripped
                })
            })
            .collect();
        let tripped: u32 = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
        assert_eq!((tripped, shared.0.count(), shared.1.cause(), view.count()), (1, 4, 1, 4));
    });
}

/// The first thread to raise the flag gives the cause, and all read that one.
#[test]
fn a_stop_keeps_its_first_cause() {
    loom::model(|| {
        let stop = Arc::new(Stop::new(&mut Arena::heap()));
        let other = Arc::clone(&stop);
        let worker = thread::spawn(move || other.raise(1));
        let won = stop.raise(2);
        let other_won = worker.join().unwrap();
        assert!(won ^ other_won);
        assert_eq!(stop.cause(), if won { 2 } else { 1 });
    });
}

/// Each thread's writes before a barrier of either kind are visible to both after it, twice in a row.
fn orders_what_came_before(barrier: fn() -> Barrier) {
    loom::model(move || {
        let shared = Arc::new((barrier(), Threshold::new(&mut Arena::heap(), 1)));
        let other = Arc::clone(&shared);
        let wait_twice = |(barrier, threshold): &(Barrier, Threshold)| {
            for round in 1..=2 {
                threshold.add(1);
                barrier.wait().unwrap();
                assert_eq!(threshold.count(), 2 * round);
                barrier.wait().unwrap();
            }
        };
        let worker = thread::spawn(move || wait_twice(&other));
        wait_twice(&shared);
        worker.join().unwrap();
    });
}

#[test]
fn a_barrier_orders_what_came_before() {
    orders_what_came_before(|| Barrier::new(&mut Arena::heap(), 2));
}

#[test]
fn a_barrier_of_threads_orders_what_came_before() {
    orders_what_came_before(|| Barrier::of_threads(2));
}

/// A thread that parks, or is about to, is woken by the one that breaks the barrier.
#[test]
fn a_broken_barrier_wakes_who_parks() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::of_threads(2));
        let other = Arc::clone(&barrier);
        let waiter = thread::spawn(move || other.wait());
        barrier.abort();
        assert_eq!(waiter.join().unwrap(), Err(BarrierBroken));
    });
}

/// A message in flight or in hand is never taken for quiescence: worker 1 gets one message and answers with none.
#[test]
fn a_message_in_hand_is_never_quiescence() {
    loom::model(|| {
        // The socket is a counter: 1 once the message is sent.
        let shared = Arc::new((TerminationDetector::new(&mut Arena::heap(), 2), Stop::new(&mut Arena::heap())));
        let other = Arc::clone(&shared);
        shared.0.set_idle(1, MessageTotals::default());
        let sender = thread::spawn(move || {
            other.1.raise(1); // The message is sent.
            other.0.set_idle(0, MessageTotals { sent: 1, ..MessageTotals::default() });
        });
        let taken = shared.1.cause() == 1;
        if taken {
            // The message is in hand and not yet published: whatever the detector says, the sums cannot be equal.
            if let Quiescence::Idle(sums) = shared.0.quiescence() {
                assert_ne!(sums.sent, sums.received);
            }
            shared.0.set_busy(1);
            assert_eq!(shared.0.quiescence(), Quiescence::Busy);
            shared.0.set_idle(1, MessageTotals { received: 1, ..MessageTotals::default() });
        }
        sender.join().unwrap();
        let Quiescence::Idle(sums) = shared.0.quiescence() else { panic!("both are idle") };
        assert_eq!(sums.sent - sums.received, u64::from(!taken));
    });
}

/// Four messages cross a ring of two slots whole and in order, whatever is full or empty meanwhile.
#[test]
fn a_ring_carries_whole_messages_in_order() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring(2);
        let sender = thread::spawn(move || {
            for batch in [[1, 2], [3, 4]] {
                for word in batch {
                    while !producer.push([word, !word]) {
                        producer.publish();
                        thread::yield_now();
                    }
                }
                producer.publish();
            }
        });
        let mut expected = 1;
        while expected <= 4 {
            let came = consumer.take(2, |words| {
                assert_eq!(words, [expected, !expected]);
                expected += 1;
                0
            });
            if came == 0 {
                thread::yield_now();
            }
        }
        sender.join().unwrap();
        assert!(consumer.is_empty());
    });
}

/// Of two senders and a worker that is about to sleep, either the worker sees both messages or a sender wakes it.
#[test]
fn no_message_waits_for_a_worker_that_sleeps() {
    loom::model(|| {
        let sleep_flag = Arc::new(SleepFlag::new());
        let mut consumers = Vec::new();
        let senders: Vec<_> = (0..2)
            .map(|word| {
                let (mut producer, consumer) = ring(1);
                consumers.push(consumer);
                let sleep_flag = Arc::clone(&sleep_flag);
                thread::spawn(move || {
                    assert!(producer.push([word, 0]));
                    producer.publish();
                    after_publishing();
                    sleep_flag.take_wake()
                })
            })
            .collect();
        sleep_flag.prepare_sleep();
        let seen = consumers.iter().filter(|consumer| !consumer.is_empty()).count();
        let woken = senders.into_iter().map(|sender| sender.join().unwrap()).filter(|&woken| woken).count();
        assert!(woken <= 1, "one waking is enough");
        assert!(seen == 2 || woken == 1, "{seen} seen and nobody woken");
    });
}
