//! The times and limits of the relay, each with its name in Bitcoin Core.

use crate::protocol::knobs::{self, BadKnob, Knob, Knobs, Preset, knob};
use crate::time::Nanos;

/// The times and limits of the relay, named as the constants of Bitcoin Core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitcoinKnobs {
    /// Mean time between trickles to all peers that dialled the node (INBOUND_INVENTORY_BROADCAST_INTERVAL).
    pub inbound_interval: Nanos,
    /// Mean time between trickles to a peer that the node dialled (OUTBOUND_INVENTORY_BROADCAST_INTERVAL).
    pub outbound_interval: Nanos,
    /// Announcements of a trickle for each second of `inbound_interval` (INVENTORY_BROADCAST_PER_SECOND).
    pub broadcast_per_second: u32,
    /// The maximum number of announcements of a trickle (INVENTORY_BROADCAST_MAX).
    pub broadcast_max: u32,
    /// Time before a request to a peer that dialled the node (NONPREF_PEER_TX_DELAY).
    pub nonpref_delay: Nanos,
    /// Additional time before a request to a peer with many open requests (OVERLOADED_PEER_TX_DELAY).
    pub overloaded_delay: Nanos,
    /// Time after which a request has failed (GETDATA_TX_INTERVAL).
    pub getdata_interval: Nanos,
    /// Open requests from which on a peer counts as overloaded (MAX_PEER_TX_REQUEST_IN_FLIGHT).
    pub in_flight: u16,
    /// The maximum number of announcements of a peer that a node remembers (MAX_PEER_TX_ANNOUNCEMENTS).
    pub announcements: u16,
}

/// The orders in a queue from which on more of them leave in a trickle.
pub(super) const LONG_QUEUE: u32 = 1_000;

/// The constants of Bitcoin Core in 2025.
impl Default for BitcoinKnobs {
    fn default() -> BitcoinKnobs {
        BitcoinKnobs {
            inbound_interval: Nanos::from_millis(5_000),
            outbound_interval: Nanos::from_millis(2_000),
            broadcast_per_second: 14,
            broadcast_max: 1_000,
            nonpref_delay: Nanos::from_millis(2_000),
            overloaded_delay: Nanos::from_millis(2_000),
            getdata_interval: Nanos::from_millis(60_000),
            in_flight: 100,
            announcements: 5_000,
        }
    }
}

impl BitcoinKnobs {
    /// Returns the maximum number of announcements of a trickle from a short queue (rule 3).
    pub(super) fn short_trickle_max(&self) -> u32 {
        let at_a_rate = u128::from(self.broadcast_per_second) * u128::from(self.inbound_interval.0) / 1_000_000_000;
        at_a_rate.min(self.broadcast_max.into()) as u32
    }

    /// Returns the same for a queue of any length, from that of a short one: a division for each would cost what a
    /// trickle does.
    pub(super) fn trickle_max(&self, short: u32, queued: u32) -> u32 {
        // At least one, so that a queue becomes empty whatever the knobs are.
        short.saturating_add(queued / LONG_QUEUE * 5).clamp(1, self.broadcast_max)
    }

    /// Returns the time between the announcement of a peer and the first request to it (rule 4).
    pub(super) fn delay(&self, is_outbound: bool, in_flight: u16) -> Nanos {
        let preference = if is_outbound { Nanos::ZERO } else { self.nonpref_delay };
        let load = if in_flight >= self.in_flight { self.overloaded_delay } else { Nanos::ZERO };
        preference + load
    }
}

impl Knobs for BitcoinKnobs {
    const PRESETS: &'static [Preset<BitcoinKnobs>] = &[];

    const KNOBS: &'static [Knob<BitcoinKnobs>] = &[
        knob!(
            "outbound-interval",
            outbound_interval,
            "mean time between announcements to a peer that the node dialled",
            delay
        ),
        knob!(
            "inbound-interval",
            inbound_interval,
            "mean time between announcements to the peers that dialled it",
            delay
        ),
        knob!(
            "broadcast-per-second",
            broadcast_per_second,
            "orders announced at a time, for each second of inbound-interval",
            |text| knobs::whole(text, 1..=1_000_000, "a node announces 1 to 1000000 orders a second")
        ),
        knob!("broadcast-max", broadcast_max, "maximum number of orders announced at a time", |text| {
            knobs::whole(text, 1..=1_000_000, "a node announces 1 to 1000000 orders at a time")
        }),
        knob!(
            "nonpref-delay",
            nonpref_delay,
            "time before an order is requested from a peer that dialled the node",
            delay
        ),
        knob!(
            "overloaded-delay",
            overloaded_delay,
            "additional time if in-flight requests to the peer are open",
            delay
        ),
        knob!("getdata-interval", getdata_interval, "time after which another peer is asked", |text| {
            knobs::span(text, Nanos(1)..=DAY, "an interval is above 0 and at most 1 day; write 2s or 500ms")
        }),
        knob!("in-flight", in_flight, "open requests from which on a peer is asked later", number),
        knob!("announcements", announcements, "announcements of a peer that a node remembers", number),
    ];
}

/// Reads a delay, 0 for none.
fn delay(text: &str) -> Result<Nanos, BadKnob> {
    knobs::span(text, Nanos::ZERO..=DAY, "a delay is at most 1 day; write 2s or 500ms, or 0 for none")
}

/// Reads a number of requests or announcements.
fn number(text: &str) -> Result<u16, BadKnob> {
    knobs::whole(text, 1..=65_535, "it is a number from 1 to 65535")
}

/// The longest time of any of them.
const DAY: Nanos = Nanos::from_secs(86_400);
