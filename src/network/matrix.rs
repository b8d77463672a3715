//! Reads matrices of latencies; the data sets and the files of users go through the same parser.
//!
//! The text is comma-separated values, with `#` for comments, in one of two forms. A square matrix: the first cell
//! names the measure (`one_way_ms`, `rtt_ms`, `pareto_mean_ms`), followed by `weight`, `up_mbit` and `down_mbit` where
//! they are known, then the regions; each further line is a region and its values. Or a list of pairs: `from,to` and
//! one value, or two quantiles (`p50_one_way_ms,p90_one_way_ms`, `p50_rtt_ms,p90_rtt_ms`). Half of a round trip counts
//! for each direction.
//!
//! Two quantiles become a latency skewed to the right: a minimum plus a log-normal part. The data do not give the
//! minimum; it is assumed to lie as far below the median as p90 lies above it, but at most half the median below.

use super::error::{MatrixLineFault, RegionError};
use super::latency::{LATENCY_MAX, Latency};
use super::regions::Regions;
use super::spec_fields::decimal;
use crate::time::Nanos;
use std::collections::BTreeMap;

/// The maximum number of regions of a set.
pub(super) const REGIONS_MAX: usize = 1_024;

/// The measure of the values in a matrix.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    OneWay,
    RoundTrip,
    ParetoMean,
}

/// Returns the non-empty lines of a text with their numbers, split into cells.
fn rows(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.split('#').next().unwrap_or_default().trim()));
    lines.filter(|(_, line)| !line.is_empty()).map(|(at, line)| (at, line.split(',').map(str::trim).collect()))
}

/// Reads a set of regions; `file` is its name in errors.
///
/// # Errors
///
/// [`RegionError`] with the line of the first fault, or with the pair that is missing.
pub(super) fn read(file: &str, text: &str) -> Result<Regions, RegionError> {
    let mut rows = rows(text);
    let Some((line, header)) = rows.next() else { return Err(RegionError::Empty { file: file.to_owned() }) };
    if header[0] == "from" { pairs(file, line, &header, rows) } else { square(file, line, &header, rows) }
}

