//! Why a text names no adversary, and why a named one cannot be. Each message names what was asked, the limit, and what to
//! do.

use super::spec::{AdversarySpec, TIMES_MAX};

/// Why adversaries cannot be modelled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdversaryError {
    /// No part has this name.
    #[error("`{written}` is no part of an adversary; choose one of {ways}", ways = AdversarySpec::WRITTEN)]
    Unknown {
        /// What was asked for.
        written: String,
    },
    /// A figure is not there.
    #[error("{figure} is missing; write one of {ways}", ways = AdversarySpec::WRITTEN)]
    Missing {
        /// Which.
        figure: &'static str,
    },
    /// There is more than the part takes.
    #[error("`{written}` is one figure too many; write one of {ways}", ways = AdversarySpec::WRITTEN)]
    Surplus {
        /// What nobody takes.
        written: String,
    },
    /// Less than none or more than all.
    #[error("{figure} is `{written}`, which is no share from 0 to 1; write it as 0.1, 10% or 1/10")]
    Share {
        /// Which figure.
        figure: &'static str,
        /// What was asked for.
        written: String,
    },
    /// Not a time.
    #[error("by is `{written}`, which is no time; write a number and a unit, such as 200ms or 10s")]
    NoTime {
        /// What was asked for.
        written: String,
    },
    /// Not the number of a node.
    #[error("{figure} is `{written}`, which is no node; write its number in digits only")]
    NoNode {
        /// Which figure.
        figure: &'static str,
        /// What was asked for.
        written: String,
    },
    /// Not a number of copies.
    #[error("times is `{written}`; write how often each message is sent, from 1 to {TIMES_MAX}")]
    Times {
        /// What was asked for.
        written: String,
    },
    /// More nodes have a part than there are.
    #[error("the parts take more than all nodes together, and each node has one at most; make the shares smaller")]
    TooManyParts,
    /// Two eclipses.
    #[error("two nodes are eclipsed, and a run eclipses one; leave one of them out")]
    TwoEclipses,
    /// A node that does not exist.
    #[error("--adversary {name}={node} with --nodes {nodes}: {advice}")]
    NoSuchNode {
        /// Which figure.
        name: &'static str,
        /// The node asked for.
        node: u64,
        /// How many nodes there are.
        nodes: u32,
        /// What to ask for.
        advice: String,
    },
}
