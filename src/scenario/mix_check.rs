//! The rule on mixes: two protocols can be mixed if their nodes understand each other's messages.
//!
//! Two nodes understand each other if both know the same messages beside orders, by number and name, and read the same
//! in them. Messages that a node sends only to peers whose version has them, as gossipsub's IDONTWANT, do not count.
//! The names of protocols and presets decide nothing.

use super::Draft;
use super::error::ScenarioError;
use super::kinds::{Choice, ProtocolKind};
use super::mix_spec::MixSpec;
use super::protocol_mismatch::ProtocolMismatch;
use super::protocol_spec::{ProtocolKnobs, ProtocolSpec};
use crate::message::Kind;
use crate::protocol::GossipsubKnobs;

/// Resolves the mix of a draft with this protocol.
pub(super) fn resolve(draft: &Draft, others: ProtocolSpec) -> Result<Option<MixSpec>, ScenarioError> {
    let Some(mix) = draft.mix else { return Ok(None) };
    let mix = MixSpec { protocol: mix.protocol.checked()?, ..mix };
    check(mix, others)?;
    Ok(Some(MixSpec { protocol: ProtocolSpec { membership: None, ..mix.protocol }, ..mix }))
}

/// Checks that nodes of a mix and those of `others` can run side by side.
///
/// # Errors
///
/// [`ProtocolMismatch`] if they do not understand each other, or if the program cannot mix them all the same.
fn check(mix: MixSpec, others: ProtocolSpec) -> Result<(), ProtocolMismatch> {
    let (kind, other) = (mix.protocol.kind(), others.kind());
    let refused = |why: String| {
        let protocol = Box::new(others);
        Err(ProtocolMismatch::CannotMix { mix: Box::new(mix), protocol, why, advice: advice(other) })
    };
    let unknown = [(kind, other), (other, kind)].map(|(of, to)| unknown(of, to));
    if unknown.iter().any(|kinds| !kinds.is_empty()) {
        let understand = [(kind, &unknown[1]), (other, &unknown[0])]
            .into_iter()
            .filter(|(_, kinds)| !kinds.is_empty())
            .map(|(of, kinds)| format!("{} nodes do not understand {}", of.name(), kinds.join(", ")));
        return refused(understand.collect::<Vec<_>>().join(", and "));
    }
    if mix.protocol.membership.is_some_and(|membership| others.membership != Some(membership)) {
        return refused("all nodes have the membership protocol of --protocol, if any".to_owned());
    }
    match one_for_all(others.protocol, mix.protocol.protocol) {
        Some(why) => refused(why.to_owned()),
        None => Ok(()),
    }
}

/// Returns the names of the messages that every node of one protocol may send, and that those of another do not know.
fn unknown(of: ProtocolKind, to: ProtocolKind) -> Vec<&'static str> {
    let (sent, known) = (messages(of), messages(to));
    sent.filter(|message| known.clone().all(|known| known != *message)).map(|(_, name)| name).collect()
}

/// Returns the messages beside orders that a node sends to any of its peers, and understands.
fn messages(kind: ProtocolKind) -> impl Iterator<Item = (Kind, &'static str)> + Clone {
    let negotiated: &[Kind] = if kind == ProtocolKind::Gossipsub { &GossipsubKnobs::NEGOTIATED } else { &[] };
    kind.messages().iter().copied().filter(move |(kind, _)| !negotiated.contains(kind))
}

/// Returns what two sides with the same messages differ in although it must be one for all nodes, with the reason;
/// `None` if nothing stands in the way.
fn one_for_all(first: ProtocolKnobs, second: ProtocolKnobs) -> Option<&'static str> {
    match (first, second) {
        (ProtocolKnobs::Push(_) | ProtocolKnobs::Flood(_), _) => {
            Some("their nodes understand each other, but the targets of orders are drawn by one rule for all nodes")
        }
        (ProtocolKnobs::Turbine(_), _) => Some("its knobs say how all nodes cut orders and shuffle trees"),
        (ProtocolKnobs::Lazy(_), ProtocolKnobs::Lazy(knobs)) if knobs.fanout.is_some() => {
            Some("its knob fanout is that of all nodes; set it by --fanout, and mix retry or announce-interval")
        }
        (ProtocolKnobs::PushPull(first), ProtocolKnobs::PushPull(second)) if first.mode != second.mode => {
            Some("a node reads the digest of another by its own mode, so that the knob mode is that of all nodes")
        }
        _ => None,
    }
}

