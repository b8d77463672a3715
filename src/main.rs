//! The binary `bulkprop`: arguments in, report and exit code out. The library does the rest.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::arguments().and_then(cli::run) {
        Ok(exit) => exit.into(),
        Err(failure) => cli::explain(&failure).into(),
    }
}
