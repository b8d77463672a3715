//! The knobs of a protocol: values with the names and defaults of the document that defines it, and named sets of them.
//!
//! A protocol declares its knobs once, as a table ([`Knobs`]). From it follow the reader and the writer of
//! `[:PRESET][,knob=value...]`, every error, and the listing of `bulkprop protocols`.

use crate::escape::escaped_to;
use crate::quantity;
use crate::ratio::Ratio;
use crate::time::Nanos;
use std::fmt::Debug;
use std::ops::RangeInclusive;

/// The knobs of a protocol, with the names and defaults of the document that defines it.
///
/// The default of the type is the first preset. Whatever `show` writes of a knob, its `read` reads back to the same
/// value; a test holds every built-in protocol to it.
pub trait Knobs: Copy + PartialEq + Debug + Default + Send + Sync + 'static {
    /// Named sets of values; the first is the default. Empty if there is only the default.
    const PRESETS: &'static [Preset<Self>];

    /// The knobs, in the order in which reports show them.
    const KNOBS: &'static [Knob<Self>];

    /// Checks what several knobs demand of each other.
    ///
    /// # Errors
    ///
    /// [`BadKnob`] with a rule that names the knobs.
    fn check(&self) -> Result<(), BadKnob> {
        Ok(())
    }
}

/// A named set of values for all knobs of a protocol.
#[derive(Clone, Copy, Debug)]
pub struct Preset<K: 'static> {
    /// Name of the preset.
    pub name: &'static str,
    /// The document that the values are from.
    pub source: &'static str,
    /// Returns the values.
    pub values: fn() -> K,
}

/// One knob of a protocol.
#[derive(Clone, Copy, Debug)]
pub struct Knob<K: 'static> {
    /// Name of the knob, as its document has it, in lower case with dashes.
    pub name: &'static str,
    /// Description of the value with its unit: one noun phrase.
    pub help: &'static str,
    /// Reads a text into the knob.
    pub read: fn(&mut K, &str) -> Result<(), BadKnob>,
    /// Writes the text that `read` reads back.
    pub show: fn(&K) -> String,
}

/// The reason why knobs are not read: the limit, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadKnob(String);

impl BadKnob {
    /// Creates the error of a knob that must obey `rule`.
    pub fn new(rule: impl Into<String>) -> BadKnob {
        BadKnob(rule.into())
    }
}

/// Reads `[:PRESET][,knob=value...]` of the protocol called `protocol`.
///
/// # Errors
///
/// [`BadKnob`] if a preset or a knob is unknown, a knob is given twice or does not accept its value, or the knobs
/// contradict each other.
pub fn read<K: Knobs>(protocol: &str, text: &str) -> Result<K, BadKnob> {
    let (preset, settings) = match text.strip_prefix(':') {
        Some(named) => {
            let end = named.find(',').unwrap_or(named.len());
            (Some(&named[..end]), &named[end..])
        }
        None => (None, text),
    };
    let mut knobs = preset.map_or(Ok(K::default()), |name| preset_values(protocol, name))?;
    let mut given: Vec<&str> = Vec::new();
    for setting in settings.split(',').skip(1) {
        let (name, value) = setting.split_once('=').ok_or_else(|| {
            BadKnob(format!("{} is no knob with a value; write knob=value, as in {}", shown(setting), example::<K>()))
        })?;
        let knob = K::KNOBS.iter().find(|knob| knob.name == name).ok_or_else(|| unknown_knob::<K>(protocol, name))?;
        if given.contains(&name) {
            return Err(BadKnob(format!("the knob {name} is given twice; leave one of the two out")));
        }
        given.push(name);
        (knob.read)(&mut knobs, value).map_err(|error| BadKnob(format!("{name}={}: {error}", shown(value))))?;
    }
    knobs.check()?;
    Ok(knobs)
}

/// Writes the text with the fewest knobs that [`read`] reads back to the same values: a preset, if one of them is
/// closer than the default, and the knobs that differ from it.
pub fn write<K: Knobs>(knobs: &K) -> String {
    let differing = |base: K| -> Vec<String> {
        let texts = K::KNOBS.iter().map(|knob| (knob.name, (knob.show)(&base), (knob.show)(knobs)));
        texts.filter(|(_, base, own)| base != own).map(|(name, _, own)| format!(",{name}={own}")).collect()
    };
    let named = K::PRESETS.iter().skip(1).map(|preset| (format!(":{}", preset.name), differing((preset.values)())));
    let all = std::iter::once((String::new(), differing(K::default()))).chain(named);
    // Of several the first, so that the default wins a tie.
    let (preset, settings) = all.min_by_key(|(_, settings)| settings.len()).unwrap_or_default();
    preset + &settings.concat()
}

