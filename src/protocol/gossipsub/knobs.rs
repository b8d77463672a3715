//! The parameters of gossipsub, under the names of its specification, and the sets of values that are in use.

use crate::protocol::knobs::{BadKnob, Knob, Knobs, Preset, flag, knob, span, whole};
use crate::quantity;
use crate::random::Probability;
use crate::ratio::Ratio;
use crate::time::Nanos;

/// The parameters of gossipsub.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GossipsubKnobs {
    /// Mesh peers that a node aims at.
    pub d: u32,
    /// With fewer mesh peers, a heartbeat grafts.
    pub d_low: u32,
    /// With more mesh peers, a heartbeat prunes.
    pub d_high: u32,
    /// Mesh peers that a node keeps dialled by itself; 0 for no such quota.
    pub d_out: u32,
    /// True if a heartbeat prunes with `d_high` mesh peers already.
    pub prune_at_d_high: bool,
    /// Peers outside of the mesh that a heartbeat gossips to, at least.
    pub d_lazy: u32,
    /// Share of the peers outside of the mesh that a heartbeat gossips to.
    pub gossip_factor: Ratio,
    /// True if that share is drawn for each peer by itself.
    pub gossip_by_coin: bool,
    /// Time between heartbeats.
    pub heartbeat_interval: Nanos,
    /// Time from the start of a node to the interval of its first heartbeat.
    pub heartbeat_delay: Nanos,
    /// Heartbeats for which an order stays in the cache.
    pub mcache_len: u32,
    /// Heartbeats that announce an order.
    pub mcache_gossip: u32,
    /// Time for which neither end grafts a pruned link; 0 for none.
    pub prune_backoff: Nanos,
    /// True if an origin sends its order to all peers.
    pub flood_publish: bool,
    /// Times that a peer is sent the same order on request.
    pub gossip_retransmission: u32,
    /// Time that a node waits for an order that it has requested.
    pub iwant_followup: Nanos,
    /// True if an order that is awaited from one announcer is not requested from another.
    pub iwant_once: bool,
    /// Orders that a heartbeat announces to a peer, at most.
    pub max_ihave_length: u32,
    /// Bytes of an order from which on a node says that it has it; `u32::MAX` for never.
    pub idontwant_bytes: u32,
    /// Heartbeats for which a peer's word that it has an order counts.
    pub idontwant_ttl: u32,
    /// Words of that kind that a node keeps of a peer for each of these heartbeats, at most.
    pub max_idontwant: u32,
    /// Of `d` mesh peers, those that an order is announced to in place of being sent; 0 for none.
    pub d_announce: u32,
    /// Time that a node waits for an order that was announced to it as a mesh peer.
    pub announce_timeout: Nanos,
}

/// The share 0.25.
const QUARTER: Ratio = match Ratio::new(25, 100) {
    Some(quarter) => quarter,
    None => panic!("one quarter is a share"),
};

impl GossipsubKnobs {
    /// Version 1.0 of the specification.
    pub const V1_0: GossipsubKnobs = GossipsubKnobs {
        d_out: 0,
        gossip_factor: match Ratio::new(0, 1) {
            Some(none) => none,
            None => panic!("nothing is a share"),
        },
        prune_backoff: Nanos::ZERO,
        flood_publish: false,
        ..GossipsubKnobs::SPEC
    };

    /// Version 1.1 of the specification.
    pub const SPEC: GossipsubKnobs = GossipsubKnobs {
        d: 6,
        d_low: 4,
        d_high: 12,
        d_out: 2,
        prune_at_d_high: false,
        d_lazy: 6,
        gossip_factor: QUARTER,
        gossip_by_coin: false,
        heartbeat_interval: Nanos::from_secs(1),
        heartbeat_delay: Nanos::ZERO,
        mcache_len: 5,
        mcache_gossip: 3,
        prune_backoff: Nanos::from_secs(60),
        flood_publish: true,
        gossip_retransmission: 3,
        iwant_followup: Nanos::from_secs(3),
        iwant_once: false,
        max_ihave_length: 5_000,
        idontwant_bytes: u32::MAX,
        idontwant_ttl: 3,
        max_idontwant: 1_000,
        d_announce: 0,
        announce_timeout: Nanos::from_millis(400),
    };

    /// Version 1.2 of the specification, with the threshold of the Go implementation.
    pub const V1_2: GossipsubKnobs = GossipsubKnobs { idontwant_bytes: 1_024, ..GossipsubKnobs::SPEC };

    /// The draft of version 2.0.
    pub const V2_0: GossipsubKnobs = GossipsubKnobs { d_announce: 4, flood_publish: false, ..GossipsubKnobs::V1_2 };

