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

use super::latency::Latency;
use super::matrix_cells::{MatrixLineFault, Measure, REGIONS_MAX, measure, one_figure, rate, two_figures, weight};
use super::regions::Regions;
use super::spec_fields::escaped;
use std::collections::BTreeMap;

/// The reason why a text does not hold a complete matrix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatrixError {
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

/// Returns the non-empty lines of a text with their numbers, split into cells.
fn rows(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    // Some editors put a byte order mark before the first line.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.split('#').next().unwrap_or_default().trim()));
    lines.filter(|(_, line)| !line.is_empty()).map(|(at, line)| (at, line.split(',').map(str::trim).collect()))
}

/// Reads a set of regions; `file` is its name in errors.
///
/// # Errors
///
/// [`MatrixError`] with the line of the first fault, or with the pair that is missing.
pub(super) fn read(file: &str, text: &str) -> Result<Regions, MatrixError> {
    let mut rows = rows(text);
    let Some((line, header)) = rows.next() else { return Err(MatrixError::Empty { file: file.to_owned() }) };
    if header[0] == "from" { pairs(file, line, &header, rows) } else { square(file, line, &header, rows) }
}

/// Reads a set of sites, each of which is in a region of another set.
pub(super) fn sites(regions: &Regions, text: &str) -> Result<Regions, MatrixError> {
    let (mut names, mut places, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for (line, cells) in rows(text).skip(1) {
        let located = |fault| MatrixError::Line { file: "exchange-sites".to_owned(), line, fault };
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
) -> Result<Regions, MatrixError> {
    let at_line = |line: usize| move |fault| MatrixError::Line { file: file.to_owned(), line, fault };
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
                return Err(MatrixError::Hole { file: file.to_owned(), from: cells[0].to_owned(), to: name.clone() });
            }
            let latency = one_figure(cell, measure).map_err(located)?;
            set.latencies.push(latency);
        }
    }
    if let Some(missing) = set.names.get(set.weights.len()) {
        let to = set.names[0].clone();
        return Err(MatrixError::Hole { file: file.to_owned(), from: missing.clone(), to });
    }
    // Rates count only if every region has them.
    set.rates = (rates.len() == set.names.len()).then_some(rates);
    weighed(file, set)
}

/// Reads a list of pairs.
fn pairs<'a>(
    file: &str,
    first: usize,
    header: &[&str],
    rows: impl Iterator<Item = (usize, Vec<&'a str>)>,
) -> Result<Regions, MatrixError> {
    let at_line = |line: usize| move |fault| MatrixError::Line { file: file.to_owned(), line, fault };
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
        // Only the names that this line can have added; all of them are checked once at the end.
        check_names(&names[names.len().saturating_sub(2)..]).map_err(located)?;
        // Checked on each line, because the matrix will take memory quadratic in the number of regions.
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
            return Err(MatrixError::Twice { file: file.to_owned(), from, to });
        }
    }
    let hole = |pair: usize| MatrixError::Hole {
        file: file.to_owned(),
        from: names[pair / names.len()].clone(),
        to: names[pair % names.len()].clone(),
    };
    let complete = latencies.into_iter().enumerate().map(|(pair, latency)| latency.ok_or_else(|| hole(pair)));
    let latencies = complete.collect::<Result<_, _>>()?;
    // A list of pairs has no column for weights, so all regions count the same.
    let weights = vec![1; names.len()];
    Ok(Regions { names, weights, latencies, rates: None })
}

/// Returns the set if at least one region has nodes.
fn weighed(file: &str, set: Regions) -> Result<Regions, MatrixError> {
    if set.weights.iter().any(|&weight| weight > 0) {
        Ok(set)
    } else {
        Err(MatrixError::Nobody { file: file.to_owned() })
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

/// The columns that may stand between the first and the regions.
const EXTRAS: [&str; 3] = ["weight", "up_mbit", "down_mbit"];
