//! One type for all built-in protocols: for code that is to be compiled once, and not for each of them.

use super::{
    BitcoinRelay, Context, Flood, Gossipsub, Lazy, Plumtree, Protocol, ProtocolState, Push, PushPull, ShardView, Swim,
    Targets, announcements,
};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, RareTail};
use crate::time::Nanos;

/// Declares the type, and that of the states, with a variant for each protocol.
macro_rules! any_protocol {
    ($($Name:ident),+ $(,)?) => {
        /// A built-in protocol.
        ///
        /// Its associated constants are the widest of all, and tell nothing of a single protocol.
        #[derive(Clone, Copy, Debug)]
        pub enum AnyProtocol {
            $(
                #[doc = concat!("The protocol of the type `", stringify!($Name), "`.")]
                $Name($Name),
            )+
        }

        /// The state of the nodes of one shard under a built-in protocol.
        #[derive(Debug)]
        pub enum AnyState {
            $(
                #[doc = concat!("That of the type `", stringify!($Name), "`.")]
                $Name(<$Name as Protocol>::State),
            )+
        }

        /// Evaluates an expression with the value of whatever variant it is.
        macro_rules! of_any {
            ($Type:ident, $value:expr, $inner:ident => $expression:expr) => {
                match $value {
                    $($Type::$Name($inner) => $expression),+
                }
            };
        }

        impl AnyProtocol {
            /// Returns the kinds of the protocol's messages, each with its name in reports.
            pub const fn kinds(&self) -> &'static [(Kind, &'static str)] {
                match self {
                    $(AnyProtocol::$Name(_) => $Name::KINDS),+
                }
            }

            /// Returns the names of the actions that its nodes count.
            pub const fn tallies(&self) -> &'static [&'static str] {
                match self {
                    $(AnyProtocol::$Name(_) => $Name::TALLIES),+
                }
            }

            /// Returns the recipients of its fan-outs.
            pub const fn targets(&self) -> Targets {
                match self {
                    $(AnyProtocol::$Name(_) => $Name::TARGETS),+
                }
            }

            /// Creates the state of a shard.
            fn state(&self, view: &ShardView<'_>) -> AnyState {
                match self {
                    $(AnyProtocol::$Name(protocol) => AnyState::$Name(protocol.for_shard(view))),+
                }
            }
        }

        const _: () = {
            $(assert!($Name::ORDERS_PER_EVENT_MAX <= ORDERS_MAX, "a protocol delivers more orders at once");)+
        };
    };
}

/// The maximum number of orders that a message or a timer of any of the protocols delivers.
const ORDERS_MAX: u32 = 1;

any_protocol!(Push, Flood, Lazy, BitcoinRelay, Plumtree, PushPull, Gossipsub, Swim);

impl Protocol for AnyProtocol {
    type State = AnyState;
    type Tail = RareTail;

    const HAS_CONTROL: bool = true;
    const HAS_UPKEEP: bool = true;
    const NEEDS_PEERS: bool = true;
    const STARTS: bool = true;
    const WATCHES_PEERS: bool = true;
    const ORDERS_PER_EVENT_MAX: u32 = ORDERS_MAX;

    fn warm_up(&self) -> Nanos {
        of_any!(AnyProtocol, self, protocol => protocol.warm_up())
    }

    fn for_shard(&self, view: &ShardView<'_>) -> AnyState {
        self.state(view)
    }

    fn admits(&self, message: &Message, tail: &[u64], orders: u32) -> bool {
        of_any!(AnyProtocol, self, protocol => protocol.admits(message, tail, orders))
    }

    fn tail_words_max(&self) -> usize {
        of_any!(AnyProtocol, self, protocol => protocol.tail_words_max())
    }

    /// Names the orders of a list, which is the tail of every message that is about orders.
    fn name_in_tail(tail: &[u64], name: impl FnMut(OrderIndex)) {
        announcements::name_in_tail(tail, name);
    }
}

impl ProtocolState for AnyState {
    fn start<C: Context>(&mut self, context: &mut C) {
        of_any!(AnyState, self, state => state.start(context));
    }

    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        of_any!(AnyState, self, state => state.publish(context, order, ttl));
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        of_any!(AnyState, self, state => state.handle_message(context, message, tail));
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        of_any!(AnyState, self, state => state.handle_timeout(context, token));
    }

    fn handle_peer<C: Context>(&mut self, context: &mut C, peer: NodeId, is_up: bool) {
        of_any!(AnyState, self, state => state.handle_peer(context, peer, is_up));
    }

    fn awaited(&self) -> u64 {
        of_any!(AnyState, self, state => state.awaited())
    }

    fn name_awaited(&self, name: impl FnMut(OrderIndex)) {
        of_any!(AnyState, self, state => state.name_awaited(name));
    }
}