    /// The defaults of go-libp2p-pubsub.
    pub const GO: GossipsubKnobs = GossipsubKnobs {
        d_low: 5,
        prune_at_d_high: true,
        heartbeat_delay: Nanos::from_millis(100),
        flood_publish: false,
        ..GossipsubKnobs::V1_2
    };

    /// The defaults of rust-libp2p.
    pub const RUST: GossipsubKnobs = GossipsubKnobs {
        d_low: 5,
        prune_at_d_high: true,
        heartbeat_delay: Nanos::from_secs(5),
        iwant_once: true,
        idontwant_bytes: 1_000,
        ..GossipsubKnobs::V1_2
    };

    /// The consensus layer of Ethereum. What its specification leaves open is that of libp2p's; clients differ in
    /// flooding what they publish, and none does here.
    pub const ETHEREUM: GossipsubKnobs = GossipsubKnobs {
        d: 8,
        d_low: 6,
        heartbeat_interval: Nanos::from_millis(700),
        mcache_len: 6,
        flood_publish: false,
        ..GossipsubKnobs::SPEC
    };

    /// Returns the longest time from the receipt of an order to the last repair by its receiver: it announces the order
    /// at the last of its heartbeats, and somebody who requests it may wait for the answer.
    pub fn repair_horizon(&self) -> Nanos {
        Nanos(self.heartbeat_interval.0.saturating_mul(u64::from(self.mcache_gossip) + 1)) + self.iwant_followup
    }

    /// Returns the time for which an order stays in a node's cache.
    pub fn cache_time(&self) -> Nanos {
        Nanos(self.heartbeat_interval.0.saturating_mul(u64::from(self.mcache_len) + 1))
    }

    /// Returns the probability of announcing an order to a mesh peer instead of sending it.
    pub(super) fn announces(&self) -> Probability {
        Ratio::new(self.d_announce.into(), self.d.into()).map_or(Probability::NEVER, Probability::of)
    }
}

impl Default for GossipsubKnobs {
    fn default() -> GossipsubKnobs {
        GossipsubKnobs::SPEC
    }
}

