//! Processes that timely connects by sockets give the figures of one, whatever their number and that of their workers.

use super::*;
use crate::record::ClusterProcessRecord;
use crate::threads::WorkerThreads;
use std::convert::Infallible;
use std::net::{TcpListener, TcpStream};

/// Keeps the figures of all nodes, which can be compared.
const KEEPS: NodeFiguresRequest = NodeFiguresRequest { keeps: true, summarizes: false };

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
    let life = |process: usize, sockets| {
        let member = ClusterMember::new(sockets, process, threads).unwrap();
        Ok::<_, Infallible>(
            case.with(member.workers(), |setup| run_in_cluster(setup, protocol, &member, KEEPS).unwrap()),
        )
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

/// Makes a first-message run as a cluster, and asserts that it gives what one process gives along shortest paths.
fn assert_shortest_equal(case: &Case, [processes, threads]: [usize; 2], keeps_traffic: bool) {
    fn with_traffic<'a>(setup: &EngineSetup<'a>, keeps_traffic: bool) -> EngineSetup<'a> {
        EngineSetup { keeps_traffic, ..*setup }
    }
    let expected = case.with(2, |of_case| run_first(&with_traffic(of_case, keeps_traffic), &Push).unwrap());
    let life = |process: usize, sockets| {
        let member = ClusterMember::new(sockets, process, threads).unwrap();
        let ran = case.with(member.workers(), |of_case| {
            run_first_in_cluster(&with_traffic(of_case, keeps_traffic), &Push, &member, KEEPS).unwrap()
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
        assert_shortest_equal(&Case { workload, ..case }, shape, keeps_traffic);
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
    let error = case.with(1, |setup| run_in_cluster(setup, &Push, &member, KEEPS).unwrap_err());
    assert!(error.is_usage() && error.to_string().starts_with("--cluster"), "{error}");
}
