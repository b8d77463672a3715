//! The file that a path leads to, even if it does not exist yet.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Names of this process's own streams. They are never reopened, because a stream that is a file would be overwritten
/// from its start.
pub(super) const STANDARD_OUTPUT: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
pub(super) const STANDARD_ERROR: [&str; 3] = ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"];

/// Links followed to a missing file, as many as Linux follows to an existing one.
const LINKS_MAX: u32 = 40;

/// Suffix of the output of an interrupted run.
const PARTIAL: &str = ".partial";

/// A path with all links followed.
#[derive(Clone, Debug)]
pub(super) struct OutputPath {
    /// The path as it was given.
    pub(super) named: PathBuf,
    /// The whole path, all links followed.
    pub(super) path: PathBuf,
    /// Metadata of the existing file, if there is one.
    pub(super) found: Option<Metadata>,
}

impl OutputPath {
    /// Follows a path.
    ///
    /// # Errors
    ///
    /// If the directory that it leads into does not exist or cannot be entered.
    pub(super) fn of(named: &Path) -> io::Result<OutputPath> {
        match fs::metadata(named) {
            Ok(found) => {
                // A pipe has no path except the one that it was given by.
                let path = fs::canonicalize(named).unwrap_or_else(|_| named.to_owned());
                Ok(OutputPath { named: named.to_owned(), path, found: Some(found) })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok(OutputPath { named: named.to_owned(), path: path_of_missing(named)?, found: None })
            }
            Err(error) => Err(error),
        }
    }

    /// Returns true if both are one file. A device stores nothing, so any number of outputs may share it.
    pub(super) fn is_same(&self, other: &OutputPath) -> bool {
        match (&self.found, &other.found) {
            (Some(one), Some(_)) if one.file_type().is_char_device() => false,
            (Some(one), Some(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
            _ => self.path == other.path,
        }
    }

    /// Returns the files that a run may write: this one and its partial result. A stream of this process has nothing to
    /// lose, so it is not among them.
    pub(super) fn written(&self) -> impl Iterator<Item = OutputPath> + use<> {
        let kept = (self.is_replaceable() && !self.is_stream()).then(|| self.partial());
        let place = (!self.is_stream()).then(|| self.clone());
        place.into_iter().chain(kept)
    }

    /// Returns the file of an interrupted run's partial result.
    pub(super) fn partial(&self) -> OutputPath {
        let mut path = self.path.clone().into_os_string();
        path.push(PARTIAL);
        let path = PathBuf::from(path);
        let found = fs::metadata(&path).ok();
        OutputPath { named: path.clone(), path, found }
    }

    /// Returns true if a regular file exists.
    pub(super) fn is_regular(&self) -> bool {
        self.found.as_ref().is_some_and(Metadata::is_file)
    }

    /// Returns true if a new file can replace this one.
    pub(super) fn is_replaceable(&self) -> bool {
        self.found.as_ref().is_none_or(Metadata::is_file)
    }

    fn is_stream(&self) -> bool {
        STANDARD_OUTPUT.iter().chain(&STANDARD_ERROR).any(|name| self.named == Path::new(name))
    }

    /// Returns the stream of this process that the path names.
    pub(super) fn stream(&self) -> io::Result<Option<File>> {
        let is_one_of = |names: [&str; 3]| names.iter().any(|name| self.named == Path::new(name));
        let stream = match () {
            () if is_one_of(STANDARD_OUTPUT) => io::stdout().as_fd().try_clone_to_owned()?,
            () if is_one_of(STANDARD_ERROR) => io::stderr().as_fd().try_clone_to_owned()?,
            () => return Ok(None),
        };
        Ok(Some(File::from(stream)))
    }
}

/// Returns the full path of a missing file, through links that lead to it.
fn path_of_missing(named: &Path) -> io::Result<PathBuf> {
    let mut path = named.to_owned();
    for _ in 0..LINKS_MAX {
        let is_directory = path.to_string_lossy().ends_with('/');
        let name = path.file_name().filter(|_| !is_directory).ok_or(ErrorKind::IsADirectory)?;
        let parent = match path.parent() {
            Some(parent) if parent != Path::new("") => fs::canonicalize(parent)?,
            _ => fs::canonicalize(".")?,
        };
        let whole = parent.join(name);
        match fs::read_link(&whole) {
            Ok(target) => path = parent.join(target),
            Err(_) => return Ok(whole),
        }
    }
    Err(io::Error::from_raw_os_error(libc::ELOOP))
}
