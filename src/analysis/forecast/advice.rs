//! Advice for a target that is out of reach. Any flag with a value that is named here is accepted beside the other
//! options.

use crate::message::TTL_MAX;
use crate::record::TtlAdvice;
use crate::scenario::{OverlayOptions, Scenario, Ttl};
use crate::topology::TopologySpec;

/// Advises on a TTL that is too short for the `needed` hops and lets `near` nodes be reached, 0 if that is not known.
/// `auto` is named only if it is long enough.
pub(super) fn longer(scenario: &Scenario, needed: u32, ttl: u8, auto: u8, near: u64) -> TtlAdvice {
    if needed > u32::from(TTL_MAX) {
        let shorter = if has_other_overlays(scenario) { ", or choose an overlay with shorter paths" } else { "" };
        let text = format!("no TTL exceeds {TTL_MAX}, so {}{shorter}", lower(scenario, near));
        return TtlAdvice { text, raises_ttl: false };
    }
    let text = if scenario.protocol.ttl != Ttl::Auto && auto > ttl && u32::from(auto) >= needed {
        format!("ask for --ttl {needed} or more, or for --ttl auto, here {auto}")
    } else {
        format!("ask for --ttl {needed} or more")
    };
    TtlAdvice { text, raises_ttl: true }
}

/// Advises on an overlay on which too few nodes can be reached over any number of hops, with `near` of them within the
/// TTL.
pub(super) fn denser(scenario: &Scenario, near: u64) -> String {
    let more = peers_from(scenario, scenario.overlay.peers.saturating_add(1));
    let more = more.map(|peers| format!(", or for more peers, as --peers {peers}"));
    lower(scenario, near) + &more.unwrap_or_default()
}

/// Returns the least number of peers, not less than `peers`, that the overlay accepts.
pub(super) fn peers_from(scenario: &Scenario, peers: u32) -> Option<u32> {
    let OverlayOptions { topology, nodes, .. } = &scenario.overlay;
    // An even number is never refused for being odd, and `nodes - 1` peers make the complete overlay.
    let candidates = [peers, peers.saturating_add(1), nodes - 1];
    candidates.into_iter().find(|&peers| topology.takes_peers() && topology.check(*nodes, peers).is_ok())
}

/// Advises a lower target, which `near` nodes make.
fn lower(scenario: &Scenario, near: u64) -> String {
    match near {
        0 => "ask for a lower --target".to_owned(),
        near => format!("ask for at most --target {near}/{}", scenario.overlay.nodes),
    }
}

/// Returns true if another family can be asked for: the ids of an edge list mean nothing to other families.
fn has_other_overlays(scenario: &Scenario) -> bool {
    !matches!(scenario.overlay.topology, TopologySpec::File { .. })
}
