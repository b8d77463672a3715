//! Forward-once push: the first time a node sees an order, it forwards it to its targets, while the TTL lasts.

use super::{
    BadKnob, Context, FirstMessage, HopFanouts, Knob, Knobs, Preset, Protocol, ProtocolState, ShardView, knobs,
};
use crate::ids::OrderIndex;
use crate::message::{Message, OrderHop};
use std::fmt;
use std::str::FromStr;

/// Forward-once push. It keeps no state of its own, because the coverage records which node has seen which order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Push;

/// The knobs of push.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PushKnobs {
    /// Peers to which a node forwards an order; `None` for the option of the same name, or its default.
    pub fanout: Option<PushFanout>,
}

/// The number of peers to which a node forwards an order. Written `8`, `8/4/2` or `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushFanout {
    /// The same for every forward.
    Same(u32),
    /// By hop, the last for all later hops.
    ByHop(HopFanouts),
    /// The least that reaches the target, from the number of nodes, the loss and the failures.
    Auto,
}

impl fmt::Display for PushFanout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PushFanout::Same(fanout) => fanout.fmt(f),
            PushFanout::ByHop(fanouts) => fanouts.fmt(f),
            PushFanout::Auto => f.pad("auto"),
        }
    }
}

impl FromStr for PushFanout {
    type Err = BadKnob;

    fn from_str(text: &str) -> Result<PushFanout, BadKnob> {
        match text {
            "auto" => Ok(PushFanout::Auto),
            _ if text.contains('/') => text.parse().map(PushFanout::ByHop),
            _ => knobs::fanout(text).map(PushFanout::Same),
        }
    }
}

impl Knobs for PushKnobs {
    const PRESETS: &'static [Preset<PushKnobs>] = &[
        Preset {
            name: "fixed",
            source: "Eugster, Guerraoui, Kermarrec, Massoulié 2004",
            values: || PushKnobs { fanout: None },
        },
        Preset {
            name: "auto",
            source: "Kermarrec, Massoulié, Ganesh 2003: the least fanout for --target",
            values: || PushKnobs { fanout: Some(PushFanout::Auto) },
        },
    ];

    const KNOBS: &'static [Knob<PushKnobs>] = &[Knob {
        name: "fanout",
        help: "peers to which a node forwards an order; by hop as 8/4/2, or auto; also --fanout",
        read: |knobs, text| knobs::or_default(text, str::parse).map(|fanout| knobs.fanout = fanout),
        show: |knobs| knobs.fanout.map_or_else(knobs::default_text, |fanout| fanout.to_string()),
    }];
}

impl Protocol for Push {
    type State = Push;
    type Tail = ();

    const ORDERS_PER_EVENT_MAX: u32 = 1;

    const IGNORES_REPEATS: bool = true;

    fn for_shard(&self, _: &ShardView<'_>) -> Push {
        Push
    }
}

impl FirstMessage for Push {
    #[inline]
    fn forward_first(&self, received: OrderHop) -> Option<OrderHop> {
        received.next()
    }
}

impl ProtocolState for Push {
    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        self.receive(context, OrderHop::published(order, ttl));
    }

    #[inline(always)]
    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, _: &[u64]) {
        self.receive(context, message.order_hop());
    }
}

impl Push {
    /// Delivers an order, and forwards it if it is new.
    // Inlined into the loops of carriers and engines, where the message then stays in registers.
    #[inline(always)]
    fn receive<C: Context>(self, context: &mut C, received: OrderHop) {
        if context.deliver(received.order)
            && let Some(order_hop) = self.forward_first(received)
        {
            context.fan_out(order_hop);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::protocol::recording_context::{Action, RecordingContext, payload};

    #[test]
    fn a_new_order_is_forwarded_once_with_one_hop_less() {
        let mut context = RecordingContext::default();
        Push.handle_message(&mut context, &payload(NodeId(0), 5, 1), &[]);
        Push.handle_message(&mut context, &payload(NodeId(0), 4, 2), &[]);
        assert_eq!(context.acts, [Action::Forwarded(OrderHop { order: OrderIndex(0), ttl: 4, hop: 2 })]);
    }

    #[test]
    fn a_spent_ttl_is_kept_and_not_forwarded() {
        let mut context = RecordingContext::default();
        Push.handle_message(&mut context, &payload(NodeId(0), 0, 6), &[]);
        assert_eq!((context.held.len(), context.acts.len()), (1, 0));
    }

    #[test]
    fn the_origin_sends_with_ttl_five() {
        let mut context = RecordingContext::default();
        Push.publish(&mut context, OrderIndex(0), 6);
        assert_eq!(context.acts, [Action::Forwarded(OrderHop { order: OrderIndex(0), ttl: 5, hop: 1 })]);
    }
}
