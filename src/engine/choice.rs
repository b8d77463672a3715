//! Chooses the algorithm that computes a run: the one place that knows what each algorithm can compute.
//!
//! The engine calls it with the exact properties of a run, the memory estimate with those that follow from the
//! scenario.

use crate::scenario::Engine;
use crate::threads::ThreadError;
use crate::time::Nanos;

/// An algorithm of virtual time. Those that can compute a run give the same figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Hop by hop, each a set of bits.
    Hops {
        /// The latency of every message.
        latency: Nanos,
    },
    /// First messages alone, along shortest paths.
    ShortestPath,
    /// The same for many orders, each by itself.
    OrderByOrder,
    /// Every message, in windows of the least latency.
    Windowed,
    /// Every message, one after another on one worker.
    EventByEvent,
}

/// The properties of a run that determine which algorithms can compute it.
#[derive(Clone, Copy, Debug)]
pub struct RunProperties {
    /// True if a node ignores all but the first copy of an order.
    pub duplicates_are_inert: bool,
    /// True if each message has a row in a trace.
    pub is_traced: bool,
    /// The number of orders.
    pub orders: u32,
    /// True if the network only delays and loses messages, each by itself, and every node is up, connected and honest.
    pub is_plain: bool,
    /// The latency of every message, if all have the same one and none is lost.
    pub constant_latency: Option<Nanos>,
    /// The least latency of any message.
    pub least_latency: Nanos,
    /// True if the last instant at which a message can arrive fits into a compact receipt.
    pub fits_compact_receipts: bool,
}

impl Algorithm {
    /// Chooses the algorithm for a run with these properties, and the fastest one if `engine` leaves the choice.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if `engine` names an algorithm that cannot compute the run.
    pub fn choose(engine: Engine, properties: &RunProperties) -> Result<Algorithm, EngineError> {
        let hops = || properties.hops();
        let shortest_path = || properties.shortest_path();
        match engine {
            Engine::Auto => Ok(hops().or_else(|_| shortest_path()).unwrap_or_else(|_| properties.every_message())),
            Engine::General => Ok(properties.every_message()),
            Engine::Fast => shortest_path(),
            Engine::Hops => hops(),
        }
    }
}

impl RunProperties {
    fn hops(&self) -> Result<Algorithm, EngineError> {
        self.only_first_messages()?;
        if self.orders != 1 {
            return Err(EngineError::SeveralOrders);
        }
        let latency = self.constant_latency.filter(|&latency| latency > Nanos::ZERO);
        latency.map(|latency| Algorithm::Hops { latency }).ok_or(EngineError::LatencyVaries)
    }

    fn shortest_path(&self) -> Result<Algorithm, EngineError> {
        self.only_first_messages()?;
        if self.least_latency == Nanos::ZERO {
            Err(EngineError::NoLeastLatency)
        } else if !self.fits_compact_receipts {
            Err(EngineError::TooLong)
        } else if self.orders == 1 {
            Ok(Algorithm::ShortestPath)
        } else {
            Ok(Algorithm::OrderByOrder)
        }
    }

    fn every_message(&self) -> Algorithm {
        // Without a minimum latency, windows would have no length.
        if self.least_latency == Nanos::ZERO { Algorithm::EventByEvent } else { Algorithm::Windowed }
    }

    /// Checks that the first messages to nodes determine the run.
    fn only_first_messages(&self) -> Result<(), EngineError> {
        if self.is_traced {
            Err(EngineError::Traced)
        } else if !self.duplicates_are_inert {
            Err(EngineError::DuplicatesMatter)
        } else if !self.is_plain {
            Err(EngineError::NotPlain)
        } else {
            Ok(())
        }
    }
}

