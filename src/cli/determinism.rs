//! `--check-determinism`: checks that the same scenario gives bit-identical first receipts on different numbers of
//! threads.

use super::signals::SignalWatch;
use super::{Exit, Failure, print, warn};
use crate::record::{End, RunRecord};
use crate::scenario::{Draft, Scenario};
use crate::simulation;

/// Runs the scenario as requested, and once more on another number of threads; prints both digests.
pub(super) fn check(scenario: &Scenario, watch: &SignalWatch) -> Result<Exit, Failure> {
    if !scenario.carrier.transport.is_virtual() {
        return Err(Failure::NothingToCheck);
    }
    let (mut digests, mut text) = (Vec::new(), String::new());
    for threads in [scenario.carrier.threads, other_than(scenario.carrier.threads, scenario.overlay.nodes)] {
        let threads_asked = u32::try_from(threads).ok();
        let once =
            scenario.run_of_seed(scenario.run.seed).with(Draft { threads: threads_asked, ..Draft::default() })?;
        let record = simulation::run(&once, &watch.interrupt)?;
        if record.end == End::Interrupted {
            warn("interrupted: a digest takes a whole run, so there is nothing to compare");
            return Ok(watch.exit());
        }
        if record.end == End::OutOfMemory {
            warn(
                "memory for messages under way was used up: a digest takes a whole run, so there is nothing to compare",
            );
            return Ok(Exit::Broken);
        }
        let RunRecord { end, elapsed, digest: Some(digest), .. } = record else {
            return Err(Failure::NothingToCheck);
        };
        let noun = if threads == 1 { "thread" } else { "threads" };
        text += &format!("{threads} {noun}: {digest:016X}, ended at {elapsed}\n");
        digests.push((digest, end, elapsed));
    }
    let is_same = digests.windows(2).all(|pair| pair[0] == pair[1]);
    print(&(text + if is_same { "The digests are equal.\n" } else { "THE DIGESTS DIFFER.\n" }))?;
    Ok(if is_same { Exit::GoalMet } else { Exit::Broken })
}

/// Returns another number of threads, if there are nodes enough for one.
fn other_than(threads: usize, nodes: u32) -> usize {
    match threads {
        1 => (nodes as usize).min(2),
        2 => (nodes as usize).min(3),
        more => more - 1,
    }
}
