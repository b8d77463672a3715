//! The stakes of nodes from a file, for a protocol that knows stakes.

use super::bad_value::BadValue;
use super::error::ScenarioError;
use super::overlay_options::OverlayOptions;
use super::parse::no_nul;
use super::protocol_mismatch::ProtocolMismatch;
use super::protocol_spec::{ProtocolKnobs, ProtocolSpec};
use crate::protocol::{StakeFile, StakeKnob, TurbineKnobs};

/// Reads the path of a file of stakes.
pub(super) fn read_stakes(text: &str) -> Result<String, BadValue> {
    no_nul("stakes", text)?;
    if text.is_empty() {
        return Err(BadValue::new("stakes", text, "name a file of comma-separated values, or - for standard input"));
    }
    Ok(text.to_owned())
}

/// Resolves the stakes of the nodes, and reads their file unless it is the one that was read before.
pub(super) fn stakes(
    path: Option<&str>,
    spec: ProtocolSpec,
    overlay: &OverlayOptions,
    read: Option<&StakeFile>,
) -> Result<Option<StakeFile>, ScenarioError> {
    let Some(path) = path else { return Ok(None) };
    match spec.protocol {
        ProtocolKnobs::Turbine(TurbineKnobs { stake: StakeKnob::Equal, .. }) => {}
        ProtocolKnobs::Turbine(TurbineKnobs { stake, .. }) => {
            return Err(ProtocolMismatch::StakesTwice { stake }.into());
        }
        _ => return Err(ProtocolMismatch::NoStakes { protocol: spec.kind() }.into()),
    }
    let (nodes, names) = (overlay.nodes, overlay.names());
    if let Some(read) = read.filter(|read| read.path() == path && read.nodes() == nodes) {
        return Ok(Some(read.clone()));
    }
    Ok(Some(StakeFile::read(path, nodes, |id| names.find(id, nodes), || names.advice("", nodes))?))
}