/// Returns the name that is most similar to `name`, if one is similar enough. The measure and its threshold are those
/// that clap uses for flags.
pub fn most_similar<N: AsRef<str>>(name: &str, names: impl IntoIterator<Item = N>) -> Option<N> {
    let near = |known: N| (strsim::jaro(name, known.as_ref()), known);
    let names = names.into_iter().map(near).filter(|(nearness, _)| *nearness > 0.7);
    names.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, known)| known)
}

/// Reads a whole number within a range that its type holds. `rule` says what it counts: "a node keeps 1 to 100 links".
///
/// # Errors
///
/// [`BadKnob`] with the rule.
pub(crate) fn whole<N: TryFrom<u64>>(text: &str, range: RangeInclusive<u64>, rule: &str) -> Result<N, BadKnob> {
    match quantity::count(text) {
        Ok(count) if range.contains(&count) => count.try_into().map_err(|_| BadKnob(rule.to_owned())),
        Ok(_) => Err(BadKnob(rule.to_owned())),
        Err(error) => Err(BadKnob(error.question_or(rule))),
    }
}

/// Reads a span of time within a range.
///
/// # Errors
///
/// [`BadKnob`] with the rule.
pub(crate) fn span(text: &str, range: RangeInclusive<Nanos>, rule: &str) -> Result<Nanos, BadKnob> {
    match quantity::span_ns(text) {
        Ok(span) if range.contains(&Nanos(span)) => Ok(Nanos(span)),
        Ok(_) => Err(BadKnob(rule.to_owned())),
        Err(error) => Err(BadKnob(error.question_or(rule))),
    }
}

/// Reads a flag.
///
/// # Errors
///
/// [`BadKnob`] with the two values.
pub(crate) fn flag(text: &str) -> Result<bool, BadKnob> {
    text.parse().map_err(|_| BadKnob::new("it is true or false"))
}

/// A value of a knob that is a field of its own.
pub(crate) trait KnobValue {
    /// Writes the text that reads back to the same value.
    fn text(&self) -> String;
}

impl KnobValue for Nanos {
    fn text(&self) -> String {
        self.written()
    }
}

/// Implements [`KnobValue`] for types whose own text reads back.
macro_rules! own_text {
    ($($Value:ty),+) => {
        $(
            impl KnobValue for $Value {
                fn text(&self) -> String {
                    self.to_string()
                }
            }
        )+
    };
}

own_text!(u8, u16, u32, u64, bool, Ratio);

/// Declares the knob of a field: its name, the field, its description, and the reader of the value.
macro_rules! knob {
    ($name:literal, $field:ident, $help:literal, $read:expr) => {
        $crate::protocol::Knob {
            name: $name,
            help: $help,
            read: |knobs, text| $crate::protocol::knobs::read_by($read, text).map(|value| knobs.$field = value),
            show: |knobs| $crate::protocol::knobs::KnobValue::text(&knobs.$field),
        }
    };
}

pub(crate) use knob;

/// Reads a value by `read`, whose parameter needs no type so.
pub(crate) fn read_by<V>(read: impl FnOnce(&str) -> Result<V, BadKnob>, text: &str) -> Result<V, BadKnob> {
    read(text)
}

/// Reads a knob that is also an option of its own: [`DEFAULT`] leaves it to that option.
///
/// # Errors
///
/// [`BadKnob`] if the text is neither that word nor a value.
pub(crate) fn or_default<T>(text: &str, read: impl FnOnce(&str) -> Result<T, BadKnob>) -> Result<Option<T>, BadKnob> {
    if text == DEFAULT { Ok(None) } else { read(text).map(Some) }
}

/// Returns the text of a knob that is left to the option of the same name.
pub(crate) fn default_text() -> String {
    DEFAULT.to_owned()
}

/// Reads a number of peers to forward or announce to.
///
/// # Errors
///
/// [`BadKnob`] with the limit.
pub(crate) fn fanout(text: &str) -> Result<u32, BadKnob> {
    let rule = "a node forwards to 1 to 4294967295 peers; write it in digits, as 8";
    whole(text, 1..=u64::from(u32::MAX), rule)
}

/// Returns the values of a preset.
fn preset_values<K: Knobs>(protocol: &str, name: &str) -> Result<K, BadKnob> {
    if let Some(preset) = K::PRESETS.iter().find(|preset| preset.name == name) {
        return Ok((preset.values)());
    }
    let names = K::PRESETS.iter().map(|preset| preset.name);
    let advice = match most_similar(name, names.clone()) {
        Some(similar) => format!("did you mean {protocol}:{similar}?"),
        None if K::PRESETS.is_empty() => "it has none; leave the preset out".to_owned(),
        None => format!("choose one of {}", names.collect::<Vec<_>>().join(", ")),
    };
    Err(BadKnob(format!("{protocol} has no preset called {}; {advice}", shown(name))))
}

