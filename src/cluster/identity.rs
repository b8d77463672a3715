//! The facts on which all processes of a cluster must agree before any of them works.

use super::digest::digest;
use super::hosts::Hosts;

/// The facts on which all processes of a run must agree: program, scenario and hosts file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterIdentity {
    /// The program's version, with the commit if it is known.
    pub(super) version: String,
    /// Digest of the scenario.
    pub(super) scenario: [u8; 32],
    /// Digest of the hosts file.
    pub(super) hosts: [u8; 32],
}

/// The role of a connection. Each pair of processes has one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ConnectionRole {
    /// Carries what the workers exchange.
    Exchange = 1,
    /// Carries the heartbeat.
    Heartbeat = 2,
}

impl ConnectionRole {
    pub(super) const ALL: [ConnectionRole; 2] = [ConnectionRole::Exchange, ConnectionRole::Heartbeat];
}

impl ClusterIdentity {
    /// Creates the identity of a run. `scenario` is the whole scenario as text, defaults filled in, without what may
    /// differ between processes.
    pub fn new(version: &str, scenario: &str, hosts: &Hosts) -> ClusterIdentity {
        let scenario = digest(&[b"scenario", scenario.as_bytes()]);
        ClusterIdentity { version: version.to_owned(), scenario, hosts: hosts.digest() }
    }

    /// Returns the digest of a connection that both ends bind their keys to: what they agree on, who dials whom, and
    /// for what. A recorded handshake is of no use for any other connection.
    pub(super) fn prologue(&self, dialler: usize, acceptor: usize, role: ConnectionRole) -> [u8; 32] {
        let ends = [dialler as u64, acceptor as u64, role as u64].map(u64::to_le_bytes);
        digest(&[b"prologue", self.version.as_bytes(), &self.scenario, &self.hosts, ends.as_flattened()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_changes_the_prologue() {
        let hosts = |text: &str| Hosts::parse("", text).unwrap();
        let base = ("1.0", "nodes = 5", "a:1\nb:2", 1, 0, ConnectionRole::Exchange);
        let prologue =
            |(version, scenario, text, dialler, acceptor, role): (&str, &str, &str, usize, usize, ConnectionRole)| {
                ClusterIdentity::new(version, scenario, &hosts(text)).prologue(dialler, acceptor, role)
            };
        let others = [
            ("1.1", base.1, base.2, 1, 0, base.5),
            (base.0, "nodes = 6", base.2, 1, 0, base.5),
            (base.0, base.1, "a:1\nb:3", 1, 0, base.5),
            (base.0, base.1, base.2, 0, 1, base.5),
            (base.0, base.1, base.2, 2, 0, base.5),
            (base.0, base.1, base.2, 1, 0, ConnectionRole::Heartbeat),
        ];
        assert_eq!(prologue(base), prologue(base));
        for other in others {
            assert_ne!(prologue(other), prologue(base), "{other:?}");
        }
    }
}
