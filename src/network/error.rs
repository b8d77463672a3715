//! Errors of the models of the network. Each message names the request, the limit and a remedy; the code that parsed
//! the option puts the option's name before it.

use super::bandwidth::BandwidthSpec;
use super::latency::Latency;
use super::loss::{LossSpec, PERIOD_LEAST, PERIOD_MOST, PERIODS_APART_MAX};
use super::matrix::REGIONS_MAX;
use super::regions::{FILE_BYTES_MAX, RegionSpec};
use super::spec_fields::span;
use crate::escape::escaped_to;
use crate::time::Nanos;
use std::io;

/// The reason why a text is not a latency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LatencyError {
    /// No distribution has this name.
    #[error("`{written}` is no latency; choose one of {written_ways}", written_ways = Latency::WRITTEN)]
    Unknown {
        /// The text as written.
        written: String,
    },
    /// A value is missing.
    #[error("{figure} is missing; write one of {written_ways}", written_ways = Latency::WRITTEN)]
    Missing {
        /// Name of the value.
        figure: &'static str,
    },
    /// The text holds more than the distribution takes.
    #[error("`{written}` is one figure too many; write one of {written_ways}", written_ways = Latency::WRITTEN)]
    Surplus {
        /// The first unused part.
        written: String,
    },
    /// A time is negative.
    #[error("{figure} is {written}: a message cannot arrive before it is sent; write a time of 0 or more")]
    Negative {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// A value is not a time.
    #[error("{figure} is `{written}`, which is no time; write a number and a unit, such as 50ms, 1.5ms or 40us")]
    NoTime {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// A value exceeds another that bounds it.
    #[error(
        "{} of {} is above {} of {}; make the first smaller or the second greater", low.0, span(low.1), high.0, span(high.1)
    )]
    OutOfOrder {
        /// Name and value of the smaller bound.
        low: (&'static str, Nanos),
        /// Name and value of the larger bound.
        high: (&'static str, Nanos),
    },
    /// The minimum is not below the median.
    #[error(
        "min of {} leaves nothing below p50 of {}; take a smaller min, or write constant:{}", span(*least), span(*median),
        span(*median)
    )]
    NoRest {
        /// The minimum.
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
    /// The minimum of a Pareto distribution is 0.
    #[error("the least is 0, and every draw of a Pareto distribution is a multiple of it; ask for more than 0")]
    NoScale,
    /// The shape of a Pareto distribution is not a number within its limits.
    #[error("the shape is `{written}`; write a decimal from 0.1 to 1000 with at most 6 places, such as 1.5")]
    Shape {
        /// The text as written.
        written: String,
    },
    /// The text has two parts for the link, or two for the message.
    #[error(
        "`{written}` has two parts of one kind; write at most one for the link and one for the message, such as \
             link:uniform:10ms..100ms+exponential:5ms"
    )]
    TwoAlike {
        /// The text as written.
        written: String,
    },
}

