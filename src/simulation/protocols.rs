//! Protocols that can be run: each is compiled into the workers' loop and into the engine, and the rest of a run uses
//! it only through a trait object. Those that a scenario can name are listed in `named_protocols`.

use super::{Runner, SimulationError};
use crate::engine::{self, EngineError, EngineOutcome, EngineSetup};
#[cfg(feature = "cluster")]
use crate::engine::{ClusterMember, ClusterOutcome, NodeFiguresRequest};
use crate::memory;
use crate::message::{Kind, KindNames};
use crate::parts::OrderCut;
use crate::protocol::{AnyProtocol, DialRule, FirstMessage, Knowledge, Protocol, SecondSide, TargetDraw, Targets};
use crate::record::{KindCount, ProtocolSource, RunRecord, WorkerRecord};
use crate::runtime::{self, ProcessShare, RunPlan, RuntimeError, WorkerOutcome};
use crate::scenario::{ProtocolKind, ProtocolSpec, ProtocolTraits, Scenario};
use crate::sync::Interrupt;
use crate::threads::Observer;
use crate::time::Nanos;
use crate::topology::{Topology, TopologySpec};
use crate::transport::{Clock, TransportBuilder};
use std::sync::Arc;

/// A protocol that can be run, whatever its type.
pub(super) trait RunProtocol: Sync {
    /// Runs the workers of a process.
    fn on_carriers(
        &self,
        plan: RunPlan<'_>,
        ends: Vec<Box<dyn TransportBuilder>>,
        share: ProcessShare<'_>,
    ) -> Result<Vec<WorkerOutcome>, SimulationError>;

    /// Runs virtual time.
    fn in_virtual_time(&self, setup: EngineSetup<'_>) -> Result<EngineOutcome, SimulationError>;

    /// Runs virtual time as a process of a cluster.
    #[cfg(feature = "cluster")]
    fn in_cluster(
        &self,
        setup: EngineSetup<'_>,
        member: &ClusterMember,
        request: NodeFiguresRequest,
    ) -> Result<ClusterOutcome, SimulationError>;

    /// Returns the maximum number of words after one of its control messages; `None` if it has none.
    fn tail_words_max(&self) -> Option<usize>;

    /// Returns the time that its nodes run before the first order of their own accord.
    fn warm_up(&self) -> Nanos;

    /// Returns the facts that the runner needs.
    fn facts(&self) -> ProtocolFacts;

    /// Returns the nodes of the second side, if it is a mix.
    fn second_side(&self) -> Option<&SecondSide>;
}

/// The facts about a protocol that the runner needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProtocolFacts {
    pub(super) source: ProtocolSource,
    pub(super) traits: ProtocolTraits,
    /// The recipients of its fan-outs.
    pub(super) targets: Targets,
    pub(super) tallies: &'static [&'static str],
    /// The kinds of its messages beside payload, with their names; those of its membership protocol follow.
    pub(super) kinds: [KindNames; 2],
    /// The rule by which it cuts orders into parts; `None` if it sends them whole.
    pub(super) cut: Option<OrderCut>,
}

