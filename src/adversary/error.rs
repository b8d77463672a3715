//! Errors of the requested adversaries. Each message names the request, the limit and a remedy.

use super::spec::{AdversarySpec, TIMES_MAX};

/// The reason why adversaries cannot be modelled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdversaryError {
    /// No role has this name.
    #[error("`{written}` is no part of an adversary; choose one of {ways}", ways = AdversarySpec::WRITTEN)]
    Unknown {
        /// The text as written.
        written: String,
    },
    /// A value is missing.
    #[error("{figure} is missing; write one of {ways}", ways = AdversarySpec::WRITTEN)]
    Missing {
        /// Name of the value.
        figure: &'static str,
    },
    /// The text holds more than the role takes.
    #[error("`{written}` is one figure too many; write one of {ways}", ways = AdversarySpec::WRITTEN)]
    Surplus {
        /// The first unused part.
        written: String,
    },
    /// A value is not a share from 0 to 1.
    #[error("{figure} is `{written}`, which is no share from 0 to 1; write it as 0.1, 10% or 1/10")]
    Share {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// A value is not a time.
    #[error("by is `{written}`, which is no time; write a number and a unit, such as 200ms or 10s")]
    NoTime {
        /// The text as written.
        written: String,
    },
    /// A value is not the id of a node.
    #[error("{figure} is `{written}`, which is no node; write its number in digits only")]
    NoNode {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// A value is not a number of copies within its limits.
    #[error("times is `{written}`; write how often each message is sent, from 1 to {TIMES_MAX}")]
    Times {
        /// The text as written.
        written: String,
    },
    /// The shares of the roles exceed all nodes together.
    #[error("the parts take more than all nodes together, and each node has one at most; make the shares smaller")]
    TooManyParts,
    /// There is more than one eclipse.
    #[error("two nodes are eclipsed, and a run eclipses one; leave one of them out")]
    TwoEclipses,
    /// The node does not exist.
    #[error("--adversary {name}={node} with --nodes {nodes}: {advice}")]
    NoSuchNode {
        /// Name of the value.
        name: &'static str,
        /// The node asked for.
        node: u64,
        /// Number of nodes.
        nodes: u32,
        /// The valid ids.
        advice: String,
    },
}
