//! The words that qualify a row of a comparison, for whoever reads its figures.

use crate::analysis::ReplicateFigures;
use crate::scenario::Scenario;
use crate::theory::comparison::{SIGNIFICANCE, paired_difference};
use crate::topology::TopologySpec;

/// No order came before the measured ones.
pub(super) const COLD: &str = "cold";
/// The payload messages of an order still changed while orders were measured.
pub(super) const UNSETTLED: &str = "unsettled";
/// Every node knows all others.
pub(super) const FULL_MEMBERSHIP: &str = "full membership";
/// Warm orders were under way when the first measured one was published.
pub(super) const OVERLAPPING: &str = "warm orders overlap";
/// Some run did not end at rest.
pub(super) const CUT_OFF: &str = "cut off";

/// Returns the sentence that explains a mark.
pub(super) fn meaning(mark: &str) -> &'static str {
    match mark {
        COLD => "no warm orders came before: what a protocol learns, it learned while it was measured",
        UNSETTLED => {
            "payload messages per receipt differ between the first and the second half of the measured orders: give \
             more --warm-orders"
        }
        FULL_MEMBERSHIP => "every node knows all others, which large networks cannot give",
        OVERLAPPING => {
            "warm orders were still under way when the first measured one was published, so that what is left out of \
             messages and bytes is approximate: take a lower --rate"
        }
        CUT_OFF => "a run was ended, by --timeout or --until, before it was at rest: later messages are not counted",
        _ => "",
    }
}

/// Returns the marks of a row.
pub(super) fn of(replicates: &[ReplicateFigures], warm_orders: u32, is_full_membership: bool) -> Vec<String> {
    let marks = [
        (COLD, warm_orders == 0),
        (UNSETTLED, warm_orders > 0 && is_unsettled(replicates)),
        (OVERLAPPING, replicates.iter().any(|figures| !figures.is_warm_exact)),
        (CUT_OFF, replicates.iter().any(|figures| !figures.is_at_rest)),
        (FULL_MEMBERSHIP, is_full_membership),
    ];
    marks.into_iter().filter(|(_, is)| *is).map(|(mark, _)| mark.to_owned()).collect()
}

/// Returns true if the payload messages per receipt changed by more than [`DRIFT_MAX`] between the halves of the
/// measured orders, and not by chance.
fn is_unsettled(replicates: &[ReplicateFigures]) -> bool {
    let ratio = |[first, second]: [f64; 2]| (first > 0.0).then(|| second / first - 1.0);
    let drifts: Vec<f64> = replicates.iter().filter_map(|figures| ratio(figures.halves?)).collect();
    paired_difference(&drifts).is_some_and(|drift| drift.p < SIGNIFICANCE && drift.mean.abs() > DRIFT_MAX)
}

/// The change that is too small to matter.
const DRIFT_MAX: f64 = 0.01;

/// Returns true if every node of a scenario is a peer of every other.
pub(super) fn knows_everybody(scenario: &Scenario) -> bool {
    scenario.overlay.topology == TopologySpec::Complete
}
