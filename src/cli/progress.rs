//! Shows on standard error how far a long run in virtual time has come: if that is a terminal, or on request.
//!
//! Rejected: a crate of progress bars, because this is one line, and a bar would have to know when the run ends.

use crate::scenario::Scenario;
use crate::threads::{Observer, Progress};
use crate::time::Nanos;
use crate::transport::Clock;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

/// Time before the first line on a terminal. A shorter run shows none.
const FIRST_LINE_DELAY: Nanos = Nanos::from_millis(500);

/// Time between two updates on a terminal.
const PERIOD: Nanos = Nanos::from_millis(100);
/// Time between two updates elsewhere, where each takes a line of its own.
const LINE_PERIOD: Nanos = Nanos::from_millis(500);

/// Clears the line and returns to its start.
const BLANK: &str = "\r\x1b[2K";

/// A display of how far a run has come.
pub(super) struct Meter {
    /// First receipts that all orders together can have.
    receipts: u64,
    style: ProgressStyle,
    clock: Clock,
    said: Mutex<LastLine>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ProgressStyle {
    /// One line that is overwritten.
    Terminal,
    /// A line for each update.
    Lines,
    Silent,
}

/// The last update shown.
#[derive(Default)]
struct LastLine {
    /// Its time; before the first update of a run, the time at which the run began.
    at: Option<Nanos>,
    messages: u64,
    is_shown: bool,
}

impl Meter {
    /// Creates a meter for runs of a scenario, which shows progress if `asked` is true or standard error is a terminal.
    pub(super) fn new(scenario: &Scenario, asked: bool) -> Meter {
        let style = match (scenario.carrier.transport.is_virtual(), io::stderr().is_terminal(), asked) {
            (true, true, _) => ProgressStyle::Terminal,
            (true, false, true) => ProgressStyle::Lines,
            _ => ProgressStyle::Silent,
        };
        let receipts = u64::from(scenario.overlay.nodes) * u64::from(scenario.orders());
        Meter { receipts, style, clock: Clock::start(), said: Mutex::default() }
    }

    fn period(&self, said: &LastLine) -> Nanos {
        match self.style {
            ProgressStyle::Terminal if said.is_shown => PERIOD,
            ProgressStyle::Terminal => FIRST_LINE_DELAY,
            ProgressStyle::Lines | ProgressStyle::Silent => LINE_PERIOD,
        }
    }

    fn show(&self, line: &str) {
        // If standard error is closed, nothing remains to be done.
        let _ = match self.style {
            ProgressStyle::Terminal => write!(io::stderr(), "{BLANK}{line}"),
            ProgressStyle::Lines | ProgressStyle::Silent => writeln!(io::stderr(), "{line}"),
        };
    }

    fn line(&self, progress: &Progress, since: Nanos, messages: u64) -> String {
        let Progress { reached, time, messages: all } = *progress;
        let rate = messages as f64 / since.as_secs_f64().max(1e-9);
        let [reached, receipts, all, rate] = [reached, self.receipts, all, rate as u64].map(short);
        format!("{reached} of {receipts} receipts, {time} virtual, {all} messages, {rate}/s")
    }
}

impl Observer for Meter {
    fn progressed(&self, progress: &Progress) {
        if self.style == ProgressStyle::Silent {
            return;
        }
        // Only one worker of a run reports progress, so the lock is free.
        let Ok(mut said) = self.said.try_lock() else { return };
        let now = self.clock.now();
        if progress.messages < said.messages {
            // Another run has replacement.
            (said.at, said.messages) = (None, 0);
        }
        let since = now.since(*said.at.get_or_insert(now));
        if since < self.period(&said) {
            return;
        }
        let line = self.line(progress, since, progress.messages - said.messages);
        self.show(&line);
        *said = LastLine { at: Some(now), messages: progress.messages, is_shown: true };
    }

