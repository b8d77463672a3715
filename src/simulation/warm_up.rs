//! The limit on a warm-up that nobody asked for, where it takes real time.

use super::SimulationError;
use super::protocols::RunProtocol;
use crate::scenario::{Choice, Scenario};
use crate::time::Nanos;

/// The longest warm-up that a run on a real carrier makes without being asked.
const WARM_UP_UNASKED_MAX: Nanos = Nanos::from_secs(10);

/// Refuses a long warm-up that nobody asked for where it takes real time.
///
/// # Errors
///
/// [`SimulationError::Protocol`] if the protocol's own warm-up is above 10 s and the scenario asks for none.
pub(super) fn check(scenario: &Scenario, protocol: &dyn RunProtocol) -> Result<(), SimulationError> {
    let (transport, own) = (scenario.carrier.transport, protocol.warm_up());
    if transport.is_virtual() || scenario.protocol.warm_up.is_some() || own <= WARM_UP_UNASKED_MAX {
        return Ok(());
    }
    let span = own.written();
    Err(SimulationError::Protocol(format!(
        "--transport {} with --protocol {}: its nodes run for {span} before the first order, and more than 10s of real \
         time must be asked for; add --warm-up {span}, or a shorter one, or choose --transport simulated",
        transport.name(),
        scenario.protocol.spec,
    )))
}

#[cfg(test)]
mod tests {
    use super::super::named_protocols::named;
    use super::*;
    use crate::scenario::{Draft, TransportKind};

    /// A warm-up of more than ten seconds must be asked for where it takes real time.
    #[test]
    fn a_long_warm_up_on_a_real_clock_must_be_asked_for() {
        let checked = |transport: TransportKind, protocol: &str, warm_up: Option<Nanos>| {
            let protocol = Some(protocol.parse().unwrap());
            let draft = Draft { protocol, warm_up, transport: Some(transport), ..Draft::default() };
            let scenario = draft.build().unwrap();
            check(&scenario, &*named(&scenario)).map_err(|error| error.to_string())
        };
        let (long, short) = ("gossipsub,heartbeat-interval=3s", "gossipsub:rust");
        let said = checked(TransportKind::Udp, long, None).unwrap_err();
        assert!(said.contains("--transport udp") && said.contains("--warm-up 15s"), "{said}");
        assert_eq!(checked(TransportKind::Udp, long, Some(Nanos::ZERO)), Ok(()));
        assert_eq!(checked(TransportKind::Simulated, long, None), Ok(()));
        assert_eq!(checked(TransportKind::Udp, short, None), Ok(()), "ten seconds are allowed");
    }
}
