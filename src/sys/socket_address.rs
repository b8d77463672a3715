//! Addresses of datagram sockets, in the kernel's layout and as numbers.

use std::net::{Ipv4Addr, SocketAddrV4};

/// Length in bytes of the longest address.
pub(crate) const ADDRESS_BYTES: usize = 16;

/// The number of IPv4 among the families of addresses, on every system.
const INET: u16 = 2;

/// An address in the kernel's layout.
#[derive(Clone, Copy, Default)]
#[repr(C, align(8))]
pub(crate) struct RawAddress {
    pub(crate) bytes: [u8; ADDRESS_BYTES],
    /// Length in bytes.
    pub(crate) length: u32,
}

/// An address of a datagram socket.
pub(crate) trait SocketAddress: Copy + Eq + Send + Sync + 'static {
    /// Returns the address in the kernel's layout.
    fn to_raw(self) -> RawAddress;

    /// Returns the address in bytes that the kernel wrote; if they hold none of this family, one that no socket has.
    fn from_raw(bytes: &[u8]) -> Self;

    /// Returns the address as a number, for memory that processes share.
    fn to_number(self) -> u64;

    /// Returns the address from a number that [`to_number`](Self::to_number) returned.
    fn from_number(number: u64) -> Self;
}

impl SocketAddress for SocketAddrV4 {
    #[inline]
    fn to_raw(self) -> RawAddress {
        let mut bytes = [0; ADDRESS_BYTES];
        bytes[..2].copy_from_slice(&INET.to_ne_bytes());
        bytes[2..4].copy_from_slice(&self.port().to_be_bytes());
        bytes[4..8].copy_from_slice(&self.ip().octets());
        RawAddress { bytes, length: ADDRESS_BYTES as u32 }
    }

    #[inline]
    fn from_raw(bytes: &[u8]) -> SocketAddrV4 {
        let &[_, _, port_high, port_low, a, b, c, d, ..] = bytes else {
            return SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        };
        SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([port_high, port_low]))
    }

    fn to_number(self) -> u64 {
        u64::from(self.ip().to_bits()) << u16::BITS | u64::from(self.port())
    }

    fn from_number(number: u64) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::from_bits((number >> u16::BITS) as u32), number as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_from_bytes_and_from_its_number() {
        let address = SocketAddrV4::new(Ipv4Addr::new(127, 0, 3, 241), 54_321);
        let RawAddress { bytes, length } = address.to_raw();
        assert_eq!(bytes[2..8], [0xD4, 0x31, 127, 0, 3, 241]);
        assert_eq!(SocketAddrV4::from_raw(&bytes[..length as usize]), address);
        assert_eq!(SocketAddrV4::from_number(address.to_number()), address);
        assert!(SocketAddrV4::from_raw(&bytes[..2]).ip().is_unspecified());
    }

    #[test]
    #[cfg(all(target_os = "linux", not(portable)))]
    fn the_layout_is_the_kernels() {
        assert_eq!((INET, ADDRESS_BYTES), (libc::AF_INET as u16, size_of::<libc::sockaddr_in>()));
    }
}