impl Knobs for GossipsubKnobs {
    const PRESETS: &'static [Preset<GossipsubKnobs>] = &[
        Preset { name: "spec", source: "libp2p/specs gossipsub-v1.1 @7740c07", values: || GossipsubKnobs::SPEC },
        Preset { name: "v1.0", source: "libp2p/specs gossipsub-v1.0 @7740c07", values: || GossipsubKnobs::V1_0 },
        Preset { name: "v1.2", source: "libp2p/specs gossipsub-v1.2 @7740c07", values: || GossipsubKnobs::V1_2 },
        Preset { name: "v2.0", source: "libp2p/specs pull request 653", values: || GossipsubKnobs::V2_0 },
        Preset { name: "go", source: "go-libp2p-pubsub @41b11d5", values: || GossipsubKnobs::GO },
        Preset { name: "rust", source: "libp2p-gossipsub 0.50.1", values: || GossipsubKnobs::RUST },
        Preset {
            name: "ethereum",
            source: "ethereum/consensus-specs phase0 @a08d8a6",
            values: || GossipsubKnobs::ETHEREUM,
        },
    ];

    const KNOBS: &'static [Knob<GossipsubKnobs>] = &[
        knob!("d", d, "mesh peers that a node aims at", |text| number(text, 1, 1000)),
        knob!("d-low", d_low, "with fewer mesh peers, a heartbeat grafts", |text| number(text, 0, 1000)),
        knob!("d-high", d_high, "with more mesh peers, a heartbeat prunes", |text| number(text, 1, 1000)),
        knob!("prune-at-d-high", prune_at_d_high, "a heartbeat prunes with d-high mesh peers already", flag),
        knob!("d-out", d_out, "mesh peers that the node dialled; 0 for no quota", |text| number(text, 0, 500)),
        knob!("d-lazy", d_lazy, "peers that a heartbeat gossips to, at least", |text| number(text, 0, 1000)),
        knob!(
            "gossip-factor",
            gossip_factor,
            "share of the peers outside of the mesh that a heartbeat gossips to",
            |text| text.parse().map_err(|_| BadKnob::new("it is a share from 0 to 1; write 0.25 or 25%"))
        ),
        knob!("gossip-by-coin", gossip_by_coin, "draws that share for each peer by itself", flag),
        knob!("heartbeat-interval", heartbeat_interval, "time between heartbeats", |text| span(
            text,
            INTERVAL_MIN..=HOUR,
            "a heartbeat comes every 10ms to 1h"
        )),
        knob!("heartbeat-delay", heartbeat_delay, "time before the interval of the first heartbeat", |text| span(
            text,
            NONE..=HOUR,
            "the delay is at most 1h"
        )),
        knob!("mcache-len", mcache_len, "heartbeats for which an order can be requested", |text| number(
            text, 1, 100000
        )),
        knob!("mcache-gossip", mcache_gossip, "heartbeats that announce an order", |text| number(text, 0, 100000)),
        knob!("prune-backoff", prune_backoff, "time for which a pruned link is not grafted; 0 for none", |text| {
            span(text, NONE..=DAY, "a backoff is at most 24h")
        }),
        knob!("flood-publish", flood_publish, "an origin sends its order to all peers", flag),
        knob!("gossip-retransmission", gossip_retransmission, "answers to a peer about an order", |text| number(
            text, 0, 1000
        )),
        knob!("iwant-followup", iwant_followup, "time that a node waits for a requested order", |text| span(
            text,
            LEAST..=HOUR,
            "the time is above 0 and at most 1h"
        )),
        knob!("iwant-once", iwant_once, "requests an order from one announcer at a time", flag),
        knob!("max-ihave-length", max_ihave_length, "orders that a heartbeat announces to a peer", |text| number(
            text, 1, 1000000
        )),
        Knob {
            name: "idontwant-bytes",
            help: "bytes from which on a node tells its mesh that it has an order; off for never",
            read: |knobs, text| {
                let rule = "it is a length from 0 to 4GB, as 1KiB, or off";
                knobs.idontwant_bytes = match (text, quantity::bytes(text)) {
                    ("off", _) => u32::MAX,
                    (_, Ok(bytes)) if bytes < u32::MAX.into() => bytes as u32,
                    (_, Ok(_)) => return Err(BadKnob::new(rule)),
                    (_, Err(error)) => return Err(BadKnob::new(error.question_or(rule))),
                };
                Ok(())
            },
            show: |knobs| match knobs.idontwant_bytes {
                u32::MAX => "off".to_owned(),
                bytes => bytes.to_string(),
            },
        },
        knob!("idontwant-ttl", idontwant_ttl, "heartbeats for which it counts", |text| number(text, 1, 1000)),
        knob!("max-idontwant", max_idontwant, "of these a node keeps of a peer and heartbeat", |text| number(
            text, 1, 100000
        )),
        knob!("d-announce", d_announce, "of d mesh peers, those told of an order; 0 for none", |text| number(
            text, 0, 1000
        )),
        knob!("announce-timeout", announce_timeout, "time that a node waits for an order it was told of", |text| {
            span(text, LEAST..=HOUR, "the time is above 0 and at most 1h")
        }),
    ];

    fn check(&self) -> Result<(), BadKnob> {
        let &GossipsubKnobs { d, d_low, d_high, d_out, prune_at_d_high, d_announce, .. } = self;
        let refuse = |rule: String| Err(BadKnob::new(rule));
        if d_low > d || d > d_high {
            return refuse(format!("d-low={d_low}, d={d}, d-high={d_high}: give three in ascending order"));
        }
        if prune_at_d_high && d == d_high {
            return refuse(format!("prune-at-d-high=true with d=d-high={d}: give a d-high above d"));
        }
        if d_out > 0 && (d_out >= d_low || d_out > d / 2) {
            return refuse(format!(
                "d-out={d_out} with d-low={d_low}, d={d}: it is below d-low, and at most half of d"
            ));
        }
        if self.mcache_gossip > self.mcache_len {
            let (len, gossip) = (self.mcache_len, self.mcache_gossip);
            return refuse(format!("mcache-gossip={gossip} with mcache-len={len}: what is announced must be kept"));
        }
        if d_announce > d {
            return refuse(format!("d-announce={d_announce} with d={d}: it is a part of d"));
        }
        Ok(())
    }
}

/// Reads a whole number.
fn number(text: &str, least: u64, most: u64) -> Result<u32, BadKnob> {
    whole(text, least..=most, &format!("it is a whole number from {least} to {most}; write it in digits, as 8"))
}

const NONE: Nanos = Nanos::ZERO;
const LEAST: Nanos = Nanos(1);
const INTERVAL_MIN: Nanos = Nanos::from_millis(10);
const HOUR: Nanos = Nanos::from_secs(3_600);
const DAY: Nanos = Nanos::from_secs(24 * 3_600);

/// All named sets of values.
#[cfg(test)]
pub(super) const ALL: [GossipsubKnobs; 7] = [
    GossipsubKnobs::SPEC,
    GossipsubKnobs::V1_0,
    GossipsubKnobs::V1_2,
    GossipsubKnobs::V2_0,
    GossipsubKnobs::GO,
    GossipsubKnobs::RUST,
    GossipsubKnobs::ETHEREUM,
];
