//! The distributions of the models compared with their closed forms, and the requests that they refuse.

mod faults;
mod latency;
mod links;
mod loss;
mod regions;
mod spec;
mod vectors;
