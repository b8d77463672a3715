//! The modelled network: how long a message takes from node to node, and whether it comes at all.
//!
//! Every draw is keyed by (seed, order, sender, receiver, attempt), so that a message has the same fate on every carrier
//! and any number of threads. Time and chances are integers.

use crate::ids::{NodeId, OrderIndex};
use crate::random::{Key, Purpose};
use crate::time::Nanos;

/// How long a message is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Always as long.
    Constant(Nanos),
    /// Evenly between a least and a greatest, both included.
    Uniform {
        /// The least.
        least: Nanos,
        /// The greatest.
        greatest: Nanos,
    },
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives after so long.
    Arrives(Nanos),
    /// It is lost.
    Lost,
}

/// The network of one run.
#[derive(Clone, Debug)]
pub struct Network {
    key: Key,
    latency: Latency,
}

impl Network {
    /// The network of the run with this seed.
    pub fn new(seed: u64, latency: Latency) -> Network {
        Network { key: Key::new(seed, Purpose::Network), latency }
    }

    /// The least time any message takes: how far nodes can be handled apart.
    pub fn floor(&self) -> Nanos {
        match self.latency {
            Latency::Constant(time) | Latency::Uniform { least: time, .. } => time,
        }
    }

    /// The most time any message takes, `None` where there is no limit.
    pub fn ceiling(&self) -> Option<Nanos> {
        match self.latency {
            Latency::Constant(time) | Latency::Uniform { greatest: time, .. } => Some(time),
        }
    }

    /// The ways out of `from` for an order: what all copies of one forward have in common.
    #[inline]
    pub fn ways(&self, order: OrderIndex, from: NodeId) -> Ways<'_> {
        Ways { network: self, key: self.key.with(u64::from(order.0)).with(u64::from(from.0)) }
    }
}

/// The ways out of one node for one order.
#[derive(Clone, Copy, Debug)]
pub struct Ways<'a> {
    network: &'a Network,
    key: Key,
}

impl Ways<'_> {
    /// What becomes of the message to `to`; `attempt` counts messages of one order between the same two nodes, from 0.
    #[inline]
    pub fn fate(&self, to: NodeId, attempt: u32) -> Fate {
        let mut stream = self.key.with(u64::from(to.0) | u64::from(attempt) << 32).stream();
        Fate::Arrives(match self.network.latency {
            Latency::Constant(time) => time,
            Latency::Uniform { least, greatest } => {
                Nanos(least.0 + stream.below(greatest.since(least).0.saturating_add(1)))
            }
        })
    }
}
