//! The knobs of SWIM's dissemination, by the names of memberlist's configuration.

use super::super::knobs::{self, BadKnob, Knob, Knobs, Preset, knob};
use super::{Member, OFFERED_EXCHANGES};
use crate::time::Nanos;

/// The knobs of SWIM's dissemination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwimKnobs {
    /// Time between two ticks of gossip of a node.
    pub gossip_interval: Nanos,
    /// Nodes that a node tells something at a tick.
    pub gossip_nodes: u32,
    /// Transmissions of an item, in logarithms of the number of nodes.
    pub retransmit_mult: u32,
    /// Bytes of a packet.
    pub packet: u32,
    /// Time between two probes of a node; 0 for none.
    pub probe_interval: Nanos,
    /// Time between two exchanges of a node in networks of up to 32 nodes; 0 for none.
    pub push_pull_interval: Nanos,
}

/// Nodes up to which exchanges come at their interval.
const PUSH_PULL_SCALE_BEGIN: u32 = 32;

/// Bytes of a packet's own, and of each item in it, in memberlist's compound messages.
const COMPOUND_BYTES: u32 = 2;
const ITEM_BYTES: u32 = 2;

const LAN: SwimKnobs = SwimKnobs {
    gossip_interval: Nanos::from_millis(200),
    gossip_nodes: 3,
    retransmit_mult: 4,
    packet: 1_400,
    probe_interval: Nanos::from_secs(1),
    push_pull_interval: Nanos::from_secs(30),
};

const WAN: SwimKnobs = SwimKnobs {
    gossip_interval: Nanos::from_millis(500),
    gossip_nodes: 4,
    probe_interval: Nanos::from_secs(5),
    push_pull_interval: Nanos::from_secs(60),
    ..LAN
};

const LOCAL: SwimKnobs = SwimKnobs {
    gossip_interval: Nanos::from_millis(100),
    retransmit_mult: 2,
    push_pull_interval: Nanos::from_secs(15),
    ..LAN
};

impl Default for SwimKnobs {
    fn default() -> SwimKnobs {
        LAN
    }
}

impl SwimKnobs {
    /// Returns the transmissions of an item in a network of `nodes` nodes: `retransmitLimit` in `util.go`.
    pub fn transmissions_among(&self, nodes: u32) -> u32 {
        // The least number of digits d with 10^d >= N + 1.
        let digits = (0..).find(|&digits| 10_u64.pow(digits) > u64::from(nodes)).unwrap_or(0);
        self.retransmit_mult.saturating_mul(digits)
    }

    /// Returns the time between two exchanges of a node in a network of `nodes` nodes: `pushPullScale` in `util.go`.
    pub fn push_pull_interval_among(&self, nodes: u32) -> Nanos {
        let factor = if nodes <= PUSH_PULL_SCALE_BEGIN {
            1
        } else {
            // Rounded up, log2 N - log2 32, and 1.
            u64::from(u64::from(nodes).next_power_of_two().ilog2() - PUSH_PULL_SCALE_BEGIN.ilog2()) + 1
        };
        Nanos(self.push_pull_interval.0.saturating_mul(factor))
    }

    /// Returns the longest time for which a node tells an order that is alone in its queue, and then offers it.
    pub(crate) fn repair_horizon(&self, nodes: u32) -> Nanos {
        let ticks = self.transmissions_among(nodes).div_ceil(self.gossip_nodes) + 1;
        let telling = Nanos(self.gossip_interval.0.saturating_mul(ticks.into()));
        telling.max(Nanos(self.push_pull_interval_among(nodes).0.saturating_mul(OFFERED_EXCHANGES.into())))
    }

    /// Returns the number of items of this many bytes that fit a packet, at least one.
    pub(super) fn items_per_packet(&self, item_bytes: u32) -> usize {
        let room = self.packet.saturating_sub(COMPOUND_BYTES);
        (room / item_bytes.saturating_add(ITEM_BYTES)).max(1) as usize
    }

    /// Returns the bytes of the nodes' items and timers from the start, without what queues grow to.
    pub(crate) fn state_bytes(&self, nodes: u64) -> u64 {
        let timers =
            1 + u64::from(self.probe_interval > Nanos::ZERO) + u64::from(self.push_pull_interval > Nanos::ZERO);
        let timer = size_of::<(Nanos, u32, u64)>() as u64;
        nodes.saturating_mul(size_of::<Member>() as u64 + timers * timer)
    }
}

/// Reads a time between two ticks that come all the time, 0 for none.
fn rare_ticks(text: &str) -> Result<Nanos, BadKnob> {
    knobs::span(text, Nanos::ZERO..=Nanos::from_secs(3_600), "a time of up to 1h, 0 for none; write 30s")
}

impl Knobs for SwimKnobs {
    const PRESETS: &'static [Preset<SwimKnobs>] = &[
        Preset { name: "lan", source: "memberlist at 1b4c746, config.go, DefaultLANConfig", values: || LAN },
        Preset { name: "wan", source: "memberlist at 1b4c746, config.go, DefaultWANConfig", values: || WAN },
        Preset { name: "local", source: "memberlist at 1b4c746, config.go, DefaultLocalConfig", values: || LOCAL },
    ];

    const KNOBS: &'static [Knob<SwimKnobs>] = &[
        knob!(
            "gossip-interval",
            gossip_interval,
            "time between two ticks at which a node tells others what is new",
            |text| {
                let range = Nanos(1_000)..=Nanos::from_secs(3_600);
                knobs::span(text, range, "a node gossips every 1us to 1h; write 200ms")
            }
        ),
        knob!("gossip-nodes", gossip_nodes, "nodes that are told something at a tick", |text| {
            knobs::whole(text, 1..=255, "a node tells 1 to 255 others at a tick; write 3")
        }),
        knob!(
            "retransmit-mult",
            retransmit_mult,
            "transmissions of an order by a node, times the decimal digits of the number of nodes",
            |text| knobs::whole(text, 1..=1_000, "a factor is a whole number from 1 to 1000; write 4")
        ),
        knob!("packet", packet, "bytes of the orders that a node is told at once", |text| {
            knobs::whole(text, 64..=65_507, "a packet has 64 to 65507 bytes; write 1400")
        }),
        knob!(
            "probe-interval",
            probe_interval,
            "time between two probes of a node, which carry orders as well; 0 for none",
            rare_ticks
        ),
        knob!(
            "push-pull-interval",
            push_pull_interval,
            "time between two exchanges of a node, longer above 32 nodes; 0 for none",
            rare_ticks
        ),
    ];
}
