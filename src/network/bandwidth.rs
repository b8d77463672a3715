//! Bandwidth: the uplink and the downlink of a node with their queues, and the time that a node spends on a message.
//!
//! The state of an access link is one time, the one at which all accepted messages will have been sent; the backlog
//! follows from it and the rate, so that no queue of messages is stored. That holds for an uplink that copies share as
//! well, because it is never idle while a copy waits; when each of them leaves is in `fair_uplink`. Without a requested
//! limit no queue is ever full: bytes wait. The owner of a node offers its messages in the order of their times.
//! Through both links a message is as slow as the slower one, not as both together: the downlink begins with the first
//! bit while the uplink still sends the last. Propagation latency is separate from all this.

use super::spec_fields::SpecFields;
use crate::quantity;
use crate::time::Nanos;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The header bytes of a datagram: 8 of UDP (RFC 768) and 20 of IPv4 (RFC 791).
pub const HEADER_BYTES: u32 = 28;

/// The maximum rate: a terabit per second.
pub(super) const RATE_MAX: u64 = 1_000_000_000_000;

/// The rate and the queue of an access link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkRate {
    /// Rate in bits per second, at least 1.
    bits: u64,
    /// Bytes that may wait, those in transmission included; `None` for no limit.
    queue_bytes: Option<u64>,
}

/// The state of one access link of a node, in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessLink {
    /// Time at which all accepted messages will have been sent.
    free: Nanos,
    /// Time at which all offered messages would have been sent, had none been dropped.
    free_of_all: Nanos,
}

/// The answer of an access link to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueOffer {
    /// Time at which its last bit is sent; `None` if the queue is full and the message is dropped.
    pub departs: Option<Nanos>,
    /// Time that the link takes for the backlog, including the message if it was accepted.
    pub queue: Nanos,
    /// Time that the link would take for the backlog if it had accepted every message ever offered.
    pub queue_of_all: Nanos,
}

impl LinkRate {
    /// Creates a link of `bits` per second with a queue of `queue_bytes`, or without a limit. A rate of 0 counts as 1.
    pub fn new(bits: u64, queue_bytes: Option<u64>) -> LinkRate {
        LinkRate { bits: bits.max(1), queue_bytes }
    }

    /// Returns the time that the link takes for `bytes` bytes, rounded up.
    #[inline]
    pub fn time(&self, bytes: u32) -> Nanos {
        self.time_of_sum(bytes.into())
    }

    /// Returns the time that the link takes for messages with a sum of `bytes` bytes, rounded up once.
    #[inline]
    pub fn time_of_sum(&self, bytes: u64) -> Nanos {
        // 2^32 bytes in bits and nanoseconds need 66 bits; those of a datagram need 50, so the usual division is by a
        // u64.
        let bits = u128::from(bytes) * 8 * 1_000_000_000;
        Nanos(match u64::try_from(bits) {
            Ok(bits) => bits.div_ceil(self.bits),
            Err(_) => u64::try_from(bits.div_ceil(u128::from(self.bits))).unwrap_or(u64::MAX),
        })
    }

    /// Offers the uplink a message of `bytes` bytes, headers included, that is ready at `now`.
    #[inline]
    pub fn send(&self, link: &mut AccessLink, now: Nanos, bytes: u32) -> QueueOffer {
        self.offer(link, now, Nanos::ZERO, bytes)
    }

    /// Offers the downlink a message whose last bit arrives at `now`. Its first bit arrived `sent_in` earlier, which is
    /// the time that the sender's uplink took for it ([`time`](Self::time)).
    #[inline]
    pub fn receive(&self, link: &mut AccessLink, now: Nanos, sent_in: Nanos, bytes: u32) -> QueueOffer {
        self.offer(link, now, sent_in, bytes)
    }

    /// Offers a message whose last bit arrives at `now` and whose first arrived `ahead` earlier. An idle link accepts
    /// any message.
    #[inline]
    fn offer(&self, link: &mut AccessLink, now: Nanos, ahead: Nanos, bytes: u32) -> QueueOffer {
        // The link starts with the first bit, and cannot finish before the last one has arrived.
        let (first, takes) = (now - ahead, self.time(bytes));
        let backlog = link.free.since(first);
        let queue_of_all = link.free_of_all.since(first) + takes;
        // Kept as if nothing were dropped, so that a report can name the queue that would have been long enough.
        link.free_of_all = now.max(link.free_of_all.max(first) + takes);
        // An idle link accepts any message, because one larger than the queue could otherwise never be sent.
        if let Some(most) = self.queue_bytes
            && backlog > Nanos::ZERO
            && self.overflows(most, backlog, bytes)
        {
            return QueueOffer { departs: None, queue: backlog, queue_of_all };
        }
        link.free = now.max(link.free.max(first) + takes);
        QueueOffer { departs: Some(link.free), queue: backlog + takes, queue_of_all }
    }

