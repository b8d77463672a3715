//! The tail of a message in a traced run: its words, and the time at which the message left its sender.

use crate::message::Tail;
use crate::time::Nanos;

/// A tail with the time of sending, which travels with the message so that its receiver can write the row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StampedTail<T> {
    sent: Nanos,
    tail: T,
}

impl<T: Tail> Tail for StampedTail<T> {
    const WORDS_MAX: usize = T::WORDS_MAX;

    const IS_STAMPED: bool = true;

    fn of(words: &[u64]) -> Self {
        Self::stamped(words, Nanos::ZERO)
    }

    fn words(&self) -> &[u64] {
        self.tail.words()
    }

    fn stamped(words: &[u64], sent: Nanos) -> Self {
        StampedTail { sent, tail: T::of(words) }
    }

    fn sent(&self) -> Nanos {
        self.sent
    }
}
