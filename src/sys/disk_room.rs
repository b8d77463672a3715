//! The room that is left on a disk (`statvfs`).

#![allow(unsafe_code)]

use std::io;
use std::path::Path;

/// Returns the bytes that this process may still write to the disk of a folder; `None` if the system does not say.
///
/// # Errors
///
/// If the folder cannot be examined.
#[cfg(unix)]
pub fn disk_room(folder: &Path) -> io::Result<Option<u64>> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: A structure of integers may be all zeros.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` ends in a zero, and `found` is writable and of the type the call expects.
    super::check(unsafe { libc::statvfs(path.as_ptr(), &mut found) })?;
    #[allow(clippy::useless_conversion, reason = "the types of the fields differ from system to system")]
    let [blocks, bytes] = [u64::from(found.f_bavail), u64::from(found.f_frsize)];
    Ok(Some(blocks.saturating_mul(bytes)))
}

/// Returns `None`: other systems are not asked.
#[cfg(not(unix))]
pub fn disk_room(_: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_takes_files_has_room() {
        let folder = tempfile::tempdir().unwrap();
        assert!(disk_room(folder.path()).unwrap().is_none_or(|bytes| bytes > 0));
        assert!(disk_room(&folder.path().join("missing")).is_err());
        assert_eq!(disk_room(Path::new("/proc")).unwrap().filter(|_| cfg!(target_os = "linux")), Some(0));
    }
}
