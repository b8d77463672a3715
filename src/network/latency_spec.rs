//! The requested latency of a network without regions: a part that each link keeps, plus a part of each message, and
//! whether links keep the order of their messages.

use super::latency::{LATENCY_MAX, Latency, LatencyError};
use crate::time::Nanos;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The latency of a network without regions: a constant part of each link plus a part of each message.
///
/// Written `link:uniform:10ms..100ms+exponential:5ms`; either part may be missing. `link:` gives both directions of a
/// link the same latency, `direction:` one each. With `,ordered` no message overtakes an earlier one on its link; the
/// word alone leaves the latency to the default or to the regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencySpec {
    /// The part that is drawn once per link.
    pub link: Option<LinkLatency>,
    /// The part that is drawn per message.
    pub message: Option<Latency>,
    /// True if no message overtakes another on its link.
    pub is_ordered: bool,
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

    /// Returns true if neither part is given, so that the latency is left to others.
    pub fn is_open(&self) -> bool {
        self.link.is_none() && self.message.is_none()
    }

    fn parts(&self) -> impl Iterator<Item = Latency> {
        self.link.map(|link| link.latency).into_iter().chain(self.message)
    }
}

impl From<Latency> for LatencySpec {
    fn from(latency: Latency) -> LatencySpec {
        LatencySpec { link: None, message: Some(latency), is_ordered: false }
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
        }?;
        match self.is_ordered {
            true if self.is_open() => f.write_str(ORDERED),
            true => write!(f, ",{ORDERED}"),
            false => Ok(()),
        }
    }
}

impl FromStr for LatencySpec {
    type Err = LatencyError;

    fn from_str(text: &str) -> Result<LatencySpec, LatencyError> {
        if text.trim() == ORDERED {
            return Ok(LatencySpec { link: None, message: None, is_ordered: true });
        }
        let (is_ordered, text) = without_ordered(text);
        let mut spec = LatencySpec { link: None, message: None, is_ordered };
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
                return Err(LatencyError::TwoAlike { written: text });
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

/// Takes the first field `ordered` out of a text, and returns true if there was one. It may stand behind any other
/// field, but not in place of a distribution.
fn without_ordered(text: &str) -> (bool, String) {
    let mut begin = 0;
    while let Some(comma) = text[begin..].find(',').map(|comma| begin + comma) {
        let field = &text[comma + 1..];
        let end = field.find([',', '+']).map_or(text.len(), |end| comma + 1 + end);
        if text[comma + 1..end].trim() == ORDERED {
            return (true, format!("{}{}", &text[..comma], &text[end..]));
        }
        begin = comma + 1;
    }
    (false, text.to_owned())
}

/// The word after which no message overtakes another on its link.
const ORDERED: &str = "ordered";

/// The prefix of a latency that is drawn once per link.
const LINK: &str = "link:";

/// The prefix of a latency that is drawn once per direction of a link.
const DIRECTION: &str = "direction:";