/// Says what can be mixed with a protocol.
fn advice(kind: ProtocolKind) -> String {
    let name = kind.name();
    if matches!(kind, ProtocolKind::Push | ProtocolKind::Flood | ProtocolKind::Turbine) {
        return format!("nothing can be mixed with {name}; leave --mix out");
    }
    let presets: Vec<&str> = kind.sheet().presets.into_iter().map(|(preset, _)| preset).collect();
    match presets[..] {
        [] => format!("mix {name} with {name} of other knobs, or leave --mix out"),
        _ => {
            format!("mix {name} with another preset of it ({}) or other knobs, or leave --mix out", presets.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(others: &str, mix: &str) -> Result<(), String> {
        check(mix.parse().unwrap(), others.parse().unwrap()).map_err(|error| error.to_string())
    }

    /// By their messages alone each protocol understands itself, and push and flood each other.
    #[test]
    fn protocols_understand_each_other_by_their_messages() {
        for &one in ProtocolKind::ALL {
            for &other in ProtocolKind::ALL {
                let both_send_orders_alone = messages(one).next().is_none() && messages(other).next().is_none();
                let understand = unknown(one, other).is_empty() && unknown(other, one).is_empty();
                assert_eq!(understand, one == other || both_send_orders_alone, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn every_preset_is_mixed_with_every_other_of_its_protocol() {
        let mut mixed = 0;
        for kind in [ProtocolKind::Gossipsub, ProtocolKind::Plumtree, ProtocolKind::LazyBitcoin, ProtocolKind::Swim] {
            let presets: Vec<String> =
                kind.sheet().presets.iter().map(|(preset, _)| format!("{}:{preset}", kind.name())).collect();
            for one in &presets {
                for other in &presets {
                    assert_eq!(checked(one, &format!("20%:{other}")), Ok(()), "{one} {other}");
                    mixed += 1;
                }
            }
        }
        assert!(mixed >= 7 * 7 + 3 * 3, "{mixed}");
    }

    #[test]
    fn a_refusal_names_both_and_what_can_be_mixed() {
        for (others, mix, said) in [
            (
                "gossipsub",
                "20%:push",
                "--mix 0.2:push with --protocol gossipsub: push nodes do not understand ihave, iwant, graft, prune; \
                 mix gossipsub with another preset of it (spec, v1.0, v1.2, v2.0, go, rust, ethereum) or other knobs, \
                 or leave --mix out",
            ),
            (
                "lazy",
                "20%:lazy:bitcoin",
                "--mix 0.2:lazy:bitcoin with --protocol lazy: lazy:bitcoin nodes do not understand have, want, and \
                 lazy nodes do not understand inv, getdata; mix lazy with lazy of other knobs, or leave --mix out",
            ),
            (
                "push",
                "1/3:flood",
                "understand each other, but the targets of orders are drawn by one rule for all nodes",
            ),
            ("push", "1/3:push,fanout=4", "nothing can be mixed with push; leave --mix out"),
            ("turbine", "20%:turbine", "its knobs say how all nodes cut orders"),
            ("lazy", "20%:lazy,fanout=3", "its knob fanout is that of all nodes; set it by --fanout"),
            ("push-pull", "20%:push-pull,mode=pull", "the knob mode is that of all nodes"),
            ("gossipsub", "20%:gossipsub:go@hyparview", "the membership protocol of --protocol, if any"),
            ("swim@hyparview:iroh", "20%:swim@hyparview", "the membership protocol of --protocol, if any"),
        ] {
            let error = checked(others, mix).unwrap_err();
            assert!(error.contains(said) && error.contains(others), "{others} {mix}: {error}");
        }
        for mix in ["20%:swim:local", "20%:swim:local@hyparview:iroh"] {
            assert_eq!(checked("swim@hyparview:iroh", mix), Ok(()));
        }
    }
}
