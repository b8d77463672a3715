//! The fanout of each hop: an order spreads fast at first, and sends fewer duplicates once most nodes have it.

use crate::protocol::knobs::{BadKnob, whole};
use std::fmt;
use std::str::FromStr;

/// The maximum number of hops with a fanout of their own.
const HOPS_MAX: usize = 8;

/// The fanout of each hop, the last of them for all later hops. Written `8/4/2`.
///
/// The origin's own forward is the first hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HopFanouts {
    fanouts: [u16; HOPS_MAX],
    /// Number of fanouts, at least 1.
    count: u8,
}

impl HopFanouts {
    /// Creates the fanouts of the first hops; `None` if there are none or more than eight, or if one of them is 0.
    pub fn new(fanouts: &[u16]) -> Option<HopFanouts> {
        let is_valid = (1..=HOPS_MAX).contains(&fanouts.len()) && !fanouts.contains(&0);
        let at = |hop: usize| fanouts.get(hop).copied().unwrap_or_default();
        is_valid.then(|| HopFanouts { fanouts: std::array::from_fn(at), count: fanouts.len() as u8 })
    }

    /// Returns the fanout of the forward whose copies arrive at this hop; 1 is the origin's.
    #[inline]
    pub fn at(&self, hop: u8) -> u32 {
        let place = hop.saturating_sub(1).min(self.count - 1);
        self.fanouts[usize::from(place) % HOPS_MAX].into()
    }

    /// Returns the greatest fanout of any hop.
    pub fn greatest(&self) -> u32 {
        self.fanouts.iter().copied().max().unwrap_or_default().into()
    }
}

impl fmt::Display for HopFanouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fanouts = self.fanouts[..usize::from(self.count)].iter().map(u16::to_string);
        f.pad(&fanouts.collect::<Vec<_>>().join("/"))
    }
}

impl FromStr for HopFanouts {
    type Err = BadKnob;

    fn from_str(text: &str) -> Result<HopFanouts, BadKnob> {
        let rule = "fanouts by hop are 1 to 8 numbers from 1 to 65535; write 8/4/2, the last for all later hops";
        let fanouts = text.split('/').map(|fanout| whole(fanout, 1..=u16::MAX.into(), rule));
        let fanouts = fanouts.collect::<Result<Vec<u16>, BadKnob>>()?;
        HopFanouts::new(&fanouts).ok_or_else(|| BadKnob::new(rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_fanout_goes_on() {
        let fanouts: HopFanouts = "8/4/2".parse().unwrap();
        assert_eq!([0, 1, 2, 3, 4, 255].map(|hop| fanouts.at(hop)), [8, 8, 4, 2, 2, 2]);
        assert_eq!((fanouts.greatest(), fanouts.to_string().as_str()), (8, "8/4/2"));
        let eight: HopFanouts = "1/2/3/4/5/6/7/8".parse().unwrap();
        assert_eq!([1, 8, 9].map(|hop| eight.at(hop)), [1, 8, 8]);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "8/", "/4", "8/0", "70000/1", "1/2/3/4/5/6/7/8/9", "8-4"] {
            assert!(text.parse::<HopFanouts>().is_err(), "{text}");
        }
        assert_eq!((HopFanouts::new(&[]), HopFanouts::new(&[0])), (None, None));
    }
}
