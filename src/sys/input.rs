//! Files that are read once from their beginning to their end, `-` being standard input.

use std::fs::File;
use std::io;
use std::path::Path;

/// The name of standard input.
const STANDARD_INPUT: &str = "-";

/// Opens the file at `path`, or standard input for `-`.
pub fn open_input(path: impl AsRef<Path>) -> io::Result<File> {
    let path = path.as_ref();
    File::open(if is_standard_input(path) { Path::new("/dev/stdin") } else { path })
}

/// Returns true if `path` names standard input rather than a file.
pub fn is_standard_input(path: impl AsRef<Path>) -> bool {
    path.as_ref().as_os_str() == STANDARD_INPUT
}
