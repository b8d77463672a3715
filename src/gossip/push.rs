//! Forward-once push: the first time a node sees an order, it forwards it to its targets, while the TTL lasts.

use super::{Context, Protocol};
use crate::ids::OrderIndex;
use crate::message::{Message, Onward};

/// Push keeps nothing of its own: what a node has seen is the coverage.
#[derive(Clone, Copy, Debug, Default)]
pub struct Push;

impl Protocol for Push {
    const DUPLICATES_ARE_INERT: bool = true;

    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        if context.deliver(order)
            && let Some(onward) = Onward::from_origin(order, ttl)
        {
            context.fan_out(onward);
        }
    }

    #[inline]
    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message) {
        if context.deliver(message.order)
            && let Some(onward) = message.onward()
        {
            context.fan_out(onward);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    /// A node on a desk: what it holds, and what it was told to forward.
    #[derive(Default)]
    struct Desk {
        held: Vec<OrderIndex>,
        forwards: Vec<Onward>,
    }

    impl Context for Desk {
        fn me(&self) -> NodeId {
            NodeId(1)
        }

        fn deliver(&mut self, order: OrderIndex) -> bool {
            let news = !self.held.contains(&order);
            self.held.push(order);
            news
        }

        fn fan_out(&mut self, onward: Onward) {
            self.forwards.push(onward);
        }
    }

    fn received(ttl: u8, hop: u8) -> Message {
        Onward { order: OrderIndex(0), ttl, hop }.copy(NodeId(0), NodeId(1))
    }

    #[test]
    fn news_is_forwarded_once_with_one_hop_less() {
        let mut desk = Desk::default();
        Push.handle_message(&mut desk, &received(5, 1));
        Push.handle_message(&mut desk, &received(4, 2));
        assert_eq!(desk.forwards, [Onward { order: OrderIndex(0), ttl: 4, hop: 2 }]);
    }

    #[test]
    fn a_spent_ttl_is_kept_and_not_forwarded() {
        let mut desk = Desk::default();
        Push.handle_message(&mut desk, &received(0, 6));
        assert_eq!((desk.held.len(), desk.forwards.len()), (1, 0));
    }

    #[test]
    fn the_origin_sends_with_ttl_five() {
        let mut desk = Desk::default();
        Push.publish(&mut desk, OrderIndex(0), 6);
        assert_eq!(desk.forwards, [Onward { order: OrderIndex(0), ttl: 5, hop: 1 }]);
    }
}