    fn run_made(&self, made: u64, runs: u32) {
        if self.style == ProgressStyle::Silent {
            return;
        }
        // Another worker shows a line at this moment.
        let Ok(mut said) = self.said.try_lock() else { return };
        let now = self.clock.now();
        if now.since(said.at.unwrap_or(Nanos::ZERO)) >= self.period(&said) {
            self.show(&format!("{made} of {runs} runs"));
            *said = LastLine { at: Some(now), messages: 0, is_shown: true };
        }
    }
}

/// Formats a count in six columns at most: three digits and a factor if it has more than five.
fn short(count: u64) -> String {
    if count < 100_000 {
        return count.to_string();
    }
    let (mut shown, mut factors) = (count as f64 / 1e3, ["k", "M", "G", "T", "P", "E"].iter());
    let mut factor = factors.next();
    while shown >= 999.5
        && let Some(next) = factors.next()
    {
        (shown, factor) = (shown / 1e3, Some(next));
    }
    let decimals = if shown < 9.995 { 2 } else { usize::from(shown < 99.95) };
    format!("{shown:.decimals$} {}", factor.unwrap_or(&""))
}

/// A display of how many runs of a comparison have ended, and of the time that the others will take.
pub(super) struct TurnMeter {
    style: ProgressStyle,
    clock: Clock,
    said: Mutex<Option<Nanos>>,
}

impl TurnMeter {
    /// Creates a meter, which shows progress if `asked` is true or standard error is a terminal.
    pub(super) fn new(asked: bool) -> TurnMeter {
        let style = match (io::stderr().is_terminal(), asked) {
            (true, _) => ProgressStyle::Terminal,
            (false, true) => ProgressStyle::Lines,
            (false, false) => ProgressStyle::Silent,
        };
        TurnMeter { style, clock: Clock::start(), said: Mutex::default() }
    }

    /// Shows that `made` of `all` runs have ended.
    pub(super) fn show(&self, made: u64, all: u64) {
        if self.style == ProgressStyle::Silent {
            return;
        }
        // Another worker shows a line at this moment.
        let Ok(mut said) = self.said.try_lock() else { return };
        let now = self.clock.now();
        if now.since(said.unwrap_or(Nanos::ZERO)) < LINE_PERIOD {
            return;
        }
        // If standard error is closed, nothing remains to be done.
        let _ = match self.style {
            ProgressStyle::Terminal => write!(io::stderr(), "{BLANK}{}", turn_line(made, all, now)),
            ProgressStyle::Lines | ProgressStyle::Silent => writeln!(io::stderr(), "{}", turn_line(made, all, now)),
        };
        *said = Some(now);
    }
}

/// Says how many of all runs were made in a time, and how long the others will take if they are as fast.
fn turn_line(made: u64, all: u64, passed: Nanos) -> String {
    let each = passed.as_secs_f64() / made.max(1) as f64;
    let left = each * all.saturating_sub(made) as f64;
    let [minutes, seconds] = [left / 60.0, left % 60.0].map(|time| time as u64);
    let left = if minutes > 0 { format!("{minutes} min {seconds} s") } else { format!("{seconds} s") };
    format!("{made} of {all} runs, about {left} left")
}

/// Clears the line, to leave the terminal as it was.
impl Drop for TurnMeter {
    fn drop(&mut self) {
        let is_shown = self.said.get_mut().is_ok_and(|said| said.is_some());
        if is_shown && self.style == ProgressStyle::Terminal {
            let _ = write!(io::stderr(), "{BLANK}");
        }
    }
}

/// Clears the line, to leave the terminal as it was.
impl Drop for Meter {
    fn drop(&mut self) {
        let is_shown = self.said.get_mut().is_ok_and(|said| said.is_shown);
        if is_shown && self.style == ProgressStyle::Terminal {
            let _ = write!(io::stderr(), "{BLANK}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Draft, TransportKind};

    fn meter(nodes: u32, orders: u32) -> Meter {
        let transport = Some(TransportKind::Simulated);
        let draft = Draft { nodes: Some(nodes), orders: Some(orders), transport, ..Draft::default() };
        Meter::new(&draft.build().unwrap(), true)
    }

    #[test]
    fn receipts_of_all_orders_are_counted() {
        let progress = Progress { reached: 67_001, time: Nanos::from_millis(6_700), messages: 65_869_065 };
        let line = meter(1_000, 5_000).line(&progress, Nanos::from_secs(2), 3_000_000);
        assert_eq!(line, "67001 of 5.00 M receipts, 6.700 s virtual, 65.9 M messages, 1.50 M/s");
    }

    #[test]
    fn the_time_left_is_that_of_the_runs_so_far() {
        assert_eq!(turn_line(12, 60, Nanos::from_secs(10)), "12 of 60 runs, about 40 s left");
        assert_eq!(turn_line(1, 61, Nanos::from_millis(2_500)), "1 of 61 runs, about 2 min 30 s left");
        assert_eq!(turn_line(60, 60, Nanos::from_secs(10)), "60 of 60 runs, about 0 s left");
    }

    #[test]
    fn a_line_fits_the_narrowest_terminal() {
        for count in [0, 99_999, 100_000, 999_499, 999_999, 9_994_999, 99_949_999, 999_999_999, u64::MAX] {
            assert!(short(count).len() <= 6, "{}", short(count));
            let progress = Progress { reached: count, time: Nanos::MAX, messages: count };
            let mut meter = meter(2, 1);
            meter.receipts = count;
            let line = meter.line(&progress, Nanos::from_secs(1), count);
            assert!(line.chars().count() < 80, "{line}");
        }
    }
}
