//! Asks which fanout is enough, and what more of it costs: `cargo run --release --example sweep`.

use bulk_order_propagation::{Draft, Simulation};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let base = Draft::from_toml("transport = 'simulated'\n nodes = 10_000\n until = 'quiescent'\n seed = 7")?;
    println!("fanout   coverage   messages   time to 95 %");
    for fanout in [2, 3, 4, 6, 8, 12] {
        let scenario = Draft { fanout: Some(fanout), ..base.clone() }.build()?;
        let outcome = Simulation::new(scenario)?.run()?;
        let coverage = 100.0 * outcome.coverage();
        let time = outcome.time_to_target().map_or_else(|| "never".to_owned(), |time| time.to_string());
        println!("{fanout:>6} {coverage:>8.2} % {:>10} {time:>14}", outcome.messages());
    }
    Ok(())
}
