//! Why a model of the network is none. Each message names what was asked, the limit, and what to do; the option that it
//! was asked with is put before it by whoever read that.

use super::latency::Latency;
use super::loss::{LossSpec, PERIOD_LEAST, PERIOD_MOST, PERIODS_APART_MAX};
use super::words::span;
use crate::time::Nanos;

/// Why a text is no latency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LatencyError {
    /// No distribution has this name.
    #[error("`{written}` is no latency; choose one of {written_ways}", written_ways = Latency::WRITTEN)]
    Unknown {
        /// What was asked for.
        written: String,
    },
    /// A figure is not there.
    #[error("{figure} is missing; write one of {written_ways}", written_ways = Latency::WRITTEN)]
    Missing {
        /// Which.
        figure: &'static str,
    },
    /// There is more than the distribution takes.
    #[error("`{written}` is one figure too many; write one of {written_ways}", written_ways = Latency::WRITTEN)]
    Surplus {
        /// What nobody takes.
        written: String,
    },
    /// A time before the sending.
    #[error("{figure} is {written}: a message cannot arrive before it is sent; write a time of 0 or more")]
    Negative {
        /// Which figure.
        figure: &'static str,
        /// What was asked for.
        written: String,
    },
    /// Not a time at all.
    #[error("{figure} is `{written}`, which is no time; write a number and a unit, such as 50ms, 1.5ms or 40us")]
    NoTime {
        /// Which figure.
        figure: &'static str,
        /// What was asked for.
        written: String,
    },
    /// What must be less is more.
    #[error(
        "{} of {} is above {} of {}; make the first smaller or the second greater", low.0, span(low.1), high.0, span(high.1)
    )]
    OutOfOrder {
        /// The name and the value of what must not be more.
        low: (&'static str, Nanos),
        /// The name and the value of its limit.
        high: (&'static str, Nanos),
    },
    /// Nothing lies between the least and the median.
    #[error(
        "min of {} leaves nothing below p50 of {}; take a smaller min, or write constant:{}", span(*least), span(*median),
        span(*median)
    )]
    NoRest {
        /// The least.
        least: Nanos,
        /// The median.
        median: Nanos,
    },
    /// The tail is too long for the arithmetic.
    #[error(
        "p90 of {} lies more than a million times as far above min as p50 of {}; bring them nearer together", span(*p90),
        span(*median)
    )]
    TooSkewed {
        /// The median.
        median: Nanos,
        /// The 90th percentile.
        p90: Nanos,
    },
    /// A Pareto distribution of nothing.
    #[error("the least is 0, and every draw of a Pareto distribution is a multiple of it; ask for more than 0")]
    NoScale,
    /// A shape that is none.
    #[error("the shape is `{written}`; write a decimal from 0.1 to 1000 with at most 6 places, such as 1.5")]
    Shape {
        /// What was asked for.
        written: String,
    },
    /// Two parts of one kind.
    #[error(
        "`{written}` has two parts of one kind; write at most one for the link and one for the message, such as \
             link:uniform:10ms..100ms+exponential:5ms"
    )]
    TwoAlike {
        /// What was asked for.
        written: String,
    },
}

/// Why a text is no loss.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LossError {
    /// No model has this name.
    #[error("`{written}` is no loss; choose one of {written_ways}", written_ways = LossSpec::WRITTEN)]
    Unknown {
        /// What was asked for.
        written: String,
    },
    /// A figure is not there.
    #[error("{figure}= is missing; write {written_ways}", written_ways = LossSpec::WRITTEN)]
    Missing {
        /// Which.
        figure: &'static str,
    },
    /// There is more than the model takes.
    #[error("`{written}` is one figure too many; write {written_ways}", written_ways = LossSpec::WRITTEN)]
    Surplus {
        /// What nobody takes.
        written: String,
    },
    /// Less than none or more than all.
    #[error("{figure} is `{written}`, which is no share from 0 to 1; write it as 0.1, 10% or 1/10")]
    Share {
        /// Which figure.
        figure: &'static str,
        /// What was asked for.
        written: String,
    },
    /// Not a time.
    #[error("{figure} is `{written}`, which is no length of a period; write a number and a unit, such as 200ms or 10s")]
    NoTime {
        /// Which figure.
        figure: &'static str,
        /// What was asked for.
        written: String,
    },
    /// A period outside its limits.
    #[error(
        "{period} is {}, and a period takes {} to {} on average; ask for a length between them", span(*time),
        span(PERIOD_LEAST), span(PERIOD_MOST)
    )]
    Period {
        /// Which period.
        period: &'static str,
        /// Its mean length.
        time: Nanos,
    },
    /// Two periods too far apart.
    #[error(
        "good is {} and bad is {}, and one is at most {PERIODS_APART_MAX} times as long as the other; bring them nearer \
         together", span(*good), span(*bad)
    )]
    PeriodsApart {
        /// The mean of the good ones.
        good: Nanos,
        /// The mean of the bad ones.
        bad: Nanos,
    },
    /// Something that has no periods.
    #[error("per is `{written}`; choose one of link, sender, receiver")]
    Scope {
        /// What was asked for.
        written: String,
    },
}
