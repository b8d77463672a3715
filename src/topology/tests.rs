//! Properties that all families share, the distributions that each is known for, and pinned results.
//!
//! Seeds are fixed, so a test passes always or never; bounds are five standard deviations unless stated otherwise.

mod interrupts;

use super::*;
use crate::theory::coverage::RandomGraph;
use proptest::prelude::*;

fn build(spec: &str, nodes: u32, peers: u32, seed: u64) -> Topology {
    spec.parse::<TopologySpec>().unwrap().build(nodes, peers, seed).unwrap()
}

fn peers_of(topology: &Topology, node: u32) -> Vec<u32> {
    topology.peers(NodeId(node)).map(|peer| peer.0).collect()
}

/// Asserts that rows ascend without repeats, no row holds its own node, and each link appears in both rows.
fn assert_simple(topology: &Topology) {
    let mut entries = 0;
    for node in 0..topology.nodes() {
        let peers = peers_of(topology, node);
        assert!(peers.is_sorted_by(|one, next| one < next), "{node}: {peers:?}");
        for (k, &peer) in peers.iter().enumerate() {
            assert_ne!(peer, node);
            assert_eq!(topology.peer(NodeId(node), k as u32).0, peer);
            assert!(peers_of(topology, peer).binary_search(&node).is_ok(), "{node} knows {peer}, not the reverse");
        }
        if let Some(row) = topology.row(NodeId(node)) {
            assert!(row.iter().map(|peer| peer.0).eq(peers.iter().copied()));
        }
        entries += peers.len() as u64;
    }
    assert_eq!(topology.links() * 2, entries);
    assert_eq!(topology.max_degree(), (0..topology.nodes()).map(|node| topology.degree(NodeId(node))).max().unwrap());
}

/// Asserts that `observed` counts agree with the `expected`: a chi-square within five standard deviations of its mean.
/// The counts are binomial with success probability `likely`, so that the variance is less than the mean by that share.
fn assert_agrees(observed: &[f64], expected: &[f64], likely: f64) {
    let chi_square: f64 = observed.iter().zip(expected).map(|(o, e)| (o - e) * (o - e) / (e * (1.0 - likely))).sum();
    let freedom = observed.len() as f64;
    assert!((chi_square - freedom).abs() < 5.0 * (2.0 * freedom).sqrt(), "{chi_square} with {freedom} degrees");
}

/// Counts the triangles: three nodes that are all linked with each other.
fn triangles(topology: &Topology) -> u64 {
    let common = |node: u32, peer: u32| {
        let peers = peers_of(topology, node);
        peers_of(topology, peer).iter().filter(|&third| *third > peer && peers.binary_search(third).is_ok()).count()
    };
    let above = |node: u32| peers_of(topology, node).into_iter().filter(move |&peer| peer > node);
    (0..topology.nodes()).map(|node| above(node).map(|peer| common(node, peer) as u64).sum::<u64>()).sum()
}

