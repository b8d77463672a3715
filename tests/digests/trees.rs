//! The scenarios in virtual time of protocols that build trees.

use crate::scenario::{BY_MESSAGES, Group, simulated};

/// Plumtree: each set of rules, on networks with and without a least latency, with losses, failures and many senders.
pub(crate) fn trees() -> Group {
    let scenarios = vec![
        simulated(BY_MESSAGES, "plumtree", "--nodes 300 --protocol plumtree --peers 8 --until quiescent --seed 101"),
        simulated(
            BY_MESSAGES,
            "plumtree-loss",
            "--nodes 200 --protocol plumtree:iroh --topology random-regular --peers 6 --latency uniform:10ms..100ms \
             --loss 0.05 --orders 12 --rate 4/s --origins random --until quiescent --seed 102",
        ),
        simulated(
            BY_MESSAGES,
            "plumtree-strict",
            "--nodes 150 --protocol plumtree:iroh --peers 8 --latency uniform:0ms..5ms --orders 10 --rate 100/s \
             --until quiescent --seed 103",
        ),
        simulated(
            BY_MESSAGES,
            "plumtree-multi",
            "--nodes 200 --protocol plumtree:multi,optimization-threshold=2 --topology random-regular --peers 12 \
             --latency link:uniform:5ms..80ms --orders 30 --rate 20/s --origins random --until quiescent --seed 104",
        ),
        simulated(
            BY_MESSAGES,
            "plumtree-detection",
            "--nodes 200 --protocol plumtree,dispatch-timeout=10ms --topology random-regular --peers 8 --latency \
             uniform:10ms..50ms --down 30%,at=1s --detect 100ms..700ms --orders 12 --rate 4/s --until quiescent \
             --seed 105",
        ),
        simulated(
            BY_MESSAGES,
            "plumtree-hyparview",
            "--nodes 200 --protocol plumtree:iroh@hyparview --latency uniform:10ms..50ms --join-time 5s --down 30%,at=1s \
             --detect 100ms..700ms --orders 6 --rate 1/s --until quiescent --seed 107",
        ),
        simulated(
            BY_MESSAGES,
            "plumtree-churn",
            "--nodes 150 --protocol plumtree:iroh --peers 8 --churn up=2s,down=300ms --detect 50ms --orders 12 --rate \
             5/s --loss 0.02 --until quiescent --seed 106",
        ),
    ];
    Group { name: "trees", scenarios }
}
