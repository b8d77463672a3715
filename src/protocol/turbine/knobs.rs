//! The knobs of turbine, with agave's defaults.

use super::super::knobs::{self, BadKnob, Knob, Knobs, Preset, knob};
use super::received_shreds::ReceivedShreds;
use super::shuffle::Shuffles;
use super::stake::{self, StakeKnob};
use crate::parts::{OrderCut, SET_PARTS_MAX};

/// The knobs of turbine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurbineKnobs {
    /// Nodes that a node sends a shred on to at most.
    pub fanout: u32,
    /// Data shreds of a whole set.
    pub data_shreds: u32,
    /// Coding shreds of a whole set.
    pub coding_shreds: u32,
    /// Bytes of an order in a shred; even.
    pub shred_bytes: u32,
    /// The stakes of nodes.
    pub stake: StakeKnob,
}

/// Bytes of an order in a shred at most: with header and name they fill a datagram.
const SHRED_BYTES_MAX: u64 = 1_440;

/// Agave at 03b251f: `DATA_PLANE_FANOUT`, `DATA_SHREDS_PER_FEC_BLOCK`; of a data shred of 1,203 bytes 88 are headers
/// and 152 the root and the proof of a Merkle tree, which leaves 963 bytes of entries. The code wants an even number.
const AGAVE: TurbineKnobs =
    TurbineKnobs { fanout: 200, data_shreds: 32, coding_shreds: 32, shred_bytes: 964, stake: StakeKnob::Equal };

impl Default for TurbineKnobs {
    fn default() -> TurbineKnobs {
        AGAVE
    }
}

impl TurbineKnobs {
    /// Returns the rule by which orders are cut.
    pub(crate) fn cut(&self) -> OrderCut {
        OrderCut { body_bytes: self.shred_bytes, data: self.data_shreds, coding: self.coding_shreds }
    }

    /// Returns the bytes of the bits of `nodes` nodes for shreds, and of the shuffles of the whole network that are
    /// kept, in a run with orders of at most this many bytes, of which a node tells `window` apart.
    pub(crate) fn state_bytes(
        &self,
        (nodes, network_size): (u64, u32),
        (orders, window): (u32, u32),
        order_bytes_max: u32,
        has_stakes: bool,
    ) -> u64 {
        let by_node = ReceivedShreds::bytes_per_node(orders, window, self.cut().sets(order_bytes_max));
        let parts = u64::from(self.cut().parts(order_bytes_max)).saturating_mul(orders.into());
        let is_weighted = has_stakes || self.stake != StakeKnob::Equal;
        nodes.saturating_mul(by_node).saturating_add(Shuffles::bytes(is_weighted, network_size, self.fanout, parts))
    }
}

/// Reads a number of shreds in a set.
fn shreds(text: &str) -> Result<u32, BadKnob> {
    knobs::whole(text, 1..=63, "a set has 1 to 63 data and 1 to 63 coding shreds; write 32")
}

impl Knobs for TurbineKnobs {
    const PRESETS: &'static [Preset<TurbineKnobs>] = &[Preset {
        name: "agave",
        source: "agave at 03b251f, turbine/src/cluster_nodes.rs and ledger/src/shredder.rs",
        values: || AGAVE,
    }];

    const KNOBS: &'static [Knob<TurbineKnobs>] = &[
        knob!("fanout", fanout, "nodes that a node sends a shred on to", |text| {
            knobs::whole(text, 1..=1_000_000, "a node sends on to 1 to 1000000 nodes; write 200")
        }),
        knob!("data-shreds", data_shreds, "shreds of a set that carry the bytes of the order", shreds),
        knob!(
            "coding-shreds",
            coding_shreds,
            "shreds of a set from which others can be recovered; with 32 of both, a smaller set has more",
            shreds
        ),
        knob!("shred-bytes", shred_bytes, "bytes of the order in a shred, an even number", |text| {
            let rule = "a shred has an even number of bytes from 16 to 1440; write 964";
            let bytes: u32 = knobs::whole(text, 16..=SHRED_BYTES_MAX, rule)?;
            if bytes.is_multiple_of(2) { Ok(bytes) } else { Err(BadKnob::new(rule)) }
        }),
        Knob {
            name: "stake",
            help: "stakes of the nodes, equal or pareto:SHAPE; more stake brings a node nearer to the root",
            read: |knobs, text| stake::read(text).map(|stake| knobs.stake = stake),
            show: |knobs| knobs.stake.to_string(),
        },
    ];

    fn check(&self) -> Result<(), BadKnob> {
        let parts = self.data_shreds + self.coding_shreds;
        if parts > SET_PARTS_MAX {
            return Err(BadKnob::new(format!(
                "data-shreds={} with coding-shreds={}: a set has at most {SET_PARTS_MAX} shreds; write 32 and 32",
                self.data_shreds, self.coding_shreds
            )));
        }
        Ok(())
    }
}
