//! The hosts file: a line `host:port` for each process of a cluster.
//!
//! Line numbers are process numbers, from 0. Blank lines and lines that begin with `#` do not count. Every process
//! must be given the same file, because the file says who they are.

use super::digest::digest;
use crate::escape::escaped;
use crate::sys::open_input;
use std::fmt;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;

/// The maximum number of processes of a cluster. Each has two connections and two threads for every other.
pub const CLUSTER_PROCESSES_MAX: usize = 256;

/// The maximum size of a hosts file, in bytes.
const HOSTS_BYTES_MAX: u64 = 65_536;

/// The maximum length of a host's name, in bytes (RFC 1035).
const NAME_BYTES_MAX: usize = 253;

/// Characters of a faulty line that an error shows.
const SHOWN_MAX: usize = 60;

/// The addresses of all processes of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    addresses: Vec<HostAddress>,
}

/// The address of one process, as the hosts file names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostAddress {
    /// A name, or an address of IPv4 or IPv6.
    host: String,
    port: u16,
}

/// The reason why a hosts file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("--cluster {}{}: {fault}", escaped(.path), .line.map_or_else(String::new, |line| format!(", line {line}")))]
pub struct HostsError {
    /// Path of the file.
    pub path: String,
    /// Number of the line, counted from 1, if one line is at fault.
    pub line: Option<usize>,
    /// The fault and its remedy.
    pub fault: HostsFault,
}

/// A fault of a hosts file.
#[derive(Debug, thiserror::Error)]
pub enum HostsFault {
    /// The operating system cannot read the file.
    #[error("{0}; name a readable file with a line host:port for each process")]
    Unreadable(#[source] io::Error),
    /// The file is larger than any list of hosts.
    #[error("more than {HOSTS_BYTES_MAX} bytes, the most that a hosts file has; name a shorter file")]
    TooLong,
    /// The file is not text.
    #[error("not UTF-8 text; write a line host:port for each process")]
    NotText,
    /// The file names no process.
    #[error("no line names a process; write a line host:port for each")]
    Empty,
    /// The file names more processes than a cluster has.
    #[error("more than {CLUSTER_PROCESSES_MAX} processes, the most of a cluster; give each more --threads")]
    TooMany,
    /// A line without a port.
    #[error("{0:?} has no port; write host:port, such as node1:2101")]
    NoPort(String),
    /// A line whose port is none.
    #[error("{0:?} is no port; write a number from 1 to 65535 after the host, such as node1:2101")]
    Port(String),
    /// A line whose host is none.
    #[error("{0:?} is no host; write a name, an IPv4 address, or an IPv6 address in brackets, such as [fd00::1]:2101")]
    Host(String),
    /// Two processes with one address.
    #[error("{address} is the address of line {line} already; give each process a port of its own")]
    Twice {
        /// The address.
        address: HostAddress,
        /// The line that has it already.
        line: usize,
    },
}

impl Hosts {
    /// Reads a hosts file; `-` is standard input.
    ///
    /// # Errors
    ///
    /// [`HostsError`], with the line at fault.
    pub fn read(path: &Path) -> Result<Hosts, HostsError> {
        let shown = path.display().to_string();
        let fail = |fault| HostsError { path: shown.clone(), line: None, fault };
        let file = open_input(path).map_err(|cause| fail(HostsFault::Unreadable(cause)))?;
        let mut bytes = Vec::new();
        let read = file.take(HOSTS_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|cause| fail(HostsFault::Unreadable(cause)))?;
        if bytes.len() as u64 > HOSTS_BYTES_MAX {
            return Err(fail(HostsFault::TooLong));
        }
        let text = String::from_utf8(bytes).map_err(|_| fail(HostsFault::NotText))?;
        Hosts::parse(&shown, &text)
    }

