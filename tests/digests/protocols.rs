//! The scenarios in virtual time of the protocols beside push, flood, lazy and plumtree.

use crate::scenario::{BY_HOPS, BY_MESSAGES, BY_PATHS, Group, simulated};

/// Fanouts by hop, push-pull, the relay of Bitcoin Core, and turbine.
pub(crate) fn protocols() -> Group {
    let scenarios = vec![
        simulated(
            BY_HOPS,
            "fanout-by-hop",
            "--nodes 400 --protocol push,fanout=8/5/3 --latency 20ms --until quiescent --seed 121",
        ),
        simulated(
            BY_PATHS,
            "fanout-auto",
            "--nodes 300 --protocol push:auto --target 0.99 --loss 0.1 --latency uniform:5ms..50ms --seed 122",
        ),
        simulated(
            BY_MESSAGES,
            "push-pull",
            "--nodes 200 --protocol push-pull,round=100ms,rounds=12 --latency uniform:5ms..20ms --loss 0.05 --orders 6 \
             --rate 10/s --origins random --until quiescent --seed 123",
        ),
        simulated(
            BY_MESSAGES,
            "bitcoin",
            "--nodes 300 --protocol lazy:bitcoin --topology dials:reachable=0.3 --peers 8 --network bitcoin6 --orders \
             8 --rate 2/s --origins random --until quiescent --seed 124",
        ),
        simulated(
            BY_MESSAGES,
            "bitcoin-loss",
            "--nodes 200 --protocol lazy:bitcoin,getdata-interval=5s,announcements=3,in-flight=2 --topology \
             random-regular --peers 8 --latency uniform:10ms..100ms --loss 0.05 --orders 12 --rate 4/s --until \
             quiescent --seed 125",
        ),
        simulated(
            BY_MESSAGES,
            "bitcoin-detection",
            "--nodes 200 --protocol lazy:bitcoin --topology random-regular --peers 8 --latency uniform:10ms..50ms \
             --down 30%,at=1s --detect 100ms..700ms --orders 6 --rate 1/s --until quiescent --seed 126",
        ),
        simulated(
            BY_MESSAGES,
            "turbine",
            "--nodes 400 --protocol turbine,fanout=8 --payload-bytes 0..50kB --latency uniform:5ms..50ms --loss 0.1 \
             --orders 4 --rate 5/s --origins random --until quiescent --seed 127",
        ),
        simulated(
            BY_MESSAGES,
            "turbine-stakes",
            "--nodes 150 --protocol turbine,stake=pareto:1.2,data-shreds=8,coding-shreds=6 --payload-bytes 20kB \
             --latency 20ms --bandwidth up=20Mbit,down=20Mbit --duplicate 0.05 --down 10%,at=30ms --until quiescent \
             --seed 128",
        ),
        simulated(
            BY_MESSAGES,
            "push-hyparview",
            "--nodes 150 --protocol push,fanout=3@hyparview:iroh,settle-time=2s --exclude-sender --latency \
             uniform:0ms..20ms --loss 0.02 --join-time 4s --until quiescent --seed 127",
        ),
        simulated(
            BY_MESSAGES,
            "lazy-hyparview",
            "--nodes 200 --protocol lazy,announce-interval=10ms@hyparview,active-view-capacity=7 --contact 3 --origin 3 \
             --latency uniform:5ms..20ms --churn up=20s,down=2s --detect 200ms --orders 5 --rate 1/s --until quiescent \
             --seed 128",
        ),
    ];
    Group { name: "protocols", scenarios }
}
