//! The knee for a terminal: a plot of rate against delay, and a line per run.

use super::{Fault, Knee, Probe};
use crate::quantity::grouped;
use crate::time::Nanos;
use std::fmt;

/// Columns of the plot's field: with its labels the plot takes 80.
const COLUMNS: usize = 60;
/// Rows of the plot's field.
const ROWS: usize = 14;

/// The mark of a run that holds.
const HOLDS: char = '*';
/// The mark of a run that fails.
const FAILS: char = 'x';

impl fmt::Display for Knee {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for notice in &self.notices {
            writeln!(out, "Notice: {notice}")?;
        }
        if !self.notices.is_empty() {
            writeln!(out)?;
        }
        let limit = Nanos(self.limit_ns);
        match (self.rate, self.fails_at) {
            (Some(rate), Some(fails)) => {
                writeln!(
                    out,
                    "Knee: {rate} (99% of the orders reach their target within {limit}, none\n  misses it, no queue \
                     grows; {fails} fails)"
                )?;
            }
            (Some(rate), None) => writeln!(out, "No knee up to {rate}: every rate that was tried holds")?,
            (None, Some(fails)) => writeln!(out, "No knee: {fails}, the least rate tried, fails")?,
            (None, None) => writeln!(out, "No knee: no rate was tried")?,
        }
        if self.rate.is_some() {
            let [least, greatest] = self.over_seeds.map(|rate| rate.map_or("none".to_owned(), |rate| rate.to_string()));
            writeln!(out, "Over the seeds: {least} to {greatest}")?;
        }
        if self.interrupted {
            writeln!(out, "Interrupted: what is known until then")?;
        }
        self.plot(out)?;
        self.table(out)
    }
}

impl Knee {
    /// Plots delay against rate on logarithmic axes. A run in which orders missed their target is in the top row.
    fn plot(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delay = |probe: &Probe| probe.time_to_target_ns.p99.filter(|_| probe.missed == 0);
        let delays = || self.probes.iter().filter_map(delay).chain([self.limit_ns]);
        let (Some(least), Some(greatest)) = (delays().min(), delays().max()) else { return Ok(()) };
        let rates = || self.probes.iter().map(|probe| probe.rate.as_f64());
        let (slow, fast) = (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max));
        if self.probes.is_empty() {
            return Ok(());
        }
        let row = |delay: u64| ROWS - 1 - position(delay as f64, least as f64, greatest as f64, ROWS - 2);
        let mut field = vec![vec![' '; COLUMNS]; ROWS];
        field[row(self.limit_ns)].fill('-');
        for probe in &self.probes {
            let column = position(probe.rate.as_f64(), slow, fast, COLUMNS - 1);
            let row = delay(probe).map_or(0, row);
            field[row][column] = if probe.holds { HOLDS } else { FAILS };
        }
        writeln!(
            out,
            "\nTime to the target by rate, p99 over orders\n({HOLDS} holds, {FAILS} fails, top row: orders missed \
             it):\n"
        )?;
        for (index, line) in field.iter().enumerate() {
            let label = match index {
                0 => "missed".to_owned(),
                _ if index == row(self.limit_ns) => format!("limit {}", Nanos(self.limit_ns)),
                _ if index == row(greatest) => Nanos(greatest).to_string(),
                _ if index == row(least) => Nanos(least).to_string(),
                _ => String::new(),
            };
            let line: String = line.iter().collect();
            writeln!(out, "{label:>18} |{}", line.trim_end())?;
        }
        writeln!(out, "{:>18} +{}", "", "-".repeat(COLUMNS))?;
        let (first, last) = (format!("{slow:.0}/s"), format!("{fast:.0}/s"));
        writeln!(out, "{:>18}  {first}{last:>width$}", "", width = COLUMNS.saturating_sub(first.len()))
    }

    fn table(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.probes.is_empty() {
            return Ok(());
        }
        let titles = ["rate", "judged", "missed", "p50", "p99", "growth", "late p99", "sent/s"].map(str::to_owned);
        let rows: Vec<_> = self
            .ascending()
            .into_iter()
            .map(|probe| (cells(probe), probe.fault.map_or("holds", Fault::name)))
            .collect();
        // As narrow as the figures allow, so that a usual search fits 80 columns.
        let width = |at: usize| rows.iter().map(|row| &row.0).chain([&titles]).map(|cells| cells[at].len()).max();
        let widths: [usize; 8] = std::array::from_fn(|at| width(at).unwrap_or(0));
        let line = |cells: &[String; 8]| -> String {
            widths.iter().zip(cells).map(|(&width, cell)| format!("{cell:>width$}  ")).collect()
        };
        writeln!(out, "\n{}", line(&titles).trim_end())?;
        rows.iter().try_for_each(|(cells, verdict)| writeln!(out, "{}{verdict}", line(cells)))
    }
}

/// Writes the figures of a run, one for each column of the table.
fn cells(probe: &Probe) -> [String; 8] {
    let time = |time: Option<u64>| time.map_or_else(|| "-".to_owned(), |time| Nanos(time).to_string());
    let times = &probe.time_to_target_ns;
    [
        probe.rate.to_string(),
        grouped(probe.judged),
        grouped(probe.missed),
        time(times.p50),
        time(times.p99),
        probe.growth.map_or_else(|| "-".to_owned(), |growth| format!("{:.1}", growth.ratio)),
        time(probe.published_late_ns.p99),
        grouped(probe.messages_per_second.round() as u64),
    ]
}

/// Returns the position of a value between two others on a logarithmic axis, as one of `steps + 1` places.
fn position(value: f64, least: f64, greatest: f64, steps: usize) -> usize {
    let span = (greatest.max(1.0) / least.max(1.0)).ln();
    if span <= 0.0 { 0 } else { ((value.max(1.0) / least.max(1.0)).ln() / span * steps as f64).round() as usize }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{knee, probe};
    use super::*;
    use crate::workload::Rate;

    #[test]
    fn the_plot_has_every_run_and_the_limit() {
        let probes = vec![probe(100, 1_000_000, 0), probe(200, 2_000_000, 0), probe(400, 4_000_000, 7)];
        let (rate, fails_at) = (Some(Rate::per_second(200)), Some(Rate::per_second(400)));
        let knee = Knee { rate, fails_at, over_seeds: [Some(Rate::per_second(100)), rate], ..knee(8_000_000, probes) };
        let text = knee.to_string();
        assert!(text.starts_with("Knee: 200/s (99% of the orders reach their target within 8.000 ms"), "{text}");
        assert!(text.contains("\nOver the seeds: 100/s to 200/s\n") && text.contains("  missed\n"), "{text}");
        let field: Vec<&str> = text.lines().filter_map(|line| line.split_once('|').map(|(_, field)| field)).collect();
        assert_eq!(field.len(), ROWS);
        assert_eq!(field[0].find(FAILS), Some(COLUMNS - 1), "{text}");
        assert_eq!(field[1], "-".repeat(COLUMNS), "{text}");
        assert_eq!(field[ROWS - 1].find(HOLDS), Some(0), "{text}");
        assert_eq!(text.lines().count(), 3 + 4 + ROWS + 2 + 2 + 3);
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }

    #[test]
    fn notices_come_first() {
        let knee = Knee {
            notices: vec!["The machine was busy.".to_owned()],
            interrupted: true,
            ..knee(5, vec![probe(1, 5, 0)])
        };
        let text = knee.to_string();
        assert!(text.starts_with("Notice: The machine was busy.\n\nNo knee: no rate was tried\nInterrupted"), "{text}");
    }
}