    /// Returns true if the bytes that the link carries in the time of its backlog, rounded up, and `bytes` more exceed
    /// `most`.
    #[inline]
    fn overflows(&self, most: u64, backlog: Nanos, bytes: u32) -> bool {
        // Compared in bits, because bytes would take a division of 128 bits.
        let room = most.checked_sub(bytes.into());
        room.is_none_or(|room| self.bits_in(backlog) > u128::from(room) * 8_000_000_000)
    }

    /// Returns the bits that the link carries in a time, in units of 10^-9 bits; exact, so that queues can be compared
    /// by size.
    pub fn bits_in(&self, time: Nanos) -> u128 {
        u128::from(time.0) * u128::from(self.bits)
    }

    /// Returns the bytes that the link carries in a time, rounded up.
    pub fn bytes_in(&self, time: Nanos) -> u64 {
        u64::try_from(self.bits_in(time).div_ceil(8_000_000_000)).unwrap_or(u64::MAX)
    }
}

/// Processes one message after another, `each` for the same time and without drops; returns the time at which the
/// message that arrives at `now` is done.
#[inline]
pub fn process(link: &mut AccessLink, now: Nanos, each: Nanos) -> Nanos {
    link.free = link.free.max(now) + each;
    link.free
}

/// The requested access links: `up=10mbit,down=100mbit,queue=64KiB,share=fair`, of which each part may be missing; or
/// `regions`, for the rates in the data set of `--network`. Without any rate the rest is about those of a place file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BandwidthSpec {
    /// The source of the rates.
    pub rates: Rates,
    /// Bytes that may wait at each access link; `None` for no limit.
    pub queue_bytes: Option<u64>,
    /// The way in which copies share an uplink.
    pub share: UplinkShare,
}

/// The way in which the copies on an uplink share its rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UplinkShare {
    /// One copy after another has the whole rate, in the sequence in which they were handed over.
    #[default]
    Serial,
    /// All copies under way have equal parts of the rate at once: processor sharing.
    Fair,
}

/// The source of rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rates {
    /// The same for all nodes, in bits per second; `None` for an unlimited link.
    Same {
        /// Rate of the uplink.
        up: Option<u64>,
        /// Rate of the downlink.
        down: Option<u64>,
    },
    /// By region, from the data set.
    Regions,
}

impl BandwidthSpec {
    /// The accepted notations, for help texts and errors.
    pub const WRITTEN: &'static str = "up=RATE,down=RATE[,queue=SIZE][,share=serial|fair], \
                                       regions[,queue=SIZE][,share=serial|fair]";

    /// The longest queue that can be requested: 4 GiB. Without a limit any number of bytes waits.
    pub const QUEUE_BYTES_MAX: u64 = 4 << 30;
}

/// The reason why a text is not a bandwidth.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BandwidthError {
    /// The text gives neither rates nor `regions`.
    #[error("`{written}` is no bandwidth; write one of {notation}", notation = BandwidthSpec::WRITTEN)]
    Unknown {
        /// The text as written.
        written: String,
    },
    /// The text holds more than a bandwidth takes.
    #[error("`{written}` is one figure too many; write one of {notation}", notation = BandwidthSpec::WRITTEN)]
    Surplus {
        /// The first unused part.
        written: String,
    },
    /// A value is not a rate.
    #[error("{name} is `{written}`{}", quantity::refusal(quantity::bits_per_second(written), RATE_ADVICE))]
    Rate {
        /// Name of the value.
        name: &'static str,
        /// The text as written.
        written: String,
    },
    /// The share is neither of the two.
    #[error("share is `{written}`; write share=serial (one copy after another) or share=fair (all copies at once)")]
    Share {
        /// The text as written.
        written: String,
    },
    /// The queue is not a size.
    #[error("the queue is `{written}`{}", quantity::refusal(quantity::bytes(written), SIZE_ADVICE))]
    Queue {
        /// The text as written.
        written: String,
    },
}

