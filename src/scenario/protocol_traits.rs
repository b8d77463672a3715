//! What can be said of each protocol without running it: what its options mean, and what a run with it takes.

use super::ProtocolKind;

/// What can be said of a protocol without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolTraits {
    /// True if it has control messages.
    pub has_control: bool,
    /// True if only the first message of an order matters to a node, so that hops and shortest paths compute it.
    pub is_first_message: bool,
    /// True if `--fanout` and `--exclude-sender` mean anything to it; else every node sends to all others that it
    /// knows.
    pub takes_fanout: bool,
    /// True if a node asks for what it heard of, so that `--retry` and `--announce-interval` mean anything.
    pub takes_retry: bool,
    /// How many messages in a row it takes to bring an order one hop further.
    pub messages_per_hop: u32,
}

impl ProtocolKind {
    /// What can be said of it without running it. A test of the runner holds this against the protocols' own types.
    pub const fn traits(self) -> ProtocolTraits {
        let push = ProtocolTraits {
            has_control: false,
            is_first_message: true,
            takes_fanout: true,
            takes_retry: false,
            messages_per_hop: 1,
        };
        match self {
            ProtocolKind::Push => push,
            ProtocolKind::Flood => ProtocolTraits { takes_fanout: false, ..push },
            // An announcement, a request, and the order.
            ProtocolKind::Lazy => ProtocolTraits {
                has_control: true,
                is_first_message: false,
                takes_retry: true,
                messages_per_hop: 3,
                ..push
            },
        }
    }
}
