//! The contradictions between a membership protocol and the options that are given with it.

use super::bad_value::shown;
use super::protocol_spec::ProtocolSpec;

/// The reason why an option contradicts a membership protocol, or the lack of one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MembershipMismatch {
    /// The peers are those of an overlay.
    #[error(
        "--{option} without a membership protocol: nobody joins an overlay that is drawn; leave --{option} out or \
         write @hyparview behind the protocol, as in --protocol plumtree@hyparview"
    )]
    NobodyJoins {
        /// The option, without dashes.
        option: &'static str,
    },

    /// The option is about an overlay, and none is drawn.
    #[error(
        "{option} with --protocol {}: {reason}, and with a membership protocol none is drawn; leave one of the two out",
        shown(&spec.to_string())
    )]
    NoOverlay {
        /// The option, and the part of its value that matters.
        option: String,
        /// The relation of the option to an overlay, as a clause.
        reason: &'static str,
        /// The protocol asked for.
        spec: Box<ProtocolSpec>,
    },

    /// The protocol is one over all nodes.
    #[error(
        "--protocol {}: its trees are over all nodes, and the views of a membership protocol hold a few; leave @{} \
         out, or choose another protocol",
        shown(&spec.to_string()),
        spec.membership.map_or("", |membership| membership.name())
    )]
    NeedsAllNodes {
        /// The protocol asked for.
        spec: Box<ProtocolSpec>,
    },

    /// The contact does not exist.
    #[error(
        "--contact {contact} with --nodes {nodes}: nodes are numbered from 0; ask for at most --contact {}",
        nodes - 1
    )]
    NoSuchContact {
        /// The contact asked for.
        contact: u32,
        /// The number of nodes.
        nodes: u32,
    },
}