/// Returns the 64-bit Fowler-Noll-Vo hash of all rows: degree, then peers.
fn digest(topology: &Topology) -> u64 {
    let words = (0..topology.nodes())
        .flat_map(|node| std::iter::once(topology.degree(NodeId(node))).chain(peers_of(topology, node)));
    let bytes = words.flat_map(u32::to_le_bytes);
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

fn any_spec() -> impl Strategy<Value = TopologySpec> {
    prop_oneof![
        Just("erdos-renyi"),
        Just("random-regular"),
        Just("regular-implicit"),
        Just("watts-strogatz"),
        Just("watts-strogatz:1"),
        Just("barabasi-albert"),
        Just("dials"),
        Just("dials:reachable=1/2"),
        Just("ring"),
        Just("grid"),
        Just("star"),
        Just("complete"),
    ]
    .prop_map(|text| text.parse().unwrap())
}

proptest! {
    #[test]
    fn every_request_gives_a_simple_overlay_or_an_error(
        spec in any_spec(), nodes in 0u32..80, peers in 0u32..90, seed: u64,
    ) {
        match spec.build(nodes, peers, seed) {
            Ok(topology) => {
                prop_assert_eq!(topology.nodes(), nodes);
                assert_simple(&topology);
                prop_assert_eq!(&topology, &spec.build(nodes, peers, seed).unwrap());
            }
            Err(error) => {
                prop_assert!(spec.check(nodes, peers).is_err());
                prop_assert!(error.to_string().contains("--") && error.to_string().contains("; "), "{}", error);
            }
        }
    }
}

#[test]
fn the_smallest_overlays_have_the_expected_links() {
    for spec in [
        "erdos-renyi",
        "random-regular",
        "regular-implicit",
        "watts-strogatz",
        "barabasi-albert",
        "ring",
        "grid",
        "star",
        "complete",
    ] {
        let one = build(spec, 1, 0, 1);
        assert_eq!((one.nodes(), one.links(), one.max_degree()), (1, 0, 0), "{spec}");
    }
    for spec in ["erdos-renyi", "random-regular", "ring", "grid", "star", "complete"] {
        let two = build(spec, 2, 1, 1);
        assert_eq!((peers_of(&two, 0), peers_of(&two, 1)), (vec![1], vec![0]), "{spec}");
    }
    for spec in
        ["erdos-renyi", "random-regular", "regular-implicit", "watts-strogatz", "barabasi-albert", "ring", "complete"]
    {
        let three = build(spec, 3, 2, 1);
        let links = if spec == "barabasi-albert" { 2 } else { 3 };
        assert_eq!(three.links(), links, "{spec}");
        assert_simple(&three);
    }
}

#[test]
fn impossible_overlays_are_refused_with_a_reason_and_a_remedy() {
    for (spec, nodes, peers, said) in [
        ("ring", 0, 2, "--nodes 0: a network needs at least one node; ask for 1 or more"),
        ("erdos-renyi", 9, 0, "--peers 0 with --topology erdos-renyi: no node would know another; ask for at least 1"),
        ("barabasi-albert", 9, 0, "ask for at least 2"),
        ("erdos-renyi", 9, 9, "--peers 9 with --nodes 9: a node has at most 8 others to know; ask for fewer --peers"),
        ("erdos-renyi", 1, 1, "at most 0 others"),
        ("random-regular", 9, 3, "--nodes 9 with --peers 3 and --topology random-regular: nodes times peers must be"),
        ("watts-strogatz", 9, 3, "it needs an even number, half for either side of a link; ask for --peers 2 or 4"),
        ("barabasi-albert", 9, 5, "ask for --peers 4 or 6"),
        ("barabasi-albert", 9, 1, "half for either side of a link; ask for --peers 2"),
        ("watts-strogatz", 4, 3, "half for either side of a link; ask for --peers 2"),
        ("watts-strogatz", 2, 0, "--nodes 2 with --topology watts-strogatz: it gives each node two peers or more; ask"),
        ("barabasi-albert", 2, 1, "ask for at least --nodes 3"),
        ("erdos-renyi", u32::MAX, 20, "would hold 85899345900 peers over all nodes, and at most 4294967295 can be"),
        ("random-regular", 1 << 31, 2, "would hold 4294967296 peers"),
        ("regular-implicit", 9, 3, "--peers 3 with --topology regular-implicit: it needs an even number"),
        ("regular-implicit", 2, 1, "ask for at least --nodes 3"),
        (
            "regular-implicit",
            9_000,
            4_098,
            "it computes at most 4096 peers of a node; ask for --peers 4096 or fewer, or",
        ),
        ("star", u32::MAX, 0, "would hold 8589934588 peers"),
        ("file:/no/such/file", 9, 0, "--topology file:/no/such/file: "),
    ] {
        let error = spec.parse::<TopologySpec>().unwrap().build(nodes, peers, 1).unwrap_err().to_string();
        assert!(error.contains(said), "{spec} {nodes} {peers}: {error}");
    }
}

#[test]
fn a_complete_overlay_of_any_size_takes_no_memory() {
    let complete = build("complete", u32::MAX, 0, 1);
    assert_eq!((complete.bytes(), complete.degree(NodeId(5)), complete.row(NodeId(5))), (0, u32::MAX - 1, None));
    assert_eq!(complete.peer(NodeId(5), u32::MAX - 2), NodeId(u32::MAX - 1));
    assert_eq!(build("erdos-renyi", 10, 9, 1), build("complete", 10, 0, 1));
}

#[test]
fn a_seed_determines_the_overlay() {
    for spec in ["erdos-renyi", "random-regular", "regular-implicit", "watts-strogatz", "barabasi-albert"] {
        assert_eq!(build(spec, 3_000, 10, 1), build(spec, 3_000, 10, 1), "{spec}");
        assert_ne!(build(spec, 3_000, 10, 1), build(spec, 3_000, 10, 2), "{spec}");
    }
}

/// The vectors in `docs/DETERMINISM.md`: changing these changes every recorded run.
#[test]
fn draws_are_pinned() {
    for (spec, nodes, peers, links, expected) in [
        ("erdos-renyi", 1_000, 20, 9_947, 0x3E92_8E44_7D63_5436),
        ("erdos-renyi", 40_000, 20, 400_373, 0xBAD0_9DCF_47B6_A588),
        ("random-regular", 1_000, 20, 10_000, 0x2696_6B98_1D42_6729),
        ("random-regular", 30, 20, 300, 0x9AD3_A706_B288_46A5),
        ("watts-strogatz", 1_000, 20, 10_000, 0x9CDE_09D1_9384_F1DC),
        ("barabasi-albert", 1_000, 20, 9_945, 0x4B86_CD55_1FBB_33CD),
        ("dials", 1_000, 8, 8_000, 0xC0CA_34D5_4905_45AA),
        ("dials:reachable=0.1", 1_000, 8, 8_000, 0x4B6E_82F0_5103_3097),
        ("regular-implicit", 1_000, 20, 9_881, 0xE66C_E385_8E1C_0B9B),
        ("regular-implicit", 40_000, 20, 399_894, 0x46A3_D14A_9432_FF6D),
    ] {
        let overlay = build(spec, nodes, peers, 7);
        let found = (overlay.links(), digest(&overlay));
        assert_eq!(found, (links, expected), "{spec} {nodes}: {:#018X}", found.1);
    }
    let last = |spec| peers_of(&build(spec, 1_000, 6, 7), 999);
    assert_eq!(last("erdos-renyi"), [490, 643]);
    assert_eq!(last("random-regular"), [13, 504, 544, 806, 828, 994]);
    assert_eq!(last("regular-implicit"), [389, 511, 668, 744, 752, 860]);
    assert_eq!(last("watts-strogatz"), [0, 1, 2, 237, 996, 997, 998]);
    assert_eq!(last("barabasi-albert"), [26, 97, 632]);
}

/// Degrees are Binomial(N - 1, p), over five strips with a short last one.
#[test]
fn erdos_renyi_degrees_are_binomial() {
    let (nodes, peers) = (40_000, 20);
    let overlay = build("erdos-renyi", nodes, peers, 1);
    assert_simple(&overlay);
    let p = f64::from(peers) / f64::from(nodes - 1);
    let mut pmf = vec![(1.0 - p).powi(nodes as i32 - 1)];
    for k in 1..60 {
        pmf.push(pmf[k - 1] * f64::from(nodes - k as u32) / k as f64 * p / (1.0 - p));
    }
    let mut counts = vec![0.0; 60];
    (0..nodes).for_each(|node| counts[overlay.degree(NodeId(node)) as usize] += 1.0);
    let expected: Vec<f64> = pmf.iter().map(|share| share * f64::from(nodes)).collect();
    assert_agrees(&counts[6..38], &expected[6..38], 0.0);
}

/// Each pair is linked equally often, the first and the last included.
#[test]
fn erdos_renyi_links_all_pairs_alike() {
    let (nodes, peers, seeds) = (40, 8, 4_000);
    let mut linked = vec![0.0; (nodes * nodes) as usize];
    for seed in 0..seeds {
        let overlay = build("erdos-renyi", nodes, peers, seed);
        for node in 0..nodes {
            peers_of(&overlay, node).iter().for_each(|&peer| linked[(node * nodes + peer) as usize] += 1.0);
        }
    }
    let p = f64::from(peers) / f64::from(nodes - 1);
    let above = |node: u32| (node + 1..nodes).map(move |peer| (node * nodes + peer) as usize);
    let observed: Vec<f64> = (0..nodes).flat_map(above).map(|pair| linked[pair]).collect();
    assert_agrees(&observed, &vec![seeds as f64 * p; observed.len()], p);
}

/// Links spread evenly over all parts of the triangle of pairs, whichever block drew them.
#[test]
fn erdos_renyi_links_all_parts_alike() {
    let (nodes, peers, parts) = (40_000, 20, 20);
    let width = nodes / parts;
    let overlay = build("erdos-renyi", nodes, peers, 2);
    let mut linked = vec![0.0; (parts * parts) as usize];
    for node in 0..nodes {
        let above = peers_of(&overlay, node).into_iter().filter(|&peer| peer > node);
        above.for_each(|peer| linked[(node / width * parts + peer / width) as usize] += 1.0);
    }
    let p = f64::from(peers) / f64::from(nodes - 1);
    let pairs = |row, column| if row == column { width * (width - 1) / 2 } else { width * width };
    let cells = (0..parts).flat_map(|row| (row..parts).map(move |column| (row, column)));
    let (observed, expected): (Vec<_>, Vec<_>) =
        cells.map(|(row, column)| (linked[(row * parts + column) as usize], f64::from(pairs(row, column)) * p)).unzip();
    assert_agrees(&observed, &expected, p);
}

/// The nodes on either side of a strip border, and the first and last of all, have as many peers as others.
#[test]
fn erdos_renyi_has_no_seams() {
    let (nodes, peers, seeds) = (16_384 + 3, 20, 40);
    let watched = [0, 1, 8_191, 8_192, 16_383, 16_384, 16_385, 16_386];
    let mut degrees = [0.0; 8];
    for seed in 0..seeds {
        let overlay = build("erdos-renyi", nodes, peers, seed);
        watched.iter().zip(&mut degrees).for_each(|(&node, sum)| *sum += f64::from(overlay.degree(NodeId(node))));
    }
    assert_agrees(&degrees, &[f64::from(peers) * seeds as f64; 8], 0.0);
}

/// Independent links close d^3 / 6 triangles on average, at any size, with a Poisson spread.
#[test]
fn random_overlays_close_as_many_triangles_as_chance() {
    for (spec, expected) in [("erdos-renyi", 20.0f64.powi(3) / 6.0), ("random-regular", 19.0f64.powi(3) / 6.0)] {
        let closed = triangles(&build(spec, 20_000, 20, 3)) as f64;
        assert!((closed - expected).abs() < 5.0 * expected.sqrt(), "{spec}: {closed} {expected}");
    }
}

#[test]
fn random_regular_is_regular_at_every_size() {
    for nodes in 2..26 {
        for peers in (1..nodes).filter(|peers| nodes * peers % 2 == 0) {
            for seed in 0..4 {
                let overlay = build("random-regular", nodes, peers, seed);
                assert_simple(&overlay);
                assert!((0..nodes).all(|node| overlay.degree(NodeId(node)) == peers), "{nodes} {peers} {seed}");
            }
        }
    }
    let large = build("random-regular", 40_000, 20, 1);
    assert_simple(&large);
    assert!((0..40_000).all(|node| large.degree(NodeId(node)) == 20));
}

/// Of the 70 graphs on six nodes with two peers each, 60 are a ring and 10 are two triangles. Without the mixing
/// the triangles would be a fourteenth.
#[test]
fn random_regular_is_uniform_even_on_six_nodes() {
    let apart = |seed: &u64| reach(&build("random-regular", 6, 2, *seed), NodeId(0)).unwrap().reachable == 3;
    let share = (0..7_000).filter(apart).count() as f64 / 7_000.0;
    assert!((share - 1.0 / 7.0).abs() < 0.02, "{share}");
}

/// An order that goes to all peers gets as far, hop by hop, as on a random regular graph drawn link by link;
/// permutations with structure fall behind from the third hop on.
#[test]
fn implicit_overlays_spread_as_random_ones_at_every_distance() {
    for (nodes, peers, seeds) in [(10_000, 20, 24), (200_000, 20, 12), (50_000, 6, 24)] {
        let within: Vec<Vec<f64>> = (0..seeds)
            .map(|seed| {
                let by_depth = reach(&build("regular-implicit", nodes, peers, seed), NodeId(0)).unwrap().by_depth;
                let sums = by_depth.iter().scan(0, |sum, &at| {
                    *sum += at;
                    Some(f64::from(*sum) / f64::from(nodes))
                });
                sums.chain(std::iter::repeat(1.0)).take(12).collect()
            })
            .collect();
        let form = RandomGraph::regular(peers.into(), peers.into());
        for (hop, form) in form.coverage_by_hop(nodes.into()).take(12).enumerate() {
            let mean = within.iter().map(|run| run[hop]).sum::<f64>() / seeds as f64;
            let variance = within.iter().map(|run| (run[hop] - mean).powi(2)).sum::<f64>() / (seeds - 1) as f64;
            let allowed = 0.005 + 4.0 * (variance / seeds as f64).sqrt();
            assert!((mean - form).abs() < allowed, "{nodes} {peers}, hop {hop}: {mean:.4} {form:.4} {allowed:.4}");
        }
    }
}

#[test]
fn large_implicit_overlays_take_no_memory_and_report_bounds() {
    let overlay = build("regular-implicit", u32::MAX, 20, 1);
    assert!(overlay.bytes() < 1_000 && overlay.row(NodeId(5)).is_none());
    assert_eq!((overlay.links(), overlay.max_degree()), (u64::from(u32::MAX) * 10, 20));
    assert_eq!(reach(&overlay, NodeId(0)), None);
    for node in (0..1_000).map(|k| NodeId(u32::MAX - 1 - k * 4_000_000)) {
        let peers: Vec<NodeId> = overlay.peers(node).collect();
        assert!(peers.is_sorted_by(|one, next| one < next) && peers.len() >= 19 && !peers.contains(&node));
        assert!(peers.iter().all(|&peer| overlay.peers(peer).any(|back| back == node)));
    }
    // With `nodes - 1` peers this family too is the complete overlay.
    assert_eq!(build("regular-implicit", 9, 8, 1), build("complete", 9, 0, 1));
}

#[test]
fn watts_strogatz_runs_from_ring_to_random() {
    let (nodes, peers) = (20_000, 10);
    let near = |overlay: &Topology| {
        let distance = |one: u32, other: u32| one.abs_diff(other).min(nodes - one.abs_diff(other));
        let links = (0..nodes).flat_map(|node| peers_of(overlay, node).into_iter().map(move |peer| (node, peer)));
        links.filter(|&(node, peer)| distance(node, peer) <= peers / 2).count() as f64 / f64::from(nodes * peers)
    };
    let ring = build("watts-strogatz:0", nodes, peers, 1);
    assert_eq!(peers_of(&ring, 7), [2, 3, 4, 5, 6, 8, 9, 10, 11, 12]);
    // Each node is in 3 (k / 2) (k / 2 - 1) / 2 triangles with k peers, and each triangle has three nodes.
    assert_eq!(triangles(&ring), u64::from(nodes) * 10);
    for (spec, rewired) in [("watts-strogatz", 0.1), ("watts-strogatz:1/2", 0.5), ("watts-strogatz:1", 1.0)] {
        let overlay = build(spec, nodes, peers, 1);
        assert_simple(&overlay);
        assert_eq!(overlay.links(), u64::from(nodes * peers / 2), "{spec}");
        assert!((0..nodes).all(|node| overlay.degree(NodeId(node)) >= peers / 2), "{spec}");
        assert!((near(&overlay) - (1.0 - rewired)).abs() < 0.008, "{spec}: {}", near(&overlay));
    }
}

/// The share of nodes with at least k peers is m (m + 1) / (k (k + 1)) for m links per new node (Dorogovtsev, Mendes,
/// Samukhin 2000, "Structure of growing networks with preferential linking").
#[test]
fn barabasi_albert_degrees_have_the_published_tail() {
    let (nodes, links) = (50_000, 5);
    let overlay = build("barabasi-albert", nodes, 2 * links, 1);
    assert_simple(&overlay);
    assert_eq!(overlay.links(), u64::from(links * (links + 1) / 2 + (nodes - links - 1) * links));
    assert!(reach(&overlay, NodeId(0)).unwrap().is_everyone(nodes));
    for k in [5, 6, 10, 20, 50, 100] {
        let share = (0..nodes).filter(|&node| overlay.degree(NodeId(node)) >= k).count() as f64 / f64::from(nodes);
        let expected = f64::from(links * (links + 1)) / f64::from(k * (k + 1));
        let spread = 5.0 * (expected / f64::from(nodes)).sqrt();
        assert!((share - expected).abs() < spread + 0.01 * expected, "{k}: {share} {expected}");
    }
}

/// With independent links a share of e^-d of all nodes is isolated; the rest is one component here.
#[test]
fn a_sparse_overlay_is_not_connected_and_reports_its_reach() {
    let overlay = build("erdos-renyi", 20_000, 5, 1);
    let isolated = (0..20_000).filter(|&node| overlay.degree(NodeId(node)) == 0).count() as f64;
    let expected = 20_000.0 * f64::exp(-5.0);
    assert!((isolated - expected).abs() < 5.0 * expected.sqrt(), "{isolated} {expected}");
    let origin = (0..20_000).map(NodeId).find(|&node| overlay.degree(node) > 0).unwrap();
    let reach = reach(&overlay, origin).unwrap();
    assert!(!reach.is_everyone(20_000) && reach.reachable > 19_500, "{}", reach.reachable);
    assert_eq!(reach.by_depth.iter().sum::<u32>(), reach.reachable);
}

proptest! {
    /// The search that changes direction agrees with a plain one.
    #[test]
    fn distances_agree_with_a_plain_search(
        spec in prop::sample::select(vec![("erdos-renyi", 1), ("regular-implicit", 2)]),
        nodes in 3u32..400, peers in 1u32..4, origin in 0u32..400, seed: u64,
    ) {
        let (family, ends) = spec;
        let peers = (peers * ends).min((nodes - 1) / ends * ends);
        prop_assume!(origin < nodes);
        let overlay = build(family, nodes, peers, seed);
        let mut distance = vec![u32::MAX; nodes as usize];
        distance[origin as usize] = 0;
        let mut queue = std::collections::VecDeque::from([origin]);
        let mut by_depth = vec![];
        while let Some(node) = queue.pop_front() {
            let depth = distance[node as usize];
            by_depth.resize(depth as usize + 1, 0);
            by_depth[depth as usize] += 1;
            for peer in peers_of(&overlay, node) {
                if distance[peer as usize] == u32::MAX {
                    distance[peer as usize] = depth + 1;
                    queue.push_back(peer);
                }
            }
        }
        prop_assert_eq!(reach(&overlay, NodeId(origin)).unwrap().by_depth, by_depth);
    }
}

#[test]
fn a_materialized_overlay_has_the_same_peers() {
    let computed = TopologySpec::RegularImplicit.build(10_001, 20, 7).unwrap();
    let stored = computed.materialized(&Interrupt::new()).unwrap().unwrap();
    assert!(stored.is_stored() && !computed.is_stored());
    for node in (0..10_001).map(NodeId) {
        assert!(stored.peers(node).eq(computed.peers(node)), "{node}");
    }
    let complete = |nodes| TopologySpec::Complete.build(nodes, 0, 7).unwrap();
    let stored = complete(128).materialized(&Interrupt::new()).unwrap().unwrap();
    assert!((0..128).map(NodeId).all(|node| stored.peers(node).eq(complete(128).peers(node))));
    assert_eq!(complete(129).materialized(&Interrupt::new()).unwrap(), None);
}
