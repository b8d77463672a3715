//! The static properties of each protocol: the options that it takes, and the messages that it needs.

use super::kinds::ProtocolKind;

/// The static properties of a protocol, known without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolTraits {
    /// True if the protocol has control messages.
    pub has_control: bool,
    /// True if only the first message of an order matters to a node, so that hops and shortest paths compute it.
    pub is_first_message: bool,
    /// True if `--fanout` and `--exclude-sender` apply; if not, every node sends to all its peers except the sender.
    pub takes_fanout: bool,
    /// True if a node requests orders that were announced to it, so that `--retry` and `--announce-interval` apply.
    pub takes_retry: bool,
    /// True if its nodes must know their peers: the rows of an overlay that is computed are then stored.
    pub needs_peers: bool,
    /// True if the default TTL bounds the hops of an order; if not, it is the maximum.
    pub bounds_hops: bool,
    /// True if everyone may be a peer of everyone all the same, because its nodes only draw contacts.
    pub contacts_anyone: bool,
    /// True if every node knows all others unless an overlay is asked for.
    pub knows_everybody: bool,
    /// True if it cuts an order into parts, each in a datagram of its own.
    pub cuts_orders: bool,
    /// True if its nodes act before the first order, so that `--warm-up` applies.
    pub starts: bool,
    /// True if its nodes act in rounds, so that an order takes as many hops as it takes rounds and `--ttl auto` is the
    /// maximum.
    pub acts_in_rounds: bool,
    /// Number of consecutive messages that bring an order one hop further.
    pub messages_per_hop: u32,
}

/// The static properties of push, from which others differ.
const PUSH: ProtocolTraits = ProtocolTraits {
    has_control: false,
    is_first_message: true,
    takes_fanout: true,
    takes_retry: false,
    needs_peers: false,
    bounds_hops: true,
    contacts_anyone: false,
    knows_everybody: false,
    cuts_orders: false,
    starts: false,
    acts_in_rounds: false,
    messages_per_hop: 1,
};

impl ProtocolKind {
    /// Returns the static properties of the protocol. A test of the runner compares them with the protocols' own types.
    #[doc(hidden)]
    pub const fn traits(self) -> ProtocolTraits {
        let push = PUSH;
        match self {
            ProtocolKind::Push => push,
            // A digest, and the order.
            ProtocolKind::PushPull => ProtocolTraits {
                has_control: true,
                is_first_message: false,
                takes_fanout: false,
                needs_peers: true,
                contacts_anyone: true,
                starts: true,
                acts_in_rounds: true,
                bounds_hops: false,
                messages_per_hop: 2,
                ..push
            },
            // An order, and for repairs a digest before it.
            ProtocolKind::Swim => ProtocolTraits { knows_everybody: true, ..ProtocolKind::PushPull.traits() },
            ProtocolKind::Turbine => ProtocolTraits {
                has_control: true,
                is_first_message: false,
                takes_fanout: false,
                bounds_hops: false,
                knows_everybody: true,
                cuts_orders: true,
                ..push
            },
            ProtocolKind::Flood => ProtocolTraits { takes_fanout: false, ..push },
            // An announcement, a request, and the order.
            ProtocolKind::Lazy => ProtocolTraits {
                has_control: true,
                is_first_message: false,
                takes_retry: true,
                messages_per_hop: 3,
                ..push
            },
            // A trickle may take the longer way, and each link carries an announcement once or twice.
            ProtocolKind::LazyBitcoin => ProtocolTraits {
                has_control: true,
                is_first_message: false,
                takes_fanout: false,
                needs_peers: true,
                bounds_hops: false,
                messages_per_hop: 3,
                ..push
            },
            // A tree may be deep, and each of its links carries an order once.
            ProtocolKind::Plumtree => ProtocolTraits {
                has_control: true,
                is_first_message: false,
                takes_fanout: false,
                needs_peers: true,
                bounds_hops: false,
                ..push
            },
            ProtocolKind::Gossipsub => ProtocolTraits {
                has_control: true,
                is_first_message: false,
                takes_fanout: false,
                needs_peers: true,
                starts: true,
                bounds_hops: false,
                ..push
            },
        }
    }
}
