//! The options of failures: nodes that go down or are cut off, and nodes that do not follow the protocol.

use super::Draft;
use super::bad_value::BadValue;
use super::error::ScenarioError;
use super::network_options::refuse_unmodelled;
use super::transport_kind::TransportKind;
use crate::adversary::AdversarySpec;
use crate::network::{DetectSpec, FaultSpec};

/// The heading of this group in `--help`.
pub(super) const HEADING: &str = "Failures";

/// Adds the options of this group to the table that [`Draft`] is declared from.
macro_rules! failures_options {
    ($then:tt $($given:tt)*) => {
        next_group! { $then $($given)*
            [failures_options::HEADING]

            /// With simulated, nodes that go down [default: none].
            ///
            /// They do not come back: SHARE with ,at=TIME and ,by=degree or ,region=NAME; several are joined by +.
            /// Failed hubs hurt more than other nodes.
            #[arg(allow_hyphen_values = true)]
            down: DownSpec = "NODES", |text: &str| model::<DownSpec>("down", text);

            /// With simulated, nodes that come and go [default: no churn].
            ///
            /// up=TIME,down=TIME, both on average. A node that is down misses messages that are sent only once.
            #[arg(hide_short_help = true)]
            churn: ChurnSpec = "TIMES", |text: &str| model::<ChurnSpec>("churn", text);

            /// With simulated, nodes that are cut off [default: none].
            ///
            /// SHARE or region=NAME, with ,at=TIME ,heal=TIME and ,one-way; several are joined by +. This shows which
            /// damage outlasts a partition.
            #[arg(hide_short_help = true, allow_hyphen_values = true)]
            partition: PartitionSpec = "PARTITIONS", |text: &str| model::<PartitionSpec>("partition", text);

            /// With simulated, share of nodes behind a NAT [default: 0].
            ///
            /// Such nodes can only open connections, so two of them cannot be linked. The overlay is then sparser than
            /// it looks.
            #[arg(hide_short_help = true, allow_hyphen_values = true)]
            nat: Ratio = "SHARE", |text: &str| part_of("nat", text);

            /// With simulated, time to learn of a failure [default: never].
            ///
            /// TIME or LEAST..GREATEST, as 2s..8s: each node learns that a peer went down or came back after a time
            /// drawn for the pair. Protocols with a state for each peer then repair their links, and with @hyparview
            /// nodes find new neighbours; without it nobody is told.
            #[arg(hide_short_help = true, allow_hyphen_values = true)]
            detect: DetectSpec = "TIMES", |text: &str| model::<DetectSpec>("detect", text);

            /// With simulated, nodes that misbehave [default: none].
            ///
            /// `drop:SHARE,of=SHARE`, `censor:SHARE,origin=NODE`, `delay:SHARE,by=TIME`, `flood:SHARE,times=N`,
            /// `eclipse:SHARE,victim=NODE`, `spy:SHARE`; several are joined by +. This shows what the protocol
            /// withstands.
            adversary: AdversarySpec = "ROLES", |text: &str| model::<AdversarySpec>("adversary", text);
        }
    };
}

/// The failures in a scenario's network, which only virtual time has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FailureOptions {
    /// Failures of nodes and links.
    pub faults: FaultSpec,
    /// Nodes that do not follow the protocol.
    pub adversary: AdversarySpec,
}

impl FailureOptions {
    /// Resolves the options of this group.
    pub(super) fn resolve(draft: &Draft, transport: TransportKind) -> Result<FailureOptions, ScenarioError> {
        refuse_unmodelled(draft, HEADING, &[], transport)?;
        let faults = FaultSpec {
            down: draft.down.clone().unwrap_or_default(),
            churn: draft.churn,
            partition: draft.partition.clone().unwrap_or_default(),
            nat: draft.nat.unwrap_or(FaultSpec::default().nat),
            detect: draft.detect.map(in_order).transpose()?,
        };
        if faults.detect.is_some() && faults.down.0.is_empty() && faults.churn.is_none() {
            return Err(ScenarioError::NothingToDetect);
        }
        Ok(FailureOptions { faults, adversary: draft.adversary.clone().unwrap_or_default() })
    }

    /// Sets the options of this group in a draft.
    pub(super) fn add_to(&self, draft: &mut Draft, transport: TransportKind) {
        if !transport.is_virtual() {
            return;
        }
        let FaultSpec { down, churn, partition, nat, detect } = self.faults.clone();
        draft.down = Some(down);
        draft.churn = churn;
        draft.partition = Some(partition);
        draft.nat = Some(nat);
        draft.detect = detect;
        draft.adversary = Some(self.adversary.clone());
    }
}

/// Returns the times to detect a failure if they are in order. A text gives no others, but a program may.
fn in_order(detect: DetectSpec) -> Result<DetectSpec, BadValue> {
    detect.check().map_err(|error| BadValue::new("detect", &detect.to_string(), error.to_string()))
}