/// A protocol, with the code by which it is run. What is fast because it is compiled for a protocol is compiled for
/// each; everything else exists once, for [`AnyProtocol`].
pub(super) struct TypedProtocol<P> {
    protocol: P,
    facts: ProtocolFacts,
    /// The nodes of the second side, if it is a mix.
    second: Option<SecondSide>,
    on_carriers: CarrierEntry<P>,
    engine: fn(&EngineSetup<'_>, &P) -> Result<EngineOutcome, EngineError>,
    #[cfg(feature = "cluster")]
    in_cluster: ClusterEntry<P>,
}

/// The entry to carriers.
type CarrierEntry<P> =
    fn(&RunPlan<'_>, &P, Vec<Box<dyn TransportBuilder>>, ProcessShare<'_>) -> Result<Vec<WorkerOutcome>, RuntimeError>;

/// The entry to virtual time of a cluster.
#[cfg(feature = "cluster")]
type ClusterEntry<P> =
    fn(&EngineSetup<'_>, &P, &ClusterMember, NodeFiguresRequest) -> Result<ClusterOutcome, EngineError>;

impl<P: Protocol> TypedProtocol<P> {
    /// Returns a protocol that shares all code with others.
    pub(super) fn shared(protocol: P, facts: ProtocolFacts) -> TypedProtocol<P> {
        TypedProtocol {
            protocol,
            facts,
            second: None,
            on_carriers: |plan, protocol, ends, share| runtime::run(plan, &AnyProtocol::of(protocol), ends, share),
            engine: |setup, protocol| engine::run(setup, &AnyProtocol::of(protocol)),
            #[cfg(feature = "cluster")]
            in_cluster: |setup, protocol, member, request| {
                engine::run_in_cluster(setup, &AnyProtocol::of(protocol), member, request)
            },
        }
    }

    /// Returns the same protocol as one of a mix, if there is a second side.
    pub(super) fn of_sides(self, second: Option<SecondSide>) -> TypedProtocol<P> {
        TypedProtocol { second, ..self }
    }

    /// Returns a protocol whose every message is passed to it.
    fn with_every_message(protocol: P, facts: ProtocolFacts) -> TypedProtocol<P> {
        TypedProtocol { engine: engine::run, ..TypedProtocol::shared(protocol, facts) }
    }

    /// Returns a built-in protocol, every message of which matters.
    pub(super) fn named(traits: ProtocolTraits, protocol: P) -> TypedProtocol<P> {
        let facts = typed_facts(&protocol, ProtocolSource::Scenario, traits, false);
        TypedProtocol::with_every_message(protocol, facts)
    }

    /// Returns a protocol of the caller's own.
    fn callers(protocol: P) -> TypedProtocol<P> {
        // No option of the scenario is for it alone, and one message may bring an order one hop further.
        let facts = typed_facts(&protocol, ProtocolSource::Caller, ProtocolKind::Push.traits(), false);
        TypedProtocol::with_every_message(protocol, facts)
    }
}

impl<P: FirstMessage> TypedProtocol<P> {
    /// Returns a built-in protocol of which only first messages matter.
    pub(super) fn first_message(traits: ProtocolTraits, protocol: P) -> TypedProtocol<P> {
        const { assert!(!P::HAS_CONTROL && !P::STARTS, "a first message is an order") };
        let facts = typed_facts(&protocol, ProtocolSource::Scenario, traits, true);
        TypedProtocol {
            on_carriers: runtime::run,
            engine: engine::run_first,
            #[cfg(feature = "cluster")]
            in_cluster: engine::run_first_in_cluster,
            ..TypedProtocol::shared(protocol, facts)
        }
    }
}

/// Returns the facts about a protocol, with the traits that its type determines taken from there.
pub(super) fn typed_facts<P: Protocol>(
    protocol: &P,
    source: ProtocolSource,
    others: ProtocolTraits,
    is_first_message: bool,
) -> ProtocolFacts {
    let traits = ProtocolTraits {
        has_control: P::HAS_CONTROL,
        is_first_message,
        takes_fanout: P::TARGETS == Targets::Drawn,
        needs_peers: P::NEEDS_PEERS,
        contacts_anyone: P::CONTACTS_ANYONE,
        cuts_orders: P::HAS_PARTS,
        starts: P::STARTS,
        ..others
    };
    let cut = protocol.order_cut().filter(|_| P::HAS_PARTS);
    ProtocolFacts { source, traits, targets: P::TARGETS, tallies: P::TALLIES, kinds: [P::KINDS, &[]], cut }
}

/// Returns the draw of the scenario, for a protocol whose targets are drawn.
pub(super) fn draw_of(scenario: &Scenario) -> TargetDraw {
    let (seed, protocol) = (scenario.run.seed, &scenario.protocol);
    match protocol.fanout_by_hop() {
        Some(fanouts) => TargetDraw::by_hop(seed, fanouts),
        None => TargetDraw::new(seed, protocol.fanout),
    }
}

/// Runs the scenario once, with a protocol of the caller's instead of the one that it names: see
/// [`Runner::with_protocol`].
///
/// # Errors
///
/// Those of [`Runner::with_protocol`] and [`Runner::run`].
pub fn run_protocol<P: Protocol>(
    scenario: &Scenario,
    protocol: P,
    interrupt: &Interrupt,
) -> Result<RunRecord, SimulationError> {
    let clock = Clock::start();
    Runner::with_protocol(scenario, interrupt, &(), protocol)?.run(clock)
}

impl<'a> Runner<'a> {
    /// Does the same as [`build`](Self::build), with a protocol of the caller's instead of the one that the scenario
    /// names. The scenario's options for that one alone (`--retry`, `--announce-interval`) are ignored.
    ///
    /// # Errors
    ///
    /// [`SimulationError`] if the runner cannot be built; [`SimulationError::Protocol`] if several processes are asked
    /// for, because they would run the protocol that the scenario names.
    pub fn with_protocol<P: Protocol + 'a>(
        scenario: &'a Scenario,
        interrupt: &'a Interrupt,
        observer: &'a dyn Observer,
        protocol: P,
    ) -> Result<Runner<'a>, SimulationError> {
        if scenario.carrier.processes > 1 {
            return Err(SimulationError::Protocol(format!(
                "--processes {}: a protocol of the caller's own runs in one process; leave --processes out",
                scenario.carrier.processes
            )));
        }
        if let Some(mix) = scenario.protocol.mix {
            return Err(SimulationError::Protocol(format!(
                "--mix {mix}: a protocol of the caller's own runs on all nodes; leave --mix out"
            )));
        }
        let protocol = Box::new(TypedProtocol::callers(protocol));
        let memory_left = memory::left(scenario, &protocol.facts.traits)?.unwrap_or(u64::MAX);
        Ok(Runner { memory_left, ..Runner::of(scenario, interrupt, observer, protocol)? })
    }
}

