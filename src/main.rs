//! The binary `bulkprop`. All of it is the library's `cli`, so that it needs no more of the library than that shows.

use std::process::ExitCode;

fn main() -> ExitCode {
    bulk_order_propagation::cli::main()
}
