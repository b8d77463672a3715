//! The timers by which nodes learn of the failures of their peers: one per node, for its next discovery, on an overlay;
//! one for each peer that will fail, where a membership protocol keeps the peers.

use super::VirtualShard;
use crate::engine::pending_event::EventSink;
use crate::ids::NodeId;
use crate::network::Discovery;
use crate::protocol::{Event, ProtocolState};
use crate::time::Nanos;

/// Marks the token of a discovery. A protocol that watches its peers sets no such token.
const DISCOVERY: u64 = 1 << 63;
/// The peer has come back.
const UP: u64 = 1 << 32;

impl<S: EventSink> VirtualShard<'_, S> {
    /// Sets a timer for the first discovery of each node; returns true if there is anything to discover in this run,
    /// which all shards agree on.
    pub(in crate::engine) fn watch_peers(&mut self) -> bool {
        self.detects = self.setup.detection.is_some() && !self.setup.faults.all_up();
        if self.detects {
            self.nodes.clone().for_each(|node| self.await_discovery(NodeId(node), None));
        }
        self.detects
    }

    /// Passes a discovery on to the protocol, and sets a timer for the next one.
    pub(super) fn discover<P: ProtocolState>(&mut self, protocol: &mut P, me: NodeId, discovery: Discovery) {
        let Discovery { time, peer, is_up } = discovery;
        protocol.handle_peer(&mut self.event(Event::own(me, time), 0), peer, is_up);
        self.await_discovery(me, Some(discovery));
    }

    /// Sets a timer for the first discovery of a node after `last`.
    fn await_discovery(&mut self, me: NodeId, last: Option<Discovery>) {
        let Some(detection) = self.setup.detection else { return };
        let (faults, peers) = ((self.setup.faults, self.setup.warm_up), self.view.peers(me));
        if let Some(Discovery { time, peer, is_up }) = detection.next(faults, me, peers, last) {
            self.sink.put_timer(time, me, DISCOVERY | u64::from(peer.0) | if is_up { UP } else { 0 });
        }
    }

    /// Sets a timer for the discovery that a node's new peer has gone down.
    pub(super) fn watch(&mut self, me: NodeId, peer: NodeId, now: Nanos) {
        let Some(detection) = self.setup.detection.filter(|_| self.detects) else { return };
        if let Some(time) = detection.failure((self.setup.faults, self.setup.warm_up), me, peer, now) {
            self.sink.put_timer(time, me, DISCOVERY | u64::from(peer.0));
        }
    }
}

/// Returns the discovery that a timer with this token is for, if it is for one.
pub(super) fn discovery(time: Nanos, token: u64) -> Option<Discovery> {
    let is_discovery = token & DISCOVERY != 0;
    is_discovery.then_some(Discovery { time, peer: NodeId(token as u32), is_up: token & UP != 0 })
}
