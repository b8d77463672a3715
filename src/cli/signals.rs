//! Signals that end a run: SIGINT (Ctrl-C), SIGTERM and SIGHUP.
//!
//! The first of them ends the run with a partial report. If nothing was published yet, there is nothing to report, and
//! the process ends at once; so it does at a second signal. A signal that was ignored when the process started, as
//! `nohup` arranges, stays ignored.
//!
//! Rejected: `ctrlc`, because it does not report which signal came.

use super::files;
use crate::sync::Interrupt;
use crate::sys::is_signal_ignored;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::process;
use std::sync::{Arc, OnceLock};
use std::thread;

/// A signal that ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// From Ctrl-C.
    Interrupt,
    /// From a process that asks this one to end.
    Terminate,
    /// From a terminal that is closed.
    HangUp,
}

impl Signal {
    const ALL: [Signal; 3] = [Signal::Interrupt, Signal::Terminate, Signal::HangUp];

    const fn number(self) -> i32 {
        match self {
            Signal::Interrupt => SIGINT,
            Signal::Terminate => SIGTERM,
            Signal::HangUp => SIGHUP,
        }
    }

    /// Returns the exit code that a shell reports for a process that this signal ended.
    pub(crate) const fn exit_code(self) -> u8 {
        128 + self.number() as u8
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
            Signal::HangUp => "SIGHUP",
        })
    }
}

/// A watch for the signals, for the rest of the process.
pub(crate) struct SignalWatch {
    /// Raised by the first signal.
    pub(crate) interrupt: Interrupt,
    first: Arc<OnceLock<Signal>>,
}

impl SignalWatch {
    /// Begins to watch. Call once in a process.
    ///
    /// # Errors
    ///
    /// The error of the system if it refuses a handler, or a thread that waits for the signals.
    pub(crate) fn start() -> io::Result<SignalWatch> {
        let watch = SignalWatch { interrupt: Interrupt::new(), first: Arc::default() };
        let watched: Vec<Signal> =
            Signal::ALL.into_iter().filter(|signal| !is_signal_ignored(signal.number())).collect();
        let mut signals = Signals::new(watched.iter().map(|signal| signal.number()))?;
        let (interrupt, first) = (watch.interrupt.clone(), Arc::clone(&watch.first));
        let listen = move || {
            for number in signals.forever() {
                let Some(&signal) = watched.iter().find(|signal| signal.number() == number) else { continue };
                if first.set(signal).is_err() || !interrupt.is_attended() {
                    end(signal, &interrupt);
                }
                interrupt.raise();
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
        Ok(watch)
    }

    /// Returns the signal that came first.
    pub(crate) fn signal(&self) -> Signal {
        self.first.get().copied().unwrap_or(Signal::Interrupt)
    }
}

/// Ends the process at once, and leaves no file half written.
fn end(signal: Signal, interrupt: &Interrupt) -> ! {
    let _guard = files::remove_unfinished();
    // If standard error is closed, only the exit code remains.
    let mut stderr = io::stderr();
    let _ = match interrupt.is_attended() {
        false => writeln!(stderr, "{signal} before anything was published: there is nothing to report"),
        // The shell's prompt must not follow a line of progress.
        true if stderr.is_terminal() => writeln!(stderr),
        true => Ok(()),
    };
    process::exit(i32::from(signal.exit_code()));
}
