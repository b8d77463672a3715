//! The options of failures: nodes that go down or are cut off, and nodes that do not do as the protocol says.

use super::{Draft, Scenario};
use crate::network::FaultSpec;

/// Adds the options of this group to the table that [`Draft`] is declared from.
macro_rules! failures_options {
    ($then:tt $($given:tt)*) => {
        next_group! { $then $($given)*
            ["Failures"]

            /// With simulated, nodes that go down for good: SHARE with ,at=TIME and ,by=degree or ,region=NAME; several
            /// with + between [default: none]. Hubs that fail hurt more than others.
            #[arg(allow_hyphen_values = true)]
            down: DownSpec = "STROKES", |text: &str| model::<DownSpec>("down", text);

            /// With simulated, nodes that come and go: up=TIME,down=TIME, both means [default: no churn]. Who is away
            /// misses what is sent once.
            churn: ChurnSpec = "TIMES", |text: &str| model::<ChurnSpec>("churn", text);

            /// With simulated, who is cut off: SHARE or region=NAME, with ,at=TIME ,heal=TIME and ,one-way; several
            /// with + between [default: none]. It shows what does not come back by itself.
            #[arg(allow_hyphen_values = true)]
            partition: PartitionSpec = "CUTS", |text: &str| model::<PartitionSpec>("partition", text);

            /// With simulated, the share of nodes behind a NAT, which can only connect outward: two of them cannot be
            /// linked [default: 0]. They leave the overlay thinner than it looks.
            #[arg(allow_hyphen_values = true)]
            nat: Ratio = "SHARE", |text: &str| part_of("nat", text);

            /// With simulated, who does not do as the protocol says: `drop:SHARE,of=SHARE`, `censor:SHARE,origin=NODE`,
            /// `delay:SHARE,by=TIME`, `flood:SHARE,times=N`, `eclipse:SHARE,victim=NODE`, `spy:SHARE`; several with +
            /// between [default: none]. It shows what the protocol withstands.
            adversary: AdversarySpec = "PARTS", |text: &str| model::<AdversarySpec>("adversary", text);
        }
    };
}

/// Resolves the faults that a draft asks for.
pub(super) fn faults(draft: &Draft) -> FaultSpec {
    FaultSpec {
        down: draft.down.clone().unwrap_or_default(),
        churn: draft.churn,
        partition: draft.partition.clone().unwrap_or_default(),
        nat: draft.nat.unwrap_or(FaultSpec::default().nat),
    }
}

/// Asks for exactly what the scenario has, in the options of this group.
pub(super) fn ask(scenario: &Scenario, draft: &mut Draft) {
    if !scenario.transport.is_virtual() {
        return;
    }
    draft.down = Some(scenario.faults.down.clone());
    draft.churn = scenario.faults.churn;
    draft.partition = Some(scenario.faults.partition.clone());
    draft.nat = Some(scenario.faults.nat);
    draft.adversary = Some(scenario.adversary.clone());
}
