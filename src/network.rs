//! The modelled network: how long a message takes from node to node, and whether it comes at all.
//!
//! Every draw is keyed by (seed, order, sender, receiver, attempt), so that a message has the same fate on every carrier
//! and any number of threads. Time and chances are integers. What is modelled, from which source, and what is not:
//! `docs/NETWORK.md`.

mod curves;
mod error;
mod latency;
mod sampler;
#[cfg(test)]
mod tests;
mod words;

pub use error::LatencyError;
pub use latency::{LATENCY_MAX, Latency, LatencySpec, LinkLatency};

use crate::ids::{NodeId, OrderIndex};
use crate::random::{Key, Purpose};
use crate::time::Nanos;
use curves::Curves;
use sampler::Sampler;
use std::cell::OnceCell;
use std::sync::Arc;

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
    latency: Source,
    floor: Nanos,
    ceiling: Option<Nanos>,
}

/// Where a message's time comes from.
#[derive(Clone, Debug)]
enum Source {
    /// A draw for each message.
    Message(Sampler),
    /// A draw for each link, and one for each message.
    Link { key: Key, is_directed: bool, link: Sampler, message: Sampler },
}

impl Network {
    /// The network of the run with this seed.
    pub fn new(seed: u64, latency: impl Into<LatencySpec>) -> Network {
        let latency = latency.into();
        let built = OnceCell::new();
        let curves = || Arc::clone(built.get_or_init(|| Arc::new(Curves::new())));
        let message = Sampler::new(latency.message.unwrap_or(Latency::Constant(Nanos::ZERO)), curves);
        let source = match latency.link {
            None => Source::Message(message),
            Some(LinkLatency { latency, is_directed }) => Source::Link {
                key: Key::new(seed, Purpose::Links),
                is_directed,
                link: Sampler::new(latency, curves),
                message,
            },
        };
        Network {
            key: Key::new(seed, Purpose::Network),
            latency: source,
            floor: latency.floor(),
            ceiling: latency.ceiling(),
        }
    }

    /// The least time any message takes: how far nodes can be handled apart.
    pub fn floor(&self) -> Nanos {
        self.floor
    }

    /// The most time any message takes, `None` where there is no limit.
    pub fn ceiling(&self) -> Option<Nanos> {
        self.ceiling
    }

    /// The ways out of `from` for an order: what all copies of one forward have in common.
    #[inline]
    pub fn ways(&self, order: OrderIndex, from: NodeId) -> Ways<'_> {
        Ways { network: self, key: self.key.with(u64::from(order.0)).with(u64::from(from.0)), from }
    }
}

/// The ways out of one node for one order.
#[derive(Clone, Copy, Debug)]
pub struct Ways<'a> {
    network: &'a Network,
    key: Key,
    from: NodeId,
}

impl Ways<'_> {
    /// What becomes of the message to `to`; `attempt` counts messages of one order between the same two nodes, from 0.
    #[inline]
    pub fn fate(&self, to: NodeId, attempt: u32) -> Fate {
        let mut stream = self.key.with(u64::from(to.0) | u64::from(attempt) << 32).stream();
        let word = stream.next_word();
        Fate::Arrives(match &self.network.latency {
            Source::Message(message) => Nanos(message.draw(word)),
            Source::Link { key, is_directed, link, message } => {
                let (one, other) = if *is_directed || self.from < to { (self.from, to) } else { (to, self.from) };
                let mut stream = key.with(u64::from(one.0)).with(u64::from(other.0)).stream();
                Nanos(link.draw(stream.next_word()) + message.draw(word))
            }
        })
    }
}
