//! One real UDP socket per node, on loopback: each hop is a datagram of its own through the kernel.

use super::BindError;
use super::node_sockets::SocketFamily;
use super::sockets::{self, Quota, Sockets};
use crate::sync::Interrupt;
use std::net::SocketAddrV4;

/// UDP over IPv4.
pub(crate) struct Udp;

impl SocketFamily for Udp {
    type Address = SocketAddrV4;
    type Bound = std::net::UdpSocket;
    type Socket = mio::net::UdpSocket;

    fn bind(
        quota: Quota,
        receive_buffer: Option<u32>,
        interrupt: &Interrupt,
    ) -> Result<Sockets<std::net::UdpSocket, SocketAddrV4>, BindError> {
        sockets::bind(quota, receive_buffer, interrupt)
    }

    fn open(bound: std::net::UdpSocket) -> mio::net::UdpSocket {
        mio::net::UdpSocket::from_std(bound)
    }
}
