//! What ends a run from outside: SIGINT (Ctrl-C), SIGTERM and SIGHUP.
//!
//! The first of them ends the run with a partial report; before anything was published there is none to wait for, and the
//! process ends at once. So it does at the second. A signal that whoever started the process ignores, as `nohup` does, stays
//! ignored.
//!
//! `ctrlc` was refused, because it does not tell which signal came.

use super::{Exit, Failure, files};
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::sys::is_signal_ignored;
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
    /// From whoever asks a process to end.
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

    /// The exit code that a shell gives a process which such a signal ended.
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

/// Hears of the signals for the rest of the process.
pub(crate) struct SignalWatch {
    /// Raised by the first signal.
    pub(crate) interrupt: Interrupt,
    first: Arc<OnceLock<Signal>>,
}

impl SignalWatch {
    /// Begins to listen. To be called once in a process.
    ///
    /// # Errors
    ///
    /// [`Failure::NoSignals`] where the system refuses a handler, or a thread that waits for them.
    pub(crate) fn start() -> Result<SignalWatch, Failure> {
        let watch = SignalWatch { interrupt: Interrupt::new(), first: Arc::default() };
        let heard: Vec<Signal> = Signal::ALL.into_iter().filter(|signal| !is_signal_ignored(signal.number())).collect();
        let mut signals = Signals::new(heard.iter().map(|signal| signal.number())).map_err(Failure::NoSignals)?;
        let (interrupt, first) = (watch.interrupt.clone(), Arc::clone(&watch.first));
        let listen = move || {
            for number in signals.forever() {
                let Some(&signal) = heard.iter().find(|signal| signal.number() == number) else { continue };
                if first.set(signal).is_err() || !interrupt.is_attended() {
                    end(signal, &interrupt);
                }
                interrupt.raise();
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(listen).map_err(Failure::NoSignals)?;
        Ok(watch)
    }

    /// The exit code of what was interrupted.
    pub(crate) fn exit(&self) -> Exit {
        Exit::Ended(self.first.get().copied().unwrap_or(Signal::Interrupt))
    }
}

/// Ends the process at once, and leaves no file half written.
fn end(signal: Signal, interrupt: &Interrupt) -> ! {
    let _held_back = files::hold_back();
    // Where standard error is closed, the exit code has to speak alone.
    let mut stderr = io::stderr();
    let _ = match interrupt.is_attended() {
        false => writeln!(stderr, "{signal} before anything was published: there is nothing to report"),
        // The prompt is not to follow a line of progress.
        true if stderr.is_terminal() => writeln!(stderr),
        true => Ok(()),
    };
    process::exit(i32::from(signal.exit_code()));
}