fn unknown_knob<K: Knobs>(protocol: &str, name: &str) -> BadKnob {
    let names = K::KNOBS.iter().map(|knob| knob.name);
    let advice = match most_similar(name, names.clone()) {
        Some(similar) => format!("did you mean {similar}?"),
        None if K::KNOBS.is_empty() => "it has none; leave it out".to_owned(),
        None => format!("choose one of {}", names.collect::<Vec<_>>().join(", ")),
    };
    BadKnob(format!("{protocol} has no knob called {}; {advice}", shown(name)))
}

/// Returns the first knob at its default, as an example of the notation.
fn example<K: Knobs>() -> String {
    let knob = K::KNOBS.first();
    knob.map_or_else(|| "retry=2s".to_owned(), |knob| format!("{}={}", knob.name, (knob.show)(&K::default())))
}

/// Formats what was asked for, for one line of a terminal.
fn shown(text: &str) -> String {
    format!("`{}`", escaped_to(SHOWN_CHARS_MAX, text))
}

/// The value of a knob that is left to the option of the same name.
pub const DEFAULT: &str = "default";

const SHOWN_CHARS_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    /// Knobs of every kind that the readers offer.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Sample {
        links: u64,
        beat: Nanos,
        part: Ratio,
        floods: bool,
    }

    const SMALL: Sample = Sample { links: 6, beat: Nanos::from_secs(1), part: HALF, floods: true };
    const LARGE: Sample = Sample { links: 8, beat: Nanos::from_millis(700), ..SMALL };
    const HALF: Ratio = Ratio::new(1, 2).unwrap();

    impl Default for Sample {
        fn default() -> Sample {
            SMALL
        }
    }

    impl Knobs for Sample {
        const PRESETS: &'static [Preset<Sample>] = &[
            Preset { name: "small", source: "a paper", values: || SMALL },
            Preset { name: "large", source: "another", values: || LARGE },
        ];

        const KNOBS: &'static [Knob<Sample>] = &[
            knob!("links", links, "links of a node", |text| whole(text, 1..=100, "a node keeps 1 to 100 links")),
            knob!("beat", beat, "time between beats", |text| {
                span(text, Nanos(1)..=Nanos::from_secs(60), "a beat is above 0s and at most 60s")
            }),
            Knob {
                name: "part",
                help: "share of the links",
                read: |knobs, text| {
                    knobs.part = text.parse().map_err(|_| BadKnob::new("it is a share from 0 to 1"))?;
                    Ok(())
                },
                show: |knobs| knobs.part.to_string(),
            },
            knob!("floods", floods, "true if the origin floods", flag),
        ];

        fn check(&self) -> Result<(), BadKnob> {
            if self.links == 99 && self.floods { Err(BadKnob::new("links=99 needs floods=false")) } else { Ok(()) }
        }
    }

    #[test]
    fn the_shortest_text_is_written_and_reads_back() {
        for (text, written) in [
            ("", ""),
            (":small", ""),
            (":small,links=6", ""),
            (":large", ":large"),
            (",links=8,beat=700ms", ":large"),
            (",links=8", ",links=8"),
            (":large,links=9", ":large,links=9"),
            (":large,links=6", ",beat=700ms"),
            (",part=10%,floods=false,links=3", ",links=3,part=0.1,floods=false"),
            (",links=1e1,beat=1min", ",links=10,beat=60s"),
            (":large,part=1/3", ":large,part=1/3"),
        ] {
            let read = |text: &str| read::<Sample>("sample", text);
            let knobs = read(text).unwrap();
            assert_eq!(write(&knobs), written, "{text}");
            assert_eq!(read(written), Ok(knobs), "{text}");
        }
    }

    #[test]
    fn what_is_refused_is_named_with_its_limit_and_advice() {
        for (text, said) in [
            (":lrage", "sample has no preset called `lrage`; did you mean sample:large?"),
            (":x", "sample has no preset called `x`; choose one of small, large"),
            (",link=3", "sample has no knob called `link`; did you mean links?"),
            (",zz=3", "sample has no knob called `zz`; choose one of links, beat, part, floods"),
            (",", "`` is no knob with a value; write knob=value, as in links=6"),
            (",links", "`links` is no knob with a value; write knob=value, as in links=6"),
            (",links=3,links=3", "the knob links is given twice; leave one of the two out"),
            (",links=0", "links=`0`: a node keeps 1 to 100 links"),
            (",links=a", "links=`a`: a node keeps 1 to 100 links"),
            (",beat=0s", "beat=`0s`: a beat is above 0s and at most 60s"),
            (",beat=5m", "beat=`5m`: is that 5 minutes or 5 milliseconds? Write 5min or 5ms"),
            (",part=2", "part=`2`: it is a share from 0 to 1"),
            (",floods=yes", "floods=`yes`: it is true or false"),
            (",links=99", "links=99 needs floods=false"),
            (",\u{1b}=1", "sample has no knob called `\\u{1b}`; choose one of links, beat, part, floods"),
        ] {
            assert_eq!(read::<Sample>("sample", text).unwrap_err().to_string(), said, "{text}");
        }
    }
}
