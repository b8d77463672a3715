//! How a latency is written: `constant:50ms`, `uniform:10ms..100ms`. Reading and writing stand side by side, so that one is
//! always what the other takes.

use super::error::BadValue;
use crate::network::Latency;
use crate::time::Nanos;
use serde::Serializer;

/// The longest latency: a day. The 255 hops of the longest way are then within the 584 years that an instant holds.
const LATENCY_MAX: Nanos = Nanos::from_secs(86_400);

/// Reads a latency.
pub(super) fn latency(text: &str) -> Result<Latency, BadValue> {
    let rule = "a latency is constant:TIME or uniform:LEAST..GREATEST of at most a day; write constant:50ms or \
                uniform:10ms..100ms";
    parse(text).ok_or_else(|| BadValue::new("latency", text, rule))
}

fn parse(text: &str) -> Option<Latency> {
    let time = |text: &str| text.parse().ok().filter(|&time| time <= LATENCY_MAX);
    match text.split_once(':')? {
        ("constant", rest) => Some(Latency::Constant(time(rest)?)),
        ("uniform", rest) => {
            let (least, greatest) = rest.split_once("..")?;
            let (least, greatest) = (time(least)?, time(greatest)?);
            (least <= greatest).then_some(Latency::Uniform { least, greatest })
        }
        _ => None,
    }
}

/// Writes a latency so that [`latency`] reads it.
pub(super) fn written<S: Serializer>(latency: &Option<Latency>, serializer: S) -> Result<S::Ok, S::Error> {
    match latency {
        None => serializer.serialize_none(),
        Some(Latency::Constant(time)) => serializer.collect_str(&format_args!("constant:{}", exact(*time))),
        Some(Latency::Uniform { least, greatest }) => {
            serializer.collect_str(&format_args!("uniform:{}..{}", exact(*least), exact(*greatest)))
        }
    }
}

/// A span in the largest unit that leaves it whole.
fn exact(Nanos(time): Nanos) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    let (unit_ns, unit) = units.into_iter().find(|(unit_ns, _)| time % unit_ns == 0).unwrap_or((1, "ns"));
    format!("{}{unit}", time / unit_ns)
}
