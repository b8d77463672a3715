//! `--config`: options read from a file.

use crate::scenario::{Draft, FileError};
use crate::sys::open_input;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of the longest file of options: many times what all options take, and quickly read if the file is something
/// else.
const CONFIG_BYTES_MAX: u64 = 65_536;

/// The reason why a file of options cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("--config {path:?}: {cause}; name a readable TOML file")]
    Unreadable { path: PathBuf, cause: io::Error },
    /// The file is too long to be one of options.
    #[error("--config {path:?}: it is longer than {CONFIG_BYTES_MAX} bytes; name a TOML file of options")]
    TooLong { path: PathBuf },
    /// The file has an error in it.
    #[error("--config {path:?}, {error}")]
    Wrong { path: PathBuf, error: FileError },
}

/// Reads a file of options.
pub(crate) fn read(path: &Path) -> Result<Draft, ConfigError> {
    let mut text = String::new();
    let read = open_input(path).and_then(|file| file.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Err(cause) => Err(ConfigError::Unreadable { path: path.to_owned(), cause }),
        Ok(_) if text.len() as u64 > CONFIG_BYTES_MAX => Err(ConfigError::TooLong { path: path.to_owned() }),
        Ok(_) => Draft::from_toml(&text).map_err(|error| ConfigError::Wrong { path: path.to_owned(), error }),
    }
}
