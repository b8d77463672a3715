//! Tests of whole clusters, each process a thread of the test.

use super::fixtures::{Joining, free_hosts, join_all};
use super::*;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use timely::WorkerConfig;
use timely::communication::Hooks;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::allocator::{AllocatorBuilder, ProcessBuilder};
use timely::dataflow::InputHandle;
use timely::dataflow::operators::{Exchange, Input, Inspect, Probe};

/// A change of what one process is given.
type Change = fn(&mut Joining);

/// Returns all processes of a cluster.
fn joinings(processes: usize, is_sealed: bool) -> Vec<Joining> {
    let hosts = free_hosts(processes);
    (0..processes).map(|index| Joining::new(&hosts, index, is_sealed)).collect()
}

/// Runs a dataflow in which every worker sends numbers to all; returns the sum of those that came to this process.
fn sum_of_exchange(index: usize, mesh: Mesh, workers: usize, numbers: u64) -> u64 {
    let Mesh { streams, supervisor, .. } = mesh;
    let hooks = Hooks::default();
    let within = ProcessBuilder::new_typed_vector(workers, hooks.refill.clone(), hooks.spill.clone());
    let (allocators, guard) = initialize_networking_from_sockets(within, streams, index, workers, hooks).unwrap();
    let (allocators, guard) = (allocators.into_iter().map(AllocatorBuilder::Tcp).collect(), Box::new(guard));
    let (sums, summed) = mpsc::channel();
    let sums = Mutex::new(sums);
    let run = move |worker: &mut timely::worker::Worker| {
        let sums = sums.lock().unwrap().clone();
        let mut input = InputHandle::new();
        let probe = worker.dataflow(|scope| {
            let stream = scope.input_from(&mut input).container::<Vec<u64>>().exchange(|&number| number);
            stream.inspect(move |&number| sums.send(number).unwrap()).probe().0
        });
        (0..numbers).for_each(|number| input.send(number));
        input.advance_to(1_u64);
        while probe.less_than(input.time()) {
            worker.step();
        }
    };
    let guards = timely::execute::execute_from(allocators, guard, WorkerConfig::default(), run).unwrap();
    guards.join().into_iter().for_each(|end| end.unwrap());
    supervisor.finish();
    summed.iter().sum()
}

#[test]
fn timely_runs_over_the_connections() {
    for (processes, is_sealed) in [(1, false), (2, true), (3, false), (4, true)] {
        let (workers, numbers) = (2, 30_000);
        let ends = join_all(&joinings(processes, is_sealed), |index, joined| {
            let (mesh, losses) = joined.unwrap();
            (sum_of_exchange(index, mesh, workers, numbers), losses.try_recv().ok())
        });
        let total: u64 = ends.iter().map(|(sum, _)| sum).sum();
        assert_eq!(total, (processes * workers) as u64 * numbers * (numbers - 1) / 2, "{processes}");
        assert!(ends.iter().all(|(_, loss)| loss.is_none()), "{ends:?}");
    }
}

#[test]
fn what_two_processes_do_not_agree_on_is_said_on_both_sides() {
    let cases: [(Change, [&str; 2]); 5] = [
        (|it| it.scenario = "nodes = 6", ["was given another scenario"; 2]),
        (|it| it.version = "1.1", ["version 1.1, this is version 1.0", "version 1.0, this is version 1.1"]),
        (|it| it.secret = Some(8), ["does not have the same secret"; 2]),
        (|it| it.secret = None, ["it has no --secret-file and this", "it has a --secret-file and this"]),
        (
            |it| it.hosts = Hosts::parse("", &format!("{}\nother:1", shown(&it.hosts))).unwrap(),
            ["was given another hosts file"; 2],
        ),
    ];
    for (change, said) in cases {
        let mut joinings = joinings(2, true);
        change(&mut joinings[1]);
        let found = join_all(&joinings, |_, joined| joined.err().expect("they do not agree"));
        for (process, error) in found.iter().enumerate() {
            let text = error.to_string();
            assert!(text.contains(said[process]), "process {process} should say {}: {text}", said[process]);
            assert!(text.starts_with(&format!("process {} (", 1 - process)), "{text}");
        }
    }
}

