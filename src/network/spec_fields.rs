//! The notation of a model's fields: `first,second,name=value`. Times, shares and sizes are read and written in the
//! same way for all models.

use crate::escape::escaped_to;
use crate::quantity;
use crate::time::Nanos;

/// The reason why a field is not what its model takes there. Each model has its own error, with its notation in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldError {
    /// The field is missing.
    Missing {
        /// Name of the field.
        figure: &'static str,
    },
    /// The text holds more than the model takes.
    Surplus {
        /// The first unused part.
        written: String,
    },
    /// A time is negative.
    Negative {
        /// Name of the field.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// A value is not a time.
    NoTime {
        /// Name of the field.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
}

/// The fields of a model, taken one by one; a field that was not taken is an error at the end.
pub(crate) struct SpecFields<'a> {
    plain: Vec<&'a str>,
    named: Vec<(&'a str, &'a str)>,
}

impl<'a> SpecFields<'a> {
    /// Splits a text at its commas.
    pub(crate) fn new(text: &'a str) -> SpecFields<'a> {
        let mut fields = SpecFields { plain: Vec::new(), named: Vec::new() };
        for field in text.split(',').map(str::trim).filter(|_| !text.trim().is_empty()) {
            match field.split_once('=') {
                Some((name, value)) => fields.named.push((name.trim(), value.trim())),
                None => fields.plain.push(field),
            }
        }
        // Reversed, so that the next field is popped from the end.
        fields.plain.reverse();
        fields
    }

    /// Takes the next field without a name.
    pub(crate) fn next_plain(&mut self, figure: &'static str) -> Result<&'a str, FieldError> {
        self.plain.pop().filter(|field| !field.is_empty()).ok_or(FieldError::Missing { figure })
    }

    /// Takes the next field without a name, if there is one.
    pub(crate) fn plain(&mut self) -> Option<&'a str> {
        self.plain.pop()
    }

    /// Takes the next field without a name, as a time.
    pub(crate) fn next_span(&mut self, figure: &'static str) -> Result<Nanos, FieldError> {
        read_span(figure, self.next_plain(figure)?)
    }

    /// Takes the next field without a name, as two times separated by two dots.
    pub(crate) fn next_range(&mut self) -> Result<(Nanos, Nanos), FieldError> {
        let field = self.next_plain("LEAST..GREATEST")?;
        let (least, greatest) = field.split_once("..").ok_or(FieldError::Missing { figure: "LEAST..GREATEST" })?;
        Ok((read_span("the least", least)?, read_span("the greatest", greatest)?))
    }

    /// Takes the field of this name, if there is one.
    pub(crate) fn named(&mut self, name: &str) -> Option<&'a str> {
        let at = self.named.iter().position(|(written, _)| *written == name)?;
        Some(self.named.remove(at).1)
    }

    /// Takes the field of this name, as a time.
    pub(crate) fn named_span(&mut self, name: &'static str) -> Result<Option<Nanos>, FieldError> {
        self.named(name).map(|value| read_span(name, value)).transpose()
    }

    /// Returns an error if a field is left.
    pub(crate) fn end(self) -> Result<(), FieldError> {
        self.left().map_or(Ok(()), |written| Err(FieldError::Surplus { written }))
    }

    /// Returns the first field that is left.
    pub(crate) fn left(&self) -> Option<String> {
        let named = self.named.first().map(|(name, value)| format!("{name}={value}"));
        named.or(self.plain.last().map(|&field| field.to_owned()))
    }
}

/// Parses a time of 0 or more.
pub(crate) fn read_span(figure: &'static str, written: &str) -> Result<Nanos, FieldError> {
    let written = written.trim();
    if written.starts_with('-') {
        return Err(FieldError::Negative { figure, written: written.to_owned() });
    }
    written.parse().map_err(|_| FieldError::NoTime { figure, written: written.to_owned() })
}

/// Parses a decimal of at most `places` places as a multiple of its last place; `None` if it is malformed or too large.
pub(crate) fn decimal(text: &str, places: u32) -> Option<u64> {
    quantity::scaled(text, places).ok()
}

/// Makes foreign text fit for one line of a terminal, and cuts it if it is very long.
pub(crate) fn escaped(text: &str) -> String {
    escaped_to(SHOWN_CHARS_MAX, text)
}

const SHOWN_CHARS_MAX: usize = 200;
