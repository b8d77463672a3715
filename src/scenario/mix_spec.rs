//! A mix as people write it, `SHARE:PROTOCOL`, such as `20%:gossipsub:go`.
//!
//! The rule on what can be mixed is not here, but in `mix_check`.

use super::bad_value::BadValue;
use super::protocol_spec::ProtocolSpec;
use crate::ratio::Ratio;
use serde::{Serialize, Serializer};
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// A share of the nodes, and the protocol that they run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MixSpec {
    /// The share of the nodes, of which that number is taken, rounded up.
    pub share: Ratio,
    /// Their protocol. In a scenario it names no membership protocol, which is that of all nodes.
    pub protocol: ProtocolSpec,
}

/// Writes the text that reads back.
impl Display for MixSpec {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.share, self.protocol)
    }
}

impl FromStr for MixSpec {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<MixSpec, BadValue> {
        let refused = |rule: &str| BadValue::new("mix", text, rule);
        let Some((share, protocol)) = text.split_once(':') else {
            return Err(refused("write a share of the nodes and their protocol, as 20%:gossipsub:go"));
        };
        let share = share.parse().map_err(|_| {
            refused("it begins with a share of the nodes from 0 to 1; write 0.2, 20% or 1/5, as in 20%:gossipsub:go")
        })?;
        Ok(MixSpec { share, protocol: protocol.parse().map_err(|error: BadValue| refused(&error.rule))? })
    }
}

impl Serialize for MixSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
