//! The share of orders of which the first spy names the origin correctly (Biryukov, Khovratovich, Pustogarov 2014).
//!
//! If all hops take equal time, the first spy has the order from the origin itself if any of the origin's targets is a
//! spy, and from another node otherwise: 1 - (1 - p)^f with a share p of spies among f targets.

use super::{Bench, Case, EarlyEnd, simulated};
use crate::analysis::Estimate;
use crate::record::RunRecord;
use crate::scenario::Draft;
use crate::topology::TopologySpec;

const NODES: u32 = 1_000;
const REPLICATES: u32 = 1_200;

pub(super) fn cases(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    for (percent, fanout) in [(5, 8), (10, 8), (30, 4)] {
        let Ok(adversary) = format!("spy:{percent}%").parse() else { continue };
        let draft = Draft { adversary: Some(adversary), ..simulated(TopologySpec::Complete, NODES, fanout) };
        let right = |record: &RunRecord| record.spies.is_some_and(|spies| spies.right == 1);
        let hits = bench.runs(&draft, bench.replicates(REPLICATES), right)?;
        let form = 1.0 - (1.0 - f64::from(percent) / 100.0).powi(fanout as i32);
        let case = format!("complete, {NODES} nodes, f {fanout}, spies {percent} %: named right");
        bench.judge(Case::new("First spy", case, (form, 0.0), Estimate::share(&hits, form)), &draft)?;
    }
    Ok(())
}