impl Runner<'_> {
    /// Returns the nodes of the second side of a mix, and the protocols of the first and of that.
    pub(super) fn sides_of_mix(&self) -> Option<(SecondSide, [String; 2])> {
        let protocol = &self.scenario.protocol;
        let second = self.protocol.second_side()?.clone();
        let names = [protocol.spec, protocol.mix?.protocol];
        Some((second, names.map(|side| ProtocolSpec { membership: None, ..side }.to_string())))
    }

    /// Returns the draw of the scenario, for a protocol whose targets are drawn.
    pub(super) fn draw(&self) -> TargetDraw {
        draw_of(self.scenario)
    }

    /// Sums the counts of the protocol, by name.
    pub(super) fn tallies(&self, workers: &[WorkerRecord]) -> Vec<(&'static str, u64)> {
        let count = |place: usize| workers.iter().filter_map(|worker| worker.tally.get(place)).sum();
        self.protocol.facts().tallies.iter().enumerate().map(|(place, &name)| (name, count(place))).collect()
    }

    /// Sums the messages that were sent since the warm-up, by kind.
    pub(super) fn kinds(&self, workers: &[WorkerRecord]) -> Vec<KindCount> {
        let sent = |kind: Kind| workers.iter().filter_map(|worker| worker.sent_by_kind.get(usize::from(kind.0))).sum();
        let kinds = self.protocol.facts().kinds.into_iter().flatten();
        let count = |&(kind, name): &(Kind, _)| {
            let (is_upkeep, is_part) = (kind.is_upkeep(), kind.is_part());
            KindCount { name, is_upkeep, is_part, sent: sent(kind) }
        };
        kinds.map(count).collect()
    }

    /// Returns the knowledge that nodes have from the start.
    pub(super) fn knowledge(&self) -> Knowledge<'_> {
        // In overlays that grow, newcomers dial the nodes that are there; in most others no node came first.
        let dial = match self.scenario.overlay.topology {
            TopologySpec::BarabasiAlbert | TopologySpec::Star => DialRule::Newcomer,
            TopologySpec::Dials { .. } => DialRule::Recorded,
            _ => DialRule::Coin,
        };
        Knowledge::new(self.scenario.run.seed, &self.peers, dial).within(self.window.orders())
    }
}

