//! The requested adversaries: roles, each with its share of the nodes.

use crate::network::spec_fields::{SpecFields, read_span};
use crate::quantity;
use crate::ratio::Ratio;
use crate::time::Nanos;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The adversaries of a run. Written `drop:10%,of=50%+spy:5%`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdversarySpec(pub Vec<RoleSpec>);

/// A role and the share of nodes that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleSpec {
    /// The share of all nodes; for an eclipse, of the victim's peers.
    pub share: Ratio,
    /// The role.
    pub part: Role,
}

/// The behaviour of an adversary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Does not forward a share of the orders. Written `drop:10%,of=50%`.
    Drop {
        /// The share of orders that it does not forward; all by default.
        of: Ratio,
    },
    /// Does not forward what one node publishes. Written `censor:10%,origin=0`.
    Censor {
        /// Id of the node.
        origin: u64,
    },
    /// Forwards late. Written `delay:10%,by=2s`.
    Delay {
        /// The delay.
        by: Nanos,
    },
    /// Sends to all its peers, several times to each. Written `flood:1%,times=10`.
    Flood {
        /// Copies per peer.
        times: u32,
    },
    /// Owns peers of a victim, sends it nothing, and forwards nothing that it publishes. Written
    /// `eclipse:100%,victim=7`.
    Eclipse {
        /// Id of the victim.
        victim: u64,
    },
    /// Notes the sender of its first copy of each order. Written `spy:5%`.
    Spy,
}

/// The maximum number of copies that a flooding node sends to each peer.
const TIMES_MAX: u32 = 1_000;

/// Advice on a text that is not a time.
const TIME_ADVICE: &str = "which is no time; write a number and a unit, such as 200ms or 10s";

/// The reason why adversaries cannot be modelled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdversaryError {
    /// No role has this name.
    #[error("`{written}` is no part of an adversary; choose one of {notation}", notation = AdversarySpec::WRITTEN)]
    Unknown {
        /// The text as written.
        written: String,
    },
    /// A value is missing.
    #[error("{figure} is missing; write one of {notation}", notation = AdversarySpec::WRITTEN)]
    Missing {
        /// Name of the value.
        figure: &'static str,
    },
    /// The text holds more than the role takes.
    #[error("`{written}` is one figure too many; write one of {notation}", notation = AdversarySpec::WRITTEN)]
    Surplus {
        /// The first unused part.
        written: String,
    },
    /// A value is not a share from 0 to 1.
    #[error("{figure} is `{written}`, which is no share from 0 to 1; write it as 0.1, 10% or 1/10")]
    Share {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// A value is not a time.
    #[error("by is `{written}`{}", quantity::refusal(quantity::span_ns(written), TIME_ADVICE))]
    NoTime {
        /// The text as written.
        written: String,
    },
    /// A value is not the id of a node.
    #[error("{figure} is `{written}`, which is no node; write its number in digits only")]
    NoNode {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// A value is not a number of copies within its limits.
    #[error("times is `{written}`; write how often each message is sent, from 1 to {TIMES_MAX}")]
    Times {
        /// The text as written.
        written: String,
    },
    /// The shares of the roles exceed all nodes together.
    #[error("the parts take more than all nodes together, and each node has one at most; make the shares smaller")]
    TooManyParts,
    /// There is more than one eclipse.
    #[error("two nodes are eclipsed, and a run eclipses one; leave one of them out")]
    TwoEclipses,
    /// The node does not exist.
    #[error("--adversary {name}={node} with --nodes {nodes}: {advice}")]
    NoSuchNode {
        /// Name of the value.
        name: &'static str,
        /// The node asked for.
        node: u64,
        /// Number of nodes.
        nodes: u32,
        /// The valid ids.
        advice: String,
    },
}

impl AdversarySpec {
    /// The accepted notations, for help texts and errors.
    pub const WRITTEN: &'static str = "drop:SHARE[,of=SHARE], censor:SHARE,origin=NODE, delay:SHARE,by=TIME, \
                                       flood:SHARE,times=N, eclipse:SHARE,victim=NODE, spy:SHARE; several with + \
                                       between";
}

impl fmt::Display for RoleSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = self.share;
        match self.part {
            Role::Drop { of } if of == ALL => write!(f, "drop:{share}"),
            Role::Drop { of } => write!(f, "drop:{share},of={of}"),
            Role::Censor { origin } => write!(f, "censor:{share},origin={origin}"),
            Role::Delay { by } => write!(f, "delay:{share},by={}", by.written()),
            Role::Flood { times } => write!(f, "flood:{share},times={times}"),
            Role::Eclipse { victim } => write!(f, "eclipse:{share},victim={victim}"),
            Role::Spy => write!(f, "spy:{share}"),
        }
    }
}

