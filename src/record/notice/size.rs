//! The sentences about orders that no datagram holds.

use super::Notice;
use crate::quantity::grouped;
use crate::time::Nanos;
use std::fmt::{self, Formatter};

impl Notice {
    pub(super) fn write_size(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Notice::RetryEarly { retry, payload_bytes, copy_takes, copies, raise_to } => write!(
                out,
                "--retry {}: an order with {} bytes of payload takes the slowest uplink {copy_takes}, and the \
                 {copies} copies that a node may be asked for take it {}. Nodes that wait longer than \
                 --retry ask others as well, and get the order more than once. Raise it, as to --retry {}.",
                retry.written(),
                grouped((*payload_bytes).into()),
                Nanos(copy_takes.0.saturating_mul(*copies)),
                raise_to.written()
            ),
            Notice::SizeUnmet { payload_bytes, is_virtual } => {
                let largest = grouped((*payload_bytes).into());
                write!(out, "Orders with up to {largest} bytes of payload took no longer than empty ones: ")?;
                out.write_str(match is_virtual {
                    true => {
                        "no node has an access link with a rate, so size costs bytes and no time. Ask for --bandwidth \
                         up=RATE,down=RATE to have it take time."
                    }
                    false => {
                        "a message in memory names its order, whose bytes lie there once and are not copied. Ask for \
                         --charge-serialization to count them, and to read them at each node."
                    }
                })
            }
            _ => Ok(()),
        }
    }
}
