//! The remedies and causes that notices name, and their words.

use super::Notice;
use crate::time::Nanos;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};

/// The remedy for a window that was too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WindowRemedy {
    /// A machine that keeps up, because this one was overloaded.
    KeepUp,
    /// A wider window, of this many orders.
    Widen(u32),
    /// A smaller scenario, because no wider window fits.
    AskForLess,
}

/// Advice for a target that is out of reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TtlAdvice {
    /// The advice as text.
    pub text: String,
    /// True if the advice is to raise the TTL.
    pub raises_ttl: bool,
}

/// The reason why a fault or an adversary had no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnmetCause {
    /// It was to begin at this time, after the end of the run.
    BeginsLate(Nanos),
    /// Another cause, as a clause.
    Other(String),
}

impl Notice {
    /// Returns true if its advice is to raise the TTL.
    pub const fn raises_ttl(&self) -> bool {
        match self {
            Notice::TargetBeyondTtl { advice, .. } | Notice::TargetUnlikely { advice, .. } => advice.raises_ttl,
            _ => false,
        }
    }
}

impl Display for WindowRemedy {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            WindowRemedy::KeepUp => write!(out, "The queues of an overloaded machine made them late"),
            WindowRemedy::Widen(orders) => write!(out, "Raise --window to {orders} or more"),
            WindowRemedy::AskForLess => {
                write!(out, "Lower --rate, or take fewer --nodes, so that a wider --window fits")
            }
        }
    }
}

impl Display for TtlAdvice {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl Display for UnmetCause {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            UnmetCause::BeginsLate(at) => write!(out, "it would have begun at {at}"),
            UnmetCause::Other(clause) => out.write_str(clause),
        }
    }
}