    /// Parses the text of a hosts file, which errors name as `path`.
    ///
    /// # Errors
    ///
    /// [`HostsError`], with the line at fault.
    pub fn parse(path: &str, text: &str) -> Result<Hosts, HostsError> {
        let fail = |line, fault| HostsError { path: path.to_owned(), line, fault };
        let mut found: Vec<(usize, HostAddress)> = Vec::new();
        for (line, text) in (1..).zip(text.lines().map(str::trim)) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let address = HostAddress::parse(text).map_err(|fault| fail(Some(line), fault))?;
            if let Some(&(first, _)) = found.iter().find(|(_, other)| *other == address) {
                return Err(fail(Some(line), HostsFault::Twice { address, line: first }));
            }
            if found.len() == CLUSTER_PROCESSES_MAX {
                return Err(fail(Some(line), HostsFault::TooMany));
            }
            found.push((line, address));
        }
        if found.is_empty() {
            return Err(fail(None, HostsFault::Empty));
        }
        Ok(Hosts { addresses: found.into_iter().map(|(_, address)| address).collect() })
    }

    /// Returns the number of processes, which is at least 1.
    #[allow(clippy::len_without_is_empty, reason = "no cluster is empty")]
    pub fn len(&self) -> usize {
        self.addresses.len()
    }

    /// Returns the address of a process.
    pub fn address(&self, process: usize) -> &HostAddress {
        &self.addresses[process]
    }

    /// Counts the processes on the machine of this one, as far as names tell: those before it, and all.
    pub fn on_machine(&self, process: usize) -> [usize; 2] {
        let own = self.address(process);
        let is_here = |other: &&HostAddress| other.host == own.host || other.is_loopback() && own.is_loopback();
        let count = |addresses: &[HostAddress]| addresses.iter().filter(is_here).count();
        [count(&self.addresses[..process]), count(&self.addresses)]
    }

    /// Returns the first address that is not the machine's own loopback, if any.
    pub fn beyond_loopback(&self) -> Option<&HostAddress> {
        self.addresses.iter().find(|address| !address.is_loopback())
    }

    /// Returns the digest that processes compare at the start, to know that all read the same file.
    pub fn digest(&self) -> [u8; 32] {
        let lines: Vec<String> = self.addresses.iter().map(HostAddress::to_string).collect();
        digest(&[b"hosts", lines.join("\n").as_bytes()])
    }
}

