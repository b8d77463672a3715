//! The first bytes on a connection: each end says who it is and what it is about to run.
//!
//! ```text
//! magic (8) | layout (1) | role (1) | is sealed (1) | 0 (1) | from (2) | to (2) | scenario (32) | hosts (32)
//!           | length (1) and text of the version (47)                                            little-endian
//! ```
//!
//! A hello is not authenticated. It exists so that a mistake gets a sentence that names it; what both ends are bound to
//! is the prologue of the handshake, which has the same facts.

use super::identity::{ClusterIdentity, ConnectionRole};
use crate::escape::escaped;

/// Size of a hello.
pub(super) const HELLO_BYTES: usize = 128;

/// The bytes by which a process of a cluster is told from any other program.
pub(super) const MAGIC: [u8; 8] = *b"bulkprop";

/// The layout of hellos, handshakes and frames that this version speaks.
const LAYOUT: u8 = 1;

/// Room for the text of the version.
const VERSION_ROOM: usize = 47;

/// The facts that one end of a new connection tells the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) role: ConnectionRole,
    /// True if the sender has a secret.
    pub(super) is_sealed: bool,
    pub(super) from: u16,
    pub(super) to: u16,
    pub(super) scenario: [u8; 32],
    pub(super) hosts: [u8; 32],
    pub(super) version: String,
}

/// The reason why two ends do not work together.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It did not say hello in time.
    #[error("it says nothing; another program listens there, or the process is stopped")]
    Silent,
    /// The first bytes are those of another program.
    #[error("it is no process of a cluster; another program uses this port")]
    Stranger,
    /// Its hello has another layout.
    #[error("it speaks another version of the connection; start the same program everywhere")]
    Layout,
    /// It is another version of this program.
    #[error("it is version {}, this is version {ours}; start the same program everywhere", escaped(.theirs))]
    Version {
        /// This process's version.
        ours: String,
        /// The other's.
        theirs: String,
    },
    /// It was given another hosts file.
    #[error("it was given another hosts file; give every process the same lines in the same sequence")]
    Hosts,
    /// It was given another scenario.
    #[error("it was given another scenario; give every process the same options and the same files")]
    Scenario,
    /// Only one end has a secret.
    #[error(
        "it has {} --secret-file and this process has {}; give all processes the same, or none",
        if *.theirs { "a" } else { "no" },
        if *.theirs { "none" } else { "one" }
    )]
    OneSecret {
        /// True if the other end has one.
        theirs: bool,
    },
    /// It is another process than the connection is for.
    #[error("it says it is process {from} and looks for process {to}; give each process its own --process")]
    WrongEnd {
        /// The number that it says it has.
        from: usize,
        /// The number that it looks for.
        to: usize,
    },
    /// Its connection exists already.
    #[error("another process with that number is connected already; give each process its own --process")]
    Twice,
    /// It does not know the secret.
    #[error("it does not have the same secret; give every process the same --secret-file")]
    Secret,
    /// It closed the connection during the handshake, or the connection failed.
    #[error("the connection ended in the handshake; the other side says why")]
    Ended,
}

impl Hello {
    /// Creates the hello of one end.
    pub(super) fn new(
        identity: &ClusterIdentity,
        is_sealed: bool,
        role: ConnectionRole,
        ends: (usize, usize),
    ) -> Hello {
        // Process numbers are limited by `CLUSTER_PROCESSES_MAX`.
        let (from, to) = (ends.0 as u16, ends.1 as u16);
        let version = identity.version[..identity.version.floor_char_boundary(VERSION_ROOM)].to_owned();
        Hello { role, is_sealed, from, to, scenario: identity.scenario, hosts: identity.hosts, version }
    }

    /// Writes the hello.
    pub(super) fn to_bytes(&self) -> [u8; HELLO_BYTES] {
        let mut bytes = [0; HELLO_BYTES];
        let mut parts = &mut bytes[..];
        let mut put = |part: &[u8]| {
            let (now, later) = std::mem::take(&mut parts).split_at_mut(part.len());
            now.copy_from_slice(part);
            parts = later;
        };
        put(&MAGIC);
        put(&[LAYOUT, self.role as u8, u8::from(self.is_sealed), 0]);
        put(&self.from.to_le_bytes());
        put(&self.to.to_le_bytes());
        put(&self.scenario);
        put(&self.hosts);
        put(&[self.version.len() as u8]);
        put(self.version.as_bytes());
        bytes
    }

