//! Remedies for a refused socket, descriptor or datagram: one table for every error that a person reads.

use std::io::{self, ErrorKind};

/// The remedy of last resort: transports that need no network.
const ELSEWHERE: &str = "choose --transport memory or --transport simulated, which need no network";

/// Returns the remedy for a refusal, as the end of a sentence.
pub fn remedy(cause: &io::Error) -> &'static str {
    of_number(cause).unwrap_or(match cause.kind() {
        ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown | ErrorKind::HostUnreachable => {
            "the loopback interface is down: bring it up (ip link set lo up), or choose --transport memory or \
             --transport simulated, which need no network"
        }
        ErrorKind::AddrNotAvailable => {
            "the loopback interface lacks the address: give it 127.0.0.0/8 (ip addr add 127.0.0.1/8 dev lo), or choose \
             --transport memory or --transport simulated, which need no network"
        }
        ErrorKind::PermissionDenied => {
            "a firewall or a sandbox forbids it: allow UDP within 127.0.0.0/8, or choose --transport memory or \
             --transport simulated, which need no network"
        }
        ErrorKind::OutOfMemory => {
            "the system has no memory left for it: end other programs, or ask for fewer --nodes or --threads"
        }
        ErrorKind::WouldBlock => "ask for fewer --processes or --threads, or raise the limit on them (ulimit -u)",
        _ => ELSEWHERE,
    })
}

/// Remedies by error number, for causes that the standard library does not name.
#[cfg(unix)]
fn of_number(cause: &io::Error) -> Option<&'static str> {
    Some(match cause.raw_os_error()? {
        libc::EMFILE => "raise the limit on open files (ulimit -n), or ask for fewer --nodes, --threads or --processes",
        libc::ENFILE => {
            "the whole machine's table of open files is full: raise fs.file-max, end other programs, or ask for fewer \
             --nodes"
        }
        libc::ENOBUFS => {
            "the network has no buffers left: end other programs, or ask for fewer --nodes or a smaller \
             --receive-buffer"
        }
        libc::ENOSPC => {
            "the limit on watched sockets is reached: raise fs.epoll.max_user_watches, or ask for fewer --nodes"
        }
        libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT => {
            "the system has no IPv4: choose --transport memory or --transport simulated, which need no network"
        }
        _ => return None,
    })
}

/// Returns `None`, because the error numbers of other systems are not known.
#[cfg(not(unix))]
fn of_number(_: &io::Error) -> Option<&'static str> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_at_set_up_has_a_remedy_of_its_own() {
        for (number, said) in [
            (libc::EMFILE, "ulimit -n"),
            (libc::ENFILE, "fs.file-max"),
            (libc::EACCES, "firewall"),
            (libc::EPERM, "firewall"),
            (libc::ENETUNREACH, "ip link set lo up"),
            (libc::ENETDOWN, "ip link set lo up"),
            (libc::EADDRNOTAVAIL, "ip addr add 127.0.0.1/8 dev lo"),
            (libc::ENOBUFS, "no buffers"),
            (libc::ENOMEM, "no memory"),
            (libc::ENOSPC, "fs.epoll.max_user_watches"),
            (libc::EAFNOSUPPORT, "no IPv4"),
            (libc::EAGAIN, "ulimit -u"),
            (libc::EIO, "--transport memory"),
        ] {
            let remedy = remedy(&io::Error::from_raw_os_error(number));
            assert!(remedy.contains(said), "{number}: {remedy}");
        }
    }
}