impl HostAddress {
    fn parse(text: &str) -> Result<HostAddress, HostsFault> {
        let shown = |text: &str| text.chars().take(SHOWN_MAX).collect::<String>();
        let no_port = || HostsFault::NoPort(shown(text));
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once("]:").ok_or_else(no_port)?,
            None => text.rsplit_once(':').ok_or_else(no_port)?,
        };
        // The standard parser would accept a leading `+`.
        let digits = port.bytes().all(|byte| byte.is_ascii_digit()).then_some(port);
        let port = digits.and_then(|digits| digits.parse().ok()).filter(|&port| port != 0);
        let port = port.ok_or_else(|| HostsFault::Port(shown(text)))?;
        let is_host = if text.starts_with('[') { host.parse::<Ipv6Addr>().is_ok() } else { is_name(host) };
        if !is_host {
            return Err(HostsFault::Host(shown(text)));
        }
        Ok(HostAddress { host: host.to_ascii_lowercase(), port })
    }

    /// Returns true for `localhost` and addresses that reach this machine alone.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Looks up the socket addresses of the host. One that the file names as loopback has no others.
    pub(super) fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let found = (self.host.as_str(), self.port).to_socket_addrs()?;
        let found: Vec<SocketAddr> = found.filter(|found| !self.is_loopback() || found.ip().is_loopback()).collect();
        if found.is_empty() {
            Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
        } else {
            Ok(found)
        }
    }
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HostAddress { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// Returns true for a name or an IPv4 address: letters, digits, hyphens, underscores and dots.
fn is_name(host: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&host.len()) && host.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        Hosts::parse("hosts.txt", text).unwrap_err().to_string()
    }

    #[test]
    fn processes_of_one_machine_are_counted() {
        let text = "node1:1\nnode2:1\nnode1:2\n127.0.0.1:1\n127.3.2.1:1\nlocalhost:9\nnode1:3";
        let hosts = Hosts::parse("", text).unwrap();
        let counts: Vec<[usize; 2]> = (0..hosts.len()).map(|process| hosts.on_machine(process)).collect();
        assert_eq!(counts, [[0, 3], [0, 1], [1, 3], [0, 3], [1, 3], [2, 3], [2, 3]]);
    }

    #[test]
    fn a_line_is_a_process() {
        let hosts = Hosts::parse("hosts.txt", "# rack 3\nNode-1.example:2101\n\n  10.0.0.7:2102\r\n[fd00::1]:2103\n");
        let hosts = hosts.unwrap();
        let shown: Vec<String> = (0..hosts.len()).map(|process| hosts.address(process).to_string()).collect();
        assert_eq!(shown, ["node-1.example:2101", "10.0.0.7:2102", "[fd00::1]:2103"]);
        assert_eq!(hosts.beyond_loopback().unwrap().to_string(), "node-1.example:2101");
    }

    #[test]
    fn loopback_is_told_by_its_address_alone() {
        let hosts = Hosts::parse("", "localhost:1\n127.0.0.1:2\n127.3.2.1:3\n[::1]:4").unwrap();
        assert_eq!(hosts.beyond_loopback(), None);
        for host in ["localhost.example:1", "128.0.0.1:1", "127.0.0.1.example:1", "0.0.0.0:1", "[::]:1"] {
            assert!(Hosts::parse("", host).unwrap().beyond_loopback().is_some(), "{host}");
        }
        assert!(HostAddress::parse("localhost:9").unwrap().resolve().unwrap().iter().all(|it| it.ip().is_loopback()));
    }

    #[test]
    fn a_faulty_line_is_named_with_its_remedy() {
        for (text, line, said) in [
            ("a:1\nb", 2, "\"b\" has no port; write host:port"),
            ("a:1\nb:", 2, "\"b:\" is no port"),
            ("a:0", 1, "a number from 1 to 65535"),
            ("a:65536", 1, "is no port"),
            ("a:+1", 1, "is no port"),
            (":1", 1, "is no host"),
            ("a b:1", 1, "is no host"),
            ("fd00::1:2101", 1, "in brackets"),
            ("[fd00::1", 1, "has no port"),
            ("[node]:1", 1, "is no host"),
            ("a:1\n#\na:2\nA:1", 4, "a:1 is the address of line 1 already"),
        ] {
            let found = fault(text);
            assert!(
                found.starts_with(&format!("--cluster hosts.txt, line {line}: ")) && found.contains(said),
                "{found}"
            );
        }
        assert!(fault("# none\n\n").contains("no line names a process"));
        let many: String = (1..=257).map(|port| format!("a:{port}\n")).collect();
        assert!(fault(&many).contains("line 257: more than 256 processes"));
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts.txt");
        assert!(Hosts::read(&path).unwrap_err().to_string().contains("readable file"));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(Hosts::read(&path).unwrap_err().to_string().contains("not UTF-8"));
        std::fs::write(&path, vec![b'#'; 65_537]).unwrap();
        assert!(Hosts::read(&path).unwrap_err().to_string().contains("more than 65536 bytes"));
        std::fs::write(&path, "a:1").unwrap();
        assert_eq!(Hosts::read(&path).unwrap(), Hosts::parse("", "a:1").unwrap());
    }

    #[test]
    fn the_digest_is_that_of_the_addresses() {
        let digest = |text| Hosts::parse("", text).unwrap().digest();
        assert_eq!(digest("a:1\nb:2"), digest("# same\nA:1\n\nb:2 \n"));
        assert_ne!(digest("a:1\nb:2"), digest("b:2\na:1"));
        assert_ne!(digest("a:1\nb:2"), digest("a:1\nb:2\nc:3"));
    }
}