/// Reads a set of sites, each of which is in a region of another set.
pub(super) fn sites(regions: &Regions, text: &str) -> Result<Regions, RegionError> {
    let (mut names, mut places, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for (line, cells) in rows(text).skip(1) {
        let located = |fault| RegionError::Line { file: "exchange-sites".to_owned(), line, fault };
        let [site, region, share] = cells[..] else {
            return Err(located(MatrixLineFault::Cells { cells: cells.len(), wanted: 3 }));
        };
        let place =
            regions.find(region).ok_or_else(|| located(MatrixLineFault::UnknownRegion { name: region.to_owned() }))?;
        names.push(site.to_owned());
        places.push(place);
        weights.push(weight(share).map_err(located)?);
    }
    let pairs = places.iter().flat_map(|&from| places.iter().map(move |&to| (from, to)));
    let latencies = pairs.map(|(from, to)| regions.latency(from, to)).collect();
    Ok(Regions { names, weights, latencies, rates: None })
}

/// Reads a matrix whose first line names its columns.
fn square<'a>(
    file: &str,
    first: usize,
    header: &[&'a str],
    rows: impl Iterator<Item = (usize, Vec<&'a str>)>,
) -> Result<Regions, RegionError> {
    let at_line = |line: usize| move |fault| RegionError::Line { file: file.to_owned(), line, fault };
    let measure = measure(header[0]).map_err(at_line(first))?;
    let extras = header[1..].iter().take_while(|name| EXTRAS.contains(name)).count();
    let extra =
        |cells: &[&'a str], name: &str| Some(cells[header[1..=extras].iter().position(|known| *known == name)? + 1]);
    let names: Vec<String> = header[1 + extras..].iter().map(|name| (*name).to_owned()).collect();
    check_names(&names).map_err(at_line(first))?;
    let mut set = Regions { names, weights: Vec::new(), latencies: Vec::new(), rates: None };
    let mut rates = Vec::new();
    for (line, cells) in rows {
        let located = at_line(line);
        let region = set.weights.len();
        match set.names.get(region) {
            None => {
                return Err(located(MatrixLineFault::NotSquare {
                    regions: set.names.len(),
                    found: cells[0].to_owned(),
                }));
            }
            Some(name) if name != cells[0] => {
                return Err(located(MatrixLineFault::OutOfOrder { found: cells[0].to_owned(), wanted: name.clone() }));
            }
            Some(_) if cells.len() != header.len() => {
                return Err(located(MatrixLineFault::Cells { cells: cells.len(), wanted: header.len() }));
            }
            Some(_) => {}
        }
        set.weights.push(extra(&cells, "weight").map_or(Ok(1), weight).map_err(located)?);
        if let (Some(up), Some(down)) = (extra(&cells, "up_mbit"), extra(&cells, "down_mbit")) {
            rates.push([rate(up).map_err(located)?, rate(down).map_err(located)?]);
        }
        for (name, cell) in set.names.iter().zip(&cells[1 + extras..]) {
            if cell.is_empty() {
                return Err(RegionError::Hole { file: file.to_owned(), from: cells[0].to_owned(), to: name.clone() });
            }
            let latency = one_figure(cell, measure).map_err(located)?;
            set.latencies.push(latency);
        }
    }
    if let Some(missing) = set.names.get(set.weights.len()) {
        let to = set.names[0].clone();
        return Err(RegionError::Hole { file: file.to_owned(), from: missing.clone(), to });
    }
    set.rates = (rates.len() == set.names.len()).then_some(rates);
    weighed(file, set)
}

/// Reads a list of pairs.
fn pairs<'a>(
    file: &str,
    first: usize,
    header: &[&str],
    rows: impl Iterator<Item = (usize, Vec<&'a str>)>,
) -> Result<Regions, RegionError> {
    let at_line = |line: usize| move |fault| RegionError::Line { file: file.to_owned(), line, fault };
    let quantiles = match header {
        ["from", "to", "p50_rtt_ms", "p90_rtt_ms"] => Some(Measure::RoundTrip),
        ["from", "to", "p50_one_way_ms", "p90_one_way_ms"] => Some(Measure::OneWay),
        _ => None,
    };
    let single = match (quantiles, header) {
        (None, ["from", "to", name]) => Some(measure(name).map_err(at_line(first))?),
        (None, _) => return Err(at_line(first)(MatrixLineFault::Header { found: header.join(",") })),
        _ => None,
    };
    let mut names: Vec<String> = Vec::new();
    let mut places = BTreeMap::new();
    let mut found: Vec<(usize, usize, Latency)> = Vec::new();
    for (line, cells) in rows {
        let located = at_line(line);
        if cells.len() != header.len() {
            return Err(located(MatrixLineFault::Cells { cells: cells.len(), wanted: header.len() }));
        }
        let mut place = |name: &str| {
            *places.entry(name.to_owned()).or_insert_with(|| {
                names.push(name.to_owned());
                names.len() - 1
            })
        };
        let (from, to) = (place(cells[0]), place(cells[1]));
        check_names(&names[names.len().saturating_sub(2)..]).map_err(located)?;
        if names.len() > REGIONS_MAX {
            return Err(located(MatrixLineFault::TooMany { regions: names.len() }));
        }
        let latency = match (quantiles, single) {
            (Some(measure), _) => two_figures(cells[2], cells[3], measure),
            (None, single) => one_figure(cells[2], single.unwrap_or(Measure::OneWay)),
        };
        found.push((from, to, latency.map_err(located)?));
    }
    check_names(&names).map_err(at_line(first))?;
    let mut latencies = vec![None; names.len() * names.len()];
    for (from, to, latency) in found {
        if latencies[from * names.len() + to].replace(latency).is_some() {
            let (from, to) = (names[from].clone(), names[to].clone());
            return Err(RegionError::Twice { file: file.to_owned(), from, to });
        }
    }
    let hole = |pair: usize| RegionError::Hole {
        file: file.to_owned(),
        from: names[pair / names.len()].clone(),
        to: names[pair % names.len()].clone(),
    };
    let complete = latencies.into_iter().enumerate().map(|(pair, latency)| latency.ok_or_else(|| hole(pair)));
    let latencies = complete.collect::<Result<_, _>>()?;
    let weights = vec![1; names.len()];
    Ok(Regions { names, weights, latencies, rates: None })
}

/// Returns the set if at least one region has nodes.
fn weighed(file: &str, set: Regions) -> Result<Regions, RegionError> {
    if set.weights.iter().any(|&weight| weight > 0) {
        Ok(set)
    } else {
        Err(RegionError::Nobody { file: file.to_owned() })
    }
}

fn check_names(names: &[String]) -> Result<(), MatrixLineFault> {
    match names {
        [] => Err(MatrixLineFault::NoRegions),
        _ if names.len() > REGIONS_MAX => Err(MatrixLineFault::TooMany { regions: names.len() }),
        _ if names.iter().any(String::is_empty) => Err(MatrixLineFault::NoName),
        _ => {
            let mut sorted: Vec<&String> = names.iter().collect();
            sorted.sort_unstable();
            let twice = sorted.windows(2).find(|pair| pair[0] == pair[1]);
            twice.map_or(Ok(()), |pair| Err(MatrixLineFault::SameName { name: pair[0].clone() }))
        }
    }
}

fn measure(name: &str) -> Result<Measure, MatrixLineFault> {
    match name {
        "one_way_ms" => Ok(Measure::OneWay),
        "rtt_ms" => Ok(Measure::RoundTrip),
        "pareto_mean_ms" => Ok(Measure::ParetoMean),
        _ => Err(MatrixLineFault::Header { found: name.to_owned() }),
    }
}

/// Parses a latency of one value: constant, or for SimBlock's matrices a Pareto distribution with this mean.
fn one_figure(cell: &str, measure: Measure) -> Result<Latency, MatrixLineFault> {
    let time = time(cell, measure)?;
    if measure != Measure::ParetoMean {
        return Ok(Latency::Constant(time));
    }
    if time <= PARETO_BELOW_MEAN {
        return Err(MatrixLineFault::ParetoMean { found: cell.to_owned() });
    }
    // Shape 0.2 m with m in milliseconds is m / 5 in millionths with m in nanoseconds.
    let (least, shape_millionths) = (time.since(PARETO_BELOW_MEAN), time.0 / 5);
    Ok(Latency::Pareto { least, shape_millionths, greatest: LATENCY_MAX }.check()?)
}

/// Parses a latency of two quantiles.
fn two_figures(median: &str, p90: &str, measure: Measure) -> Result<Latency, MatrixLineFault> {
    let (median, p90) = (time(median, measure)?, time(p90, measure)?);
    if p90 < median {
        return Err(MatrixLineFault::Quantiles { median, p90 });
    }
    if p90 == median {
        return Ok(Latency::Constant(median));
    }
    let least = median - p90.since(median).min(Nanos(median.0 / 2));
    Ok(Latency::LogNormal { median, p90, least, greatest: LATENCY_MAX }.check()?)
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
fn weight(cell: &str) -> Result<u64, MatrixLineFault> {
    let weight = decimal(cell, 6).filter(|&weight| weight <= WEIGHT_MAX);
    weight.ok_or_else(|| MatrixLineFault::Weight { found: cell.to_owned() })
}

/// Parses megabits into a rate in bits per second.
fn rate(cell: &str) -> Result<u64, MatrixLineFault> {
    let rate = decimal(cell, 6).filter(|rate| (1..=RATE_MAX).contains(rate));
    rate.ok_or_else(|| MatrixLineFault::Rate { found: cell.to_owned() })
}

/// The columns that may stand between the first and the regions.
const EXTRAS: [&str; 3] = ["weight", "up_mbit", "down_mbit"];

/// The distance of the minimum of SimBlock's Pareto distribution below its mean.
const PARETO_BELOW_MEAN: Nanos = Nanos::from_millis(5);

/// The maximum weight, a billion, in millionths: the sum of 1,024 of them fits into 64 bits.
const WEIGHT_MAX: u64 = 1_000_000_000_000_000;

/// The maximum rate: a terabit per second.
pub(super) const RATE_MAX: u64 = 1_000_000_000_000;
