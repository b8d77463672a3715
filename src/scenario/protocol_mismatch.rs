//! The contradictions between a protocol and the options that are given with it.

use super::bad_value::shown;
use super::kinds::{Choice, ProtocolKind};
use super::mix_spec::MixSpec;
use super::protocol_spec::ProtocolSpec;
use crate::protocol::StakeKnob;
use crate::ratio::Ratio;
use crate::topology::TopologySpec;

/// The reason why a protocol does not take its options or knobs.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProtocolMismatch {
    /// The protocol sends to every peer but the sender, or chooses among all, so the option has no effect.
    #[error(
        "--{option} with --protocol {}: it {} but the one that the order came from; leave --{option} out or choose \
         --protocol push or lazy", protocol.name(),
        if *protocol == ProtocolKind::Flood { "forwards to every peer" } else { "chooses among all peers" }
    )]
    SendsToAllPeers {
        /// The option asked for.
        option: &'static str,
        /// The protocol asked for.
        protocol: ProtocolKind,
    },

    /// The protocol makes no requests to repeat.
    #[error(
        "--retry with --protocol {}: {}; leave --retry out or choose --protocol lazy", protocol.name(),
        match protocol {
            ProtocolKind::LazyBitcoin => "its nodes ask again after the time of its knob getdata-interval",
            _ => "its nodes ask for nothing, and so for nothing again",
        }
    )]
    NothingToRetry {
        /// The protocol asked for.
        protocol: ProtocolKind,
    },

    /// The protocol announces nothing.
    #[error(
        "--announce-interval with --protocol {}: {}; leave --announce-interval out or choose --protocol lazy",
        protocol.name(),
        match protocol {
            ProtocolKind::LazyBitcoin => "its knobs outbound-interval and inbound-interval are its times",
            _ => "its nodes announce nothing",
        }
    )]
    NothingToAnnounce {
        /// The protocol asked for.
        protocol: ProtocolKind,
    },

    /// The nodes of the protocol do nothing before the first order.
    #[error(
        "--warm-up with --protocol {}: its nodes do nothing before the first order; leave --warm-up out",
        protocol.name()
    )]
    NothingToWarmUp {
        /// The protocol asked for.
        protocol: ProtocolKind,
    },

    /// The protocol is given a knob that is given as an option, too.
    #[error(
        "--{option} with --protocol {}: both set the knob {option} of {}; leave one of the two out",
        shown(&spec.to_string()),
        spec.kind().name()
    )]
    KnobTwice {
        /// The option, without dashes.
        option: &'static str,
        /// The protocol asked for.
        spec: Box<ProtocolSpec>,
    },

    /// The protocol's nodes send to nodes of their own choice among all.
    #[error(
        "--topology {topology} with --protocol {}: its nodes know everybody, and its trees are of all nodes; leave \
         --topology and --peers out",
        protocol.name()
    )]
    NeedsNoOverlay {
        /// The overlay asked for.
        topology: TopologySpec,
        /// The protocol asked for.
        protocol: ProtocolKind,
    },

    /// The nodes of a mix cannot run side by side with the others.
    #[error("--mix {mix} with --protocol {protocol}: {why}; {advice}")]
    CannotMix {
        /// The mix asked for.
        mix: Box<MixSpec>,
        /// The protocol of the other nodes.
        protocol: Box<ProtocolSpec>,
        /// The reason: the messages that one of them does not understand, or what must be one for all nodes.
        why: String,
        /// The protocols that can be mixed with that one.
        advice: String,
    },

    /// The protocol knows no stakes.
    #[error(
        "--stakes with --protocol {}: its nodes have no stakes; leave --stakes out or choose --protocol turbine",
        protocol.name()
    )]
    NoStakes {
        /// The protocol asked for.
        protocol: ProtocolKind,
    },

    /// Stakes are both listed and drawn.
    #[error("--stakes with the knob stake={stake}: both say what stakes nodes have; leave one of the two out")]
    StakesTwice {
        /// The knob's value.
        stake: StakeKnob,
    },

    /// No fanout of push reaches the target.
    #[error(
        "--protocol push:auto with --target {target}: on this overlay of {nodes} nodes, with {} of the messages lost \
         and {} of the nodes down, no fanout is expected to reach it; ask for more --peers or a lower --target",
        percent(*loss),
        percent(*failed)
    )]
    NoFanoutReaches {
        /// The target asked for.
        target: Ratio,
        /// The number of nodes.
        nodes: u32,
        /// Share of the messages that are lost.
        loss: f64,
        /// Share of the nodes that are down.
        failed: f64,
    },
}

/// Writes a share in per cent.
fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
