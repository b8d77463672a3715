//! How far a long run in virtual time has come, on standard error: where that is a terminal, or on request.
//!
//! What was refused: a crate of progress bars. It is one line, and a bar would have to know when the run ends.

use bulk_order_propagation::scenario::Scenario;
use bulk_order_propagation::threads::{Observer, Progress};
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::transport::Clock;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

/// A run that is over sooner is not worth a word.
const SILENT_AT_FIRST: Nanos = Nanos::from_millis(500);

/// Time between two words on a terminal, and elsewhere, where each has a line of its own.
const PERIOD: Nanos = Nanos::from_millis(100);
const LINE_PERIOD: Nanos = Nanos::from_millis(500);

/// Blanks the line and goes back to its start.
const BLANK: &str = "\r\x1b[2K";

/// Tells how far a run has come.
pub(super) struct Meter {
    /// First receipts that all orders together can have.
    receipts: u64,
    manner: ProgressStyle,
    clock: Clock,
    said: Mutex<LastLine>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ProgressStyle {
    /// One line that changes.
    Terminal,
    /// A line for each word.
    Lines,
    Silent,
}

/// What was told last.
#[derive(Default)]
struct LastLine {
    /// When; before the first word of a run, when the run began.
    at: Option<Nanos>,
    messages: u64,
    is_shown: bool,
}

impl Meter {
    /// A meter for runs of a scenario, which speaks if that is `asked` or standard error is a terminal.
    pub(super) fn new(scenario: &Scenario, asked: bool) -> Meter {
        let manner = match (scenario.transport.is_virtual(), io::stderr().is_terminal(), asked) {
            (true, true, _) => ProgressStyle::Terminal,
            (true, false, true) => ProgressStyle::Lines,
            _ => ProgressStyle::Silent,
        };
        let receipts = u64::from(scenario.nodes) * u64::from(scenario.orders());
        Meter { receipts, manner, clock: Clock::start(), said: Mutex::default() }
    }

    fn period(&self, said: &LastLine) -> Nanos {
        match self.manner {
            ProgressStyle::Terminal if said.is_shown => PERIOD,
            ProgressStyle::Terminal => SILENT_AT_FIRST,
            ProgressStyle::Lines | ProgressStyle::Silent => LINE_PERIOD,
        }
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
        if self.manner == ProgressStyle::Silent {
            return;
        }
        // Only one worker of a run speaks, so that nobody waits here.
        let Ok(mut said) = self.said.try_lock() else { return };
        let now = self.clock.now();
        if progress.messages < said.messages {
            // Another run has begun.
            (said.at, said.messages) = (None, 0);
        }
        let since = now.since(*said.at.get_or_insert(now));
        if since < self.period(&said) {
            return;
        }
        let line = self.line(progress, since, progress.messages - said.messages);
        // Where standard error is closed there is nobody to tell.
        let _ = match self.manner {
            ProgressStyle::Terminal => write!(io::stderr(), "{BLANK}{line}"),
            ProgressStyle::Lines | ProgressStyle::Silent => writeln!(io::stderr(), "{line}"),
        };
        *said = LastLine { at: Some(now), messages: progress.messages, is_shown: true };
    }
}

/// A count in six columns at most: three digits and a factor where it has more than five.
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

/// Leaves a terminal as it was.
impl Drop for Meter {
    fn drop(&mut self) {
        let is_shown = self.said.get_mut().is_ok_and(|said| said.is_shown);
        if is_shown && self.manner == ProgressStyle::Terminal {
            let _ = write!(io::stderr(), "{BLANK}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bulk_order_propagation::scenario::{Draft, TransportKind};

    fn meter(nodes: u32, orders: u32) -> Meter {
        let transport = Some(TransportKind::Simulated);
        let draft = Draft { nodes: Some(nodes), orders: Some(orders), transport, ..Draft::default() };
        Meter::new(&draft.build().unwrap(), true)
    }

    #[test]
    fn it_counts_receipts_of_all_orders() {
        let progress = Progress { reached: 67_001, time: Nanos::from_millis(6_700), messages: 65_869_065 };
        let line = meter(1_000, 5_000).line(&progress, Nanos::from_secs(2), 3_000_000);
        assert_eq!(line, "67001 of 5.00 M receipts, 6.700 s virtual, 65.9 M messages, 1.50 M/s");
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
