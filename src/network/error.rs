//! Why a model of the network is none. Each message names what was asked, the limit, and what to do; the option that it
//! was asked with is put before it by whoever read that.

use super::bandwidth::BandwidthSpec;
use super::latency::Latency;
use super::loss::{LossSpec, PERIOD_LEAST, PERIOD_MOST, PERIODS_APART_MAX};
use super::matrix::REGIONS_MAX;
use super::regions::{FILE_BYTES_MAX, RegionSpec};
use super::spec_fields::span;
use crate::escape::escaped_to;
use crate::time::Nanos;
use std::io;

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

/// Why a text is no bandwidth.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BandwidthError {
    /// Neither rates nor regions.
    #[error("`{written}` is no bandwidth; write one of {written_ways}", written_ways = BandwidthSpec::WRITTEN)]
    Unknown {
        /// What was asked for.
        written: String,
    },
    /// There is more than a bandwidth takes.
    #[error("`{written}` is one figure too many; write one of {written_ways}", written_ways = BandwidthSpec::WRITTEN)]
    Surplus {
        /// What nobody takes.
        written: String,
    },
    /// Not a rate.
    #[error(
        "{name} is `{written}`, which is no rate; write a number above 0 with bit, kbit, mbit or gbit, at most 1000gbit"
    )]
    Rate {
        /// Which.
        name: &'static str,
        /// What was asked for.
        written: String,
    },
    /// Not a size.
    #[error("the queue is `{written}`, which is no size; write a number above 0 with B, KiB, MiB or GiB, at most 4GiB")]
    Queue {
        /// What was asked for.
        written: String,
    },
}

/// Why there are no regions.
#[derive(Debug, thiserror::Error)]
pub enum RegionError {
    /// No set has this name.
    #[error("`{}` is no network; choose one of {written_ways}", escaped(written), written_ways = RegionSpec::WRITTEN)]
    Unknown {
        /// What was asked for.
        written: String,
    },
    /// The system does not give the file's contents.
    #[error("{}: {source}; name a readable file of latencies", escaped(path))]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// More than a matrix needs.
    #[error(
        "{}: more than {FILE_BYTES_MAX} bytes, the most that a matrix has; name a file of latencies",
        escaped(path)
    )]
    TooLong {
        /// The file.
        path: String,
    },
    /// Nothing in it.
    #[error(
        "{}: it holds nothing; its first line must name its columns, such as one_way_ms,europe,asia",
        escaped(file)
    )]
    Empty {
        /// The file or the data set.
        file: String,
    },
    /// A line is not what it should be.
    #[error("{}, line {line}: {fault}", escaped(file))]
    Line {
        /// The file or the data set.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it, and what would be right.
        fault: MatrixLineFault,
    },
    /// A pair of regions without latency.
    #[error(
        "{}: nothing from {} to {}; every region needs a latency to every region, itself included",
        escaped(file),
        escaped(from),
        escaped(to)
    )]
    Hole {
        /// The file or the data set.
        file: String,
        /// The region that is left.
        from: String,
        /// The region that is not reached.
        to: String,
    },
    /// A pair of regions with two latencies.
    #[error(
        "{}: the pair from {} to {} stands twice; remove one of the lines",
        escaped(file),
        escaped(from),
        escaped(to)
    )]
    Twice {
        /// The file or the data set.
        file: String,
        /// The region that is left.
        from: String,
        /// The region that is reached.
        to: String,
    },
    /// All weights are 0.
    #[error("{}: every weight is 0, so no node would be anywhere; give one region more", escaped(file))]
    Nobody {
        /// The file or the data set.
        file: String,
    },
}

/// What is wrong with a line of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatrixLineFault {
    /// The columns are not known.
    #[error(
        "`{}` names no columns that are known; begin a square matrix with one_way_ms, rtt_ms or pareto_mean_ms, and a list of \
         pairs with from,to,one_way_ms or from,to,p50_rtt_ms,p90_rtt_ms",
        escaped(found)
    )]
    Header {
        /// What stands there.
        found: String,
    },
    /// No region at all.
    #[error("no region is named; name one or more")]
    NoRegions,
    /// Past the limit.
    #[error("{regions} regions, and a set has at most {REGIONS_MAX}; put some together")]
    TooMany {
        /// How many there are.
        regions: usize,
    },
    /// A region without a name.
    #[error("a region has no name; give each one")]
    NoName,
    /// Two regions with one name.
    #[error("two regions are called {}; give each a name of its own", escaped(name))]
    SameName {
        /// The name.
        name: String,
    },
    /// A region that no column has.
    #[error(
        "the matrix is not square: {} comes after as many lines as there are columns ({regions}); remove the line or \
             add the column",
        escaped(found)
    )]
    NotSquare {
        /// The columns.
        regions: usize,
        /// The region of the line.
        found: String,
    },
    /// Lines and columns in different orders.
    #[error(
        "the line is {}'s, and by the order of the columns it should be {}'s; put lines and columns in one order",
        escaped(found),
        escaped(wanted)
    )]
    OutOfOrder {
        /// The region of the line.
        found: String,
        /// The region of the column.
        wanted: String,
    },
    /// Too many or too few cells.
    #[error("{cells} cells where {wanted} belong; put commas between them and leave none out")]
    Cells {
        /// How many there are.
        cells: usize,
        /// How many belong there.
        wanted: usize,
    },
    /// A region that is not in the set.
    #[error("no region is called {}", escaped(name))]
    UnknownRegion {
        /// The name.
        name: String,
    },
    /// A time before the sending.
    #[error("{} ms: a message cannot arrive before it is sent; write 0 or more", escaped(found))]
    Negative {
        /// What stands there.
        found: String,
    },
    /// Not a time.
    #[error("`{}` is no latency; write milliseconds with at most 6 decimals, at most a day", escaped(found))]
    NoTime {
        /// What stands there.
        found: String,
    },
    /// Quantiles in the wrong order.
    #[error("p90 of {} is less than p50 of {}; the two columns may be exchanged", span(*p90), span(*median))]
    Quantiles {
        /// The median.
        median: Nanos,
        /// The 90th percentile.
        p90: Nanos,
    },
    /// A mean that leaves nothing below it.
    #[error("a mean of {} ms: the least lies 5 ms below it and must be above 0; ask for more than 5", escaped(found))]
    ParetoMean {
        /// What stands there.
        found: String,
    },
    /// Not a weight.
    #[error("`{}` is no weight; write a number from 0 to a billion with at most 6 decimals", escaped(found))]
    Weight {
        /// What stands there.
        found: String,
    },
    /// Not a rate.
    #[error("`{}` is no rate; write megabits a second above 0, at most a million", escaped(found))]
    Rate {
        /// What stands there.
        found: String,
    },
    /// A latency that cannot be drawn.
    #[error(transparent)]
    Latency(#[from] LatencyError),
}

/// What came from outside, fit for one line of a terminal, and cut where it is very long.
pub(super) fn escaped(text: &str) -> String {
    escaped_to(SHOWN_CHARS_MAX, text)
}

const SHOWN_CHARS_MAX: usize = 200;
