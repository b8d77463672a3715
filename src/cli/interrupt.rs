//! Ctrl-C: the first ends the run with a partial report, the second ends the process.

use super::{Exit, Failure, files};
use bulk_order_propagation::sync::Interrupt;
use std::process;

/// An interrupt that Ctrl-C raises. To be called once in a process.
pub(crate) fn on_control_c() -> Result<Interrupt, Failure> {
    let interrupt = Interrupt::new();
    let raised = interrupt.clone();
    let handler = move || {
        if raised.is_raised() {
            let _held_back = files::hold_back();
            process::exit(Exit::Interrupted as i32);
        }
        raised.raise();
    };
    ctrlc::set_handler(handler).map_err(Failure::NoInterrupt)?;
    Ok(interrupt)
}
