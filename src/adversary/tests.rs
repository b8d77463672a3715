//! Roles: shares and actions as requested, the first-spy estimator compared with its closed form, and the notation.

use super::*;
use crate::protocol::{TargetDraw, TargetScratch};
use crate::topology::TopologySpec;

const NODES: u32 = 100_000;

fn adversaries(text: &str) -> Adversaries {
    let peers = |node: NodeId| (1..=20).map(|step| NodeId((node.0 + step) % NODES)).collect();
    Adversaries::new(&text.parse().unwrap(), 7, NODES, &NodeNames::default(), peers, Some(NodeId(5))).unwrap()
}

/// Returns the share of nodes whose forward of an order from node 0 is treated so.
fn share(adversaries: &Adversaries, order: u32, act: Tampering) -> f64 {
    let forward = |node| adversaries.forward(NodeId(node), OrderIndex(order), NodeId(0));
    (0..NODES).filter(|&node| forward(node) == act).count() as f64 / f64::from(NODES)
}

#[track_caller]
fn assert_near(measured: f64, share: f64) {
    let deviation = (share * (1.0 - share) / f64::from(NODES)).sqrt();
    assert!((measured - share).abs() <= 5.0 * deviation, "{measured}, not {share}");
}

#[test]
fn parts_have_their_shares_and_do_not_overlap() {
    let all = adversaries("drop:10%+censor:20%,origin=0+delay:5%,by=2s+flood:1%,times=3+spy:30%");
    // Both the dropping and the censoring nodes withhold what node 0 publishes.
    assert_near(share(&all, 0, Tampering::Drop), 0.3);
    assert_near(share(&all, 0, Tampering::Delay(Nanos::from_secs(2))), 0.05);
    assert_near(share(&all, 0, Tampering::Flood(3)), 0.01);
    assert_near((0..NODES).filter(|&node| all.is_spy(NodeId(node))).count() as f64 / f64::from(NODES), 0.3);
    let other = (0..NODES).filter(|&node| all.forward(NodeId(node), OrderIndex(0), NodeId(1)) == Tampering::Drop);
    assert_near(other.count() as f64 / f64::from(NODES), 0.1);
    let everybody = adversaries("drop:1/3+delay:1/3,by=1s+spy:1/3");
    assert_eq!(everybody.forward(NodeId(5), OrderIndex(0), NodeId(0)), Tampering::AsUsual, "the origin is spared");
    assert!(Adversaries::none().is_none());
}

#[test]
fn who_drops_a_share_drops_others_each_time() {
    let half = adversaries("drop:100%,of=50%");
    assert_near(share(&half, 0, Tampering::Drop), 0.5);
    let unlike = (0..NODES)
        .map(NodeId)
        .filter(|&node| half.forward(node, OrderIndex(0), NodeId(0)) != half.forward(node, OrderIndex(1), NodeId(0)));
    assert_near(unlike.count() as f64 / f64::from(NODES), 0.5);
}

#[test]
fn the_owned_peers_leave_their_victim_alone() {
    let eclipse = adversaries("eclipse:100%,victim=7");
    for node in (0..100).map(NodeId) {
        let is_owned = (8..=27).contains(&node.0);
        assert_eq!(eclipse.withholds(node, NodeId(7)), is_owned, "{node}");
        assert!(!eclipse.withholds(node, NodeId(6)) && !eclipse.withholds(NodeId(7), node));
        let act = if is_owned { Tampering::Drop } else { Tampering::AsUsual };
        assert_eq!(eclipse.forward(node, OrderIndex(0), NodeId(7)), act);
        assert_eq!(eclipse.forward(node, OrderIndex(0), NodeId(6)), Tampering::AsUsual);
    }
    let half = adversaries("eclipse:50%,victim=7");
    let owned = (8..=27).filter(|&node| half.withholds(NodeId(node), NodeId(7))).count();
    assert!((2..=18).contains(&owned), "{owned}");
}

#[test]
fn the_first_sighting_counts_in_any_order_of_reports() {
    let sighting = |time, spy, from| Sighting { time: Nanos(time), spy: NodeId(spy), from: NodeId(from) };
    let all = [sighting(5, 1, 10), sighting(3, 9, 11), sighting(3, 2, 12), sighting(4, 0, 13)];
    for turn in 0..all.len() {
        let mut first = FirstSpy::new(2);
        for sighting in all.iter().cycle().skip(turn).take(all.len()) {
            first.see(OrderIndex(1), *sighting);
        }
        assert_eq!((first.guess(OrderIndex(0)), first.guess(OrderIndex(1))), (None, Some(NodeId(12))));
        assert_eq!(first.score(|_| NodeId(12)), SpyScore { orders: 2, seen: 1, right: 1 });
    }
    FirstSpy::new(0).see(OrderIndex(3), all[0]);
    assert_eq!(FirstSpy::new(0).score(|_| NodeId(0)), SpyScore { orders: 0, seen: 0, right: 0 });
}

