//! The knee for a terminal: a plot of rate against delay, and a line per run.

use super::{Knee, Probe};
use crate::time::Nanos;
use std::fmt;

/// Columns and rows of the plot's field.
const COLUMNS: usize = 72;
const ROWS: usize = 14;

/// What stands for a run.
const HOLDS: char = '*';
const FAILS: char = 'x';

impl fmt::Display for Knee {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = Nanos(self.limit_ns);
        match (self.rate, self.fails_at) {
            (Some(rate), Some(fails)) => {
                writeln!(
                    out,
                    "Knee: {rate} (99% of the orders reach their target within {limit}, none is lost; {fails} fails)"
                )?;
            }
            (Some(rate), None) => writeln!(out, "No knee up to {rate}: every rate that was tried holds")?,
            (None, Some(fails)) => writeln!(out, "No knee: {fails} fails already")?,
            (None, None) => writeln!(out, "No knee: no rate was measured")?,
        }
        if self.interrupted {
            writeln!(out, "Interrupted: what is known until then")?;
        }
        self.plot(out)?;
        self.table(out)
    }
}

impl Knee {
    /// Both axes in ratios, so that every doubling is as wide. A run that lost orders stands at the top.
    fn plot(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delay = |probe: &Probe| probe.time_to_target_ns.p99.filter(|_| probe.lost == 0);
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
            "\nTime to the target, p99 over orders ({HOLDS} holds, {FAILS} fails, top row: orders lost), by rate:\n"
        )?;
        for (index, line) in field.iter().enumerate() {
            let label = match index {
                0 => "lost".to_owned(),
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
        writeln!(
            out,
            "\n{:>16}  {:>7}  {:>5}  {:>12}  {:>12}  {:>12}  {:>12}  {:>11}",
            "rate", "orders", "lost", "p50", "p99", "max", "late p99", "messages/s"
        )?;
        let time = |time: Option<u64>| time.map_or_else(|| "-".to_owned(), |time| Nanos(time).to_string());
        for probe in self.ascending() {
            let Probe { rate, orders, lost, time_to_target_ns: times, .. } = probe;
            writeln!(
                out,
                "{rate:>16}  {orders:>7}  {lost:>5}  {:>12}  {:>12}  {:>12}  {:>12}  {:>11.0}  {}",
                time(times.p50),
                time(times.p99),
                time(times.max),
                time(probe.published_late_ns.p99),
                probe.messages_per_second,
                if probe.holds { "holds" } else { "fails" }
            )?;
        }
        Ok(())
    }
}

/// Where a value lies between two others in ratio, as one of `steps + 1` places.
fn position(value: f64, least: f64, greatest: f64, steps: usize) -> usize {
    let span = (greatest.max(1.0) / least.max(1.0)).ln();
    if span <= 0.0 { 0 } else { ((value.max(1.0) / least.max(1.0)).ln() / span * steps as f64).round() as usize }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;

    fn probe(rate: u64, p99: u64, lost: u64) -> Probe {
        let times = OrderTimes { orders: 100, p99: Some(p99), ..OrderTimes::default() };
        Probe {
            rate: Rate::per_second(rate),
            orders: 100,
            lost,
            time_to_target_ns: times,
            published_late_ns: OrderTimes::default(),
            messages_per_second: 5e5,
            holds: lost == 0 && p99 <= 8_000_000,
        }
    }

    #[test]
    fn the_plot_has_every_run_and_the_limit() {
        let probes = vec![probe(100, 1_000_000, 0), probe(200, 2_000_000, 0), probe(400, 4_000_000, 7)];
        let (rate, fails) = (Some(Rate::per_second(200)), Some(Rate::per_second(400)));
        let knee = Knee { limit_ns: 8_000_000, rate, fails_at: fails, interrupted: false, probes };
        let text = knee.to_string();
        assert!(text.starts_with("Knee: 200/s (99% of the orders reach their target within 8.000 ms"), "{text}");
        let field: Vec<&str> = text.lines().filter_map(|line| line.split_once('|').map(|(_, field)| field)).collect();
        assert_eq!(field.len(), ROWS);
        assert_eq!(field[0].find(FAILS), Some(COLUMNS - 1), "{text}");
        assert_eq!(field[1], "-".repeat(COLUMNS), "{text}");
        assert_eq!(field[ROWS - 1].find(HOLDS), Some(0), "{text}");
        assert_eq!(text.lines().count(), 1 + 3 + ROWS + 2 + 2 + 3);
    }

    #[test]
    fn one_run_is_a_plot_too() {
        let knee = Knee { limit_ns: 5, rate: None, fails_at: None, interrupted: true, probes: vec![probe(1, 5, 0)] };
        assert!(knee.to_string().contains("Interrupted"));
    }
}
