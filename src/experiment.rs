//! Questions that take many runs: each file holds one, from the runs it makes to what it says.
//!
//! A run is `simulation`'s business, and its figures are `report`'s. What lives here is which runs to make next, and what
//! they mean together.

mod knee;
mod replicates;
mod validate;

pub use knee::{Fault, Growth, Knee, KneeError, KneeQuestion, Probe, Search, find_knee};
pub use replicates::{Series, run_replicates};
pub use validate::{Case, CasePlan, Effort, SEED_MAX, ValidateError, Validation, header, validate};
