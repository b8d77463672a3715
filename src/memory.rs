//! Memory: what a run certainly needs, what is available, and a check that the need fits.
//!
//! | file | contents |
//! |---|---|
//! | `need` | the memory of a scenario, part by part, computed before any of it is allocated |
//! | `part` | the purposes of memory |
//! | `storage_shape` | the kind of storage that a run uses |
//!
//! Messages under way cannot be computed beforehand: they may use the remaining memory, and a run that uses it up ends
//! ([`Allowance`](crate::sync::Allowance)).

mod need;
mod part;
mod row_entries;
mod storage_shape;
#[cfg(test)]
mod tests;

pub use need::MemoryNeed;
#[cfg(feature = "cluster")]
pub use need::{ClusterShape, collects_nodes, keeps_own_rows};
pub use part::MemoryPart;

use crate::quantity::rounded_bytes;
use crate::scenario::{ProtocolTraits, Scenario};
use crate::sys::{AvailableMemory, MemoryBound};

/// A run that needs more memory than is available.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: the run takes at least {} of memory, {} of it for {}, and {} {}; ask for {}",
    flags(need),
    rounded_bytes(need.bytes()),
    rounded_bytes(need.greatest().1),
    need.greatest().0.words(),
    there.words(),
    rounded_bytes(there.bytes),
    need.greatest().0.advice()
)]
pub struct MemoryError {
    /// The memory needed.
    pub need: MemoryNeed,
    /// The memory available.
    pub there: AvailableMemory,
}

/// Returns the options that cause a need, with their values.
fn flags(need: &MemoryNeed) -> String {
    let MemoryNeed { nodes, orders, .. } = need;
    match need.greatest().0 {
        MemoryPart::Receipts | MemoryPart::Window | MemoryPart::Orders if *orders > 1 => {
            format!("--nodes {nodes} with --orders {orders}")
        }
        MemoryPart::Channels => format!("--nodes {nodes} with {} worker threads", need.workers),
        _ => format!("--nodes {nodes}"),
    }
}

/// Returns the bytes left for messages under way after everything that a scenario certainly needs under a protocol with
/// these traits; `None` if the available memory is unknown.
///
/// # Errors
///
/// [`MemoryError`] if the scenario needs more than is available.
pub fn left(scenario: &Scenario, protocol: &ProtocolTraits) -> Result<Option<u64>, MemoryError> {
    left_of(MemoryNeed::under(scenario, protocol), scenario, 1)
}

/// Returns the same for one process of a cluster, of which this many are on its machine.
///
/// # Errors
///
/// [`MemoryError`] if it needs more than is available.
#[cfg(feature = "cluster")]
pub fn left_in_cluster(
    scenario: &Scenario,
    shape: ClusterShape,
    on_machine: usize,
) -> Result<Option<u64>, MemoryError> {
    left_of(MemoryNeed::in_cluster(scenario, &scenario.protocol.spec.traits(), shape), scenario, on_machine)
}

fn left_of(need: MemoryNeed, scenario: &Scenario, on_machine: usize) -> Result<Option<u64>, MemoryError> {
    let Some(there) = AvailableMemory::now(scenario.carrier.threads) else { return Ok(None) };
    let there = there.shared_by(on_machine);
    let left = fits(need, there)?;
    Ok(Some(match there.bound {
        // Queues double as they grow, and the mappings for that count against the address space.
        MemoryBound::AddressSpace => left / 4,
        // Leaves a tenth for the rest of the machine.
        MemoryBound::Machine | MemoryBound::ControlGroup => left / 10 * 9,
    }))
}

/// Checks that a scenario fits under a protocol with these traits beside a trace that takes `trace_bytes`.
///
/// # Errors
///
/// [`MemoryError`] if both together need more than is available.
pub fn fits_beside_trace(scenario: &Scenario, protocol: &ProtocolTraits, trace_bytes: u64) -> Result<(), MemoryError> {
    let Some(there) = AvailableMemory::now(scenario.carrier.threads) else { return Ok(()) };
    fits(MemoryNeed::under(scenario, protocol).with_trace(trace_bytes), there).map(|_| ())
}

fn fits(need: MemoryNeed, there: AvailableMemory) -> Result<u64, MemoryError> {
    there.bytes.checked_sub(need.bytes()).ok_or(MemoryError { need, there })
}

/// Returns the number of runs of a scenario that fit into the available memory side by side, at least one. Each is
/// given its certain need twice, the second time for its messages under way.
pub fn runs_at_once(scenario: &Scenario) -> usize {
    AvailableMemory::now(scenario.carrier.threads)
        .map_or(1, |there| at_once(MemoryNeed::of(scenario).bytes(), there.bytes))
}

fn at_once(need: u64, there: u64) -> usize {
    let each = need.saturating_mul(2).max(1);
    usize::try_from(there / each).unwrap_or(usize::MAX).max(1)
}