/// The reason why a text is not a loss.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LossError {
    /// No model has this name.
    #[error("`{written}` is no loss; choose one of {written_ways}", written_ways = LossSpec::WRITTEN)]
    Unknown {
        /// The text as written.
        written: String,
    },
    /// A value is missing.
    #[error("{figure}= is missing; write {written_ways}", written_ways = LossSpec::WRITTEN)]
    Missing {
        /// Name of the value.
        figure: &'static str,
    },
    /// The text holds more than the model takes.
    #[error("`{written}` is one figure too many; write {written_ways}", written_ways = LossSpec::WRITTEN)]
    Surplus {
        /// The first unused part.
        written: String,
    },
    /// A value is not a share from 0 to 1.
    #[error("{figure} is `{written}`, which is no share from 0 to 1; write it as 0.1, 10% or 1/10")]
    Share {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// A value is not a time.
    #[error("{figure} is `{written}`, which is no length of a period; write a number and a unit, such as 200ms or 10s")]
    NoTime {
        /// Name of the value.
        figure: &'static str,
        /// The text as written.
        written: String,
    },
    /// The mean length of a period is outside its limits.
    #[error(
        "{period} is {}, and a period takes {} to {} on average; ask for a length between them", span(*time),
        span(PERIOD_LEAST), span(PERIOD_MOST)
    )]
    Period {
        /// Name of the period.
        period: &'static str,
        /// Mean length of the period.
        time: Nanos,
    },
    /// The mean lengths of the two periods are too far apart.
    #[error(
        "good is {} and bad is {}, and one is at most {PERIODS_APART_MAX} times as long as the other; bring them nearer \
         together", span(*good), span(*bad)
    )]
    PeriodsApart {
        /// Mean length of a good period.
        good: Nanos,
        /// Mean length of a bad period.
        bad: Nanos,
    },
    /// The scope is neither a link, a sender nor a receiver.
    #[error("per is `{written}`; choose one of link, sender, receiver")]
    Scope {
        /// The text as written.
        written: String,
    },
}

/// The reason why a text is not a bandwidth.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BandwidthError {
    /// The text gives neither rates nor `regions`.
    #[error("`{written}` is no bandwidth; write one of {written_ways}", written_ways = BandwidthSpec::WRITTEN)]
    Unknown {
        /// The text as written.
        written: String,
    },
    /// The text holds more than a bandwidth takes.
    #[error("`{written}` is one figure too many; write one of {written_ways}", written_ways = BandwidthSpec::WRITTEN)]
    Surplus {
        /// The first unused part.
        written: String,
    },
    /// A value is not a rate.
    #[error(
        "{name} is `{written}`, which is no rate; write a number above 0 with bit, kbit, mbit or gbit, at most 1000gbit"
    )]
    Rate {
        /// Name of the value.
        name: &'static str,
        /// The text as written.
        written: String,
    },
    /// The queue is not a size.
    #[error("the queue is `{written}`, which is no size; write a number above 0 with B, KiB, MiB or GiB, at most 4GiB")]
    Queue {
        /// The text as written.
        written: String,
    },
}

/// The reason why a set of regions cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RegionError {
    /// No set has this name.
    #[error("`{}` is no network; choose one of {written_ways}", escaped(written), written_ways = RegionSpec::WRITTEN)]
    Unknown {
        /// The text as written.
        written: String,
    },
    /// The operating system cannot read the file.
    #[error("{}: {source}; name a readable file of latencies", escaped(path))]
    Unreadable {
        /// Path of the file.
        path: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file is larger than any matrix needs.
    #[error(
        "{}: more than {FILE_BYTES_MAX} bytes, the most that a matrix has; name a file of latencies",
        escaped(path)
    )]
    TooLong {
        /// Path of the file.
        path: String,
    },
    /// The file is empty.
    #[error(
        "{}: it holds nothing; its first line must name its columns, such as one_way_ms,europe,asia",
        escaped(file)
    )]
    Empty {
        /// The file or the data set.
        file: String,
    },
    /// A line is malformed.
    #[error("{}, line {line}: {fault}", escaped(file))]
    Line {
        /// The file or the data set.
        file: String,
        /// Number of the line, counted from 1.
        line: usize,
        /// The fault and its remedy.
        fault: MatrixLineFault,
    },
    /// A pair of regions has no latency.
    #[error(
        "{}: nothing from {} to {}; every region needs a latency to every region, itself included",
        escaped(file),
        escaped(from),
        escaped(to)
    )]
    Hole {
        /// The file or the data set.
        file: String,
        /// Region of the sender.
        from: String,
        /// Region of the receiver.
        to: String,
    },
    /// A pair of regions has two latencies.
    #[error(
        "{}: the pair from {} to {} stands twice; remove one of the lines",
        escaped(file),
        escaped(from),
        escaped(to)
    )]
    Twice {
        /// The file or the data set.
        file: String,
        /// Region of the sender.
        from: String,
        /// Region of the receiver.
        to: String,
    },
    /// All weights are 0, so that no region would have nodes.
    #[error("{}: every weight is 0, so no node would be anywhere; give one region more", escaped(file))]
    Nobody {
        /// The file or the data set.
        file: String,
    },
}

