//! What a run is judged against.

use super::Forecast;
use crate::coverage::Window;
use crate::network::Network;
use crate::order::Order;
use crate::scenario::Scenario;
use crate::workload::Workload;
use std::sync::Arc;

/// What was asked of a run, and what its runner resolved of that before the first order left.
#[derive(Clone, Copy)]
pub(crate) struct RunContext<'a> {
    /// The scenario, under the seed of this run.
    pub(crate) scenario: &'a Scenario,
    /// The network, where it is modelled.
    pub(crate) network: Option<&'a Network>,
    /// When each order is due, and where it enters.
    pub(crate) workload: &'a Workload,
    /// The orders, in the order of the workload.
    pub(crate) orders: &'a [Arc<Order>],
    /// How many orders a node tells apart.
    pub(crate) window: Window,
    /// The TTL in force, and what was known before.
    pub(crate) forecast: &'a Forecast,
    /// Cores that the workers may use.
    pub(crate) cores: usize,
}
