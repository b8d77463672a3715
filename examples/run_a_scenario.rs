//! Runs one scenario in virtual time and prints its report: `cargo run --release --example run_a_scenario`.

use bulk_order_propagation::{Draft, Simulation};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    // The options of the command line, by name. An option left out gets a default that suits the size of the network.
    let draft = Draft::from_toml(
        "
        transport = 'simulated'
        nodes = 10_000
        network = 'aws33'
        loss = '1%'
        seed = 7
        ",
    )?;
    let outcome = Simulation::new(draft.build()?)?.run()?;
    print!("{}", outcome.report());
    Ok(())
}
