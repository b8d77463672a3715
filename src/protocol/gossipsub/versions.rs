//! The versions of a node's peers, where not all nodes have one: a node sends a message of a later version to those
//! peers alone that understand it, because the two ends of a connection have told each other their versions.

use super::{Gossipsub, GossipsubKnobs, IANNOUNCE, IDONTWANT, INEED};
use crate::ids::NodeId;
use crate::message::Kind;
use crate::protocol::SecondSide;

/// The messages of later versions that a node understands; it sends no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// IDONTWANT of version 1.2.
    pub(super) has_idontwant: bool,
    /// IANNOUNCE and INEED of version 2.0.
    pub(super) has_announcements: bool,
}

/// The versions of the nodes of both sides of a mixed network.
#[derive(Clone, Debug)]
pub(super) struct PeerVersions {
    second: SecondSide,
    sides: [Version; 2],
}

impl GossipsubKnobs {
    /// The kinds of messages that a node sends to those peers alone whose version has them.
    pub const NEGOTIATED: [Kind; 3] = [IDONTWANT, IANNOUNCE, INEED];

    /// Returns the version that a node with these parameters tells its peers.
    pub(super) const fn version(&self) -> Version {
        Version { has_idontwant: self.idontwant_bytes < u32::MAX, has_announcements: self.d_announce > 0 }
    }
}

impl Gossipsub {
    /// Returns the same protocol for one side of a network whose sides have these parameters.
    pub fn among(self, sides: [&GossipsubKnobs; 2], second: &SecondSide) -> Gossipsub {
        Gossipsub { versions: PeerVersions::of(sides, second), ..self }
    }
}

impl PeerVersions {
    /// Returns the versions of two sides; `None` if all nodes have one.
    fn of(sides: [&GossipsubKnobs; 2], second: &SecondSide) -> Option<PeerVersions> {
        let sides = sides.map(GossipsubKnobs::version);
        (sides[0] != sides[1]).then(|| PeerVersions { second: second.clone(), sides })
    }

    /// Returns the version of a peer.
    pub(super) fn of_peer(&self, peer: NodeId) -> Version {
        self.sides[usize::from(self.second.has(peer))]
    }
}
