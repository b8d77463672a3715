//! The time for which nodes run before the first order.

use super::bad_value::BadValue;
use super::parse::time;
use super::protocol_mismatch::ProtocolMismatch;
use super::{ProtocolSpec, ScenarioError};
use crate::time::Nanos;

/// Reads the time for which nodes run before the first order.
pub(super) fn read_warm_up(text: &str) -> Result<Nanos, BadValue> {
    time("warm-up", text, "a warm-up is a number with its unit, below 584 years; write 5s or 500ms, or 0 for none")
}

/// Resolves the warm-up, which only protocols have whose nodes act before any order.
pub(super) fn resolve(asked: Option<Nanos>, spec: ProtocolSpec) -> Result<Option<Nanos>, ScenarioError> {
    match asked {
        Some(_) if !spec.traits().starts => Err(ProtocolMismatch::NothingToWarmUp { protocol: spec.kind() }.into()),
        asked => Ok(asked),
    }
}
