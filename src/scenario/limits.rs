//! The limits of every numeric option, in one place: the range that an option accepts, and the sentence that says so.
//!
//! A [`Limit`] both reads a text and checks a number, so that a flag, a line of a file and a value set by a program get
//! the same error message. Limits that join two options (origin and nodes, peers and nodes) are not here: the draft
//! checks them, because it knows both.

use super::bad_value::BadValue;
use crate::message::TTL_MAX;
use crate::order::PAYLOAD_BYTES_MAX;
use crate::quantity::{self, QuantityError};
use crate::time::Nanos;
use crate::workload::ListLimits;
use std::fmt::Display;

/// Nodes of a run. An id has 32 bits, and the greatest value means "no node".
pub const NODES: Limit = Limit::new("nodes", 1, u32::MAX as u64, "a network needs", "nodes");

/// Worker threads of a run, in all its processes together. Each costs a stack and a share of every join; no machine has
/// a use for more than this.
pub const THREADS: Limit = Limit::new("threads", 1, 1_024, "a run takes", "worker threads");

/// Processes of a run. Each builds the overlay for itself and costs its parent two descriptors.
pub const PROCESSES: Limit = Limit::new("processes", 1, 64, "a run is spread over", "processes");

/// True where the system calls of Linux are used. Several processes need them: they share memory by `memfd`.
pub const HAS_LINUX_CALLS: bool = cfg!(all(target_os = "linux", not(portable)));

/// Peers of a node. Zero makes sense in a network of one node; the topology refuses it elsewhere.
pub const PEERS: Limit = Limit::new("peers", 0, NODES.most - 1, "a node knows", "peers");

/// Peers to which a node forwards an order. A node with fewer peers sends to all, so a great fanout floods.
pub const FANOUT: Limit = Limit::new("fanout", 1, NODES.most, "a node forwards to", "peers");

/// Hops that an order may travel. With 0 hops it would stay at its origin, and there would be nothing to measure.
pub const TTL: Limit = Limit::new("ttl", 1, TTL_MAX as u64, "an order travels", "hops, or `auto`");

/// Seeds. The greatest whole number in a TOML file is 2^63 - 1; a greater seed is written as text.
pub const SEED: Limit = Limit::new("seed", 0, u64::MAX, "a seed is a whole number from", "");

/// Ids of nodes: any id that an edge list may use.
pub const ORIGIN: Limit = Limit::new("origin", 0, u64::MAX, "nodes have ids from", "");

/// Nodes through which others join; the highest is below the number of nodes.
pub const CONTACT: Limit = Limit::new("contact", 0, NODES.most - 1, "nodes are numbered from", "");

/// Orders of a run. Each takes some hundred bytes at every worker.
pub const ORDERS: Limit = Limit::new("orders", 1, 1_000_000, "a run publishes", "orders");

/// Orders that a comparison leaves out of its figures. At least one is left to measure.
pub const WARM_ORDERS: Limit = Limit::new("warm-orders", 0, ORDERS.most - 1, "a comparison leaves out", "orders");

/// Orders that a node tells apart, up to the newest.
pub const WINDOW: Limit = Limit::new("window", 1, ORDERS.most, "a node tells apart", "orders, or `auto`");

/// Bits that all nodes together may take to tell orders apart on a real carrier: 2 GiB.
pub const WINDOW_BITS: u64 = 1 << 34;

/// Returns the number of `orders` that each of `nodes` nodes can tell apart on a real carrier; 0 if the memory does not
/// suffice for one.
pub fn widest_window(nodes: u32, orders: u32) -> u32 {
    let bits = WINDOW_BITS / u64::from(nodes.max(1));
    if bits >= u64::from(orders) {
        return orders;
    }
    // A moving window needs one 64-bit word more than its width.
    let words = (bits / u64::from(u64::BITS)).saturating_sub(1);
    u32::try_from(words * u64::from(u64::BITS)).map_or(orders, |widest| widest.min(orders))
}

/// The longest schedule in seconds: a hundred years. Instants are counted in nanoseconds, and end after 584 years.
pub const SCHEDULE_SECS: u64 = 100 * YEAR_SECS;

/// A year in seconds.
pub(super) const YEAR_SECS: u64 = 31_557_600;

