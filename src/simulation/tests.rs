//! What holds for every carrier and every engine.

mod interrupts;
mod memory;
mod population;
mod threads;
