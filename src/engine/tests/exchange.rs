//! An exchange without shared memory, as between machines: each shard reaches the others by wires alone, and so do
//! shards of two processes, each of which knows its own end. Every figure is that of the local exchange.

use super::*;
use crate::engine::exchange::{Exchange, ExchangeBroken, ExchangeEnd, WindowReport, target_time};
use crate::engine::shard_outcome::ShardOutcome;
use crate::ids::OrderIndex;
use crate::threads::WorkerThreads;
use std::convert::Infallible;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

/// The wires of the shards of one process.
struct Wires<T> {
    shards: Range<usize>,
    ends: Mutex<Vec<Option<WireEnd<T>>>>,
}

struct WireEnd<T> {
    /// By shard.
    to: Vec<Sender<Packet<T>>>,
    from: Vec<Receiver<Packet<T>>>,
    out: Vec<Vec<T>>,
    received: Vec<Vec<T>>,
}

/// A message of one shard to another in a meeting.
struct Packet<T> {
    items: Vec<T>,
    report: WindowReport,
    counts: Vec<u64>,
}

/// Wires between the shards of several processes, by process.
fn wires<T>(processes: &[Range<usize>]) -> Vec<Wires<T>> {
    let shards = processes.last().unwrap().end;
    let mut from: Vec<Vec<_>> = (0..shards).map(|_| Vec::new()).collect();
    let senders: Vec<Vec<_>> = (0..shards)
        .map(|_| {
            from.iter_mut()
                .map(|from| {
                    let (sender, receiver) = channel();
                    from.push(receiver);
                    sender
                })
                .collect()
        })
        .collect();
    let mut ends = senders.into_iter().zip(from).map(|(to, from)| {
        let out = (0..shards).map(|_| Vec::new()).collect();
        Some(WireEnd { to, from, out, received: Vec::new() })
    });
    let of = |shards: &Range<usize>| Wires {
        shards: shards.clone(),
        ends: Mutex::new(ends.by_ref().take(shards.len()).collect()),
    };
    processes.iter().map(of).collect()
}

impl<T: Send> Exchange<T> for Wires<T> {
    const SHARES_MEMORY: bool = false;

    type End<'a>
        = WireEnd<T>
    where
        T: 'a;

    fn shards(&self) -> Range<usize> {
        self.shards.clone()
    }

    fn end(&self, shard: usize) -> WireEnd<T> {
        self.ends.lock().unwrap()[shard - self.shards.start].take().expect("each shard takes its end once")
    }

    /// Cuts the wires of shards that have not started; those of one that fails are cut when it drops its end.
    fn abort(&self) {
        self.ends.lock().unwrap().clear();
    }
}

impl<T> WireEnd<T> {
    fn meeting(&mut self, report: &WindowReport, counts: &[u64]) -> Result<Vec<Packet<T>>, ExchangeBroken> {
        for (to, items) in self.to.iter().zip(&mut self.out) {
            let packet = Packet { items: std::mem::take(items), report: report.clone(), counts: counts.to_vec() };
            to.send(packet).map_err(|_| ExchangeBroken)?;
        }
        self.from.iter().map(|from| from.recv().map_err(|_| ExchangeBroken)).collect()
    }
}

impl<T> ExchangeEnd<T> for WireEnd<T> {
    fn send(&mut self, out: &mut [Vec<T>]) {
        out.iter_mut().zip(&mut self.out).for_each(|(items, out)| std::mem::swap(items, out));
    }

    fn meet(&mut self, report: WindowReport) -> Result<WindowReport, ExchangeBroken> {
        let mut merged = WindowReport::default();
        self.received.clear();
        for packet in self.meeting(&report, &[])? {
            merged.merge(&packet.report);
            self.received.push(packet.items);
        }
        Ok(merged)
    }

    fn receive(&mut self, take: impl FnMut(&mut Vec<T>)) {
        self.received.iter_mut().for_each(take);
    }

    fn add_up(&mut self, counts: &mut [u64]) -> Result<(), ExchangeBroken> {
        let packets = self.meeting(&WindowReport::default(), counts)?;
        for (place, sum) in counts.iter_mut().enumerate() {
            *sum = packets.iter().map(|packet| packet.counts[place]).sum();
        }
        Ok(())
    }
}

/// All shards in one process, or in two.
fn processes(shards: usize) -> Vec<Vec<Range<usize>>> {
    let one = std::iter::once(0..shards).collect();
    if shards == 1 { vec![one] } else { vec![one, vec![0..shards / 2, shards / 2..shards]] }
}

/// Runs each process on a thread of its own, and gives what they return.
fn each<T: Send, R: Send>(wires: Vec<Wires<T>>, run: impl Fn(&Wires<T>) -> R + Sync) -> Vec<R> {
    together(wires, |wires| run(&wires))
}

/// Does something with each of these on a thread of its own.
fn together<S: Send, R: Send>(shares: impl IntoIterator<Item = S>, act: impl Fn(S) -> R + Sync) -> Vec<R> {
    let threads = WorkerThreads { first: 0, cores: &[], give_up: &|| () };
    threads.run_together(shares, |_, share| Ok::<R, Infallible>(act(share))).unwrap()
}

