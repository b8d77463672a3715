//! The stakes of nodes, as a knob.

use super::super::BadKnob;
use crate::quantity;
use std::fmt;

/// The stakes of nodes, by which shuffles are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StakeKnob {
    /// All have the same.
    Equal,
    /// Drawn from the Pareto distribution with this shape, in thousandths.
    Pareto(u32),
}

/// The shapes of a Pareto distribution, in thousandths.
const SHAPE_LEAST: u64 = 100;
const SHAPE_MOST: u64 = 100_000;

impl fmt::Display for StakeKnob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            StakeKnob::Equal => f.pad("equal"),
            StakeKnob::Pareto(thousandths) => {
                let shape = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
                write!(f, "pareto:{}", shape.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }
}

/// Reads `equal` or `pareto:SHAPE`.
pub(super) fn read(text: &str) -> Result<StakeKnob, BadKnob> {
    let rule = "write equal, or pareto: and a shape from 0.1 to 100 with at most 3 places, as pareto:1.2";
    if text == "equal" {
        return Ok(StakeKnob::Equal);
    }
    let shape = text.strip_prefix("pareto:").and_then(|shape| quantity::scaled(shape, 3).ok());
    let shape = shape.filter(|shape| (SHAPE_LEAST..=SHAPE_MOST).contains(shape));
    shape.map(|shape| StakeKnob::Pareto(shape as u32)).ok_or_else(|| BadKnob::new(rule))
}
