//! Tests every way in which a run can end, except by a signal.

use crate::support::{run, sentences, to_quiescence};
use bulk_order_propagation::record::End;
use bulk_order_propagation::scenario::{Draft, Ttl, Until};
use bulk_order_propagation::time::Nanos;
use std::process::Command;

#[test]
fn at_the_target_with_no_fewer_nodes_than_it_takes() {
    for threads in [1, 2, 8] {
        let record =
            run(Draft { until: Some(Until::Target), ttl: Some(Ttl::Auto), ..to_quiescence(1_000, threads, 5) });
        assert_eq!(record.end, End::Target);
        assert!(record.reached() >= 950);
        let target = record.time_to("0.95".parse().unwrap()).unwrap();
        assert!(target <= record.elapsed);
    }
}

#[test]
fn at_quiescence_where_the_ttl_cannot_reach_the_target_and_says_so_first() {
    let record = run(Draft { until: Some(Until::Target), ttl: Some(Ttl::Hops(1)), ..to_quiescence(1_000, 2, 5) });
    assert_eq!((record.end, record.reached()), (End::Quiescent, 9));
    assert!(sentences(&record).iter().any(|notice| notice.contains("target")), "{:?}", record.notices);
}

#[test]
fn at_the_time_limit() {
    let record = run(Draft { timeout: Some(Nanos(1)), ..to_quiescence(2_000, 2, 5) });
    assert_eq!(record.end, End::Timeout);
    assert!(record.reached() < 2_000);
}

#[test]
fn at_once_with_one_node() {
    let record = run(Draft { until: Some(Until::Target), ..to_quiescence(1, 1, 5) });
    assert_eq!((record.end, record.reached(), record.ledger.sent), (End::Target, 1, 0));
    assert_eq!(run(to_quiescence(1, 1, 5)).end, End::Quiescent);
}

#[cfg(target_os = "linux")]
#[test]
fn past_the_hard_descriptor_limit_with_the_number_that_fits() {
    let bulkprop = env!("CARGO_BIN_EXE_bulkprop");
    let limited = |nodes: u32| {
        let line = format!("ulimit -Sn 100 && ulimit -Hn 200 && exec {bulkprop} --threads 1 --nodes {nodes}");
        Command::new("sh").args(["-c", &line]).output().unwrap()
    };
    let refused = limited(500);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{said}");
    let fits: u32 =
        said.split("leaves room for ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap();
    assert!(limited(fits).status.success(), "{fits} were said to fit");
    assert_eq!(limited(fits + 1).status.code(), Some(2));
}

/// Needs a network namespace of its own, so it is run separately: `just namespaces`.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs the right to make a network namespace"]
fn past_the_ports_of_one_address_on_the_next() {
    let bulkprop = env!("CARGO_BIN_EXE_bulkprop");
    let line = format!(
        "ip link set lo up && echo 40000 40099 > /proc/sys/net/ipv4/ip_local_port_range \
         && exec {bulkprop} --nodes 350 --threads 2 --until quiescent --ttl auto"
    );
    let output = Command::new("unshare").args(["-rn", "sh", "-c", &line]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A network that carries nothing is reported before the run, with a remedy. Run separately, as above.
#[cfg(all(target_os = "linux", not(portable)))]
#[test]
#[ignore = "needs the right to make a network namespace"]
fn a_loopback_that_is_down_is_reported_with_a_remedy() {
    let within = |line: &str| {
        let line = line.replace("bulkprop", env!("CARGO_BIN_EXE_bulkprop"));
        Command::new("unshare").args(["-rn", "sh", "-c", &line]).output().unwrap()
    };
    for carrier in ["udp", "udp-shard", "udp --processes 2", "udp-shard --processes 2"] {
        let refused = within(&format!("bulkprop --nodes 10 --threads 2 --transport {carrier}"));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(3), 0), "{carrier}: {said}");
        for advice in ["Network is unreachable", "ip link set lo up", "--transport memory or --transport simulated"] {
            assert!(said.contains(advice), "{carrier}: {said}");
        }
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(
            within(&format!("ip link set lo up && bulkprop --nodes 10 --threads 2 --transport {carrier}"))
                .status
                .success()
        );
    }
    for carrier in ["memory", "simulated", "unix"] {
        assert!(within(&format!("bulkprop --nodes 10 --threads 2 --transport {carrier}")).status.success());
    }
}
