//! The files that arguments name: options to read, figures to write.
//!
//! A file to write is created before the run, so that a wrong path costs no measurement.

use super::Failure;
use bulk_order_propagation::scenario::Draft;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The longest file of options: many times what all of them take, and little to read where it is something else.
pub(crate) const CONFIG_BYTES_MAX: u64 = 65_536;

/// Reads a file of options.
pub(crate) fn read_config(path: &Path) -> Result<Draft, Failure> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Err(cause) => Err(Failure::ConfigUnreadable { path: path.to_owned(), cause }),
        Ok(_) if text.len() as u64 > CONFIG_BYTES_MAX => Err(Failure::ConfigTooLong { path: path.to_owned() }),
        Ok(_) => Draft::from_toml(&text).map_err(|error| Failure::ConfigWrong { path: path.to_owned(), error }),
    }
}

/// A file that exists and waits for its content.
pub(crate) struct Created {
    option: &'static str,
    path: PathBuf,
    file: File,
}

/// Creates the file that an option names, or empties the one that is there.
pub(crate) fn create(option: &'static str, path: &Path) -> Result<Created, Failure> {
    match File::create(path) {
        Ok(file) => Ok(Created { option, path: path.to_owned(), file }),
        Err(cause) => Err(Failure::NotCreated { option, path: path.to_owned(), cause }),
    }
}

impl Created {
    /// Writes the content.
    pub(crate) fn fill(self, content: impl FnOnce(File) -> io::Result<()>) -> Result<(), Failure> {
        content(self.file).map_err(|cause| Failure::NotFilled { option: self.option, path: self.path, cause })
    }
}
