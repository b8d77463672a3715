//! The requested latency of a network without regions: a part that each link keeps, plus a part of each message.

use super::latency::{LATENCY_MAX, Latency, LatencyError};
use crate::time::Nanos;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The latency of a network without regions: a constant part of each link plus a part of each message.
///
/// Written `link:uniform:10ms..100ms+exponential:5ms`; either part may be missing. `link:` gives both directions of a
/// link the same latency, `direction:` one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencySpec {
    /// The part that is drawn once per link.
    pub link: Option<LinkLatency>,
    /// The part that is drawn per message.
    pub message: Option<Latency>,
}

/// A latency that a link keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkLatency {
    /// The distribution that it is drawn from.
    pub latency: Latency,
    /// True if each direction of a link has its own draw.
    pub is_directed: bool,
}

impl LatencySpec {
    /// Returns the minimum latency of any message.
    pub fn floor(&self) -> Nanos {
        self.parts().fold(Nanos::ZERO, |sum, part| sum + part.floor())
    }

    /// Returns the maximum latency of any message, or `None` if no limit was set.
    pub fn ceiling(&self) -> Option<Nanos> {
        // `LATENCY_MAX` means that no maximum was requested.
        let is_bounded = self.parts().all(|part| part.ceiling() < LATENCY_MAX);
        is_bounded.then(|| self.parts().fold(Nanos::ZERO, |sum, part| sum + part.ceiling()))
    }

    fn parts(&self) -> impl Iterator<Item = Latency> {
        self.link.map(|link| link.latency).into_iter().chain(self.message)
    }
}

impl From<Latency> for LatencySpec {
    fn from(latency: Latency) -> LatencySpec {
        LatencySpec { link: None, message: Some(latency) }
    }
}

/// The default: 50 ms on every link.
impl Default for LatencySpec {
    fn default() -> LatencySpec {
        Latency::Constant(Nanos::from_millis(50)).into()
    }
}

impl fmt::Display for LatencySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(LinkLatency { latency, is_directed }) = self.link {
            write!(f, "{}{latency}", if is_directed { DIRECTION } else { LINK })?;
        }
        match self.message {
            Some(latency) if self.link.is_some() => write!(f, "+{latency}"),
            Some(latency) => latency.fmt(f),
            None => Ok(()),
        }
    }
}

impl FromStr for LatencySpec {
    type Err = LatencyError;

    fn from_str(text: &str) -> Result<LatencySpec, LatencyError> {
        let mut spec = LatencySpec { link: None, message: None };
        for part in text.split('+').map(str::trim) {
            let per_link = [(LINK, false), (DIRECTION, true)];
            let per_link =
                per_link.iter().find_map(|&(name, is_directed)| Some((part.strip_prefix(name)?, is_directed)));
            let twice = match per_link {
                Some((latency, is_directed)) => {
                    spec.link.replace(LinkLatency { latency: latency.parse()?, is_directed }).is_some()
                }
                None => spec.message.replace(part.parse()?).is_some(),
            };
            if twice {
                return Err(LatencyError::TwoAlike { written: text.to_owned() });
            }
        }
        Ok(spec)
    }
}

impl Serialize for LatencySpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The prefix of a latency that is drawn once per link.
const LINK: &str = "link:";

/// The prefix of a latency that is drawn once per direction of a link.
const DIRECTION: &str = "direction:";
