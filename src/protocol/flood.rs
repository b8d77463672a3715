//! Flooding: the first time a node sees an order, it forwards it to every peer but the sender, while the TTL lasts.
//!
//! On a connected overlay of N nodes and E links it reaches everyone with 2E - (N - 1) messages: each link carries the
//! order in both directions, except for the N - 1 links over which it first arrived. Its cost is the yardstick for the
//! other protocols.

use super::{Context, FirstMessage, Knob, Knobs, Preset, Protocol, ProtocolState, Push, ShardView, Targets};
use crate::ids::OrderIndex;
use crate::message::{Message, OrderHop};

/// Flooding: acts as push does, on other targets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flood;

/// The knobs of flooding: none, because every peer gets the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FloodKnobs;

impl Knobs for FloodKnobs {
    const PRESETS: &'static [Preset<FloodKnobs>] = &[];
    const KNOBS: &'static [Knob<FloodKnobs>] = &[];
}

impl Protocol for Flood {
    type State = Flood;
    type Tail = ();

    const ORDERS_PER_EVENT_MAX: u32 = 1;

    const IGNORES_REPEATS: bool = true;

    const TARGETS: Targets = Targets::Others;

    fn for_shard(&self, _: &ShardView<'_>) -> Flood {
        Flood
    }
}

impl FirstMessage for Flood {
    #[inline]
    fn forward_first(&self, received: OrderHop) -> Option<OrderHop> {
        received.next()
    }
}

impl ProtocolState for Flood {
    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        Push.publish(context, order, ttl);
    }

    #[inline(always)]
    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        Push.handle_message(context, message, tail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::protocol::recording_context::{Action, RecordingContext, payload};

    #[test]
    fn a_new_order_goes_to_all_others_once() {
        let mut context = RecordingContext::default();
        for sender in [3, 4, 3] {
            Flood.handle_message(&mut context, &payload(NodeId(sender), 5, 1), &[]);
        }
        assert_eq!(context.acts, [Action::Forwarded(OrderHop { order: OrderIndex(0), ttl: 4, hop: 2 })]);
        assert_eq!(Flood::TARGETS, Targets::Others);
    }

    #[test]
    fn a_spent_ttl_is_kept_and_not_forwarded() {
        let mut context = RecordingContext::default();
        Flood.handle_message(&mut context, &payload(NodeId(3), 0, 6), &[]);
        assert!(context.knows(OrderIndex(0)) && context.acts.is_empty());
    }
}
