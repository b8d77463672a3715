//! The options of a membership protocol: the way in which nodes join.
//!
//! Its knobs are part of `--protocol`. What asks for an overlay that is drawn contradicts it, and is refused here.

use super::error::ScenarioError;
use super::membership_mismatch::MembershipMismatch;
use super::parse::time;
use super::{BadValue, Draft, limits};
use crate::adversary::Role;
use crate::ids::NodeId;
use crate::network::{NetworkSpec, Selector};
use crate::time::Nanos;
use crate::topology::TopologySpec;

/// The heading of this group in `--help`.
pub(super) const HEADING: &str = "Membership";

/// Adds the options of this group to the table that [`Draft`] is declared from.
macro_rules! membership_options {
    ($then:tt $($given:tt)*) => {
        next_group! { $then $($given)*
            [membership_options::HEADING]

            /// With @hyparview, node through which all join [default: 0].
            ///
            /// Every other node knows only this one at first, and asks it to be let in.
            #[arg(hide_short_help = true)]
            contact: u32 = "NODE", |text: &str| limits::CONTACT.parse::<u32>(text);

            /// With @hyparview, time over which nodes join [default: 5s; simulated: longer].
            ///
            /// Each joins at a time drawn from it; the first order follows after the knob settle-time, 5s by default.
            /// On a real carrier both take real time. With simulated the default is a message time for each node, from
            /// 5s to 1h: nodes that join faster find only each other, and an order takes many hops.
            #[arg(hide_short_help = true, allow_hyphen_values = true)]
            join_time: Nanos = "TIME", membership_options::read_join_time;
        }
    };
}

/// The way in which nodes join, if a membership protocol keeps their peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipOptions {
    /// The node through which all others join.
    pub contact: NodeId,
    /// The time over which they join.
    pub join_time: Nanos,
}

impl MembershipOptions {
    /// Resolves the options of this group; `None` if an overlay gives the peers. `simulated` is the network in virtual
    /// time.
    pub(super) fn resolve(
        draft: &Draft,
        nodes: u32,
        simulated: Option<&NetworkSpec>,
    ) -> Result<Option<MembershipOptions>, ScenarioError> {
        let asked = [("contact", draft.contact.is_some()), ("join-time", draft.join_time.is_some())];
        let Some(spec) = draft.protocol.filter(|spec| spec.membership.is_some()) else {
            return match asked.into_iter().find(|(_, is_asked)| *is_asked) {
                Some((option, _)) => Err(MembershipMismatch::NobodyJoins { option }.into()),
                None => Ok(None),
            };
        };
        if spec.kind().traits().cuts_orders {
            return Err(MembershipMismatch::NeedsAllNodes { spec: Box::new(spec) }.into());
        }
        if let Some((option, reason)) = overlay_asked(draft) {
            return Err(MembershipMismatch::NoOverlay { option, reason, spec: Box::new(spec) }.into());
        }
        let contact = limits::CONTACT.check(draft.contact.unwrap_or(0))?;
        if contact >= nodes {
            return Err(MembershipMismatch::NoSuchContact { contact, nodes }.into());
        }
        let join_time = draft.join_time.unwrap_or_else(|| join_time_default(nodes, simulated));
        Ok(Some(MembershipOptions { contact: NodeId(contact), join_time: checked(join_time, &join_time.written())? }))
    }

    /// Sets the options of this group in a draft.
    pub(super) fn add_to(&self, draft: &mut Draft) {
        draft.contact = Some(self.contact.0);
        draft.join_time = Some(self.join_time);
    }
}

/// Returns an option that asks for an overlay that is drawn, with what it is about.
fn overlay_asked(draft: &Draft) -> Option<(String, &'static str)> {
    let topology = draft.topology.as_ref().filter(|&topology| *topology != TopologySpec::Membership);
    let hubs = draft.down.iter().flat_map(|down| &down.0).any(|outage| outage.selector == Selector::Degree);
    let role = |is_one: fn(&Role) -> bool| {
        draft.adversary.iter().flat_map(|adversary| &adversary.0).any(|part| is_one(&part.part))
    };
    let all_peers = "such a node sends to all peers that an overlay gives it";
    let asked = [
        (topology.is_some(), "--topology", "it names an overlay"),
        (draft.peers.is_some(), "--peers", "it is a number of peers in an overlay"),
        (draft.links.is_some(), "--links", "its figures are of the links of an overlay"),
        (hubs, "--down with by=degree", "it goes by the number of peers in an overlay"),
        (role(|role| matches!(role, Role::Flood { .. })), "--adversary flood", all_peers),
        (role(|role| matches!(role, Role::Eclipse { .. })), "--adversary eclipse", "it takes the peers in an overlay"),
    ];
    let first = asked.into_iter().find(|(is_asked, ..)| *is_asked)?;
    Some((first.1.to_owned(), first.2))
}

/// Reads the time over which nodes join.
pub(super) fn read_join_time(text: &str) -> Result<Nanos, BadValue> {
    checked(time("join-time", text, JOIN_TIME_RULE)?, text)
}

fn checked(time: Nanos, text: &str) -> Result<Nanos, BadValue> {
    if time > JOIN_TIME_MAX { Err(BadValue::new("join-time", text, JOIN_TIME_RULE)) } else { Ok(time) }
}

/// The longest time over which nodes join.
const JOIN_TIME_MAX: Nanos = Nanos::from_secs(24 * 3_600);

const JOIN_TIME_RULE: &str = "nodes join within 0 to 24h; write 5s or 200ms";

/// Returns the default time over which nodes join. A walk of a newcomer ends early at a node that has one neighbour,
/// as those have that joined a moment before: with ten joins in the time of a message 1,000 nodes link up in a band 55
/// hops long, with one or fewer in a graph 7 hops deep.
fn join_time_default(nodes: u32, simulated: Option<&NetworkSpec>) -> Nanos {
    let Some(network) = simulated else { return JOIN_TIME_LEAST };
    let message_time = match network.longest() {
        Nanos::ZERO => MESSAGE_TIME_USUAL,
        longest => Nanos(network.least(Nanos::ZERO).0.midpoint(longest.0)).min(MESSAGE_TIME_MAX),
    };
    Nanos(message_time.0.saturating_mul(nodes.into())).clamp(JOIN_TIME_LEAST, JOIN_TIME_MOST)
}

/// The least default. With the time to settle it is ten seconds, which a run on a real carrier may well take before its
/// first order.
const JOIN_TIME_LEAST: Nanos = Nanos::from_secs(5);

/// The greatest default, beyond which upkeep would take longer than a run is worth that nobody asked for.
const JOIN_TIME_MOST: Nanos = Nanos::from_secs(3_600);

/// The time of a message on a network whose longest latency is not known.
const MESSAGE_TIME_USUAL: Nanos = Nanos::from_millis(50);

/// The longest time of a message that counts: few take as long as the longest latency.
const MESSAGE_TIME_MAX: Nanos = Nanos::from_millis(100);
