//! The one `match` over the protocols that a scenario can name: makes what the nodes run, alone, mixed with another,
//! and over a membership protocol.

use super::protocols::{ProtocolFacts, RunProtocol, TypedProtocol, draw_of, typed_facts};
use crate::protocol::{
    AnyProtocol, BitcoinRelay, FirstMessage, Flood, Gossipsub, HyParView, Lazy, Membership, Mixed, Over, Plumtree,
    Protocol, Push, PushPull, SecondSide, Swim, Turbine,
};
use crate::record::ProtocolSource;
use crate::scenario::{MembershipOptions, MembershipSpec, ProtocolKnobs, ProtocolTraits, Scenario};
use crate::wire::{message_bytes, order_bytes};

/// Makes the protocol that the scenario names.
pub(super) fn named(scenario: &Scenario) -> Box<dyn RunProtocol> {
    let (seed, nodes) = (scenario.run.seed, scenario.overlay.nodes);
    let second = scenario.protocol.mix.map(|mix| SecondSide::drawn(seed, nodes, mix.share));
    let mix = second.as_ref().map(|second| mixed(scenario, second));
    match (membership(scenario), mix) {
        (None, None) => made(scenario, scenario.protocol.effective().protocol, None, Alone),
        (None, Some((mixed, facts))) => Box::new(TypedProtocol::shared(mixed, facts).of_sides(second)),
        (Some(membership), Some((mixed, facts))) => {
            Box::new(over(scenario, membership, AnyProtocol::new(mixed), facts).of_sides(second))
        }
        (Some(membership), None) => {
            let (protocol, facts) = made(scenario, scenario.protocol.effective().protocol, None, Erased);
            Box::new(over(scenario, membership, protocol, facts))
        }
    }
}

/// Makes both sides of a mix, with the facts about either.
fn mixed(scenario: &Scenario, second: &SecondSide) -> (Mixed, ProtocolFacts) {
    let mut sides = scenario.protocol.sides().map(|side| made(scenario, side.protocol, Some(second), Erased));
    let (first, facts) = sides.next().expect("a scenario has a protocol");
    let (other, _) = sides.next().expect("a mix has two sides");
    (Mixed::new([first, other], second.clone()), facts)
}

/// Returns the membership protocol of the scenario; `None` if an overlay gives the peers.
fn membership(scenario: &Scenario) -> Option<HyParView> {
    let MembershipSpec::HyParView(knobs) = scenario.protocol.spec.membership?;
    let &MembershipOptions { contact, join_time } = scenario.membership.as_ref()?;
    Some(HyParView::new(knobs, scenario.overlay.nodes, contact, join_time))
}

/// Puts a protocol over a membership protocol, under which every message matters.
fn over(
    scenario: &Scenario,
    membership: HyParView,
    protocol: AnyProtocol<'static>,
    facts: ProtocolFacts,
) -> TypedProtocol<Over<HyParView, AnyProtocol<'static>>> {
    let (draw, exclude_sender) = (draw_of(scenario), scenario.protocol.exclude_sender);
    let protocol = Over::new(membership, protocol, facts.targets, draw, exclude_sender);
    let facts = ProtocolFacts {
        traits: scenario.protocol.spec.traits(),
        targets: Over::<HyParView, AnyProtocol<'static>>::TARGETS,
        kinds: [facts.kinds[0], HyParView::KINDS],
        cut: None,
        ..facts
    };
    TypedProtocol::shared(protocol.with_warm_up(scenario.protocol.warm_up), facts)
}

/// A thing to make of a protocol, whose type is known here alone.
trait Making {
    type Made;

    /// Makes it of a protocol of which only first messages matter.
    fn of_first_message<P: FirstMessage + 'static>(self, protocol: P, traits: ProtocolTraits) -> Self::Made;

    /// Makes it of any other protocol.
    fn of_every_message<P: Protocol + 'static>(self, protocol: P, traits: ProtocolTraits) -> Self::Made;
}

/// Makes what runs a protocol alone.
struct Alone;

/// Makes a protocol without its type, for what shares all code, with the facts about the type.
struct Erased;

impl Making for Alone {
    type Made = Box<dyn RunProtocol>;

    fn of_first_message<P: FirstMessage + 'static>(self, protocol: P, traits: ProtocolTraits) -> Self::Made {
        Box::new(TypedProtocol::first_message(traits, protocol))
    }

    fn of_every_message<P: Protocol + 'static>(self, protocol: P, traits: ProtocolTraits) -> Self::Made {
        Box::new(TypedProtocol::named(traits, protocol))
    }
}

