//! The carriers of messages: the name of each, and what is known of it without running it.
//!
//! Rooms ask for a trait of a carrier, not for the carrier, so that a new one is a value, a name and its traits here.

use super::kinds::{Choice, choice};
use super::limits;
use super::protocol_traits::ProtocolTraits;
use crate::order::{DATAGRAM_PAYLOAD_BYTES_MAX, PARTS_PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX};
use serde::Serialize;
use std::fmt;

/// The carrier of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransportKind {
    /// One real UDP socket per node, on loopback.
    Udp,
    /// One real UDP socket per worker, on loopback; messages for the same worker share a send.
    UdpShard,
    /// One Unix datagram socket per node, on Linux.
    Unix,
    /// Lock-free rings between the workers' shards, inside this process.
    Memory,
    /// No carrier: virtual time on a modelled network.
    Simulated,
}

choice!(TransportKind {
    Udp = "udp",
    UdpShard = "udp-shard",
    Unix = "unix",
    Memory = "memory",
    Simulated = "simulated",
});

/// The static properties of a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarrierTraits {
    /// The carrier as the heading of a report names it.
    pub title: &'static str,
    /// The means by which messages travel, as a clause of `--help`.
    pub help: &'static str,
    /// The kind of owner that has one socket each; `None` without sockets.
    pub socket_owner: Option<SocketOwner>,
    /// True if every message is encoded, so that it has bytes.
    pub encodes: bool,
    /// The longest payload of an order that it carries whole, in bytes.
    pub payload_bytes_max: u32,
    /// The longest payload of an order that it carries in parts, in bytes.
    pub payload_bytes_in_parts_max: u32,
    /// True if it carries messages between processes.
    pub crosses_processes: bool,
    /// The reason, as a clause, why no receive buffer can be asked for; `None` if one can.
    pub no_receive_buffer: Option<&'static str>,
    /// True if it needs system calls that only Linux has.
    pub is_linux_only: bool,
}

/// The kind of owner that has one socket each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketOwner {
    /// Every node.
    Node,
    /// Every worker thread, for its shard.
    Thread,
}

/// Writes the singular, with which the option that counts them begins.
impl fmt::Display for SocketOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SocketOwner::Node => "node",
            SocketOwner::Thread => "thread",
        })
    }
}

impl CarrierTraits {
    /// Returns the longest payload of an order that the carrier carries for a protocol, in bytes.
    pub const fn payload_bytes_max_for(&self, protocol: &ProtocolTraits) -> u32 {
        if protocol.cuts_orders { self.payload_bytes_in_parts_max } else { self.payload_bytes_max }
    }
}

impl TransportKind {
    /// Returns true if time and network are modelled.
    pub const fn is_virtual(self) -> bool {
        matches!(self, TransportKind::Simulated)
    }

    /// Returns the static properties of the carrier.
    #[doc(hidden)]
    pub const fn traits(self) -> CarrierTraits {
        let udp = CarrierTraits {
            title: "UDP",
            help: "one socket per node on loopback",
            socket_owner: Some(SocketOwner::Node),
            encodes: true,
            payload_bytes_max: DATAGRAM_PAYLOAD_BYTES_MAX as u32,
            payload_bytes_in_parts_max: PARTS_PAYLOAD_BYTES_MAX as u32,
            crosses_processes: true,
            no_receive_buffer: None,
            is_linux_only: false,
        };
        let socketless = CarrierTraits {
            socket_owner: None,
            encodes: false,
            payload_bytes_max: PAYLOAD_BYTES_MAX as u32,
            payload_bytes_in_parts_max: PAYLOAD_BYTES_MAX as u32,
            crosses_processes: false,
            no_receive_buffer: Some("it has no sockets, and so no receive buffer"),
            ..udp
        };
        match self {
            TransportKind::Udp => udp,
            TransportKind::UdpShard => CarrierTraits {
                title: "UDP, a socket per worker",
                help: "one per worker, where messages for the same worker share a send",
                socket_owner: Some(SocketOwner::Thread),
                ..udp
            },
            TransportKind::Unix => CarrierTraits {
                title: "Unix Sockets",
                help: "one Unix datagram socket per node, which shows what IP costs",
                no_receive_buffer: Some("the kernel bounds its queues by datagrams (net.unix.max_dgram_qlen)"),
                is_linux_only: true,
                ..udp
            },
            TransportKind::Memory => {
                CarrierTraits { title: "Memory", help: "rings between the worker threads", ..socketless }
            }
            TransportKind::Simulated => {
                CarrierTraits { title: "Virtual Time", help: "virtual time on a modelled network", ..socketless }
            }
        }
    }

    /// Returns true if this system has what the carrier needs.
    pub const fn is_available(self) -> bool {
        limits::HAS_LINUX_CALLS || !self.traits().is_linux_only
    }
}

/// Returns the names of the carriers with a trait: `udp or udp-shard`.
pub(super) fn carriers_that(have: impl Fn(CarrierTraits) -> bool) -> String {
    let with = TransportKind::ALL.iter().filter(|kind| have(kind.traits()));
    listed(with.map(|kind| kind.name()).collect(), " or ")
}

/// Writes the one-line help of `--transport`.
#[cfg(feature = "cli")]
pub(super) fn short_help() -> String {
    let names = TransportKind::ALL.iter().map(|kind| kind.name()).collect();
    format!("{} [default: {}]", listed(names, ", or "), TransportKind::Udp.name())
}

/// Writes the whole help of `--transport`.
#[cfg(feature = "cli")]
pub(super) fn long_help() -> String {
    let each: Vec<String> =
        TransportKind::ALL.iter().map(|kind| format!("{}, {}", kind.name(), kind.traits().help)).collect();
    format!(
        "{}.\n\nThe carrier of messages: {}. One socket per node is the honest run; one per worker moves 10 to 50 \
         times as much; memory shows what the machine could do at most; simulated repeats to the bit and reaches \
         further.",
        short_help(),
        each.join("; ")
    )
}

/// Joins names by commas, and the last one by `last`.
fn listed(names: Vec<&'static str>, last: &str) -> String {
    match names.split_last() {
        Some((name, [])) => (*name).to_owned(),
        Some((name, others)) => others.join(", ") + last + name,
        None => String::new(),
    }
}
