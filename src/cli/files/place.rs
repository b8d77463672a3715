//! The file that a path leads to, also where none is there yet.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The names of this process's own streams. Opened anew, one that is a file would be written over from its start.
pub(super) const STANDARD_OUTPUT: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
pub(super) const STANDARD_ERROR: [&str; 3] = ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"];

/// Links that are followed to a file that is not there, as many as Linux follows to one that is.
const LINKS_MAX: u32 = 40;

/// What an interrupted run adds to the name of its output.
const PARTIAL: &str = ".partial";

/// Where a path leads.
#[derive(Clone, Debug)]
pub(super) struct OutputPath {
    /// The path as it was asked for.
    pub(super) named: PathBuf,
    /// The whole path, all links followed.
    pub(super) path: PathBuf,
    /// What is there.
    pub(super) found: Option<Metadata>,
}

impl OutputPath {
    /// Follows a path.
    ///
    /// # Errors
    ///
    /// Where the directory that it leads into is not there or not to be entered.
    pub(super) fn of(named: &Path) -> io::Result<OutputPath> {
        match fs::metadata(named) {
            Ok(found) => {
                // A pipe has no path but the one that it was asked for with.
                let path = fs::canonicalize(named).unwrap_or_else(|_| named.to_owned());
                Ok(OutputPath { named: named.to_owned(), path, found: Some(found) })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok(OutputPath { named: named.to_owned(), path: path_of_none(named)?, found: None })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether both are one file. A device keeps nothing, and may stand for many.
    pub(super) fn is_same(&self, other: &OutputPath) -> bool {
        match (&self.found, &other.found) {
            (Some(one), Some(_)) if one.file_type().is_char_device() => false,
            (Some(one), Some(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
            _ => self.path == other.path,
        }
    }

    /// The places that a run may write: this one and that of its partial result. Of a stream of this process there is
    /// nothing to be lost.
    pub(super) fn written(&self) -> impl Iterator<Item = OutputPath> + use<> {
        let kept = (self.is_replaceable() && !self.is_stream()).then(|| self.partial());
        let place = (!self.is_stream()).then(|| self.clone());
        place.into_iter().chain(kept)
    }

    /// Where an interrupted run puts what it has.
    pub(super) fn partial(&self) -> OutputPath {
        let mut path = self.path.clone().into_os_string();
        path.push(PARTIAL);
        let path = PathBuf::from(path);
        let found = fs::metadata(&path).ok();
        OutputPath { named: path.clone(), path, found }
    }

    /// Whether a file is there.
    pub(super) fn is_regular(&self) -> bool {
        self.found.as_ref().is_some_and(Metadata::is_file)
    }

    /// Whether a new file can take this place.
    pub(super) fn is_replaceable(&self) -> bool {
        self.found.as_ref().is_none_or(Metadata::is_file)
    }

    fn is_stream(&self) -> bool {
        STANDARD_OUTPUT.iter().chain(&STANDARD_ERROR).any(|name| self.named == Path::new(name))
    }

    /// The stream of this process that was asked for.
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

/// The whole path of a file that is not there, through links that lead to it.
fn path_of_none(named: &Path) -> io::Result<PathBuf> {
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