/// Returns the overlay from which the nodes of a run with this protocol know their peers.
///
/// # Errors
///
/// [`SimulationError::Protocol`] if the protocol needs to know peers and the overlay has too many to store.
pub(super) fn peers(
    protocol: &dyn RunProtocol,
    topology: &Arc<Topology>,
    interrupt: &Interrupt,
) -> Result<Arc<Topology>, SimulationError> {
    let ProtocolTraits { needs_peers, contacts_anyone, .. } = protocol.facts().traits;
    if !needs_peers || topology.is_stored() || (contacts_anyone && topology.is_complete()) {
        return Ok(Arc::clone(topology));
    }
    let stored = topology.materialized(interrupt)?.map(Arc::new);
    stored.ok_or_else(|| {
        SimulationError::Protocol(
            "--topology complete with more than 128 nodes: the protocol keeps a state for each peer, and everyone is a \
             peer of everyone here; ask for --topology random-regular or erdos-renyi with the --peers that a node is \
             to have"
                .to_owned(),
        )
    })
}

impl<P: Protocol> RunProtocol for TypedProtocol<P> {
    fn on_carriers(
        &self,
        mut plan: RunPlan<'_>,
        ends: Vec<Box<dyn TransportBuilder>>,
        share: ProcessShare<'_>,
    ) -> Result<Vec<WorkerOutcome>, SimulationError> {
        (plan.draw, plan.exclude_sender) = targets(self.facts.targets, plan.draw, plan.exclude_sender);
        Ok((self.on_carriers)(&plan, &self.protocol, ends, share)?)
    }

    fn in_virtual_time(&self, setup: EngineSetup<'_>) -> Result<EngineOutcome, SimulationError> {
        Ok((self.engine)(&with_targets(self.facts.targets, setup), &self.protocol)?)
    }

    #[cfg(feature = "cluster")]
    fn in_cluster(
        &self,
        setup: EngineSetup<'_>,
        member: &ClusterMember,
        request: NodeFiguresRequest,
    ) -> Result<ClusterOutcome, SimulationError> {
        Ok((self.in_cluster)(&with_targets(self.facts.targets, setup), &self.protocol, member, request)?)
    }

    fn tail_words_max(&self) -> Option<usize> {
        P::HAS_CONTROL.then(|| self.protocol.tail_words_max())
    }

    fn warm_up(&self) -> Nanos {
        self.protocol.warm_up()
    }

    fn facts(&self) -> ProtocolFacts {
        self.facts
    }

    fn second_side(&self) -> Option<&SecondSide> {
        self.second.as_ref()
    }
}

/// Returns the draw and the rule on senders that a protocol's targets imply, given those of the scenario.
fn targets(targets: Targets, draw: TargetDraw, exclude_sender: bool) -> (TargetDraw, bool) {
    match targets {
        Targets::Drawn => (draw, exclude_sender),
        Targets::Others => (draw.widened(), true),
    }
}

/// Adapts the setup of a run in virtual time to the protocol's targets. The sequence in which a node sends to all its
/// peers only matters if uplinks have a rate.
fn with_targets(of_protocol: Targets, mut setup: EngineSetup<'_>) -> EngineSetup<'_> {
    (setup.draw, setup.exclude_sender) = match of_protocol {
        Targets::Others if !setup.network.limited()[0] => (TargetDraw::unordered(), true),
        _ => targets(of_protocol, setup.draw, setup.exclude_sender),
    };
    setup
}
