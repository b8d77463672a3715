//! The one `match` over protocols: each is compiled into the workers' loop and into the engine.

use super::{Runner, SimulationError};
use crate::engine::{self, EngineSetup};
use crate::protocol::{Flood, Lazy, Protocol, Push, TargetDraw, Targets};
use crate::runtime::{self, ProcessShare, RunPlan, WorkerOutcome};
use crate::scenario::{ProtocolKind, Scenario};
use crate::transport::TransportBuilder;

/// Something that is done with a protocol of any type.
pub(super) trait ProtocolVisitor {
    type Result;

    fn with<P: Protocol + Clone + Send>(self, protocol: &P) -> Self::Result;
}

/// Runs the workers of a process.
pub(super) struct OnCarriers<'a, 'p> {
    pub(super) plan: RunPlan<'p>,
    pub(super) ends: Vec<Box<dyn TransportBuilder>>,
    pub(super) share: ProcessShare<'a>,
}

/// Says how many words stand behind a control message at most.
struct TailWordsMax;

/// Runs virtual time.
pub(super) struct InVirtualTime<'p>(pub(super) EngineSetup<'p>);

impl Runner<'_> {
    /// Does it with the protocol that the scenario names.
    pub(super) fn with_protocol<A: ProtocolVisitor>(&self, act: A) -> A::Result {
        match self.scenario.protocol {
            ProtocolKind::Push => act.with(&Push),
            ProtocolKind::Flood => act.with(&Flood),
            ProtocolKind::Lazy => {
                let Scenario { retry, announce_interval, .. } = *self.scenario;
                act.with(&Lazy::new(retry.unwrap_or_default(), announce_interval.unwrap_or_default()))
            }
        }
    }

    /// The most words that stand behind a control message of the protocol; `None` where it has none.
    pub(super) fn tail_words_max(&self) -> Option<usize> {
        self.with_protocol(TailWordsMax)
    }

    /// The draw of the scenario, for a protocol whose targets are drawn.
    pub(super) fn draw(&self) -> TargetDraw {
        TargetDraw::new(self.scenario.seed, self.scenario.fanout)
    }
}

/// Whom a protocol's nodes fan out to, where the scenario draws and spares like this.
fn targets<P: Protocol>(draw: TargetDraw, exclude_sender: bool) -> (TargetDraw, bool) {
    match P::TARGETS {
        Targets::Drawn => (draw, exclude_sender),
        Targets::Others => (draw.widened(), true),
    }
}

/// The same in virtual time, where only a line out of a node tells in which order it sends to all.
fn virtual_targets<P: Protocol>(setup: &EngineSetup<'_>) -> (TargetDraw, bool) {
    match P::TARGETS {
        Targets::Others if !setup.network.limited()[0] => (TargetDraw::unordered(), true),
        _ => targets::<P>(setup.draw, setup.exclude_sender),
    }
}

impl ProtocolVisitor for TailWordsMax {
    type Result = Option<usize>;

    fn with<P: Protocol + Clone + Send>(self, protocol: &P) -> Option<usize> {
        P::HAS_CONTROL.then(|| protocol.tail_words_max())
    }
}

impl ProtocolVisitor for OnCarriers<'_, '_> {
    type Result = Result<Vec<WorkerOutcome>, SimulationError>;

    fn with<P: Protocol + Clone + Send>(self, protocol: &P) -> Self::Result {
        let OnCarriers { mut plan, ends, share } = self;
        (plan.draw, plan.exclude_sender) = targets::<P>(plan.draw, plan.exclude_sender);
        Ok(runtime::run(&plan, protocol, ends, share)?)
    }
}

impl ProtocolVisitor for InVirtualTime<'_> {
    type Result = Result<engine::EngineOutcome, SimulationError>;

    fn with<P: Protocol + Clone + Send>(self, protocol: &P) -> Self::Result {
        let InVirtualTime(mut setup) = self;
        (setup.draw, setup.exclude_sender) = virtual_targets::<P>(&setup);
        Ok(engine::run(&setup, protocol)?)
    }
}