impl FromStr for RoleSpec {
    type Err = AdversaryError;

    fn from_str(text: &str) -> Result<RoleSpec, AdversaryError> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let mut fields = SpecFields::new(rest);
        let share = read_share("the share of nodes", fields.plain().unwrap_or_default())?;
        let part = match name.trim() {
            "drop" => Role::Drop { of: fields.named("of").map_or(Ok(ALL), |written| read_share("of", written))? },
            "censor" => Role::Censor { origin: read_node(&mut fields, "origin")? },
            "delay" => {
                let written = fields.named("by").ok_or(AdversaryError::Missing { figure: "by=TIME" })?;
                let by =
                    read_span("by", written).map_err(|_| AdversaryError::NoTime { written: written.to_owned() })?;
                Role::Delay { by }
            }
            "flood" => {
                let written = fields.named("times").ok_or(AdversaryError::Missing { figure: "times=N" })?;
                let times = quantity::count(written).ok().and_then(|times| times.try_into().ok());
                let times = times.filter(|times| (1..=TIMES_MAX).contains(times));
                Role::Flood { times: times.ok_or_else(|| AdversaryError::Times { written: written.to_owned() })? }
            }
            "eclipse" => Role::Eclipse { victim: read_node(&mut fields, "victim")? },
            "spy" => Role::Spy,
            _ => return Err(AdversaryError::Unknown { written: text.to_owned() }),
        };
        match fields.left() {
            Some(written) => Err(AdversaryError::Surplus { written }),
            None => Ok(RoleSpec { share, part }),
        }
    }
}

impl fmt::Display for AdversarySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(NONE);
        }
        let parts: Vec<String> = self.0.iter().map(RoleSpec::to_string).collect();
        f.write_str(&parts.join("+"))
    }
}

impl FromStr for AdversarySpec {
    type Err = AdversaryError;

    fn from_str(text: &str) -> Result<AdversarySpec, AdversaryError> {
        if text.trim() == NONE {
            return Ok(AdversarySpec::default());
        }
        let parts: Vec<RoleSpec> = text.split('+').map(str::trim).map(str::parse).collect::<Result<_, _>>()?;
        let (eclipses, of_all): (Vec<&RoleSpec>, Vec<&RoleSpec>) =
            parts.iter().partition(|part| matches!(part.part, Role::Eclipse { .. }));
        if eclipses.len() > 1 {
            return Err(AdversaryError::TwoEclipses);
        }
        // Each share is rounded up by less than one unit, so that shares of exactly all nodes exceed 2^63 by at most
        // their number.
        let sum: u128 = of_all.iter().map(|part| u128::from(part.share.ceil_of(1 << 63))).sum();
        if sum > (1 << 63) + of_all.len() as u128 {
            return Err(AdversaryError::TooManyParts);
        }
        Ok(AdversarySpec(parts))
    }
}

impl Serialize for AdversarySpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn read_share(figure: &'static str, written: &str) -> Result<Ratio, AdversaryError> {
    written.parse().map_err(|_| AdversaryError::Share { figure, written: written.to_owned() })
}

fn read_node(fields: &mut SpecFields<'_>, figure: &'static str) -> Result<u64, AdversaryError> {
    let written = fields.named(figure).ok_or(AdversaryError::Missing { figure })?;
    quantity::count(written).map_err(|_| AdversaryError::NoNode { figure, written: written.to_owned() })
}

const ALL: Ratio = Ratio::new(1, 1).unwrap();

/// The notation for no adversaries.
const NONE: &str = "none";
