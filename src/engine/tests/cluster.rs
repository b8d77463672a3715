//! Processes that timely connects by sockets give the figures of one, whatever their number and that of their workers.

use super::*;
use crate::record::ClusterProcessRecord;
use crate::threads::WorkerThreads;
use std::convert::Infallible;
use std::net::{TcpListener, TcpStream};

/// Keeps the figures of all nodes, which can be compared.
const KEEPS: NodeFiguresRequest = NodeFiguresRequest { keeps: true, summarizes: false };

/// The fanout in place of which all peers are targets.
const FLOODS: u32 = 8;

/// Connects each of `processes` processes with all others; returns the sockets of each.
fn sockets(processes: usize) -> Vec<Vec<Option<TcpStream>>> {
    let mut sockets: Vec<Vec<Option<TcpStream>>> =
        (0..processes).map(|_| (0..processes).map(|_| None).collect()).collect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let pairs = (0..processes).flat_map(|one| (one + 1..processes).map(move |other| (one, other)));
    for (one, other) in pairs {
        let dialled = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let accepted = listener.accept().unwrap().0;
        for socket in [&dialled, &accepted] {
            socket.set_nodelay(true).unwrap();
        }
        (sockets[one][other], sockets[other][one]) = (Some(dialled), Some(accepted));
    }
    sockets
}

/// Makes the run as a cluster of processes with this many workers each, and returns the outcome of the first.
fn clustered<P: Protocol>(
    case: &Case,
    protocol: &P,
    [processes, threads]: [usize; 2],
) -> (EngineOutcome, Vec<ClusterProcessRecord>) {
    let life =
        |process: usize, sockets| {
            let member = ClusterMember::new(sockets, process, threads).unwrap();
            Ok::<_, Infallible>(case.with(member.workers(), |setup| {
                run_in_cluster(setup, &AnyProtocol::of(protocol), &member, KEEPS).unwrap()
            }))
        };
    let all = WorkerThreads { first: 0, cores: &[], give_up: &|| () };
    let mut outcomes = all.run_together(sockets(processes), life).unwrap();
    let own: Vec<ClusterProcessRecord> = outcomes.iter().map(|outcome| outcome.own).collect();
    assert!(outcomes[1..].iter().all(|outcome| outcome.outcome.is_none() && outcome.processes.is_empty()));
    let kept = outcomes.iter().map(|outcome| outcome.nodes.receipts.len());
    assert_eq!(kept.sum::<usize>(), (case.nodes * case.workload.orders()) as usize);
    let traffic: Vec<Traffic> = outcomes.iter().flat_map(|outcome| outcome.nodes.traffic.clone()).collect();
    let first = outcomes.remove(0);
    assert_eq!(first.outcome.as_ref().map(|outcome| &outcome.traffic), Some(&traffic));
    assert_eq!(first.processes, own);
    (first.outcome.expect("process 0 has the outcome"), own)
}

/// Asserts that a cluster of this shape gives what one process gives.
fn assert_equal<P: Protocol>(case: &Case, protocol: &P, shape: [usize; 2]) {
    let expected = case.general_of(1, protocol);
    let (outcome, processes) = clustered(case, protocol, shape);
    assert_eq!(outcome, expected, "{shape:?} {case:?}");
    let [count, threads] = shape;
    assert_eq!(processes.len(), count);
    assert!(processes.iter().all(|process| process.workers as usize == threads && process.meetings > 0));
    assert_eq!(processes.iter().map(|process| process.nodes).sum::<u32>(), case.nodes);
    assert!(processes.iter().all(|process| (process.bytes_sent > 0) == (count > 1)));
}

/// Makes a first-message run as a cluster, and asserts that it gives what one process gives with the same engine.
fn assert_first_equal(case: &Case, [processes, threads]: [usize; 2], engine: Engine, keeps_traffic: bool) {
    fn with<'a>(setup: &EngineSetup<'a>, (engine, keeps_traffic, floods): (Engine, bool, bool)) -> EngineSetup<'a> {
        let draw = if floods { TargetDraw::unordered() } else { setup.draw };
        EngineSetup { engine, keeps_traffic, draw, ..*setup }
    }
    let how = (engine, keeps_traffic, case.fanout == FLOODS);
    let expected = case.with(2, |of_case| run_first(&with(of_case, how), &Push).unwrap());
    let life = |process: usize, sockets| {
        let member = ClusterMember::new(sockets, process, threads).unwrap();
        let ran = case.with(member.workers(), |of_case| {
            run_first_in_cluster(&with(of_case, how), &Push, &member, KEEPS).unwrap()
        });
        Ok::<_, Infallible>(ran.outcome)
    };
    let all = WorkerThreads { first: 0, cores: &[], give_up: &|| () };
    let outcome = all.run_together(sockets(processes), life).unwrap().remove(0).expect("process 0 has the outcome");
    // Hops keep no senders where they keep no traffic, and receipts of other forms.
    let of = |outcome: &EngineOutcome| -> Vec<Receipt> { outcome.receipts.iter().collect() };
    assert_eq!(of(&outcome), of(&expected), "{case:?}");
    assert_eq!(outcome.totals, expected.totals, "{case:?}");
    assert_eq!((outcome.end, outcome.ended_at, outcome.is_rough), (expected.end, expected.ended_at, false));
    assert_eq!(outcome.traffic, expected.traffic, "{case:?}");
}

