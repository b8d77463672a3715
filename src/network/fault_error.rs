//! Errors of the models of faults. Each message names the request, the limit and a remedy.

use super::error::escaped;
use super::fault_spec;
use super::spec_fields::span;
use crate::sync::Interrupted;
use crate::time::Nanos;

/// The reason why faults cannot be modelled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The user interrupted the ranking of the nodes.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// A value is not a share from 0 to 1.
    #[error("{figure} is `{written}`, which is no share from 0 to 1; write it as 0.1, 10% or 1/10")]
    Share {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// A value is not a time.
    #[error("{figure} is `{written}`, which is no time; write a number and a unit, such as 200ms or 10s")]
    NoTime {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// A value is missing.
    #[error("{figure} is missing; write {ways}")]
    Missing {
        /// Name of the value.
        figure: &'static str,
        /// The notation that is accepted.
        ways: &'static str,
    },
    /// The text holds more than the notation takes.
    #[error("`{written}` is one figure too many; write {ways}")]
    Surplus {
        /// The first unused part.
        written: String,
        /// The notation that is accepted.
        ways: &'static str,
    },
    /// The selection of nodes is unknown.
    #[error("by is `{written}`; choose random or degree, or leave it out and name a region")]
    Selector {
        /// The text as written.
        written: String,
    },
    /// A region has no name.
    #[error("region has no name; write one that the network knows")]
    NoRegionName,
    /// The mean time up or down is outside its limits.
    #[error(
        "{period} is {}, and a node is up or down for {} to {} on average; ask for a time between them", span(*time),
        span(fault_spec::PERIOD_LEAST), span(fault_spec::PERIOD_MOST)
    )]
    Period {
        /// Name of the period.
        period: &'static str,
        /// Mean length of the period.
        time: Nanos,
    },
    /// A partition heals before it begins.
    #[error("the cut heals at {} and begins at {}; let it heal later", span(*heal), span(*at))]
    HealsTooSoon {
        /// Begin of the partition.
        at: Nanos,
        /// Time at which it heals.
        heal: Nanos,
    },
    /// The network has no regions.
    #[error(
        "--{option} region={} without --network: only a network with regions has that one; choose one with --network",
        escaped(name)
    )]
    NoRegions {
        /// The option that names the region, without dashes.
        option: &'static str,
        /// The region.
        name: String,
    },
    /// The network does not have this region.
    #[error("--{option} region={}: the network has no such region; choose one of {known}", escaped(name))]
    UnknownRegion {
        /// The option that names the region, without dashes.
        option: &'static str,
        /// The region.
        name: String,
        /// The regions of the network.
        known: String,
    },
}
