//! Why faults are none that can be modelled. Each message names what was asked, the limit, and what to do.

use super::error::escaped;
use super::fault_spec;
use super::spec_fields::span;
use crate::sync::Interrupted;
use crate::time::Nanos;

/// Why faults cannot be modelled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The user did not wait until all nodes were ranked.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// Less than none or more than all.
    #[error("{figure} is `{written}`, which is no share from 0 to 1; write it as 0.1, 10% or 1/10")]
    Share {
        /// Which figure.
        figure: &'static str,
        /// What was asked for.
        written: String,
    },
    /// Not a time.
    #[error("{figure} is `{written}`, which is no time; write a number and a unit, such as 200ms or 10s")]
    NoTime {
        /// Which figure.
        figure: &'static str,
        /// What was asked for.
        written: String,
    },
    /// A figure is not there.
    #[error("{figure} is missing; write {ways}")]
    Missing {
        /// Which.
        figure: &'static str,
        /// How it is written.
        ways: &'static str,
    },
    /// There is more than it takes.
    #[error("`{written}` is one figure too many; write {ways}")]
    Surplus {
        /// What nobody takes.
        written: String,
        /// How it is written.
        ways: &'static str,
    },
    /// No way to choose nodes.
    #[error("by is `{written}`; choose random or degree, or leave it out and name a region")]
    Whom {
        /// What was asked for.
        written: String,
    },
    /// A region without a name.
    #[error("region has no name; write one that the network knows")]
    NoRegionName,
    /// A period outside its limits.
    #[error(
        "{period} is {}, and a node is up or down for {} to {} on average; ask for a time between them", span(*time),
        span(fault_spec::PERIOD_LEAST), span(fault_spec::PERIOD_MOST)
    )]
    Period {
        /// Which period.
        period: &'static str,
        /// Its mean length.
        time: Nanos,
    },
    /// A cut that is over before it begins.
    #[error("the cut heals at {} and begins at {}; let it heal later", span(*heal), span(*at))]
    HealsTooSoon {
        /// When it begins.
        at: Nanos,
        /// When it heals.
        heal: Nanos,
    },
    /// The network has no regions.
    #[error(
        "--{option} region={} without --network: only a network with regions has that one; choose one with --network",
        escaped(name)
    )]
    NoRegions {
        /// The option that names it, without dashes.
        option: &'static str,
        /// The region.
        name: String,
    },
    /// The network does not have this region.
    #[error("--{option} region={}: the network has no such region; choose one of {known}", escaped(name))]
    UnknownRegion {
        /// The option that names it, without dashes.
        option: &'static str,
        /// The region.
        name: String,
        /// The regions it has.
        known: String,
    },
}
