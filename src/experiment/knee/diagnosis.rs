//! Explanations of a knee: the reason why no rate holds, and a warning if other work kept the machine busy.

use super::probe::{Fault, Probe};
use super::{Knee, Search};
use crate::time::Nanos;
use crate::workload::Rate;

/// Share of the processors above which other work may have determined the figures.
const BUSY: f64 = 0.1;

/// Explains that no rate can hold because orders take too long even without queues.
pub(super) fn unloaded(least: Rate, limit: Nanos, probe: &Probe) -> Option<String> {
    match probe.time_to_target_ns.p50 {
        Some(time) if probe.missed * 2 <= probe.judged && time > limit.0 => Some(format!(
            "No rate can hold: at {least}, where nothing queues, half of the orders take {} or more to their target, \
             and the limit is {limit}. Ask for a --limit above that, or for a network with lower latencies.",
            Nanos(time)
        )),
        _ if probe.missed * 2 > probe.judged => Some(format!(
            "No rate can hold: at {least}, where nothing queues, {} of {} orders missed their target. Raise --fanout \
             or --ttl, or lower --target, until a single order reaches it.",
            probe.missed, probe.judged
        )),
        _ => None,
    }
}

/// Adds to a knee the load of the machine, and the reason why no rate holds.
pub(super) fn conclude(search: &Search, knee: &mut Knee) {
    let shares = || knee.probes.iter().filter_map(|probe| probe.others_share);
    let disturbed = shares().filter(|&share| share > BUSY).count();
    knee.others_share = shares().reduce(f64::max);
    knee.busy = disturbed > 0;
    if let Some(share) = knee.others_share.filter(|_| disturbed > 0) {
        knee.notices.push(format!(
            "The machine was busy: other work took more than {:.0}% of its processors during {disturbed} of {} runs, \
             {:.0}% at most. The knee may be that of the machine; repeat it where nothing else runs.",
            BUSY * 100.0,
            knee.probes.len(),
            share * 100.0
        ));
    }
    if knee.rate.is_none() && !knee.interrupted {
        knee.notices.extend(least_fails(search, knee));
    }
}

/// Explains why the least rate does not hold.
fn least_fails(search: &Search, knee: &Knee) -> Option<String> {
    let least = search.least;
    let at_least = || knee.probes.iter().filter(|probe| probe.rate == least);
    let worst = |fault| at_least().find(|probe| probe.fault == Some(fault));
    if let Some(probe) = worst(Fault::Missed) {
        let Probe { missed, judged, .. } = probe;
        return Some(format!(
            "No rate holds: at {least} {missed} of {judged} orders missed their target. Raise --fanout or --ttl, or \
             lower --target."
        ));
    }
    if let Some(probe) = worst(Fault::Late) {
        let time = |time: Option<u64>| Nanos(time.unwrap_or(u64::MAX));
        let (p50, p99) = (time(probe.time_to_target_ns.p50), time(probe.time_to_target_ns.p99));
        return Some(format!(
            "No rate holds: at {least} half of the orders take {p50}, but one in a hundred {p99} or more, above the \
             limit of {}. Raise --limit, or look for what delays the few.",
            search.limit
        ));
    }
    let probe = worst(Fault::Grows).or_else(|| worst(Fault::Unbalanced))?;
    let why = match probe.fault {
        Some(Fault::Unbalanced) => "the ledger of a run does not balance",
        _ => "the orders' times grow from the first to the last, as where a line carries less than that",
    };
    Some(format!("No rate holds: at {least} {why}. Ask for a lower --least, or for wider lines."))
}
