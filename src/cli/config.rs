//! `--config`: options read from a file.

use super::Failure;
use bulk_order_propagation::scenario::Draft;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes of the longest file of options: many times what all options take, and quickly read if the file is something
/// else.
pub(crate) const CONFIG_BYTES_MAX: u64 = 65_536;

/// Reads a file of options.
pub(crate) fn read(path: &Path) -> Result<Draft, Failure> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Err(cause) => Err(Failure::ConfigUnreadable { path: path.to_owned(), cause }),
        Ok(_) if text.len() as u64 > CONFIG_BYTES_MAX => Err(Failure::ConfigTooLong { path: path.to_owned() }),
        Ok(_) => Draft::from_toml(&text).map_err(|error| Failure::ConfigWrong { path: path.to_owned(), error }),
    }
}
