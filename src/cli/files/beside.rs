//! Writes a new file beside its destination, and renames it when it is complete.
//!
//! Chosen over `atomic-write-file`, because `tempfile` is in the build anyway and both make the same system calls. What
//! it lacks is added here: the old file's owner and mode are kept.

use super::place::OutputPath;
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::{Builder, NamedTempFile};

/// Prefix of the names of unfinished files.
const PREFIX: &str = ".bulkprop-";

/// Mode of a new file, before the process's mask is applied.
const MODE: u32 = 0o666;

/// The file that is being written, if any.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Removes the file that is being written, and prevents another from being started while the result lives: for ending
/// the process at once.
pub(crate) fn remove_unfinished() -> impl Sized {
    let unfinished = unfinished();
    if let Some(path) = unfinished.as_ref() {
        // If that fails, no one is left to be told.
        let _ = std::fs::remove_file(path);
    }
    unfinished
}

fn unfinished() -> MutexGuard<'static, Option<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tests whether a new file can replace this one, and leaves no trace.
pub(super) fn probe(place: &OutputPath) -> io::Result<()> {
    // A file that may not be written must not be replaced either.
    if place.found.is_some() {
        OpenOptions::new().write(true).open(&place.path)?;
    }
    // The name of a partial result may be too long.
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

/// Returns true if the directory lets only the owner of a file remove or rename it, as `/tmp` does, and `me` is not
/// allowed to.
fn is_protected(owner: u32, me: u32, directory: &Metadata) -> bool {
    let is_sticky = directory.mode() & libc::S_ISVTX != 0;
    is_sticky && me != 0 && me != owner && me != directory.uid()
}

/// A written file that has no name of its own yet. It is removed if it gets none.
#[derive(Debug)]
pub(super) struct ReplacementFile(NamedTempFile);

/// Writes a file with this content beside its destination, with the owner and the mode of the old file if there is one.
pub(super) fn write(place: &OutputPath, content: impl FnOnce(&File) -> io::Result<()>) -> io::Result<ReplacementFile> {
    let old = place.found.as_ref();
    let mode = old.map_or(MODE, |old| old.mode() & 0o777);
    let mut builder = Builder::new();
    builder.prefix(PREFIX).permissions(Permissions::from_mode(mode));
    let replacement = {
        let mut unfinished = unfinished();
        let replacement = builder.tempfile_in(directory(&place.path))?;
        *unfinished = Some(replacement.path().to_owned());
        replacement
    };
    content(replacement.as_file())?;
    if let Some(old) = old {
        // Only root can give a file away; for others the new file keeps its owner.
        let _ = fchown(replacement.as_file(), Some(old.uid()), Some(old.gid()));
        replacement.as_file().set_permissions(old.permissions())?;
    }
    // A full disk may be reported only now.
    replacement.as_file().sync_all()?;
    Ok(ReplacementFile(replacement))
}

impl ReplacementFile {
    /// Renames the file, within its directory, replacing any file of that name.
    pub(super) fn rename_to(self, path: &Path) -> Result<(), (io::Error, ReplacementFile)> {
        self.0.persist(path).map_err(|refused| (refused.error, ReplacementFile(refused.file)))?;
        *unfinished() = None;
        Ok(())
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}
