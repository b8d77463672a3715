//! The requested places of nodes in the regions of a network.

use super::place_file::PlaceFile;
use super::spec_fields::escaped;
use crate::sys::is_standard_input;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The places of nodes, written and read as `--place` takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceSpec {
    /// A draw for each node, by the weights of the regions.
    Drawn,
    /// The regions in turn, each with as many nodes as the others.
    RoundRobin,
    /// A file with a line for each node.
    File {
        /// Path of the file.
        path: String,
    },
}

/// The places of the nodes of a network, with those of a file read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Places {
    /// A draw for each node, by the weights of the regions.
    Drawn,
    /// The regions in turn.
    RoundRobin,
    /// Those of a file.
    Listed(PlaceFile),
}

impl Places {
    /// Returns the request for these places.
    pub fn spec(&self) -> PlaceSpec {
        match self {
            Places::Drawn => PlaceSpec::Drawn,
            Places::RoundRobin => PlaceSpec::RoundRobin,
            Places::Listed(file) => PlaceSpec::File { path: file.path().to_owned() },
        }
    }

    /// Returns the places of a file, if they come from one.
    pub fn listed(&self) -> Option<&PlaceFile> {
        if let Places::Listed(file) = self { Some(file) } else { None }
    }
}

/// The error of a text that names no places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` names no places; write drawn, round-robin or FILE.csv", escaped(.0))]
pub struct ParsePlaceError(String);

impl fmt::Display for PlaceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            PlaceSpec::Drawn => "drawn",
            PlaceSpec::RoundRobin => "round-robin",
            PlaceSpec::File { path } => path,
        })
    }
}

impl FromStr for PlaceSpec {
    type Err = ParsePlaceError;

    fn from_str(text: &str) -> Result<PlaceSpec, ParsePlaceError> {
        match text {
            "drawn" => Ok(PlaceSpec::Drawn),
            "round-robin" => Ok(PlaceSpec::RoundRobin),
            path if path.ends_with(".csv") || is_standard_input(path) => Ok(PlaceSpec::File { path: path.to_owned() }),
            _ => Err(ParsePlaceError(text.to_owned())),
        }
    }
}

impl Serialize for PlaceSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