proptest! {
    #[test]
    fn windows_over_wires_are_those_of_shared_memory(case in cases(), shards in 1..5usize) {
        let expected = case.general(shards);
        for processes in processes(shards) {
            let ended =
                case.with(shards, |setup| each(wires(&processes), |wires| windowed::run(setup, &Push, wires).unwrap()));
            prop_assert!(ended.iter().all(|part| (part.end, part.at) == (expected.end, expected.ended_at)));
            let (end, at) = (ended[0].end, ended[0].at);
            let outcomes: Vec<ShardOutcome> = ended.into_iter().flat_map(|part| part.outcomes).collect();
            prop_assert_eq!(&case.outcome(EndedRun { end, at, outcomes }), &expected);
        }
    }

    #[test]
    fn shortest_paths_over_wires_are_those_of_shared_memory(
        case in cases(), shards in 1..5usize, origin in any::<u32>(),
    ) {
        let case = Case { workload: Workload::single(NodeId(origin % case.nodes)), ..case };
        case.with(shards, |setup| {
            let expected = shortest_path::run(setup, &Push, &LocalExchange::new(shards)).unwrap();
            for processes in processes(shards) {
                let parts = each(wires(&processes), |wires| shortest_path::run(setup, &Push, wires).unwrap());
                prop_assert!(parts.iter().all(|part| (part.end, part.at) == (expected.end, expected.at)));
                let receipts: Vec<Receipt> = parts.iter().flat_map(|part| part.receipts.iter()).collect();
                prop_assert!(receipts.iter().copied().eq(expected.receipts.iter()));
                let digest = parts.iter().fold(0_u64, |sum, part| sum.wrapping_add(part.digest));
                prop_assert_eq!(digest, expected.digest);
                let counts = |part: &shortest_path::ShortestPathOutcome| {
                    let record = &part.record;
                    [record.sent, record.received, record.duplicates, record.reached, record.spared, part.model_lost]
                };
                let sums = parts.iter().map(counts);
                let sums = sums.reduce(|sums, more| std::array::from_fn(|place| sums[place] + more[place]));
                // What crosses is counted where it is recognised as a duplicate, which is a sum's order and no more.
                prop_assert_eq!(sums, Some(counts(&expected)));
            }
            Ok(())
        })?;
    }

    #[test]
    fn reports_merge_in_any_grouping(
        reports in prop::collection::vec(reports(), 1..6), split in any::<prop::sample::Index>(),
    ) {
        let merged = |reports: &[WindowReport]| {
            let mut sum = WindowReport::default();
            reports.iter().for_each(|report| sum.merge(report));
            sum
        };
        let (left, right) = reports.split_at(split.index(reports.len()));
        prop_assert_eq!(merged(&[merged(left), merged(right)]), merged(&reports));
    }

    #[test]
    fn the_target_is_the_receipt_of_its_rank(
        times in prop::collection::vec(prop::collection::vec((0..3u32, 100..160u64), 0..40), 1..4),
        share in 1..=100usize,
    ) {
        let all: Vec<(u32, u64)> = times.iter().flatten().copied().collect();
        let of_order = |order: u32| {
            let receipts = all.iter().filter(|receipt| receipt.0 == order);
            let mut times: Vec<u64> = receipts.map(|receipt| receipt.1).collect();
            times.sort_unstable();
            times
        };
        let ranks = (0..3).filter(|&order| !of_order(order).is_empty());
        let crossing: Vec<(OrderIndex, u64)> =
            ranks.map(|order| (OrderIndex(order), (of_order(order).len() * share).div_ceil(100) as u64)).collect();
        let expected = crossing.iter().map(|&(order, rank)| of_order(order.0)[rank as usize - 1]).max().unwrap_or(100);
        let wires = &wires::<()>(std::slice::from_ref(&(0..times.len())))[0];
        let found = together(0..times.len(), |shard| {
            let fresh = times[shard].iter().map(|&(order, time)| (OrderIndex(order), Nanos(time)));
            target_time(&mut wires.end(shard), &crossing, fresh, Nanos(100)..=Nanos(160)).unwrap()
        });
        prop_assert!(found.iter().all(|&time| time == Nanos(expected)), "{found:?} {expected}");
    }
}

fn reports() -> impl Strategy<Value = WindowReport> {
    let window = || prop::option::of(0..9u64);
    let ends = prop::option::of(prop::sample::select(vec![End::Interrupted, End::OutOfMemory]));
    let fresh = prop::collection::btree_map(0..5u32, 1..9u64, 0..4);
    let counts = prop::array::uniform5(0..99u64);
    (window(), window(), any::<[bool; 2]>(), ends, counts, fresh).prop_map(
        |(next, wake, [late, interrupted], cut_short, [last_event, last_arrival, messages, events, holding], fresh)| {
            WindowReport {
                next,
                wake,
                events,
                holding,
                late,
                interrupted,
                cut_short,
                last_event: Nanos(last_event),
                last_arrival: Nanos(last_arrival),
                messages,
                fresh: fresh.into_iter().map(|(order, count)| (OrderIndex(order), count)).collect(),
            }
        },
    )
}
