//! The time after which a node learns that a peer has gone down or come back.

use super::spec_fields::{escaped, read_span};
use crate::quantity;
use crate::time::Nanos;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The time after which a node learns of a peer's failure or return, uniform between two times. Written `2s..8s`, or
/// `5s` for a constant one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DetectSpec {
    /// The minimum.
    pub least: Nanos,
    /// The maximum, which is not less.
    pub greatest: Nanos,
}

/// The reason why a text is not such a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDetectError {
    /// A value is not a time.
    #[error(
        "{figure} is `{written}`{}",
        quantity::refusal(quantity::span_ns(written), "which is no time; write 5s or 2s..8s")
    )]
    NoTime {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// The times are out of order or too long.
    #[error(
        "a failure is detected after {} to {}; write the lesser time first, and at most {}", least.written(),
        greatest.written(), LONGEST.written()
    )]
    Range {
        /// The minimum.
        least: Nanos,
        /// The maximum.
        greatest: Nanos,
    },
}

impl DetectSpec {
    /// The accepted notations, for help texts and errors.
    pub const WRITTEN: &'static str = "TIME or LEAST..GREATEST";
}

impl fmt::Display for DetectSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.least.written())?;
        if self.greatest == self.least { Ok(()) } else { write!(f, "..{}", self.greatest.written()) }
    }
}

impl FromStr for DetectSpec {
    type Err = ParseDetectError;

    fn from_str(text: &str) -> Result<DetectSpec, ParseDetectError> {
        let span = |figure, written: &str| {
            read_span(figure, written).map_err(|_| ParseDetectError::NoTime { figure, written: escaped(written) })
        };
        let (least, greatest) = match text.split_once("..") {
            None => ("the time to detect a failure", "the time to detect a failure"),
            Some(_) => ("the least time", "the greatest time"),
        };
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        DetectSpec { least: span(least, first)?, greatest: span(greatest, last)? }.check()
    }
}

impl DetectSpec {
    /// Returns the times if they are in order and within their limit.
    ///
    /// # Errors
    ///
    /// [`ParseDetectError`] if they are not.
    pub(crate) fn check(self) -> Result<DetectSpec, ParseDetectError> {
        let DetectSpec { least, greatest } = self;
        if least > greatest || greatest > LONGEST {
            return Err(ParseDetectError::Range { least, greatest });
        }
        Ok(self)
    }
}

impl Serialize for DetectSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The longest time to detect a failure.
const LONGEST: Nanos = Nanos::from_secs(24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<DetectSpec>().unwrap_err().to_string()
    }

    #[test]
    fn the_notation_reads_back_and_refuses_what_is_not_a_time() {
        for text in ["2s..8s", "5s", "0s..1ms"] {
            assert_eq!(text.parse::<DetectSpec>().unwrap().to_string(), text);
        }
        assert_eq!("3s..3s".parse(), "3s".parse::<DetectSpec>());
        for (text, said) in [
            ("", "the time to detect a failure is ``"),
            ("2..8s", "the least time is `2`"),
            ("8s..2s", "8s to 2s"),
            ("25h", "at most 86400s"),
        ] {
            assert!(refused(text).contains(said), "{text}: {}", refused(text));
        }
    }
}
