//! What to do where a target is out of reach. Whatever is named here as a flag with a value is accepted beside the other options.

use crate::message::TTL_MAX;
use crate::record::TtlAdvice;
use crate::scenario::{Scenario, Ttl};
use crate::topology::TopologySpec;

/// What to do where the TTL is too short for the `needed` hops and lets `near` nodes be reached, 0 where nobody knows: `auto`
/// is named only where it is long enough.
pub(super) fn longer(scenario: &Scenario, needed: u32, ttl: u8, auto: u8, near: u64) -> TtlAdvice {
    if needed > u32::from(TTL_MAX) {
        let shorter = if has_other_overlays(scenario) { ", or choose an overlay with shorter ways" } else { "" };
        let text = format!("no TTL exceeds {TTL_MAX}, so {}{shorter}", lower(scenario, near));
        return TtlAdvice { text, raises_ttl: false };
    }
    let text = if scenario.ttl != Ttl::Auto && auto > ttl && u32::from(auto) >= needed {
        format!("ask for --ttl {needed} or more, or for --ttl auto, here {auto}")
    } else {
        format!("ask for --ttl {needed} or more")
    };
    TtlAdvice { text, raises_ttl: true }
}

/// What to do where too few nodes can be reached over any number of hops, and `near` of them are within the TTL.
pub(super) fn denser(scenario: &Scenario, near: u64) -> String {
    let more = peers_from(scenario, scenario.peers.saturating_add(1));
    let more = more.map(|peers| format!(", or for more peers, as --peers {peers}"));
    lower(scenario, near) + &more.unwrap_or_default()
}

/// The least number of peers, from so many on, that the overlay can be asked for.
pub(super) fn peers_from(scenario: &Scenario, peers: u32) -> Option<u32> {
    let Scenario { topology, nodes, .. } = scenario;
    // An even number is never refused for being odd, and all others are the complete overlay.
    let candidates = [peers, peers.saturating_add(1), nodes - 1];
    candidates.into_iter().find(|&peers| topology.takes_peers() && topology.check(*nodes, peers).is_ok())
}

/// A target that so many nodes make.
fn lower(scenario: &Scenario, near: u64) -> String {
    match near {
        0 => "ask for a lower --target".to_owned(),
        near => format!("ask for at most --target {near}/{}", scenario.nodes),
    }
}

/// Whether another family can be asked for: the ids of an edge list mean nothing to it.
fn has_other_overlays(scenario: &Scenario) -> bool {
    !matches!(scenario.topology, TopologySpec::File { .. })
}