/// The reason why the engine did not compute a run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// More than latency and loss happens to messages or nodes.
    #[error(
        "--engine fast and hops know of latency, and fast of --loss, and of nothing else that can happen to a \
         message or a node; leave --engine out"
    )]
    NotPlain,
    /// A trace has a row for each message.
    #[error(
        "--engine fast and hops follow no single message, of which --trace writes a line each; leave --engine out or \
         ask for --engine general"
    )]
    Traced,
    /// There are several orders.
    #[error("--engine hops computes one order; leave --engine out or ask for --orders 1")]
    SeveralOrders,
    /// The protocol acts on more than first messages.
    #[error(
        "--engine fast and hops compute protocols whose nodes ignore every copy of an order but the first; leave \
         --engine out or choose --protocol push or flood"
    )]
    DuplicatesMatter,
    /// The least latency is 0.
    #[error(
        "--engine fast with a least latency of 0: no two nodes can then be computed apart; leave --engine out or \
         give --latency a least above 0"
    )]
    NoLeastLatency,
    /// Messages may arrive later than a compact receipt can say.
    #[error(
        "--engine fast computes runs of up to 2.2 years of virtual time; leave --engine out or give a lower \
         --timeout"
    )]
    TooLong,
    /// Messages take different times, or some are lost.
    #[error(
        "--engine hops computes runs in which every message takes as long and none is lost; leave --engine out or \
         give a constant --latency above 0 alone"
    )]
    LatencyVaries,
    /// The orders of a bulk meet in the windows of nodes, and their receipts do not fit into memory.
    #[error(
        "--orders {orders}: a copy of an order may arrive after {window} newer ones, which takes every receipt of \
         every order, {bytes} bytes; ask for a longer --window, fewer --orders, a lower --rate or fewer --nodes"
    )]
    NoMemoryForReceipts {
        /// The orders asked for.
        orders: u32,
        /// The orders that a node tells apart.
        window: u32,
        /// The memory that it takes.
        bytes: u64,
    },
    /// A cluster has no algorithm for the run.
    #[error(
        "--cluster with a least latency of 0, or with --engine fast and several --orders: processes compute in windows \
         of the least latency; give --latency a least above 0, and leave --engine out"
    )]
    NotInCluster,
    /// The arrays of all nodes do not fit into memory.
    #[error("--nodes {nodes}: the system refuses the memory for a bit or a byte of each; ask for fewer --nodes")]
    NoMemory {
        /// The nodes asked for.
        nodes: u32,
    },
    /// A thread was refused, or panicked.
    #[error(transparent)]
    Threads(#[from] ThreadError),
}

impl EngineError {
    /// Returns true if the user requested something that cannot be computed, and false if something failed.
    pub fn is_usage(&self) -> bool {
        !matches!(
            self,
            EngineError::NoMemory { .. } | EngineError::NoMemoryForReceipts { .. } | EngineError::Threads(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSTANT: RunProperties = RunProperties {
        duplicates_are_inert: true,
        is_traced: false,
        orders: 1,
        is_plain: true,
        constant_latency: Some(Nanos(5)),
        least_latency: Nanos(5),
        fits_compact_receipts: true,
    };
    const VARYING: RunProperties = RunProperties { constant_latency: None, ..CONSTANT };
    const HOPS: Algorithm = Algorithm::Hops { latency: Nanos(5) };

    /// The choice for each engine: of the user none, general, fast, hops; `None` where it is refused.
    fn choices(properties: RunProperties) -> [Option<Algorithm>; 4] {
        let engines = [Engine::Auto, Engine::General, Engine::Fast, Engine::Hops];
        engines.map(|engine| Algorithm::choose(engine, &properties).ok())
    }

    #[test]
    fn each_engine_computes_what_it_can_and_refuses_the_rest() {
        use Algorithm::{EventByEvent, OrderByOrder, ShortestPath, Windowed};
        let every_message = [Some(Windowed), Some(Windowed), None, None];
        for (properties, expected) in [
            (CONSTANT, [Some(HOPS), Some(Windowed), Some(ShortestPath), Some(HOPS)]),
            (VARYING, [Some(ShortestPath), Some(Windowed), Some(ShortestPath), None]),
            (RunProperties { orders: 2, ..CONSTANT }, [Some(OrderByOrder), Some(Windowed), Some(OrderByOrder), None]),
            (RunProperties { is_plain: false, ..CONSTANT }, every_message),
            (RunProperties { is_traced: true, ..CONSTANT }, every_message),
            (RunProperties { duplicates_are_inert: false, ..CONSTANT }, every_message),
            (RunProperties { fits_compact_receipts: false, ..VARYING }, every_message),
            (
                RunProperties { constant_latency: Some(Nanos::ZERO), least_latency: Nanos::ZERO, ..CONSTANT },
                [Some(EventByEvent), Some(EventByEvent), None, None],
            ),
        ] {
            assert_eq!(choices(properties), expected, "{properties:?}");
        }
    }

    #[test]
    fn a_refusal_is_of_the_user_and_says_what_to_do() {
        for properties in [
            RunProperties { duplicates_are_inert: false, ..CONSTANT },
            RunProperties { is_plain: false, ..CONSTANT },
            RunProperties { is_traced: true, ..CONSTANT },
            RunProperties { fits_compact_receipts: false, ..VARYING },
            RunProperties { least_latency: Nanos::ZERO, ..VARYING },
        ] {
            let error = Algorithm::choose(Engine::Fast, &properties).unwrap_err();
            let said = error.to_string();
            assert!(
                error.is_usage() && said.starts_with("--engine fast") && said.contains("leave --engine out"),
                "{said}"
            );
        }
    }
}
