//! Readers that options of several groups share; the readers of one group are beside its table.

use super::bad_value::BadValue;
use super::kinds::Choice;
use crate::quantity;
use crate::ratio::Ratio;
use crate::time::Nanos;
use std::fmt::Display;
use std::str::FromStr;

/// Reads one of the names of `T`.
pub(super) fn choose<T: Choice>(option: &'static str, text: &str) -> Result<T, BadValue> {
    let names = || T::ALL.iter().map(|value| value.name()).collect::<Vec<_>>().join(", ");
    T::named(text).ok_or_else(|| BadValue::new(option, text, format!("choose one of {}", names())))
}

/// Reads a boolean as TOML writes it.
pub(super) fn truth(option: &'static str, text: &str) -> Result<bool, BadValue> {
    text.parse().map_err(|_| BadValue::new(option, text, "it is true or false; leave the value out for true"))
}

/// Reads a part of the modelled network, whose own error message becomes the rule of the [`BadValue`].
pub(super) fn model<T: FromStr<Err: Display>>(option: &'static str, text: &str) -> Result<T, BadValue> {
    text.parse().map_err(|error: T::Err| BadValue::new(option, text, error.to_string()))
}

/// Reads a share from 0 to 1, both ends included.
pub(super) fn part_of(option: &'static str, text: &str) -> Result<Ratio, BadValue> {
    text.parse().map_err(|_| BadValue::new(option, text, "it is a share from 0 to 1; write it as 0.1, 10% or 1/10"))
}

/// Reads a span of time. The error for an ambiguous text asks which reading is meant; any other error states `rule`.
pub(super) fn time(option: &'static str, text: &str, rule: &str) -> Result<Nanos, BadValue> {
    let read = quantity::span_ns(text).map(Nanos);
    read.map_err(|error| BadValue::new(option, text, error.question_or(rule)))
}

/// Refuses a path that holds a NUL, which no command line can repeat.
pub(super) fn no_nul(option: &'static str, text: &str) -> Result<(), BadValue> {
    let refused = || BadValue::new(option, text, "a path holds no NUL; take that byte out");
    if text.contains('\0') { Err(refused()) } else { Ok(()) }
}
