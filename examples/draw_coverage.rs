//! Draws coverage over time as an SVG, a curve for each of several scenarios:
//! `cargo run --release --example draw_coverage > docs/coverage.svg`.

use bulk_order_propagation::{Draft, Nanos, Simulation};
use std::error::Error;

/// The options that all curves have in common.
const BASE: &str = "transport = 'simulated'\n nodes = 10_000\n network = 'aws33'\n until = 'quiescent'\n seed = 7\n";

/// A label, options and a colour for each curve.
const CURVES: [(&str, &str, &str); 4] = [
    ("push, fanout 8", "fanout = 8", "#0072b2"),
    ("push, fanout 4", "fanout = 4", "#009e73"),
    ("push, fanout 4, 30 % lost", "fanout = 4\n loss = 0.3", "#d55e00"),
    ("lazy, fanout 8", "protocol = 'lazy'", "#aa4499"),
];

const NODES: f64 = 10_000.0;
const SPAN_MS: f64 = 1_200.0;
const WIDTH_PX: f64 = 640.0;
const HEIGHT_PX: f64 = 280.0;
const LEFT_PX: f64 = 60.0;
const TOP_PX: f64 = 20.0;

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 730 350\" font-family=\"sans-serif\" font-size=\"13\">"
    );
    println!("<rect width=\"730\" height=\"350\" fill=\"white\"/>");
    draw_axes();
    for (place, (label, options, colour)) in CURVES.into_iter().enumerate() {
        let outcome = Simulation::new(Draft::from_toml(&format!("{BASE}{options}"))?.build()?)?.run()?;
        println!("<path d=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>", path(&outcome.delays()));
        let y = TOP_PX + HEIGHT_PX - 20.0 * (CURVES.len() - place) as f64;
        println!("<path d=\"M470,{y} h24\" stroke=\"{colour}\" stroke-width=\"2\"/>");
        println!("<text x=\"502\" y=\"{}\">{label}</text>", y + 4.0);
    }
    println!("</svg>");
    Ok(())
}

/// Draws a grid with its labels.
fn draw_axes() {
    for percent in [0, 25, 50, 75, 95, 100] {
        let y = y_of(f64::from(percent) / 100.0);
        println!("<path d=\"M{LEFT_PX},{y:.1} h{WIDTH_PX}\" stroke=\"#ddd\"/>");
        println!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{percent} %</text>", LEFT_PX - 8.0, y + 4.0);
    }
    for ms in (0..=SPAN_MS as u32).step_by(200) {
        let x = x_of(f64::from(ms));
        println!("<path d=\"M{x},{TOP_PX} v{HEIGHT_PX}\" stroke=\"#ddd\"/>");
        println!("<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{ms} ms</text>", TOP_PX + HEIGHT_PX + 20.0);
    }
    println!("<text x=\"380\" y=\"345\" text-anchor=\"middle\">time since the publication</text>");
}

/// Writes the share of nodes reached as a path, with a point for each hundredth of the network.
fn path(delays: &[Nanos]) -> String {
    let hundredths = delays.iter().enumerate().filter(|(at, _)| at % 100 == 0 || at + 1 == delays.len());
    let points = hundredths.map(|(at, delay)| (delay.0 as f64 / 1e6, (at + 1) as f64 / NODES));
    let points = points.filter(|(ms, _)| *ms <= SPAN_MS).map(|(ms, share)| (x_of(ms), y_of(share)));
    let lines = points.map(|(x, y)| format!(" L{x:.1},{y:.1}"));
    format!("M{LEFT_PX},{:.1}{} H{}", y_of(0.0), lines.collect::<String>(), LEFT_PX + WIDTH_PX)
}

fn x_of(ms: f64) -> f64 {
    LEFT_PX + WIDTH_PX * ms / SPAN_MS
}

fn y_of(share: f64) -> f64 {
    TOP_PX + HEIGHT_PX * (1.0 - share)
}