/// The reason why a bandwidth cannot be used in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BandwidthUseError {
    /// No uplink has a rate that copies could share.
    #[error(
        "--bandwidth {bandwidth}: share=fair is about the uplink, which has no rate; add up=RATE, or name a --place \
         file with the column up"
    )]
    NothingToShare {
        /// The bandwidth asked for.
        bandwidth: BandwidthSpec,
    },
    /// No access link has a rate, so that nothing waits.
    #[error(
        "--bandwidth {bandwidth}: no access link has a rate, so that nothing waits in a queue; add up=RATE or \
         down=RATE, or name a --place file with the column up or down"
    )]
    NothingToQueue {
        /// The bandwidth asked for.
        bandwidth: BandwidthSpec,
    },
    /// Copies that share an uplink are not one stream.
    #[error(
        "--bandwidth share=fair with --latency ordered: copies that share an uplink are flows of their own, and a \
         later one may leave first, while an ordered link is one stream; leave one of the two out"
    )]
    FlowsInOrder,
}

impl fmt::Display for BandwidthSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |name: &str, rate: Option<u64>| rate.map(|rate| format!("{name}={}", shown(rate, &RATES)));
        let rates = match self.rates {
            Rates::Regions => [Some("regions".to_owned()), None],
            Rates::Same { up, down } => [rate("up", up), rate("down", down)],
        };
        let queue = self.queue_bytes.map(|bytes| format!("queue={}", shown(bytes, &SIZES)));
        let share = (self.share == UplinkShare::Fair).then(|| "share=fair".to_owned());
        let parts: Vec<String> = rates.into_iter().chain([queue, share]).flatten().collect();
        f.write_str(&parts.join(","))
    }
}

impl FromStr for BandwidthSpec {
    type Err = BandwidthError;

    fn from_str(text: &str) -> Result<BandwidthSpec, BandwidthError> {
        let mut fields = SpecFields::new(text);
        let mut rate = |name: &'static str| {
            let written = fields.named(name);
            written.map(|written| {
                let bits = quantity::bits_per_second(written).ok().filter(|bits| (1..=RATE_MAX).contains(bits));
                bits.ok_or(BandwidthError::Rate { name, written: written.into() })
            })
        };
        let (up, down) = (rate("up").transpose()?, rate("down").transpose()?);
        let queue = fields.named("queue").map(|written| {
            // A bare number could be one of messages.
            let has_unit = written.ends_with('B');
            let bytes = quantity::bytes(written).ok().filter(|bytes| (1..=Self::QUEUE_BYTES_MAX).contains(bytes));
            bytes.filter(|_| has_unit).ok_or(BandwidthError::Queue { written: written.to_owned() })
        });
        let queue_bytes = queue.transpose()?;
        let share = match fields.named("share") {
            None | Some("serial") => UplinkShare::Serial,
            Some("fair") => UplinkShare::Fair,
            Some(written) => return Err(BandwidthError::Share { written: written.to_owned() }),
        };
        let rates = match fields.plain() {
            Some("regions") if up.is_none() && down.is_none() => Rates::Regions,
            // A place file may have the rates, which is known once it was read.
            None if up.is_some() || down.is_some() || queue_bytes.is_some() || share == UplinkShare::Fair => {
                Rates::Same { up, down }
            }
            _ => return Err(BandwidthError::Unknown { written: text.to_owned() }),
        };
        match fields.left() {
            Some(written) => Err(BandwidthError::Surplus { written }),
            None => Ok(BandwidthSpec { rates, queue_bytes, share }),
        }
    }
}

impl Serialize for BandwidthSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Units, from the largest to the smallest.
const RATE_ADVICE: &str = "which is no rate; write a number above 0 with bit, kbit, mbit or gbit, at most 1000gbit";
const SIZE_ADVICE: &str = "which is no size; write a number above 0 with B, KiB, MiB or GiB, at most 4GiB";

