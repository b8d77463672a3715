//! What can be said before the run: the TTL that `auto` stands for, and targets that cannot come.

use crate::scenario::{Scenario, Ttl};
use crate::topology::{Reach, Topology};

/// What is known before an order leaves.
pub(super) struct Forecast {
    /// The TTL in force.
    pub(super) ttl: u8,
    /// What a flood without a TTL would reach.
    pub(super) reach: Reach,
    /// What the user should know first.
    pub(super) notices: Vec<String>,
}

impl Forecast {
    pub(super) fn new(scenario: &Scenario, topology: &Topology, reach: Reach) -> Forecast {
        let _ = topology;
        let ttl = match scenario.ttl {
            Ttl::Hops(ttl) => ttl,
            Ttl::Auto => 255,
        };
        Forecast { ttl, reach, notices: Vec::new() }
    }
}
