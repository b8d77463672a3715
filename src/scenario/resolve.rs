//! Conversion from a draft to a scenario and back, group by group.
//!
//! The rule of the defaults: an option that was asked for keeps its value, and the defaults of the others adapt to it.
//! Two requested options that contradict each other are an error, never a silent change.

use super::auto_fanout::auto_fanout;
use super::error::ScenarioError;
use super::order_traffic::order_traffic_bytes;
use super::protocol_mismatch::ProtocolMismatch;
use super::virtual_threads::threads_fed;
use super::{
    CarrierOptions, Draft, FailureOptions, MembershipOptions, OverlayOptions, ProtocolOptions, RunOptions, Scenario,
    ScenarioValues, WorkloadOptions, carrier_options, network_options, stake_options,
};
use crate::topology::TopologySpec;
use crate::wire::message_bytes;
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

    /// Does the same as [`build`](Self::build), but does not read the files again that another scenario was read from,
    /// because a pipe gives its lines only once.
    pub(super) fn build_with(self, read: Option<&ScenarioValues>) -> Result<Scenario, ScenarioError> {
        let transport = carrier_options::transport(&self);
        let mut network = network_options::resolve(&self, transport)?;
        let failures = FailureOptions::resolve(&self, transport)?;
        let overlay = OverlayOptions::resolve(&self, read.and_then(|read| read.overlay.edge_list.as_ref()))?;
        let membership =
            MembershipOptions::resolve(&self, overlay.nodes, network.as_ref().filter(|_| transport.is_virtual()))?;
        let places = network_options::places(&self, &overlay, transport, read)?;
        let links = network_options::links(&self, &overlay, read)?;
        network.iter_mut().for_each(|network| (network.places, network.links) = (places.clone(), links.clone()));
        network_options::check_rates(network.as_ref())?;
        let workload = WorkloadOptions::resolve(&self, &overlay, transport, read)?;
        let order_bytes = message_bytes(workload.payload_bytes.most());
        let mut run = RunOptions::resolve(&self, transport, overlay.nodes)?;
        let fanout = || {
            let views = self.protocol.and_then(|spec| spec.neighbours_max());
            auto_fanout(&overlay, views, network.as_ref(), &failures, run.target)
        };
        let listed = read.and_then(|read| read.protocol.stakes.as_ref());
        let stakes = |spec| stake_options::stakes(self.stakes.as_deref(), spec, &overlay, listed);
        let protocol = ProtocolOptions::resolve(&self, transport, network.as_ref(), order_bytes, fanout, stakes)?;
        if protocol.kind().traits().cuts_orders && overlay.topology != TopologySpec::Complete {
            let (topology, protocol) = (overlay.topology, protocol.kind());
            return Err(ProtocolMismatch::NeedsNoOverlay { topology, protocol }.into());
        }
        if transport.traits().encodes && self.timeout.is_none() {
            run.allow_to_move(order_traffic_bytes(&overlay, &protocol, &workload));
        }
        // Several runs in virtual time are spread over the threads, so that one need not feed all.
        let fed = network
            .as_ref()
            .filter(|_| transport.is_virtual() && (run.runs == 1 || run.same_seed))
            .map(|network| threads_fed(&overlay, &protocol, &workload, network));
        let carrier = CarrierOptions::resolve(&self, overlay.nodes, &protocol.spec, fed.unwrap_or(usize::MAX))?;
        Ok(Scenario(ScenarioValues { overlay, protocol, membership, workload, carrier, network, failures, run }))
    }
}

impl Scenario {
    /// Makes the scenario that differs from this one in the options of `changes`, checked as a whole.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] if the changes contradict the other options.
    pub fn with(&self, changes: Draft) -> Result<Scenario, ScenarioError> {
        changes.or(Draft::from(self)).build_with(Some(self))
    }
}

/// The draft that asks for exactly this scenario, every option by name.
impl From<&Scenario> for Draft {
    fn from(scenario: &Scenario) -> Draft {
        let mut draft = Draft::default();
        let ScenarioValues { overlay, protocol, membership, workload, carrier, network, failures, run } = &**scenario;
        overlay.add_to(&mut draft);
        protocol.add_to(&mut draft);
        membership.iter().for_each(|membership| membership.add_to(&mut draft));
        workload.add_to(&mut draft, overlay);
        carrier.add_to(&mut draft);
        network.iter().for_each(|network| network_options::add_to(network, &mut draft, carrier.transport));
        failures.add_to(&mut draft, carrier.transport);
        run.add_to(&mut draft);
        draft
    }
}

/// Serializes every option by its name, and leaves out those that are not set.
impl Serialize for Scenario {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Draft::from(self).serialize(serializer)
    }
}