    /// Reads a hello.
    ///
    /// # Errors
    ///
    /// [`Refusal::Stranger`] and [`Refusal::Layout`].
    pub(super) fn from_bytes(bytes: &[u8; HELLO_BYTES]) -> Result<Hello, Refusal> {
        let mut rest = &bytes[..];
        if take::<8>(&mut rest) != MAGIC {
            return Err(Refusal::Stranger);
        }
        let [layout, role, is_sealed, _] = take(&mut rest);
        let role = ConnectionRole::ALL.into_iter().find(|known| *known as u8 == role);
        let (LAYOUT, Some(role)) = (layout, role) else { return Err(Refusal::Layout) };
        let [from, to] = [take(&mut rest), take(&mut rest)].map(u16::from_le_bytes);
        let (scenario, hosts) = (take(&mut rest), take(&mut rest));
        let [length] = take(&mut rest);
        let version = String::from_utf8_lossy(&rest[..rest.len().min(length.into())]).into_owned();
        Ok(Hello { role, is_sealed: is_sealed != 0, from, to, scenario, hosts, version })
    }

    /// Checks the hello that came in answer to this one, or that this one answers.
    ///
    /// # Errors
    ///
    /// The first fact on which the two do not agree, from the most general on.
    pub(super) fn check(&self, other: &Hello) -> Result<(), Refusal> {
        if self.version != other.version {
            Err(Refusal::Version { ours: self.version.clone(), theirs: other.version.clone() })
        } else if self.hosts != other.hosts {
            Err(Refusal::Hosts)
        } else if self.is_sealed != other.is_sealed {
            Err(Refusal::OneSecret { theirs: other.is_sealed })
        } else if self.scenario != other.scenario {
            Err(Refusal::Scenario)
        } else if (self.from, self.to, self.role) != (other.to, other.from, other.role) {
            Err(Refusal::WrongEnd { from: other.from.into(), to: other.to.into() })
        } else {
            Ok(())
        }
    }
}

/// Takes the first `N` bytes.
fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (first, rest) = bytes.split_first_chunk().expect("a hello has a fixed size");
    *bytes = rest;
    *first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::hosts::Hosts;

    fn hello(version: &str, scenario: &str, hosts: &str, is_sealed: bool, ends: (usize, usize)) -> Hello {
        let identity = ClusterIdentity::new(version, scenario, &Hosts::parse("", hosts).unwrap());
        Hello::new(&identity, is_sealed, ConnectionRole::Exchange, ends)
    }

    #[test]
    fn a_hello_comes_as_it_was_sent() {
        let long = "9.9.9+".to_owned() + &"é".repeat(40);
        for version in ["", "1.2.3 (0123abc)", &long] {
            for role in ConnectionRole::ALL {
                let sent = Hello { role, ..hello(version, "s", "a:1\nb:2", true, (255, 3)) };
                assert_eq!(Hello::from_bytes(&sent.to_bytes()).unwrap(), sent);
            }
        }
    }

    #[test]
    fn the_first_difference_is_named() {
        let ours = hello("1.0", "s", "a:1\nb:2", true, (0, 1));
        let check = |other: &Hello| ours.check(other).map_err(|refusal| refusal.to_string());
        assert_eq!(check(&hello("1.0", "s", "a:1\nb:2", true, (1, 0))), Ok(()));
        for (other, said) in [
            (hello("1.1\n", "t", "a:1", false, (5, 6)), "it is version 1.1\\n, this is version 1.0;"),
            (hello("1.0", "t", "a:1", false, (5, 6)), "another hosts file"),
            (hello("1.0", "t", "a:1\nb:2", false, (5, 6)), "it has no --secret-file and this process has one"),
            (hello("1.0", "t", "a:1\nb:2", true, (5, 6)), "another scenario"),
            (hello("1.0", "s", "a:1\nb:2", true, (5, 6)), "it is process 5 and looks for process 6"),
            (hello("1.0", "s", "a:1\nb:2", true, (1, 1)), "its own --process"),
        ] {
            let found = check(&other).unwrap_err();
            assert!(found.contains(said), "{found}");
        }
    }

    #[test]
    fn other_bytes_are_no_hello() {
        let mut bytes = hello("1.0", "s", "a:1", false, (0, 0)).to_bytes();
        bytes[8] = 2;
        assert!(matches!(Hello::from_bytes(&bytes), Err(Refusal::Layout)));
        (bytes[8], bytes[9]) = (1, 3);
        assert!(matches!(Hello::from_bytes(&bytes), Err(Refusal::Layout)));
        bytes[0] = b'B';
        assert!(matches!(Hello::from_bytes(&bytes), Err(Refusal::Stranger)));
        for fill in 0..=255 {
            // Any length of the version is read within the hello.
            let mut bytes = [fill; HELLO_BYTES];
            bytes[..12].copy_from_slice(&[&MAGIC[..], &[1, 1, fill, fill]].concat());
            Hello::from_bytes(&bytes).unwrap();
        }
    }
}
