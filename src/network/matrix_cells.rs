//! The cells of a matrix of latencies, and the faults of a line.

use super::bandwidth::RATE_MAX;
use super::latency::{LATENCY_MAX, Latency, LatencyError, LogNormal, Pareto, ShapeParameter};
use super::spec_fields::{decimal, escaped};
use crate::time::Nanos;

/// The maximum number of regions of a set.
pub(super) const REGIONS_MAX: usize = 1_024;

/// A fault of a line of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatrixLineFault {
    /// The columns are unknown.
    #[error(
        "`{}` names no columns that are known; begin a square matrix with one_way_ms, rtt_ms or pareto_mean_ms, and a \
         list of pairs with from,to,one_way_ms or from,to,p50_rtt_ms,p90_rtt_ms",
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
    #[error("p90 of {} is less than p50 of {}; the two columns may be exchanged", p90.written(), median.written())]
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

/// The measure of the values in a matrix.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    OneWay,
    RoundTrip,
    ParetoMean,
}

pub(super) fn measure(name: &str) -> Result<Measure, MatrixLineFault> {
    match name {
        "one_way_ms" => Ok(Measure::OneWay),
        "rtt_ms" => Ok(Measure::RoundTrip),
        "pareto_mean_ms" => Ok(Measure::ParetoMean),
        _ => Err(MatrixLineFault::Header { found: name.to_owned() }),
    }
}

/// Parses a latency of one value: constant, or for SimBlock's matrices a Pareto distribution with this mean.
pub(super) fn one_figure(cell: &str, measure: Measure) -> Result<Latency, MatrixLineFault> {
    let time = time(cell, measure)?;
    if measure != Measure::ParetoMean {
        return Ok(Latency::Constant(time));
    }
    if time <= PARETO_BELOW_MEAN {
        return Err(MatrixLineFault::ParetoMean { found: cell.to_owned() });
    }
    // Shape 0.2 m with m in milliseconds is m / 5 in millionths with m in nanoseconds.
    let (least, shape) = (time.since(PARETO_BELOW_MEAN), ShapeParameter::of_millionths(time.0 / 5)?);
    Ok(Latency::from(Pareto { least, shape, greatest: LATENCY_MAX }).check()?)
}

/// Parses a latency of two quantiles.
pub(super) fn two_figures(median: &str, p90: &str, measure: Measure) -> Result<Latency, MatrixLineFault> {
    let (median, p90) = (time(median, measure)?, time(p90, measure)?);
    if p90 < median {
        return Err(MatrixLineFault::Quantiles { median, p90 });
    }
    if p90 == median {
        return Ok(Latency::Constant(median));
    }
    // At most half the median below it, so that a wide spread does not bring the minimum to 0.
    let least = median - p90.since(median).min(Nanos(median.0 / 2));
    Ok(Latency::from(LogNormal { median, p90, least, greatest: LATENCY_MAX }).check()?)
}

/// Parses milliseconds into the one-way time in nanoseconds.
fn time(cell: &str, measure: Measure) -> Result<Nanos, MatrixLineFault> {
    if cell.starts_with('-') {
        return Err(MatrixLineFault::Negative { found: cell.to_owned() });
    }
    let time = decimal(cell, 6).filter(|&time| time <= LATENCY_MAX.0);
    let time = time.ok_or_else(|| MatrixLineFault::NoTime { found: cell.to_owned() })?;
    Ok(Nanos(if measure == Measure::RoundTrip { time / 2 } else { time }))
}

/// Parses a weight into millionths.
pub(super) fn weight(cell: &str) -> Result<u64, MatrixLineFault> {
    let weight = decimal(cell, 6).filter(|&weight| weight <= WEIGHT_MAX);
    weight.ok_or_else(|| MatrixLineFault::Weight { found: cell.to_owned() })
}

/// Parses megabits into a rate in bits per second.
pub(super) fn rate(cell: &str) -> Result<u64, MatrixLineFault> {
    let rate = decimal(cell, 6).filter(|rate| (1..=RATE_MAX).contains(rate));
    rate.ok_or_else(|| MatrixLineFault::Rate { found: cell.to_owned() })
}

/// The distance of the minimum of SimBlock's Pareto distribution below its mean.
const PARETO_BELOW_MEAN: Nanos = Nanos::from_millis(5);

/// The maximum weight, a billion, in millionths: the sum of 1,024 of them fits into 64 bits.
const WEIGHT_MAX: u64 = 1_000_000_000_000_000;
