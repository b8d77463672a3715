//! scratch
use bulk_order_propagation::{ids::NodeId, scenario::*, simulation, sync::Interrupt, time::Nanos};
fn main() {
    let a: Vec<usize> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
    let s = Scenario {
        transport: TransportKind::Udp,
        nodes: a[0] as u32,
        threads: a[1],
        topology: "erdos-renyi".parse().unwrap(),
        peers: 20.min(a[0] as u32 - 1),
        fanout: 8,
        ttl: Ttl::Hops(6),
        exclude_sender: false,
        target: "0.95".parse().unwrap(),
        until: if a[3] == 1 { Until::Quiescent } else { Until::Target },
        timeout: Some(Nanos::from_secs(3)),
        seed: 7,
        origin: NodeId(0),
        payload_bytes: 0,
        pin: Pin::Spread,
        spin: Spin::Auto,
        receive_buffer: None,
        runs: a[2] as u32,
    };
    let r = simulation::run(&s, &Interrupt::new()).unwrap();
    let mut t: Vec<_> = r.iter().map(|r| r.time_to(s.target).unwrap_or(Nanos::MAX)).collect();
    t.sort();
    let l = r.last().unwrap();
    println!(
        "median {} least {} greatest {} setup {} end {:?} reached {} wall {}",
        t[t.len() / 2],
        t[0],
        t[t.len() - 1],
        l.setup,
        l.end,
        l.reached(),
        l.wall
    );
    println!("{:?} balanced {}", l.ledger, l.ledger.is_balanced());
    for w in &l.workers {
        println!("{w:?}");
    }
}
