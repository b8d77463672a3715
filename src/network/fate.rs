//! Draws the fate of a message: its latency, its loss, and whether the network makes a second copy.
//!
//! One stream of random words per message decides all of it: the first word is the latency, the second the loss, the
//! third the second copy, the fourth that copy's latency. A model therefore changes no draw of another.

use super::link_table::OwnDraws;
use super::{FastPath, LatencySource, Loss, Network};
use crate::ids::NodeId;
use crate::random::{Key, Probability, Stream};
use crate::time::Nanos;

/// The fate of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives after this latency.
    Arrives(Nanos),
    /// It is lost.
    Lost,
}

/// The outgoing links of one node for one order.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingLinks<'a> {
    pub(super) network: &'a Network,
    pub(super) key: Key,
    pub(super) from: NodeId,
    /// Index of the first latency from the sender's region.
    pub(super) row: u32,
    pub(super) now: Nanos,
}

impl OutgoingLinks<'_> {
    /// Sets the time at which the messages are sent; it matters only for losses in bursts.
    #[inline]
    pub fn at(mut self, now: Nanos) -> Self {
        self.now = now;
        self
    }

    /// Decides the fate of the message to `to`; `attempt` counts the messages of one order between the same two nodes,
    /// from 0.
    #[inline]
    pub fn fate(&self, to: NodeId, attempt: u32) -> Fate {
        match self.network.fast_path {
            FastPath::Constant(time) => Fate::Arrives(time),
            FastPath::Uniform { least, values, lost } => {
                // The latency takes the first word of the stream and the loss the second, in this path and in the
                // general one.
                let mut stream = self.stream(to, attempt);
                let time = Nanos(least + stream.below(values));
                if lost != Probability::NEVER && lost.hits(stream.next_word()) {
                    Fate::Lost
                } else {
                    Fate::Arrives(time)
                }
            }
            FastPath::Listed => self.listed_fate(to, attempt),
            FastPath::Never => self.any_fate(to, attempt),
        }
    }

    /// Decides the fate in general; not inlined, so that callers of the fast path stay small.
    #[inline(never)]
    fn any_fate(&self, to: NodeId, attempt: u32) -> Fate {
        self.fate_under(OwnDraws::default(), to, attempt)
    }

    /// Decides the fate where links have figures of their own.
    #[inline(never)]
    fn listed_fate(&self, to: NodeId, attempt: u32) -> Fate {
        self.fate_under(self.own_draws(to), to, attempt)
    }

    /// Decides the fate on a link with draws of its own. The same words decide as on other links, so that a table
    /// changes no message of a link without a line.
    #[inline(always)]
    fn fate_under(&self, own: OwnDraws, to: NodeId, attempt: u32) -> Fate {
        let mut stream = self.stream(to, attempt);
        let word = stream.next_word();
        let chance = own.loss.unwrap_or_else(|| match &self.network.loss {
            Loss::Independent(chance) => *chance,
            Loss::Bursts(bursts) => bursts.chance(self.from, to, self.now),
        });
        if chance != Probability::NEVER && chance.hits(stream.next_word()) {
            return Fate::Lost;
        }
        Fate::Arrives(own.latency.unwrap_or_else(|| self.time(to, word)))
    }

    /// Returns the draws that the link to `to` has of its own.
    #[inline]
    fn own_draws(&self, to: NodeId) -> OwnDraws {
        self.network.links.as_ref().map_or_else(OwnDraws::default, |links| links.of(self.from, to))
    }

    /// Returns the latency of the network's second copy of a message, if it makes one; called only for messages that
    /// arrive. The copy has its own latency, and may arrive first.
    #[inline]
    pub fn duplicate(&self, to: NodeId, attempt: u32) -> Option<Nanos> {
        if self.network.duplicated == Probability::NEVER {
            return None;
        }
        let mut stream = self.stream(to, attempt);
        // The third and the fourth word, so that duplication changes neither latencies nor losses.
        let [_time, _loss, duplicated, time] = std::array::from_fn(|_| stream.next_word());
        self.network.duplicated.hits(duplicated).then(|| self.time_on(to, time))
    }

    /// Returns the random words of one message: its latency, its loss, its duplication, the latency of the duplicate.
    #[inline]
    fn stream(&self, to: NodeId, attempt: u32) -> Stream {
        // Receiver and attempt share a word, which saves one step of the hash per message.
        self.key.with(u64::from(to.0) | u64::from(attempt) << 32).stream()
    }

    /// Returns the latency that a random word maps to on the link to `to`, which may have its own.
    pub(super) fn time_on(&self, to: NodeId, word: u64) -> Nanos {
        self.own_draws(to).latency.unwrap_or_else(|| self.time(to, word))
    }

    /// Returns the latency that a random word maps to on a link without its own.
    fn time(&self, to: NodeId, word: u64) -> Nanos {
        match &self.network.latency {
            LatencySource::Message(message) => Nanos(message.draw(word)),
            LatencySource::Regions(map) => Nanos(map.draw(self.row, to, word)),
            LatencySource::Link { key, is_directed, link, message } => {
                // An undirected link is keyed by its ends in ascending order, so that both directions share one draw.
                let (one, other) = if *is_directed || self.from < to { (self.from, to) } else { (to, self.from) };
                let mut stream = key.with(u64::from(one.0)).with(u64::from(other.0)).stream();
                Nanos(link.draw(stream.next_word()) + message.draw(word))
            }
        }
    }
}
