//! The rule on versions: a node among peers of which half have another version.

use super::*;
use crate::protocol::SecondSide;
use crate::ratio::Ratio;

/// A node of the second side, and its mesh peers by the side that they are of.
struct AmongOthers {
    node: OneNode,
    mesh: Vec<NodeId>,
    second: SecondSide,
}

impl AmongOthers {
    /// Starts a node that has `own` parameters, among peers half of which have `others`.
    fn new(own: GossipsubKnobs, others: GossipsubKnobs) -> AmongOthers {
        // The mesh does not depend on versions, so that it says which draw puts both sides into it.
        let [mesh, _] = OneNode::meshed(own).mesh();
        let is_half = |side: &SecondSide| mesh.iter().filter(|&&peer| side.has(peer)).count() == mesh.len() / 2;
        let mut drawn = (0..).map(|seed| SecondSide::drawn(seed, 26, Ratio::new(1, 2).unwrap()));
        let second = drawn.find(is_half).unwrap();
        let node = OneNode::of(Gossipsub::new(own).among([&others, &own], &second)).with_mesh();
        assert_eq!(node.mesh()[0], mesh);
        AmongOthers { node, mesh, second }
    }

    /// Returns the mesh peers but the first that are, or are not, of the node's own side.
    fn others(&self, alike: bool) -> Vec<NodeId> {
        self.mesh[1..].iter().copied().filter(|&peer| self.second.has(peer) == alike).collect()
    }

    fn receive(&mut self, order: u32) -> Vec<Action> {
        self.node.receive(Kind::PAYLOAD, self.mesh[0], order)
    }
}

#[test]
fn r19_idontwant_goes_to_peers_that_hear_it() {
    let mut among = AmongOthers::new(GossipsubKnobs::V1_2, GossipsubKnobs::SPEC);
    among.node.context.order_bytes = 2_000;
    let acts = among.receive(0);
    assert_eq!(sent(IDONTWANT, &acts), among.others(true));
    assert_eq!(sent(Kind::PAYLOAD, &acts), among.mesh[1..], "the order goes to all");
    // With other thresholds all of them hear it.
    let mut alike = AmongOthers::new(GossipsubKnobs::V1_2, GossipsubKnobs::RUST);
    alike.node.context.order_bytes = 2_000;
    let acts = alike.receive(0);
    assert_eq!(sent(IDONTWANT, &acts), alike.mesh[1..]);
    assert!(alike.node.state.versions.is_none());
}

#[test]
fn r19_peers_without_announcements_are_sent_orders() {
    let all = GossipsubKnobs { d_announce: 6, ..GossipsubKnobs::V2_0 };
    let mut among = AmongOthers::new(all, GossipsubKnobs::V1_2);
    let (acts, alike, unlike) = (among.receive(0), among.others(true), among.others(false));
    assert_eq!((sent(IANNOUNCE, &acts), sent(Kind::PAYLOAD, &acts)), (alike, unlike));
    let own = among.node.publish(1);
    let [of_others, of_its_own] = [false, true].map(|alike| {
        among.mesh.iter().copied().filter(|&peer| among.second.has(peer) == alike).collect::<Vec<NodeId>>()
    });
    assert_eq!((sent(IANNOUNCE, &own), sent(Kind::PAYLOAD, &own)), (of_its_own, of_others));
    // A coin decides for each of those that have announcements, whatever the others have.
    let (mut some, mut alone) =
        (AmongOthers::new(GossipsubKnobs::V2_0, GossipsubKnobs::V1_2), OneNode::meshed(GossipsubKnobs::V2_0));
    assert_eq!(some.mesh, alone.mesh()[0]);
    for order in 0..40 {
        let mut announced = sent(IANNOUNCE, &alone.receive(Kind::PAYLOAD, some.mesh[0], order));
        announced.retain(|&peer| some.second.has(peer));
        assert_eq!(sent(IANNOUNCE, &some.receive(order)), announced);
    }
}

#[test]
fn r19_version_1_0_reads_no_backoff() {
    for (knobs, begins) in [(GossipsubKnobs::V1_0, false), (GossipsubKnobs::SPEC, true)] {
        let mut node = OneNode::meshed(knobs);
        let peer = node.mesh()[0][0];
        let link = node.context.link_of(peer).unwrap();
        node.receive_with(PRUNE, peer, 0, &[60_000]);
        assert_eq!(node.state.mesh.backoff_end(link) > 0, begins);
    }
}
