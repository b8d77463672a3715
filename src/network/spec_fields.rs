//! How the parts of a model are written: `first,second,name=value`. Reading and writing of times, shares and sizes, in
//! one way for all models.

use super::error::LatencyError;
use crate::time::Nanos;
use std::fmt;

/// The parts of a model, taken one by one; a part that nobody takes is an error at the end.
pub(crate) struct SpecFields<'a> {
    plain: Vec<&'a str>,
    named: Vec<(&'a str, &'a str)>,
}

impl<'a> SpecFields<'a> {
    /// Splits a text at its commas.
    pub(crate) fn new(text: &'a str) -> SpecFields<'a> {
        let mut words = SpecFields { plain: Vec::new(), named: Vec::new() };
        for word in text.split(',').map(str::trim).filter(|_| !text.trim().is_empty()) {
            match word.split_once('=') {
                Some((name, value)) => words.named.push((name.trim(), value.trim())),
                None => words.plain.push(word),
            }
        }
        words.plain.reverse();
        words
    }

    /// The next part without a name.
    pub(crate) fn next_word(&mut self, figure: &'static str) -> Result<&'a str, LatencyError> {
        self.plain.pop().filter(|word| !word.is_empty()).ok_or(LatencyError::Missing { figure })
    }

    /// The next part without a name, where there is one.
    pub(crate) fn plain(&mut self) -> Option<&'a str> {
        self.plain.pop()
    }

    /// The next part without a name, a time.
    pub(crate) fn next_span(&mut self, figure: &'static str) -> Result<Nanos, LatencyError> {
        read_span(figure, self.next_word(figure)?)
    }

    /// The next part without a name, two times with two dots between them.
    pub(crate) fn next_range(&mut self) -> Result<(Nanos, Nanos), LatencyError> {
        let word = self.next_word("LEAST..GREATEST")?;
        let (least, greatest) = word.split_once("..").ok_or(LatencyError::Missing { figure: "LEAST..GREATEST" })?;
        Ok((read_span("the least", least)?, read_span("the greatest", greatest)?))
    }

    /// The part of this name, where there is one.
    pub(crate) fn named(&mut self, name: &str) -> Option<&'a str> {
        let at = self.named.iter().position(|(written, _)| *written == name)?;
        Some(self.named.remove(at).1)
    }

    /// The part of this name, a time.
    pub(crate) fn named_span(&mut self, name: &'static str) -> Result<Option<Nanos>, LatencyError> {
        self.named(name).map(|value| read_span(name, value)).transpose()
    }

    /// Refuses what is left.
    pub(crate) fn end(self) -> Result<(), LatencyError> {
        self.left().map_or(Ok(()), |written| Err(LatencyError::Surplus { written }))
    }

    /// The first part that nobody took.
    pub(crate) fn left(&self) -> Option<String> {
        let named = self.named.first().map(|(name, value)| format!("{name}={value}"));
        named.or(self.plain.last().map(|&word| word.to_owned()))
    }
}

/// A time of 0 or more.
pub(crate) fn read_span(figure: &'static str, written: &str) -> Result<Nanos, LatencyError> {
    let written = written.trim();
    if written.starts_with('-') {
        return Err(LatencyError::Negative { figure, written: written.to_owned() });
    }
    written.parse().map_err(|_| LatencyError::NoTime { figure, written: written.to_owned() })
}

/// A time as a model is written with it: `50ms`, `1500us`.
pub(crate) fn span(time: Nanos) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns")];
        let (unit_ns, unit) = *units.iter().find(|(unit_ns, _)| time.0.is_multiple_of(*unit_ns)).unwrap_or(&units[3]);
        write!(f, "{}{unit}", time.0 / unit_ns)
    })
}

/// A decimal of at most `places` places as a whole number of its last place; `None` where it is none or too large.
pub(crate) fn decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > places || text.ends_with('.') {
        return None;
    }
    let scale = 10u64.pow(places as u32);
    let parts: u64 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let parts = parts * 10u64.pow((places - fraction.len()) as u32);
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(parts)
}
