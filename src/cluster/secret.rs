//! The secret that all processes of a cluster share, from a file that nobody else may read.

use super::digest::digest;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The least size of a secret, in bytes: as many as the key that is derived from it.
pub const SECRET_BYTES_MIN: u64 = 32;

/// The maximum size of a secret, in bytes.
const SECRET_BYTES_MAX: u64 = 4_096;

/// The secret that all processes of a cluster share.
#[derive(Clone)]
pub struct ClusterSecret {
    key: [u8; 32],
}

/// The reason why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("--secret-file {path:?}: {fault}")]
pub struct SecretError {
    /// Path of the file.
    pub path: PathBuf,
    /// The fault and its remedy.
    pub fault: SecretFault,
}

/// A fault of a secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretFault {
    /// The operating system cannot read the file.
    #[error("{0}; write one: (umask 077; head -c 32 /dev/urandom > FILE)")]
    Unreadable(#[source] io::Error),
    /// The file is one that other users may read.
    #[error("its mode {mode:03o} lets others read it; take that from them (chmod 600 FILE), or write a new one")]
    Readable {
        /// The permissions.
        mode: u32,
    },
    /// The file is too short for a key.
    #[error("{bytes} bytes, and a secret has at least {SECRET_BYTES_MIN}; write one: head -c 32 /dev/urandom > FILE")]
    TooShort {
        /// Its size.
        bytes: u64,
    },
    /// The file is too long for a secret.
    #[error("more than {SECRET_BYTES_MAX} bytes, the most of a secret; is it the right file?")]
    TooLong,
}

impl ClusterSecret {
    /// Reads a secret.
    ///
    /// # Errors
    ///
    /// [`SecretError`] for a file that cannot be read, that others may read, and that is too short or too long.
    pub fn read(path: &Path) -> Result<ClusterSecret, SecretError> {
        ClusterSecret::checked(path).map_err(|fault| SecretError { path: path.to_owned(), fault })
    }

    fn checked(path: &Path) -> Result<ClusterSecret, SecretFault> {
        let file = File::open(path).map_err(SecretFault::Unreadable)?;
        // The permissions are those of the opened file, whatever its name stands for by now.
        check_readers(&file)?;
        let mut bytes = Vec::new();
        file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(SecretFault::Unreadable)?;
        match bytes.len() as u64 {
            short @ ..SECRET_BYTES_MIN => Err(SecretFault::TooShort { bytes: short }),
            SECRET_BYTES_MIN..=SECRET_BYTES_MAX => Ok(ClusterSecret::of(&bytes)),
            _ => Err(SecretFault::TooLong),
        }
    }

    /// Derives the key of a secret from its bytes.
    pub(super) fn of(bytes: &[u8]) -> ClusterSecret {
        ClusterSecret { key: digest(&[b"bulkprop cluster secret", bytes]) }
    }

    /// Returns the key that both ends of a connection must know.
    pub(super) fn key(&self) -> &[u8; 32] {
        &self.key
    }
}

/// Keeps the key out of every log.
impl fmt::Debug for ClusterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClusterSecret")
    }
}

#[cfg(unix)]
fn check_readers(file: &File) -> Result<(), SecretFault> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_err(SecretFault::Unreadable)?.permissions().mode() & 0o777;
    if mode & 0o044 == 0 { Ok(()) } else { Err(SecretFault::Readable { mode }) }
}

/// Accepts every file: other systems have no permissions that the standard library could read.
#[cfg(not(unix))]
fn check_readers(_: &File) -> Result<(), SecretFault> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_a_long_and_private_file_is_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert!(ClusterSecret::read(&path).unwrap_err().to_string().contains("urandom"));
        for (bytes, mode, said) in [
            (31, 0o600, Some("31 bytes, and a secret has at least 32")),
            (32, 0o600, None),
            (32, 0o400, None),
            (4_096, 0o600, None),
            (4_097, 0o600, Some("more than 4096 bytes")),
            (32, 0o640, Some("mode 640 lets others read it")),
            (32, 0o604, Some("chmod 600")),
            (32, 0o644, Some("mode 644")),
        ] {
            let _ = fs::remove_file(&path);
            fs::write(&path, vec![7; bytes]).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = ClusterSecret::read(&path).map_err(|error| error.to_string());
            match said {
                None => assert_eq!(read.unwrap().key(), ClusterSecret::of(&vec![7; bytes]).key()),
                Some(said) => assert!(read.as_ref().unwrap_err().contains(said), "{bytes} {mode:o}: {read:?}"),
            }
        }
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", ClusterSecret::of(&[1; 32])), "ClusterSecret");
        assert_ne!(ClusterSecret::of(&[1; 32]).key(), ClusterSecret::of(&[2; 32]).key());
    }
}
