//! Tests that apply to every carrier and every engine.

mod diagnosis;
mod interrupts;
mod memory;
mod population;
mod threads;
mod tracing;
