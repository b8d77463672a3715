//! The requested set of regions: a data set by name, or a file.

use super::matrix::{self, MatrixError};
use super::regions::Regions;
use super::spec_fields::escaped;
use crate::sys::{is_standard_input, open_input};
use serde::{Serialize, Serializer};
use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

/// A set of regions by name, written and read as `--network` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegionSpec {
    /// 33 cloud regions with equal numbers of nodes.
    Aws33,
    /// 8 regions of Ethereum nodes.
    Ethereum8,
    /// 6 regions of Bitcoin nodes.
    Bitcoin6,
    /// 7 sites of exchanges.
    ExchangeSites,
    /// A set from a file.
    File {
        /// Path of the file.
        path: String,
    },
}

impl RegionSpec {
    /// The accepted notations, for help texts and errors.
    pub const WRITTEN: &'static str = "aws33, ethereum8, bitcoin6, exchange-sites, FILE.csv";

    /// Reads the regions.
    ///
    /// # Errors
    ///
    /// [`RegionError`] if a file cannot be read or does not hold a complete matrix.
    #[doc(hidden)]
    pub fn read(&self) -> Result<Regions, RegionError> {
        let read = match self {
            RegionSpec::Aws33 => matrix::read("aws33", AWS33),
            RegionSpec::Ethereum8 => matrix::read("ethereum8", include_str!("data/ethereum8.csv")),
            RegionSpec::Bitcoin6 => matrix::read("bitcoin6", include_str!("data/bitcoin6.csv")),
            RegionSpec::ExchangeSites => {
                matrix::sites(&matrix::read("aws33", AWS33)?, include_str!("data/exchange-sites.csv"))
            }
            RegionSpec::File { path } => {
                let unreadable = |source| RegionError::Unreadable { path: path.clone(), source };
                // A pipe or a device does not report its length, and may have no end.
                let mut text = Vec::new();
                let mut file = open_input(path).map_err(unreadable)?.take(FILE_BYTES_MAX + 1);
                file.read_to_end(&mut text).map_err(unreadable)?;
                if text.len() as u64 > FILE_BYTES_MAX {
                    return Err(RegionError::TooLong { path: path.clone() });
                }
                let no_text = |_| unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is no text in UTF-8"));
                matrix::read(path, &String::from_utf8(text).map_err(no_text)?)
            }
        };
        Ok(read?)
    }
}

/// The reason why a set of regions cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RegionError {
    /// No set has this name.
    #[error("`{}` is no network; choose one of {notation}", escaped(written), notation = RegionSpec::WRITTEN)]
    Unknown {
        /// The text as written.
        written: String,
    },
    /// The operating system cannot read the file.
    #[error("{}: {source}; name a readable file of latencies", escaped(path))]
    Unreadable {
        /// Path of the file.
        path: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file is larger than any matrix needs.
    #[error(
        "{}: more than {FILE_BYTES_MAX} bytes, the most that a matrix has; name a file of latencies",
        escaped(path)
    )]
    TooLong {
        /// Path of the file.
        path: String,
    },
    /// The file or the data set does not hold a complete matrix.
    #[error(transparent)]
    Matrix(#[from] MatrixError),
}

const AWS33: &str = include_str!("data/aws33.csv");

/// The maximum size of a matrix, in bytes: the largest one with long names is smaller.
const FILE_BYTES_MAX: u64 = 1 << 28;

impl fmt::Display for RegionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            RegionSpec::Aws33 => "aws33",
            RegionSpec::Ethereum8 => "ethereum8",
            RegionSpec::Bitcoin6 => "bitcoin6",
            RegionSpec::ExchangeSites => "exchange-sites",
            RegionSpec::File { path } => path,
        })
    }
}

impl FromStr for RegionSpec {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<RegionSpec, RegionError> {
        match text {
            "aws33" => Ok(RegionSpec::Aws33),
            "ethereum8" => Ok(RegionSpec::Ethereum8),
            "bitcoin6" => Ok(RegionSpec::Bitcoin6),
            "exchange-sites" => Ok(RegionSpec::ExchangeSites),
            path if path.ends_with(".csv") || is_standard_input(path) => Ok(RegionSpec::File { path: path.to_owned() }),
            _ => Err(RegionError::Unknown { written: text.to_owned() }),
        }
    }
}

impl Serialize for RegionSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