/// A fault of a line of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatrixLineFault {
    /// The columns are unknown.
    #[error(
        "`{}` names no columns that are known; begin a square matrix with one_way_ms, rtt_ms or pareto_mean_ms, and a list of \
         pairs with from,to,one_way_ms or from,to,p50_rtt_ms,p90_rtt_ms",
        escaped(found)
    )]
    Header {
        /// The text as written.
        found: String,
    },
    /// There are no regions.
    #[error("no region is named; name one or more")]
    NoRegions,
    /// There are more regions than the limit.
    #[error("{regions} regions, and a set has at most {REGIONS_MAX}; put some together")]
    TooMany {
        /// Number of regions.
        regions: usize,
    },
    /// A region has no name.
    #[error("a region has no name; give each one")]
    NoName,
    /// Two regions have the same name.
    #[error("two regions are called {}; give each a name of its own", escaped(name))]
    SameName {
        /// The name.
        name: String,
    },
    /// A line names a region that no column has.
    #[error(
        "the matrix is not square: {} comes after as many lines as there are columns ({regions}); remove the line or \
             add the column",
        escaped(found)
    )]
    NotSquare {
        /// Number of columns.
        regions: usize,
        /// Region of the line.
        found: String,
    },
    /// The lines and the columns are in different orders.
    #[error(
        "the line is {}'s, and by the order of the columns it should be {}'s; put lines and columns in one order",
        escaped(found),
        escaped(wanted)
    )]
    OutOfOrder {
        /// Region of the line.
        found: String,
        /// Region of the column.
        wanted: String,
    },
    /// A line has too many or too few cells.
    #[error("{cells} cells where {wanted} belong; put commas between them and leave none out")]
    Cells {
        /// Number of cells.
        cells: usize,
        /// Number of cells expected.
        wanted: usize,
    },
    /// The set does not hold this region.
    #[error("no region is called {}", escaped(name))]
    UnknownRegion {
        /// The name.
        name: String,
    },
    /// A time is negative.
    #[error("{} ms: a message cannot arrive before it is sent; write 0 or more", escaped(found))]
    Negative {
        /// The text as written.
        found: String,
    },
    /// A cell is not a time.
    #[error("`{}` is no latency; write milliseconds with at most 6 decimals, at most a day", escaped(found))]
    NoTime {
        /// The text as written.
        found: String,
    },
    /// The median exceeds the 90th percentile.
    #[error("p90 of {} is less than p50 of {}; the two columns may be exchanged", span(*p90), span(*median))]
    Quantiles {
        /// The median.
        median: Nanos,
        /// The 90th percentile.
        p90: Nanos,
    },
    /// The mean of a Pareto distribution leaves nothing below it.
    #[error("a mean of {} ms: the least lies 5 ms below it and must be above 0; ask for more than 5", escaped(found))]
    ParetoMean {
        /// The text as written.
        found: String,
    },
    /// A cell is not a weight.
    #[error("`{}` is no weight; write a number from 0 to a billion with at most 6 decimals", escaped(found))]
    Weight {
        /// The text as written.
        found: String,
    },
    /// A cell is not a rate.
    #[error("`{}` is no rate; write megabits a second above 0, at most a million", escaped(found))]
    Rate {
        /// The text as written.
        found: String,
    },
    /// A latency is invalid.
    #[error(transparent)]
    Latency(#[from] LatencyError),
}

/// Makes foreign text fit for one line of a terminal, and cuts it if it is very long.
pub(super) fn escaped(text: &str) -> String {
    escaped_to(SHOWN_CHARS_MAX, text)
}

const SHOWN_CHARS_MAX: usize = 200;