fn shapes() -> impl Strategy<Value = [usize; 2]> {
    prop::sample::select(vec![[1, 1], [1, 2], [2, 1], [2, 2], [4, 1], [4, 2]])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 24 } else { 200 }))]

    #[test]
    fn processes_of_any_number_give_what_one_gives(
        case in cases(), faults in faults(), adversary in adversaries(), bandwidth in prop::option::of(bandwidths()),
        shape in shapes(), protocol in 0..3, interval in intervals(),
    ) {
        let case = Case { faults, adversary, bandwidth, ..case };
        match protocol {
            0 => assert_equal(&case, &Push, shape),
            1 => assert_equal(&Case { exclude_sender: true, ..case }, &Flood, shape),
            _ => assert_equal(&case, &Lazy::waiting(Nanos(40), interval), shape),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 16 } else { 200 }))]

    #[test]
    fn shortest_paths_over_processes_are_those_of_one(
        case in cases(), shape in shapes(), keeps_traffic in any::<bool>(), origin in any::<u32>(),
    ) {
        let workload = Workload::single(NodeId(origin % case.nodes));
        let engine = if case.loss.mean() == 0.0 { Engine::Fast } else { Engine::Auto };
        assert_first_equal(&Case { workload, ..case }, shape, engine, keeps_traffic);
    }

    #[test]
    fn hops_over_processes_are_those_of_one(
        case in cases(), nodes in 20..3_000u32, ttl in 1..30u8, latency in 1..40u64, fanout in 1..9u32,
        shape in shapes(), keeps_traffic in any::<bool>(), origin in any::<u32>(),
    ) {
        let workload = Workload::single(NodeId(origin % nodes));
        let (latency, loss) = (Latency::Constant(Nanos(latency)), LossSpec::NONE);
        let case = Case { nodes, ttl, latency, fanout, loss, workload, ..case };
        assert_first_equal(&case, shape, Engine::Hops, keeps_traffic);
    }
}

/// A hop that is interrupted counts in no process, and what it would have sent is known.
#[test]
fn an_interrupt_leaves_whole_hops_in_every_process() {
    let case = cases().new_tree(&mut proptest::test_runner::TestRunner::deterministic()).unwrap().current();
    let (workload, latency) = (Workload::single(NodeId(0)), Latency::Constant(Nanos(1_000_000)));
    let case = Case { nodes: 30_000, fanout: 6, ttl: 255, workload, latency, timeout: None, ..case };
    let case = Case { loss: LossSpec::NONE, ends_at_target: false, exclude_sender: true, ..case };
    /// Interrupts a run when it has reached so many nodes.
    struct Raises<'a>(&'a Interrupt);
    impl crate::threads::Observer for Raises<'_> {
        fn progressed(&self, progress: &crate::threads::Progress) {
            if progress.reached > 500 {
                self.0.raise();
            }
        }
    }
    let life = |process: usize, sockets| {
        let member = ClusterMember::new(sockets, process, 1).unwrap();
        let interrupt = Interrupt::new();
        // Only the first process is interrupted.
        let observer = Raises(&interrupt);
        let ran = case.with(member.workers(), |setup| {
            let setup = EngineSetup { interrupt: &interrupt, observer: &observer, engine: Engine::Hops, ..*setup };
            run_first_in_cluster(&setup, &Push, &member, KEEPS).unwrap()
        });
        Ok::<_, Infallible>((ran.end, ran.outcome))
    };
    let all = WorkerThreads { first: 0, cores: &[], give_up: &|| () };
    let outcomes = all.run_together(sockets(2), life).unwrap();
    assert!(outcomes.iter().all(|(end, _)| *end == End::Interrupted));
    let outcome = outcomes.into_iter().next().and_then(|(_, outcome)| outcome).expect("process 0 has the outcome");
    let (record, receipts) = (&outcome.totals.record, outcome.each());
    let reached = receipts.iter().filter(|receipt| receipt.is_reached()).count() as u64;
    assert_eq!((record.reached, outcome.totals.digest, outcome.is_rough), (reached, 0, false));
    assert!((501..30_000).contains(&reached), "{reached}");
    assert_eq!(record.received, reached - 1 + record.duplicates);
    assert_eq!((record.sent, record.carrier.drained), (record.received, 0));
    assert!(record.queued_unsent > 500, "{record:?}");
    for receipt in receipts.iter().filter(|receipt| receipt.is_reached() && receipt.hop > 0) {
        let cause = receipts[receipt.sender.index()];
        assert_eq!((cause.hop + 1, receipt.time), (receipt.hop, Nanos(1_000_000 * u64::from(receipt.hop))));
    }
}

/// A window of more messages than fit one packet, of a size that each family of tails has.
#[test]
fn a_window_is_as_long_as_it_may_be() {
    let case = cases().new_tree(&mut proptest::test_runner::TestRunner::deterministic()).unwrap().current();
    let (workload, latency) = (Workload::single(NodeId(0)), Latency::Constant(Nanos(1_000_000)));
    let case = Case { nodes: 30_000, fanout: 6, ttl: 255, workload, latency, window: 1, timeout: None, ..case };
    let case = Case { loss: LossSpec::NONE, ends_at_target: false, ..case };
    assert_equal(&case, &Push, [2, 1]);
    assert_equal(&case, &Lazy::waiting(Nanos(40_000_000), Nanos::ZERO), [2, 2]);
}

#[test]
fn what_a_cluster_cannot_compute_is_refused() {
    let case = cases().new_tree(&mut proptest::test_runner::TestRunner::deterministic()).unwrap().current();
    let case = Case { latency: uniform(0, 9), ..case };
    let member = ClusterMember::new(sockets(1).remove(0), 0, 1).unwrap();
    let error = case.with(1, |setup| run_in_cluster(setup, &AnyProtocol::of(&Push), &member, KEEPS).unwrap_err());
    assert!(error.is_usage() && error.to_string().starts_with("--cluster"), "{error}");
}
