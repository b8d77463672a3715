//! The protocols that the nodes of a scenario run, with all of their knobs: one, or two of a mix.

use super::protocol_options::ProtocolOptions;
use super::protocol_spec::{ProtocolKnobs, ProtocolSpec};
use crate::protocol::{LazyKnobs, PushFanout, PushKnobs};
use crate::time::Nanos;

impl ProtocolOptions {
    /// Returns the protocol with all of its knobs, those that are options too at their effective values.
    pub fn effective(&self) -> ProtocolSpec {
        self.effective_of(self.spec)
    }

    /// Iterates over the protocols of both sides of a mix, or over the only one, each as [`effective`](Self::effective)
    /// returns it.
    pub fn sides(&self) -> impl Iterator<Item = ProtocolSpec> {
        [Some(self.spec), self.mix.map(|mix| mix.protocol)].into_iter().flatten().map(|spec| self.effective_of(spec))
    }

    fn effective_of(&self, spec: ProtocolSpec) -> ProtocolSpec {
        let ProtocolOptions { fanout, retry, announce_interval, .. } = *self;
        let protocol = match spec.protocol {
            ProtocolKnobs::Push(PushKnobs { fanout: None }) => {
                ProtocolKnobs::Push(PushKnobs { fanout: Some(PushFanout::Same(fanout)) })
            }
            // What a side of a mix leaves open is the option.
            ProtocolKnobs::Lazy(knobs) => ProtocolKnobs::Lazy(LazyKnobs {
                fanout: Some(fanout),
                retry: knobs.retry.or(retry),
                announce_interval: knobs.announce_interval.or(announce_interval),
            }),
            other => other,
        };
        ProtocolSpec { protocol, ..spec }
    }

    /// Returns the longest times of any side after which a node repeats a request, and for which it gathers
    /// announcements; 0 for a protocol that does neither.
    pub(super) fn longest_waits(&self) -> [Nanos; 2] {
        let waits = self.sides().map(|side| match side.protocol {
            ProtocolKnobs::Lazy(LazyKnobs { retry, announce_interval, .. }) => {
                [retry, announce_interval].map(Option::unwrap_or_default)
            }
            _ => [Nanos::ZERO; 2],
        });
        waits.fold([Nanos::ZERO; 2], |[retry, interval], side| [retry.max(side[0]), interval.max(side[1])])
    }
}
