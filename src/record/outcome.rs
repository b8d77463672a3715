//! The outcome of an order. This is the only place that decides it, for an order of a bulk as for a single one.

use serde::Serialize;

/// The outcome of an order by the end of its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderOutcome {
    /// The order reached its target, within its own time limit if it has one.
    Reached,
    /// It came to rest with fewer than a tenth of the nodes that its target takes, and nothing had cut it off.
    DiedOut,
    /// It came to rest below its target in any other way.
    Missed,
    /// It never entered the network: its publisher was down when it was due, or the run ended before.
    NotPublished,
    /// It was still moving at its time limit, or when the run ended.
    UnderWay,
}

/// The facts that decide an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderFacts {
    /// True if the order was published.
    pub published: bool,
    /// True if it reached its target in time.
    pub reached_target: bool,
    /// True if no message with it was left when its run ended, and none came after its time limit.
    pub at_rest: bool,
    /// Nodes that have it, of those that its coverage counts.
    pub reached: u64,
    /// Nodes that make its target.
    pub target_nodes: u64,
    /// Receipts that were not forwarded although nodes had the order: first copies with hop = TTL, and copies older
    /// than their node's window.
    pub cut_off: u64,
}

/// An order dies out if it comes to rest with fewer nodes than its target takes divided by this.
const DIED_OUT_PART: u64 = 10;

impl OrderOutcome {
    /// Every outcome, in the order in which reports count them.
    #[cfg(test)]
    pub const ALL: [OrderOutcome; 5] = [
        OrderOutcome::Reached,
        OrderOutcome::DiedOut,
        OrderOutcome::Missed,
        OrderOutcome::NotPublished,
        OrderOutcome::UnderWay,
    ];

    /// Classifies an order.
    #[doc(hidden)]
    pub const fn of(facts: &OrderFacts) -> OrderOutcome {
        let &OrderFacts { published, reached_target, at_rest, reached, target_nodes, cut_off } = facts;
        if !published {
            OrderOutcome::NotPublished
        } else if reached_target {
            OrderOutcome::Reached
        } else if !at_rest {
            OrderOutcome::UnderWay
        } else if reached.saturating_mul(DIED_OUT_PART) < target_nodes && cut_off == 0 {
            OrderOutcome::DiedOut
        } else {
            OrderOutcome::Missed
        }
    }

    /// Returns its name in JSON and CSV.
    pub const fn name(self) -> &'static str {
        match self {
            OrderOutcome::Reached => "reached",
            OrderOutcome::DiedOut => "died_out",
            OrderOutcome::Missed => "missed",
            OrderOutcome::NotPublished => "not_published",
            OrderOutcome::UnderWay => "under_way",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: OrderFacts = OrderFacts {
        published: true,
        reached_target: false,
        at_rest: true,
        reached: 94,
        target_nodes: 950,
        cut_off: 0,
    };

    #[test]
    fn each_outcome_has_its_cause() {
        for (facts, outcome) in [
            (REST, OrderOutcome::DiedOut),
            // A tenth of the target has not died out, and neither has an order that the TTL or a window cut off.
            (OrderFacts { reached: 95, ..REST }, OrderOutcome::Missed),
            (OrderFacts { cut_off: 1, ..REST }, OrderOutcome::Missed),
            (OrderFacts { reached: 998, target_nodes: 999, ..REST }, OrderOutcome::Missed),
            (OrderFacts { reached: 1, target_nodes: 10, ..REST }, OrderOutcome::Missed),
            (OrderFacts { reached: 1, target_nodes: 11, ..REST }, OrderOutcome::DiedOut),
            (OrderFacts { at_rest: false, ..REST }, OrderOutcome::UnderWay),
            (OrderFacts { reached_target: true, reached: 950, ..REST }, OrderOutcome::Reached),
            // A node that counted towards the target may have gone down since.
            (OrderFacts { reached_target: true, at_rest: false, reached: 10, ..REST }, OrderOutcome::Reached),
            (OrderFacts { published: false, ..REST }, OrderOutcome::NotPublished),
            (OrderFacts { published: false, at_rest: false, reached: 0, ..REST }, OrderOutcome::NotPublished),
        ] {
            assert_eq!(OrderOutcome::of(&facts), outcome, "{facts:?}");
        }
    }

    #[test]
    fn json_has_the_same_names() {
        for outcome in OrderOutcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
        }
    }
}