/// Bytes of payload in one order. A carrier may carry fewer: its traits have its own limit.
pub const PAYLOAD_BYTES: Limit =
    Limit::new("payload-bytes", 0, PAYLOAD_BYTES_MAX as u64, "an order carries", "bytes of payload");

/// The limits of a list of publications.
pub const PUBLICATIONS: ListLimits = ListLimits {
    orders: ORDERS.most as u32,
    span: Nanos::from_secs(SCHEDULE_SECS),
    payload_bytes: PAYLOAD_BYTES_MAX as u32,
};

/// Bytes of a socket's receive buffer. Linux doubles what it is asked for: below the least it would silently give more,
/// and above the most the doubled number no longer fits its integer.
pub const RECEIVE_BUFFER: Limit = Limit::new("receive-buffer", 1_152, i32::MAX as u64 / 2, "a socket buffers", "bytes");

/// Counted runs of one scenario.
pub const RUNS: Limit = Limit::new("runs", 1, 10_000, "a scenario is measured in", "runs");

/// The whole numbers that an option accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Name of the option, without dashes.
    pub option: &'static str,
    /// The smallest accepted value.
    pub least: u64,
    /// The greatest accepted value.
    pub most: u64,
    subject: &'static str,
    unit: &'static str,
}

impl Limit {
    const fn new(option: &'static str, least: u64, most: u64, subject: &'static str, unit: &'static str) -> Limit {
        Limit { option, least, most, subject, unit }
    }

    /// Reads a whole number within the limit, in any notation of [`quantity::count`].
    ///
    /// # Errors
    ///
    /// [`BadValue`] if the text is not a whole number, or one outside the limit, however large.
    pub fn parse<T: TryFrom<u64>>(&self, text: &str) -> Result<T, BadValue> {
        self.parse_with(quantity::count, "write it in digits, as 10000, 10_000, 10k or 1e4", text)
    }

    /// Reads a number of bytes within the limit, in any notation of [`quantity::bytes`].
    ///
    /// # Errors
    ///
    /// Those of [`parse`](Self::parse).
    pub fn parse_bytes<T: TryFrom<u64>>(&self, text: &str) -> Result<T, BadValue> {
        self.parse_with(quantity::bytes, "write it in digits, as 1000, 1kB or 1KiB", text)
    }

    fn parse_with<T: TryFrom<u64>>(
        &self,
        read: fn(&str) -> Result<u64, QuantityError>,
        advice: &str,
        text: &str,
    ) -> Result<T, BadValue> {
        let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        match read(digits) {
            // A negative number is below every limit: the error names the limit, because the notation is correct.
            Ok(_) | Err(QuantityError::TooLarge) if is_negative => Err(self.too_little(text)),
            Ok(number) if number > self.most => Err(self.too_much(text)),
            Ok(number) if number < self.least => Err(self.too_little(text)),
            Ok(number) => T::try_from(number).map_err(|_| self.too_much(text)),
            Err(QuantityError::TooLarge) => Err(self.too_much(text)),
            Err(QuantityError::TooFine) => Err(self.refuse(text, "ask for a whole number")),
            Err(error) => Err(self.refuse(text, &error.question_or(advice))),
        }
    }

    /// Returns the number if it lies within the limit.
    ///
    /// # Errors
    ///
    /// [`BadValue`] if it does not.
    pub fn check<T: Copy + Display + Into<u64>>(&self, number: T) -> Result<T, BadValue> {
        match number.into() {
            wide if wide < self.least => Err(self.too_little(&number.to_string())),
            wide if wide > self.most => Err(self.too_much(&number.to_string())),
            _ => Ok(number),
        }
    }

    fn too_little(&self, value: &str) -> BadValue {
        self.refuse(value, &format!("ask for at least {}", self.least))
    }

    fn too_much(&self, value: &str) -> BadValue {
        self.refuse(value, &format!("ask for at most {}", self.most))
    }

    fn refuse(&self, value: &str, advice: &str) -> BadValue {
        let Limit { option, least, most, subject, unit } = *self;
        let space = if unit.is_empty() { "" } else { " " };
        BadValue::new(option, value, format!("{subject} {least} to {most}{space}{unit}; {advice}"))
    }
}
