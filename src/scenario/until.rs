//! The event that ends a run: its target, its rest, or an instant.
//!
//! The time limit and an interrupt, which may end a run before, are not here.

use super::bad_value::BadValue;
use super::parse::time;
use crate::time::Nanos;
use serde::{Serialize, Serializer};
use std::fmt::{self, Display, Formatter};

/// The event that ends a run, besides its time limit and an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The target, or quiescence before it.
    Target,
    /// Quiescence alone: no message in flight and every protocol idle.
    Quiescent,
    /// This time after the first publication: neither target nor rest ends the run, and there is no time limit.
    Instant(Nanos),
}

impl Until {
    /// Returns the instant, if the run ends at one.
    pub const fn instant(self) -> Option<Nanos> {
        match self {
            Until::Instant(at) => Some(at),
            Until::Target | Until::Quiescent => None,
        }
    }
}

/// Writes the text that `read` reads back.
impl Display for Until {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Until::Target => out.write_str("target"),
            Until::Quiescent => out.write_str("quiescent"),
            Until::Instant(at) => out.write_str(&at.written()),
        }
    }
}

impl Serialize for Until {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads the event that ends a run.
pub(super) fn read(text: &str) -> Result<Until, BadValue> {
    match text {
        "target" => Ok(Until::Target),
        "quiescent" => Ok(Until::Quiescent),
        instant => check(Until::Instant(time("until", instant, RULE)?)),
    }
}

/// Refuses the instant of the first publication, before which nothing happens.
pub(super) fn check(until: Until) -> Result<Until, BadValue> {
    if until.instant() == Some(Nanos::ZERO) { Err(BadValue::new("until", "0", RULE)) } else { Ok(until) }
}

const RULE: &str = "choose target, quiescent, or the time from the first publication to the end of the run, above 0 \
                    and below 584 years, such as 20s or 250ms";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Draft;

    #[test]
    fn an_end_has_one_text() {
        for text in ["target", "quiescent", "20s", "1500us"] {
            assert_eq!(read(text).unwrap().to_string(), text);
            assert_eq!(serde_json::to_value(read(text).unwrap()).unwrap(), text);
        }
        assert_eq!(read("1500ms").unwrap(), Until::Instant(Nanos::from_millis(1_500)));
        for text in ["end", "0", "0s", "-1s", ""] {
            let said = read(text).unwrap_err().to_string();
            assert!(said.contains("choose target, quiescent, or the time from the first publication"), "{said}");
        }
        assert!(read("5m").unwrap_err().to_string().contains("is that 5 minutes or 5 milliseconds"));
    }

    #[test]
    fn an_instant_takes_the_place_of_the_time_limit() {
        let draft = |timeout| Draft { until: read("20s").ok(), timeout, ..Draft::default() };
        let said = draft(Some(Nanos::from_secs(3))).build().unwrap_err().to_string();
        let expected = "--timeout 3s with --until 20s: the run ends at that instant, whatever has become of its \
                        orders; leave --timeout out";
        assert_eq!(said, expected);
        for timeout in [None, Some(Nanos::ZERO)] {
            let scenario = draft(timeout).build().unwrap();
            assert_eq!((scenario.run.timeout, scenario.run.longest()), (None, Some((Nanos::from_secs(20), "--until"))));
        }
        let zero = Draft { until: Some(Until::Instant(Nanos::ZERO)), ..Draft::default() };
        assert!(zero.build().unwrap_err().to_string().starts_with("--until 0: choose target"));
    }
}