type Units = [(&'static str, u64); 4];

const RATES: Units = [("gbit", 1_000_000_000), ("mbit", 1_000_000), ("kbit", 1_000), ("bit", 1)];
const SIZES: Units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

fn shown(value: u64, units: &Units) -> String {
    let (name, unit) = units.iter().find(|(_, unit)| value.is_multiple_of(*unit)).unwrap_or(&units[3]);
    format!("{}{name}", value / unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose};
    use proptest::prelude::*;

    const MBIT: u64 = 1_000_000;

    #[test]
    fn an_access_link_serves_one_message_after_another() {
        // 1,000 bytes at 8 Mbit/s take a millisecond.
        let rate = LinkRate::new(8 * MBIT, None);
        let mut link = AccessLink::default();
        let ms = Nanos::from_millis;
        assert_eq!(rate.send(&mut link, ms(10), 1_000).departs, Some(ms(11)));
        assert_eq!(rate.send(&mut link, ms(10), 1_000).departs, Some(ms(12)));
        assert_eq!(rate.send(&mut link, ms(11), 500).departs, Some(Nanos(12_500_000)));
        assert_eq!(rate.send(&mut link, ms(20), 1_000).departs, Some(ms(21)));
        assert_eq!(LinkRate::new(3, None).time(1), Nanos(2_666_666_667), "a part of a nanosecond counts as one");
        assert_eq!(LinkRate::new(0, None).time(u32::MAX), Nanos::MAX, "what does not fit is the longest time");
    }

    #[test]
    fn a_full_queue_drops_and_an_idle_link_takes_anything() {
        let ms = Nanos::from_millis;
        let rate = LinkRate::new(8 * MBIT, Some(2_500));
        let mut link = AccessLink::default();
        let offers: Vec<QueueOffer> = (0..5).map(|_| rate.send(&mut link, ms(10), 1_000)).collect();
        let taken: Vec<bool> = offers.iter().map(|offer| offer.departs.is_some()).collect();
        assert_eq!(taken, [true, true, false, false, false]);
        assert_eq!((offers[1].queue, offers[4].queue, offers[4].queue_of_all), (ms(2), ms(2), ms(5)));
        // Half a millisecond later 1,500 of 2,000 bytes wait, and 1,000 more just fit.
        assert_eq!(rate.send(&mut link, Nanos(10_500_000), 1_000).departs, Some(ms(13)));
        assert_eq!(rate.send(&mut link, Nanos(10_500_000), 1).departs, None);
        assert_eq!(rate.send(&mut AccessLink::default(), ms(10), 9_000).departs, Some(ms(19)));
    }

    proptest! {
        #[test]
        fn a_queue_overflows_as_its_bytes_do(
            bits in prop_oneof![1..=RATE_MAX, 1..100_u64], backlog in prop_oneof![1..=u64::MAX, 1..9_000_000_u64],
            most in prop_oneof![0..5_000_u64, 1..=BandwidthSpec::QUEUE_BYTES_MAX],
            bytes in prop_oneof![0..3_000_u32, any::<u32>()],
        ) {
            let (rate, backlog) = (LinkRate::new(bits, Some(most)), Nanos(backlog));
            let expected = rate.bytes_in(backlog).saturating_add(bytes.into()) > most;
            prop_assert_eq!(rate.overflows(most, backlog, bytes), expected);
        }
    }

    #[test]
    fn an_unlimited_queue_is_never_full_and_reports_its_length() {
        let (rate, mut link) = (LinkRate::new(8 * MBIT, None), AccessLink::default());
        for sent in 1..=5_000 {
            let offer = rate.send(&mut link, Nanos::ZERO, 1_000);
            let time = Nanos::from_millis(sent);
            assert_eq!(offer, QueueOffer { departs: Some(time), queue: time, queue_of_all: time });
            assert_eq!(
                (rate.bytes_in(offer.queue), rate.bits_in(time)),
                (1_000 * sent, 8_000_000_000_000 * u128::from(sent))
            );
        }
    }

    #[test]
    fn a_queue_for_the_longest_backlog_drops_nothing() {
        let mut lengths = Key::new(7, Purpose::Workload).stream();
        let offered: Vec<(Nanos, u32)> =
            (0..500).map(|at| (Nanos(at * 20_000), 40 + lengths.below(1_000) as u32)).collect();
        let run = |rate: LinkRate| {
            let mut link = AccessLink::default();
            let offers = offered.iter().map(|&(at, bytes)| rate.send(&mut link, at, bytes));
            offers.fold((0, Nanos::ZERO), |(dropped, longest), offer| {
                (dropped + u32::from(offer.departs.is_none()), longest.max(offer.queue_of_all))
            })
        };
        let (dropped, longest) = run(LinkRate::new(3 * MBIT, Some(2_000)));
        assert!(dropped > 0);
        let enough = LinkRate::new(3 * MBIT, None).bytes_in(longest);
        assert_eq!(run(LinkRate::new(3 * MBIT, Some(enough))), (0, longest));
        assert!(run(LinkRate::new(3 * MBIT, Some(enough - 100))).0 > 0);
    }

    #[test]
    fn both_links_together_are_as_slow_as_the_slower() {
        let latency = Nanos::from_millis(50);
        for (up, down) in [(8, 80), (80, 8), (8, 8)] {
            let (up, down) = (LinkRate::new(up * MBIT, None), LinkRate::new(down * MBIT, None));
            let sent = up.send(&mut AccessLink::default(), Nanos::ZERO, 1_000).departs.expect("it is idle");
            let received = down.receive(&mut AccessLink::default(), sent + latency, up.time(1_000), 1_000);
            assert_eq!(received.departs, Some(Nanos::from_millis(51)));
        }
        // Two messages that arrive simultaneously share the downlink.
        let (rate, mut link) = (LinkRate::new(8 * MBIT, None), AccessLink::default());
        let (now, sent_in) = (Nanos::from_millis(51), Nanos::from_millis(1));
        assert_eq!(rate.receive(&mut link, now, sent_in, 1_000).departs, Some(Nanos::from_millis(51)));
        assert_eq!(rate.receive(&mut link, now, sent_in, 1_000).departs, Some(Nanos::from_millis(52)));
    }

    #[test]
    fn messages_wait_as_long_as_in_the_queue_m_d_1() {
        // Pollaczek-Khinchine: with service time D and load rho the mean wait is D rho / (2 (1 - rho)).
        let rate = LinkRate::new(8 * MBIT, None);
        for (load, mean_ms) in [(0.5, 0.5), (0.8, 2.0)] {
            let mut arrivals = Key::new(7, Purpose::Workload).with((load * 10.0) as u64).stream();
            let (mut link, mut now, mut waited) = (AccessLink::default(), Nanos::ZERO, 0.0);
            let messages = 400_000;
            for _ in 0..messages {
                now = now + Nanos(arrivals.exponential((1e6 / load) as u64));
                let end = rate.send(&mut link, now, 1_000).departs.expect("the queue is endless");
                waited += (end - now).0 as f64 / 1e6 - 1.0;
            }
            // Waits within a busy period are correlated; at these loads that leaves a few percent.
            let measured = waited / f64::from(messages);
            assert!((measured - mean_ms).abs() < 0.03 * mean_ms, "load {load}: {measured} ms");
        }
    }

    #[test]
    fn processing_is_serial_and_drops_nothing() {
        let mut link = AccessLink::default();
        let each = Nanos::from_millis(2);
        let done: Vec<u64> = [0, 1, 9].map(|at| process(&mut link, Nanos::from_millis(at), each).0 / 1_000_000).into();
        assert_eq!(done, [2, 4, 11]);
    }

    #[test]
    fn text_round_trips() {
        for (text, written) in [
            ("up=10mbit,down=100mbit,queue=64KiB", "up=10mbit,down=100mbit,queue=64KiB"),
            ("up=10mbit,down=100mbit", "up=10mbit,down=100mbit"),
            ("down=1.5mbit", "down=1500kbit"),
            ("queue=2MiB,up=1gbit", "up=1gbit,queue=2MiB"),
            ("regions", "regions"),
            ("regions,queue=1500B", "regions,queue=1500B"),
            ("up=10mbit,share=serial", "up=10mbit"),
            ("share=fair,queue=64KiB,down=1gbit,up=10mbit", "up=10mbit,down=1gbit,queue=64KiB,share=fair"),
            ("regions,share=fair", "regions,share=fair"),
            ("share=fair", "share=fair"),
            ("share=fair,queue=1024B", "queue=1KiB,share=fair"),
            ("share=serial,queue=1024B", "queue=1KiB"),
        ] {
            let spec: BandwidthSpec = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(spec.to_string(), written);
            assert_eq!(written.parse::<BandwidthSpec>().unwrap(), spec);
        }
    }

    #[test]
    fn a_bad_bandwidth_is_refused_by_name() {
        for (text, said) in [
            ("", "`` is no bandwidth; write one of up=RATE,down=RATE"),
            ("fast", "`fast` is no bandwidth"),
            ("regions,up=1mbit", "`regions,up=1mbit` is no bandwidth"),
            ("up=0mbit", "up is `0mbit`, which is no rate; write a number above 0"),
            ("up=-1mbit", "up is `-1mbit`, which is no rate"),
            ("up=10", "up is `10`, which is no rate"),
            ("down=2000gbit", "down is `2000gbit`, which is no rate"),
            ("up=0.1bit", "up is `0.1bit`, which is no rate"),
            ("up=1mbit,queue=0B", "the queue is `0B`, which is no size"),
            ("up=1mbit,sideways=1mbit", "`sideways=1mbit` is one figure too many"),
            ("up=1mbit,share=tcp", "share is `tcp`; write share=serial"),
            ("up=1mbit,share=fair,share=serial", "`share=serial` is one figure too many"),
            ("share=serial", "`share=serial` is no bandwidth"),
        ] {
            let error = text.parse::<BandwidthSpec>().expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
