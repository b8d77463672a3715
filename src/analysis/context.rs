//! The context by which a run is judged.

use super::Forecast;
use crate::coverage::Window;
use crate::network::Network;
use crate::scenario::Scenario;
use crate::workload::Workload;

/// The scenario of a run, and the choices that its runner made for it before the first order left.
#[derive(Clone, Copy)]
pub(crate) struct RunContext<'a> {
    /// The scenario, under the seed of this run.
    pub(crate) scenario: &'a Scenario,
    /// The network, if it is modelled.
    pub(crate) network: Option<&'a Network>,
    /// Due time and origin of each order.
    pub(crate) workload: &'a Workload,
    /// Bytes of payload of each order.
    pub(crate) payload_bytes: &'a [u32],
    /// Number of orders that a node tells apart.
    pub(crate) window: Window,
    /// The TTL in force, and the findings before the run.
    pub(crate) forecast: &'a Forecast,
    /// Cores available to the workers.
    pub(crate) cores: usize,
}
