//! Virtual time: runs in which the clock is a number, and every seed gives the same run on any number of threads.

pub mod hops;
