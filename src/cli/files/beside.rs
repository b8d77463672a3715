//! Writes a new file beside the place that it is to take, and renames it when it is whole.
//!
//! Chosen over `atomic-write-file`: `tempfile` is in the build anyway, and both do the same system calls. What it does not
//! do is here: the old file's owner and mode are kept.

use super::place::OutputPath;
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::{Builder, NamedTempFile};

/// How the names of unfinished files begin.
const PREFIX: &str = ".bulkprop-";

/// The mode of a new file, from which the process's mask takes away.
const MODE: u32 = 0o666;

/// The file that is being written, if one is.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Removes the file that is being written, and lets nobody begin another: for who ends the process at once.
pub(crate) fn hold_back() -> impl Sized {
    let unfinished = unfinished();
    if let Some(path) = unfinished.as_ref() {
        // Where that fails there is nobody left to tell.
        let _ = std::fs::remove_file(path);
    }
    unfinished
}

fn unfinished() -> MutexGuard<'static, Option<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tries whether a file can take this place, and leaves no trace.
pub(super) fn probe(place: &OutputPath) -> io::Result<()> {
    // A file that may not be written is not to be replaced either.
    if place.found.is_some() {
        OpenOptions::new().write(true).open(&place.path)?;
    }
    // The name that a partial result would have may be too long.
    match std::fs::symlink_metadata(place.partial().path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let directory = directory(&place.path);
    let me = tempfile::tempfile_in(directory)?.metadata()?.uid();
    match &place.found {
        Some(old) if is_protected(old.uid(), me, &std::fs::metadata(directory)?) => {
            Err(io::Error::from_raw_os_error(libc::EPERM))
        }
        _ => Ok(()),
    }
}

/// Whether the directory lets only the owner of a file take its name away, as `/tmp` does, and `me` is not allowed to.
fn is_protected(owner: u32, me: u32, directory: &Metadata) -> bool {
    let is_sticky = directory.mode() & libc::S_ISVTX != 0;
    is_sticky && me != 0 && me != owner && me != directory.uid()
}

/// A file that is written and has no place yet. Where it finds none it is removed.
#[derive(Debug)]
pub(super) struct ReplacementFile(NamedTempFile);

/// Writes a file with this content beside a place, with the owner and the mode of the old one where there is one.
pub(super) fn written(
    place: &OutputPath,
    content: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<ReplacementFile> {
    let old = place.found.as_ref();
    let mode = old.map_or(MODE, |old| old.mode() & 0o777);
    let mut builder = Builder::new();
    builder.prefix(PREFIX).permissions(Permissions::from_mode(mode));
    let begun = {
        let mut unfinished = unfinished();
        let begun = builder.tempfile_in(directory(&place.path))?;
        *unfinished = Some(begun.path().to_owned());
        begun
    };
    content(begun.as_file())?;
    if let Some(old) = old {
        // Only root gives a file away; who may not keeps it.
        let _ = fchown(begun.as_file(), Some(old.uid()), Some(old.gid()));
        begun.as_file().set_permissions(old.permissions())?;
    }
    // A disk that is full may say so only now.
    begun.as_file().sync_all()?;
    Ok(ReplacementFile(begun))
}

impl ReplacementFile {
    /// Gives it its name, in the directory that it is in, in place of whatever file has it.
    pub(super) fn take_place(self, path: &Path) -> Result<(), (io::Error, ReplacementFile)> {
        self.0.persist(path).map_err(|refused| (refused.error, ReplacementFile(refused.file)))?;
        *unfinished() = None;
        Ok(())
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}