impl Making for Erased {
    type Made = (AnyProtocol<'static>, ProtocolFacts);

    fn of_first_message<P: FirstMessage + 'static>(self, protocol: P, traits: ProtocolTraits) -> Self::Made {
        self.of_every_message(protocol, traits)
    }

    fn of_every_message<P: Protocol + 'static>(self, protocol: P, traits: ProtocolTraits) -> Self::Made {
        let facts = typed_facts(&protocol, ProtocolSource::Scenario, traits, false);
        (AnyProtocol::new(protocol), facts)
    }
}

/// Makes something of the protocol with these knobs, whose nodes are a side of a mix if there is a second side.
fn made<M: Making>(scenario: &Scenario, knobs: ProtocolKnobs, second: Option<&SecondSide>, making: M) -> M::Made {
    let traits = knobs.kind().traits();
    match knobs {
        ProtocolKnobs::Push(_) => making.of_first_message(Push, traits),
        ProtocolKnobs::Flood(_) => making.of_first_message(Flood, traits),
        ProtocolKnobs::PushPull(knobs) => making.of_every_message(PushPull::new(knobs), traits),
        ProtocolKnobs::Swim(knobs) => {
            let order_bytes = message_bytes(scenario.workload.payload_bytes.most());
            making.of_every_message(Swim::new(knobs, order_bytes), traits)
        }
        ProtocolKnobs::Lazy(knobs) => making.of_every_message(Lazy::new(knobs), traits),
        ProtocolKnobs::LazyBitcoin(knobs) => making.of_every_message(BitcoinRelay::new(knobs), traits),
        ProtocolKnobs::Plumtree(knobs) => making.of_every_message(Plumtree::new(knobs), traits),
        ProtocolKnobs::Gossipsub(knobs) => {
            making.of_every_message(among_versions(scenario, Gossipsub::new(knobs), second), traits)
        }
        ProtocolKnobs::Turbine(knobs) => {
            let order_bytes_max = order_bytes(scenario.workload.payload_bytes.most());
            let turbine = Turbine::new(knobs, scenario.run.seed, scenario.overlay.nodes, order_bytes_max);
            let turbine = match &scenario.protocol.stakes {
                Some(file) => turbine.with_stakes(file),
                None => turbine,
            };
            making.of_every_message(turbine, traits)
        }
    }
}

/// Tells gossipsub the versions of the nodes, if there is a second side.
fn among_versions(scenario: &Scenario, gossipsub: Gossipsub, second: Option<&SecondSide>) -> Gossipsub {
    let sides = [Some(scenario.protocol.spec), scenario.protocol.mix.map(|mix| mix.protocol)];
    match (sides.map(|side| side.map(|side| side.protocol)), second) {
        ([Some(ProtocolKnobs::Gossipsub(one)), Some(ProtocolKnobs::Gossipsub(other))], Some(second)) => {
            gossipsub.among([&one, &other], second)
        }
        _ => gossipsub,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Choice, Draft, ProtocolKind};

    /// The traits of a protocol that are known without running it equal those of its type.
    #[test]
    fn the_traits_of_each_kind_are_those_of_its_type() {
        for &kind in ProtocolKind::ALL {
            let facts = |spec: String| {
                let draft = Draft { protocol: Some(spec.parse().unwrap()), ..Draft::default() };
                named(&draft.build().unwrap()).facts()
            };
            let own = facts(kind.name().to_owned());
            assert_eq!((own.source, own.traits), (ProtocolSource::Scenario, kind.traits()), "{kind:?}");
            let counts_nothing = matches!(
                kind,
                ProtocolKind::Push
                    | ProtocolKind::Flood
                    | ProtocolKind::Lazy
                    | ProtocolKind::PushPull
                    | ProtocolKind::Turbine
            );
            assert_eq!(own.tallies.is_empty(), counts_nothing, "{kind:?}");
            assert_eq!(own.cut.is_some(), own.traits.cuts_orders, "{kind:?}");
            if own.traits.cuts_orders {
                continue;
            }
            let over = facts(format!("{}@hyparview", kind.name()));
            assert_eq!((over.tallies, over.kinds[0]), (own.tallies, own.kinds[0]), "{kind:?}");
            assert_eq!((own.kinds[1].len(), over.kinds[1]), (0, HyParView::KINDS));
            assert_eq!(over.traits.takes_fanout, own.traits.takes_fanout);
            assert!(over.traits.has_control && !over.traits.needs_peers && !over.traits.is_first_message);
        }
    }
}
