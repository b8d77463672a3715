//! Conversion from a draft to a scenario and back, group by group.
//!
//! The rule of the defaults: an option that was asked for keeps its value, and the defaults of the others adapt to it.
//! Two requested options that contradict each other are an error, never a silent change.

use super::error::ScenarioError;
use super::network::{Model, model};
use super::{
    Draft, OriginsKind, PayloadBytes, Pin, ProtocolKind, Scenario, ScenarioValues, Spin, TransportKind, Until, carrier,
    failures, limits, network, overlay, protocol, run, workload,
};
use crate::topology::{EdgeList, NodeNames};
use serde::{Serialize, Serializer};

impl Draft {
    /// Makes the scenario that this draft asks for, with a default for every option that it leaves open. If the draft
    /// names an edge list, reads it.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] if a value is outside its limit, two contradict each other, or an edge list cannot be read.
    pub fn build(self) -> Result<Scenario, ScenarioError> {
        self.build_with(None)
    }

    /// Does the same as [`build`](Self::build), but does not read an edge list again that has been read before, because
    /// a pipe gives its lines only once.
    pub(super) fn build_with(self, read: Option<&EdgeList>) -> Result<Scenario, ScenarioError> {
        let edge_list = overlay::edge_list(self.topology.as_ref(), read)?;
        let nodes = overlay::nodes(self.nodes, edge_list.as_ref())?;
        let names = edge_list.as_ref().map_or_else(NodeNames::default, |list| list.names().clone());
        let transport = self.transport.unwrap_or(TransportKind::Udp);
        let Model { network, faults, adversary } = model(&self, transport)?;
        let (topology, peers) = overlay::overlay(self.topology, self.peers, nodes)?;
        let payload_bytes = self.payload_bytes.unwrap_or(PayloadBytes::exactly(0));
        limits::PAYLOAD_BYTES.check(payload_bytes.most())?;
        let processes = carrier::processes(self.processes, transport)?;
        let protocol = self.protocol.unwrap_or(ProtocolKind::Push);
        let seed = limits::SEED.check(self.seed.map_or_else(run::drawn_seed, Ok)?)?;
        let (runs, same_seed) = run::runs(self.runs, self.same_seed, seed)?;
        let origins = self.origins.unwrap_or(OriginsKind::One);
        let bulk = (self.orders, self.rate, self.arrivals, self.window);
        Ok(Scenario(ScenarioValues {
            transport,
            nodes,
            threads: carrier::threads(self.threads, processes, nodes)?,
            processes,
            protocol,
            retry: protocol::retry(self.retry, protocol, network.as_ref())?,
            announce_interval: protocol::announce_interval(self.announce_interval, protocol)?,
            topology,
            edge_list,
            peers,
            fanout: protocol::fanout(self.fanout, protocol)?,
            ttl: protocol::ttl(self.ttl.unwrap_or(protocol::ttl_default(transport)))?,
            exclude_sender: protocol::exclude_sender(self.exclude_sender, protocol)?,
            target: run::target(self.target.unwrap_or(run::TARGET_DEFAULT))?,
            until: self.until.unwrap_or(Until::Target),
            timeout: run::timeout(self.timeout, transport),
            seed,
            origins: workload::origins(origins, self.origin, nodes, &names)?,
            bulk: workload::bulk(bulk, nodes, transport)?,
            payload_bytes,
            pin: self.pin.unwrap_or(Pin::Spread),
            spin: self.spin.unwrap_or(Spin::Auto),
            receive_buffer: carrier::receive_buffer(self.receive_buffer, transport)?,
            network,
            faults,
            adversary,
            engine: carrier::engine(self.engine, transport, protocol)?,
            charge_serialization: carrier::charge_serialization(self.charge_serialization, transport)?,
            runs,
            same_seed,
        }))
    }
}

impl Scenario {
    /// Makes the scenario that differs from this one in the options of `changes`, checked as a whole.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] if the changes contradict the other options.
    pub fn with(&self, changes: Draft) -> Result<Scenario, ScenarioError> {
        changes.or(Draft::from(self)).build_with(self.edge_list.as_ref())
    }
}

/// The draft that asks for exactly this scenario, every option by name.
impl From<&Scenario> for Draft {
    fn from(scenario: &Scenario) -> Draft {
        let mut draft = Draft::default();
        overlay::ask(scenario, &mut draft);
        protocol::ask(scenario, &mut draft);
        workload::ask(scenario, &mut draft);
        carrier::ask(scenario, &mut draft);
        network::ask(scenario, &mut draft);
        failures::ask(scenario, &mut draft);
        run::ask(scenario, &mut draft);
        draft
    }
}

/// Serializes every option by its name, and leaves out those that are not set.
impl Serialize for Scenario {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Draft::from(self).serialize(serializer)
    }
}
