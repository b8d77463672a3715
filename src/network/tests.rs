//! What the models draw, held against their closed forms, and what they refuse.

mod faults;
mod latency;
mod loss;
mod regions;
mod spec;
mod vectors;