/// Returns the text of a hosts file.
fn shown(hosts: &Hosts) -> String {
    (0..hosts.len()).map(|process| hosts.address(process).to_string()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_third_process_learns_why_two_others_gave_up() {
    let mut joinings = joinings(3, false);
    joinings[2].scenario = "nodes = 6";
    let found = join_all(&joinings, |_, joined| joined.err().expect("they do not agree").to_string());
    assert!(found.iter().all(|text| text.contains("scenario")), "{found:#?}");
}

#[test]
fn a_process_that_does_not_come_is_named() {
    let mut joinings = joinings(3, false);
    joinings.iter_mut().for_each(|it| it.limit = Nanos(600_000_000));
    let missing = joinings.remove(1).hosts.address(1).to_string();
    let found = join_all(&joinings, |_, joined| joined.err().expect("one is missing").to_string());
    for text in &found {
        assert!(text.contains(&missing), "{text}");
    }
    assert!(found.iter().any(|text| text.starts_with("after 600.000 ms")), "{found:?}");
}

#[test]
fn strangers_are_turned_away_and_do_no_harm() {
    let joinings = joinings(2, true);
    let address = joinings[0].hosts.address(0).to_string();
    let (done, over) = mpsc::channel::<()>();
    let stranger = thread::spawn(move || {
        // The first attempts come before the process listens.
        let mut kept = Vec::new();
        while over.try_recv().is_err() {
            for greeting in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", b"bulkprop", &[0xff; 4_096]] {
                if let Ok(mut socket) = TcpStream::connect(&address) {
                    let _ = socket.write_all(greeting);
                    kept.push(socket);
                }
            }
            thread::park_timeout(Duration::from_millis(10));
        }
        kept.len()
    });
    thread::park_timeout(Duration::from_millis(50));
    let sums = join_all(&joinings, |index, joined| sum_of_exchange(index, joined.unwrap().0, 1, 10));
    done.send(()).unwrap();
    assert_eq!(sums.iter().sum::<u64>(), 90);
    assert!(stranger.join().unwrap() > 0);
}

#[test]
fn another_program_at_a_dialled_address_is_told_from_a_silent_one() {
    for (greeting, said) in [(&b"SSH-2.0-OpenSSH_9.6\r\n"[..], "another program uses this port"), (b"", "says nothing")]
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap();
        let hosts = Hosts::parse("", &format!("{place}\n127.0.0.1:1")).unwrap();
        let joining = Joining { limit: Nanos(700_000_000), ..Joining::new(&hosts, 1, true) };
        let program = thread::spawn(move || {
            let mut ends: Vec<TcpStream> = (0..2).map(|_| listener.accept().unwrap().0).collect();
            ends.iter_mut().for_each(|end| end.write_all(greeting).unwrap());
            ends.iter_mut().for_each(|end| drop(end.read_to_end(&mut Vec::new())));
        });
        let error = joining.join().err().expect("nobody is there").to_string();
        assert!(error.starts_with(&format!("process 0 ({place}): ")) && error.contains(said), "{error}");
        program.join().unwrap();
    }
}

#[test]
fn a_cluster_over_a_network_needs_a_secret() {
    let hosts = Hosts::parse("", "127.0.0.1:2101\nnode2:2101").unwrap();
    let error = Joining::new(&hosts, 0, false).join().err().expect("no secret");
    assert!(matches!(&error, ClusterError::SecretRequired { .. }) && error.is_usage());
    assert!(error.to_string().contains("node2:2101") && error.to_string().contains("--secret-file"), "{error}");
    let error = Joining::new(&hosts, 2, true).join().err().expect("no such process").to_string();
    assert_eq!(error, "--process 2: the hosts file names 2 processes, 0 to 1; take one of them");
}

#[test]
fn an_address_in_use_or_elsewhere_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for (address, said) in [
        (listener.local_addr().unwrap().to_string(), "another program has the port"),
        ("192.0.2.1:2101".to_owned(), "on the machine that its line names"),
    ] {
        let hosts = Hosts::parse("", &format!("{address}\n127.0.0.1:1")).unwrap();
        let error = Joining::new(&hosts, 0, true).join().err().expect("it cannot listen").to_string();
        assert!(error.contains(&address) && error.contains(said), "{error}");
    }
}
