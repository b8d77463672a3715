//! How the text of an option becomes its value, where that is more than a whole number.

use super::error::BadValue;
use super::limits;
use super::{Choice, PayloadBytes, Ttl, WindowSize};
use crate::network::{LATENCY_MAX, RegionSpec};
use crate::quantity;
use crate::ratio::Ratio;
use crate::time::Nanos;
use crate::topology::{ParseTopologyError, TopologySpec};
use crate::workload::Rate;
use std::fmt::Display;
use std::str::FromStr;

/// Reads one of the names of `T`.
pub(super) fn choose<T: Choice>(option: &'static str, text: &str) -> Result<T, BadValue> {
    let names = || T::ALL.iter().map(|value| value.name()).collect::<Vec<_>>().join(", ");
    T::named(text).ok_or_else(|| BadValue::new(option, text, format!("choose one of {}", names())))
}

/// Reads yes or no as TOML writes them.
pub(super) fn truth(option: &'static str, text: &str) -> Result<bool, BadValue> {
    text.parse().map_err(|_| BadValue::new(option, text, "it is true or false; leave the value out for true"))
}

/// Reads a family of overlays.
pub(super) fn topology(text: &str) -> Result<TopologySpec, BadValue> {
    if text.contains('\0') {
        return Err(BadValue::new("topology", text, "a path holds no NUL; take that byte out"));
    }
    text.parse().map_err(|error| match error {
        ParseTopologyError::Unknown(_) => {
            BadValue::new("topology", text, format!("choose one of {}", TopologySpec::WRITTEN))
        }
        other => BadValue::new("topology", text, other.to_string()),
    })
}

/// Reads hops, or `auto`.
pub(super) fn ttl(text: &str) -> Result<Ttl, BadValue> {
    if text == "auto" { Ok(Ttl::Auto) } else { limits::TTL.parse(text).map(Ttl::Hops) }
}

/// Reads a number of orders, or `auto`.
pub(super) fn window(text: &str) -> Result<WindowSize, BadValue> {
    if text == "auto" { Ok(WindowSize::Auto) } else { limits::WINDOW.parse(text).map(WindowSize::Orders) }
}

/// Reads the share of the nodes to reach.
pub(super) fn share(text: &str) -> Result<Ratio, BadValue> {
    let share = text.parse().map_err(|_| bad_target(text))?;
    target(share)
}

/// Passes a target on that leaves something to do.
pub(super) fn target(share: Ratio) -> Result<Ratio, BadValue> {
    if share.is_zero() { Err(bad_target(&share.to_string())) } else { Ok(share) }
}

fn bad_target(text: &str) -> BadValue {
    let rule = "a target is a share above 0 and at most 1; write it as 0.95, 95% or 19/20, with at most 15 decimals";
    BadValue::new("target", text, rule)
}

/// Reads a part of the modelled network, whose own words say what is wrong with it.
pub(super) fn model<T: FromStr<Err: Display>>(option: &'static str, text: &str) -> Result<T, BadValue> {
    text.parse().map_err(|error: T::Err| BadValue::new(option, text, error.to_string()))
}

/// Reads a set of regions.
pub(super) fn network(text: &str) -> Result<RegionSpec, BadValue> {
    if text.contains('\0') {
        return Err(BadValue::new("network", text, "a path holds no NUL; take that byte out"));
    }
    text.parse().map_err(|_| BadValue::new("network", text, format!("choose one of {}", RegionSpec::WRITTEN)))
}

/// Reads a share that may be nothing or all.
pub(super) fn part_of(option: &'static str, text: &str) -> Result<Ratio, BadValue> {
    text.parse().map_err(|_| BadValue::new(option, text, "it is a share from 0 to 1; write it as 0.1, 10% or 1/10"))
}

/// Reads the time that a message costs its node.
pub(super) fn processing(text: &str) -> Result<Nanos, BadValue> {
    let rule = "a node is busy with a message for at most a day; write a time such as 10us or 1ms";
    match time("processing", text, rule)? {
        time if time <= LATENCY_MAX => Ok(time),
        _ => Err(BadValue::new("processing", text, rule)),
    }
}

/// Reads a time limit.
pub(super) fn span(text: &str) -> Result<Nanos, BadValue> {
    let rule = "a time limit is a number with its unit, below 584 years; write 3s, 250ms or 40us, or 0 for no limit";
    time("timeout", text, rule)
}

/// Reads a span of time. One with two readings is asked about; any other that is none is refused with the rule.
fn time(option: &'static str, text: &str, rule: &str) -> Result<Nanos, BadValue> {
    let read = quantity::span_ns(text).map(Nanos);
    read.map_err(|error| BadValue::new(option, text, error.question_or(rule)))
}

/// What a time to ask again must be.
pub(super) const RETRY_RULE: &str =
    "a time to ask again is a number above 0 with its unit, below 584 years; write 500ms, 2s or 40us";

/// Reads how long to wait for an answer.
pub(super) fn retry(text: &str) -> Result<Nanos, BadValue> {
    match time("retry", text, RETRY_RULE)? {
        Nanos::ZERO => Err(BadValue::new("retry", text, RETRY_RULE)),
        time => Ok(time),
    }
}

/// Reads how long news are gathered before they are announced.
pub(super) fn announce_interval(text: &str) -> Result<Nanos, BadValue> {
    let rule =
        "an interval is a number with its unit, below 584 years; write 10ms or 2s, or 0 to announce each order at once";
    time("announce-interval", text, rule)
}

/// Reads orders per second.
pub(super) fn rate(text: &str) -> Result<Rate, BadValue> {
    let rule = "a rate is 0.000001/s to 1000000000/s orders per second, with at most 6 decimals; write 200/s or 0.5/s";
    let question = quantity::rate_millionths(text).err().map(|error| error.question_or(rule));
    text.parse().map_err(|_| BadValue::new("rate", text, question.unwrap_or_else(|| rule.to_owned())))
}

/// Reads a number of bytes or a range of them, both ends included.
pub(super) fn payload(text: &str) -> Result<PayloadBytes, BadValue> {
    let number = |text: &str| limits::PAYLOAD_BYTES.parse_bytes::<u16>(text);
    let Some((least, most)) = text.split_once("..") else { return number(text).map(PayloadBytes::exactly) };
    let backwards =
        || BadValue::new("payload-bytes", text, "a range leads from the lesser to the greater; write 0..1000");
    PayloadBytes::new(number(least)?, number(most)?).ok_or_else(backwards)
}
