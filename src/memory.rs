//! Memory: what a run takes for sure, what there is, and whether the one fits into the other.
//!
//! | file | what it holds |
//! |---|---|
//! | `need` | what a scenario takes, part by part, before anything of it is made |
//!
//! Messages under way are not known before: they have what is left, and a run that uses it up ends
//! ([`Allowance`](crate::sync::Allowance)).

mod need;
#[cfg(test)]
mod tests;

pub use need::{MemoryNeed, MemoryPart};

use crate::scenario::Scenario;
use crate::sys::{AvailableMemory, MemoryBound};

/// A run that would take more memory than there is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: the run takes at least {} of memory, {} of it for {}, and {} {}; ask for {}",
    flags(need),
    written(need.bytes()),
    written(need.greatest().1),
    need.greatest().0.words(),
    there.bound.words(),
    written(there.bytes),
    need.greatest().0.advice()
)]
pub struct MemoryError {
    /// What it would take.
    pub need: MemoryNeed,
    /// What there is.
    pub there: AvailableMemory,
}

/// The options that make a need, with their values.
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

/// So many bytes as people write them.
pub fn written(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.into_iter().find(|&(unit, _)| bytes >= unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / unit as f64),
        None => format!("{bytes} bytes"),
    }
}

/// What is left for messages under way once a scenario has what it takes for sure; `None` where nobody knows what there is.
///
/// # Errors
///
/// [`MemoryError`] where it takes more than there is.
pub fn left(scenario: &Scenario) -> Result<Option<u64>, MemoryError> {
    let Some(there) = AvailableMemory::now(scenario.threads) else { return Ok(None) };
    let left = fits(MemoryNeed::of(scenario), there)?;
    Ok(Some(match there.bound {
        // Queues double as they grow, and what is mapped for that counts against the address space.
        MemoryBound::AddressSpace => left / 4,
        // The rest of the machine goes on, too.
        MemoryBound::Machine | MemoryBound::ControlGroup => left / 10 * 9,
    }))
}

fn fits(need: MemoryNeed, there: AvailableMemory) -> Result<u64, MemoryError> {
    there.bytes.checked_sub(need.bytes()).ok_or(MemoryError { need, there })
}

/// How many runs of a scenario fit into what there is side by side, at least one: each with as much again for its messages under
/// way as it takes for sure.
pub fn runs_at_once(scenario: &Scenario) -> usize {
    AvailableMemory::now(scenario.threads).map_or(1, |there| at_once(MemoryNeed::of(scenario).bytes(), there.bytes))
}

fn at_once(need: u64, there: u64) -> usize {
    let each = need.saturating_mul(2).max(1);
    usize::try_from(there / each).unwrap_or(usize::MAX).max(1)
}
