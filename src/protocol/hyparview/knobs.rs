//! The knobs of HyParView, with the names of iroh-gossip, and two sets of their values.

use crate::protocol::knobs::{knob, span, whole};
use crate::protocol::{BadKnob, Knob, Knobs, Preset};
use crate::time::Nanos;

/// The knobs of HyParView.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HyParViewKnobs {
    /// Members of the active view.
    pub active_view_capacity: u8,
    /// Members of the passive view.
    pub passive_view_capacity: u16,
    /// Hops of a FORWARDJOIN.
    pub active_random_walk_length: u8,
    /// Hops left at which a newcomer enters a passive view.
    pub passive_random_walk_length: u8,
    /// Hops of a SHUFFLE.
    pub shuffle_random_walk_length: u8,
    /// Active members in a SHUFFLE.
    pub shuffle_active_view_count: u8,
    /// Passive members in a SHUFFLE.
    pub shuffle_passive_view_count: u8,
    /// Time between two SHUFFLEs of a node.
    pub shuffle_interval: Nanos,
    /// Time after which a node that was asked to be a neighbour is given up.
    pub neighbor_request_timeout: Nanos,
    /// Time from the last join to the first order.
    pub settle_time: Nanos,
}

/// The paper's values for 10,000 nodes. It leaves the times and the walk of a SHUFFLE open: they are those of
/// iroh-gossip, but for an interval within which passive views fill before the first order.
const PAPER: HyParViewKnobs = HyParViewKnobs {
    active_view_capacity: 5,
    passive_view_capacity: 30,
    active_random_walk_length: 6,
    passive_random_walk_length: 3,
    shuffle_random_walk_length: 6,
    shuffle_active_view_count: 3,
    shuffle_passive_view_count: 4,
    shuffle_interval: Nanos::from_secs(5),
    neighbor_request_timeout: Nanos::from_millis(500),
    settle_time: Nanos::from_secs(5),
};

/// The defaults of iroh-gossip.
const IROH: HyParViewKnobs = HyParViewKnobs { shuffle_interval: Nanos::from_secs(60), ..PAPER };

impl Default for HyParViewKnobs {
    fn default() -> HyParViewKnobs {
        PAPER
    }
}

impl Knobs for HyParViewKnobs {
    const PRESETS: &'static [Preset<HyParViewKnobs>] = &[
        Preset { name: "paper", source: "Leitao, Pereira, Rodrigues: HyParView, DSN 2007", values: || PAPER },
        Preset { name: "iroh", source: "iroh-gossip 0.101, src/proto/hyparview.rs", values: || IROH },
    ];

    const KNOBS: &'static [Knob<HyParViewKnobs>] = &[
        knob!("active-view-capacity", active_view_capacity, "members of the active view", |text| members(text, 64)),
        knob!("passive-view-capacity", passive_view_capacity, "members of the passive view", |text| {
            members(text, 1_000)
        }),
        knob!("active-random-walk-length", active_random_walk_length, "hops of a FORWARDJOIN", hops),
        knob!(
            "passive-random-walk-length",
            passive_random_walk_length,
            "hops left at which a newcomer enters a passive view",
            hops
        ),
        knob!("shuffle-random-walk-length", shuffle_random_walk_length, "hops of a SHUFFLE", hops),
        knob!("shuffle-active-view-count", shuffle_active_view_count, "active members in a SHUFFLE", hops),
        knob!("shuffle-passive-view-count", shuffle_passive_view_count, "passive members in a SHUFFLE", hops),
        knob!("shuffle-interval", shuffle_interval, "time between two SHUFFLEs of a node", time),
        knob!(
            "neighbor-request-timeout",
            neighbor_request_timeout,
            "time after which a node that was asked to be a neighbour is given up",
            time
        ),
        knob!("settle-time", settle_time, "time from the last join to the first order", time),
    ];

    fn check(&self) -> Result<(), BadKnob> {
        if self.passive_random_walk_length > self.active_random_walk_length {
            return Err(BadKnob::new(
                "passive-random-walk-length is above active-random-walk-length, so that no walk ever has as many hops \
                 left; make it smaller",
            ));
        }
        Ok(())
    }
}

fn members<N: TryFrom<u64>>(text: &str, most: u64) -> Result<N, BadKnob> {
    whole(text, 2..=most, &format!("a view has 2 to {most} members"))
}

fn hops(text: &str) -> Result<u8, BadKnob> {
    whole(text, 0..=64, "it is a number from 0 to 64")
}

fn time(text: &str) -> Result<Nanos, BadKnob> {
    let longest = Nanos::from_secs(24 * 3_600);
    span(text, Nanos(1)..=longest, "a time is above 0 and at most 24h; write 500ms or 5s")
}
