//! The files that a command reads: a scenario, an edge list, a matrix, places, links, a list of publications, stakes.
//! `-` is standard input.

use super::Failure;
use super::files::NamedInput;
use crate::network::{PlaceSpec, RegionSpec};
use crate::scenario::{Draft, Scenario};
use crate::sys::is_standard_input;
use crate::topology::TopologySpec;
use std::path::Path;

/// Checks that a command reads standard input once at most. `repeats` is true if more than one run is made, each of
/// which reads the matrix of its network.
///
/// # Errors
///
/// [`Failure`] if standard input would have to be read again.
pub(super) fn check(draft: &Draft, config: Option<&Path>, repeats: bool) -> Result<(), Failure> {
    let topology = matches!(&draft.topology, Some(TopologySpec::File { path }) if is_standard_input(path));
    let network = matches!(&draft.network, Some(RegionSpec::File { path }) if is_standard_input(path));
    let place = matches!(&draft.place, Some(PlaceSpec::File { path }) if is_standard_input(path));
    let links = draft.links.as_deref().is_some_and(is_standard_input);
    let publications = draft.publications.as_deref().is_some_and(is_standard_input);
    let named = [
        ("config", config.is_some_and(is_standard_input)),
        ("topology", topology),
        ("network", network),
        ("place", place),
        ("links", links),
        ("publications", publications),
        ("stakes", draft.stakes.as_deref().is_some_and(is_standard_input)),
    ];
    let mut readers = named.into_iter().filter_map(|(option, reads)| reads.then_some(option));
    match (readers.next(), readers.next()) {
        (Some(first), Some(second)) => Err(Failure::TwoOnStandardInput { first, second }),
        (Some("network"), None) if repeats => Err(Failure::MatrixReadOnce),
        _ => Ok(()),
    }
}

/// Collects the files that a command reads, each with the option that names it.
pub(super) fn inputs<'a>(scenario: &'a Scenario, config: Option<&'a Path>) -> Vec<NamedInput<'a>> {
    scenario.files().chain(config.map(|path| ("config", path))).map(|(option, path)| (option, opened(path))).collect()
}

/// Returns the path by which an input is opened.
fn opened(path: &Path) -> &Path {
    if is_standard_input(path) { Path::new("/dev/stdin") } else { path }
}