#[test]
fn the_first_spy_is_right_as_often_as_the_closed_form_says() {
    // If all hops take equal time, the first spy names the origin exactly if one of its `fanout` targets spies: for a
    // share p of spies with probability 1 - (1 - p)^fanout. Roles are drawn per node, so p is the share itself.
    const FANOUT: u32 = 8;
    let topology = TopologySpec::Complete.build(1_000, 0, 7).unwrap();
    let (orders, spies) = (4_000, "spy:5%".parse().unwrap());
    let mut right = 0;
    for seed in 0..orders {
        let adversaries =
            Adversaries::new(&spies, seed, 1_000, &NodeNames::default(), |_| Vec::new(), Some(NodeId(0))).unwrap();
        let mut scratch = TargetScratch::new(FANOUT, &topology);
        let draw = TargetDraw::new(seed, FANOUT);
        let (mut pool, mut reached, mut frontier) = (FirstSpy::new(1), vec![false; 1_000], vec![NodeId(0)]);
        reached[0] = true;
        for hop in 1..=3 {
            let mut next = Vec::new();
            for from in frontier {
                for &to in draw.draw(&topology, OrderIndex(0), from, &mut scratch) {
                    if !std::mem::replace(&mut reached[to.index()], true) {
                        next.push(to);
                        if adversaries.is_spy(to) {
                            pool.see(OrderIndex(0), Sighting { time: Nanos(hop), spy: to, from });
                        }
                    }
                }
            }
            frontier = next;
        }
        right += pool.score(|_| NodeId(0)).right;
    }
    let form = 1.0 - 0.95f64.powi(FANOUT as i32);
    let measured = f64::from(right) / orders as f64;
    let error = (form * (1.0 - form) / orders as f64).sqrt();
    assert!((measured - form).abs() < 4.0 * error, "{measured}, not {form}");
}

#[test]
fn text_round_trips() {
    for (text, written) in [
        ("none", "none"),
        ("drop:10%", "drop:0.1"),
        ("drop:10%,of=50% + spy:5%", "drop:0.1,of=0.5+spy:0.05"),
        ("censor:1/3,origin=3", "censor:1/3,origin=3"),
        ("delay:0.1,by=1500ms", "delay:0.1,by=1500ms"),
        ("flood:1%,times=10+eclipse:1,victim=7", "flood:0.01,times=10+eclipse:1,victim=7"),
        ("drop:1/3+delay:1/3,by=1s+spy:1/3", "drop:1/3+delay:1/3,by=1s+spy:1/3"),
    ] {
        let spec: AdversarySpec = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(spec.to_string(), written);
        assert_eq!(written.parse::<AdversarySpec>().unwrap(), spec);
    }
}

#[test]
fn a_bad_adversary_is_refused_by_name() {
    for (text, said) in [
        ("", "the share of nodes is ``, which is no share"),
        ("drop", "the share of nodes is ``"),
        ("lie:10%", "`lie:10%` is no part of an adversary; choose one of drop:SHARE"),
        ("drop:110%", "the share of nodes is `110%`, which is no share from 0 to 1"),
        ("drop:10%,of=2", "of is `2`, which is no share"),
        ("drop:10%,by=1s", "`by=1s` is one figure too many"),
        ("censor:10%", "origin is missing"),
        ("censor:10%,origin=-1", "origin is `-1`, which is no node"),
        ("delay:10%", "by=TIME is missing"),
        ("delay:10%,by=-1s", "by is `-1s`, which is no time"),
        ("flood:10%,times=0", "times is `0`; write how often each message is sent, from 1 to 1000"),
        ("drop:60%+spy:50%", "the parts take more than all nodes together"),
        ("eclipse:1,victim=1+eclipse:1,victim=2", "two nodes are eclipsed"),
    ] {
        let error = text.parse::<AdversarySpec>().expect_err(text).to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    let nobody =
        Adversaries::new(&"censor:10%,origin=10".parse().unwrap(), 7, 10, &NodeNames::default(), |_| Vec::new(), None);
    let refusal = nobody.unwrap_err().to_string();
    assert_eq!(refusal, "--adversary origin=10 with --nodes 10: nodes are numbered from 0; ask for at most origin=9");
}

/// The vectors in `docs/DETERMINISM.md`.
#[test]
fn parts_are_pinned() {
    let spec: AdversarySpec = "drop:30%,of=50%+spy:30%+eclipse:50%,victim=7".parse().unwrap();
    let adversaries =
        Adversaries::new(&spec, 7, 20, &NodeNames::default(), |_| (0..20).map(NodeId).collect(), None).unwrap();
    let nodes = |is: &dyn Fn(NodeId) -> bool| (0..20).filter(|&node| is(NodeId(node))).collect::<Vec<u32>>();
    let drops = |node| adversaries.forward(node, OrderIndex(3), NodeId(0)) == Tampering::Drop;
    let drawn = [
        format!("drop {:?}", nodes(&drops)),
        format!("spy {:?}", nodes(&|node| adversaries.is_spy(node))),
        format!("owned {:?}", nodes(&|node| adversaries.withholds(node, NodeId(7)))),
    ];
    assert_eq!(
        drawn.join("\n"),
        "drop [7]\n\
         spy [4, 8, 13, 15]\n\
         owned [0, 2, 4, 5, 6, 7, 10, 14]"
    );
}
